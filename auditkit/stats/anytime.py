"""Is a loss of accuracy acceptable, asked again and again while documents come in?

An interval that is looked at every night errs more often than its level says. Betting does not:
wealth that starts at 1 and is staked on every document, in a game that is fair or worse if the loss
is just the margin, reaches 2/α in at most α/2 of all endless games (Ville 1939). One may look after
every document and stop (Waudby-Smith & Ramdas 2024, Journal of the Royal Statistical Society B 86).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auditkit.errors import ProbeError
from auditkit.text import sha256

STAKES = (0.02, 0.05, 0.1, 0.25, 0.5)
"""λ, fixed beforehand: the wealth of a side is the mean of what each has come to."""

_NOTHING = (0.0,) * len(STAKES)


@dataclass(frozen=True, slots=True)
class Bets:
    """What the stakes have come to so far; `after` goes on with more documents.

    With x = +1 for a document gained, -1 for one lost and 0 otherwise, δ the margin:

        to pass:  Π (1 + λ·(x + δ)),  fair or worse where the mean of x is -δ or less
        to fail:  Π (1 - λ·(x + δ)),  fair or worse where it is -δ or more

    Raises:
        ProbeError: A margin that is not in -1..1, where a stake could be more than the wealth.
    """

    margin: float
    """δ, the loss of accuracy that is still accepted, as a share."""
    passing: tuple[float, ...] = _NOTHING
    """Logarithm of what each of `STAKES` has come to, on the side of passing."""
    failing: tuple[float, ...] = _NOTHING
    outcome: Literal["pass", "fail", "inconclusive"] = "inconclusive"
    """Decided once and for all by the side that reaches 2/α first."""

    def __post_init__(self) -> None:
        if not -1 < self.margin < 1:
            raise ProbeError(f"margin {self.margin}: expected a share between -1 and 1")

    def after(self, change: NDArray[np.integer], *, alpha: float = 0.05) -> "Bets":
        """These bets after more documents; those after the one that decides are not bet on.

        Args:
            change: Right under the model less right under the reference (n,), in -1, 0, 1, in an
                order that does not follow from the answers (`by_hash`).
            alpha: Share of endless games in which either side may err.
        """
        if self.outcome != "inconclusive" or len(change) == 0:
            return self
        over = np.outer(change + self.margin, STAKES)  # (n, stakes)
        passing = np.asarray(self.passing) + np.cumsum(np.log1p(over), axis=0)
        failing = np.asarray(self.failing) + np.cumsum(np.log1p(-over), axis=0)
        passed, failed = (wealth(side) >= 2 / alpha for side in (passing, failing))
        stopped = passed | failed  # never both: a document moves the sides apart
        end = int(np.argmax(stopped)) if stopped.any() else len(change) - 1
        return replace(
            self,
            passing=tuple(passing[end].tolist()),
            failing=tuple(failing[end].tolist()),
            outcome="pass" if passed[end] else "fail" if failed[end] else "inconclusive",
        )


def wealth(logarithms: ArrayLike) -> NDArray[np.float64]:
    """Mean over the stakes of what each has come to: (…, stakes) → (…)."""
    total: NDArray[np.float64] = np.logaddexp.reduce(np.asarray(logarithms), axis=-1)
    return np.exp(total - math.log(len(STAKES)))


def by_hash(ids: Sequence[str]) -> NDArray[np.int64]:
    """Places of the documents (n,) in the order of the SHA-256 of their ids.

    It is the same whoever asks and knows nothing of answers, as the bets need it.
    """
    hashes = list(map(sha256, ids))
    return np.array(sorted(range(len(hashes)), key=hashes.__getitem__), dtype=np.int64)
