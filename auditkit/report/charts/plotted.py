"""Charts of numbers over numbers, and maps of cells: lines, scatter, heat, matrix."""

from dataclasses import replace
from typing import Any

from auditkit.report.charts.drawing import Drawing, Row
from auditkit.report.charts.look import (
    DASHES,
    LETTER,
    WIDTH,
    across,
    beside,
    broken,
    by_series,
    colour,
    diagonal,
    lines_of,
    name_layers,
    numeric,
    reference,
    shape,
    short,
    values,
)
from auditkit.report.charts.named import Layers
from auditkit.report.palette import SERIES, paint

_HEIGHT, _CELL, _TWO_LINES = 210, 22, 34
_POINTS = 40
"""Rows of lines up to which each has a mark."""
_BANDS = 2
"""Lines up to which each has its intervals as a band; more would lie on one another."""
_FEW = 12
"""Points up to which each has its name beside it."""
_POINT = 15
"""Longest name beside a point, in characters."""
_AROUND, _NAME = 60, 14
"""Width that title and margins take beside a map of cells; letters of a line of its names."""
_END = 18
"""Longest name at the end of a line, in characters; longer ones stand in a legend."""


def lines(drawing: Drawing) -> Layers:
    """A line for each series, named at its end where there is room."""
    import altair as alt

    if len(drawing.orders.get("c", ())) > _BANDS:
        bare = [{k: v for k, v in row.items() if k not in ("lo", "hi")} for row in drawing.rows]
        drawing = replace(drawing, rows=bare)
    rows, ends = drawing.rows, _ends(drawing)
    y = alt.Y("y:Q", **numeric(drawing, "y", zero=False, ends=_held(drawing)))
    if "x" in drawing.orders:
        x = across(drawing, WIDTH - 100)
    else:
        x = alt.X("x:Q", **numeric(drawing, "x", zero=False))
    paints = colour(drawing, legend=not ends)
    dash: dict[str, Any] = {}
    if "c" in drawing.orders:
        dash["strokeDash"] = alt.StrokeDash("c:N", scale=by_series(drawing, DASHES))
    if ends and dash:
        dash["strokeDash"].legend = None
    layers = [*reference(drawing, "y"), *diagonal(drawing)]
    if banded := [row for row in rows if "lo" in row]:
        band = values(banded).mark_area(opacity=0.16)
        layers.append(band.encode(x=x, y=alt.Y("lo:Q"), y2="hi:Q", color=paints))
    layers.append(values(rows).mark_line(strokeWidth=2).encode(x=x, y=y, color=paints, **dash))
    if len(rows) <= _POINTS:
        marks = shape(drawing)
        if ends and marks:
            marks["shape"].legend = None
        points = values(rows).mark_point(filled=True, size=28, opacity=1)
        layers.append(points.encode(x=x, y=y, color=paints, **marks))
    if ends:
        text = values(ends).mark_text(align="left")
        layers.append(text.encode(y=alt.Y("end:Q"), color=paints, **beside("name", 8)))
    if "c" not in drawing.orders and len(rows) <= _FEW:
        told = values(rows).mark_text(dy=-10)
        layers.append(told.encode(x=x, y=y, text=alt.Text("y text:N")))
    return layers, _HEIGHT


def _held(drawing: Drawing) -> list[float]:
    """Values that lie within the y axis, drawn or not: the reference, and 0 where it is near."""
    held = [] if drawing.chart.reference is None else [drawing.chart.reference]
    shown = [float(row[key]) for row in drawing.rows for key in ("y", "lo", "hi") if key in row]
    near = drawing.chart.kind == "lines" and 0 <= 2 * min(shown) < max(shown)
    return [*held, 0.0] if near else held


