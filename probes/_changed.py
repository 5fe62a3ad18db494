"""Answers that changed, as the first screen counts them and as a matrix of classes."""

import numpy as np

from auditkit.plugin import (
    CHANGED,
    Card,
    Chart,
    Label,
    Row,
    Told,
    Trace,
    bounds,
    class_name,
    columns,
    place,
    tabulate,
)
from auditkit.probes import _pairs
from auditkit.probes._pairs import LOST, NO_GOLD, OTHERWISE, WON, Pair
from auditkit.stats.estimates import document_share

MOST_CLASSES = 12
"""With more, pairs of classes between which nothing moved are left out of the matrix."""
MOST_PAIRS = 150

MATRIX = Chart(
    name="flip_matrix",
    kind="matrix",
    table="flip_matrix",
    title="Answers before and after {cause}, in documents",
    alt="One cell a pair of answers, the baseline's and the model's under audit; off the diagonal "
    "the answer changed. The table has the figures.",
    x="after",
    y="before",
    color="documents",
)


def changed_card(mine: Pair) -> Card:
    """How many answers are others, and which way; without labels with the interval."""
    share, n = document_share(mine.flipped), len(mine.flipped)
    if mine.labelled:
        counts = {kind: int(who.sum()) for kind, who in mine.kinds.items()}
        note = f"{counts[WON]:,} now right, {counts[LOST]:,} now wrong"
        if counts[OTHERWISE]:
            note += f", {counts[OTHERWISE]:,} otherwise wrong"
        kinds = [_pairs.CHANGED, WON, LOST, OTHERWISE]
    else:
        unit = " %" if share.interval else ""
        note = f"{bounds(share.scaled(100), 1)}{unit}; {NO_GOLD} to say which are right"
        kinds = [_pairs.CHANGED]
    return Card(
        title=CHANGED,
        value=f"{int(mine.flipped.sum()):,} of {n:,}",
        note=note,
        measurements=tuple(place("share", category=kind, **mine.at) for kind in kinds),
    )


def flip_matrix(trace: Trace, mine: Pair) -> Told:
    """Documents by answer of the reference and of the model under audit."""
    classes = len(trace.about.labels)
    before, now = mine.before.predicted[:, 0], mine.now.predicted[:, 0]
    counts = np.bincount(before * classes + now, minlength=classes**2).reshape(classes, classes)
    told = [
        (int(one), int(other)) for one, other in np.ndindex(classes, classes)
        if classes <= MOST_CLASSES or (one != other and counts[one, other])
    ]  # fmt: skip
    if classes > MOST_CLASSES:
        told = sorted(told, key=lambda pair: -counts[pair])[:MOST_PAIRS]
    names = [class_name(trace.about.labels, c) for c in range(classes)]
    return tabulate(
        "flip_matrix",
        f"Answers of {mine.against} (before) and of {mine.arm} (after), in documents",
        [Label("before", "Before"), Label("after", "After"),
         *columns(("documents", "Documents", "count"))],
        [
            Row({"before": names[one], "after": names[other]},
                facts={"documents": int(counts[one, other])})
            for one, other in told
        ],
        note="Of many classes the changes alone." if classes > MOST_CLASSES else "",
    )  # fmt: skip
