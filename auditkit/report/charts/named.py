"""Charts with a line for every name: dots, chance, stair, bars."""

from collections.abc import Sequence
from typing import Any

from auditkit.report.charts.drawing import Drawing, Row
from auditkit.report.charts.look import (
    LETTER,
    WIDTH,
    beside,
    broken,
    colour,
    name_layers,
    numeric,
    reference,
    shape,
    values,
)
from auditkit.report.palette import SERIES, paint

TOLD = 16
"""Lines up to which each has its value written beside it."""
_LINE, _TWO_LINES, _SERIES = 22, 32, 16
_PLOT = 120
"""Width of the plot below which counts are left out."""
_ZONE = 0.12
"""How much of a forbidden zone is shown at least, of what is drawn."""

ABOVE, BELOW, NEITHER = SERIES[2], SERIES[1], paint("soft")
"""What chance is compared by: more than it, less, neither shown."""

Layers = tuple[list[Any], int]
"""Layers of a picture, and the height of its plot in pixels."""


def dots(drawing: Drawing) -> Layers:
    """A dot for each x, its interval, and what is not accepted as a shaded zone."""
    x, ends = _x(drawing, zero=False, ends=_zone_ends(drawing)), _lines(drawing)
    layers = [*_zone(drawing), *reference(drawing, "x")]
    layers += _intervals(drawing, colour(drawing), ends)
    points = values(drawing.rows).mark_point(filled=True, size=55, opacity=1)
    layers.append(points.encode(x=x, color=colour(drawing), **shape(drawing), **ends))
    return [*layers, *_told(drawing, ends), *name_layers(drawing, ends["y"])], _height(drawing)


def chance(drawing: Drawing) -> Layers:
    """A dot for each x and a tick at what chance gives, joined by a bar."""
    import altair as alt

    x, ends = (
        _x(drawing, zero=False, ends=[float(row["b"]) for row in drawing.rows]),
        _lines(drawing),
    )
    rows = [row | {"side": _side(row)} for row in drawing.rows]
    paints = alt.Color("side:N", scale=None)
    joined = values(rows).mark_rule(strokeWidth=4, opacity=0.45)
    ticks = values(rows).mark_tick(color=paint("ink"), thickness=2, size=14)
    points = values(rows).mark_point(filled=True, size=70, opacity=1)
    layers = [
        joined.encode(x=x, x2="b:Q", color=paints, **ends),
        ticks.encode(x=alt.X("b:Q"), **ends),
        points.encode(x=x, color=paints, **ends),
    ]
    return [*layers, *_told(drawing, ends), *name_layers(drawing, ends["y"])], _height(drawing)


def stair(drawing: Drawing) -> Layers:
    """Each name as a step: an upright at its x, and a line to the next; the differences told."""
    import altair as alt

    x, ends = _x(drawing, zero=False), _lines(drawing, gap=0)
    rows: list[Row] = []
    before: Row = {}
    for row in drawing.rows:
        rows.append(row | ({"from": before["x"]} if before else {}))
        before = row
    top = alt.Y("y:N", bandPosition=0)
    joined = values([row for row in rows if "from" in row]).mark_rule(strokeWidth=2)
    upright = values(rows).mark_tick(color=SERIES[0], thickness=4, size=_line(drawing))
    layers = [
        *_intervals(drawing, alt.value(paint("soft")), ends),
        joined.encode(x=alt.X("from:Q"), x2="x:Q", y=top, color=alt.value(SERIES[0])),
        upright.encode(x=x, **ends),
        *_told(drawing, ends, [{**row, "k": _step(row, rows[i - 1])} if i else row
                               for i, row in enumerate(rows)]),
    ]  # fmt: skip
    return [*layers, *name_layers(drawing, ends["y"])], _height(drawing)


def bars(drawing: Drawing) -> Layers:
    """A bar from 0 to each x, its interval on it."""
    import altair as alt

    x, ends = _x(drawing, zero=True, ends=[0.0]), _lines(drawing)
    layers = [values(drawing.rows).mark_bar().encode(x=x, color=colour(drawing), **ends)]
    layers += _intervals(drawing, alt.value(paint("ink")), ends)
    layers += [*reference(drawing, "x"), *_told(drawing, ends)]
    return [*layers, *name_layers(drawing, ends["y"])], _height(drawing)


def _x(drawing: Drawing, *, zero: bool, ends: Sequence[float] = ()) -> Any:
    import altair as alt

    held = [end for end in (drawing.chart.reference,) if end is not None]
    return alt.X("x:Q", **numeric(drawing, "x", zero=zero, ends=[*ends, *held]))


