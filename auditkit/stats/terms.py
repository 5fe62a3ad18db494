"""Which single terms survive: many small categories, without what takes many words."""

from dataclasses import dataclass

import numpy as np

from auditkit.stats.cells import Ints, WordCells
from auditkit.stats.estimates import Estimate
from auditkit.stats.inclusion import inclusion_probability
from auditkit.stats.rates import NONE_EXPECTED, ratio_of_sums
from auditkit.stats.survival import FIXED


@dataclass(frozen=True, slots=True, kw_only=True)
class TermRetained:
    """What became of one term: as `Retained`, without what takes resampling."""

    term: str
    words: int
    documents: int
    rate: Estimate
    expected: Estimate
    lift: Estimate
    """Its interval is Student's t on the linearised ratio, as that of a rate: it holds for the few
    documents that a term has."""


def term_retention(cells: WordCells) -> tuple[TermRetained, ...]:
    """Retention of each term (each of `cells.names`) after the reference layer, most words first.

    Args:
        cells: The words, their categories being the terms.
    """
    inside = np.flatnonzero(cells.category >= 0)
    order = inside[np.argsort(cells.category[inside], kind="stable")]
    bounds = np.searchsorted(cells.category[order], np.arange(len(cells.names) + 1))
    found = []
    for c, name in enumerate(cells.names):
        mine = order[bounds[c] : bounds[c + 1]]
        if mine.size:
            found.append(_term(cells, mine, name))
    return tuple(sorted(found, key=lambda t: (-t.words, t.term)))


def _term(cells: WordCells, rows: Ints, term: str) -> TermRetained:
    document, words = cells.document[rows], cells.words[rows]
    kept_pieces = cells.kept[document, cells.reference - 1]
    chance = inclusion_probability(cells.total[document], kept_pieces, cells.pieces[rows])
    alive = cells.depth[rows] >= cells.reference
    first = np.flatnonzero(np.diff(document, prepend=-1))  # of each document that holds the term
    n, kept, by_chance = (
        np.add.reduceat(words * v, first, dtype=np.float64)
        for v in (np.ones(rows.size), alive, chance)
    )
    lift = ratio_of_sums(kept, by_chance, bounds=(0, np.inf))
    if by_chance.sum() <= 0:
        lift = Estimate(None, n.size, why_not=NONE_EXPECTED)
    return TermRetained(
        term=term,
        words=int(words.sum()),
        documents=n.size,
        rate=ratio_of_sums(kept, n, bounds=(0, 1)),
        expected=Estimate(float(by_chance.sum() / n.sum()), n.size, why_not=FIXED),
        lift=lift,
    )
