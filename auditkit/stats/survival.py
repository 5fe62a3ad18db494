"""Which words survive, against what random keeping of as many pieces would keep.

Nouns dominate what is kept because nouns dominate the text: a rate means nothing without its
expectation. `Survival` holds words with the piece counts that the expectation needs; `retention`
measures one partition of the words into categories, `term_retention` many small categories.

N and k are a document's pieces before and alive after a layer, special tokens left out. A word's
survival depth is the maximum over its pieces: it is there while any piece is.

What a single layer can tell is told after the reference layer of the run (`reference_layer`). It
follows from ΣK and ΣN alone, before any category is looked at, and the expectation is conditional
on those counts; so the choice biases no comparison.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditkit.stats import rates
from auditkit.stats.estimates import Estimate
from auditkit.stats.inclusion import exact_z, inclusion_probability, kept_count_variance
from auditkit.stats.rates import Floats, Ints

POSITION_BINS = 10
LENGTH_BINS = 5
MAX_PIECES = 3
"""Words of this many pieces and more are one stratum."""

ALPHA = 0.05
"""Adjusted p below which a category is said to differ from random keeping."""

SHARE = (0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """Words as arrays, and their documents as codes."""

    layers: int
    reference: int
    """The run's reference layer, 1..L; a selection keeps that of the whole run."""
    example_ids: NDArray[Any]
    """(documents,)"""
    total: Ints
    """N (documents,)"""
    kept: Ints
    """k after layers 1..L (documents, L)"""
    document: Ints
    """(words,), as all below: 0..documents−1."""
    depth: Ints
    """Survival depth, 0..L."""
    pieces: Ints
    """g, the number of pieces that the model read."""
    position: Ints
    """Relative position in the document, 0..9."""

    def select(self, words: NDArray[np.bool_]) -> "Survival":
        """Only these words (words,), and only the documents that hold one of them."""
        documents, document = np.unique(self.document[words], return_inverse=True)
        return replace(
            self,
            example_ids=self.example_ids[documents],
            total=self.total[documents],
            kept=self.kept[documents],
            document=document,
            depth=self.depth[words],
            pieces=self.pieces[words],
            position=self.position[words],
        )

    def inclusion(self, layer: int) -> Floats:
        """π of every word (words,): alive after `layer` (1..L) under random keeping."""
        kept = self.kept[self.document, layer - 1]
        return inclusion_probability(self.total[self.document], kept, self.pieces)

    def strata(self) -> Ints:
        """Position × document length × pieces of every word (words,), as one code."""
        edges = np.quantile(self.total, np.arange(1, LENGTH_BINS) / LENGTH_BINS)
        length = np.searchsorted(edges, self.total, side="right")[self.document]
        pieces = np.clip(self.pieces, 1, MAX_PIECES) - 1
        return np.asarray((self.position * LENGTH_BINS + length) * MAX_PIECES + pieces)


def reference_layer(total: Ints, kept: Ints) -> int:
    """The layer after which the share of pieces alive, ΣK/ΣN, is nearest to one half.

    There the kept and the dropped are both many, so that it tells most about what tells them apart;
    after a last layer that drops nearly all, rates would rest on a handful of words.

    Args:
        total: N (documents,).
        kept: k after layers 1..L (documents, L), of all documents of the run.

    Returns:
        1..L; of layers equally near the last.
    """
    distance = np.abs(2 * kept.sum(axis=0) - total.sum())  # (L,), integers: ties are exact
    return int(np.flatnonzero(distance == distance.min())[-1]) + 1


