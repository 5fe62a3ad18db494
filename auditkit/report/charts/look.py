"""The common look of pictures: widths, axes, colours of series, lines of reference, their key."""

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from auditkit.report.charts.drawing import OTHERS, Drawing
from auditkit.report.palette import SERIES, paint
from auditkit.text import broad

WIDTH = 420
"""Width of every chart, in CSS pixels."""
TYPE = 13.5
"""Size of type: on a phone, where a picture is 343 wide or more, it is 11 or more."""
LETTER = 8.6
"""Width kept for a letter or figure of this type, in the widest font that a browser may take."""
# Measured by vl-convert with the fonts it carries: metrics do not depend on the machine.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

NAME = 20
"""Characters of a line of a name beside the plot; what is longer takes a second line."""
_ASKEW = 18
"""Letters of a name that stands askew below the plot."""
KEY = 52
"""Characters of a line of the key."""

_WIDE = 20
"""Largest over smallest ratio from which on an axis of ratios is logarithmic."""

_TICKS = 12
"""Whole numbers up to which each has a tick."""
_APART = 6
"""Pixels between two numbers of an axis; where there is less, every other one is left out."""
_MARGIN = 0.03
"""Room at the ends of an axis, of its length."""

SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right"]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]


def values(rows: Sequence[dict[str, Any]]) -> Any:
    """The data of one layer."""
    import altair as alt

    return alt.Chart(alt.InlineData(values=list(rows)))


def lines_of(label: str, width: int = NAME) -> list[str]:
    """A label as two lines of about `width` letters at most.

    >>> lines_of("a name that is too long for two lines (2)", 16)
    ['a name that is', 'too long…nes (2)']
    """
    first, *more = textwrap.wrap(label, _letters(label, width)) or [label]
    return [first, short(" ".join(more), width)] if more else [first]


def short(label: str, width: int) -> str:
    """A label as one line; of one that is too long the end is kept, which tells it apart."""
    room = _letters(label, width)
    return label if len(label) <= room else f"{label[: room - 8]}…{label[-7:]}"


def _letters(label: str, width: int) -> int:
    """How many of a label's letters take the room of `width` usual ones."""
    return max(9, int(width / (1 + 0.6 * broad(label) / max(1, len(label)))))


def broken(drawing: Drawing, key: str, width: int = NAME) -> tuple[dict[str, str], int]:
    """By label: the label with a line break where it is long; and the longest line's length."""
    lines = {label: lines_of(label, width) for label in drawing.orders[key]}
    longest = max((len(line) for two in lines.values() for line in two), default=0)
    return {label: "\n".join(two) for label, two in lines.items()}, longest


def across(drawing: Drawing, room: float) -> Any:
    """The x axis of names, which stand askew where there is too little room.

    Args:
        drawing: What is drawn.
        room: Width of the plot.
    """
    import altair as alt

    names, widest = broken(drawing, "x")
    flat = widest * LETTER * len(names) <= room
    if not flat:
        names = {name: short(name, _ASKEW) for name in names}
    axis = alt.Axis(
        labelExpr=f"split({json.dumps(names)}[datum.value], '\\n')",
        labelAngle=0 if flat else -40, ticks=False, titleAnchor="end",
    )  # fmt: skip
    scale = alt.Scale(domain=drawing.orders["x"])
    return alt.X("x:N", scale=scale, axis=axis, title=lines_of(drawing.titles["x"], 36))


def name_layers(drawing: Drawing, y: Any, width: int = NAME) -> list[Any]:
    """The names of the y axis as text beside the plot, on one line or on two."""
    import altair as alt

    lines, _ = broken(drawing, "y", width)
    layers = []
    for many, lift in ((False, 0), (True, -TYPE / 2 - 1)):
        if rows := [{"y": y, "name": n} for y, n in lines.items() if ("\n" in n) == many]:
            text = values(rows).mark_text(align="right", dy=lift, lineBreak="\n")
            layers.append(text.encode(y=y, x=alt.value(-7), text=alt.Text("name:N")))
    return layers


