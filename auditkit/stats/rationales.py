"""Agreement of a set or an order of tokens with those that people marked, and what chance gives.

Every value is of one document of n tokens, r of them marked, and stands beside its exact
expectation under keeping as many of the document's tokens at random, or under any order of them
with the same ties. What a chance level is put at otherwise is biased: average precision of random
order lies above r/n, the more so the fewer tokens there are (.35 for 5 of 20), and ties take it
down, so that a score with ties would be set against a level that it cannot reach.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from auditkit.stats.estimates import Estimate, Floats, Kind, mean_change

Ints = NDArray[np.int64]

FEWEST_EXPECTED = 10
"""Marked and unmarked tokens, over all documents, that random keeping must be expected to keep and
to drop: with fewer a t of a handful of hits claims too much."""


class Agreement(NamedTuple):
    """Token F1 and intersection over union of kept and marked tokens, (n,) documents each."""

    f1: Floats
    f1_chance: Floats
    iou: Floats
    iou_chance: Floats


def agreement(total: Ints, kept: Ints, marked: Ints, hits: Ints) -> Agreement:
    """How far kept and marked tokens are the same, and are expected to be by chance.

    2·hits/(k + r) and hits/(k + r − hits). As k + r is fixed, the first is expected where hits are
    k·r/n; the second is summed over the hypergeometric distribution of hits.

    Args:
        total: Tokens of each document (n,), at least 1.
        kept: Those kept (n,).
        marked: Those marked (n,), at least 1.
        hits: Those both (n,).
    """
    both = kept + marked
    return Agreement(
        2 * hits / both,
        2 * (kept * marked / total) / both,
        hits / (both - hits),
        _expected_iou(total, kept, marked),
    )


def _expected_iou(total: Ints, kept: Ints, marked: Ints) -> Floats:
    """E[x/(k + r − x)], x hypergeometric; documents of the same numbers are summed once."""
    if not len(total):
        return np.zeros(0)
    cases, case = np.unique(np.stack([total, kept, marked], axis=1), axis=0, return_inverse=True)
    n, k, r = cases.T.astype(np.float64)
    low, high = np.maximum(0, k + r - n), np.minimum(k, r)
    terms = (high - low + 1).astype(np.int64)  # at least one
    start = np.cumsum(terms) - terms
    n, k, r, low = (np.repeat(of, terms) for of in (n, k, r, low))
    x = low + np.arange(len(n)) - np.repeat(start, terms)
    log = _log_choose(r, x) + _log_choose(n - r, k - x) - _log_choose(n, k)
    expected: Floats = np.add.reduceat(np.exp(log) * x / (k + r - x), start)
    return expected[case.ravel()]


def _log_choose(n: Floats, k: Floats) -> Floats:
    found: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return found


class Ranking(NamedTuple):
    """How early an order of tokens comes to the marked ones, (n,) documents each."""

    precision: Floats
    """Average precision, as scikit-learn has it: Σ (gain in recall) · precision over the distinct
    scores; tokens of one score come at once."""
    chance: Floats
    """Expected of the same ties with any r of the tokens marked."""
    area: Floats
    """Area under the ROC curve, ties counting half; ½ by chance."""


def ranking(tokens: Ints, marked: Ints) -> Ranking:
    """What an order comes to, from the counts of each document by score.

    Args:
        tokens: Tokens by distinct score, the highest first (n, G); a score that a document has no
            token of counts 0.
        marked: Those marked among them (n, G); some of the document's tokens, and not all.
    """
    total, r = tokens.sum(axis=1), marked.sum(axis=1)
    seen, found = tokens.cumsum(axis=1), marked.cumsum(axis=1)
    shown = np.maximum(seen, 1)
    precision = (marked * found / shown).sum(axis=1) / r
    # Of two different tokens both are marked with r(r−1)/(n(n−1)): a token of a score has itself
    # and the others seen by then as company.
    company = 1 + (shown - 1) * ((r - 1) / np.maximum(total - 1, 1))[:, None]
    chance = (tokens / shown * company).sum(axis=1) / total
    above = (marked * ((total - r)[:, None] - (seen - found))).sum(axis=1)  # unmarked ones after it
    tied = (marked * (tokens - marked)).sum(axis=1) / 2
    return Ranking(precision, chance, (above + tied) / (r * (total - r)))


def by_score(score: Floats | Ints, marked: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """One document's tokens by distinct score as `ranking` takes them, (1, G) each.

    Args:
        score: Of each token (n,), the higher the earlier.
        marked: Which are marked (n,).
    """
    _, place = np.unique(-score, return_inverse=True)
    return np.bincount(place)[None, :], np.bincount(place, weights=marked)[None, :].astype(np.int64)


def few_expected(total: Ints, kept: Ints, marked: Ints) -> str:
    """Why documents do not do to compare kept sets with random ones; "" where they do.

    Args:
        total: Tokens of each document (n,).
        kept: Those kept (n,).
        marked: Those marked (n,).
    """
    shares = np.stack([kept, total - kept])[:, None] * np.stack([marked, total - marked])[None]
    least = float((shares / np.maximum(total, 1)).sum(axis=2).min())
    if least >= FEWEST_EXPECTED:
        return ""
    return (
        f"too few tokens ({least:.1f} marked or unmarked ones are expected to be kept or dropped "
        f"at random, and at least {FEWEST_EXPECTED} are needed)"
    )


def above_chance(
    value: Floats,
    chance: Floats,
    *,
    kind: Kind = "mean",
    why_not: str = "",
    level: float = 0.95,
) -> Estimate:
    """Mean over documents of a value less what chance gives, with Student's t and p of 0.

    Args:
        value: Of each document (n,).
        chance: What is expected there (n,).
        kind: `precision` of average precision, which is near its chance level in most documents and
            far above it in few.
        why_not: Why nothing is tested; then there is a value alone.
        level: Coverage aimed at.
    """
    found = mean_change(value - chance, kind=kind, level=level)
    if why_not and found.value is not None:
        return Estimate(found.value, found.n, why_not=found.why_not or why_not)
    return found
