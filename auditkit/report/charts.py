"""Charts as inline SVG: accessible, deterministic, legible on light and on dark paper.

The sole home of altair and vl-convert. Every colour is a CSS variable of the page (`--ink`,
`--grid`, `--c1` … `--c8`), so that one picture serves light, dark and print. Nothing is fetched.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditkit.errors import ProbeError
from auditkit.finding.values import Cell, Chart, Interval, Table, Undefined
from auditkit.text import cut, one_line, printable

if TYPE_CHECKING:
    import altair as alt

WIDTH = 600
"""Width of every chart, in CSS pixels."""
MOST = {"dots": 60, "bars": 60, "lines": 600, "heat": 600, "scatter": 800}
"""How many rows a chart draws at most; the table beside it holds all of them."""
LABEL = 44
"""Longest label in a picture, in characters."""

# Measured by vl-convert with the fonts it carries: metrics do not depend on the machine.
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_COLORS = [f"var(--c{i})" for i in range(1, 9)]
_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
_DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]
_LINE_HEIGHT = 24

_Row = dict[str, str | float]
_Layers = tuple[list[Any], int]
"""Layers of a picture, and the height of its plot in pixels."""


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What a kind of chart needs to draw."""

    rows: list[_Row]
    """One dict a drawn row: x, y, and where there are any, c (color), lo and hi."""
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


def svg(chart: Chart, table: Table, *, prefix: str) -> str:
    """The chart as one `<svg>` element without declarations, to stand inside an HTML page.

    Args:
        chart: What to draw.
        table: The table of that name, from the same finding.
        prefix: Unique on the page; it begins every id inside of the picture.

    Raises:
        ProbeError: No row can be drawn (`drawn` is 0), or a column is not of a kind to be drawn.
    """
    import vl_convert

    drawing = _drawing(chart, table)
    if not drawing.rows:
        raise ProbeError(f"chart {chart.name}: no row of table {table.name} has both x and y")
    draw = {"dots": _dots, "bars": _bars, "lines": _lines, "heat": _heat, "scatter": _scatter}
    spec = _themed(*draw[chart.kind](drawing))
    return _accessible(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]), chart, prefix)


def _drawing(chart: Chart, table: Table) -> _Drawing:
    names = {"x": chart.x, "y": chart.y, "c": chart.color}
    columns = {c.name: c for c in table.columns}
    rows = _rows(chart, table)
    orders = {
        key: list(_labels(table.column(names[key])).values())
        for key in _categories(chart, table)
        if names[key]
    }
    if len(rows) == MOST[chart.kind]:  # the table goes on below the last row that is drawn
        orders = {key: list(dict.fromkeys(str(row[key]) for row in rows)) for key in orders}
    return _Drawing(
        rows=rows,
        orders=orders,
        titles={key: cut(one_line(columns[name].title), 60) for key, name in names.items() if name},
        counts=frozenset(k for k in "xy" if columns[names[k]].kind == "count"),
        reference=chart.reference,
    )


