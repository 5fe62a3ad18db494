"""A chart as inline SVG: the common look, a name and a description, ids of its own."""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from typing import Any

from auditkit.finding import Chart, ChartKind, Table
from auditkit.report.charts.cloud import cloud
from auditkit.report.charts.drawing import Drawing, drawing
from auditkit.report.charts.look import FONT, KEY, NAME, TYPE, WIDTH, lines_of
from auditkit.report.charts.named import Layers, bars, chance, dots, stair
from auditkit.report.charts.plotted import heat, lines, matrix, scatter
from auditkit.report.charts.said import description, key
from auditkit.report.charts.slim import slim
from auditkit.report.palette import paint
from auditkit.text import printable

KINDS: Mapping[ChartKind, Callable[[Drawing], Layers]] = {
    "dots": dots, "chance": chance, "stair": stair, "bars": bars,
    "lines": lines, "scatter": scatter, "heat": heat, "matrix": matrix,
}  # fmt: skip


def svg(
    chart: Chart, table: Table, *, prefix: str, specified: Mapping[str, Any] | None = None
) -> str:
    """The chart as one `<svg>` element without declarations, to stand inside an HTML page.

    Args:
        chart: What to draw.
        table: The table of that name, from the same finding.
        prefix: Unique on the page; it begins every id inside of the picture.
        specified: Its `specification`, where that is made already.

    Raises:
        ProbeError: No row can be drawn (`drawn` is 0), or a column is not of a kind to be drawn.
    """
    import vl_convert

    drawn = drawing(chart, table)
    if chart.kind == "cloud":
        return _accessible(cloud(drawn, WIDTH, FONT), drawn, prefix)
    spec = dict(specified or _specification(drawn))
    picture = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return _accessible(_parsed(picture), drawn, prefix)


def specification(chart: Chart, table: Table) -> dict[str, Any] | None:
    """The chart in Vega-Lite, for a browser that draws it anew; None of a cloud, which is no such.

    Raises:
        ProbeError: As `svg`.
    """
    return None if chart.kind == "cloud" else _specification(drawing(chart, table))


def _specification(drawn: Drawing) -> dict[str, Any]:
    return _themed(*KINDS[drawn.chart.kind](drawn), drawn)


def _themed(layers: list[Any], height: int, drawn: Drawing) -> dict[str, Any]:
    """A Vega-Lite specification in the common look: quiet axes, the page's colours."""
    import altair as alt

    ink = {"labelColor": paint("ink"), "titleColor": paint("ink")}
    text = {"labelFontSize": TYPE, "titleFontSize": TYPE, "titleFontWeight": "normal"}
    room = {"labelLimit": WIDTH - 80, "titleLimit": WIDTH}
    config = {
        "aria": False,
        "font": FONT,
        "view": {"stroke": None},
        "text": {"fontSize": TYPE, "color": paint("ink")},
        "axis": ink | text | room | {
            "gridColor": paint("grid"), "domainColor": paint("rule"), "tickColor": paint("rule"),
            "labelPadding": 5, "titlePadding": 8,
        },
        "legend": ink | text | room | {
            "orient": "top", "titleAnchor": "start", "offset": 8, "symbolSize": 70,
            "symbolStrokeWidth": 2, "columnPadding": 20,
        },
    }  # fmt: skip
    fit = {"type": "fit-x", "contains": "padding"}
    # a browser that has none of the fonts takes a wider one: names would be cut on the left
    spare = {k: max((len(n) for n in drawn.orders.get(k, [])), default=8) for k in "yc"}
    padding = {"left": 4 + 1.3 * min(NAME, spare["y"]), "right": 4 + 1.3 * min(NAME, spare["c"]),
               "top": 4, "bottom": 4}  # fmt: skip
    told, zone = ([line for one in lines for line in lines_of(one, KEY)] for lines in key(drawn))
    above = {
        "title": alt.TitleParams(
            text=told or zone, subtitle=zone if told else [], anchor="start", frame="bounds",
            fontSize=TYPE, fontWeight="normal", subtitleFontSize=TYPE, offset=6,
            color=paint("soft" if told else "fail"), subtitleColor=paint("fail"),
        )
    } if told or zone else {}  # fmt: skip
    chart = alt.layer(*layers).properties(
        width=WIDTH, height=height, autosize=fit, padding=padding, background="transparent",
        **above,
    )  # fmt: skip
    themed: dict[str, Any] = chart.to_dict() | {"config": config}
    return themed


def _parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1))


def _accessible(root: ET.Element, drawn: Drawing, prefix: str) -> str:
    """The SVG as one image with a name and a description, and no larger than it has to be."""
    slim(root, prefix)
    size = {name: root.get(name, "") for name in ("width", "height", "viewBox")}
    root.attrib.clear()
    said = {"class": "picture", "role": "img", "aria-labelledby": f"{prefix}-t {prefix}-d"}
    root.attrib.update(said | size | {"font-family": FONT})
    told = (("title", drawn.chart.title), ("desc", description(drawn)))
    for index, (tag, text) in enumerate(told):
        child = ET.Element(tag, {"id": f"{prefix}-{tag[0]}"})
        child.text = printable(text)
        root.insert(index, child)
    return ET.tostring(root, encoding="unicode")
