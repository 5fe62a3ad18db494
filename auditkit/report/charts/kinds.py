"""The kinds of charts that are layers of Vega-Lite: dots, bars, lines, heat, scatter."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from auditkit.finding import ChartKind
from auditkit.report.charts.drawing import Drawing
from auditkit.report.palette import SERIES, paint

if TYPE_CHECKING:
    import altair as alt

_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"]
_DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]
_LINE_HEIGHT = 24

Layers = tuple[list[Any], int]
"""Layers of a picture, and the height of its plot in pixels."""


def _color(drawing: Drawing) -> Any:
    """The encoding of series, or one colour where there is no series."""
    import altair as alt

    if "c" not in drawing.orders:
        return alt.value(SERIES[0])
    columns = max(1, 80 // (5 + _widest(drawing, "c")))
    # a band would lend its pale fill to the legend
    legend = alt.Legend(title=drawing.titles["c"], columns=columns, symbolOpacity=1)
    return alt.Color("c:N", scale=_by_series(drawing, SERIES), legend=legend)


def _by_series(drawing: Drawing, marks: Sequence[Any]) -> Any:
    """A scale that gives each series its own of `marks`: series differ by more than colour."""
    import altair as alt

    series = drawing.orders["c"]
    return alt.Scale(domain=series, range=[marks[i % len(marks)] for i in range(len(series))])


def _shape(drawing: Drawing) -> dict[str, Any]:
    import altair as alt

    if "c" not in drawing.orders:
        return {}
    return {"shape": alt.Shape("c:N", scale=_by_series(drawing, _SHAPES))}


def _widest(drawing: Drawing, key: str) -> int:
    return max(map(len, drawing.orders[key]))


def _scale(drawing: Drawing, key: str, *, zero: bool) -> dict[str, Any]:
    """Title, scale and ticks of a numeric axis."""
    import altair as alt

    whole: dict[str, Any] = {"tickMinStep": 1, "format": ",d"} if key in drawing.counts else {}
    axis = alt.Axis(labelFlush=False, tickCount=6, **whole)
    return {"title": drawing.titles[key], "scale": alt.Scale(zero=zero), "axis": axis}


def _named_rows(drawing: Drawing) -> dict[str, Any]:
    """The y axis of names, and the offset of each series within a name's line."""
    import altair as alt

    axis = alt.Axis(grid=True, ticks=False)
    rows: dict[str, Any] = {
        "y": alt.Y("y:N", scale=alt.Scale(domain=drawing.orders["y"]), title=None, axis=axis)
    }
    if "c" in drawing.orders:
        rows["yOffset"] = alt.YOffset("c:N", scale=alt.Scale(domain=drawing.orders["c"]))
    return rows


def _height(drawing: Drawing) -> int:
    series = len(drawing.orders.get("c", [""]))
    return max(_LINE_HEIGHT, 8 + 12 * series) * len(drawing.orders["y"])


def _reference(drawing: Drawing, axis: str) -> "list[alt.Chart]":
    """A dashed line at the chart's reference, if it has one."""
    import altair as alt

    if drawing.reference is None:
        return []
    at = alt.X if axis == "x" else alt.Y
    rule = alt.Chart(alt.InlineData(values=[{"at": drawing.reference}])).mark_rule(
        color=paint("ink"), strokeDash=[4, 3], strokeWidth=1
    )
    return [rule.encode(at("at:Q"))]


def _dots(drawing: Drawing) -> Layers:
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


def _bars(drawing: Drawing) -> Layers:
    import altair as alt

    lines = _named_rows(drawing)
    x = alt.X("x:Q", **_scale(drawing, "x", zero=True))
    bars = alt.Chart(alt.InlineData(values=drawing.rows)).mark_bar()
    layers = [bars.encode(x=x, color=_color(drawing), **lines)]
    if marked := [row for row in drawing.rows if "lo" in row]:
        rules = alt.Chart(alt.InlineData(values=marked)).mark_rule(
            color=paint("ink"), strokeWidth=1.5
        )
        layers.append(rules.encode(x=alt.X("lo:Q"), x2="hi:Q", **lines))
    layers += _reference(drawing, "x")
    return layers, _height(drawing)


def _lines(drawing: Drawing) -> Layers:
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


def _heat(drawing: Drawing) -> Layers:
    import altair as alt

    names = {key: alt.Scale(domain=drawing.orders[key]) for key in "xy"}
    columns = len(drawing.orders["x"])
    labels = alt.Axis(labelAngle=0 if columns * _widest(drawing, "x") < 80 else -40, ticks=False)
    x = alt.X("x:N", scale=names["x"], title=drawing.titles["x"], axis=labels)
    y = alt.Y("y:N", scale=names["y"], title=drawing.titles["y"], axis=alt.Axis(ticks=False))
    shade = alt.Scale(range=[0.04, 0.5])  # beyond that, the number in the cell loses contrast
    base = alt.Chart(alt.InlineData(values=drawing.rows))
    cells = base.mark_rect(color=SERIES[0], stroke=paint("paper")).encode(
        x=x, y=y, fillOpacity=alt.FillOpacity("c:Q", scale=shade, legend=None)
    )
    whole = all(float(row["c"]).is_integer() for row in drawing.rows)
    text = base.mark_text(color=paint("ink"), fontSize=11).encode(
        x=x, y=y, text=alt.Text("c:Q", format=",.0f" if whole else ".2f")
    )
    layers = [cells, text] if columns <= 14 else [cells]
    return layers, _LINE_HEIGHT * len(drawing.orders["y"])


def _scatter(drawing: Drawing) -> Layers:
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


KINDS: Mapping[ChartKind, Callable[[Drawing], Layers]] = {
    "dots": _dots, "bars": _bars, "lines": _lines, "heat": _heat, "scatter": _scatter,
}  # fmt: skip
