"""Categories of words by class: how frequent they are among its words, and which are preferred.

Dominance and preference are two questions. What is frequent among the words of a class is frequent
among its kept ones; only a comparison with other words of the same documents says what pruning
prefers.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import (
    Chart,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    Trace,
    class_name,
    columns,
    direction,
    figure,
    percent,
    tabulate,
)
from auditkit.plugin.retention_tables import ALIKE, CALLED, after, lift_number
from auditkit.stats.cells import WordCells
from auditkit.stats.multiplicity import adjusted_together
from auditkit.stats.rates import ratio_difference, ratio_of_sums
from auditkit.stats.survival import Retained, adjusted, retained

Floats = NDArray[np.float64]

MOST_CLASSES = 12
"""With more, preference is not told class by class."""
OTHERS = "the other classes"
NONE_KEPT = "no word of the class is kept"
SHARE_OF = "Student's t over document sums, on the scale of the logit."


@dataclass(frozen=True, slots=True)
class InClass:
    """A category's words in the documents of a class."""

    category: str
    label: str
    words: int
    kept: int
    share: Estimate
    """Of the class's words."""
    kept_share: Estimate
    """Of the class's kept words."""
    change: Estimate
    """`kept_share` less that of the other classes; adjusted together over all of them."""
    rate: Estimate
    depth: Estimate


def in_classes(
    trace: Trace, cells: WordCells, asked: Collection[str] | None = None
) -> list[InClass]:
    """Every category in every class that has words of it, the most frequent category first.

    Args:
        trace: The run.
        cells: Its words by category.
        asked: Categories that there is a question about: the others have no p. None: all of them.
    """
    label, names = trace.documents.label, trace.about.labels
    words, kept, layers = _sums(cells, len(label))  # (documents, C) each
    rows, changes = [], []
    for c in np.lexsort((np.arange(words.shape[1]), -words.sum(0))):
        for value in np.unique(label):
            mine = np.asarray(label == value)
            if not words[mine, c].any():
                continue
            here = [np.where(mine, part[:, c], 0.0) for part in (words, kept, layers)]
            change = partial(_change, kept, c, mine)
            tested = asked is None or cells.names[c] in asked
            changes.append(change)
            rows.append(
                InClass(
                    cells.names[c],
                    class_name(names, int(value)),
                    int(here[0].sum()),
                    int(here[1].sum()),
                    ratio_of_sums(here[0], np.where(mine, words.sum(1), 0.0), bounds=(0, 1)),
                    _of_kept(here[1], np.where(mine, kept.sum(1), 0.0)),
                    change() if tested else replace(change(), p=None),
                    ratio_of_sums(here[1], here[0], bounds=(0, 1)),
                    ratio_of_sums(here[2], here[0]),
                )
            )
    together = adjusted_together([row.change for row in rows], changes)
    return [replace(row, change=change) for row, change in zip(rows, together, strict=True)]


def _change(kept: Floats, c: int, mine: NDArray[np.bool_], *, level: float = 0.95) -> Estimate:
    """Share of category `c` in what is kept (documents, C) of `mine`, less that of others."""
    sides = [
        (np.where(who, kept[:, c], 0.0), np.where(who, kept.sum(1), 0.0)) for who in (mine, ~mine)
    ]
    return ratio_difference(*sides, level=level)


def _of_kept(kept: Floats, of_class: Floats) -> Estimate:
    """Share of the class's kept words."""
    if not of_class.any():
        return Estimate(None, 0, why_not=NONE_KEPT)
    return ratio_of_sums(kept, of_class, bounds=(0, 1))


def _sums(cells: WordCells, documents: int) -> tuple[Floats, Floats, Floats]:
    """Words, words kept and layers outlived of each document and category, (documents, C) each."""
    inside, size = cells.category >= 0, len(cells.names)
    at = cells.document[inside].astype(np.int64) * size + cells.category[inside]
    words, depth = cells.words[inside], cells.depth[inside]
    weights = (words, words * (depth >= cells.reference), words.astype(np.int64) * depth)
    found = (np.bincount(at, weights=w, minlength=documents * size) for w in weights)
    first, second, third = (s.astype(np.float64).reshape(documents, size) for s in found)
    return first, second, third


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
            Label(key, kind),
            Label("class", "Class"),
            *columns(("words", "Words", "count"), ("kept", "Words kept", "count")),
            Number("share", "Share of the class's words", "share", interval=SHARE_OF),
            Number("kept_share", "Share of the class's kept words", "share", interval=SHARE_OF,
                   basis=after(cells.reference)),
            Number("kept_share_change", "Less that of the other classes", "share",
                   interval=CALLED, p="Of 0.",
                   adjusted="Benjamini–Hochberg over the rows of this table.", control=OTHERS,
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
    preferred = _preferred(trace, cells, rng, asked)
    if not preferred:
        return (frequent,)
    return (
        frequent,
        tabulate(
            "by_class_preference",
            f"{title} by class: what outlives other words of the class's documents",
            [
                Label(key, kind),
                Label("class", "Class"),
                Number("concordance", "Outlives", "share", "Share of the other words of as many "
                       "pieces in its document that a word outlives: .5 is chance.", CALLED,
                       p="Of .5.", adjusted="Benjamini–Hochberg over the rows of this table.",
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
    label = trace.documents.label
    classes = np.unique(label)
    if len(classes) > MOST_CLASSES:
        return []
    found = [
        (class_name(trace.about.labels, int(value)), row)
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
                f"{' '.join(f'{label} has more {most.category}'.split())} "  # names are one line
                f"({percent(most.kept_share.value)} of it, "
                f"{figure(100 * most.change.value, 1)} points more)"
            )
    if not told:
        return ""
    return f"Of what is kept, beside the other classes, {_and(told)}."


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
