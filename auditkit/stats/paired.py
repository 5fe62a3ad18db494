"""Two models on the same documents: difference in accuracy, non-inferiority, calibration, loyalty.

Everything is per document and paired: the reference model and the model under audit answered the
same texts. A document is lost when the reference is right and the model wrong, gained in the
opposite case, and discordant when it is either.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auditkit.stats.estimates import FEWEST, Estimate, too_few
from auditkit.stats.resampling import Bootstrap, percentile_interval

Floats = NDArray[np.float64]


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
    """Exact McNemar test; of the first draw where the reference has several."""

    @property
    def discordant(self) -> float:
        """Share of discordant documents."""
        return (self.lost + self.gained) / self.n

    def estimate(self) -> Estimate:
        """The difference as an `Estimate`."""
        return Estimate(self.delta, self.n, self.interval, p=self.p)


def accuracy_difference(
    right: NDArray[np.bool_],
    reference: NDArray[np.bool_],
    bootstrap: Bootstrap,
    *,
    level: float = 0.95,
) -> Difference:
    """Paired difference in accuracy with interval and exact McNemar p.

    Where the reference was drawn several times at random, independently in every document, a
    document's value is its mean over the draws. Resampling documents then carries the variance
    between draws along, because that variance is the sum of the documents' own.

    Args:
        right: Whether the model is right (n,).
        reference: Whether the reference is (n,), or in each of J draws (n, J).
        bootstrap: How to resample.
        level: Coverage aimed at.

    Returns:
        The difference, with the percentile interval of the document bootstrap or, with fewer than
        `FEWEST["discordant"]` discordant documents, Tango's score interval.
    """
    draws = reference.reshape(len(right), -1)  # (n, J)
    n, change = len(right), right.astype(np.float64) - draws.mean(axis=1)
    gained, lost = float(change[change > 0].sum()), float(-change[change < 0].sum())
    first = right.astype(np.int8) - draws[:, 0]
    p = mcnemar_exact(int((first < 0).sum()), int((first > 0).sum()))
    if too_few("discordant", int((change != 0).sum())):
        low, high = tango_interval(lost, gained, n, level)
        return Difference((gained - lost) / n, (low, high), "Tango", lost, gained, n, p)
    sums = bootstrap.sums(change[:, None])[:, 0]
    interval = percentile_interval(sums / n, level)
    return Difference((gained - lost) / n, interval, "bootstrap", lost, gained, n, p)


def mcnemar_exact(lost: int, gained: int) -> float:
    """Two-sided exact McNemar test: lost and gained documents are equally likely.

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


@dataclass(frozen=True, slots=True)
class Verdict:
    """Non-inferiority of a model to its reference at a margin."""

    outcome: Literal["pass", "fail", "inconclusive"]
    improved: bool
    """The whole interval is above 0."""
    documents_needed: int | None
    """How many would decide, with the power asked for; None where no number would or the data
    do not tell."""
    detectable: float | None
    """Smallest difference in accuracy that these documents would show, with that power; None
    without discordant documents, which do not tell."""


def non_inferiority(
    difference: Difference, margin: float, *, level: float = 0.95, power: float = 0.8
) -> Verdict:
    """PASS where the loss is shown to be below `margin`, FAIL where shown to be above it.

    Args:
        difference: Of the model minus its reference.
        margin: δ > 0, the loss of accuracy that is still accepted.
        level: Level of the difference's interval.
        power: 1 - β of `documents_needed` and `detectable`.
    """
    from scipy.stats import norm

    low, high = difference.interval
    outcome: Literal["pass", "fail", "inconclusive"] = "inconclusive"
    if low > -margin:
        outcome = "pass"
    elif high < -margin:
        outcome = "fail"
    z = float(norm.ppf((1 + level) / 2) + norm.ppf(power))
    variance = difference.discordant - difference.delta**2
    distance = margin + difference.delta
    needed = None
    if distance > 0 and variance > 0:
        needed = math.ceil(z**2 * variance / distance**2)
    detectable = z * math.sqrt(difference.discordant / difference.n) or None
    return Verdict(outcome, low > 0, needed, detectable)


def debiased_ece(
    confidence: Floats, right: NDArray[np.bool_], bins: int = FEWEST["ece"]
) -> float | None:
    """Expected calibration error of the top label, less its bias, in bins of equal mass.

    The plain estimate takes noise for miscalibration. Its bias is estimated as by Kumar, Liang and
    Ma (Verified Uncertainty Calibration, NeurIPS 2019): with each bin's accuracy drawn anew from a
    normal distribution around the observed one; the mean of |normal| is known, so nothing is
    simulated. Equal confidences share a bin. Of a calibrated model's bias 59 % stay (2 - √2), of
    a miscalibrated one's next to nothing.

    Args:
        confidence: Probability of the predicted class (n,).
        right: Whether that class is the gold one (n,).
        bins: How many, at most.

    Returns:
        At least 0; None with fewer documents than bins.
    """
    from scipy.stats import norm

    n = len(confidence)
    if n < bins:
        return None
    edges = np.unique(np.sort(confidence)[[n * b // bins for b in range(1, bins)]])
    bin_of = np.searchsorted(edges, confidence, side="right")
    size = np.bincount(bin_of, minlength=len(edges) + 1)
    there = size > 0
    size = size[there]
    accuracy = np.bincount(bin_of, right, minlength=len(edges) + 1)[there] / size
    gap = np.bincount(bin_of, confidence, minlength=len(edges) + 1)[there] / size - accuracy
    sd = np.sqrt(accuracy * (1 - accuracy) / size)
    ratio = np.divide(gap, sd, out=np.zeros_like(gap), where=sd > 0)
    folded = sd * 2 * norm.pdf(ratio) + gap * (1 - 2 * norm.cdf(-ratio))  # E|N(gap, sd)|
    folded = np.where(sd > 0, folded, np.abs(gap))
    return max(0.0, float((size * (2 * np.abs(gap) - folded)).sum() / n))


def brier_scores(probs: Floats, labels: NDArray[np.int64]) -> Floats:
    """Brier score of every document (n,): Σ_c (p_c - 1[c is gold])², in 0..2 (Brier 1950).

    Args:
        probs: Class probabilities (n, C).
        labels: Gold classes (n,).
    """
    gold = np.zeros_like(probs, dtype=np.float64)
    gold[np.arange(len(labels)), labels] = 1.0
    scores: Floats = ((probs - gold) ** 2).sum(axis=1)
    return scores


def probability_loyalty(probs: Floats, reference: Floats) -> Floats:
    """Loyalty of every document's probabilities to the reference's (n,): 1 - √JSD, base 2, in 0..1.

    Xu et al., Beyond Preserved Accuracy, EMNLP 2021.

    Args:
        probs: Class probabilities (n, C).
        reference: Those of the reference (n, C).
    """
    from scipy.spatial.distance import jensenshannon

    with np.errstate(invalid="ignore"):  # a divergence that rounds below 0 has no root: it is 0
        distance = jensenshannon(probs, reference, base=2, axis=1)
    return np.asarray(1.0 - np.nan_to_num(distance), dtype=np.float64)
