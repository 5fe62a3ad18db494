"""Tables as the page prints them: cells as text, undefined ones as dashes with a footnote.

Whatever is left out so that a page stays small is counted beside what is shown; results.json holds
all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from auditkit.finding import Cell, Column, Interval, Measurement, Table, Undefined
from auditkit.plugin.sentences import decimals, figure, interval, printed_p
from auditkit.text import cut

MOST_ROWS = 12
"""Rows of one table on the page; results.json holds all of them."""
MOST_NOTES = 20
LONGEST_CELL = 400


@dataclass(frozen=True, slots=True)
class CellView:
    """A printed cell; `note` is the number of the footnote that says why there is no value.

    Numbers, the most of all cells, have no class: the table aligns them.
    """

    text: str
    css: str = ""
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

    @property
    def helps(self) -> dict[str, str]:
        """What its columns mean, by title; of those that say so."""
        return {column.title: column.help for column in self.columns if column.help}


class _Notes:
    """Footnotes of one table: each reason once, numbered in the order of appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def missing(self, reason: str) -> CellView:
        """The cell of a number that does not exist."""
        number = self._numbers.setdefault(reason, len(self._numbers) + 1)
        return CellView("—", "", reason, number if number <= MOST_NOTES else 0)

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(self._numbers)[:MOST_NOTES]


def in_percent(table: Table) -> Table:
    """The table with its shares in per cent, as their titles then say.

    An interval has the unit of the number to its left.
    """
    scale, scales = 1, []
    for column in table.columns:
        scale = scale if column.kind == "interval" else 100 if column.kind == "share" else 1
        scales.append(scale)
    return replace(
        table,
        columns=tuple(
            replace(c, title=f"{c.title} (%)") if c.kind == "share" else c for c in table.columns
        ),
        rows=tuple(tuple(map(_scaled, row, scales)) for row in table.rows),
    )


def _scaled(cell: Cell, scale: int) -> Cell:
    if isinstance(cell, Interval):
        return cell.scaled(scale)
    return cell if isinstance(cell, str | Undefined) or scale == 1 else scale * cell


def table_view(
    table: Table, anchor: str, *, by_row: bool = False, most: int = MOST_ROWS
) -> TableView:
    """The table as printed: numbers to a common number of decimals, reasons as notes.

    Args:
        table: What to print, its shares in per cent.
        anchor: The table's id.
        by_row: Whether decimals are common to a row, whose numbers have one unit, rather than to a
            column.
        most: How many rows.
    """
    notes = _Notes()
    shown = table.rows[:most]
    rows = (_rows if by_row else _columns)(table.columns, shown, notes)
    return TableView(
        id=anchor,
        title=table.title,
        columns=table.columns,
        rows=rows,
        total=len(table.rows),
        notes=notes.shown,
        note=table.note,
    )


def _columns(
    columns: Sequence[Column], rows: Sequence[tuple[Cell, ...]], notes: _Notes
) -> tuple[tuple[CellView, ...], ...]:
    """Rows of cells whose decimals are common to a column."""
    views = []
    places = 0
    for index, column in enumerate(columns):
        cells = [row[index] for row in rows]
        # an interval is printed as precisely as the estimate to its left
        places = max(_places(column, cells), places if column.kind == "interval" else 0)
        views.append(_cells(column, cells, places, notes))
    return tuple(zip(*views, strict=True))


def _rows(
    columns: Sequence[Column], rows: Sequence[tuple[Cell, ...]], notes: _Notes
) -> tuple[tuple[CellView, ...], ...]:
    """Rows of cells whose decimals are common to a row."""
    views = []
    for row in rows:
        cells = list(zip(columns, row, strict=True))
        places = max(_places(c, [cell]) for c, cell in cells if c.kind in ("number", "interval"))
        views.append(tuple(_cells(c, [cell], places, notes)[0] for c, cell in cells))
    return tuple(views)


def _places(column: Column, cells: Sequence[Cell]) -> int:
    """Decimals of a column; shares, which are in per cent, have one at least."""
    bounds = [b for c in cells if isinstance(c, Interval) for b in (c.low, c.high)]
    values = [float(c) for c in cells if isinstance(c, int | float)] + bounds
    if column.kind != "share" and all(value.is_integer() for value in values):
        return 0
    return max(decimals(values), 1 if column.kind == "share" else 0)


def _cells(column: Column, cells: Sequence[Cell], places: int, notes: _Notes) -> list[CellView]:
    css = "words" if column.kind in ("text", "label") else ""
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
            whole = column.kind == "count"  # a JSON tool may have written 1 for 1.0
            views.append(CellView(figure(cell if whole else float(cell), places), css))
    return views


def printed(measurement: Measurement) -> tuple[str, str]:
    """Value and interval as text, both to the same precision, shares in per cent; "" for none."""
    m = measurement
    if m.value is None:
        return "", ""
    scale = 100 if m.unit == "share" else 1
    value = scale * m.value
    within = m.interval.scaled(scale) if m.interval else None
    values = [value, *([within.low, within.high] if within else [])]
    places = 0 if all(float(v).is_integer() for v in values) else decimals(values)
    places = max(places, 1) if m.unit == "share" else places
    return figure(value, places), interval(within, places) if within else ""
