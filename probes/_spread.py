"""How wide the documents of each class lie."""

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
from auditkit.probes._points import DOCUMENT, points_of
from auditkit.stats.clusters import spread, spread_change


@dataclass(frozen=True, slots=True)
class SpreadRow:
    """How wide a class's documents lie, on one arm."""

    arm: str
    label: str
    spread: Estimate
    change: Estimate


def spread_rows(trace: Trace, measured: pd.DataFrame) -> list[SpreadRow]:
    """Arm by arm and class by class."""
    of_documents = measured[measured["set"] == DOCUMENT]
    rows = []
    for arm in of_documents["arm"].unique():
        by_class = spread(points_of(trace, of_documents[of_documents["arm"] == arm]))
        rows += [
            SpreadRow(
                str(arm), class_name(trace.about.labels, value), own, spread_change(by_class, value)
            )
            for value, own in by_class.items()
        ]
    return rows


def spread_table(rows: Sequence[SpreadRow]) -> Told:
    """One line an arm and class."""
    return tabulate(
        "spread",
        "How wide the documents of a class lie",
        [
            Label("class", "Class"),
            Label("arm", "Arm"),
            Number("spread", "Mean distance", "number", "One less the cosine, between two "
                   "documents of the class: the smaller, the denser.", "Jackknife over documents."),
            Number("spread_change", "Less the other classes", "number", "Less the mean of the "
                   "other classes' own.", "From the classes' intervals (MOVER).",
                   control="the other classes"),
        ],
        (
            Row({"class": row.label, "arm": row.arm},
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
