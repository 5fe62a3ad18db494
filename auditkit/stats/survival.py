"""Which words survive, against what random keeping of as many pieces would keep.

Nouns dominate what is kept because nouns dominate the text: a rate means nothing without its
expectation. `retention` measures one partition of the words into categories, `term_retention` many
small categories; both read words as counted cells.

What a single layer can tell is told after the reference layer of the run (`reference_layer`). It
follows from ΣK and ΣN alone, before any category is looked at, and the expectation is conditional
on those counts; so the choice biases no comparison.
"""

from dataclasses import dataclass

import numpy as np

from auditkit.stats import rates
from auditkit.stats.cells import (
    POSITION_BINS,
    Ints,
    WordCells,
    position_bins,
    reference_layer,
)
from auditkit.stats.document_sums import by_chance, document_tables, ratio_sums
from auditkit.stats.estimates import Estimate
from auditkit.stats.inclusion import exact_z, inclusion_probability
from auditkit.stats.odds import odds_ratios
from auditkit.stats.resampling import Bootstrap

__all__ = [
    "POSITION_BINS",
    "Retained",
    "TermRetained",
    "WordCells",
    "position_bins",
    "reference_layer",
    "retention",
    "term_retention",
]

SHARE = (0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What became of the words of one category, in the arm `pruned`."""

    category: str
    words: int
    documents: int
    reference: int
    """The layer that rate, macro, expected, lift and z are taken after."""
    rate: Estimate
    """Share of its words alive after the reference layer: a ratio of sums (micro)."""
    macro: Estimate
    """Mean over the documents of the same share."""
    expected: Estimate
    """That share under random keeping of as many pieces per document."""
    lift: Estimate
    """Observed over expected; p is that of lift = 1."""
    p_adjusted: float | None
    """Benjamini–Hochberg over the categories measured together."""
    odds_ratio: Estimate
    """Odds of outliving a layer against other words of like position, length and pieces."""
    depth: Estimate
    """Mean survival depth, in layers."""
    z: Estimate
    """Of the stronger null that every document kept its pieces at random."""
    curve: tuple[Estimate, ...]
    """`rate` after layers 1..L."""
    expected_curve: tuple[float, ...]


def retention(cells: WordCells, bootstrap: Bootstrap) -> tuple[Retained, ...]:
    """Retention of each category that has words, highest lift first.

    Args:
        cells: The words; those of no category are still among the others that a category is
            compared with.
        bootstrap: How to resample documents.
    """
    documents = cells.holders()
    if not documents.any():
        return ()
    reference = cells.reference - 1
    expected, variance = by_chance(cells)
    top, bottom, squares = ratio_sums(cells)
    lifts = rates.lifts(*document_tables(cells), documents, bootstrap)
    adjusted = rates.benjamini_hochberg([lift.p for lift in lifts])
    odds = odds_ratios(cells, bootstrap)
    limits = [SHARE] * (cells.layers + 1) + [(0.0, float(cells.layers))]
    found = []
    for c in np.flatnonzero(documents):
        n, words = int(documents[c]), float(bottom[c, 0])
        *curve, macro, depth = (
            rates.linearised(float(k / below), float(below), float(square), n, bounds=bounds)
            for k, below, square, bounds in zip(top[c], bottom[c], squares[c], limits, strict=True)
        )
        found.append(
            Retained(
                category=cells.names[c],
                words=int(words),
                documents=n,
                reference=cells.reference,
                rate=curve[reference],
                macro=macro,
                expected=_fixed(expected[c, reference] / words, n),
                lift=lifts[c],
                p_adjusted=adjusted[c],
                odds_ratio=odds[c],
                depth=depth,
                z=exact_z(top[c, reference], expected[c, reference], variance[c], n),
                curve=tuple(curve),
                expected_curve=tuple(float(e / words) for e in expected[c]),
            )
        )
    return tuple(sorted(found, key=_by_lift))


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
    lift = rates.ratio_of_sums(kept, by_chance, bounds=(0, np.inf))
    if by_chance.sum() <= 0:
        lift = Estimate(None, n.size, why_not=rates.NONE_EXPECTED)
    return TermRetained(
        term=term,
        words=int(words.sum()),
        documents=n.size,
        rate=rates.ratio_of_sums(kept, n, bounds=SHARE),
        expected=_fixed(by_chance.sum() / n.sum(), n.size),
        lift=lift,
    )


def _fixed(chance: float, documents: int) -> Estimate:
    """An expected rate: no estimate of anything, given the counts of kept pieces."""
    reason = "it follows from the numbers of kept pieces"
    return Estimate(float(chance), documents, why_not=reason)


def _by_lift(retained: Retained) -> tuple[bool, float, int, str]:
    lift = retained.lift.value
    return lift is None, -(lift or 0.0), -retained.words, retained.category
