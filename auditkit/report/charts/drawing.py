"""What is drawn of a table: rows of numbers and labels, the order of names, what is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from auditkit.errors import ProbeError
from auditkit.finding import Cell, Chart, Interval, Table, Undefined
from auditkit.report.tables import table_view
from auditkit.text import cut, one_line

MOST = {
    "dots": 9, "chance": 9, "stair": 9, "bars": 9, "lines": 600, "heat": 600, "matrix": 400,
    "scatter": 400, "cloud": 30,
}  # fmt: skip
"""How many rows a chart draws at most; the table beside it holds all of them."""
MOST_SERIES = 7
"""How many names a colour stands for at most, and lines there are: no eye tells more apart."""
MOST_CELLS = {"x": 30, "y": 24}
"""How many columns and lines of cells a heat map has at most."""
LABEL = 44
"""Longest label in a picture, in characters."""
OTHERS = "all others"

Row = dict[str, str | float]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a kind of chart needs to draw."""

    chart: Chart
    """As it is drawn: lines that are too many are a heat map."""
    rows: list[Row]
    """One dict a drawn row: x, y, and where there are any, c (color), lo and hi, b (beside), k
    (count), n (name), and as they are printed `x text`, `y text` and so on."""
    orders: Mapping[str, list[str]]
    """All labels of the axes that hold names, drawn or not, in the order of the table."""
    titles: Mapping[str, str]
    """By x, y, c, b."""
    counts: frozenset[str]
    """Which of x and y are whole numbers, whose axes show no fractions."""


def drawn(chart: Chart, table: Table) -> int:
    """How many of the table's rows the chart draws: those that are defined, up to `MOST`."""
    shown = _readable(chart, table)
    return len(_rows(shown, table))


def drawing(chart: Chart, table: Table) -> Drawing:
    """The rows that the chart draws, and what its axes are called.

    Raises:
        ProbeError: No row can be drawn, or a column is not of a kind to be drawn.
    """
    chart = _readable(chart, table)
    names = {"x": chart.x, "y": chart.y, "c": chart.color, "b": chart.beside}
    columns = {c.name: c for c in table.columns}
    rows = _rows(chart, table)
    if not rows:
        raise ProbeError(f"chart {chart.name}: no row of table {table.name} has both x and y")
    orders = {
        key: list(_labels(table.column(names[key])).values())
        for key in _categories(chart, table)
        if names[key]
    }
    most, bounds = MOST[chart.kind], _bounds(chart)
    for key, order in orders.items():
        if chart.first or len(rows) == most or len(order) > bounds.get(key, most):
            # the table goes on below the last row that is drawn
            orders[key] = list(dict.fromkeys(str(row[key]) for row in rows))
    return Drawing(
        chart=chart,
        rows=rows,
        orders=orders,
        titles={key: cut(one_line(columns[name].title), 60) for key, name in names.items() if name},
        counts=frozenset(k for k in "xy" if columns[names[k]].kind == "count"),
    )


def _readable(chart: Chart, table: Table) -> Chart:
    """The chart, or a heat map of the same columns where there would be too many lines."""
    if chart.kind == "lines" and chart.color:
        series = set(map(str, table.column(chart.color)))
        if len(series) > MOST_SERIES:
            return replace(chart, kind="heat", y=chart.color, color=chart.y, interval="")
    return chart


def _rows(chart: Chart, table: Table) -> list[Row]:
    if chart.kind in ("heat", "matrix") and not chart.color:
        raise ProbeError(f"chart {chart.name}: a {chart.kind} needs `color`, a column of numbers")
    if chart.kind == "chance" and not chart.beside:
        raise ProbeError(f"chart {chart.name}: `chance` needs `beside`, a column of numbers")
    names = {
        "x": chart.x, "y": chart.y, "c": chart.color, "b": chart.beside, "k": chart.count,
        "i": chart.interval, "n": chart.label,
    }  # fmt: skip
    columns = {key: table.column(name) for key, name in names.items() if name}
    labels = {key: _labels(columns[key]) for key in _categories(chart, table) if key in columns}
    places = {c.name: place for place, c in enumerate(table.columns)}
    printed = table_view(table, "", most=max(MOST.values())).rows
    rows: list[Row] = []
    for index in range(len(table.rows))[: chart.first]:
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
        if index < len(printed):
            numbers = [key for key in names if key in columns and key not in (*labels, "n")]
            row |= {f"{key} text": printed[index][places[names[key]]].text for key in numbers}
        rows.append(row)
    most = MOST[chart.kind]
    if chart.kind == "scatter":
        if len(rows) > most:  # evenly, so that no stretch goes missing
            rows = [rows[i * len(rows) // most] for i in range(most)]
        return _gathered(rows) if "c" in labels else rows
    bounds = _bounds(chart)
    for key in bounds.keys() & labels.keys():
        shown = set(list(labels[key].values())[: bounds[key]])
        rows = [row for row in rows if row[key] in shown]
    return rows[:most]


def _bounds(chart: Chart) -> Mapping[str, int]:
    """By x, y, c: how many names at most."""
    return MOST_CELLS if chart.kind in ("heat", "matrix") else {"c": MOST_SERIES}


def _gathered(rows: list[Row]) -> list[Row]:
    """The rows with the rarest series as one, where there are too many; that one lies below."""
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[str(row["c"])] = sizes.get(str(row["c"]), 0) + 1
    if len(sizes) <= MOST_SERIES:
        return rows
    told = sorted(sizes, key=lambda name: -sizes[name])[: MOST_SERIES - 1]
    rare = [row | {"c": OTHERS} for row in rows if row["c"] not in told]
    return [row for row in rows if row["c"] in told] + rare


def _categories(chart: Chart, table: Table) -> tuple[str, ...]:
    """Which of x, y, c are names rather than numbers."""
    if chart.kind in ("dots", "chance", "stair", "bars", "cloud"):
        return ("y", "c")
    if chart.kind in ("heat", "matrix"):
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
