"""What a change costs a group beyond what it costs everyone, and the intervals that hold at once.

Of a rate that is taken over some documents, such as the share of wrong answers: how much more it
rises in a group than over all (the excess gap of Hashemizadeh et al. 2024). The largest of many
such numbers is large by chance, so their intervals hold simultaneously.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.stats.estimates import Estimate, too_few
from auditkit.stats.paired import tango_interval
from auditkit.stats.resampling import Bootstrap

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

EVERYONE = "all documents that it is taken over are in the group"
_CHUNK = 2**21  # counts of one chunk of resamples


@dataclass(frozen=True, slots=True, eq=False)
class Harm:
    """A rate before and after a change, over documents and in a group of them."""

    change: NDArray[np.int64]
    """(n,) 1 where the change made an error, −1 where it mended one, 0 where it did neither."""
    over: Bools
    """(n,) the documents that the rate is taken over."""
    group: Bools
    """(n,) the group."""

    @property
    def inside(self) -> Bools:
        """Documents of the group that the rate is taken over (n,)."""
        return self.over & self.group


@dataclass(frozen=True, slots=True)
class Gap:
    """What the change did to a group."""

    documents: int
    made: int
    mended: int
    change: Estimate
    """Rise of the group's own rate; Tango's interval, alone."""
    excess: Estimate
    """Less the rise over all documents; its interval holds with those of all others at once."""
    beyond_rest: Estimate
    """Less the rise over the documents outside of the group, which a large group does not hide."""


def excess_gaps(asked: Sequence[Harm], bootstrap: Bootstrap, alpha: float = 0.05) -> list[Gap]:
    """Gaps of all groups, with intervals that all hold at once with probability 1 − α.

    A bootstrap over documents of the largest studentised gap; where any group has under ten
    documents that the change turned, all gaps are of two independent paired differences instead:
    (1 − w)·(D_g − D_rest), w the share of documents in the group, from Tango's intervals of the two
    at level 1 − α/G (MOVER, Newcombe 1998).

    Args:
        asked: Each with a document in its group; the documents are those of all others.
        bootstrap: How documents are resampled.
        alpha: Over all of them.
    """
    told = [_Counts.of(harm) for harm in asked]
    apart = [one for one in told if one.rest]
    if all(not too_few("discordant", one.made + one.mended) for one in apart):
        reach = _reach(asked, bootstrap, alpha) if apart else 0.0
        if np.isfinite(reach):  # else a group had no spread in too many resamples
            return [_studentised(one, reach, alpha) for one in told]
    return [_mover(one, alpha / max(1, len(apart)), alpha) for one in told]


def needed(gap: Gap, groups: int, margin: float, alpha: float = 0.05) -> int | None:
    """Documents in a group with as many turned ones, and no excess, that rule out `margin`.

    None where the change turned no document: then no share of them is known.
    """
    from scipy.stats import norm

    turned = (gap.made + gap.mended) / gap.documents
    if not turned:
        return None
    z = float(norm.ppf(1 - alpha / (2 * max(1, groups))))
    return int(np.ceil(turned * (z / margin) ** 2))


@dataclass(frozen=True, slots=True)
class _Counts:
    documents: int
    made: int
    mended: int
    rest: int
    """Documents outside of the group."""
    made_outside: int
    mended_outside: int

    @classmethod
    def of(cls, harm: Harm) -> "_Counts":
        inside, outside = harm.inside, harm.over & ~harm.group
        counts = [int((harm.change[who] == side).sum()) for who in (inside, outside)
                  for side in (1, -1)]  # fmt: skip
        return cls(int(inside.sum()), counts[0], counts[1], int(outside.sum()), *counts[2:])

    @property
    def own(self) -> float:
        return (self.made - self.mended) / self.documents

    @property
    def outside(self) -> float:
        return (self.made_outside - self.mended_outside) / self.rest

    @property
    def share_outside(self) -> float:
        return self.rest / (self.rest + self.documents)

    def gap(self, excess: Estimate, beyond: Estimate) -> Gap:
        bounds = tango_interval(self.mended, self.made, self.documents)
        own = Estimate(self.own, self.documents, bounds)
        if few := too_few("difference", self.documents):
            own = Estimate(self.own, self.documents, why_not=few)
        return Gap(self.documents, self.made, self.mended, own, excess, beyond)

    def alone(self) -> Gap:
        """Of a group that all documents are in."""
        none = Estimate(None, self.documents, why_not=EVERYONE)
        return self.gap(none, none)


def _beyond(one: _Counts, level: float, said: float) -> Estimate:
    """D_g − D_rest by MOVER from Tango's intervals at `level`, told as of level `said`."""
    low, high = tango_interval(one.mended, one.made, one.documents, level)
    under, over = tango_interval(one.mended_outside, one.made_outside, one.rest, level)
    value = one.own - one.outside
    down = float(np.hypot(one.own - low, over - one.outside))
    up = float(np.hypot(high - one.own, one.outside - under))
    return Estimate(value, one.documents, (value - down, value + up), level=said)


