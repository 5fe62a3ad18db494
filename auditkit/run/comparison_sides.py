"""Runs that are held side by side, and a number of one beside that of another."""

from dataclasses import dataclass
from typing import Any

from auditkit.files import Folder
from auditkit.finding import Address, Audit, Measurement
from auditkit.run.directory import TRACE
from auditkit.stats.estimates import Estimate
from auditkit.trace import Trace


@dataclass(frozen=True)
class Side:
    """One of the runs."""

    name: str
    audit: Audit
    place: Folder

    @property
    def about(self) -> Any:
        """What was audited."""
        return self.audit.about

    def numbers(self) -> dict[str, tuple[str, Measurement]]:
        """Probe and measurement by address."""
        return {
            str(Address(f.probe, m.name, m.at)): (f.probe, m)
            for f in self.audit.findings
            for m in f.measurements
        }

    def trace(self) -> Trace | None:
        """Where it was kept."""
        return Trace.open(self.place / TRACE) if (self.place / TRACE).has("about.json") else None

    @property
    def tagged_by(self) -> str:
        """The pipeline of its words."""
        return f"{self.about['annotator']['name']} {self.about['annotator']['version']}"


@dataclass(frozen=True)
class Beside:
    """A measurement of a run beside the first run's."""

    address: str
    first: Measurement
    other: Measurement
    run: str
    change: Estimate
    p: float | None
    how: str
