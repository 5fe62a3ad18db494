"""What a training depends on apart from its data, and what its record says of that."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, get_type_hints

from pydantic import Field

from auditkit.errors import SettingsError
from auditkit.ltp.checkpoints import fingerprint
from auditkit.ltp.training.documents import Labelled, documents_sha256
from auditkit.ltp.training.given import short_name
from auditkit.ranges import MOST, Name, Natural, Positive, Share, check
from auditkit.text import shown

Epochs = Annotated[float, Field(strict=True, gt=0, le=1000)]
Rate = Annotated[float, Field(strict=True, gt=0, le=1)]

STAGES = ("baseline", "soft", "hard")
CONTINUED = "continued"
RESEEDED = "reseeded"

FROM_BACKBONE = ("baseline", RESEEDED)
"""Stages that fine-tune the encoder itself; the others go on from what a stage left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """What a training depends on, apart from its data."""

    backbone: Name | None = None
    """Pretrained encoder that the baseline is made from."""
    baseline: Name | None = None
    """A baseline that is there already, instead: a stock classifier, or an earlier training."""
    epochs: tuple[Epochs, Epochs, Epochs] = (2.0, 1.0, 2.0)
    """Of the stages baseline, soft and hard."""
    target_macs_share: Annotated[float, Field(strict=True, ge=0.05, le=1)] | None = 0.5
    """MACs of the pruned model as a share of the baseline's, reached by the means of `budget`."""
    lam: Annotated[float, Field(strict=True, ge=0, le=1e6)] = 1e-2
    """λ: fixed without a target, else where the controller starts."""
    max_length: Annotated[int, Field(strict=True, ge=8, le=MOST)] = 128
    batch_size: Annotated[int, Field(strict=True, ge=1, le=65536)] = 32
    learning_rate: Rate = 1e-4
    """Of the baseline stage; the later stages take half of it."""
    threshold_lr: Rate = 0.01
    """Like `temperature` in units of the mean score, which is 1 over the mean number of tokens: the
    same recipe then fits short documents and long ones."""
    temperature: Rate = 0.05
    """Of the soft masks."""
    distill: Share = 0.5
    """Weight of the divergence from the baseline's predictions in the soft and hard stages."""
    continued: bool = False
    """Train the baseline on, too: the control that has had as much training as the pruned model.

    It differs from the pruned model in its masks: as many steps on the same data, at the same
    learning rate (which falls to 0 once, not in each of two stages), and the same loss but for λ,
    distillation from the baseline included. Trained on plain cross-entropy it would mix what the
    teacher gives with what pruning takes.
    """
    reseeded: bool = False
    """Train a second baseline, too: what two trainings of one recipe differ by is the noise floor.

    It is what the baseline stage would make of `seed` + 1: head, order of the data and dropout
    follow the seed; encoder, data and recipe are the same.
    """
    final_threshold: Annotated[float, Field(strict=True, ge=-1, le=1)] = 0.01
    """Without a target: thresholds start at l/L of this, as in the paper."""
    seed: Natural = 0
    device: str = "cpu"
    bf16: bool = False
    save_steps: Positive = 100

    def __post_init__(self) -> None:
        if not (self.backbone or self.baseline):
            raise SettingsError("backbone is None; expected a checkpoint, or a baseline instead")
        for name, kind in get_type_hints(TrainingSettings, include_extras=True).items():
            value = getattr(self, name)
            try:
                check(kind, value)
            except ValueError as error:
                flag = {"lam": "lambda"}.get(name, name.replace("_", "-"))
                raise SettingsError(f"{flag} is {shown(value)}; {error}") from error

    @property
    def stages(self) -> tuple[str, ...]:
        """What is made, in this order."""
        controls = {CONTINUED: self.continued, RESEEDED: self.reseeded}
        return (*STAGES, *(name for name, asked in controls.items() if asked))

    def epochs_of(self, stage: str) -> float:
        """How many times the stage sees the training documents."""
        if stage == CONTINUED:
            return self.epochs[1] + self.epochs[2]
        return self.epochs[0 if stage == RESEEDED else STAGES.index(stage)]

    def seed_of(self, stage: str) -> int:
        """What the stage draws a new head with, shuffles the data, and makes dropout."""
        return self.seed + 1 if stage == RESEEDED else self.seed


def choices(
    settings: TrainingSettings, training: Labelled, held_out: Labelled, labels: Sequence[str]
) -> dict[str, Any]:
    """Everything that a resumed training must share with the one it goes on with, as JSON."""
    sources = {"backbone": settings.backbone, "baseline": settings.baseline}
    return {
        **asdict(settings),
        **{kind: name and short_name(name) for kind, name in sources.items()},
        **{f"{kind}_sha256": name and fingerprint(name) for kind, name in sources.items()},
        "epochs": list(settings.epochs),
        "rows": len(training.labels),
        "held_out_rows": len(held_out.labels),
        "documents_sha256": documents_sha256(training, held_out),
        "labels": list(labels),
    }


def deviations(settings: TrainingSettings) -> list[str]:
    """Where this training differs from the paper's recipe."""
    said = [
        "[CLS] / <s> is never dropped",
        "scores are divided by the document's own length",
        "no dropout on attention probabilities",
        "the masks' temperature and the thresholds' learning rate scale with the mean score",
    ]
    if settings.target_macs_share is not None:
        said += [
            "thresholds start at quantiles of the baseline's scores that meet the target",
            "lambda is moved by a controller during the soft stage",
            "one offset common to all thresholds is fitted on training documents before and after "
            "the hard stage",
        ]
    if settings.distill:
        said.append("soft and hard stages also learn from the baseline's predictions")
    return said
