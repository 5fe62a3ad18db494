"""Sets of tokens and documents: how far neighbours share a class, and how wide classes lie."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from auditkit.plugin import KEPT as KEPT_TOPIC
from auditkit.plugin import (
    Cell,
    Chart,
    Conclusion,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    Trace,
    Undefined,
    bounds,
    columns,
    compare,
    figure,
    place,
    tabulate,
)
from auditkit.probes._points import DOCUMENT, DROPPED, INPUT, KEPT, RANDOM, SETS, STATE, points_of
from auditkit.probes._spread import SpreadRow, denser
from auditkit.stats.clusters import (
    Points,
    Purity,
    purity,
    purity_change,
    silhouette,
)

SPACES = {STATE: "states", INPUT: "input embeddings"}
NOT_ASKED = "nothing to compare it with"
FEW_TOKENS = "too few kept tokens"

CHARTS = (
    Chart(
        name="tokens_by_class", kind="scatter", table="tokens_map", x="x", y="y", color="class",
        title="Kept tokens by class, t-SNE of their states", label="word",
        alt="One point a kept token, coloured by the class of its document. What holds of the "
        "classes in the space itself is in the table of purities.",
    ),
    Chart(
        name="tokens_by_category", kind="scatter", table="tokens_map", x="x", y="y",
        color="category", title="The same tokens by part of speech", label="word",
        alt="The same points, coloured by part of speech.",
    ),
    Chart(
        name="documents_by_class", kind="scatter", table="documents_map", x="x", y="y",
        color="class", title="Documents by class, t-SNE of what the prediction is made of",
        alt="One point a document, coloured by class.",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """One set of points in one space."""

    arm: str
    set: str
    space: str
    points: int
    purity: Purity
    silhouette: Estimate
    above_random: Estimate
    above_dropped: Estimate


def cluster_rows(
    trace: Trace, measured: pd.DataFrame, neighbours: int, *, enough: bool
) -> list[ClusterRow]:
    """Sets of tokens in both spaces, then documents by arm."""
    rows = []
    for space in (STATE, INPUT) if enough else ():
        found: dict[str, tuple[str, Points, Purity]] = {}
        for name in SETS:
            mine = measured[(measured["set"] == name) & (measured["space"] == space)]
            points = points_of(trace, mine)
            found[name] = (str(mine["arm"].iloc[0]), points, purity(points, neighbours))
        for name, (arm, points, mine_purity) in found.items():
            others = {other: found[other][2] for other in (RANDOM, DROPPED) if name == KEPT}
            rows.append(_row(arm, name, space, points, mine_purity, others))
    of_documents = measured[measured["set"] == DOCUMENT]
    for arm in of_documents["arm"].unique():
        points = points_of(trace, of_documents[of_documents["arm"] == arm])
        rows.append(_row(str(arm), DOCUMENT, STATE, points, purity(points, neighbours), {}))
    return rows


def _row(
    arm: str, name: str, space: str, points: Points, mine: Purity, others: Mapping[str, Purity]
) -> ClusterRow:
    above = [
        purity_change(mine, others[other])
        if other in others
        else Estimate(None, len(mine.without), why_not=NOT_ASKED)
        for other in (RANDOM, DROPPED)
    ]
    return ClusterRow(arm, name, space, len(points.label), mine, silhouette(points), *above)


def clusters_table(rows: Sequence[ClusterRow], neighbours: int) -> Told:
    """One line a set and space."""
    loo = "Jackknife over documents, Student's t."
    return tabulate(
        "clusters",
        "Neighbours of the same class, in the original space",
        [
            Label("category", "Points"),
            Label("type", "Space"),
            Label("arm", "Arm"),
            *columns(("points", "Points", "count"), ("chance", "By chance", "share")),
            Number("purity", "Same class", "share", f"Of the {neighbours} nearest points of other "
                   "documents, the share that is of the class of the point's document.", loo),
            Number("purity_corrected", "Above chance", "share", "(Same class − by chance)/(1 − by "
                   "chance): 0 is chance, 1 is all; comparable whatever the number of classes.",
                   loo, p="Of 0."),
            Number("purity_above_random", "Above random tokens", "share", "Of as many random "
                   "tokens of the same documents, both above chance.", loo, p="Of 0.",
                   control=RANDOM),
            Number("purity_above_dropped", "Above dropped tokens", "share", "Of as many dropped "
                   "tokens.", loo, p="Of 0.", control=DROPPED),
            Number("silhouette", "Silhouette", "number", "Mean by class, pairs within a document "
                   "left out: from −1 to 1, 0 where classes lie through each other.", loo),
        ],
        _table_rows(rows),
    )  # fmt: skip


def _table_rows(rows: Sequence[ClusterRow]) -> Iterator[Row]:
    for row in rows:
        chance: Cell = Undefined(row.purity.estimate.why_not)
        if row.purity.chance is not None:
            chance = row.purity.chance
        yield Row(
            {"category": row.set, "type": SPACES[row.space], "arm": row.arm},
            {
                "purity": row.purity.estimate,
                "purity_corrected": row.purity.corrected,
                "purity_above_random": row.above_random,
                "purity_above_dropped": row.above_dropped,
                "silhouette": row.silhouette,
            },
            {"points": row.points, "chance": chance},
            n=row.points,
        )


def claim_of_clusters(rows: Sequence[ClusterRow], spreads: Sequence[SpreadRow]) -> str:
    """Kept tokens against random ones, documents against chance, the densest class."""
    parts = []
    kept = next((r for r in rows if (r.set, r.space) == (KEPT, STATE)), None)
    if kept is not None:
        parts.append(_of_kept(kept))
    documents = [row for row in rows if row.set == DOCUMENT]
    if documents:
        first = documents[0]
        parts.append(
            compare(
                first.purity.corrected,
                more=f"On the arm {first.arm} documents lie among those of their class more often "
                "than by chance",
                less=f"On the arm {first.arm} documents lie among those of other classes",
                none=f"On the arm {first.arm} documents are not shown to lie among those of their "
                "class",
                unknown="Documents cannot be compared by class",
            )
            + f" ({_of_purity(first.purity)})"
        )
        if told := denser([row for row in spreads if (row.arm, row.set) == (first.arm, DOCUMENT)]):
            parts.append(told)
    return "; ".join([*parts[:1], *(part[0].lower() + part[1:] for part in parts[1:])]) + "."


def _of_kept(kept: ClusterRow) -> str:
    said = compare(
        kept.above_random,
        more="Kept tokens tell classes apart better than as many random tokens",
        less="Kept tokens tell classes apart less well than as many random tokens",
        none="Kept tokens are not shown to tell classes apart better than as many random tokens",
        unknown="Kept tokens cannot be compared with random ones",
    )
    return f"{said} ({_of_purity(kept.purity)}{_of_change(kept.above_random)})"


def conclusions_of_clusters(rows: Sequence[ClusterRow]) -> tuple[Conclusion, ...]:
    """Kept tokens against random ones."""
    kept = next((r for r in rows if (r.set, r.space) == (KEPT, STATE)), None)
    if kept is None or kept.above_random.value is None:
        return ()
    at = {"arm": kept.arm, "category": kept.set, "type": SPACES[kept.space]}
    told = f"{_of_kept(kept)}."
    return (Conclusion(KEPT_TOPIC, told, (place("purity_above_random", **at),)),)


def _of_purity(found: Purity) -> str:
    if found.corrected.value is None:
        return found.corrected.why_not
    return (
        f"neighbours of their class {figure(100 * found.corrected.value, 1)} % of the way from "
        f"chance to all, {bounds(found.corrected.scaled(100), 1)}"
    )


def _of_change(change: Estimate) -> str:
    if change.value is None:
        return ""
    points = change.scaled(100)
    return f"; {figure(100 * change.value, 1)} points above random ones, {bounds(points, 1)}"
