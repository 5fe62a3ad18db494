"""Words of each category in the documents of each class, counted and held against other classes."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import Estimate, Trace, class_name, classes_of
from auditkit.stats.cells import WordCells
from auditkit.stats.multiplicity import adjusted_together
from auditkit.stats.rates import ratio_difference, ratio_of_sums

Floats = NDArray[np.float64]

NONE_KEPT = "no word of the class is kept"


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
        for value in classes_of(trace.documents):
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
                    class_name(names, value),
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
