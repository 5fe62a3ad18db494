"""Two models on the same documents: the difference in accuracy.

Everything is per document and paired: the reference model and the model under audit answered the
same texts. A document is lost when the reference is right and the model wrong, gained in the
opposite case, and discordant when it is either.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auditkit.stats.estimates import Estimate, too_few
from auditkit.stats.multiplicity import ALPHA
from auditkit.stats.resampling import Bootstrap, percentile_interval, percentile_p


@dataclass(frozen=True, slots=True)
class Difference:
    """Accuracy of a model minus that of a reference, on the same documents."""

    delta: float
    """(gained - lost) / n, in -1..1."""
    interval: tuple[float, float]
    method: Literal["bootstrap", "Tango"]
    lost: float
    """Documents lost; a fraction where the reference is a mean over draws."""
    gained: float
    n: int
    p: float
    """Of the interval's own statistic at a difference of 0: below .05 where a 95 % interval leaves
    out 0, and nowhere else."""
    p_exact: float
    """McNemar's exact test; of the sign-flip test over documents where the reference was drawn."""

    @property
    def discordant(self) -> float:
        """Share of discordant documents."""
        return (self.lost + self.gained) / self.n

    @property
    def sign(self) -> int:
        """+1 or −1 where interval and exact test agree that there is a difference; else 0."""
        low, high = self.interval
        if low <= 0 <= high or self.p_exact >= ALPHA:
            return 0
        return 1 if low > 0 else -1

    def estimate(self) -> Estimate:
        """The difference as an `Estimate`."""
        return Estimate(self.delta, self.n, self.interval, p=self.p)

    def agreed(self) -> Estimate:
        """The same with the larger of both p, so that an effect needs both tests.

        Of 4 gained and none lost the interval alone would show one.
        """
        return replace(self.estimate(), p=max(self.p, self.p_exact))


def accuracy_difference(
    right: NDArray[np.bool_],
    reference: NDArray[np.bool_],
    bootstrap: Bootstrap,
    *,
    level: float = 0.95,
) -> Difference:
    """Paired difference in accuracy, with interval and p.

    One answer each: Tango's score interval, which covers from 30 documents on; p is that of the
    same statistic at 0, (gained − lost)/√(gained + lost).

    Where the reference was drawn several times at random, independently in every document, a
    document's value is its mean over the draws. Resampling documents then carries the variance
    between draws along, because that variance is the sum of the documents' own; p is the smallest
    level at which the same resamples leave out 0, and the exact test flips the signs of the
    documents' differences.

    Args:
        right: Whether the model is right (n,).
        reference: Whether the reference is (n,), or in each of J draws (n, J).
        bootstrap: How to resample, and to flip.
        level: Coverage aimed at.
    """
    draws = reference.reshape(len(right), -1)  # (n, J)
    if draws.shape[1] == 1:
        return answers_difference(right, draws[:, 0], level=level)
    n, change = len(right), right.astype(np.float64) - draws.mean(axis=1)
    gained, lost = float(change[change > 0].sum()), float(-change[change < 0].sum())
    flipped = sign_flip(change, bootstrap)
    interval, p, method = drawn_interval(change, bootstrap, level=level)
    return Difference((gained - lost) / n, interval, method, lost, gained, n, p, flipped)


def drawn_interval(
    change: NDArray[np.float64], bootstrap: Bootstrap, *, level: float = 0.95
) -> tuple[tuple[float, float], float, Literal["bootstrap", "Tango"]]:
    """Interval and p of the mean difference of documents on which one side is a mean over draws.

    The percentile bootstrap over documents; Tango's where too few documents differ for that.

    Args:
        change: Differences of the documents (n,).
        bootstrap: How to resample.
        level: Coverage aimed at.

    Returns:
        The interval, the p of a difference of 0 by the same method, and the method.
    """
    if too_few("discordant", int((change != 0).sum())):
        lost, gained = float(-change[change < 0].sum()), float(change[change > 0].sum())
        interval = tango_interval(lost, gained, len(change), level)
        return interval, mcnemar_score(lost, gained), "Tango"
    samples = bootstrap.sums(change[:, None])[:, 0] / len(change)
    samples[np.abs(samples) < 1e-12] = 0.0  # thirds of a document do not add up to 0 exactly
    return percentile_interval(samples, level), percentile_p(samples), "bootstrap"


