"""What an audit says: measurements, tables, charts, findings, and their strict JSON.

Everything here is a frozen value. An undefined number is a value with a reason, never 0 or NaN; a
missing interval is explicit, with its reason. Floats are written with six significant digits, so
that the last bits of an arithmetic library never show in `results.json`.
"""

import dataclasses
import json
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union

import numpy as np

from auditkit.errors import ProbeError, TraceError
from auditkit.text import one_of

SCHEMA_VERSION = 1

Status = Literal[
    "pass", "fail", "warn", "inconclusive", "reported", "error", "skipped", "not_applicable"
]
"""`reported`: the probe ran and there was nothing to decide. It never counts as `pass`."""

ColumnKind = Literal["text", "count", "number", "share", "p", "interval", "label"]
"""How a column is printed. `share` is 0..1; `interval` cells are `Interval`; `label` is short text
that names the row."""

ChartKind = Literal["dots", "lines", "bars", "heat", "scatter"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval `[low, high]`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ProbeError(f"interval [{self.low}, {self.high}]: expected finite low <= high")


@dataclass(frozen=True, slots=True)
class Undefined:
    """A number that does not exist, and why."""

    undefined: str


Cell = str | int | float | Interval | Undefined


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number with what is needed to believe it.

    Addressed everywhere as `probe.name[arm=…,slice=…].field`.

    Raises:
        ProbeError: A value that is not finite; a value and a reason for being undefined at once, or
            neither; an interval and a reason for having none at once, or neither.
    """

    name: str
    value: float | None
    unit: str
    """`share`, `points`, `ratio`, `odds ratio`, `layers`, `MACs`, `ms`, `documents`, …"""
    n: int
    """How many units the value rests on (words, tokens, or documents)."""
    n_clusters: int
    """How many documents it rests on; documents are the cluster unit everywhere."""
    interval: Interval | None = None
    level: float = 0.95
    no_interval: str | None = None
    """Why there is no interval."""
    better: Literal["higher", "lower"] | None = None
    arm: str = ""
    slice: str = ""
    control: str = ""
    """What the value is compared with: `random keeping`, `baseline`, …"""
    p: float | None = None
    p_adjusted: float | None = None
    undefined: str | None = None
    """Why there is no value."""

    def __post_init__(self) -> None:
        where = f"measurement {self.address()}"
        for label in ("value", "p", "p_adjusted"):
            number: float | None = getattr(self, label)
            if number is not None and not math.isfinite(number):
                raise ProbeError(f"{where}: {label} is {number}; give None and a reason instead")
        if (self.value is None) != (self.undefined is not None):
            raise ProbeError(f"{where}: give a value or the reason why it is undefined, not both")
        if self.value is None:
            if self.interval is not None:
                raise ProbeError(f"{where}: an undefined value cannot have an interval")
        elif (self.interval is None) != (self.no_interval is not None):
            raise ProbeError(f"{where}: give an interval or the reason why there is none")

    def address(self) -> str:
        """`name[arm=…,slice=…]`, without the parts that are empty."""
        parts = [f"{k}={v}" for k, v in (("arm", self.arm), ("slice", self.slice)) if v]
        return f"{self.name}[{','.join(parts)}]" if parts else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a `Table`."""

    name: str
    """The key that charts use."""
    title: str
    kind: ColumnKind = "text"
    help: str = ""
    """What the number means, in one sentence; shown on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as printed: rows of cells under typed columns.

    Raises:
        ProbeError: Two columns of one name, a row whose length is not the number of columns, or a
            cell that is not finite.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        _distinct(f"table {self.name}: column", (column.name for column in self.columns))
        width = len(self.columns)
        for row in self.rows:
            if len(row) != width:
                raise ProbeError(f"table {self.name}: a row of {len(row)} cells, {width} columns")
            for column, cell in zip(self.columns, row, strict=True):
                if isinstance(cell, float) and not math.isfinite(cell):
                    raise ProbeError(
                        f"table {self.name}, column {column.name}: {cell}; give Undefined(reason)"
                    )

    def column(self, name: str) -> tuple[Cell, ...]:
        """All cells of one column."""
        for index, column in enumerate(self.columns):
            if column.name == name:
                return tuple(row[index] for row in self.rows)
        names = ", ".join(c.name for c in self.columns)
        raise ProbeError(f"table {self.name} has no column {name!r}; available: {names}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture of one of the finding's tables; the page draws it and links the table beside it.

    Because a chart holds no data of its own, picture and table cannot disagree.
    """

    name: str
    kind: ChartKind
    table: str
    title: str
    alt: str
    """One or two sentences that replace the picture for who cannot see it."""
    x: str
    y: str
    color: str = ""
    interval: str = ""
    """A column of `Interval` cells drawn as bars around x (dots), as bars around y (scatter),
    or as a band around y (lines)."""
    reference: float | None = None
    """A line at this value of x (`dots`, `bars`) or y (`lines`, `scatter`): where nothing happens,
    or a baseline."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of an example's text and how long it survived."""

    text: str
    depth: int | None
    """Survival depth 0..L of the words in it; None: white space, or past the model's length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A document shown with what was kept of it, layer by layer."""

    example_id: str
    title: str
    segments: tuple[Segment, ...]
    alive: tuple[int, ...]
    """Number of tokens alive after layers 1..L, special tokens included."""
    facts: tuple[tuple[str, str], ...] = ()
    """Label and value pairs printed under it: gold label, predictions, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A probe's answer.

    Raises:
        ProbeError: An unknown status, two measurements with one address, two tables or two charts
            of one name, or a chart of a table or column that is not there.
    """

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

    def __post_init__(self) -> None:
        where = f"probe {self.probe}:"
        statuses: tuple[str, ...] = typing.get_args(Status)
        if self.status not in statuses:
            raise ProbeError(f"{where} status {self.status!r}; {one_of(statuses, self.status)}")
        _distinct(where, (measurement.address() for measurement in self.measurements))
        _distinct(f"{where} table", (table.name for table in self.tables))
        _distinct(f"{where} chart", (chart.name for chart in self.charts))
        for chart in self.charts:
            table = self.table(chart.table)
            for name in filter(None, (chart.x, chart.y, chart.color, chart.interval)):
                table.column(name)

    def table(self, name: str) -> Table:
        """The table of that name."""
        for table in self.tables:
            if table.name == name:
                return table
        names = ", ".join(t.name for t in self.tables) or "none"
        raise ProbeError(f"probe {self.probe} has no table {name!r}; available: {names}")

    def measurement(self, name: str, *, arm: str = "", slice: str = "") -> Measurement:
        """The measurement at `name[arm=…,slice=…]`."""
        for m in self.measurements:
            if (m.name, m.arm, m.slice) == (name, arm, slice):
                return m
        names = ", ".join(m.address() for m in self.measurements) or "none"
        raise ProbeError(f"probe {self.probe} has no {name}[{arm},{slice}]; available: {names}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A probe that broke: shown in the report, never hidden."""

    probe: str
    distribution: str
    """The installed package that the probe came with."""
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A whole audit: a function of models, data, settings and seed alone.

    `about` is `auditkit.trace.tables.About` as plain JSON; times live in `timings.json`.
    """

    about: Mapping[str, Any]
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    schema_version: int = SCHEMA_VERSION

    @property
    def exit_code(self) -> int:
        """0, or 3 when a probe failed (the report is written all the same)."""
        return 3 if self.failures else 0

    def finding(self, probe: str) -> Finding:
        """The finding of that probe."""
        for finding in self.findings:
            if finding.probe == probe:
                return finding
        names = ", ".join(f.probe for f in self.findings) or "none"
        raise ProbeError(f"the audit has no finding of {probe!r}; available: {names}")


def _distinct(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ProbeError(f"{what} {name} is given twice")
        seen.add(name)


_SURROGATE = re.compile("[\ud800-\udfff]")


def segments(text: str, words: Iterable[tuple[int, int, int]]) -> tuple[Segment, ...]:
    """The whole text in order: words with their depth, all between them without.

    Args:
        text: The document.
        words: Start, end and survival depth of each word, in any order.
    """
    found: list[Segment] = []
    end = 0
    for start, stop, depth in sorted(words):
        begin = max(start, end)
        if stop <= begin:
            continue
        if begin > end:
            found.append(Segment(text[end:begin], None))
        found.append(Segment(text[begin:stop], depth))
        end = stop
    if end < len(text):
        found.append(Segment(text[end:], None))
    return tuple(found)


def to_json(value: Any) -> Any:
    """Plain JSON of a value of this module.

    Floats have six significant digits; a lone surrogate, which no file can hold, becomes U+FFFD.

    Raises:
        ProbeError: A number that is not finite, or a value of a type that JSON does not know.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ProbeError(f"{value} cannot be written as JSON; give None and a reason")
        return float(f"{value:.6g}") + 0.0  # -0.0 is 0.0
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {to_json(str(key)): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    raise ProbeError(f"{type(value).__name__} cannot be written as JSON")


def dumps(value: Any) -> str:
    """Deterministic, strict JSON text with a trailing newline."""
    return json.dumps(to_json(value), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def loads(text: str) -> Audit:
    """Read `results.json`.

    Raises:
        TraceError: The text is not an audit of this schema version.
    """
    try:
        raw = json.loads(text)
        version = raw["schema_version"]
        if version != SCHEMA_VERSION:
            raise TraceError(
                f"results.json has schema {version}, this auditkit reads {SCHEMA_VERSION}; "
                "run `auditkit run` again"
            )
        audit: Audit = _parse(Audit, raw)
    except (ValueError, KeyError, TypeError, RecursionError, ProbeError) as error:
        raise TraceError(
            f"results.json is not an audit: {error}; run `auditkit run` again"
        ) from error
    return audit


def _parse(kind: Any, raw: Any) -> Any:
    """Rebuild a value of `kind` from plain JSON, by the annotations of the dataclasses above."""
    origin, options = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        fields = {field.name for field in dataclasses.fields(kind)}
        if not isinstance(raw, dict) or set(raw) != fields:
            raise ValueError(f"expected an object with the keys {', '.join(sorted(fields))}")
        hints = typing.get_type_hints(kind)
        return kind(**{name: _parse(hints[name], item) for name, item in raw.items()})
    if origin in (Union, types.UnionType):
        return _parse_union(options, raw)
    if origin is tuple and isinstance(raw, list):
        inner = [options[0]] * len(raw) if options[-1] is Ellipsis else list(options)
        return tuple(_parse(t, item) for t, item in zip(inner, raw, strict=True))
    of = (int, float) if kind is float else origin or kind
    known = raw in options if origin is Literal else isinstance(raw, of)
    if not known:
        raise ValueError(f"{raw!r:.80} is no {kind}")
    return raw


def _parse_union(options: tuple[Any, ...], raw: Any) -> Any:
    for option in options:
        try:
            return _parse(option, raw)
        except ValueError:  # it is one of the others
            continue
    raise ValueError(f"{raw!r:.80} is none of {', '.join(str(option) for option in options)}")


__all__ = [
    "SCHEMA_VERSION", "Audit", "Cell", "Chart", "ChartKind", "Column", "ColumnKind", "Example",
    "Failure", "Finding", "Interval", "Measurement", "Segment", "Status", "Table", "Undefined",
    "dumps", "loads", "segments", "to_json",
]  # fmt: skip
