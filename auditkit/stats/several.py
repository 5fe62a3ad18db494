"""One decision over several data sets: all documents together, and the largest loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from auditkit.stats.multiplicity import ALPHA
from auditkit.stats.paired import Difference, counted_difference


@dataclass(frozen=True, slots=True)
class LargestLoss:
    """The data set that loses most, with bounds that hold for all data sets at once."""

    which: int
    """Of the data sets, in the order given."""
    delta: float
    """Its difference; biased downward, since it is the smallest of several."""
    interval: tuple[float, float]
    """Of the smallest true difference, wherever that is."""
    outcome: Literal["pass", "fail", "inconclusive"]


def pooled_difference(alone: Sequence[Difference]) -> Difference:
    """The difference over the documents of all data sets, each weighing alike.

    Lost and gained documents are added up, and the interval is Tango's, as of one sample. Were the
    data sets to differ, their own spread is counted in, so that it covers what it says and more:
    the documents of each are fixed in number. Both p hold where the data sets differ.

    Args:
        alone: Of each data set, of one answer a document.
    """
    lost, gained = (int(sum(getattr(one, side) for one in alone)) for side in ("lost", "gained"))
    return counted_difference(lost, gained, sum(one.n for one in alone))


def largest_loss(alone: Sequence[Difference], margin: float) -> LargestLoss:
    """Whether no data set loses more than `margin`, at level 1 − α/k each (Bonferroni).

    All bounds then hold at once, so that the smallest true difference lies between the smallest
    lower and the smallest upper bound. PASS where every lower bound is above −margin; FAIL where an
    upper bound is below it and the exact test at α/k agrees that there is a loss.

    Args:
        alone: Of each data set, of one answer a document.
        margin: δ > 0, the loss of accuracy that is still accepted.
    """
    alpha = ALPHA / len(alone)
    at_once = [
        counted_difference(int(one.lost), int(one.gained), one.n, level=1 - alpha) for one in alone
    ]
    low, high = (min(one.interval[side] for one in at_once) for side in (0, 1))
    lost = any(one.interval[1] < -margin and one.p_exact < alpha for one in at_once)
    which = min(range(len(alone)), key=lambda i: alone[i].delta)
    outcome: Literal["pass", "fail", "inconclusive"] = (
        "pass" if low > -margin else "fail" if lost else "inconclusive"
    )
    return LargestLoss(which, alone[which].delta, (low, high), outcome)
