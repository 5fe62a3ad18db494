"""Whether what became of documents is more frequent in a group than outside of it."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom, norm
from scipy.stats.contingency import odds_ratio

from auditkit.stats.estimates import Estimate
from auditkit.stats.multiplicity import adjusted_together

ALL_OR_NONE = "all documents, or none, are in the group, or are hit"


@dataclass(frozen=True, slots=True)
class Counts:
    """Documents of a group and outside of it that are hit, or not."""

    hit: int
    missed: int
    hit_outside: int
    missed_outside: int

    @classmethod
    def of(cls, hit: NDArray[np.bool_], group: NDArray[np.bool_]) -> "Counts":
        """From which documents are hit, and which are in the group (n,) each."""
        counts = [int((group & hit).sum()), int((group & ~hit).sum()),
                  int((~group & hit).sum()), int((~group & ~hit).sum())]  # fmt: skip
        return cls(*counts)

    @property
    def inside(self) -> int:
        """Documents of the group."""
        return self.hit + self.missed


def enriched(tables: list[Counts]) -> list[Estimate]:
    """Odds ratios, tested and called together."""
    makes = [partial(odds, counts) for counts in tables]
    return adjusted_together([make() for make in makes], makes)


def odds(counts: Counts, *, level: float = 0.95) -> Estimate:
    """The conditional odds ratio with its exact interval (Cornfield 1956), and p of 1.

    Where the ratio is infinite, value and upper bound are those with ½ added to each count. p is
    twice the smaller tail of the hypergeometric distribution, so that it agrees with the interval.

    Args:
        counts: A group and the others.
        level: Coverage aimed at.
    """
    a, b, c, d = counts.hit, counts.missed, counts.hit_outside, counts.missed_outside
    n = a + b + c + d
    if not (a + b and c + d and a + c and b + d):
        return Estimate(None, n, why_not=ALL_OR_NONE)
    found = odds_ratio(np.array([[a, b], [c, d]]), kind="conditional")
    low, high = map(float, found.confidence_interval(level))
    drawn = hypergeom(n, a + c, a + b)
    p = min(1.0, 2 * float(min(drawn.cdf(a), drawn.sf(a - 1))))
    value = float(found.statistic)
    if not np.isfinite(high):
        value, high = _with_halves(counts, level)
    return Estimate(value, n, (low, high), p=p, level=level)


def _with_halves(counts: Counts, level: float) -> tuple[float, float]:
    """The odds ratio and its upper bound with ½ added to each count (Gart 1966).

    For where the exact ones are infinite: nothing outside of the group is hit, or all of the group.
    """
    cells = np.array([counts.hit, counts.missed, counts.hit_outside, counts.missed_outside]) + 0.5
    value = float(cells[0] * cells[3] / (cells[1] * cells[2]))
    reach = float(norm.ppf((1 + level) / 2) * np.sqrt((1 / cells).sum()))
    return value, value * float(np.exp(reach))
