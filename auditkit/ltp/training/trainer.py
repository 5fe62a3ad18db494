"""transformers' Trainer, for the soft and the hard stage of LTP."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState, PrinterCallback

from auditkit.ltp.cost import macs_share
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.training.budget import LambdaController
from auditkit.ltp.training.outcome import Stage
from auditkit.ltp.training.seals import seal
from auditkit.ltp.training.settings import FROM_BACKBONE, TrainingSettings

CLIP_WEIGHTS = 1.0
CLIP_THRESHOLDS = 1.0

Observer = Callable[["Step"], None]


@dataclass(frozen=True, slots=True)
class Step:
    """What is known after an optimiser step."""

    stage: str
    step: int
    steps: int
    documents: int
    """Documents seen in this stage."""
    loss: float
    macs_share: float | None = None
    """Running mean over training batches."""
    lam: float | None = None
    """λ, in the soft stage."""
    thresholds: tuple[float, ...] = ()
    keep_rates: tuple[float, ...] = ()
    """Share of tokens alive after layers 1..L in the last batch."""


class Told(NamedTuple):
    """Who is told of what, as `auditkit.ltp.training.stages.train` has it."""

    observer: Callable[[Step], None]
    on_stage: Callable[[Stage], None]
    progress: Callable[[str, int, int], None]


class Meter(TrainerCallback, ExportableState):
    """Carries the controller's state in the checkpoints: a resumed stage goes on with it."""

    def __init__(self, controller: LambdaController) -> None:
        self.controller = controller

    def state(self) -> dict[str, Any]:
        """As the Trainer stores it in `trainer_state.json`."""
        return {"args": {}, "attributes": self.controller.state()}


class StageTrainer(Trainer):
    """One stage: cross-entropy, distillation, and λ times the regulariser where masks are soft.

    Thresholds have a learning rate of their own and no weight decay, and their gradient is clipped
    apart from the weights', whose norm is of another order.
    """

    model: LTPForSequenceClassification

    def __init__(
        self,
        *args: Any,
        stage: str,
        pruning: str,
        controller: LambdaController | None,
        threshold_lr: float,
        distill: float,
        observers: Sequence[Observer],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.stage, self.pruning, self.controller = stage, pruning, controller
        self.threshold_lr, self.distill = threshold_lr, distill
        self.remove_callback(PrinterCallback)  # printing is the command line's
        self.add_callback(_Clip())
        self.add_callback(_Seal())
        self.add_callback(_Observe(self, observers))
        self.last: dict[str, Any] = {"loss": 0.0}
        if controller is not None:
            self.add_callback(Meter(controller))

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW in three groups: weights with decay, weights without, thresholds."""
        if self.optimizer is None:
            decayed = set(self.get_decay_parameter_names(self.model))
            named = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
            weights = [(n, p) for n, p in named if n != "thresholds"]
            groups = [
                {
                    "params": [p for n, p in weights if n in decayed],
                    "weight_decay": self.args.weight_decay,
                },
                {"params": [p for n, p in weights if n not in decayed], "weight_decay": 0.0},
                {
                    "params": [p for n, p in named if n == "thresholds"],
                    "weight_decay": 0.0,
                    "lr": self.threshold_lr,
                },
            ]
            self.optimizer = torch.optim.AdamW(
                [g for g in groups if g["params"]], lr=self.args.learning_rate
            )
        return self.optimizer

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The stage's loss of one batch."""
        teacher = inputs.pop("teacher", None)
        output = model(**inputs, pruning=self.pruning)
        loss = output.loss
        if teacher is not None:
            student = F.log_softmax(output.logits.float(), -1)
            divergence = F.kl_div(
                student, F.log_softmax(teacher, -1), reduction="batchmean", log_target=True
            )
            loss = (1 - self.distill) * loss + self.distill * divergence
        self._note(output)
        if self.controller is not None:
            loss = loss + self.controller.value * output.regularizer
        self.last["loss"] = loss.detach()
        return (loss, output) if return_outputs else loss

    def _note(self, output: Any) -> None:
        """Keep what the batch cost, and let the controller move λ."""
        lengths = output.lengths.numpy()
        share = macs_share(self.model.config, lengths)
        self.last["keep_rates"] = tuple(lengths[1:].sum(1) / lengths[0].sum())
        self.last["share"] = share if self.controller is None else self.controller.update(share)


def arguments(
    stage: str, settings: TrainingSettings, place: Path, steps: int = -1
) -> TrainingArguments:
    """What the Trainer is told of a stage.

    Args:
        stage: The stage.
        settings: All choices.
        place: Gets its checkpoints.
        steps: Optimiser steps; -1: as the epochs have it.
    """
    return TrainingArguments(
        output_dir=str(place),
        per_device_train_batch_size=settings.batch_size,
        num_train_epochs=settings.epochs_of(stage),
        max_steps=steps,
        learning_rate=settings.learning_rate * (1.0 if stage in FROM_BACKBONE else 0.5),
        lr_scheduler_type="linear",
        warmup_steps=0.06,
        weight_decay=0.01,
        max_grad_norm=0.0,  # the trainer clips weights and thresholds apart
        logging_strategy="no",
        save_strategy="steps",
        save_steps=settings.save_steps,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        seed=settings.seed_of(stage),
        use_cpu=settings.device == "cpu",
        bf16=settings.bf16,
        remove_unused_columns=False,
    )


class _Clip(TrainerCallback):
    """Clips the weights' and the thresholds' gradients apart from each other."""

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        """Before each optimiser step."""
        assert model is not None
        named = [(n, p) for n, p in model.named_parameters() if p.grad is not None]
        thresholds = [p for n, p in named if n.endswith("thresholds")]
        nn.utils.clip_grad_norm_(
            [p for n, p in named if not n.endswith("thresholds")], CLIP_WEIGHTS
        )
        if thresholds:
            nn.utils.clip_grad_norm_(thresholds, CLIP_THRESHOLDS)


class _Seal(TrainerCallback):
    """Seals each checkpoint: one that is damaged is not gone on from."""

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """After a checkpoint was written."""
        seal(Path(args.output_dir or "") / f"checkpoint-{state.global_step}")


class _Observe(TrainerCallback):
    """Tells the observer about every step."""

    def __init__(self, trainer: StageTrainer, observers: Sequence[Observer]) -> None:
        self.trainer, self.observers = trainer, observers

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """After each optimiser step."""
        trainer, last = self.trainer, self.trainer.last
        seen = Step(
            stage=trainer.stage,
            step=state.global_step,
            steps=state.max_steps,
            documents=state.global_step * args.train_batch_size,
            loss=float(last["loss"]),
            macs_share=last.get("share"),
            lam=trainer.controller.value if trainer.controller else None,
            thresholds=tuple(trainer.model.thresholds.tolist()),
            keep_rates=tuple(float(rate) for rate in last.get("keep_rates", ())),
        )
        for observer in self.observers:
            observer(seen)
