"""Probes that are not installed: a class in a Python file, or an object."""

import dataclasses
import hashlib
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from auditkit.errors import ProbeError, SettingsError
from auditkit.files import regular
from auditkit.plugin.discovery import Plugin, blamed
from auditkit.plugin.guard import TIMEOUT, guarded
from auditkit.plugin.probe import Probe
from auditkit.text import listing, one_of, said, shown

_FILE = re.compile(r"(?P<path>.*\.py)(:(?P<kind>[^:/]*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found outside of what is installed."""

    name: str
    value: str
    made: Any = field(repr=False)

    def load(self) -> Any:
        return self.made


def in_a_file(name: str) -> bool:
    """Whether a name of a probe is that of a file: `path/to/digits.py:Digits`."""
    return _FILE.fullmatch(name) is not None


def without_folder(name: str) -> str:
    """A name of a probe without the folder of its file, which is a machine's own.

    >>> without_folder("own/digits.py:Digits"), without_folder("stopword")
    ('digits.py:Digits', 'stopword')
    """
    return Path(name).name if in_a_file(name) else name


def read_class(name: str, what: str, *, seconds: int = TIMEOUT) -> tuple[Any, str]:
    """The class of a Python file, which is run as a third party's code, and the file's SHA-256.

    Args:
        name: The path of the file, a colon, and the name of a class in it that has a `name`.
        what: What errors call it.
        seconds: What it may take.

    Raises:
        SettingsError: There is no such file, or no class is named.
        ProbeError: The file cannot be run, or has no such class with a name.
    """
    found = _FILE.fullmatch(name)
    if found is None or not found["kind"]:
        raise SettingsError(f"{what} {shown(name)}: no class is named; write FILE.py:CLASS")
    path, kind = Path(found["path"]), found["kind"]
    try:
        source = regular(path).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{what} {shown(name)}: no file {listing([path.name])}: {error.strerror}; give its "
            "path from the working directory"
        ) from error
    where = f"{what} {listing([path.name])}:{listing([kind])}"
    digest = hashlib.sha256(source).hexdigest()
    with guarded(seconds), blamed(where):
        module = _run(path, source, f"auditkit_own_{digest[:16]}")
        factory = vars(module).get(kind)
        if factory is None:
            kinds = [key for key, value in vars(module).items() if _declared(value, module)]
            raise ProbeError(f"the file has no class {kind!r}; {one_of(kinds, kind)}")
        if not isinstance(getattr(factory, "name", None), str):
            raise ProbeError('the class has no `name`, as in name = "digits"')
    return factory, digest


def read_probe(name: str, *, seconds: int = TIMEOUT) -> Plugin:
    """The probe of a Python file, of which a class is named: `read_class`."""
    factory, digest = read_class(name, "probe", seconds=seconds)
    return Plugin(factory.name, without_folder(name), _Found(factory.name, name, factory), digest)


def handed_over(probe: Probe) -> Plugin:
    """A probe that was built already; its fields are the options that it was given."""
    return Plugin(probe.name, type(probe).__module__, _Found(probe.name, repr(type(probe)), probe))


def told_options(plugin: Plugin, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options that decide what a probe says: those given, and of an object all its fields."""
    made = plugin.origin.made if isinstance(plugin.origin, _Found) else None
    if made is None or isinstance(made, type):
        return options
    return {f.name: getattr(made, f.name) for f in dataclasses.fields(made)} | dict(options)


def beside(installed: Mapping[str, Plugin], own: Iterable[Plugin]) -> dict[str, Plugin]:
    """Installed probes and the run's own, by name.

    Raises:
        ProbeError: Two have one name.
    """
    found = dict(installed)
    for plugin in own:
        other = found.get(plugin.name)
        if other is not None:
            raise ProbeError(
                f"probe {plugin.name} (from {plugin.distribution}): that name is taken by the "
                f"probe of {other.distribution}; give yours another `name`"
            )
        found[plugin.name] = plugin
    return found


def _run(path: Path, source: bytes, name: str) -> ModuleType:
    """The module that a file makes; the same bytes are run once."""
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        exec(compile(source, str(path), "exec"), vars(module))
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, SyntaxError | ValueError):
            raise ProbeError(f"the file cannot be read as Python: {said(error)}") from error
        raise
    return module


def _declared(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__
