"""Which words survive, against what chance and their own length and place would have kept.

Nouns dominate what is kept because nouns dominate the text: a rate means nothing without its
expectation. `retention` measures one partition of the words into categories, `stats.terms` many
small categories; both read words as counted cells.

What a single layer can tell is told after the reference layer of the run (`reference_layer`). It
follows from ΣK and ΣN alone, before any category is looked at; what a category prefers may differ
from layer to layer all the same (`Retained.signs`), and `Retained.concordance` needs no layer.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from auditkit.stats import preference
from auditkit.stats.cells import WordCells
from auditkit.stats.document_sums import (
    Moments,
    chance_variance,
    document_ratios,
    log_chances,
    moments,
)
from auditkit.stats.estimates import Estimate
from auditkit.stats.inclusion import exact_z
from auditkit.stats.matched import exact_p, log_extremes
from auditkit.stats.multiplicity import At, adjusted_together
from auditkit.stats.pieces import OfPieces, by_pieces
from auditkit.stats.rates import SHARE, linearised

RATIO = (0.0, np.inf)
TESTED = ("concordance", "lift", "matched_lift", "odds_ratio")
"""Of a category: what has a p."""

FIXED = "it follows from the numbers of kept pieces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What became of the words of one category, in the arm whose decisions are recorded."""

    category: str
    words: int
    documents: int
    reference: int
    """The layer of what is told after one layer alone."""
    concordance: Estimate
    """Share of the other words of as many pieces in its document that a word outlives; ties count
    half, ½ is chance."""
    comparable: Estimate
    """Share of the words that have such others."""
    rate: Estimate
    """Share of its words alive after the reference layer: a ratio of sums (micro)."""
    macro: Estimate
    """Mean over the documents of the same share."""
    expected: Estimate
    """That share under random keeping of as many pieces per document."""
    lift: Estimate
    """Observed over expected: it mixes in how many pieces the words have."""
    matched_lift: Estimate
    """Alive over what is expected among words of as many pieces in the document."""
    rate_ratio: Estimate
    """Alive over what there would be if they were kept as those other words are."""
    whole_words: Estimate
    """Alive over what random keeping of as many whole words per document would keep."""
    odds_ratio: Estimate
    """Odds of outliving a layer against other words of like position and as many pieces."""
    depth: Estimate
    """Mean survival depth, in layers."""
    depth_change: Estimate
    """Layers outlived beyond the mean of all words of as many pieces in the document."""
    z: Estimate
    """Of the stronger null that every document kept its pieces at random."""
    curve: tuple[Estimate, ...]
    """`rate` after layers 1..L."""
    expected_curve: tuple[float, ...]
    matched_curve: tuple[Estimate, ...]
    """`matched_lift` after layers 1..L."""
    signs: tuple[int, ...]
    """After layers 1..L: the side of 1 that the matched lift is shown to be on, by simultaneous
    intervals; 0 where neither is."""
    at_level: Mapping[str, At] = field(compare=False, repr=False)
    """How each of `TESTED` is made anew at another level."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What became of words that are sorted into categories."""

    rows: tuple[Retained, ...]
    """By category, highest concordance first."""
    pieces: tuple[OfPieces, ...]
    """The same categories in the same order, by number of pieces."""

    def of(self, category: str) -> Retained:
        """The row of a category that has words."""
        return next(row for row in self.rows if row.category == category)


def retention(
    cells: WordCells, rng: np.random.Generator, asked: Collection[str] | None = None
) -> Retention:
    """As `retained`, and by number of pieces."""
    rows = retained(cells, rng, asked)
    return Retention(rows, tuple(by_pieces(cells, [row.category for row in rows])))


