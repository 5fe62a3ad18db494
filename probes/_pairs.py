"""Two arms on the same documents: which answers differ, and how."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import NO_LABEL, About
from auditkit.plugin import arm as known
from auditkit.probes._arms import ARITHMETIC, Answered, on_same

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

LOST, WON, OTHERWISE, AGREED = KINDS = (
    "right to wrong", "wrong to right", "wrong to otherwise wrong", "the same answer",
)  # fmt: skip
CHANGED = "another answer"
"""Of any of these kinds but the last."""
NO_GOLD = "the data have no labels"


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two arms on the same documents."""

    arm: str
    against: str
    now: Answered
    before: Answered

    @property
    def at(self) -> dict[str, str]:
        """Where its numbers stand in an address."""
        return {"arm": self.arm, "against": self.against}

    @property
    def title(self) -> str:
        """As tables name it."""
        return f"{self.arm} − {self.against}"

    @property
    def flipped(self) -> Bools:
        """Documents whose prediction is another (n,)."""
        return np.asarray(self.now.predicted[:, 0] != self.before.predicted[:, 0])

    @property
    def labelled(self) -> bool:
        """Whether it is known which answers are right."""
        return bool((self.now.labels != NO_LABEL).all())

    @property
    def worse(self) -> str:
        """The kind of answer that a reader fears: without labels every one that changed."""
        return LOST if self.labelled else CHANGED

    @property
    def kinds(self) -> Mapping[str, Bools]:
        """By kind: which documents (n,); without labels only whether the answer changed."""
        if not self.labelled:
            return {CHANGED: self.flipped, AGREED: ~self.flipped}
        now, before, flipped = self.now.right[:, 0], self.before.right[:, 0], self.flipped
        parts = (before & ~now, ~before & now, ~before & ~now & flipped, ~flipped)
        return dict(zip(KINDS, parts, strict=True))

    @property
    def gold_change(self) -> Floats:
        """Change of the probability of the gold class (n,); what rounding changes is none.

        Without labels: of what the first arm predicts.
        """
        rows = np.arange(len(self.now.labels))
        gold = self.now.labels if self.labelled else self.before.predicted[:, 0]
        change = self.now.probs[rows, 0, gold] - self.before.probs[rows, 0, gold]
        return np.where(np.abs(change) < ARITHMETIC, 0.0, change)


def pair(arms: Mapping[str, Answered], arm: str, against: str) -> Pair:
    """The two arms on the documents on which both were run."""
    return Pair(arm, against, *on_same(arms[arm], arms[against]))


def compared(about: About) -> tuple[str, str]:
    """The arm under audit, and the one that it is compared with."""
    (audited,), (reference, *_) = about.in_role("audited"), about.in_role("reference")
    return audited, reference


def cause_of(audited: str) -> str:
    """What is done to the model whose arm under audit this is, in words."""
    return "the change" if known(audited).pruning == "off" else "pruning"


def called_model(about: About) -> str:
    """What sentences call the model under audit."""
    return "the pruned model" if about.depths_of else "the model"