def _lines(drawing: Drawing, gap: float = 0.1) -> dict[str, Any]:
    """The y axis of names, and the offset of each series within a name's line."""
    import altair as alt

    scale = alt.Scale(domain=drawing.orders["y"], padding=gap)
    axis = alt.Axis(grid=True, ticks=False, labels=False)
    rows: dict[str, Any] = {"y": alt.Y("y:N", scale=scale, title=None, axis=axis)}
    if _beside_each_other(drawing):
        rows["yOffset"] = alt.YOffset("c:N", scale=alt.Scale(domain=drawing.orders["c"]))
    return rows


def _beside_each_other(drawing: Drawing) -> int:
    """How many series share a name's line; 0 where each name is of one."""
    several = len(drawing.rows) > len(drawing.orders["y"])
    return len(drawing.orders.get("c", ())) if several else 0


def _line(drawing: Drawing) -> int:
    """Height of a name's line."""
    two = any("\n" in name for name in broken(drawing, "y")[0].values())
    return max(_TWO_LINES if two else _LINE, _SERIES * _beside_each_other(drawing))


def _height(drawing: Drawing) -> int:
    return _line(drawing) * len(drawing.orders["y"])


def _intervals(drawing: Drawing, paints: Any, ends: dict[str, Any]) -> list[Any]:
    import altair as alt

    if not (rows := [row for row in drawing.rows if "lo" in row]):
        return []
    rules = values(rows).mark_rule(strokeWidth=1.75)
    return [rules.encode(x=alt.X("lo:Q"), x2="hi:Q", color=paints, **ends)]


def _told(drawing: Drawing, ends: dict[str, Any], rows: Sequence[Row] = ()) -> list[Any]:
    """The values written to the right of the plot, and softly behind them how many there are."""
    if len(drawing.rows) > TOLD:
        return []
    signed = drawing.chart.reference == 0
    told: list[Row] = [
        {"y": row["y"], **{key: row[key] for key in ("c",) if key in row},
         "value": _signed(row) if signed else row.get("x text", ""),
         "soft": row["k"] if isinstance(row.get("k"), str) else f"n {row['k text']}"
         if "k text" in row else ""}
        for row in rows or drawing.rows
    ]  # fmt: skip
    wide = max(len(str(row["value"])) for row in told) * LETTER + 8
    text = values(told).mark_text(align="right")
    layers = [text.encode(**beside("value", wide), **ends)]
    room = max(len(str(row["soft"])) for row in told) * LETTER + 8
    names = LETTER * broken(drawing, "y")[1]
    if any(row["soft"] for row in told) and WIDTH - names - wide - room > _PLOT:
        soft = values(told).mark_text(align="right", color=paint("soft"))
        layers.append(soft.encode(**beside("soft", wide + room), **ends))
    return layers


def _signed(row: Row) -> str:
    """The value as printed, with its sign."""
    text = str(row.get("x text", ""))
    return f"+{text}" if float(row["x"]) > 0 and text.strip("0.,") else text


def _step(row: Row, before: Row) -> str:
    """The difference of two values as they are printed."""
    one, other = str(row.get("x text", "")), str(before.get("x text", ""))
    places = len(one.partition(".")[2])
    found = round(_read(one) - _read(other), places)
    return f"{found:+,.{places}f}".replace("-", "−") if found else f"{0:.{places}f}"


def _read(text: str) -> float:
    return float(text.replace("−", "-").replace(",", "") or 0)


def _side(row: Row) -> str:
    """The colour of a value beside chance, by its interval."""
    if "lo" not in row or float(row["lo"]) <= float(row["b"]) <= float(row["hi"]):
        return NEITHER
    return ABOVE if float(row["x"]) > float(row["b"]) else BELOW


def _zone_ends(drawing: Drawing) -> list[float]:
    """Values to which the axis goes, so that some of the zone is seen."""
    zone = drawing.chart.zone
    if zone is None:
        return []
    held = [float(row[key]) for row in drawing.rows for key in ("x", "lo", "hi") if key in row]
    reach = _ZONE * (max(*held, zone) - min(*held, zone)) or abs(zone) or 1.0
    return [zone, zone + reach if zone > 0 else zone - reach]


def _zone(drawing: Drawing) -> list[Any]:
    """What is not accepted: shaded from its boundary away from 0."""
    import altair as alt

    zone = drawing.chart.zone
    if zone is None:
        return []
    at = values([{"at": zone}])
    far = alt.value({"expr": "width"}) if zone > 0 else alt.value(0)
    return [
        at.mark_rect(color=paint("fail"), opacity=0.1).encode(x=alt.X("at:Q"), x2=far),
        at.mark_rule(color=paint("fail"), strokeWidth=1.5).encode(x=alt.X("at:Q")),
    ]
