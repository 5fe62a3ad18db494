"""What came of a training: stage by stage, and of its budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.ltp.training.budget import TOLERANCE


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage left, measured on the held-out documents."""

    stage: str
    steps: int
    documents: int
    """Training documents seen, repetitions counted."""
    seconds: float
    accuracy: float
    macs_share: float
    keep_rates: tuple[float, ...]
    thresholds: tuple[float, ...]
    lam: float | None = None
    offset: float | None = None
    """Added to all thresholds after the stage, to meet the target."""
    held_out: int = 0
    """Documents that accuracy and MACs rest on."""
    given: str = ""
    """The checkpoint that was taken instead of training one."""

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Stage":
        """A stage as JSON holds it."""
        lists = {k: tuple(v) for k, v in raw.items() if isinstance(v, list)}
        return cls(**{**raw, **lists})


@dataclass(frozen=True, slots=True)
class Budget:
    """What a training to a target came to, on the held-out documents."""

    target: float
    """Share of the baseline's MACs that was asked for."""
    reached: float
    met: bool
    """Within `TOLERANCE` of each other."""
    accuracy: float
    baseline_accuracy: float
    held_out: int
    """Documents."""
    seconds: float
    """Of the soft and the hard stage."""

    @classmethod
    def of(cls, target: float, stages: Sequence[Stage]) -> "Budget":
        """The account of a finished training."""
        by_name = {stage.stage: stage for stage in stages}
        soft, hard = by_name["soft"], by_name["hard"]
        return cls(
            target=target,
            reached=hard.macs_share,
            met=abs(hard.macs_share - target) <= TOLERANCE,
            accuracy=hard.accuracy,
            baseline_accuracy=by_name["baseline"].accuracy,
            held_out=hard.held_out,
            seconds=soft.seconds + hard.seconds,
        )
