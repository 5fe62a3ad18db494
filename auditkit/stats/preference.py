"""Whether a pruner prefers the words of a category: what is tested, and from how many words on.

Each function gives an estimate at a level, with p and interval from one statistic.
"""

from collections.abc import Callable

import numpy as np

from auditkit.stats.cells import Floats
from auditkit.stats.document_sums import Moments
from auditkit.stats.estimates import Estimate, too_few
from auditkit.stats.rates import SHARE, Sums, against_expected, linearised

FEWEST_EXPECTED = 10
"""Words that must be expected to stay, and to go, for an interval and for Student's t."""

_DRAWS = 10_000


def concordance(sums: Sums, choice: float, *, level: float = 0.95) -> Estimate:
    """The share of the other words of its stratum that a word of the category outlives.

    Args:
        sums: Of the concordance.
        choice: Words expected to stay or to go, whichever are fewer, after the layer where these
            are most.
        level: Coverage aimed at.
    """
    if choice < FEWEST_EXPECTED:
        found = linearised(sums)
        return Estimate(found.value, found.n, why_not=found.why_not or _rare(choice))
    return linearised(sums, kind="lift", level=level, bounds=SHARE, null=0.5)


def over_expected(sums: Sums, words: float, *, level: float = 0.95) -> Estimate:
    """Words alive over those expected, of `words` words that could be either."""
    found = against_expected(sums, level=level)
    choice = min(sums.bottom, words - sums.bottom)
    if found.value is None or choice >= FEWEST_EXPECTED:
        return found
    return Estimate(found.value, found.n, why_not=_rare(choice))


def lift(
    sums: Sums, words: float, extremes: Callable[[], tuple[float, float]], *, level: float = 0.95
) -> Estimate:
    """Words alive over those that random keeping of as many pieces per document would keep.

    Where none or all of them are alive, p is that of this null model, or above it (`log_chances`);
    then there is no interval.

    Args:
        sums: K and E of the category after one layer.
        words: Its words.
        extremes: Log probability that none and that all stay; asked for where that has happened.
        level: Coverage aimed at.
    """
    found = over_expected(sums, words, level=level)
    return _certain(found, sums, words, extremes, "p is at most this") or found


def matched_lift(
    sums: Sums,
    words: float,
    extremes: tuple[float, float],
    exact: Callable[[], float] | None = None,
    *,
    level: float = 0.95,
) -> Estimate:
    """Words alive over those expected among words of as many pieces in the document.

    Where none or all of them are alive, and with too few documents for t, p is that of the exact
    null model, under which words of a stratum leave independently; then there is no interval.

    Args:
        sums: x and E of the category after one layer.
        words: Its comparable words.
        extremes: Log probability, given what each stratum keeps, that none and that all are alive.
        exact: Two-sided mid-p of the null model.
        level: Coverage aimed at.
    """
    found = over_expected(sums, words, level=level)
    if certain := _certain(found, sums, words, lambda: extremes, "p is exact"):
        return certain
    few = too_few("lift", sums.documents)
    if few and exact and found.value is not None:
        return Estimate(found.value, found.n, why_not=f"{few}; p is exact", p=exact())
    return found


def odds_ratio(sums: Sums, *, level: float = 0.95) -> Estimate:
    """The Mantel–Haenszel odds ratio from sums of documents."""
    if sums.bottom <= 0:
        reason = "no stratum holds both dropped and kept words to compare"
        return Estimate(None, sums.documents, why_not=reason)
    return against_expected(sums, kind="odds_ratio", level=level)


def layer_signs(
    matched: Moments, category: int, words: float, rng: np.random.Generator
) -> tuple[int, ...]:
    """Layers after which the matched lift is above 1 (+1) or below (−1), all of them at 95 %.

    Simultaneous over the layers: the largest of the studentised sums, whose correlation over layers
    is that of the documents. Nothing is drawn unless both signs are there to be told.

    Args:
        matched: x and E of all categories after layers 1..L.
        category: Index.
        words: Its comparable words.
        rng: Of the draws.
    """
    n = int(matched.documents[category])
    expected: Floats = matched.bottom[category]
    enough = np.minimum(expected, words - expected) >= FEWEST_EXPECTED
    covariance: Floats = matched.cross[category] * n / max(n - 1, 1)
    deviation = np.sqrt(covariance.diagonal())
    told = enough & (deviation > 0)
    t = np.zeros(len(told))
    np.divide(matched.top[category] - expected, deviation, out=t, where=told)
    if too_few("lift", n) or not (t > 0).any() or not (t < 0).any():
        return (0,) * len(told)
    inside = np.ix_(told, told)
    correlation = covariance[inside] / np.outer(deviation[told], deviation[told])
    drawn = rng.multivariate_normal(np.zeros(told.sum()), correlation, _DRAWS, method="eigh")
    drawn /= np.sqrt(rng.chisquare(n - 1, (_DRAWS, 1)) / (n - 1))
    cut = np.quantile(np.abs(drawn).max(axis=1), 0.95)
    return tuple(int(s) for s in np.where(np.abs(t) > cut, np.sign(t), 0))


def _certain(
    found: Estimate,
    sums: Sums,
    words: float,
    extremes: Callable[[], tuple[float, float]],
    of_p: str,
) -> Estimate | None:
    """The estimate where none or all of the words are alive: p without a spread to go by."""
    if found.value is None or sums.top not in (0.0, words):
        return None
    which = "none" if sums.top == 0 else "all"
    p = float(np.exp(extremes()[sums.top > 0]))  # twice the mid-p of the end of the distribution
    reason = f"{which} of {words:,.0f} words are alive, which leaves no spread; {of_p}"
    return Estimate(found.value, found.n, why_not=reason, p=min(1.0, p))


def _rare(choice: float) -> str:
    return (
        f"too few words ({max(choice, 0.0):.1f} are expected to stay or to go, and at least "
        f"{FEWEST_EXPECTED} are needed)"
    )
