"""Whether a loss of accuracy is acceptable, and how many documents would tell."""

import math
from dataclasses import dataclass
from typing import Literal

from auditkit.stats.paired import Difference, tango_interval

MOST_DOCUMENTS = 10**9
"""Beyond which no number of documents is named."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Non-inferiority of a model to its reference at a margin."""

    outcome: Literal["pass", "fail", "inconclusive"]
    improved: bool
    """The difference is shown to be above 0."""
    documents_needed: int | None
    """How many would decide, with the power asked for: more than these. None where these do, or no
    number would."""
    detectable: float | None
    """Smallest difference in accuracy that these documents would show, with that power; None
    without discordant documents, which do not tell."""


def non_inferiority(
    difference: Difference, margin: float, *, level: float = 0.95, power: float = 0.8
) -> Verdict:
    """PASS where the loss is shown to be below `margin`, FAIL where shown to be above it.

    PASS follows the interval alone; FAIL needs the exact test to agree that there is a loss: with
    four gained and none lost Tango's interval leaves out 0 at any n while the exact p is .125.

    Args:
        difference: Of the model minus its reference.
        margin: δ > 0, the loss of accuracy that is still accepted.
        level: Level of the difference's interval.
        power: 1 - β of `documents_needed` and `detectable`.
    """
    from scipy.stats import norm

    low, high = difference.interval
    outcome: Literal["pass", "fail", "inconclusive"] = "inconclusive"
    if low > -margin:
        outcome = "pass"
    elif high < -margin and difference.sign < 0:
        outcome = "fail"
    needed = None
    if outcome == "inconclusive":
        needed = documents_needed(difference, margin, level=level, power=power)
    z = float(norm.ppf((1 + level) / 2) + norm.ppf(power))
    detectable = z * math.sqrt(difference.discordant / difference.n) or None
    return Verdict(outcome, difference.sign > 0, needed, detectable)


def documents_needed(
    difference: Difference, margin: float, *, level: float = 0.95, power: float = 0.8
) -> int | None:
    """The fewest documents, more than these, with which the same interval would decide.

    At these shares of lost and gained, a sample's difference lies on the wrong side of its
    `power`-quantile in 1 − power of the samples; there Tango's bound must clear the margin. Without
    discordant documents: where the bound at none of them clears it.

    Returns:
        None where the difference is the margin itself, or more than `MOST_DOCUMENTS` would be
        needed.
    """
    from scipy.stats import norm

    delta, share = difference.delta, difference.discordant
    side = 1 if delta > -margin else -1
    if math.isclose(delta, -margin, abs_tol=1e-12):
        return None
    z = float(norm.ppf(power))

    def decides(n: int) -> bool:
        spread = math.sqrt(max(0.0, share - delta**2) / n)
        reached = max(-share, min(share, delta - side * z * spread))
        lost, gained = n * (share - reached) / 2, n * (share + reached) / 2
        low, high = tango_interval(lost, gained, n, level)
        return low > -margin if side > 0 else high < -margin

    few, many = difference.n, 2 * difference.n
    while not decides(many):
        few, many = many, 2 * many
        if many > MOST_DOCUMENTS:
            return None
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if decides(middle) else (middle, many)
    return many
