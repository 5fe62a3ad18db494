"""A word cloud as SVG: words laid out from the middle outwards, the largest first, none on another.

Vega's own needs a canvas to measure words, which vl-convert has not. Here a word is given its width
(`textLength`), so that it takes the room that was kept for it in whatever font a reader has.
"""

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.report.charts.drawing import Drawing
from auditkit.report.palette import SERIES
from auditkit.text import broad, cut, printable

SMALLEST, LARGEST = 13.5, 44.0
"""Sizes of type, in CSS pixels."""
GAP = 4.0
_NARROW, _WIDE = 0.56, 1.0
"""Width of a character over the size of type: of most, and of those that East Asian ones are."""
_LEADING = 1.15
_FLAT = 0.55
"""Height over width of the spiral: a picture is wider than high."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a word stands: its middle, and its size."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: "Box") -> bool:
        """Whether the two would touch."""
        return (
            abs(self.x - other.x) * 2 < self.width + other.width + 2 * GAP
            and abs(self.y - other.y) * 2 < self.height + other.height + GAP
        )


def cloud(drawing: Drawing, width: int, font: str) -> ET.Element:
    """The words of a drawing, the area of each as its x; ties in the order of the table.

    Args:
        drawing: Rows of y, the word, and x, its size.
        width: Of the picture in pixels; its height follows from the words.
        font: Family.
    """
    most = (width - 2 * GAP) / SMALLEST  # a word of the smallest type still fits
    words = [
        (next(word for end in range(len(name), 0, -1)
              if _ems(word := cut(name, end)) <= most or end == 1), float(row["x"]))
        for row in drawing.rows for name in [str(row["y"])]
    ]  # fmt: skip
    placed = layout(words, width)
    top = min(box.y - box.height / 2 for _, _, box in placed) - GAP
    height = max(box.y + box.height / 2 for _, _, box in placed) + GAP - top
    size = {"width": f"{width}", "height": f"{height:.0f}"}
    root = ET.Element("svg", size | {"viewBox": f"0 {top:.0f} {width} {height:.0f}"})
    group = ET.SubElement(root, "g", {"font-family": font, "text-anchor": "middle"})
    for number, (word, type_size, box) in enumerate(placed):
        text = ET.SubElement(
            group,
            "text",
            {
                "x": f"{box.x:.1f}",
                "y": f"{box.y + 0.35 * type_size:.1f}",
                "font-size": f"{type_size:.1f}px",
                "textLength": f"{box.width:.1f}",
                "lengthAdjust": "spacingAndGlyphs",
                "fill": SERIES[number % 4],
            },
        )
        text.text = printable(word)
    return root


def layout(words: list[tuple[str, float]], width: int) -> list[tuple[str, float, Box]]:
    """Each word with its size of type and its place; no two touch, and none leaves the picture."""
    largest = max((value for _, value in words), default=1.0) or 1.0
    order = sorted(range(len(words)), key=lambda i: (-words[i][1], i))
    placed: list[tuple[str, float, Box]] = []
    for i in order:
        word, value = words[i]
        type_size = max(SMALLEST, LARGEST * math.sqrt(max(0.0, value) / largest))
        type_size = min(type_size, (width - 2 * GAP) / _ems(word))
        room = (_ems(word) * type_size, _LEADING * type_size)
        taken = [box for _, _, box in placed]
        box = next(
            box
            for x, y in _spiral(width / 2)
            for box in [Box(x, y, *room)]
            if room[0] / 2 <= x <= width - room[0] / 2 and not any(map(box.meets, taken))
        )
        placed.append((word, type_size, box))
    return placed


def _ems(word: str) -> float:
    """Width of a word at type of size 1."""
    return max(1, len(word)) * _NARROW + broad(word) * (_WIDE - _NARROW)


def _spiral(middle: float) -> Iterator[tuple[float, float]]:
    """Places from the middle outwards, without end."""
    turn = 0.0
    while True:
        reach = 2.2 * turn
        yield middle + reach * math.cos(turn), _FLAT * reach * math.sin(turn)
        turn += 0.35 if turn < 10 else 3.5 / turn
