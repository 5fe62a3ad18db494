"""Rates of words as ratios of document sums, and their lift over chance.

Documents are the unit everywhere: words of one document share its fate, so intervals that treat
words as independent cover 45 % where these cover 95 %.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.stats import student
from auditkit.stats.estimates import NO_SPREAD, Estimate, Kind, too_few

Floats = NDArray[np.float64]

SHARE = (0.0, 1.0)
NONE_EXPECTED = "random keeping would keep none either"

UNBOUNDED = "documents differ too much in what is expected of them to bound it"

_ROUNDING = 1e-12  # of a sum of squares, relative to what it is the difference of


@dataclass(frozen=True, slots=True)
class Sums:
    """What a ratio of document sums ΣK_d/ΣN_d and its errors follow from."""

    top: float
    """ΣK_d."""
    bottom: float
    """ΣN_d."""
    kk: float
    """Σ(K_d − K̄)², as the two below over the documents that count."""
    kn: float
    """Σ(K_d − K̄)(N_d − N̄)."""
    nn: float
    """Σ(N_d − N̄)²."""
    fourth: float
    """Σ(K_d − R·N_d)⁴, R = ΣK_d/ΣN_d."""
    documents: int
    """n_c, the documents that count."""

    def squares(self, ratio: float) -> float:
        """Σ((K_d − K̄) − ratio·(N_d − N̄))²; exactly 0 where all documents agree on `ratio`."""
        size = self.kk + ratio**2 * self.nn
        found = size - 2 * ratio * self.kn
        return found if found > _ROUNDING * size else 0.0


def ratio_of_sums(
    numerator: Floats,
    denominator: Floats,
    *,
    level: float = 0.95,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """R = ΣK_d/ΣN_d with the linearised standard error over the documents that have N_d > 0.

    SE(R) = √(n_c/(n_c−1)·Σ(K_d − R·N_d)²)/ΣN_d, Student's t with the degrees of freedom that these
    residuals leave (`student.degrees`), n_c the number of documents with N_d > 0 (Cochran 1977,
    chapter 6, without the population term).

    Args:
        numerator: K_d (documents,).
        denominator: N_d (documents,), at least 0.
        level: Coverage aimed at.
        bounds: Values that R can take; the interval is cut off there.
    """
    has = denominator > 0
    k, n = numerator[has], denominator[has]
    if few := too_few("rate", k.size):
        return Estimate(None, k.size, why_not=few)
    return linearised(sums_of(k, n), level=level, bounds=bounds)


def sums_of(k: Floats, n: Floats) -> Sums:
    """Of K_d and N_d (n_c,) of the documents that count."""
    top, bottom = float(k.sum()), float(n.sum())
    dk, dn = k - k.mean(), n - n.mean()
    squares = np.square(k - top / bottom * n) if bottom else np.zeros(1)
    return Sums(
        top,
        bottom,
        float(dk @ dk),
        float(dk @ dn),
        float(dn @ dn),
        float(squares @ squares),
        k.size,
    )


def linearised(
    sums: Sums,
    *,
    kind: Kind = "rate",
    level: float = 0.95,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    null: float | None = None,
) -> Estimate:
    """As `ratio_of_sums`, from the sums that it rests on.

    Args:
        sums: Of the documents that count.
        kind: Of the estimate: says how many documents its interval takes.
        level: Coverage aimed at.
        bounds: Values that R can take; a share has its interval on the scale of the logit, which
            covers where nearly all or nearly none are counted.
        null: R under the hypothesis that p is of; None: there is no p.
    """
    found, n = _value(sums, kind), sums.documents
    if found.value is None or found.why_not:
        return found
    rate = found.value
    squares = sums.squares(rate)
    if squares == 0:
        return Estimate(rate, n, why_not=NO_SPREAD)
    error = float(np.sqrt(n / (n - 1) * squares)) / sums.bottom
    df = student.degrees(squares, sums.fourth, n)
    half = student.quantile(level, df) * error
    low, high = np.clip([rate - half, rate + half], *bounds)
    if bounds == SHARE and 0 < rate < 1 and null is None:
        low, high = on_logit(rate, half)
    p = None if null is None else student.two_sided((rate - null) / error, df)
    return Estimate(rate, n, (float(low), float(high)), p=p, level=level)


def against_expected(sums: Sums, *, kind: Kind = "lift", level: float = 0.95) -> Estimate:
    """ΣK_d/ΣE_d, with interval and p of 1 from one statistic: t on the sums of a document.

    T(μ) = Σ(K_d − μE_d)/√(n_c/(n_c−1)·Σ((K_d − μE_d) − mean)²) with n_c − 1 degrees of freedom. p
    is that of μ = 1; the interval holds every μ that T does not reject (Fieller 1954), so that the
    two cannot contradict each other.

    Args:
        sums: K is what was observed, N what was expected.
        kind: Of the estimate.
        level: Coverage aimed at.
    """
    found, n = _value(sums, kind), sums.documents
    if found.value is None or found.why_not:
        return found
    value = found.value
    squares = sums.squares(1.0)
    if squares == 0:
        return Estimate(value, n, why_not=NO_SPREAD)
    scale = n / (n - 1)
    statistic = (sums.top - sums.bottom) / np.sqrt(scale * squares)
    p = student.two_sided(statistic, n - 1)
    cut = scale * student.quantile(level, n - 1) ** 2
    a = sums.bottom**2 - cut * sums.nn
    b = sums.top * sums.bottom - cut * sums.kn
    c = sums.top**2 - cut * sums.kk
    if a <= 0:
        return Estimate(value, n, why_not=UNBOUNDED, p=p)
    half = float(np.sqrt(max(0.0, b**2 - a * c)))
    return Estimate(value, n, (max(0.0, (b - half) / a), (b + half) / a), p=p, level=level)


def _value(sums: Sums, kind: Kind) -> Estimate:
    """ΣK_d/ΣN_d without an interval; `why_not` says why there can be none, or no value."""
    n = sums.documents
    if few := too_few("rate", n):
        return Estimate(None, n, why_not=few)
    if sums.bottom <= 0:
        return Estimate(None, n, why_not=NONE_EXPECTED)
    return Estimate(sums.top / sums.bottom, n, why_not=too_few(kind, n))


def on_logit(share: float, half: float) -> tuple[float, float]:
    """The interval of a share from half the width of the plain one, on the scale of the logit.

    Args:
        share: Above 0 and below 1.
        half: A quantile times the share's standard error.
    """
    middle, reach = np.log(share / (1 - share)), half / (share * (1 - share))
    low, high = 1 / (1 + np.exp(-np.array([middle - reach, middle + reach])))
    return float(low), float(high)


def ratio_difference(
    one: tuple[Floats, Floats], other: tuple[Floats, Floats], *, level: float = 0.95
) -> Estimate:
    """ΣK/ΣN of `one` minus that of `other`, linearised over documents, Student's t and its p of 0.

    Where either side has no spread of its own there is no interval: that a few documents agree
    does not make their rate a certain one.

    Args:
        one: K_d and N_d (n,) each.
        other: K_d and N_d (n,) of the same documents, in the same order.
        level: Coverage aimed at.
    """
    documents = min(int((n > 0).sum()) for _, n in (one, other))
    if few := too_few("rate", documents):
        return Estimate(None, documents, why_not=few)
    rates = [float(k.sum() / n.sum()) for k, n in (one, other)]
    value = rates[0] - rates[1]
    if few := too_few("difference", documents):
        return Estimate(value, documents, why_not=few)
    parts = [(k - rate * n) / n.sum() for (k, n), rate in zip((one, other), rates, strict=True)]
    if min(float(np.abs(part).max()) for part in parts) <= _ROUNDING:
        return Estimate(value, documents, why_not=NO_SPREAD)
    difference = parts[0] - parts[1]
    n = int(((one[1] > 0) | (other[1] > 0)).sum())
    error = float(np.sqrt(n / (n - 1) * (difference**2).sum()))
    half = student.quantile(level, documents - 1) * error
    p = student.two_sided(value / error, documents - 1)
    return Estimate(value, documents, (value - half, value + half), p=p, level=level)
