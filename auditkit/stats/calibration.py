"""Whether probabilities mean what they say, and how near those of two models are."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 15
"""Of the calibration error."""

CHANCE = 200
"""Draws of a calibrated model."""


def debiased_ece(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> float | None:
    """Expected calibration error of the top label, less its bias, in bins of equal mass.

    The plain estimate takes noise for miscalibration. Its bias is estimated as by Kumar, Liang & Ma
    2019 (Verified Uncertainty Calibration): with each bin's accuracy drawn anew from a normal
    distribution around the observed one; the mean of |normal| is known, so nothing is simulated.
    Equal confidences share a bin. Of a calibrated model's bias 59 % stay (2 - √2), of a
    miscalibrated one's next to nothing.

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
    bin_of = equal_mass(confidence, bins)
    size = np.bincount(bin_of)
    there = size > 0
    size = size[there]
    accuracy = np.bincount(bin_of, right)[there] / size
    gap = np.bincount(bin_of, confidence)[there] / size - accuracy
    sd = np.sqrt(accuracy * (1 - accuracy) / size)
    ratio = np.divide(gap, sd, out=np.zeros_like(gap), where=sd > 0)
    folded = sd * 2 * norm.pdf(ratio) + gap * (1 - 2 * norm.cdf(-ratio))  # E|N(gap, sd)|
    folded = np.where(sd > 0, folded, np.abs(gap))
    return max(0.0, float((size * (2 * np.abs(gap) - folded)).sum() / n))


def equal_mass(confidence: Floats, bins: int) -> NDArray[np.int64]:
    """The bin of each document (n,), as many documents in each; equal confidences share one."""
    n = len(confidence)
    edges = np.unique(np.sort(confidence)[[n * b // bins for b in range(1, bins)]])
    return np.asarray(np.searchsorted(edges, confidence, side="right"), dtype=np.int64)


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

    Xu et al. 2021, Beyond Preserved Accuracy.

    Args:
        probs: Class probabilities (n, C).
        reference: Those of the reference (n, C).
    """
    from scipy.spatial.distance import jensenshannon

    with np.errstate(invalid="ignore"):  # a divergence that rounds below 0 has no root: it is 0
        distance = jensenshannon(probs, reference, base=2, axis=1)
    return np.asarray(1.0 - np.nan_to_num(distance), dtype=np.float64)


def calibrated_ece(confidence: Floats, rng: np.random.Generator) -> float:
    """What `debiased_ece` of a model with these confidences stays below in 95 % of samples.

    That is of one that is right as often as it says: below it there is nothing to see.

    Args:
        confidence: Probability of the predicted class (n,), at least `BINS` documents.
        rng: Draws `CHANCE` times which documents such a model gets right.
    """
    drawn = [debiased_ece(confidence, rng.random(confidence.size) < confidence) or 0.0
             for _ in range(CHANCE)]  # fmt: skip
    return float(np.quantile(drawn, 0.95))


def log_losses(probs: Floats, labels: NDArray[np.int64]) -> Floats:
    """−ln of the probability of the gold class of every document (n,); infinite where that is 0.

    Args:
        probs: Class probabilities (n, C).
        labels: Gold classes (n,).
    """
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(probs[np.arange(len(labels)), labels]), dtype=np.float64)


def accuracy_at(
    confidence: Floats, right: NDArray[np.bool_], shares: Sequence[float]
) -> list[tuple[int, int]]:
    """How many of the surest documents there are at each share, and how many of them are right.

    Equally sure ones go in together.
    """
    ordered = np.sort(confidence)[::-1]
    found = []
    for share in shares:
        cut = ordered[max(1, math.ceil(share * len(ordered) - 1e-9)) - 1]
        who = confidence >= cut
        found.append((int(who.sum()), int(right[who].sum())))
    return found
