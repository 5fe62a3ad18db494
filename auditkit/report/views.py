"""Findings as the page prints them: cells as text, layers as runs, pictures with their tables.

Sampling happens here, so that a page stays small: whatever is left out is counted beside what is
shown, and results.json holds all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from auditkit.finding.values import (
    Cell,
    Chart,
    Column,
    Example,
    Finding,
    Interval,
    Measurement,
    Table,
    Undefined,
)
from auditkit.plugin.figures import decimals, figure, interval, printed_p
from auditkit.report import charts
from auditkit.text import cut

MOST_ROWS = 150
"""Rows of one table on the page; results.json holds all of them."""
MOST_NOTES = 20
LONGEST_CELL = 400
EXAMPLE_TEXT = 3000
EXAMPLE_BUDGET = 300_000
"""Characters of layer-by-layer views on one page (2 MB is the budget of the whole)."""
RunState = Literal["kept", "now", "gone", "unread"]


@dataclass(frozen=True, slots=True)
class CellView:
    """A printed cell; `note` is the number of the footnote that says why there is no value."""

    text: str
    css: str
    reason: str = ""
    note: int = 0


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as the page prints it."""

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[CellView, ...], ...]
    total: int
    notes: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class ChartView:
    """A picture, and the table that holds its numbers (None: a picture above has it already)."""

    title: str
    picture: str
    drawn: int
    reference: str
    table_id: str
    table: TableView | None
    total: int


@dataclass(frozen=True, slots=True)
class LayerView:
    """One or several consecutive layers that kept the same tokens."""

    label: str
    runs: tuple[tuple[str, RunState], ...]
    alive: int


@dataclass(frozen=True, slots=True)
class ExampleView:
    """A document, layer by layer; `characters` counts the whole text, shown or not."""

    example: Example
    layers: tuple[LayerView, ...]
    characters: int
    shown: int

    @property
    def cost(self) -> int:
        """Characters on the page."""
        return self.shown * len(self.layers)


@dataclass(frozen=True, slots=True)
class SectionView:
    """A probe's part of the page."""

    id: str
    finding: Finding
    charts: tuple[ChartView, ...]
    tables: tuple[TableView, ...]
    examples: tuple[ExampleView, ...]
    measurements: TableView | None

    @property
    def spent(self) -> int:
        """Characters of the page's budget for examples that this section takes."""
        return sum(view.cost for view in self.examples)