def _ends(drawing: Drawing) -> list[Row]:
    """Where the name of each line stands: at its last value, none on another; [] for no room."""
    series = drawing.orders.get("c", [])
    if len(series) < 2 or max(map(len, series)) > _END:
        return []
    last = {str(row["c"]): float(row["y"]) for row in drawing.rows}
    held = [float(row[key]) for row in drawing.rows for key in ("y", "lo", "hi") if key in row]
    held += _held(drawing)
    low, high = min(held), max(held)
    step = 16 / _HEIGHT * (high - low)
    told: list[Row] = []
    under = low - step
    for name in sorted(last, key=lambda name: last[name]):
        under = max(last[name], under + step)
        # a bare number says nothing
        shown = f"{drawing.titles['c'].lower()} {name}" if name.isdigit() else name
        told.append({"c": name, "end": under, "name": shown})
    over = high + step
    for place in reversed(told):  # what was pushed out of the top comes down again
        over = min(float(place["end"]), over - step)
        place["end"] = over
    return told


def scatter(drawing: Drawing) -> Layers:
    """A point for each row, with its interval upright, and with its name where there are few."""
    import altair as alt

    rows, paints = drawing.rows, colour(drawing)
    x = alt.X("x:Q", **numeric(drawing, "x", zero=False))
    y = alt.Y("y:Q", **numeric(drawing, "y", zero=False, ends=_held(drawing)))
    layers = [*reference(drawing, "y"), *diagonal(drawing)]
    if barred := [row for row in rows if "lo" in row]:
        bars = values(barred).mark_rule(strokeWidth=1.75)
        layers.append(bars.encode(x=x, y=alt.Y("lo:Q"), y2="hi:Q", color=paints))
    points = values(rows).mark_point(filled=True, size=30, opacity=0.8)
    layers.append(points.encode(x=x, y=y, color=paints, **shape(drawing)))
    if len(rows) <= _FEW and any("n" in row for row in rows):
        middle = (min(float(r["x"]) for r in rows) + max(float(r["x"]) for r in rows)) / 2
        for right in (False, True):  # each name points inwards
            if side := [row for row in rows if (float(row["x"]) > middle) == right]:
                named = [row | {"n": short(str(row["n"]), _POINT)} for row in side]
                text = values(named).mark_text(
                    align="right" if right else "left", dx=-8 if right else 8, dy=-8
                )
                layers.append(text.encode(x=x, y=y, text=alt.Text("n:N")))
    return layers, _HEIGHT + 50


def heat(drawing: Drawing) -> Layers:
    """A cell for each x and y, the darker the greater its number."""
    return _cells(drawing, quiet=False)


def matrix(drawing: Drawing) -> Layers:
    """A cell for each x and y; what stays what it was is quiet."""
    return _cells(drawing, quiet=True)


def _cells(drawing: Drawing, *, quiet: bool) -> Layers:
    import altair as alt

    beside_it, longest = broken(drawing, "y", _NAME)
    room = WIDTH - LETTER * longest - _AROUND
    names = alt.Axis(ticks=False, labels=False, titleX=-(LETTER * longest + 22))
    rows: list[Any] = [row | {"stays": row["x"] == row["y"]} for row in drawing.rows]
    x = across(drawing, room)
    y = alt.Y("y:N", scale=alt.Scale(domain=drawing.orders["y"]), axis=names,
              title=lines_of(drawing.titles["y"], 26))  # fmt: skip
    # beyond one half, the number in the cell loses contrast
    shade = alt.Scale(range=[0.04, 0.5])
    moved = [row for row in rows if not (quiet and row["stays"])]
    cells = values(moved).mark_rect(color=SERIES[1 if quiet else 0], stroke=paint("paper"))
    layers = (
        [cells.encode(x=x, y=y, fillOpacity=alt.FillOpacity("c:Q", scale=shade, legend=None))]
        if moved
        else []
    )
    if max(len(str(row.get("c text", ""))) for row in rows) * LETTER <= room / len(
        drawing.orders["x"]
    ):
        for stays, ink in ((False, "ink"), (True, "soft")):
            if told := [row for row in rows if (quiet and row["stays"]) == stays]:
                text = values(told).mark_text(color=paint(ink))
                layers.append(text.encode(x=x, y=y, text=alt.Text("c text:N")))
    two = any("\n" in name for name in beside_it.values())
    height = (_TWO_LINES if two else _CELL) * len(beside_it)
    return [*layers, *name_layers(drawing, y, _NAME)], height
