"""SVG without what is not seen, and without saying things twice: a page has many pictures."""

import re
import xml.etree.ElementTree as ET

from auditkit.report.charts.look import FONT

# What an element says without saying it: Vega writes these on each of them.
_INITIAL = {
    ("opacity", "1"), ("stroke-width", "1"), ("font-weight", "normal"), ("font-family", FONT),
}  # fmt: skip
_INHERITED = (
    "fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "text-anchor",
    "fill-opacity", "stroke-opacity",
)  # fmt: skip
"""What a group says for all that is inside of it."""
_LENGTHS = {"transform", "d", "x", "y", "x2", "y2", "width", "height", "textLength"}
_FRACTION = re.compile(r"-?\d+\.\d{2,}(?:e-\d+)?")
_MANY = 12
"""Points from which on those that look alike are one line's."""
_AT = re.compile(r"translate\((-?[\d.]+),(-?[\d.]+)\)")


def slim(root: ET.Element, prefix: str) -> None:
    """Leave out what is silent, take together what is alike; ids begin with `prefix`."""
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
                element.set(name, _FRACTION.sub(_tenths, value))
            elif name.endswith("opacity"):
                element.set(name, f"{float(value):.2g}")
    _seen(root)
    for group in list(root.iter("g")):
        _strokes(group)
        _points(group, prefix)
    _placed(root)
    _shared(root)
    _flat(root)


def _tenths(match: re.Match[str]) -> str:
    return f"{round(float(match[0]), 1) + 0.0:g}"


def _seen(element: ET.Element) -> None:
    """Drop what shows nothing."""
    for child in list(element):
        _seen(child)
        unseen = child.tag == "path" and not ({"fill", "stroke"} & child.attrib.keys())
        if child.get("display") == "none" or unseen or (child.tag == "g" and not len(child)):
            element.remove(child)


def _strokes(group: ET.Element) -> None:
    """Lines that look alike as one path of many strokes."""
    alike: dict[tuple[tuple[str, str], ...], ET.Element] = {}
    for child in list(group):
        at = _AT.fullmatch(child.get("transform", ""))
        if child.tag != "line" or at is None:
            continue
        ends = [child.attrib.pop(name) for name in ("transform", "x2", "y2")][1:]
        look = tuple(child.attrib.items())
        step = f"h{ends[0]}" if ends[1] == "0" else f"v{ends[1]}" if ends[0] == "0" else ""
        path = alike.get(look)
        if path is None:
            path = alike[look] = child
            child.tag = "path"
            child.set("d", "")
        else:
            group.remove(child)
        path.set("d", f"{path.get('d')}M{at[1]},{at[2]}{step or f'l{ends[0]},{ends[1]}'}")


def _points(group: ET.Element, prefix: str) -> None:
    """Many points that look alike as the corners of one line, whose mark they are."""
    alike: dict[tuple[tuple[str, str], ...], list[ET.Element]] = {}
    for child in group:
        if child.tag == "path" and _AT.fullmatch(child.get("transform", "")):
            look = tuple((k, v) for k, v in child.attrib.items() if k != "transform")
            alike.setdefault(look, []).append(child)
    for number, (look, points) in enumerate(alike.items()):
        if len(points) < _MANY:
            continue
        mark = f"{prefix}-m{number}"
        places = [_AT.fullmatch(point.get("transform", "")) for point in points]
        marker = ET.Element("marker", {"id": mark, "overflow": "visible",
                                       "markerUnits": "userSpaceOnUse"})  # fmt: skip
        ET.SubElement(marker, "path", dict(look))
        corners = " ".join(f"{at[1]},{at[2]}" for at in places if at)
        line = {"d": f"M{corners}h0"} | {f"marker-{at}": f"url(#{mark})" for at in ("start", "mid")}
        group[list(group).index(points[0])] = marker
        group.insert(list(group).index(marker) + 1, ET.Element("path", line))
        for point in points[1:]:
            group.remove(point)


def _placed(root: ET.Element) -> None:
    """Text says its place in fewer words; groups that are not moved say none."""
    for element in root.iter():
        at = _AT.fullmatch(element.get("transform", ""))
        if at and element.tag == "text" and not len(element):
            del element.attrib["transform"]
            element.set("x", at[1])
            element.set("y", at[2])
        elif at and float(at[1]) == float(at[2]) == 0:
            del element.attrib["transform"]


def _shared(element: ET.Element) -> None:
    """What all of a group's children say of their look, the group says once."""
    for child in element:
        _shared(child)
    if element.tag != "g" or len(element) < 2:
        return
    for name in _INHERITED:
        said = {child.get(name) for child in element}
        if len(said) == 1 and None not in said:
            element.set(name, said.pop() or "")
            for child in element:
                del child.attrib[name]


def _flat(element: ET.Element) -> None:
    """A group that says nothing gives way to what it holds."""
    kept: list[ET.Element] = []
    for child in element:
        _flat(child)
        kept.extend(child if child.tag == "g" and not child.attrib else [child])
    element[:] = kept
