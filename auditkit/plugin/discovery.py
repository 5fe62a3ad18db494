"""Finding the probes that are installed.

Built-in probes come through the same door as third parties': the entry-point group
`auditkit.probes`, whose values are frozen dataclasses that implement `Probe`. Their fields are the
probe's options.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_type_hints

from auditkit.errors import ProbeError
from auditkit.plugin.guard import TIMEOUT, guarded
from auditkit.plugin.probe import Probe, needs, place_of
from auditkit.ranges import check
from auditkit.signals import is_signal
from auditkit.text import fault, one_of, said, shown

GROUP = "auditkit.probes"
OWN = "auditkit"
"""The distribution of the built-in probes."""

_NAME = re.compile(
    r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII
)  # also a file's, and an address's


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed probe, not imported yet."""

    name: str
    distribution: str
    entry_point: EntryPoint

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
            with _blamed(where):
                _check_name(self.name)
            with _blamed(f"{where}: cannot be imported"):
                factory = self.entry_point.load()
            with _blamed(where):
                if not dataclasses.is_dataclass(factory) or not isinstance(factory, type):
                    raise ProbeError(f"{self.entry_point.value} is not a dataclass")
                return _checked(factory(**_options(factory, options or {})), self.name)


def discover() -> dict[str, Plugin]:
    """All installed probes by name, in order of name.

    Raises:
        ProbeError: Two distributions install a probe of the same name.
    """
    found: dict[str, Plugin] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        plugin = Plugin(entry.name, _distribution(entry), entry)
        other = found.get(entry.name)
        if other is not None and other.entry_point.value != entry.value:
            raise ProbeError(
                f"probe {entry.name} is installed twice, by {other.distribution} and "
                f"{plugin.distribution}; uninstall one"
            )
        found[entry.name] = plugin
    return found


def in_order(probes: Iterable[Probe]) -> list[Probe]:
    """Probes by the places that they declare, then by name."""
    return sorted(probes, key=lambda probe: (place_of(probe), probe.name))


@contextmanager
def _blamed(where: str) -> Iterator[None]:
    """Whatever a third party's code raises is an error of the probe."""
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


def _options(factory: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as values of the types of their fields."""
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


def _distribution(entry: EntryPoint) -> str:
    return (entry.dist.name if entry.dist is not None else None) or "unknown"
