"""Which single terms survive: many small categories, without what takes many words."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from auditkit.stats.cells import Floats, Ints, WordCells
from auditkit.stats.estimates import Estimate
from auditkit.stats.inclusion import inclusion_probability
from auditkit.stats.multiplicity import adjusted_together
from auditkit.stats.rates import NONE_EXPECTED, Sums, against_expected, ratio_of_sums, sums_of
from auditkit.stats.survival import FIXED

FEWEST_EXPECTED = 10
FEW_EXPECTED = (
    f"random keeping would keep, or drop, fewer than {FEWEST_EXPECTED} of its words: not tested"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermRetained:
    """What became of one term: as `Retained`, without what takes resampling."""

    term: str
    words: int
    kept: int
    """Words alive after the reference layer."""
    documents: int
    rate: Estimate
    expected: Estimate
    lift: Estimate
    """Its interval is Student's t on the linearised ratio, as that of a rate: it holds for the few
    documents that a term has."""


@dataclass(frozen=True, slots=True)
class _TermSums:
    """What one term's retention follows from."""

    term: str
    words: int
    there: Floats
    """Words of the term (n_c,) by document that holds it."""
    kept: Floats
    by_chance: Floats


def term_retention(cells: WordCells) -> tuple[TermRetained, ...]:
    """Retention of each term (each of `cells.names`) after the reference layer, most words first.

    Args:
        cells: The words, their categories being the terms.
    """
    found = []
    for sums in _by_term(cells):
        lift = ratio_of_sums(sums.kept, sums.by_chance, bounds=(0, np.inf))
        if sums.by_chance.sum() <= 0:
            lift = Estimate(None, sums.there.size, why_not=NONE_EXPECTED)
        found.append(_retained(sums, lift))
    return tuple(found)


def tested_terms(cells: WordCells) -> tuple[TermRetained, ...]:
    """As `term_retention`, the lift of every term tested among all of them.

    A term is tested where random keeping would keep ten of its words and drop ten; these are
    adjusted together (`adjusted_together`).
    """
    sums = list(_by_term(cells))
    moments = [sums_of(one.kept, one.by_chance) for one in sums]
    lifts = [
        against_expected(of, level=0.95) if _testable(one) else _untested(one, of)
        for one, of in zip(sums, moments, strict=True)
    ]
    found = adjusted_together(lifts, [partial(against_expected, of) for of in moments])
    return tuple(_retained(one, lift) for one, lift in zip(sums, found, strict=True))


def _testable(sums: _TermSums) -> bool:
    expected = float(sums.by_chance.sum())
    return min(expected, sums.words - expected) >= FEWEST_EXPECTED


def _untested(sums: _TermSums, moments: Sums) -> Estimate:
    """The lift alone: too few words are expected to be kept, or to be dropped."""
    found = against_expected(moments)
    why_not = found.why_not or FEW_EXPECTED
    return Estimate(found.value, sums.there.size, why_not=why_not)


def _by_term(cells: WordCells) -> Sequence[_TermSums]:
    """The terms that occur, most words first."""
    inside = np.flatnonzero(cells.category >= 0)
    order = inside[np.argsort(cells.category[inside], kind="stable")]
    bounds = np.searchsorted(cells.category[order], np.arange(len(cells.names) + 1))
    found = [
        _sums(cells, order[bounds[c] : bounds[c + 1]], name)
        for c, name in enumerate(cells.names)
        if bounds[c] < bounds[c + 1]
    ]
    return sorted(found, key=lambda one: (-one.words, one.term))


def _sums(cells: WordCells, rows: Ints, term: str) -> _TermSums:
    document, words = cells.document[rows], cells.words[rows]
    kept_pieces = cells.kept[document, cells.reference - 1]
    chance = inclusion_probability(cells.total[document], kept_pieces, cells.pieces[rows])
    alive = cells.depth[rows] >= cells.reference
    first = np.flatnonzero(np.diff(document, prepend=-1))  # of each document that holds the term
    n, kept, by_chance = (
        np.add.reduceat(words * v, first, dtype=np.float64)
        for v in (np.ones(rows.size), alive, chance)
    )
    return _TermSums(term, int(words.sum()), n, kept, by_chance)


def _retained(sums: _TermSums, lift: Estimate) -> TermRetained:
    documents, expected = sums.there.size, float(sums.by_chance.sum() / sums.there.sum())
    return TermRetained(
        term=sums.term,
        words=sums.words,
        kept=int(sums.kept.sum()),
        documents=documents,
        rate=ratio_of_sums(sums.kept, sums.there, bounds=(0, 1)),
        expected=Estimate(expected, documents, why_not=FIXED),
        lift=lift,
    )