def position_bins(document: Ints, word: Ints) -> Ints:
    """Relative position of each word: its rank within its document, in `POSITION_BINS` equal parts.

    Args:
        document: Document of each word (words,).
        word: Number of each word within its document (words,), ascending with the text.
    """
    order = np.lexsort((word, document))
    size = np.bincount(document, minlength=1)
    first = np.cumsum(size) - size
    rank = np.empty(document.size, dtype=np.int64)
    rank[order] = np.arange(document.size) - first[document[order]]
    return np.asarray(rank * POSITION_BINS // size[document])


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

    @property
    def direction(self) -> int | None:
        """+1 kept more often than at random, −1 less often, 0 not shown, None not testable."""
        if self.lift.value is None or self.p_adjusted is None:
            return None
        if self.p_adjusted >= ALPHA:
            return 0
        return 1 if self.lift.value > 1 else -1


def retention(
    survival: Survival,
    category: NDArray[Any],
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
) -> tuple[Retained, ...]:
    """Retention of each category of words, highest lift first.

    Args:
        survival: The words.
        category: Name of each word's category (words,), "" for words that are in none; those
            are still among the others that a category is compared with.
        rng: Source of the resamples.
        resamples: Document bootstrap resamples.
    """
    code, names = _codes(category)
    cells = _Cells(survival, code, len(names))
    layers = range(1, survival.layers + 1)
    words = cells.sums(np.ones(code.size))
    alive = [cells.sums(survival.depth >= layer) for layer in layers]
    expected = [cells.sums(survival.inclusion(layer)) for layer in layers]
    depth, variance = cells.sums(survival.depth), cells.variance()
    kept, by_chance = (told[survival.reference - 1] for told in (alive, expected))
    lifts = rates.lifts(kept, by_chance, words, rng, resamples)
    adjusted = rates.benjamini_hochberg([lift.p for lift in lifts])
    odds = rates.odds_ratios(cells.hazard(), rng, resamples)
    found = []
    for c, name in enumerate(names):
        n, k, chance = words[:, c], kept[:, c], by_chance[:, c]
        found.append(
            Retained(
                category=name,
                words=int(n.sum()),
                documents=int((n > 0).sum()),
                reference=survival.reference,
                rate=rates.ratio_of_sums(k, n, bounds=SHARE),
                macro=rates.mean_of_ratios(k, n, bounds=SHARE),
                expected=_fixed(chance, n),
                lift=lifts[c],
                p_adjusted=adjusted[c],
                odds_ratio=odds[c],
                depth=rates.ratio_of_sums(depth[:, c], n, bounds=(0, survival.layers)),
                z=exact_z(k.sum(), chance.sum(), variance[:, c].sum(), int((n > 0).sum())),
                curve=tuple(rates.ratio_of_sums(a[:, c], n, bounds=SHARE) for a in alive),
                expected_curve=tuple(float(e[:, c].sum() / n.sum()) for e in expected),
            )
        )
    return tuple(sorted(found, key=_by_lift))


class _Cells:
    """Sums of words over document × category."""

    def __init__(self, survival: Survival, code: Ints, categories: int) -> None:
        self.survival, self.code = survival, code
        self.inside = code >= 0
        self.shape = (len(survival.total), categories)
        self.cell = survival.document[self.inside] * categories + code[self.inside]

    def sums(self, values: NDArray[Any]) -> Floats:
        """(words,) to (documents, C)."""
        flat = np.bincount(
            self.cell, weights=values[self.inside], minlength=self.shape[0] * self.shape[1]
        )
        return flat.astype(np.float64).reshape(self.shape)

    def variance(self) -> Floats:
        """Of the count kept after the reference layer, under random keeping (documents, C)."""
        survival, document = self.survival, self.survival.document[self.inside]
        total, kept = survival.total[document], survival.kept[document, survival.reference - 1]
        pieces, cells = survival.pieces[self.inside], self.shape[0] * self.shape[1]
        flat = kept_count_variance(self.cell, total, kept, pieces, cells)
        return flat.reshape(self.shape)

    def hazard(self) -> rates.HazardWords:
        return rates.HazardWords(
            document=self.survival.document,
            stratum=self.survival.strata(),
            category=self.code,
            depth=self.survival.depth,
            documents=self.shape[0],
            categories=self.shape[1],
            layers=self.survival.layers,
        )


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


def term_retention(survival: Survival, term: NDArray[Any]) -> tuple[TermRetained, ...]:
    """Retention of each term after the reference layer, most words first.

    Args:
        survival: The words.
        term: Term of each word (words,), "" for words that are none.
    """
    code, names = _codes(term)
    chance = survival.inclusion(survival.reference)
    alive = (survival.depth >= survival.reference).astype(np.float64)
    order = np.argsort(code, kind="stable")
    bounds = np.searchsorted(code[order], np.arange(len(names) + 1))
    found = []
    for c, name in enumerate(names):
        mine = order[bounds[c] : bounds[c + 1]]
        _, document = np.unique(survival.document[mine], return_inverse=True)
        values = np.column_stack([np.ones(mine.size), alive[mine], chance[mine]])
        n, kept, by_chance = (
            np.bincount(document, weights=v).astype(np.float64) for v in values.T
        )  # (documents that hold the term,) each
        lift = rates.ratio_of_sums(kept, by_chance, bounds=(0, np.inf))
        if by_chance.sum() <= 0:
            lift = Estimate(None, n.size, why_not=rates.NONE_EXPECTED)
        found.append(
            TermRetained(
                term=name,
                words=mine.size,
                documents=n.size,
                rate=rates.ratio_of_sums(kept, n, bounds=SHARE),
                expected=_fixed(by_chance, n),
                lift=lift,
            )
        )
    return tuple(sorted(found, key=lambda t: (-t.words, t.term)))


def _codes(category: NDArray[Any]) -> tuple[Ints, list[str]]:
    """Codes 0..C−1 of the categories in order of name, −1 for ""; and the names."""
    names = sorted(set(category.tolist()) - {""})
    codes = {"": -1} | {name: code for code, name in enumerate(names)}
    return np.array([codes[name] for name in category.tolist()], dtype=np.int64), names


def _fixed(chance: Floats, words: Floats) -> Estimate:
    """An expected rate: no estimate of anything, given the counts of kept pieces."""
    reason = "it follows from the numbers of kept pieces"
    return Estimate(float(chance.sum() / words.sum()), int((words > 0).sum()), why_not=reason)


def _by_lift(retained: Retained) -> tuple[bool, float, int, str]:
    lift = retained.lift.value
    return lift is None, -(lift or 0.0), -retained.words, retained.category
