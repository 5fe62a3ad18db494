"""Rates of words as ratios of document sums, their lift over chance, and adjusted odds.

Documents are the unit everywhere: words of one document share its fate, so intervals that treat
words as independent cover 45 % where these cover 95 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import t as student

from auditkit.stats.estimates import Estimate
from auditkit.stats.resampling import bootstrap_sums, multinomial_weights, percentile_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MIN_DOCUMENTS = 5
"""Below this many documents with the category, its statistics are undefined."""

MIN_BOOTSTRAP_DOCUMENTS = 30
"""Below this many there is no bootstrap interval: it would cover 90 % at 5, 93 % at 10."""

NONE_EXPECTED = "random keeping would keep none either"
NO_SPREAD = "all documents agree, which leaves no spread to go by"

_TOLERANCE = 1e-9  # what rounding may add to a resampled lift


def _too_few(documents: int, minimum: int) -> str:
    return f"too few documents hold it: {documents}, and at least {minimum} are needed"


def _undefined(documents: int) -> Estimate:
    return Estimate(None, documents, why_not=_too_few(documents, MIN_DOCUMENTS))


def ratio_of_sums(
    numerator: Floats,
    denominator: Floats,
    *,
    level: float = 0.95,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """R = ΣK_d/ΣN_d with the linearised standard error over the documents that have N_d > 0.

    SE(R) = √(n_c/(n_c−1)·Σ(K_d − R·N_d)²)/ΣN_d, Student's t with n_c − 1 degrees of freedom, n_c
    the number of documents with N_d > 0 (Cochran 1977, chapter 6, without the population term).

    Args:
        numerator: K_d (documents,).
        denominator: N_d (documents,), at least 0.
        level: Coverage aimed at.
        bounds: Values that R can take; the interval is cut off there.
    """
    has = denominator > 0
    k, n, documents = numerator[has], denominator[has], int(has.sum())
    if documents < MIN_DOCUMENTS:
        return _undefined(documents)
    rate = float(k.sum() / n.sum())
    residual = float(((k - rate * n) ** 2).sum())
    if residual <= (_TOLERANCE * n.sum()) ** 2:
        return Estimate(rate, documents, why_not=NO_SPREAD)
    half = student.ppf((1 + level) / 2, documents - 1)
    half *= np.sqrt(documents / (documents - 1) * residual) / n.sum()
    low, high = np.clip([rate - half, rate + half], *bounds)
    return Estimate(rate, documents, (float(low), float(high)))


def mean_of_ratios(
    numerator: Floats, denominator: Floats, *, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Estimate:
    """The macro rate: the mean of K_d/N_d over the documents that have N_d > 0, all alike."""
    has = denominator > 0
    each = np.divide(numerator, denominator, out=np.zeros(has.shape), where=has)
    return ratio_of_sums(each, has.astype(np.float64), bounds=bounds)


def lifts(
    kept: Floats, expected: Floats, words: Floats, rng: np.random.Generator, resamples: int = 2000
) -> list[Estimate]:
    """Observed over expected kept words per category, with a document bootstrap.

    Args:
        kept: Words kept per document and category (n, C).
        expected: Words that random keeping would keep, Σπ (n, C).
        words: Words (n, C).
        rng: Source of the resamples.
        resamples: Number of resamples.

    Returns:
        One estimate a category: percentile interval, and the two-sided p of lift = 1, which is
        2·min(P*(lift ≤ 1), P*(lift ≥ 1)) with one resample added to either side.
    """
    columns = kept.shape[1]
    if len(kept) == 0:
        return [_undefined(0)] * columns
    sums = bootstrap_sums(np.hstack([kept, expected]), rng, resamples)  # (resamples, 2C)
    return [
        _lift(
            float(kept[:, c].sum()),
            float(expected[:, c].sum()),
            int((words[:, c] > 0).sum()),
            sums[:, [c, columns + c]],
        )
        for c in range(columns)
    ]


def _lift(kept: float, expected: float, documents: int, sums: Floats) -> Estimate:
    if documents < MIN_DOCUMENTS:
        return _undefined(documents)
    if expected <= 0:
        return Estimate(None, documents, why_not=NONE_EXPECTED)
    value = kept / expected
    if documents < MIN_BOOTSTRAP_DOCUMENTS:
        return Estimate(value, documents, why_not=_too_few(documents, MIN_BOOTSTRAP_DOCUMENTS))
    there = sums[sums[:, 1] > 0]  # resamples without the category say nothing about it
    samples = there[:, 0] / there[:, 1]
    fewest = min((samples <= 1 + _TOLERANCE).sum(), (samples >= 1 - _TOLERANCE).sum())
    p = float(min(1.0, 2 * (fewest + 1) / (samples.size + 1)))
    if np.ptp(samples) <= _TOLERANCE:
        return Estimate(value, documents, why_not=NO_SPREAD, p=p)
    return Estimate(value, documents, percentile_interval(samples), p=p)


def ratio_difference(
    one: tuple[Floats, Floats],
    other: tuple[Floats, Floats],
    rng: np.random.Generator,
    resamples: int = 2000,
) -> Estimate:
    """ΣK/ΣN of `one` minus that of `other`, with a document bootstrap.

    Args:
        one: K_d and N_d (n,) each.
        other: K_d and N_d (n,) of the same documents, in the same order.
        rng: Source of the resamples.
        resamples: Number of resamples.
    """
    documents = min(int((n > 0).sum()) for _, n in (one, other))
    if documents < MIN_DOCUMENTS:
        return _undefined(documents)
    table = np.column_stack([*one, *other])  # (n, 4)
    total = table.sum(axis=0)
    value = float(total[0] / total[1] - total[2] / total[3])
    if documents < MIN_BOOTSTRAP_DOCUMENTS:
        return Estimate(value, documents, why_not=_too_few(documents, MIN_BOOTSTRAP_DOCUMENTS))
    sums = bootstrap_sums(table, rng, resamples)
    there = sums[(sums[:, 1] > 0) & (sums[:, 3] > 0)]
    samples = there[:, 0] / there[:, 1] - there[:, 2] / there[:, 3]
    return Estimate(value, documents, percentile_interval(samples))


@dataclass(frozen=True, slots=True)
class HazardWords:
    """Words as codes, for the discrete hazard of being dropped. All arrays (words,)."""

    document: Ints
    """0..documents−1."""
    stratum: Ints
    """0..strata−1: position, document length and pieces; the layer is added below."""
    category: Ints
    """0..categories−1, or −1 for words of no category: they are only compared with."""
    depth: Ints
    """Survival depth, 0..layers."""
    documents: int
    categories: int
    layers: int


def odds_ratios(
    words: HazardWords, rng: np.random.Generator, resamples: int = 2000
) -> list[Estimate]:
    """Mantel–Haenszel odds ratio of outliving a layer, each category against all other words.

    A word is at risk in every layer that it enters alive, and in no later one, so no word counts
    twice. Strata are layer × `stratum` (Mantel & Haenszel 1959); the interval is a document
    bootstrap, because the usual standard error takes words for independent.

    Words are first counted by category, stratum and depth: numbers at risk and surviving are tail
    sums over depth, so one sparse product of the counts serves all layers of a resample.
    """
    if words.documents == 0:
        return [_undefined(0)] * words.categories
    counts = _depth_counts(words)  # (cells, documents)
    shape = (words.categories + 1, -1, words.layers + 1)
    point = _mantel_haenszel(np.asarray(counts.sum(axis=1), dtype=np.float64).reshape(*shape, 1))[
        :, 0
    ]  # (C,)
    samples = np.concatenate(
        [
            _mantel_haenszel((counts @ np.ascontiguousarray(w.T)).reshape(*shape, len(w)))
            for w in multinomial_weights(words.documents, resamples, rng)
        ],
        axis=1,
    )  # (C, resamples)
    pairs = np.unique(words.category * words.documents + words.document)
    has = np.bincount((pairs // words.documents)[pairs >= 0], minlength=words.categories)
    return [_odds(point[c], samples[c], int(has[c])) for c in range(words.categories)]


def _depth_counts(words: HazardWords) -> sparse.csr_array:
    """Numbers of words (category × stratum × depth, documents); no category comes last."""
    _, stratum = np.unique(words.stratum, return_inverse=True)
    strata = int(stratum.max(initial=0)) + 1
    category = np.where(words.category < 0, words.categories, words.category)
    cell = (category * strata + stratum) * (words.layers + 1) + words.depth
    shape = ((words.categories + 1) * strata * (words.layers + 1), words.documents)
    ones = np.ones(cell.size)
    return sparse.csr_array((ones, (cell, words.document)), shape=shape)  # doubles add up


def _mantel_haenszel(counts: Floats) -> Floats:
    """Odds ratios (C, m) from counts (C + 1, strata, L + 1, m); NaN or inf where there is none."""
    alive = np.cumsum(counts[:, :, ::-1], axis=2)[:, :, ::-1]  # words of depth >= l, l = 0..L
    total = alive.sum(axis=0)  # (strata, L + 1, m)
    risk, survived = total[:, :-1], total[:, 1:]  # on entry of layers 1..L, and after them
    per = np.divide(1.0, risk, out=np.zeros(risk.shape), where=risk > 0)
    dropped = risk - survived
    odds = np.empty((len(counts) - 1, counts.shape[3]))
    for c, own in enumerate(alive[:-1]):
        a, b = own[:, 1:], own[:, :-1] - own[:, 1:]  # survived, dropped
        up = np.einsum("slm,slm,slm->m", a, dropped - b, per)
        down = np.einsum("slm,slm,slm->m", b, survived - a, per)
        with np.errstate(divide="ignore", invalid="ignore"):
            odds[c] = up / down
    return odds


def _odds(value: float, samples: Floats, documents: int) -> Estimate:
    if documents < MIN_DOCUMENTS:
        return _undefined(documents)
    if not np.isfinite(value):
        return Estimate(
            None, documents, why_not="no stratum holds both dropped and kept words to compare"
        )
    if documents < MIN_BOOTSTRAP_DOCUMENTS:
        return Estimate(
            float(value), documents, why_not=_too_few(documents, MIN_BOOTSTRAP_DOCUMENTS)
        )
    if not np.isfinite(samples).all():
        return Estimate(float(value), documents, why_not="some resamples hold nothing to compare")
    return Estimate(float(value), documents, percentile_interval(samples))


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values (Benjamini & Hochberg 1995); what is undefined is not counted as a test."""
    from statsmodels.stats.multitest import multipletests

    tested = [value for value in p if value is not None]
    adjusted = iter(multipletests(tested, method="fdr_bh")[1]) if tested else iter(())
    return [None if value is None else float(next(adjusted)) for value in p]