def answers_difference(
    right: NDArray[np.bool_], reference: NDArray[np.bool_], *, level: float = 0.95
) -> Difference:
    """As `accuracy_difference`, where both answered each document once: nothing is drawn.

    Args:
        right: Whether the model is right (n,).
        reference: Whether the reference is (n,).
        level: Coverage aimed at.
    """
    gained, lost = int((right & ~reference).sum()), int((reference & ~right).sum())
    return counted_difference(lost, gained, len(right), level=level)


def counted_difference(lost: int, gained: int, n: int, *, level: float = 0.95) -> Difference:
    """As `answers_difference`, from how many of n documents were lost and gained."""
    return Difference(
        (gained - lost) / n, tango_interval(lost, gained, n, level), "Tango", lost, gained, n,
        mcnemar_score(lost, gained), mcnemar_exact(lost, gained),
    )  # fmt: skip


def agreed_difference(lost: int, gained: int, n: int, *, level: float = 0.95) -> Estimate:
    """`counted_difference` at a level, with the p of `Difference.agreed`."""
    return replace(counted_difference(lost, gained, n, level=level).agreed(), level=level)


def sign_flip(change: NDArray[np.float64], bootstrap: Bootstrap) -> float:
    """Two-sided p of a mean of 0 under which a document's difference may have either sign.

    Args:
        change: Differences of the documents (n,).
        bootstrap: Its `rng` flips, as often as it resamples; one more is counted as the observed.
    """
    told = change[change != 0]
    observed, reached = abs(float(told.sum())), 0
    for _ in range(bootstrap.resamples):
        signs = bootstrap.rng.integers(0, 2, told.size) * 2 - 1
        reached += abs(float(signs @ told)) >= observed - 1e-9
    return (reached + 1) / (bootstrap.resamples + 1)


def mcnemar_score(lost: float, gained: float) -> float:
    """Two-sided p of the score statistic at a difference of 0; 1 without discordant documents."""
    from scipy.stats import norm

    if lost + gained == 0:
        return 1.0
    return float(2 * norm.sf(abs(gained - lost) / math.sqrt(lost + gained)))


def mcnemar_exact(lost: int, gained: int) -> float:
    """Two-sided exact test of McNemar 1947: lost and gained documents are equally likely.

    min(1, 2 · Binom(lost + gained, 1/2).cdf(min(lost, gained))); 1 without discordant documents.
    """
    from scipy.stats import binom

    return min(1.0, 2.0 * float(binom.cdf(min(lost, gained), lost + gained, 0.5)))


def tango_interval(lost: float, gained: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a difference of paired proportions (Tango 1998, Statistics in Medicine 17).

    The bounds are where the score statistic

        (gained - lost - n·δ) / √(n·(2·q + δ·(1 - δ)))

    reaches ±z; q, the probability of being lost, is its maximum-likelihood estimate under δ.
    Counts that are not whole are let through: they come from means over draws.

    Args:
        lost: Documents that only the reference gets right.
        gained: Documents that only the model gets right.
        n: All documents.
        level: Coverage aimed at.

    Returns:
        Bounds of (gained - lost) / n, within -1..1.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    z2 = float(norm.ppf((1 + level) / 2)) ** 2

    def excess(delta: float) -> float:
        """Squared numerator less z² times the variance: negative inside of the interval."""
        b = -gained - lost + (2 * n - gained + lost) * delta
        root = math.sqrt(max(0.0, b * b + 8 * n * lost * delta * (1 - delta)))
        q = (root - b) / (4 * n)
        return (gained - lost - n * delta) ** 2 - z2 * n * (2 * q + delta * (1 - delta))

    delta, step = (gained - lost) / n, 1e-9  # at δ itself both parts may be 0
    low = -1.0 if delta - step <= -1 else float(brentq(excess, -1.0, delta - step, xtol=1e-12))
    high = 1.0 if delta + step >= 1 else float(brentq(excess, delta + step, 1.0, xtol=1e-12))
    return low, high
