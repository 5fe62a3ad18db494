"""Where a change lies: percentiles with intervals by order statistics, and asymmetry about 0.

Two trainings of one recipe are exchangeable, so what one changes against the other lies alike on
either side of 0; damage lies on one.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from auditkit.stats import student
from auditkit.stats.estimates import NO_SPREAD, Estimate, document_mean, fewer_than, too_few
from auditkit.stats.resampling import Bootstrap, percentile_interval

Floats = NDArray[np.float64]

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
TAILS = (0.01, 0.05, 0.25)
FEWEST = {0.01: 368, 0.05: 72, 0.25: 13, 0.5: 6}
"""Documents that an interval of a percentile takes, by its distance from the nearer end."""


def percentile(values: Floats, per_cent: int) -> Estimate:
    """A percentile of values (n,), with the exact interval by order statistics.

    The ranks between which the percentile lies have a binomial distribution, whatever that of the
    values (David & Nagaraja 2003, chapter 7).
    """
    n, q = len(values), per_cent / 100
    if n == 0:
        return Estimate(None, 0, why_not="no documents")
    value = float(np.quantile(values, q))
    if few := fewer_than(FEWEST[round(min(q, 1 - q), 2)], n):
        return Estimate(value, n, why_not=few)
    low, high = int(binom.ppf(0.025, n, q)), int(binom.ppf(0.975, n, q)) + 1
    ordered = np.sort(values)
    return Estimate(value, n, (float(ordered[low - 1]), float(ordered[min(high, n) - 1])))


def asymmetries(changes: Sequence[Floats], bootstrap: Bootstrap) -> list[dict[float, Estimate]]:
    """q_t + q_{1−t} by t of `TAILS`: below 0 the lower tail reaches farther than the upper one.

    Args:
        changes: One change, or that of the model under audit and that of a floor, on the same
            documents (n,) each.
        bootstrap: How documents are resampled.

    Returns:
        Of each change, and where there are two of the first less the second.
    """
    n = len(changes[0])
    sides = np.array([[t, 1 - t] for t in TAILS]).ravel()

    def both(rows: NDArray[np.int64] | slice) -> Floats:
        found = [np.quantile(change[rows], sides).reshape(-1, 2).sum(axis=1) for change in changes]
        return np.stack([*found, found[0] - found[1]] if len(found) == 2 else found)

    observed = both(slice(None))  # (changes, tails)
    drawn = np.stack(
        [both(bootstrap.rng.integers(0, n, n)) for _ in range(bootstrap.resamples)]
    )  # (resamples, changes, tails)
    return [
        {
            tail: _tail(float(own[at]), drawn[:, number, at], n, tail)
            for at, tail in enumerate(TAILS)
        }
        for number, own in enumerate(observed)
    ]


def _tail(value: float, drawn: Floats, n: int, tail: float) -> Estimate:
    if few := fewer_than(max(FEWEST[tail], 30), n):
        return Estimate(value, n, why_not=few)
    if np.ptp(drawn) <= 1e-12:
        return Estimate(value, n, why_not=NO_SPREAD)
    return Estimate(value, n, percentile_interval(drawn))


def divergences(reference: Floats, model: Floats) -> Floats:
    """KL(reference ‖ model) of each document's probabilities (n, C), in nats (n,).

    Kullback & Leibler 1951.
    Not finite where the model gives 0 to what the reference does not: float32 rounds to it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = reference * (np.log(reference) - np.log(model))
    return np.asarray(np.where(reference > 0, parts, 0.0).sum(axis=1), dtype=np.float64)


def mean_divergence(values: Floats) -> tuple[Estimate, int]:
    """Mean over the documents that have one, and how many have none."""
    there = values[np.isfinite(values)]
    left = len(values) - len(there)
    if not len(there):
        return Estimate(None, 0, why_not="no document has one"), left
    return document_mean(np.maximum(there, 0.0), kind="score"), left


def times_as_often(hits: NDArray[np.bool_], others: NDArray[np.bool_]) -> Estimate:
    """How many times as often one thing happens as another, on the same documents (n,) each.

    Linearised over documents, Student's t on the logarithm. Of answers that change this is relative
    churn (Milani Fard et al. 2016).
    """
    n, one, other = len(hits), int(hits.sum()), int(others.sum())
    if not other:
        return Estimate(None, n, why_not="the other never happens")
    value = one / other
    if few := too_few("discordant", min(one, other)):
        return Estimate(value, n, why_not=f"{few} of either kind")
    influence = (hits - value * others) / other
    error, df = student.error_and_degrees(influence)
    if error <= 1e-12:
        return Estimate(value, n, why_not=NO_SPREAD)
    reach = float(np.exp(student.quantile(0.95, df) * error / value))
    return Estimate(value, n, (value / reach, value * reach))
