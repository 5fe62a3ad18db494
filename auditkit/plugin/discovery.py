"""Finding the probes that are installed.

Built-in probes come through the same door as third parties': the entry-point group
`auditkit.probes`, whose values are frozen dataclasses that implement `Probe`. Their fields are the
probe's options. A run calls a probe by its own name; one that a third party's distribution installs
has that of the distribution before it, `my-package.digits`, so that no name is ever taken.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple, Protocol, get_type_hints

from auditkit.errors import ProbeError
from auditkit.plugin.guard import TIMEOUT, guarded
from auditkit.plugin.probe import Probe, needs, place_of
from auditkit.ranges import check, expected
from auditkit.signals import is_signal
from auditkit.text import fault, one_of, said, shown

GROUP = "auditkit.probes"
OWN = "auditkit"
"""The distribution of the built-in probes."""
UNKNOWN = "unknown"
"""The distribution of an entry point that does not tell its own."""

_NAME = re.compile(
    r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII
)  # also a file's, and an address's


class Origin(Protocol):
    """Where a probe is taken from: an entry point, a file, an object."""

    @property
    def name(self) -> str:
        """What the probe calls itself."""
        ...

    @property
    def value(self) -> str:
        """What errors call it."""
        ...

    def load(self) -> Any:
        """Its class, or the probe itself."""
        ...


@dataclass(frozen=True, slots=True)
class Plugin:
    """A probe that can be asked, not built yet."""

    name: str
    """What a run calls it."""
    distribution: str
    """What it came with: an installed package, a file, a module."""
    origin: Origin
    sha256: str = ""
    """Of the file that it was read from; "" of one that is installed or was handed over."""

    @property
    def built_in(self) -> bool:
        """Whether it comes with auditkit, and is not a third party's."""
        return self.distribution == OWN

    def guarded(self, seconds: int) -> AbstractContextManager[None]:
        """What to run its code in: of a third party's probe `auditkit.plugin.guard.guarded`."""
        return nullcontext() if self.built_in else guarded(seconds)

    def load(self, options: Mapping[str, Any] | None = None, *, seconds: int = TIMEOUT) -> Probe:
        """Import the probe and build it with `options`.

        Args:
            options: By name.
            seconds: What a third party's probe may take for it.

        Raises:
            ProbeError: The import fails, the class is no probe, or an option is unknown, or not
                what the annotation of its field has it: type and range.
        """
        where = f"probe {self.name} (from {self.distribution})"
        with self.guarded(seconds):
            with blamed(where):
                _check_name(self.name)
            with blamed(f"{where}: cannot be imported"):
                made = self.origin.load()
            with blamed(where):
                if not dataclasses.is_dataclass(made):
                    raise ProbeError(f"{self.origin.value} is not a dataclass")
                if isinstance(made, type):
                    kind, build = made, partial(made)
                else:
                    kind, build = type(made), partial(dataclasses.replace, made)
                return _checked(build(**checked_options(kind, options or {})), self.origin.name)


def discover() -> dict[str, Plugin]:
    """All installed probes by name, in order of name.

    Raises:
        ProbeError: Two distributions install a probe of the same name.
    """
    found: dict[str, Plugin] = {}
    plugins = [_installed(entry) for entry in entry_points(group=GROUP)]
    for plugin in sorted(plugins, key=lambda plugin: plugin.name):
        other = found.get(plugin.name)
        if other is not None and other.origin.value != plugin.origin.value:
            raise ProbeError(
                f"probe {plugin.name} is installed twice, by {other.distribution} and "
                f"{plugin.distribution}; uninstall one"
            )
        found[plugin.name] = plugin
    return found


class Option(NamedTuple):
    """An option of a probe."""

    name: str
    default: Any
    expected: str
    """Its type and range, in words."""


def options_of(probe: Probe) -> tuple[Option, ...]:
    """The options of a probe that was built without any: its fields."""
    hints = get_type_hints(type(probe), include_extras=True)
    fields = [f for f in dataclasses.fields(probe) if f.init]  # type: ignore[arg-type]
    return tuple(Option(f.name, getattr(probe, f.name), expected(hints[f.name])) for f in fields)


def in_order(probes: Mapping[str, Probe]) -> dict[str, Probe]:
    """Probes by the places that they declare, then by the names that a run calls them."""
    return dict(sorted(probes.items(), key=lambda item: (place_of(item[1]), item[0])))


@contextmanager
def blamed(where: str) -> Iterator[None]:
    """Whatever a third party's code raises in the block is an error of the probe.

    Raises:
        ProbeError: Its line begins with `where`.
    """
    try:
        yield
    except BaseException as error:
        if is_signal(error):
            raise
        told = said(error) if isinstance(error, Exception) else fault(error)
        raise ProbeError(f"{where}: {told}") from error


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ProbeError("the name is to be letters, digits, _ and -, with dots between them")


def _checked(probe: Any, name: str) -> Probe:
    """What was built, which is a probe, and the one of that name."""
    if not isinstance(probe, Probe):
        missing = [n for n in ("name", "version", "question", "needs", "analyse")
                   if not hasattr(probe, n)]  # fmt: skip
        raise ProbeError(f"lacks {', '.join(missing)} of the probe protocol")
    if probe.name != name:
        raise ProbeError(f"calls itself {probe.name!r}; both names must be the same")
    for part in ("version", "question"):
        if not isinstance(getattr(probe, part), str):
            raise ProbeError(f"{part} is {shown(getattr(probe, part))}, expected text")
    strange = set(probe.needs) - set(needs())
    if strange:
        raise ProbeError(f"needs {min(strange)!r}; {one_of(needs(), min(strange))}")
    place_of(probe)
    return probe


def checked_options(factory: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as values of the types of a dataclass's fields.

    Raises:
        ProbeError: One is unknown, or not what the annotation of its field has it: type and range.
    """
    fields = {f.name for f in dataclasses.fields(factory) if f.init}
    hints = get_type_hints(factory, include_extras=True)
    found = {}
    for name, value in given.items():
        if name not in fields:
            raise ProbeError(f"no option {name!r}; {one_of(fields, name)}")
        try:
            found[name] = check(hints[name], value)
        except ValueError as error:
            raise ProbeError(f"option {name}: {error}, seen {shown(value)}") from error
    return found


def _installed(entry: EntryPoint) -> Plugin:
    """The probe of an entry point, under the name that runs call it."""
    distribution = (entry.dist.name if entry.dist is not None else None) or UNKNOWN
    plain = distribution in (OWN, UNKNOWN) or entry.name.startswith(f"{distribution}.")
    return Plugin(entry.name if plain else f"{distribution}.{entry.name}", distribution, entry)
