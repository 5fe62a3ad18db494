"""How wide each class lies: its documents, and the tokens of it that are kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from auditkit.plugin import (
    Estimate,
    Label,
    Number,
    Row,
    Told,
    Trace,
    class_name,
    direction,
    tabulate,
)
from auditkit.probes._points import DOCUMENT, KEPT, STATE, points_of
from auditkit.stats.clusters import spread, spread_change


@dataclass(frozen=True, slots=True)
class SpreadRow:
    """How wide a class's points lie, on one arm."""

    arm: str
    set: str
    label: str
    spread: Estimate
    change: Estimate


def spread_rows(trace: Trace, measured: pd.DataFrame, *, enough: bool) -> list[SpreadRow]:
    """Kept tokens in their states where there are enough, then documents arm by arm."""
    rows = []
    for name in (KEPT, DOCUMENT) if enough else (DOCUMENT,):
        points = measured[(measured["set"] == name) & (measured["space"] == STATE)]
        for arm in points["arm"].unique():
            by_class = spread(points_of(trace, points[points["arm"] == arm]))
            rows += [
                SpreadRow(
                    str(arm),
                    name,
                    class_name(trace.about.labels, value),
                    own,
                    spread_change(by_class, value),
                )
                for value, own in by_class.items()
            ]
    return rows  # fmt: skip


def spread_table(rows: Sequence[SpreadRow]) -> Told:
    """One line an arm and class."""
    return tabulate(
        "spread",
        "How wide a class lies",
        [
            Label("class", "Class"),
            Label("category", "Points"),
            Label("arm", "Arm"),
            Number("spread", "Mean distance", "number", "One less the cosine, between points of "
                   "two documents of the class: the smaller, the denser.",
                   "Jackknife over documents."),
            Number("spread_change", "Less the other classes", "number", "Less the mean of the "
                   "other classes' own, of those that have one.",
                   "From the classes' intervals (MOVER).",
                   control="the other classes"),
        ],
        (
            Row({"class": row.label, "category": row.set, "arm": row.arm},
                {"spread": row.spread, "spread_change": row.change}, n=row.spread.n)
            for row in rows
        ),
    )  # fmt: skip


def denser(rows: Sequence[SpreadRow]) -> str:
    """Which classes of an arm lie denser than the others, as a clause; "" if none can be told."""
    found = [row.label for row in rows if direction(row.change) == -1]
    if found:
        return f"denser than the other classes: {', '.join(found)}"
    if any(direction(row.change) is not None for row in rows):
        return "no class is shown to lie denser than the others"
    return ""
