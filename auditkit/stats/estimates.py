"""An estimate with its interval, and the two commonest: a mean and a share over documents."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.stats.resampling import bootstrap_sums, percentile_interval

FEWEST = 20
"""Documents below which no bootstrap interval is given: it would cover too seldom."""

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its 95 % interval, and the reason for whichever of the two is missing."""

    value: float | None
    n: int
    """Documents that it rests on."""
    interval: tuple[float, float] | None = None
    why_not: str = ""
    """Why there is no value, or no interval."""
    p: float | None = None

    def scaled(self, factor: float) -> "Estimate":
        """The same in another unit: 100 turns shares into points. `factor` is positive."""
        value = None if self.value is None else self.value * factor
        low_high = self.interval and (self.interval[0] * factor, self.interval[1] * factor)
        return Estimate(value, self.n, low_high, self.why_not, self.p)


def document_mean(
    values: NDArray[np.float64], rng: np.random.Generator, resamples: int = RESAMPLES
) -> Estimate:
    """Mean over documents with the percentile interval of the document bootstrap.

    Args:
        values: One finite value a document (n,).
        rng: Source of the resamples.
        resamples: How many.
    """
    n = len(values)
    if n == 0:
        return Estimate(None, 0, why_not="no documents")
    mean = float(values.mean())
    if n < FEWEST:
        return Estimate(mean, n, why_not=f"fewer than {FEWEST} documents")
    if float(np.ptp(values)) == 0.0:
        return Estimate(mean, n, why_not="the value is the same in every document")
    sums = bootstrap_sums(values[:, None], rng, resamples)[:, 0]  # (resamples,)
    return Estimate(mean, n, percentile_interval(sums / n))


def document_share(hits: NDArray[np.bool_]) -> Estimate:
    """Share of documents with Wilson's score interval (1927), which is honest at 0 and 1 too.

    Args:
        hits: Whether the document is one of those counted (n,).
    """
    return share_of(int(hits.sum()), len(hits))


def share_of(k: int, n: int) -> Estimate:
    """The share k / n of documents, with the interval of `document_share`."""
    from scipy.stats import binomtest

    if n == 0:
        return Estimate(None, 0, why_not="no documents")
    bounds = binomtest(k, n).proportion_ci(method="wilson")
    return Estimate(k / n, n, (float(bounds.low), float(bounds.high)))
