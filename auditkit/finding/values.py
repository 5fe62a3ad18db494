"""What an audit says: findings of probes, and probes that broke.

Everything here is a frozen value. An undefined number is a value with a reason, never 0 or NaN; a
missing interval is explicit, with its reason. `results.json` holds them (`strict_json`).
"""

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from auditkit.errors import ProbeError
from auditkit.finding.address import ordered, where
from auditkit.finding.conclusions import Conclusion
from auditkit.finding.examples import Example
from auditkit.finding.front import Card, Mark, Verdict
from auditkit.finding.gates import GateResult
from auditkit.finding.numbers import STRICT, Measurement
from auditkit.finding.tables import Chart, Table, distinct
from auditkit.text import one_of

SCHEMA_VERSION = 2

Status = Literal["pass", "fail", "warn", "inconclusive", "reported", "not_applicable"]
"""`reported`: the probe ran and there was nothing to decide. It never counts as `pass`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A probe's answer.

    Raises:
        ProbeError: An unknown status, two measurements with one address, two tables or two charts
            of one name, a chart of a table or column that is not there, or a conclusion, verdict,
            card or mark on a measurement that is not there or has no value.
    """

    __pydantic_config__: ClassVar[object] = STRICT

    probe: str
    version: str
    question: str
    claim: str
    """One sentence that a reviewer can quote, made from the numbers, with the interval in it."""
    status: Status
    measurements: tuple[Measurement, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    examples: tuple[Example, ...] = ()
    caveats: tuple[str, ...] = ()
    conclusions: tuple[Conclusion, ...] = ()
    chapter: str = ""
    """Of the report; "" stands after those that have a name."""
    verdict: Verdict | None = None
    """The decision that the report opens with."""
    cards: tuple[Card, ...] = ()
    """Large figures of the first screen."""
    marks: tuple[Mark, ...] = ()
    """Rows of the pictures of the first screen."""
    unchecked: tuple[str, ...] = ()
    """What it could not look at, in a few words each: `3 groups of under 30 documents`."""

    def __post_init__(self) -> None:
        what = f"probe {self.probe}:"
        statuses: tuple[str, ...] = typing.get_args(Status)
        if self.status not in statuses:
            raise ProbeError(f"{what} status {self.status!r}; {one_of(statuses, self.status)}")
        distinct(what, (measurement.where for measurement in self.measurements))
        distinct(f"{what} table", (table.name for table in self.tables))
        distinct(f"{what} chart", (chart.name for chart in self.charts))
        for chart in self.charts:
            table = self.table(chart.table)
            for name in chart.columns:
                table.column(name)
        defined = {m.where for m in self.measurements if m.value is not None}
        rests = [conclusion.measurements for conclusion in self.conclusions]
        rests += [card.measurements for card in self.cards]
        rests += [(mark.measurement,) for mark in self.marks]
        rests += [self.verdict.measurements] if self.verdict else []
        for place in (place for places in rests for place in places):
            if place not in defined:
                raise ProbeError(f"{what} concludes from {place}, which has no value here")

    def table(self, name: str) -> Table:
        """The table of that name."""
        for table in self.tables:
            if table.name == name:
                return table
        names = ", ".join(t.name for t in self.tables) or "none"
        raise ProbeError(f"probe {self.probe} has no table {name!r}; available: {names}")

    def measurement(self, name: str, **at: Any) -> Measurement:
        """The measurement at `name[key=value,…]`; a class is given as `**{"class": "World"}`."""
        place = ordered(at)
        for m in self.measurements:
            if (m.name, m.at) == (name, place):
                return m
        names = ", ".join(m.where for m in self.measurements) or "none"
        raise ProbeError(f"probe {self.probe} has no {where(name, place)}; available: {names}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A probe that broke: shown in the report, never hidden."""

    __pydantic_config__: ClassVar[object] = STRICT

    probe: str
    distribution: str
    """The installed package that the probe came with."""
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A whole audit: a function of models, data, settings and seed alone.

    `about` is `auditkit.trace.About` as plain JSON; times live in `timings.json`.
    """

    __pydantic_config__: ClassVar[object] = STRICT

    about: Mapping[str, Any]
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    gates: tuple[GateResult, ...] = ()
    """Limits that were asked for, and what became of them."""
    schema_version: int = SCHEMA_VERSION

    @property
    def exit_code(self) -> int:
        """1 where a gate fails, 3 where a probe broke, 4 where a gate is not decided, else 0.

        Without gates a verdict sets no code: nobody said which one is wanted.
        """
        statuses = {gate.status for gate in self.gates}
        if "fail" in statuses:
            return 1
        if self.failures:
            return 3
        return 4 if statuses - {"pass"} else 0

    def finding(self, probe: str) -> Finding:
        """The finding of that probe."""
        for finding in self.findings:
            if finding.probe == probe:
                return finding
        names = ", ".join(f.probe for f in self.findings) or "none"
        raise ProbeError(f"the audit has no finding of {probe!r}; available: {names}")