def _rows(chart: Chart, table: Table) -> list[_Row]:
    if chart.kind == "heat" and not chart.color:
        raise ProbeError(f"chart {chart.name}: a heat map needs `color`, a column of numbers")
    names = {"x": chart.x, "y": chart.y, "c": chart.color, "i": chart.interval}
    columns = {key: table.column(name) for key, name in names.items() if name}
    labels = {key: _labels(columns[key]) for key in _categories(chart, table) if key in columns}
    rows: list[_Row] = []
    for index in range(len(table.rows)):
        cells = {key: cells[index] for key, cells in columns.items()}
        interval = cells.pop("i", None)
        if any(isinstance(cell, Undefined | Interval) for cell in cells.values()):
            continue
        row: _Row = {
            key: labels[key][str(cell)] if key in labels else _number(chart, cell)
            for key, cell in cells.items()
        }
        if isinstance(interval, Interval):
            row |= {"lo": interval.low, "hi": interval.high}
        rows.append(row)
    most = MOST[chart.kind]
    if chart.kind == "scatter" and len(rows) > most:  # evenly, so that no stretch goes missing
        return [rows[i * len(rows) // most] for i in range(most)]
    return rows[:most]


def _categories(chart: Chart, table: Table) -> tuple[str, ...]:
    """Which of x, y, c are names rather than numbers."""
    if chart.kind in ("dots", "bars"):
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


def _color(drawing: _Drawing) -> Any:
    """The encoding of series, or one colour where there is no series."""
    import altair as alt

    if "c" not in drawing.orders:
        return alt.value(_COLORS[0])
    columns = max(1, 80 // (5 + _widest(drawing, "c")))
    # a band would lend its pale fill to the legend
    legend = alt.Legend(title=drawing.titles["c"], columns=columns, symbolOpacity=1)
    return alt.Color("c:N", scale=_by_series(drawing, _COLORS), legend=legend)


def _by_series(drawing: _Drawing, marks: Sequence[Any]) -> Any:
    """A scale that gives each series its own of `marks`: series differ by more than colour."""
    import altair as alt

    series = drawing.orders["c"]
    return alt.Scale(domain=series, range=[marks[i % len(marks)] for i in range(len(series))])


def _shape(drawing: _Drawing) -> dict[str, Any]:
    import altair as alt

    if "c" not in drawing.orders:
        return {}
    return {"shape": alt.Shape("c:N", scale=_by_series(drawing, _SHAPES))}


def _widest(drawing: _Drawing, key: str) -> int:
    return max(map(len, drawing.orders[key]))


def _scale(drawing: _Drawing, key: str, *, zero: bool) -> dict[str, Any]:
    """Title, scale and ticks of a numeric axis."""
    import altair as alt

    whole: dict[str, Any] = {"tickMinStep": 1, "format": ",d"} if key in drawing.counts else {}
    axis = alt.Axis(labelFlush=False, tickCount=6, **whole)
    return {"title": drawing.titles[key], "scale": alt.Scale(zero=zero), "axis": axis}


def _named_rows(drawing: _Drawing) -> dict[str, Any]:
    """The y axis of names, and the offset of each series within a name's line."""
    import altair as alt

    axis = alt.Axis(grid=True, ticks=False)
    rows: dict[str, Any] = {
        "y": alt.Y("y:N", scale=alt.Scale(domain=drawing.orders["y"]), title=None, axis=axis)
    }
    if "c" in drawing.orders:
        rows["yOffset"] = alt.YOffset("c:N", scale=alt.Scale(domain=drawing.orders["c"]))
    return rows


def _height(drawing: _Drawing) -> int:
    series = len(drawing.orders.get("c", [""]))
    return max(_LINE_HEIGHT, 8 + 12 * series) * len(drawing.orders["y"])


def _reference(drawing: _Drawing, axis: str) -> "list[alt.Chart]":
    """A dashed line at the chart's reference, if it has one."""
    import altair as alt

    if drawing.reference is None:
        return []
    at = alt.X if axis == "x" else alt.Y
    rule = alt.Chart(alt.InlineData(values=[{"at": drawing.reference}])).mark_rule(
        color="var(--ink)", strokeDash=[4, 3], strokeWidth=1
    )
    return [rule.encode(at("at:Q"))]


def _dots(drawing: _Drawing) -> _Layers:
    import altair as alt

    lines, color = _named_rows(drawing), _color(drawing)
    layers = _reference(drawing, "x")
    if bars := [row for row in drawing.rows if "lo" in row]:
        rules = alt.Chart(alt.InlineData(values=bars)).mark_rule(strokeWidth=1.75)
        layers.append(rules.encode(x=alt.X("lo:Q"), x2="hi:Q", color=color, **lines))
    points = alt.Chart(alt.InlineData(values=drawing.rows)).mark_point(
        filled=True, size=55, opacity=1
    )
    x = alt.X("x:Q", **_scale(drawing, "x", zero=False))
    layers.append(points.encode(x=x, color=color, **_shape(drawing), **lines))
    return layers, _height(drawing)


def _bars(drawing: _Drawing) -> _Layers:
    import altair as alt

    lines = _named_rows(drawing)
    x = alt.X("x:Q", **_scale(drawing, "x", zero=True))
    bars = alt.Chart(alt.InlineData(values=drawing.rows)).mark_bar()
    layers = [bars.encode(x=x, color=_color(drawing), **lines)]
    if marked := [row for row in drawing.rows if "lo" in row]:
        rules = alt.Chart(alt.InlineData(values=marked)).mark_rule(
            color="var(--ink)", strokeWidth=1.5
        )
        layers.append(rules.encode(x=alt.X("lo:Q"), x2="hi:Q", **lines))
    layers += _reference(drawing, "x")
    return layers, _height(drawing)


def _lines(drawing: _Drawing) -> _Layers:
    import altair as alt

    if "x" in drawing.orders:
        names = alt.Scale(domain=drawing.orders["x"])
        x = alt.X("x:N", scale=names, title=drawing.titles["x"], axis=alt.Axis(labelAngle=0))
    else:
        x = alt.X("x:Q", **_scale(drawing, "x", zero=False))
    y, color = alt.Y("y:Q", **_scale(drawing, "y", zero=True)), _color(drawing)
    dash: dict[str, Any] = {}
    if "c" in drawing.orders:
        dash["strokeDash"] = alt.StrokeDash("c:N", scale=_by_series(drawing, _DASHES))
    layers = _reference(drawing, "y")
    if banded := [row for row in drawing.rows if "lo" in row]:
        band = alt.Chart(alt.InlineData(values=banded)).mark_area(opacity=0.16)
        layers.append(band.encode(x=x, y=alt.Y("lo:Q"), y2="hi:Q", color=color))
    base = alt.Chart(alt.InlineData(values=drawing.rows))
    layers.append(base.mark_line(strokeWidth=2).encode(x=x, y=y, color=color, **dash))
    points = base.mark_point(filled=True, size=28, opacity=1)
    layers.append(points.encode(x=x, y=y, color=color, **_shape(drawing)))
    return layers, 250


def _heat(drawing: _Drawing) -> _Layers:
    import altair as alt

    names = {key: alt.Scale(domain=drawing.orders[key]) for key in "xy"}
    columns = len(drawing.orders["x"])
    labels = alt.Axis(labelAngle=0 if columns * _widest(drawing, "x") < 80 else -40, ticks=False)
    x = alt.X("x:N", scale=names["x"], title=drawing.titles["x"], axis=labels)
    y = alt.Y("y:N", scale=names["y"], title=drawing.titles["y"], axis=alt.Axis(ticks=False))
    shade = alt.Scale(range=[0.04, 0.5])  # beyond that, the number in the cell loses contrast
    base = alt.Chart(alt.InlineData(values=drawing.rows))
    cells = base.mark_rect(color=_COLORS[0], stroke="var(--paper)").encode(
        x=x, y=y, fillOpacity=alt.FillOpacity("c:Q", scale=shade, legend=None)
    )
    whole = all(float(row["c"]).is_integer() for row in drawing.rows)
    text = base.mark_text(color="var(--ink)", fontSize=11).encode(
        x=x, y=y, text=alt.Text("c:Q", format=",.0f" if whole else ".2f")
    )
    layers = [cells, text] if columns <= 14 else [cells]
    return layers, _LINE_HEIGHT * len(drawing.orders["y"])


def _scatter(drawing: _Drawing) -> _Layers:
    import altair as alt

    points = alt.Chart(alt.InlineData(values=drawing.rows)).mark_point(
        filled=True, size=30, opacity=0.7
    )
    x, color = alt.X("x:Q", **_scale(drawing, "x", zero=False)), _color(drawing)
    y = alt.Y("y:Q", **_scale(drawing, "y", zero=False))
    layers = _reference(drawing, "y")
    if barred := [row for row in drawing.rows if "lo" in row]:
        bars = alt.Chart(alt.InlineData(values=barred)).mark_rule(strokeWidth=1.75)
        layers.append(bars.encode(x=x, y=alt.Y("lo:Q"), y2="hi:Q", color=color))
    layers.append(points.encode(x=x, y=y, color=color, **_shape(drawing)))
    return layers, 320


def _themed(layers: Sequence[Any], height: int) -> dict[str, Any]:
    """A Vega-Lite specification in the common look: quiet axes, the page's colours."""
    import altair as alt

    ink = {"labelColor": "var(--ink)", "titleColor": "var(--ink)"}
    text = {"labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal"}
    room = {"labelLimit": WIDTH // 2, "titleLimit": WIDTH}
    config = {
        "aria": False,
        "font": _FONT,
        "view": {"stroke": None},
        "axis": ink | text | room | {
            "gridColor": "var(--grid)", "domainColor": "var(--rule)", "tickColor": "var(--rule)",
            "labelPadding": 5, "titlePadding": 10,
        },
        "legend": ink | text | room | {
            "orient": "top", "titleAnchor": "start", "offset": 10, "symbolSize": 70,
            "symbolStrokeWidth": 2, "columnPadding": 28,  # for wider fonts, as below
        },
    }  # fmt: skip
    fit = {"type": "fit-x", "contains": "padding"}
    # a browser that has none of the fonts takes a wider one: labels would be cut on the left
    padding = {"left": 28, "right": 4, "top": 4, "bottom": 4}
    chart = alt.layer(*layers).properties(
        width=WIDTH, height=height, autosize=fit, padding=padding, background="transparent"
    )
    specification: dict[str, Any] = chart.to_dict() | {"config": config}
    return specification


def _accessible(picture: str, chart: Chart, prefix: str) -> str:
    """vl-convert's SVG as one image with a name and a description, its ids made unique."""
    root = ET.fromstring(picture.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1))
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if name in ("class", "role", "pointer-events") or name.startswith("aria-"):
                del element.attrib[name]
            elif name == "id":
                element.set(name, f"{prefix}-{value}")
            elif value.startswith("url(#"):
                element.set(name, f"url(#{prefix}-{value[5:]}")
    size = {name: root.get(name, "") for name in ("width", "height", "viewBox")}
    root.attrib.clear()
    root.attrib.update(
        {"class": "picture", "role": "img", "aria-labelledby": f"{prefix}-t {prefix}-d"} | size
    )
    for index, (tag, text) in enumerate((("title", chart.title), ("desc", chart.alt))):
        child = ET.Element(tag, {"id": f"{prefix}-{tag[0]}"})
        child.text = printable(text)
        root.insert(index, child)
    return ET.tostring(root, encoding="unicode")
