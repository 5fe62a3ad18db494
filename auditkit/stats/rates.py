"""Rates of words as ratios of document sums, and their lift over chance.

Documents are the unit everywhere: words of one document share its fate, so intervals that treat
words as independent cover 45 % where these cover 95 %.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from auditkit.stats.estimates import (
    NO_SPREAD,
    Estimate,
    Kind,
    bootstrap_estimate,
    resampled,
    too_few,
)
from auditkit.stats.resampling import Bootstrap, Table, resampled_sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NONE_EXPECTED = "random keeping would keep none either"

_TOLERANCE = 1e-9  # what rounding may add to a resampled lift


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
    k, n = numerator[has], denominator[has]
    words = float(n.sum())
    rate = float(k.sum()) / words if words else 0.0
    squares = float(((k - rate * n) ** 2).sum())
    return linearised(rate, words, squares, int(has.sum()), level=level, bounds=bounds)


def linearised(
    rate: float,
    words: float,
    squares: float,
    documents: int,
    *,
    level: float = 0.95,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """As `ratio_of_sums`, from the sums that it rests on.

    Args:
        rate: R, of any value where there are too few documents.
        words: ΣN_d.
        squares: Σ(K_d − R·N_d)².
        documents: n_c.
        level: Coverage aimed at.
        bounds: Values that R can take.
    """
    if few := too_few("rate", documents):
        return Estimate(None, documents, why_not=few)
    if squares <= (_TOLERANCE * words) ** 2:
        return Estimate(rate, documents, why_not=NO_SPREAD)
    half = student.ppf((1 + level) / 2, documents - 1)
    half *= np.sqrt(documents / (documents - 1) * squares) / words
    low, high = np.clip([rate - half, rate + half], *bounds)
    return Estimate(rate, documents, (float(low), float(high)))


def mean_of_ratios(
    numerator: Floats, denominator: Floats, *, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Estimate:
    """The macro rate: the mean of K_d/N_d over the documents that have N_d > 0, all alike."""
    has = denominator > 0
    each = np.divide(numerator, denominator, out=np.zeros(has.shape), where=has)
    return ratio_of_sums(each, has.astype(np.float64), bounds=bounds)


def ratio_of_resampled_sums(
    numerator: Floats, denominator: Floats, bootstrap: Bootstrap, kind: Kind
) -> Estimate:
    """ΣK/ΣN with the percentile interval of the document bootstrap.

    Args:
        numerator: K_d (n,).
        denominator: N_d (n,), at least 0; documents without any are left out.
        bootstrap: How to resample.
        kind: Of the estimate.
    """
    return ratios_of_resampled_sums(numerator[:, None], denominator, bootstrap, kind)[0]


def ratios_of_resampled_sums(
    numerators: Floats, denominator: Floats, bootstrap: Bootstrap, kind: Kind
) -> list[Estimate]:
    """As `ratio_of_resampled_sums`, of many numerators (n, C) under the same resamples."""
    has = denominator > 0
    documents = int(has.sum())
    if documents == 0:
        return [Estimate(None, 0, why_not="no documents")] * numerators.shape[1]
    table = np.column_stack([numerators[has], denominator[has]])  # (documents, C + 1)
    total = table.sum(axis=0)
    values = total[:-1] / total[-1]
    samples = np.empty((0, values.size))
    if not too_few(kind, documents):
        sums = bootstrap.sums(table)
        samples = _over(sums[:, :-1], sums[:, -1:])
    return [
        resampled(float(value), documents, column, kind)
        for value, column in zip(values, samples.T, strict=True)
    ]


def lifts(
    kept: Table, expected: Table, documents: Sequence[int] | Ints, bootstrap: Bootstrap
) -> list[Estimate]:
    """Observed over expected kept words per category, with a document bootstrap.

    Args:
        kept: Words kept per document and category (n, C).
        expected: Words that random keeping would keep, Σπ (n, C).
        documents: How many documents hold words of the category (C,).
        bootstrap: How to resample.

    Returns:
        One estimate a category: percentile interval, and the two-sided p of lift = 1, which is
        2·min(P*(lift ≤ 1), P*(lift ≥ 1)) with one resample added to either side.
    """
    if kept.shape[0] == 0:
        return [Estimate(None, 0, why_not=too_few("rate", 0))] * kept.shape[1]
    once = np.ones((1, kept.shape[0]))
    k, e = (resampled_sums(once, table)[0] for table in (kept, expected))  # (C,)
    samples = _over(*bootstrap.paired_sums(kept, expected))  # (resamples, C)
    return [
        _lift(float(k[c]), float(e[c]), int(documents[c]), samples[:, c]) for c in range(k.size)
    ]


def _lift(kept: float, expected: float, documents: int, samples: Floats) -> Estimate:
    if few := too_few("rate", documents):
        return Estimate(None, documents, why_not=few)
    if expected <= 0:
        return Estimate(None, documents, why_not=NONE_EXPECTED)
    lift = resampled(kept / expected, documents, samples, "lift")
    return lift if too_few("lift", documents) else replace(lift, p=_p_of_one(samples))


def _p_of_one(samples: Floats) -> float:
    """Two-sided p of a ratio of 1; resamples without the category say nothing about it."""
    known = samples[np.isfinite(samples)]
    fewest = min((known <= 1 + _TOLERANCE).sum(), (known >= 1 - _TOLERANCE).sum())
    return float(min(1.0, 2 * (fewest + 1) / (known.size + 1)))


def ratio_difference(
    one: tuple[Floats, Floats], other: tuple[Floats, Floats], bootstrap: Bootstrap
) -> Estimate:
    """ΣK/ΣN of `one` minus that of `other`, with a document bootstrap.

    Args:
        one: K_d and N_d (n,) each.
        other: K_d and N_d (n,) of the same documents, in the same order.
        bootstrap: How to resample.
    """
    documents = min(int((n > 0).sum()) for _, n in (one, other))
    if few := too_few("rate", documents):
        return Estimate(None, documents, why_not=few)

    def difference(sums: Floats) -> Floats:
        left, right = _over(sums[:, [0, 2]], sums[:, [1, 3]]).T
        return np.asarray(left - right)

    table = np.column_stack([*one, *other])  # (n, 4)
    return bootstrap_estimate(table, difference, bootstrap, "difference", documents)


def _over(top: Floats, bottom: Floats) -> Floats:
    """Ratios of sums; NaN where there is nothing below."""
    ratios: Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    return ratios


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values (Benjamini & Hochberg 1995); what is undefined is not counted as a test."""
    from statsmodels.stats.multitest import multipletests

    tested = [value for value in p if value is not None]
    adjusted = iter(multipletests(tested, method="fdr_bh")[1]) if tested else iter(())
    return [None if value is None else float(next(adjusted)) for value in p]
