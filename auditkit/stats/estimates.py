"""An estimate with its interval: from how many documents, by which rules, and the commonest kinds.

`FEWEST` is the one place that says how many documents an estimate takes, `resampled` the one that
makes a bootstrap interval; `document_mean` and `document_share` are the commonest estimates.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auditkit.stats.resampling import Bootstrap, percentile_interval

Floats = NDArray[np.float64]

Kind = Literal[
    "rate", "mean", "macs_ratio", "keep_rate", "f1", "lift", "odds_ratio", "difference", "ece",
    "discordant",
]  # fmt: skip

FEWEST: Mapping[Kind, int] = {
    "rate": 5,  # linearised ratios, and whatever is told of a category or a term
    "ece": 15,  # one a bin
    "mean": 20,
    "macs_ratio": 20,
    "keep_rate": 20,
    "f1": 20,
    "lift": 30,  # the bootstrap of a category covers 90 % at 5, 93 % at 10
    "odds_ratio": 30,
    "difference": 30,  # of two ratios
    "discordant": 10,  # with fewer the paired bootstrap fails: at none it gives [0, 0]
}
"""Documents below which a kind of estimate, or its interval, is not given: it would cover too
seldom. For ratios and categories those documents count that hold any of what is below the line or
in the category; for `discordant` those on which two models differ in being right."""

_DEFINED: Mapping[Kind, float] = {"f1": 0.95, "odds_ratio": 1.0}
"""Share of the resamples in which the statistic must be defined. Where nothing is said one does: a
resample without the category says nothing about it."""

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


def resampled(value: float, documents: int, samples: Floats, kind: Kind) -> Estimate:
    """A value with the percentile interval of its resamples, or the reason why it has none.

    Args:
        value: The statistic of the documents as they are.
        documents: How many it rests on.
        samples: The statistic in each resample (resamples,), not finite where it is undefined;
            not looked at with too few documents.
        kind: Of the estimate.
    """
    if few := too_few(kind, documents):
        return Estimate(value, documents, why_not=few)
    known = samples[np.isfinite(samples)]
    if known.size == 0 or known.size < _DEFINED.get(kind, 0.0) * samples.size:
        missing = samples.size - known.size
        reason = f"there is nothing to compute it from in {missing} of {samples.size} resamples"
        return Estimate(value, documents, why_not=reason)
    if np.ptp(known) <= _TOLERANCE * np.abs(known).max():
        return Estimate(value, documents, why_not=NO_SPREAD)
    return Estimate(value, documents, percentile_interval(known))


def bootstrap_estimate(
    values: Floats,
    statistic: Callable[[Floats], Floats],
    bootstrap: Bootstrap,
    kind: Kind,
    documents: int | None = None,
) -> Estimate:
    """A statistic of document sums with the interval of the document bootstrap.

    Args:
        values: Per-document sums (n, k), n at least 1.
        statistic: From column sums (m, k) to values (m,), not finite where there is none.
        bootstrap: How to resample; nothing is drawn with too few documents.
        kind: Of the estimate.
        documents: How many count as those that it rests on, if not all n.
    """
    rests_on = len(values) if documents is None else documents
    value = float(statistic(values.sum(axis=0, keepdims=True))[0])
    samples = np.empty(0)
    if not too_few(kind, rests_on):
        samples = statistic(bootstrap.sums(values))
    return resampled(value, rests_on, samples, kind)


def document_mean(values: Floats, bootstrap: Bootstrap) -> Estimate:
    """Mean over documents with the percentile interval of the document bootstrap.

    Args:
        values: One finite value a document (n,).
        bootstrap: How to resample.
    """
    n = len(values)
    if n == 0:
        return Estimate(None, 0, why_not="no documents")
    if not too_few("mean", n) and float(np.ptp(values)) == 0.0:  # nothing to draw for
        return Estimate(float(values.mean()), n, why_not=NO_SPREAD)
    return bootstrap_estimate(values[:, None], lambda sums: sums[:, 0] / n, bootstrap, "mean")


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
