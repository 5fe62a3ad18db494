"""Split-conformal sets of classes: how large they must be to hold the gold class so often.

A document's set holds every class whose score 1 − p is at most the ⌈(m + 1)·level⌉-th smallest
score of the gold classes of m other documents (Vovk, Gammerman & Shafer 2005). Halves of the
documents take turns, so that each is measured once, by the same halves for every model.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.stats.anytime import by_hash
from auditkit.stats.estimates import Estimate, too_few
from auditkit.stats.resampling import Bootstrap, percentile_interval

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

FEWEST = 30
"""Documents in either half."""
STATISTICS = ("coverage", "size", "empty")
"""Share of sets that hold the gold class, mean number of classes, share of sets of none."""


@dataclass(frozen=True, slots=True)
class Sets:
    """What one model's sets come to at one level, and less those of the reference."""

    own: Mapping[str, Estimate]
    """By statistic."""
    change: Mapping[str, Estimate]
    """Of the reference itself nothing but 0."""


def halves(ids: Sequence[str], labels: NDArray[np.int64]) -> Bools:
    """Which documents are of the first half (n,): every other one of its class, by a hash."""
    order, first = by_hash(ids), np.zeros(len(ids), dtype=bool)
    for label in np.unique(labels):
        first[order[labels[order] == label][::2]] = True
    return first


def threshold(scores: Floats, level: float) -> float:
    """The score up to which classes are in a set; infinite where so few scores promise nothing.

    Args:
        scores: 1 − p of the gold class, of documents to calibrate on (m,).
        level: How often a set is to hold the gold class.
    """
    rank = math.ceil((len(scores) + 1) * level - 1e-9)
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank <= len(scores) else math.inf


def conformal(
    probs: Mapping[str, Floats],
    labels: NDArray[np.int64],
    first: Bools,
    level: float,
    bootstrap: Bootstrap,
    groups: Sequence[Bools],
) -> list[dict[str, Sets]]:
    """Sets of every model in each group, and how they differ from those of the first one named.

    All documents are calibrated on, whatever the group. The bootstrap resamples that half, too, so
    that its chance is counted in.

    Args:
        probs: By model, the reference first: probabilities (n, C).
        labels: Gold classes (n,).
        first: The first half (n,).
        level: How often a set is to hold the gold class.
        bootstrap: How documents are resampled, within each half.
        groups: The documents that are measured (n,) each.
    """
    parts = [np.flatnonzero(half) for half in (first, ~first)]
    if min(len(part) for part in parts) < FEWEST:
        none = Estimate(None, len(labels), why_not=f"fewer than {FEWEST} documents in either half")
        unknown = Sets(dict.fromkeys(STATISTICS, none), dict.fromkeys(STATISTICS, none))
        return [dict.fromkeys(probs, unknown) for _ in groups]
    scores = {name: 1.0 - p for name, p in probs.items()}  # (n, C)
    member = np.stack(groups, axis=1).astype(np.float64)  # (n, groups)

    def measured(chosen: Sequence[NDArray[np.int64]]) -> Floats:
        """(models, groups, statistics) of the documents of two halves, with repetitions."""
        sums = np.zeros((len(scores), member.shape[1], len(STATISTICS)))
        for test, other in (chosen, chosen[::-1]):
            whose = member[test].T  # (groups, tested)
            for number, own in enumerate(scores.values()):
                inside = own[test] <= threshold(own[other, labels[other]], level) + 1e-12
                size = inside.sum(axis=1)
                held = inside[np.arange(len(test)), labels[test]]
                sums[number] += whose @ np.column_stack([held, size, size == 0])
        total = sum(member[test].sum(axis=0) for test in chosen)
        return np.asarray(sums / np.maximum(total, 1.0)[:, None])

    observed = measured(parts)
    drawn = np.stack(
        [
            measured([part[bootstrap.rng.integers(0, len(part), len(part))] for part in parts])
            for _ in range(bootstrap.resamples)
        ]
    )  # (resamples, models, groups, statistics)
    return [
        {
            name: Sets(
                _estimates(observed[at, g], drawn[:, at, g], int(who.sum())),
                _estimates(observed[at, g] - observed[0, g], drawn[:, at, g] - drawn[:, 0, g],
                           int(who.sum())),
            )
            for at, name in enumerate(probs)
        }
        for g, who in enumerate(groups)
    ]  # fmt: skip


def _estimates(values: Floats, drawn: Floats, n: int) -> dict[str, Estimate]:
    found = {}
    for at, name in enumerate(STATISTICS):
        if few := too_few("mean", n):
            found[name] = Estimate(float(values[at]), n, why_not=few)
        elif np.ptp(drawn[:, at]) <= 1e-12:
            why_not = "all resamples agree, which leaves no spread to go by"
            found[name] = Estimate(float(values[at]), n, why_not=why_not)
        else:
            found[name] = Estimate(float(values[at]), n, percentile_interval(drawn[:, at]))
    return found