def numeric(drawing: Drawing, key: str, *, zero: bool, ends: Sequence[float] = ()) -> Any:
    """Title, scale and ticks of a numeric axis.

    Args:
        drawing: What is drawn.
        key: x or y.
        zero: Whether the axis begins at 0.
        ends: Values that lie within it, drawn or not.
    """
    import altair as alt

    rows = drawing.rows
    held = [*ends, *(float(row[key]) for row in rows)]
    if key == ("y" if drawing.chart.kind in ("lines", "scatter") else "x"):  # that of intervals
        held += [float(row[end]) for row in rows for end in ("lo", "hi") if end in row]
    low, high = min(held), max(held)
    steps = sorted({float(row[key]) for row in rows})
    ticks: dict[str, Any] = {"tickCount": 5 if key == "y" else 4}
    if key in drawing.counts:
        ticks |= {"tickMinStep": 1, "format": ",d"} | (
            {"values": steps, "labelOverlap": False} if key == "x" and len(steps) <= _TICKS else {}
        )
    margin = 0.0 if key == "y" or drawing.chart.kind == "lines" else _MARGIN * (high - low)
    spread = [low if zero else low - margin, high + margin]
    scale = alt.Scale(zero=zero, domain=spread, nice=key == "y")
    # ratios: half and double are as far from 1
    if key == "x" and drawing.chart.reference == 1 and 0 < _WIDE * low < high:
        scale = alt.Scale(type="log", domain=[low, high])
        ticks = {"values": [10.0**power for power in range(-9, 10)], "format": "~g"}
    return {
        "title": lines_of(drawing.titles[key], 36 if key == "x" else 26),
        "scale": scale,
        # where a font is wide, a title that ends with the plot grows towards the names
        "axis": alt.Axis(
            labelFlush=False,
            labelSeparation=_APART,
            titleAnchor="end" if key == "x" else "middle",
            **ticks,
        ),
    }


def colour(drawing: Drawing, *, legend: bool = True) -> Any:
    """The encoding of series, or one colour where there is no series."""
    import altair as alt

    if "c" not in drawing.orders:
        return alt.value(SERIES[0])
    order = drawing.orders["c"]
    paints = [paint("gone") if name == OTHERS else SERIES[i] for i, name in enumerate(order)]
    scale = alt.Scale(domain=order, range=paints)
    if not legend:
        return alt.Color("c:N", scale=scale, legend=None)
    room = WIDTH - (LETTER * broken(drawing, "y")[1] if "y" in drawing.orders else 70)
    names = {name: short(name, int((room - 40) / LETTER)) for name in order}
    entry = 40 + LETTER * max(map(len, names.values()))
    columns = min(len(order), max(1, int(room / entry)))
    # a band would lend its pale fill to the legend
    told = alt.Legend(
        title=drawing.titles["c"], columns=columns, symbolOpacity=1,
        labelExpr=f"{json.dumps(names)}[datum.label]",
    )  # fmt: skip
    return alt.Color("c:N", scale=scale, legend=told)


def by_series(drawing: Drawing, marks: Sequence[Any]) -> Any:
    """A scale that gives each series its own of `marks`: series differ by more than colour."""
    import altair as alt

    series = drawing.orders["c"]
    return alt.Scale(domain=series, range=[marks[i % len(marks)] for i in range(len(series))])


def shape(drawing: Drawing) -> dict[str, Any]:
    """The encoding of series by the shape of their marks."""
    import altair as alt

    if "c" not in drawing.orders:
        return {}
    return {"shape": alt.Shape("c:N", scale=by_series(drawing, SHAPES))}


def reference(drawing: Drawing, axis: str) -> list[Any]:
    """A dashed line at the chart's reference, if it has one."""
    import altair as alt

    if drawing.chart.reference is None:
        return []
    at = alt.X if axis == "x" else alt.Y
    rule = values([{"at": drawing.chart.reference}]).mark_rule(
        color=paint("ink"), strokeDash=[4, 3], strokeWidth=1
    )
    return [rule.encode(at("at:Q"))]


def diagonal(drawing: Drawing) -> list[Any]:
    """A dashed line on which x and y are the same, if the chart names one, within what is drawn."""
    if not drawing.chart.diagonal:
        return []
    across, up = ([float(row[key]) for row in drawing.rows] for key in "xy")
    ends = max(min(across), min(up)), min(max(across), max(up))
    rule = values([{"x": end, "y": end} for end in ends]).mark_line(
        color=paint("ink"), strokeDash=[4, 3], strokeWidth=1
    )
    return [rule.encode(x="x:Q", y="y:Q")] if ends[0] < ends[1] else []


def beside(text: str, at: float, **more: Any) -> Any:
    """A layer's text to the right of the plot, `at` pixels from its edge, and how it is set."""
    import altair as alt

    return {"x": alt.value({"expr": f"width + {at:.0f}"}), "text": alt.Text(f"{text}:N"), **more}
