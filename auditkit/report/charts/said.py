"""What a picture shows, in words: for who cannot see it, and as the key above it."""

from auditkit.report.charts.drawing import Drawing, Row
from auditkit.text import cut, one_line

SAID = 24
"""Rows whose numbers a description has."""


def description(drawing: Drawing) -> str:
    """The chart's own description, then the numbers drawn, as its table prints them."""
    rows = drawing.rows
    alt = drawing.chart.alt
    if drawing.chart.kind == "scatter" and len(rows) > SAID:
        return f"{alt} {len(rows)} points are drawn."
    told = "; ".join(_row(drawing, row) for row in rows[:SAID])
    more = f"; and {len(rows) - SAID} more" if len(rows) > SAID else ""
    return f"{alt} {told}{more}."


def _row(drawing: Drawing, row: Row) -> str:
    """One row, as in `World −3.1 [−8.0, 1.7], n 50`."""
    kind = drawing.chart.kind
    place, value = {"lines": ("x", "y"), "scatter": ("x", "y"), "heat": ("x", "c"),
                    "matrix": ("x", "c")}.get(kind, ("y", "x"))  # fmt: skip
    at = [str(row["n"])] if "n" in row else []
    at += [str(row["c"])] if "c" in drawing.orders else []
    at += [str(row["y"])] if place == "x" and value == "c" else []
    at += [_place(drawing, row, place)]
    text = f"{', '.join(at)}: {row.get(f'{value} text', '')}"
    text += f" {row['i text']}" if "lo" in row and "i text" in row else ""
    text += f", at random {row['b text']}" if "b text" in row else ""
    return text + (f", n {row['k text']}" if "k text" in row else "")


def _place(drawing: Drawing, row: Row, key: str) -> str:
    named = key in drawing.orders
    return str(row[key]) if named else f"{drawing.titles[key]} {row.get(f'{key} text', '')}"


def key(drawing: Drawing) -> tuple[list[str], list[str]]:
    """What marks stand for, said above the plot; and what the shaded zone is."""
    chart = drawing.chart
    told = []
    if chart.kind == "chance":
        dot, tick = (drawing.titles[mark].lower() for mark in "xb")
        told += [f"Dot: {dot}; tick: {tick}.", "Green: more; orange: less; grey: not shown."]
    if line := chart.reference_name if chart.reference is not None else chart.diagonal:
        told.append(f"Dashed line: {_inside(line)}.")
    zone = [f"Shaded: {_inside(chart.zone_name)}."] if chart.zone is not None else []
    return told, zone


def _inside(name: str) -> str:
    """What a line or a zone is called, fit to be printed."""
    return cut(one_line(name), 80) or "not accepted"