def retained(
    cells: WordCells, rng: np.random.Generator, asked: Collection[str] | None = None
) -> tuple[Retained, ...]:
    """Retention of each category that has words, highest concordance first, p `adjusted`.

    Args:
        cells: The words; those of no category are still among the others that a category is
            compared with.
        rng: For simultaneous intervals over the layers.
        asked: Categories that there is a question about: the others have no p. None: all of them.
            A category and its complement are one question.
    """
    holders = cells.holders()
    if not holders.any():
        return ()
    sums, extremes = moments(cells, document_ratios), log_extremes(cells)
    variance = chance_variance(cells)
    found = []
    for c in map(int, np.flatnonzero(holders)):
        row = _retained(cells, sums, c, extremes, variance[c], rng)
        tested = asked is None or row.category in asked
        found.append(row if tested else replace(row, **_without_p(row)))
    return tuple(sorted(adjusted(found), key=_by_concordance))


def adjusted(rows: Sequence[Retained]) -> Iterator[Retained]:
    """The same rows, the p of each statistic adjusted together over them (`adjusted_together`)."""
    changed: list[dict[str, Any]] = [{} for _ in rows]
    for name in TESTED:
        own = [getattr(row, name) for row in rows]
        found = adjusted_together(own, [row.at_level[name] for row in rows])
        for told, estimate in zip(changed, found, strict=True):
            told[name] = estimate
    return (replace(row, **told) for row, told in zip(rows, changed, strict=True))


def _retained(
    cells: WordCells,
    sums: Mapping[str, Moments],
    c: int,
    extremes: tuple[np.ndarray, np.ndarray],
    variance: float,
    rng: np.random.Generator,
) -> Retained:
    at, held, matched = cells.reference - 1, sums["retention"], sums["matched_lift"]
    n, words = int(held.documents[c]), float(held.bottom[c, at])
    curve = tuple(linearised(held.at(c, i), bounds=SHARE) for i in range(cells.layers))
    chance = sums["lift"].bottom[c] / words
    compared = float(sums["concordance"].bottom[c, 0])
    choice = np.minimum(matched.bottom[c], compared - matched.bottom[c]).max()

    def matched_at(layer: int, exact: Callable[[], float] | None = None) -> At:
        own = (float(extremes[0][c, layer]), float(extremes[1][c, layer]))
        return partial(preference.matched_lift, matched.at(c, layer), compared, own, exact)

    at_level: dict[str, At] = {
        "concordance": partial(preference.concordance, sums["concordance"].at(c), choice),
        "lift": partial(
            preference.lift, sums["lift"].at(c, at), words, partial(log_chances, cells, c)
        ),
        "matched_lift": matched_at(at, partial(exact_p, cells, c, cells.reference)),
        "odds_ratio": partial(preference.odds_ratio, sums["odds_ratio"].at(c)),
    }
    return Retained(
        category=cells.names[c],
        words=int(words),
        documents=n,
        reference=cells.reference,
        comparable=Estimate(compared / words, n, why_not="a count of these words"),
        rate=curve[at],
        macro=linearised(sums["retention_macro"].at(c), bounds=SHARE),
        expected=Estimate(float(chance[at]), n, why_not=FIXED),
        rate_ratio=linearised(sums["rate_ratio"].at(c, at), kind="lift", bounds=RATIO),
        whole_words=preference.over_expected(sums["whole_words"].at(c, at), words),
        depth=linearised(sums["depth"].at(c), bounds=(0.0, float(cells.layers))),
        depth_change=linearised(sums["depth_change"].at(c), kind="lift"),
        z=exact_z(sums["lift"].top[c, at], sums["lift"].bottom[c, at], variance, n),
        curve=curve,
        expected_curve=tuple(map(float, chance)),
        matched_curve=tuple(matched_at(layer)() for layer in range(cells.layers)),
        signs=preference.layer_signs(matched, c, compared, rng),
        at_level=at_level,
        **{name: make() for name, make in at_level.items()},
    )


def _without_p(row: Retained) -> dict[str, Any]:
    return {name: replace(getattr(row, name), p=None) for name in TESTED}


def _by_concordance(retained: Retained) -> tuple[bool, float, int, str]:
    value = retained.concordance.value
    return (value is None, -(value or 0.0), -retained.words, retained.category)