def _mover(one: _Counts, each: float, alpha: float) -> Gap:
    if not one.rest:
        return one.alone()
    beyond = _beyond(one, 1 - each, 1 - alpha)
    return one.gap(beyond.scaled(one.share_outside), beyond)


def _studentised(one: _Counts, reach: float, alpha: float) -> Gap:
    if not one.rest:
        return one.alone()
    sums = np.array([[one.documents, one.made - one.mended, one.made + one.mended,
                      one.documents + one.rest,
                      one.made - one.mended + one.made_outside - one.mended_outside,
                      one.made + one.mended + one.made_outside + one.mended_outside]])  # fmt: skip
    value, error = (float(part[0]) for part in _excess(sums.astype(np.float64)))
    bounds = (value - reach * error, value + reach * error)
    excess = Estimate(value, one.documents, bounds, level=1 - alpha)
    return one.gap(excess, excess.scaled(1 / one.share_outside))


def _reach(asked: Sequence[Harm], bootstrap: Bootstrap, alpha: float) -> float:
    """What the largest |gap* − gap| / error* of a resample stays below with probability 1 − α."""
    groups = [harm for harm in asked if (harm.over & ~harm.group).any()]
    columns = np.stack(
        [part for h in groups for part in
         (h.inside, h.inside * h.change, h.inside * np.abs(h.change),
          h.over, h.over * h.change, h.over * np.abs(h.change))],
        axis=1,
    ).astype(np.int8)  # fmt: skip
    kinds, counts = np.unique(columns, axis=0, return_counts=True)  # documents that are alike
    values, n = kinds.astype(np.float64), int(counts.sum())
    shape = (-1, len(groups), 6)
    observed, _ = _excess((counts @ values).reshape(shape))
    largest, rows = [], max(1, min(256, _CHUNK // len(counts)))
    for start in range(0, bootstrap.resamples, rows):
        size = min(rows, bootstrap.resamples - start)
        drawn = bootstrap.rng.multinomial(n, counts / n, size=size)
        gaps, errors = _excess((drawn @ values).reshape(shape))
        away = np.abs(gaps - observed)
        with np.errstate(divide="ignore", invalid="ignore"):
            largest.append(np.where(away > 0, away / errors, 0.0).max(axis=1))
    return float(np.quantile(np.concatenate(largest), 1 - alpha, method="higher"))


def _excess(sums: Floats) -> tuple[Floats, Floats]:
    """Excess gap and its standard error from sums (…, 6) over documents.

    Documents, changes and turned ones of the group, then of all. A document adds
    1[in g]·(x − D_g)/n_g − (x − D)/n.
    """
    size, change, turned, n, whole, all_turned = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        own, every = change / size, whole / n
        spread, spread_all = turned - size * own**2, all_turned - n * every**2
        variance = spread * (1 / size**2 - 2 / (size * n)) + spread_all / n**2
        return own - every, np.sqrt(np.maximum(variance, 0.0))
