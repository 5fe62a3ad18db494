"""An estimate with its interval: from how many documents, by which rules, and the commonest kinds.

`FEWEST` is the one place that says how many documents an estimate takes, filled from
`benchmarks/coverage.py`; the means and shares of documents are the commonest estimates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auditkit.stats import student

Floats = NDArray[np.float64]

Kind = Literal[
    "rate", "mean", "change", "score", "class_f1", "f1", "lift", "odds_ratio", "difference", "ece",
    "discordant", "trend", "precision",
]  # fmt: skip

FEWEST: Mapping[Kind, int] = {
    "rate": 5,  # linearised ratios, and whatever is told of a category or a term
    "ece": 1000,  # with 200 a calibrated model has .034
    "mean": 30,  # of what is about symmetric
    "change": 400,  # of a probability: with 200 documents, of which 1 in 100 changes, .86
    "score": 1000,  # Brier and the like: most near 0; with 300 a model right in 99 of 100 has .91
    "class_f1": 50,  # of the class, or said to be
    "f1": 100,
    "lift": 30,
    "odds_ratio": 30,
    "difference": 30,  # of two ratios
    "trend": 100,  # of accuracy along what documents are ordered by
    "precision": 100,  # average, above chance: few documents reach far up; with 30 .90
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
    return fewer_than(FEWEST[kind], documents)


def fewer_than(fewest: int, documents: int) -> str:
    """Why so many documents do not do where `fewest` are needed; "" where they do."""
    if documents >= fewest:
        return ""
    return f"too few documents ({documents}, and at least {fewest} are needed)"


def document_mean(values: Floats, *, kind: Kind = "mean", level: float = 0.95) -> Estimate:
    """Mean over documents with Student's t of the degrees of freedom that `student` counts.

    Args:
        values: One finite value a document (n,).
        kind: Of the values: `mean` where they lie about as far on either side, `change` where most
            are near 0 and few far from it, `score` where most are near one end and few far from it.
        level: Coverage aimed at.
    """
    n = len(values)
    if n == 0:
        return Estimate(None, 0, why_not="no documents")
    mean = float(values.mean())
    if few := too_few(kind, n):
        return Estimate(mean, n, why_not=few)
    error, df = student.error_and_degrees((values - mean) / n)
    if error <= _TOLERANCE * abs(mean):
        return Estimate(mean, n, why_not=NO_SPREAD)
    half = student.quantile(level, df) * error
    return Estimate(mean, n, (mean - half, mean + half), level=level)


def mean_change(values: Floats, *, kind: Kind = "mean", level: float = 0.95) -> Estimate:
    """`document_mean` of what something changes in each document, with p of a mean of 0.

    Where fewer than ten documents change at all their spread says too little, and there is neither
    interval nor p.

    Args:
        values: One change a document (n,), 0 where nothing changes.
        kind: Of the values, as there.
        level: Coverage aimed at.
    """
    mean = document_mean(values, kind=kind, level=level)
    if mean.interval is None:
        return mean
    if few := too_few("discordant", int((values != 0).sum())):
        return replace(mean, interval=None, why_not=f"{few} that change")
    error, df = student.error_and_degrees((values - values.mean()) / len(values))
    return replace(mean, p=student.two_sided(float(values.mean()) / error, df))


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


def difference_of(one: Estimate, other: Estimate) -> Estimate:
    """`one` − `other` from their intervals, each side's reach added in squares (MOVER).

    Zou & Donner 2008, Construction of confidence limits about effect measures, Statistics in
    Medicine 27. It covers estimates that are independent, and more than that where both rest on the
    same documents and so vary together.
    """
    n = min(one.n, other.n)
    for estimate in (one, other):
        if estimate.value is None:
            return Estimate(None, n, why_not=estimate.why_not)
    assert one.value is not None
    assert other.value is not None
    value = one.value - other.value
    for estimate in (one, other):
        if estimate.interval is None:
            return Estimate(value, n, why_not=estimate.why_not)
    (low, high), (least, most) = one.interval or (0, 0), other.interval or (0, 0)
    down = float(np.hypot(one.value - low, most - other.value))
    up = float(np.hypot(high - one.value, other.value - least))
    return Estimate(value, n, (value - down, value + up), level=min(one.level, other.level))
