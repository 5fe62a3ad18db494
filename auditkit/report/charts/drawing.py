"""What is drawn of a table: rows of numbers and labels, the order of names, what is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditkit.errors import ProbeError
from auditkit.finding import Cell, Chart, Interval, Table, Undefined
from auditkit.text import cut, one_line

MOST = {"dots": 60, "bars": 60, "lines": 600, "heat": 600, "scatter": 800, "cloud": 60}
"""How many rows a chart draws at most; the table beside it holds all of them."""
MOST_SERIES = 24
"""How many names a colour stands for at most: a legend of hundreds takes minutes, and is none."""
LABEL = 44
"""Longest label in a picture, in characters."""

Row = dict[str, str | float]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a kind of chart needs to draw."""

    rows: list[Row]
    """One dict a drawn row: x, y, and where there are any, c (color), lo and hi, n (name)."""
    orders: Mapping[str, list[str]]
    """All labels of the axes that hold names, drawn or not, in the order of the table."""
    titles: Mapping[str, str]
    """By x, y, c."""
    counts: frozenset[str]
    """Which of x and y are whole numbers, whose axes show no fractions."""
    reference: float | None


def drawn(chart: Chart, table: Table) -> int:
    """How many of the table's rows the chart draws: those that are defined, up to `MOST`."""
    return len(_rows(chart, table))


def drawing(chart: Chart, table: Table) -> Drawing:
    """The rows that the chart draws, and what its axes are called.

    Raises:
        ProbeError: No row can be drawn, or a column is not of a kind to be drawn.
    """
    names = {"x": chart.x, "y": chart.y, "c": chart.color}
    columns = {c.name: c for c in table.columns}
    rows = _rows(chart, table)
    if not rows:
        raise ProbeError(f"chart {chart.name}: no row of table {table.name} has both x and y")
    orders = {
        key: list(_labels(table.column(names[key])).values())
        for key in _categories(chart, table)
        if names[key]
    }
    most = MOST[chart.kind]
    for key, order in orders.items():
        if len(rows) == most or len(order) > (MOST_SERIES if key == "c" else most):
            # the table goes on below the last row that is drawn
            orders[key] = list(dict.fromkeys(str(row[key]) for row in rows))
    return Drawing(
        rows=rows,
        orders=orders,
        titles={key: cut(one_line(columns[name].title), 60) for key, name in names.items() if name},
        counts=frozenset(k for k in "xy" if columns[names[k]].kind == "count"),
        reference=chart.reference,
    )


def _rows(chart: Chart, table: Table) -> list[Row]:
    if chart.kind == "heat" and not chart.color:
        raise ProbeError(f"chart {chart.name}: a heat map needs `color`, a column of numbers")
    names = {
        "x": chart.x, "y": chart.y, "c": chart.color, "i": chart.interval, "n": chart.label,
    }  # fmt: skip
    columns = {key: table.column(name) for key, name in names.items() if name}
    labels = {key: _labels(columns[key]) for key in _categories(chart, table) if key in columns}
    rows: list[Row] = []
    for index in range(len(table.rows)):
        cells = {key: cells[index] for key, cells in columns.items()}
        name = cells.pop("n", None)
        interval = cells.pop("i", None)
        if any(isinstance(cell, Undefined | Interval) for cell in cells.values()):
            continue
        row: Row = {
            key: labels[key][str(cell)] if key in labels else _number(chart, cell)
            for key, cell in cells.items()
        }
        if name is not None:
            row["n"] = cut(one_line(str(name)), LABEL)
        if isinstance(interval, Interval):
            row |= {"lo": interval.low, "hi": interval.high}
        rows.append(row)
    if "c" in labels:
        shown = set(list(labels["c"].values())[:MOST_SERIES])
        rows = [row for row in rows if row["c"] in shown]
    most = MOST[chart.kind]
    if chart.kind == "scatter" and len(rows) > most:  # evenly, so that no stretch goes missing
        return [rows[i * len(rows) // most] for i in range(most)]
    return rows[:most]


def _categories(chart: Chart, table: Table) -> tuple[str, ...]:
    """Which of x, y, c are names rather than numbers."""
    if chart.kind in ("dots", "bars", "cloud"):
        return ("y", "c")
    if chart.kind == "heat":
        return ("x", "y")
    kind = {c.name: c.kind for c in table.columns}[chart.x]
    named_x = chart.kind == "lines" and kind in ("text", "label")
    return ("x", "c") if named_x else ("c",)


def _labels(cells: Sequence[Cell]) -> Mapping[str, str]:
    """Short, harmless and still distinct labels by cell text, in order of appearance."""
    labels: dict[str, str] = {}
    taken: dict[str, int] = {}
    for cell in cells:
        if str(cell) in labels:
            continue
        short = cut(one_line(str(cell)), LABEL) or "(empty)"
        taken[short] = taken.get(short, 0) + 1
        labels[str(cell)] = short if taken[short] == 1 else f"{short} ({taken[short]})"
    return labels


def _number(chart: Chart, cell: Cell) -> float:
    if isinstance(cell, int | float):
        return float(cell)
    raise ProbeError(f"chart {chart.name}: {cell!r} is not a number; draw a column of numbers")
