"""Finding the probes that are installed.

Built-in probes come through the same door as third parties': the entry-point group
`auditkit.probes`, whose values are frozen dataclasses that implement `Probe`. Their fields are the
probe's options.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_type_hints

from auditkit.errors import ProbeError
from auditkit.plugin.probe import Probe, needs, place_of
from auditkit.ranges import check
from auditkit.text import one_of, said, shown

GROUP = "auditkit.probes"


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed probe, not imported yet."""

    name: str
    distribution: str
    entry_point: EntryPoint

    def load(self, options: Mapping[str, Any] | None = None) -> Probe:
        """Import the probe and build it with `options`.

        Raises:
            ProbeError: The import fails, the class is no probe, or an option is unknown, or not
                what the annotation of its field has it: type and range.
        """
        where = f"probe {self.name} (from {self.distribution})"
        try:
            factory = self.entry_point.load()
        except Exception as error:  # a third party's import may raise anything
            raise ProbeError(f"{where}: cannot be imported: {said(error)}") from error
        if not dataclasses.is_dataclass(factory) or not isinstance(factory, type):
            raise ProbeError(f"{where}: {self.entry_point.value} is not a dataclass")
        try:
            probe = factory(**_options(factory, options or {}))
        except Exception as error:  # or its `__post_init__`
            raise ProbeError(f"{where}: {said(error)}") from error
        if not isinstance(probe, Probe):
            missing = [n for n in ("name", "version", "question", "needs", "analyse")
                       if not hasattr(probe, n)]  # fmt: skip
            raise ProbeError(f"{where}: lacks {', '.join(missing)} of the probe protocol")
        if probe.name != self.name:
            raise ProbeError(f"{where}: calls itself {probe.name!r}; both names must be the same")
        strange = set(probe.needs) - set(needs())
        if strange:
            raise ProbeError(f"{where}: needs {min(strange)!r}; {one_of(needs(), min(strange))}")
        return probe


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
    return entry.dist.name if entry.dist is not None else "unknown"
