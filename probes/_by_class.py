"""Categories of words by class: how frequent they are among its words, and which are preferred.

Dominance and preference are two questions. What is frequent among the words of a class is frequent
among its kept ones; only a comparison with other words of the same documents says what pruning
prefers.
"""

from collections.abc import Collection, Sequence

import numpy as np

from auditkit.plugin import (
    ADJUSTED,
    Chart,
    Label,
    Number,
    Row,
    Told,
    Trace,
    class_name,
    classes_of,
    columns,
    direction,
    figure,
    in_line,
    percent,
    tabulate,
    tag_name,
)
from auditkit.plugin.retention_tables import ALIKE, CALLED, after, lift_number
from auditkit.probes._in_classes import InClass
from auditkit.stats.cells import WordCells
from auditkit.stats.survival import Retained, adjusted, retained

MOST_CLASSES = 12
"""With more, preference is not told class by class."""
OTHERS = "the other classes"
SHARE_OF = "Student's t over document sums, on the scale of the logit."


def class_tables(
    trace: Trace,
    cells: WordCells,
    rows: Sequence[InClass],
    rng: np.random.Generator,
    *,
    title: str,
    kind: str,
    key: str = "category",
    asked: Collection[str] | None = None,
) -> tuple[Told, ...]:
    """What is frequent in each class, and what is preferred there.

    Args:
        trace: The run.
        cells: Its words by category.
        rows: Of `in_classes`.
        rng: For simultaneous intervals over the layers.
        title: What the categories are.
        kind: The noun of one.
        key: What an address tells a category by.
        asked: As `in_classes` was given.
    """
    arm = trace.about.depths_of
    frequent = tabulate(
        "by_class",
        f"{title} by class: words, and what is kept after layer {cells.reference}",
        [
            Label(key, kind, shown=tag_name),
            Label("class", "Class"),
            *columns(("words", "Words", "count"), ("kept", "Words kept", "count")),
            Number("share", "Share of the class's words", "share", interval=SHARE_OF),
            Number("kept_share", "Share of the class's kept words", "share", interval=SHARE_OF,
                   basis=after(cells.reference)),
            Number("kept_share_change", "Less that of the other classes", "share",
                   interval=CALLED, p="Of 0.",
                   adjusted=ADJUSTED, control=OTHERS,
                   basis=after(cells.reference)),
            Number("retention", "Kept", "share", interval=None, basis=after(cells.reference)),
            Number("depth", "Mean survival depth", "layers", interval=None),
        ],
        (
            Row(
                {key: row.category, "class": row.label},
                {
                    "share": row.share, "kept_share": row.kept_share,
                    "kept_share_change": row.change, "retention": row.rate, "depth": row.depth,
                },
                {"words": row.words, "kept": row.kept},
                n=row.words,
            )
            for row in rows
        ),
        note="What is frequent in a class is frequent in what is kept of it. What pruning prefers "
        "is in the table of preferences.",
        arm=arm,
    )  # fmt: skip
    if not rows:  # no labels
        return ()
    preferred = _preferred(trace, cells, rng, asked)
    if not preferred:
        return (frequent,)
    return (
        frequent,
        tabulate(
            "by_class_preference",
            f"{title} by class: what outlives other words of the class's documents",
            [
                Label(key, kind, shown=tag_name),
                Label("class", "Class"),
                Number("concordance", "Outlives", "share", "Share of the other words of as many "
                       "pieces in its document that a word outlives: .5 is chance.", CALLED,
                       p="Of .5.", adjusted=ADJUSTED,
                       control=ALIKE),
                lift_number(cells.reference, CALLED),
                Number("matched_lift", "Matched lift", "ratio", interval=CALLED, control=ALIKE,
                       basis=after(cells.reference)),
                Number("odds_ratio", "Odds ratio", "odds ratio", "At a like position.", CALLED,
                       control="other words of as many pieces at a like position"),
            ],
            (
                Row(
                    {key: row.category, "class": label},
                    {name: getattr(row, name)
                     for name in ("concordance", "lift", "matched_lift", "odds_ratio")},
                    n=row.words,
                )
                for label, row in preferred
            ),
            arm=arm,
        ),
    )  # fmt: skip


def _preferred(
    trace: Trace, cells: WordCells, rng: np.random.Generator, asked: Collection[str] | None
) -> list[tuple[str, Retained]]:
    """By class, all rows adjusted together; none where there are too many classes."""
    label, classes = trace.documents.label, classes_of(trace.documents)
    if len(classes) > MOST_CLASSES:
        return []
    found = [
        (class_name(trace.about.labels, value), row)
        for value in classes
        for row in retained(cells.select(label == value), rng, asked)
    ]
    rows = adjusted([row for _, row in found])
    return [(name, row) for (name, _), row in zip(found, rows, strict=True)]


def class_chart(kind: str, key: str = "category") -> Chart:
    """How long words live, by category and class."""
    return Chart(
        name="depth_by_class",
        kind="heat",
        table="by_class",
        title=f"Mean survival depth by {kind} and class",
        alt=f"One cell per {kind} and class; darker cells outlive more layers.",
        x="class",
        y=key,
        color="depth",
    )


def claim_by_class(rows: Sequence[InClass]) -> str:
    """Of each class the category that its kept words have most above the others'; "" for none."""
    told = []
    for label in dict.fromkeys(row.label for row in rows):
        more = [r for r in rows if r.label == label and direction(r.change) == 1]
        if more:
            most = max(more, key=lambda row: row.change.value or 0.0)
            assert most.kept_share.value is not None
            assert most.change.value is not None
            told.append(
                f"{in_line(f'{label} has more {tag_name(most.category)}')} "
                f"({percent(most.kept_share.value)} of it, "
                f"{figure(100 * most.change.value, 1)} points more)"
            )
    if not told:
        return ""
    return f"Of what is kept, beside the other classes, {_and(told)}."


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
