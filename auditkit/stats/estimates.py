"""An estimate with its interval: from how many documents, by which rules, and the commonest kinds.

`FEWEST` is the one place that says how many documents an estimate takes, filled from
`benchmarks/coverage.py`; the means and shares of documents are the commonest estimates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auditkit.stats.resampling import Bootstrap

Floats = NDArray[np.float64]

Kind = Literal[
    "rate", "mean", "score", "class_f1", "f1", "lift", "odds_ratio", "difference", "ece",
    "discordant",
]  # fmt: skip

FEWEST: Mapping[Kind, int] = {
    "rate": 5,  # linearised ratios, and whatever is told of a category or a term
    "ece": 1000,  # with 200 a calibrated model has .034
    "mean": 30,  # of what is about symmetric
    "score": 300,  # Brier and the like: most near 0, few far from it
    "class_f1": 50,  # of the class, or said to be
    "f1": 100,
    "lift": 30,
    "odds_ratio": 30,
    "difference": 30,  # of two ratios
    "discordant": 10,  # with fewer the paired bootstrap fails: at none it gives [0, 0]
}
"""Documents below which a kind of estimate, or its interval, is not given: it would cover too
seldom. For ratios and categories those documents count that hold any of what is below the line or
in the category; for `discordant` those on which two models differ in being right."""

NO_SPREAD = "all documents agree, which leaves no spread to go by"

_TOLERANCE = 1e-9  # spread that rounding may give to what is the same in every resample


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its interval, and the reason for whichever of the two is missing."""

    value: float | None
    n: int
    """Documents that it rests on."""
    interval: tuple[float, float] | None = None
    why_not: str = ""
    """Why there is no value, or no interval."""
    p: float | None = None
    p_adjusted: float | None = None
    """p after correction for the tests made together, where it was corrected."""
    level: float = 0.95
    """Coverage that the interval aims at."""

    def scaled(self, factor: float) -> "Estimate":
        """The same in another unit: 100 turns shares into points. `factor` is positive."""
        value = None if self.value is None else self.value * factor
        low_high = self.interval and (self.interval[0] * factor, self.interval[1] * factor)
        return replace(self, value=value, interval=low_high)


def too_few(kind: Kind, documents: int) -> str:
    """Why so many documents do not do for an estimate of `kind`; "" where they do."""
    fewest = FEWEST[kind]
    if documents >= fewest:
        return ""
    return f"too few documents ({documents}, and at least {fewest} are needed)"


def document_mean(values: Floats, *, level: float = 0.95) -> Estimate:
    """Mean over documents with Student's t, for values that lie about as far on either side.

    Args:
        values: One finite value a document (n,).
        level: Coverage aimed at.
    """
    from scipy.stats import t as student

    n = len(values)
    if n == 0:
        return Estimate(None, 0, why_not="no documents")
    mean = float(values.mean())
    if few := too_few("mean", n):
        return Estimate(mean, n, why_not=few)
    error = float(values.std(ddof=1)) / n**0.5
    if error <= _TOLERANCE * abs(mean):
        return Estimate(mean, n, why_not=NO_SPREAD)
    half = float(student.ppf((1 + level) / 2, n - 1)) * error
    return Estimate(mean, n, (mean - half, mean + half))


def score_means(values: Floats, bootstrap: Bootstrap, *, level: float = 0.95) -> list[Estimate]:
    """Means over documents of scores that most have near one end, and few far from it.

    Studentised bootstrap: t of a resample is of its own standard deviation, so that the interval
    leans to the long side (Efron & Tibshirani 1993, chapter 12). Percentiles of the mean cover .83
    where a model is right in 97 of 100 documents.

    Args:
        values: Finite values of k scores of each document (n, k), under the same resamples.
        bootstrap: How to resample.
        level: Coverage aimed at.
    """
    n = len(values)
    if n == 0:
        return [Estimate(None, 0, why_not="no documents")] * values.shape[1]
    means, errors = values.mean(axis=0), values.std(axis=0) / n**0.5
    if few := too_few("score", n):
        return [Estimate(float(mean), n, why_not=few) for mean in means]
    sums = bootstrap.sums(np.column_stack([values, values**2])) / n
    drawn, squares = np.hsplit(sums, 2)  # (resamples, k) each
    spread = np.sqrt(np.maximum(squares - drawn**2, 0.0) / n)
    found = []
    for k, (mean, error) in enumerate(zip(means, errors, strict=True)):
        least = _TOLERANCE * abs(mean)
        if error <= least:
            found.append(Estimate(float(mean), n, why_not=NO_SPREAD))
            continue
        told = spread[:, k] > least
        t = (drawn[told, k] - mean) / spread[told, k]
        low, high = np.quantile(t, [(1 - level) / 2, (1 + level) / 2])
        bounds = (float(mean - high * error), float(mean - low * error))
        found.append(Estimate(float(mean), n, bounds))
    return found


def document_share(hits: NDArray[np.bool_]) -> Estimate:
    """Share of documents with the exact interval (Clopper & Pearson 1934).

    It covers .95 and more whatever the share; Wilson's falls to .86 at 30 documents.

    Args:
        hits: Whether the document is one of those counted (n,).
    """
    return share_of(int(hits.sum()), len(hits))


def share_of(k: int, n: int) -> Estimate:
    """The share k / n of documents, with the interval of `document_share`."""
    from statsmodels.stats.proportion import proportion_confint

    if n == 0:
        return Estimate(None, 0, why_not="no documents")
    low, high = proportion_confint(k, n, method="beta")
    return Estimate(k / n, n, (float(low), float(high)))
