"""A chart as inline SVG: the common look, a name and a description, ids of its own."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from auditkit.errors import ProbeError
from auditkit.finding import Chart, Table
from auditkit.report.charts.cloud import cloud
from auditkit.report.charts.drawing import drawing
from auditkit.report.charts.kinds import KINDS
from auditkit.report.palette import paint
from auditkit.text import printable

WIDTH = 600
"""Width of every chart, in CSS pixels."""

# Measured by vl-convert with the fonts it carries: metrics do not depend on the machine.
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

# What an element says without saying it: Vega writes these on each of them.
_INITIAL = {
    ("opacity", "1"), ("stroke-width", "1"), ("font-weight", "normal"), ("font-family", _FONT),
}  # fmt: skip
_LENGTHS = {"transform", "d", "x", "y", "x2", "y2", "width", "height", "textLength"}
_LONG_FRACTION = re.compile(r"-?\d+\.\d{3,}(?:e-\d+)?")


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

    drawn = drawing(chart, table)
    if chart.kind == "cloud":
        return _accessible(cloud(drawn, WIDTH, _FONT), chart, prefix)
    spec = _themed(*KINDS[chart.kind](drawn))
    root = _parsed(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
    _name_points(root, [str(row["n"]) for row in drawn.rows if "n" in row])
    return _accessible(root, chart, prefix)


def _themed(layers: Sequence[Any], height: int) -> dict[str, Any]:
    """A Vega-Lite specification in the common look: quiet axes, the page's colours."""
    import altair as alt

    ink = {"labelColor": paint("ink"), "titleColor": paint("ink")}
    text = {"labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal"}
    room = {"labelLimit": WIDTH // 2, "titleLimit": WIDTH}
    config = {
        "aria": False,
        "font": _FONT,
        "view": {"stroke": None},
        "axis": ink | text | room | {
            "gridColor": paint("grid"), "domainColor": paint("rule"), "tickColor": paint("rule"),
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


def _parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1))


def _name_points(root: ET.Element, names: Sequence[str]) -> None:
    """Give each point of a scatter its name, which a browser shows where it is pointed at.

    Raises:
        ProbeError: The picture has another number of points than there are names.
    """
    if not names:
        return
    groups = [g for g in root.iter("g") if "layer" in g.get("class", "") and _symbols(g)]
    points = [point for group in groups for point in group]
    if len(points) != len(names):
        raise ProbeError(f"a picture of {len(points)} points for {len(names)} names")
    for point, name in zip(points, names, strict=True):
        title = ET.SubElement(point, "title")
        title.text = printable(name)


def _symbols(group: ET.Element) -> bool:
    return "mark-symbol" in group.get("class", "")


def _accessible(root: ET.Element, chart: Chart, prefix: str) -> str:
    """vl-convert's SVG as one image with a name and a description, its ids made unique.

    Nothing that cannot be seen is kept, nor a fraction of a pixel beyond hundredths.
    """
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            silent = name in ("class", "role", "pointer-events") or name.startswith("aria-")
            if silent or (name, value) in _INITIAL:
                del element.attrib[name]
            elif name == "id":
                element.set(name, f"{prefix}-{value}")
            elif value.startswith("url(#"):
                element.set(name, f"url(#{prefix}-{value[5:]}")
            elif name in _LENGTHS:
                element.set(name, _LONG_FRACTION.sub(_hundredths, value))
        for child in [child for child in element if child.get("display") == "none"]:
            element.remove(child)
    size = {name: root.get(name, "") for name in ("width", "height", "viewBox")}
    root.attrib.clear()
    said = {"class": "picture", "role": "img", "aria-labelledby": f"{prefix}-t {prefix}-d"}
    root.attrib.update(said | size | {"font-family": _FONT})
    for index, (tag, text) in enumerate((("title", chart.title), ("desc", chart.alt))):
        child = ET.Element(tag, {"id": f"{prefix}-{tag[0]}"})
        child.text = printable(text)
        root.insert(index, child)
    return ET.tostring(root, encoding="unicode")


def _hundredths(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
