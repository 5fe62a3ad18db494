"""An audit as code has it: what was found, where it lies, and every form that it is read in."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditkit.bench.speed import Speed
from auditkit.errors import ProbeError
from auditkit.files import Folder
from auditkit.finding import (
    Announcement,
    Failure,
    Finding,
    GateResult,
    Interval,
    Measurement,
    Results,
    Table,
    Undefined,
    dumps,
)
from auditkit.report.overview import badge_counts
from auditkit.report.page import render_audit, render_html
from auditkit.report.redaction import check_declared
from auditkit.report.rendering import RESULTS
from auditkit.report.summary import render_markdown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Audit:
    """A finished audit: `auditkit.audit` makes one, `auditkit.load` opens one.

    In a notebook it shows its first screen.
    """

    results: Results
    """What `results.json` holds."""
    directory: Folder
    """Where it lies."""
    speed: Speed | None = None
    """Measured times of the models; None where they were not measured."""
    limits: Announcement | None = None
    """The gates of the run as they were written down; None: nothing says so."""
    written: str = ""
    """When, in UTC, as ISO 8601; "": nothing says so."""
    redacted: bool = False
    """Whether the run was told that its pages leave out what is of the data set."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """What the phases of this process took; none where an audit was opened."""

    @property
    def about(self) -> Mapping[str, Any]:
        """Models, data and settings: `auditkit.About` as plain JSON."""
        return self.results.about

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What each probe found, in the order of the report."""
        return self.results.findings

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Probes that broke."""
        return self.results.failures

    @property
    def gates(self) -> tuple[GateResult, ...]:
        """What became of the limits that were asked for."""
        return self.results.gates

    @property
    def exit_code(self) -> int:
        """That of `auditkit run`: see `Results.exit_code`."""
        return self.results.exit_code

    def finding(self, probe: str) -> Finding:
        """The finding of a probe.

        Raises:
            ProbeError: There is none.
        """
        return self.results.finding(probe)

    def to_json(self) -> str:
        """`results.json`: a function of models, data, settings and seed alone."""
        return dumps(self.results)

    def to_html(self, *, interactive: bool = False, redacted: bool | None = None) -> str:
        """The report: one file that opens offline.

        Args:
            interactive: Whether pictures answer the pointer.
            redacted: Whether to leave out what is of the data set; None: as the run was told.

        Raises:
            TraceError: It was recorded by an older auditkit and cannot be redacted.
        """
        return render_html(
            self.results,
            self.speed,
            self.limits,
            written=self.written[:10],
            interactive=interactive,
            redacted=self._private(redacted),
        )

    def to_markdown(self, *, redacted: bool | None = None) -> str:
        """The summary, for a pull request or a job's page; `redacted` as in `to_html`."""
        private = self._private(redacted)
        return render_markdown(self.results, self.speed, self.limits, redacted=private)

    def to_frame(self, probe: str | None = None, table: str | None = None) -> "pd.DataFrame":
        """All measurements, or a table of a probe.

        Args:
            probe: Its measurements alone; None: those of all.
            table: One of its tables instead, with the columns that it has in `results.json`; of an
                interval there are two, `…_low` and `…_high`, and what is undefined is missing.

        Returns:
            Of measurements one row each: probe, name, at (`arm=pruned,class=World`), value, low,
            high, unit, n, n_clusters, p, p_adjusted, and undefined, the reason for having no value.

        Raises:
            ProbeError: There is no such probe or table, or a table without a probe.
        """
        import pandas as pd  # here, because it takes a second and only frames need it

        if table is not None:
            if probe is None:
                raise ProbeError(f"table {table}: give the probe that it is of, too")
            return pd.DataFrame(_columns(self.finding(probe).table(table)))
        found = self.findings if probe is None else (self.finding(probe),)
        return pd.DataFrame([_row(one.probe, m) for one in found for m in one.measurements],
                            columns=list(_FIELDS))  # fmt: skip

    def __repr__(self) -> str:
        counts = [f"{count} {badge}" for badge, count in badge_counts(self.results)]
        return f"<Audit {self.directory}: {', '.join(counts) or 'no probe was run'}>"

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        return render_audit(self.results, str(self.directory), self.speed)

    def _private(self, redacted: bool | None) -> bool:
        """Whether a page is redacted, if it can be."""
        private = self.redacted if redacted is None else redacted
        if private:
            check_declared(self.directory.read(RESULTS))
        return private


_FIELDS = (
    "probe", "name", "at", "value", "low", "high", "unit", "n", "n_clusters", "p", "p_adjusted",
    "undefined",
)  # fmt: skip


def _row(probe: str, one: Measurement) -> dict[str, Any]:
    own = {name: getattr(one, name) for name in _FIELDS[6:]}
    at = ",".join(f"{key}={value}" for key, value in one.at.items())
    sides = {"low": one.interval.low, "high": one.interval.high} if one.interval else {}
    return {"probe": probe, "name": one.name, "at": at, "value": one.value, **sides, **own}


def _columns(table: Table) -> dict[str, list[Any]]:
    """The cells of a table by column, intervals in two."""
    found: dict[str, list[Any]] = {}
    for column in table.columns:
        cells = [None if isinstance(c, Undefined) else c for c in table.column(column.name)]
        if column.kind != "interval":
            found[column.name] = cells
            continue
        for side in ("low", "high"):
            found[f"{column.name}_{side}"] = [
                getattr(cell, side) if isinstance(cell, Interval) else math.nan for cell in cells
            ]
    return found
