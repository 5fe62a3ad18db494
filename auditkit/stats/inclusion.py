"""What random keeping would keep: `kept` of a document's `total` pieces, drawn without replacement.

A word survives while any of its pieces does, so a word of g pieces is dropped only if all of them
are: with probability C(N−g, k)/C(N, k). To put k/N in its place makes words of many pieces look
favoured under pure chance.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from auditkit.stats.estimates import Estimate

Floats = NDArray[np.float64]

_ROUNDING = 1e-9  # of log-gamma differences, for each expected word


def drop_probability(total: ArrayLike, kept: ArrayLike, pieces: ArrayLike) -> Floats:
    """Probability that `pieces` given pieces are all dropped: C(N−g, k)/C(N, k).

    Args:
        total: N, pieces of the document before.
        kept: k, pieces of the document after, 0..N.
        pieces: g, 0..N. The three broadcast.

    Returns:
        Probabilities; exactly 0 where too few pieces are dropped (N − k < g), exactly 1 where
        none is kept (k = 0) or none is asked for (g = 0).
    """
    n, k, g = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (total, kept, pieces)))
    possible = n - k >= g
    rest = np.where(possible, n - g, k)  # any value in range: the result is overwritten below
    log = gammaln(rest + 1) - gammaln(rest - k + 1) - gammaln(n + 1) + gammaln(n - k + 1)
    ratio = np.exp(np.minimum(log, 0.0))
    certain = (k == 0) | (g == 0)
    return np.where(certain, 1.0, np.where(possible, ratio, 0.0))


def inclusion_probability(total: ArrayLike, kept: ArrayLike, pieces: ArrayLike) -> Floats:
    """π: the probability that at least one of `pieces` pieces is kept, 1 − C(N−g, k)/C(N, k).

    Arguments as in `drop_probability`. With g = 1 this is k/N.
    """
    return 1.0 - drop_probability(total, kept, pieces)


def pairwise_inclusion(
    total: ArrayLike, kept: ArrayLike, pieces_i: ArrayLike, pieces_j: ArrayLike
) -> Floats:
    """Probability that two different words of one document, of g_i and g_j pieces, both survive.

    From the probability that both are dropped, C(N−g_i−g_j, k)/C(N, k).
    """
    both = np.add(pieces_i, pieces_j)
    return np.asarray(
        1.0
        - drop_probability(total, kept, pieces_i)
        - drop_probability(total, kept, pieces_j)
        + drop_probability(total, kept, both),
        dtype=np.float64,
    )


def kept_count_variance(
    unit: NDArray[np.int64],
    total: NDArray[Any],
    kept: NDArray[Any],
    pieces: NDArray[Any],
    words: NDArray[Any],
    units: int,
) -> Floats:
    """Variance, under random keeping, of the number of words kept in each unit.

    A unit is one category in one document. Where every g is 1 the count is hypergeometric; one word
    in a document of one piece gives 0.

    Args:
        unit: Unit of each row of words (rows,), 0..units−1. All of a unit are of one document.
        total: N of the row's document (rows,).
        kept: k of the row's document (rows,).
        pieces: g of the row's words (rows,).
        words: How many words the row stands for (rows,).
        units: Number of units.

    Returns:
        Variances (units,); 0 for a unit without words.
    """
    width = int(pieces.max(initial=0)) + 1
    alike = unit * width + pieces
    keys, first, which = np.unique(alike, return_index=True, return_inverse=True)
    count = np.bincount(which, weights=words, minlength=keys.size)
    u, g = np.divmod(keys, width)  # (groups,) of words alike in unit and pieces
    n, k = total[first], kept[first]
    q = drop_probability(n, k, g)
    variance = np.bincount(u, weights=count * q * (1 - q), minlength=units)
    left, right = _pairs(u)  # ordered pairs of groups of one unit, a group with itself included
    ordered = count[left] * count[right] - np.where(left == right, count[left], 0)
    both = drop_probability(n[left], k[left], g[left] + g[right])
    covariance = ordered * (both - q[left] * q[right])
    variance += np.bincount(u[left], weights=covariance, minlength=units)
    return np.maximum(variance, 0.0)


def _pairs(sorted_groups: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of all ordered pairs within each run of equal values."""
    _, first, size = np.unique(sorted_groups, return_index=True, return_counts=True)
    run = np.repeat(np.arange(size.size), size)
    left = np.repeat(np.arange(sorted_groups.size), size[run])
    repeats = size[run]  # every row meets all rows of its run
    within = np.arange(left.size) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return left, first[run[left]] + within


def exact_z(observed: float, expected: float, variance: float, documents: int) -> Estimate:
    """Test of the strong null that every document kept its pieces at random.

    It is stronger than "lift = 1": a document bootstrap lets documents differ, this does not.

    Args:
        observed: Words kept, over all documents.
        expected: Σ π over the same words.
        variance: Σ over documents of `kept_count_variance`.
        documents: How many documents these are sums over.
    """
    if variance <= _ROUNDING * (1 + expected):
        reason = "random keeping leaves no choice: every word is certain to stay or to go"
        return Estimate(None, documents, why_not=reason)
    return Estimate(
        float((observed - expected) / np.sqrt(variance)),
        documents,
        why_not="a test statistic: its own standard deviation is 1",
    )
