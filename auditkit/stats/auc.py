"""How well a score ranks one class over others, for two models on the same documents.

Of groups and their backgrounds the areas are those of Borkan et al. 2019.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from auditkit.stats import student
from auditkit.stats.estimates import NO_SPREAD, Estimate
from auditkit.stats.rates import on_logit

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranked:
    """The area under the ROC curve of one model."""

    auc: Estimate
    above: Floats
    """(positives,) share of the negatives that each positive is ranked above."""
    below: Floats
    """(negatives,) share of the positives that each negative is ranked below."""


def ranked(scores: Floats, positive: NDArray[np.bool_]) -> Ranked:
    """The area with DeLong's variance (DeLong, DeLong & Clarke-Pearson 1988), on the logit scale.

    Args:
        scores: Of each document (n,), the higher the more positive; ties count half.
        positive: Which documents are of the class (n,), some and not all.
    """
    all_ranks, n = rankdata(scores), len(scores)
    p = int(positive.sum())
    above = (all_ranks[positive] - rankdata(scores[positive])) / (n - p)
    below = 1 - (all_ranks[~positive] - rankdata(scores[~positive])) / p
    area = float(above.mean())
    error, df = _error(above, below)
    if not 0 < area < 1 or error <= 1e-12:
        return Ranked(Estimate(area, n, why_not=NO_SPREAD), above, below)
    half = student.quantile(0.95, df) * error
    return Ranked(Estimate(area, n, on_logit(area, half)), above, below)


def auc_change(one: Ranked, other: Ranked) -> Estimate:
    """The area of `one` less that of `other`, of the same documents."""
    above, below = one.above - other.above, one.below - other.below
    n = len(above) + len(below)
    value = float(above.mean())
    error, df = _error(above, below)
    if error <= 1e-12:
        return Estimate(value, n, why_not=NO_SPREAD)
    half = student.quantile(0.95, df) * error
    p = student.two_sided(value / error, df)
    return Estimate(value, n, (max(-1.0, value - half), min(1.0, value + half)), p=p)


def _error(above: Floats, below: Floats) -> tuple[float, float]:
    """Standard error of the two sides together, and its degrees of freedom (Welch 1947)."""
    parts = [student.error_and_degrees((side - side.mean()) / len(side)) for side in (above, below)]
    variance = sum(error**2 for error, _ in parts)
    if not variance:
        return 0.0, 1.0
    df = variance**2 / sum(error**4 / df for error, df in parts if error)
    return float(variance**0.5), float(df)