class _Notes:
    """Footnotes of one table: each reason once, numbered in the order of appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def missing(self, reason: str) -> CellView:
        """The cell of a number that does not exist."""
        number = self._numbers.setdefault(reason, len(self._numbers) + 1)
        return CellView("—", "number", reason, number if number <= MOST_NOTES else 0)

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(self._numbers)[:MOST_NOTES]


def section_view(finding: Finding, anchor: str, budget: int) -> SectionView:
    """The finding as printed; ids begin with `anchor`.

    Args:
        finding: What to print.
        anchor: The section's id, unique on the page.
        budget: Characters that are left on the page for layer-by-layer views.

    Raises:
        ProbeError: A chart whose columns cannot be drawn.
    """
    views = {t.name: table_view(t, f"{anchor}-table-{i}") for i, t in enumerate(finding.tables)}
    pictured: set[str] = set()
    pictures = []
    for index, chart in enumerate(finding.charts):
        table = finding.table(chart.table)
        view = _chart_view(chart, table, views[chart.table], f"{anchor}-chart-{index}")
        pictures.append(replace(view, table=None) if chart.table in pictured else view)
        pictured.add(chart.table)
    examples = []
    for example in finding.examples:
        shown = example_view(example, EXAMPLE_TEXT)
        budget -= shown.cost
        if budget < 0:
            break
        examples.append(shown)
    return SectionView(
        anchor,
        finding,
        tuple(pictures),
        tuple(view for name, view in views.items() if name not in pictured),
        tuple(examples),
        _measurements(finding, f"{anchor}-measurements"),
    )


def _chart_view(chart: Chart, table: Table, view: TableView, prefix: str) -> ChartView:
    drawn = charts.drawn(chart, table)
    picture = charts.svg(chart, table, prefix=prefix) if drawn else ""
    reference = (
        "" if chart.reference is None else figure(chart.reference, decimals([chart.reference]))
    )
    return ChartView(chart.title, picture, drawn, reference, view.id, view, len(table.rows))


def table_view(table: Table, anchor: str) -> TableView:
    """The table as printed: numbers to a common number of decimals per column, reasons as notes."""
    notes = _Notes()
    shown = table.rows[:MOST_ROWS]
    columns = []
    places = 0
    for index, column in enumerate(table.columns):
        cells = [row[index] for row in shown]
        # an interval is printed as precisely as the estimate to its left
        places = max(_places(column, cells), places if column.kind == "interval" else 0)
        columns.append(_cells(column, cells, places, notes))
    return TableView(
        id=anchor,
        title=table.title,
        columns=table.columns,
        rows=tuple(zip(*columns, strict=True)),
        total=len(table.rows),
        notes=notes.shown,
        note=table.note,
    )


def _places(column: Column, cells: Sequence[Cell]) -> int:
    """Decimals of a column; shares have three at least."""
    bounds = [b for c in cells if isinstance(c, Interval) for b in (c.low, c.high)]
    values = [float(c) for c in cells if isinstance(c, int | float)] + bounds
    if column.kind != "share" and all(value.is_integer() for value in values):
        return 0
    return max(decimals(values), 3 if column.kind == "share" else 0)


def _cells(column: Column, cells: Sequence[Cell], places: int, notes: _Notes) -> list[CellView]:
    css = "words" if column.kind in ("text", "label") else "number"
    views = []
    for cell in cells:
        if isinstance(cell, Undefined):
            views.append(notes.missing(cell.undefined))
        elif isinstance(cell, Interval):
            views.append(CellView(interval(cell, places), css))
        elif isinstance(cell, str):
            views.append(CellView(cut(cell, LONGEST_CELL), css))
        elif column.kind == "p":
            views.append(CellView(printed_p(cell), css))
        else:
            views.append(CellView(figure(cell, places), css))
    return views


def _measurements(finding: Finding, anchor: str) -> TableView | None:
    """All measurements under their addresses, as one table; each row to its own precision."""
    if not finding.measurements:
        return None
    titles = [
        ("address", "text"), ("value", "number"), ("unit", "text"), ("interval", "interval"),
        ("level", "number"), ("n", "count"), ("documents", "count"), ("compared with", "text"),
        ("p", "p"), ("p adjusted", "p"),
    ]  # fmt: skip
    notes = _Notes()
    rows = []
    for m in finding.measurements[:MOST_ROWS]:
        value, bounds = printed(m)
        rows.append(
            (
                CellView(cut(f"{finding.probe}.{m.address()}", LONGEST_CELL), "words code"),
                CellView(value, "number") if value else notes.missing(m.undefined or ""),
                CellView(m.unit, "words"),
                CellView(bounds, "number")
                if bounds
                else notes.missing(m.no_interval or m.undefined or ""),
                CellView(f"{m.level:g}" if bounds else "", "number"),
                CellView(figure(m.n, 0), "number"),
                CellView(figure(m.n_clusters, 0), "number"),
                CellView(m.control, "words"),
                CellView("" if m.p is None else printed_p(m.p), "number"),
                CellView("" if m.p_adjusted is None else printed_p(m.p_adjusted), "number"),
            )
        )
    columns = tuple(Column(name=t, title=t, kind=k) for t, k in titles)  # type: ignore[arg-type]
    total = len(finding.measurements)
    return TableView(anchor, "All measurements", columns, tuple(rows), total, notes.shown, "")


def printed(measurement: Measurement) -> tuple[str, str]:
    """Value and interval as text, both to the same precision; "" where there is none."""
    m = measurement
    if m.value is None:
        return "", ""
    bounds = [m.interval.low, m.interval.high] if m.interval else []
    values = [m.value, *bounds]
    places = 0 if all(float(v).is_integer() for v in values) else decimals(values)
    places = max(places, 3) if m.unit == "share" else places
    return figure(m.value, places), interval(m.interval, places) if m.interval else ""


def example_view(example: Example, longest: int) -> ExampleView:
    """Layer by layer; layers that dropped nothing more are told in one line with the one before."""
    segments: list[tuple[str, int | None]] = []
    room = longest
    for segment in example.segments:
        if room > 0:
            segments.append((segment.text[:room], segment.depth))
            room -= len(segment.text)
    layers: list[tuple[int, int]] = []  # first and last layer of a line
    for layer, alive in enumerate(example.alive, start=1):
        dropped = any(depth == layer - 1 for _, depth in segments)
        if layers and not dropped and alive == example.alive[layer - 2]:
            layers[-1] = (layers[-1][0], layer)
        else:
            layers.append((layer, layer))
    views = tuple(
        LayerView(
            f"Layer {first}" if first == last else f"Layers {first}–{last}",
            _runs(segments, first),
            example.alive[first - 1],
        )
        for first, last in layers
    )
    shown = sum(len(text) for text, _ in segments)
    return ExampleView(example, views, sum(len(s.text) for s in example.segments), shown)


def _runs(
    segments: Sequence[tuple[str, int | None]], layer: int
) -> tuple[tuple[str, RunState], ...]:
    """Neighbouring segments of one state at `layer` as one run; space goes with its neighbours."""
    states: list[RunState | None] = []
    for text, depth in segments:
        if depth is None:
            states.append("unread" if text.strip() else None)
        elif depth >= layer:
            states.append("kept")
        else:
            states.append("now" if depth == layer - 1 else "gone")
    around = [None, *states, None]
    filled = [
        state or (around[i] if around[i] == around[i + 2] and around[i] else "kept")
        for i, state in enumerate(states)
    ]
    pairs = zip(filled, (text for text, _ in segments), strict=True)
    return tuple(
        ("".join(text for _, text in run), state)
        for state, run in groupby(pairs, lambda pair: pair[0])
    )
