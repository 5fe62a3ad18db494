"""Training a pruned classifier: the paper's Algorithm 1 on transformers' Trainer.

    baseline   fine-tune the backbone
    soft       soft masks: weights and thresholds together, cross-entropy + λ · regulariser
    hard       thresholds frozen, rows removed: weights alone

Deviations from the paper are recorded in `training.json`. A training can be killed at any moment
and resumed: a stage goes on from its last whole checkpoint, and a finished stage is not made again.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import (
    DataCollatorWithPadding,
    PreTrainedTokenizerBase,
    TrainingArguments,
    set_seed,
)

from auditkit.errors import SettingsError
from auditkit.ltp.budget import LambdaController, fit_offset, warm_start
from auditkit.ltp.checkpoints import (
    from_stock,
    load_baseline,
    load_ltp,
    load_tokenizer,
    open_backbone,
)
from auditkit.ltp.inference import evaluate, run
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.trainer import StageTrainer, Step
from auditkit.ltp.workspace import Clock, Stage, Workspace

STAGES = ("baseline", "soft", "hard")
CALIBRATION_DOCUMENTS = 400
"""Training documents that thresholds are started and offsets fitted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """What a training depends on, apart from its data."""

    backbone: str
    epochs: tuple[float, float, float] = (2.0, 1.0, 2.0)
    """Of the stages baseline, soft and hard."""
    target_macs_share: float | None = 0.5
    """MACs of the pruned model as a share of the baseline's, reached by the means of `budget`."""
    lam: float = 1e-2
    """λ: fixed without a target, else where the controller starts."""
    max_length: int = 128
    batch_size: int = 32
    learning_rate: float = 1e-4
    """Of the baseline stage; the later stages take half of it."""
    threshold_lr: float = 2e-4
    temperature: float = 1e-3
    distill: float = 0.5
    """Weight of the divergence from the baseline's predictions in the soft and hard stages."""
    final_threshold: float = 0.01
    """Without a target: thresholds start at l/L of this, as in the paper."""
    seed: int = 0
    device: str = "cpu"
    bf16: bool = False
    save_steps: int = 100

    def __post_init__(self) -> None:
        for name, good, expected in (
            ("epochs", len(self.epochs) == 3 and min(self.epochs) > 0, "three numbers above 0"),
            (
                "target-macs-share",
                self.target_macs_share is None or 0.05 <= self.target_macs_share <= 1,
                "a share from 0.05 to 1",
            ),
            ("lambda", self.lam >= 0, "0 or more"),
            ("max-length", self.max_length >= 8, "8 or more"),
            ("batch-size", self.batch_size >= 1, "1 or more"),
            ("learning-rate", self.learning_rate > 0, "a number above 0"),
            ("distill", 0 <= self.distill <= 1, "a share from 0 to 1"),
            ("save-steps", self.save_steps >= 1, "1 or more"),
        ):
            if not good:
                seen = getattr(self, {"lambda": "lam"}.get(name, name.replace("-", "_")))
                raise SettingsError(f"{name} is {seen}; expected {expected}")


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts with class indices."""

    texts: Sequence[str]
    labels: Sequence[int]


def train(
    settings: TrainingSettings,
    training: Labelled,
    held_out: Labelled,
    labels: Sequence[str],
    out: Path,
    *,
    resume: bool = False,
    observer: Callable[[Step], None] = lambda step: None,
    on_stage: Callable[[Stage], None] = lambda stage: None,
) -> tuple[Stage, ...]:
    """Train baseline and pruned model into `out`.

    Args:
        settings: All choices.
        training: The documents to learn from.
        held_out: Documents that nothing is fitted to; every stage is evaluated on them.
        labels: Class names by class index.
        out: Gets the pruned model, `baseline/` and `training.json`.
        resume: Go on with an interrupted training of the same settings.
        observer: Told after every optimiser step.
        on_stage: Told after every stage, also after those finished before a resumption.

    Raises:
        SettingsError: `out` holds something, or an interrupted training of other settings or data;
            or the backbone reads fewer tokens than `max_length`.
        CheckpointError: The backbone cannot be opened. Nothing was written.
    """
    work = Workspace(out, _choices(settings, training, held_out, labels))
    if (finished := work.finished(resume)) is not None:
        for stage in finished:
            on_stage(stage)
        return finished
    tokenizer = load_tokenizer(settings.backbone)
    tokenizer.model_max_length = settings.max_length  # whoever opens the result truncates alike
    data = _Data(settings, tokenizer, training, held_out)
    stages: list[Stage] = []
    for name in STAGES:
        if not work.is_done(name):
            _run_stage(name, settings, data, labels, work, observer)
        stages.append(work.stage(name))
        on_stage(stages[-1])
    work.deliver(stages, _deviations(settings))
    return tuple(stages)


class _Data:
    """Both sets as token ids."""

    def __init__(
        self,
        settings: TrainingSettings,
        tokenizer: PreTrainedTokenizerBase,
        training: Labelled,
        held_out: Labelled,
    ) -> None:
        self.tokenizer = tokenizer
        self.labels, self.held_labels = list(training.labels), list(held_out.labels)
        self.ids: list[list[int]]
        self.held_ids: list[list[int]]
        self.ids, self.held_ids = (
            tokenizer(list(part.texts), truncation=True, max_length=settings.max_length)[
                "input_ids"
            ]
            for part in (training, held_out)
        )

    @property
    def calibration(self) -> list[list[int]]:
        """Evenly spread training documents."""
        step = max(1, len(self.ids) // CALIBRATION_DOCUMENTS)
        return self.ids[::step][:CALIBRATION_DOCUMENTS]


class _Rows(Dataset[dict[str, Any]]):
    """What the Trainer reads."""

    def __init__(self, data: _Data, teacher: np.ndarray | None) -> None:
        self.data, self.teacher = data, teacher

    def __len__(self) -> int:
        return len(self.data.ids)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row: dict[str, Any] = {"input_ids": self.data.ids[index], "labels": self.data.labels[index]}
        if self.teacher is not None:
            row["teacher"] = self.teacher[index].tolist()
        return row


def _run_stage(
    name: str,
    settings: TrainingSettings,
    data: _Data,
    labels: Sequence[str],
    work: Workspace,
    observer: Callable[[Step], None],
) -> None:
    """Train one stage from what the one before left, and leave it in the workspace."""
    set_seed(settings.seed + STAGES.index(name))
    model = _model(name, settings, labels, work)
    work.begin()
    checkpoint = work.last_checkpoint(name)
    controller = None
    if name == "soft":
        state = {"value": settings.lam} | work.controller_state(checkpoint)
        controller = LambdaController(settings.target_macs_share, **state)
        if checkpoint is None:
            _start_thresholds(model, settings, data)
    teacher = None
    if name != "baseline" and settings.distill:
        teacher = _teacher(work, data, settings.device)
    clock = work.clock(name, checkpoint)
    trainer = StageTrainer(
        model=model,
        args=_arguments(name, settings, work),
        train_dataset=_Rows(data, teacher),
        data_collator=DataCollatorWithPadding(data.tokenizer),
        stage=name,
        pruning=model.config.pruning,
        controller=controller,
        threshold_lr=settings.threshold_lr,
        distill=settings.distill,
        observers=(clock, observer),
    )
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    _finish_stage(name, settings, data, trainer, work, clock)


def _model(
    name: str, settings: TrainingSettings, labels: Sequence[str], work: Workspace
) -> LTPForSequenceClassification:
    """What the stage starts from: the backbone, or what the stage before left."""
    if name == "baseline":
        model = from_stock(open_backbone(settings.backbone, labels))
        if settings.max_length > model.config.max_tokens:
            raise SettingsError(
                f"max-length is {settings.max_length}; expected at most {model.config.max_tokens}, "
                f"which is what {settings.backbone} reads"
            )
    elif name == "soft":
        model = load_baseline(str(work.directory("baseline")))
        model.config.temperature = settings.temperature
    else:
        model = load_ltp(str(work.directory("soft")))
    model.config.pruning = {"baseline": "off", "soft": "soft", "hard": "hard"}[name]
    model.thresholds.requires_grad_(name == "soft")
    return model.to(settings.device)


def _start_thresholds(
    model: LTPForSequenceClassification, settings: TrainingSettings, data: _Data
) -> None:
    """Where the soft stage begins: as the budget asks for, or as in the paper."""
    if settings.target_macs_share is None:
        rising = torch.arange(len(model.layers)) / len(model.layers)
        model.thresholds.data.copy_(rising * settings.final_threshold)
    else:
        warm_start(model, data.calibration, settings.target_macs_share)


def _finish_stage(
    name: str,
    settings: TrainingSettings,
    data: _Data,
    trainer: StageTrainer,
    work: Workspace,
    clock: Clock,
) -> None:
    """Binarise, meet the budget, evaluate, save."""
    model = trainer.model.eval()
    offset = None
    if name != "baseline":
        model.config.pruning = "hard"
        model.thresholds.requires_grad_(False)
        model.thresholds.data.clamp_(min=0.0)
        if settings.target_macs_share is not None:
            offset = fit_offset(model, data.calibration, settings.target_macs_share)
    held = evaluate(model, data.held_ids, data.held_labels, pruning=model.config.pruning)
    stage = Stage(
        stage=name,
        steps=trainer.state.global_step,
        documents=round(len(data.ids) * settings.epochs[STAGES.index(name)]),
        seconds=round(clock.elapsed, 1),
        accuracy=held.accuracy,
        macs_share=held.macs_share,
        keep_rates=held.keep_rates,
        thresholds=tuple(model.thresholds.tolist()),
        lam=trainer.controller.value if trainer.controller else None,
        offset=offset,
    )
    work.save(stage, model, data.tokenizer)


def _teacher(work: Workspace, data: _Data, device: str) -> np.ndarray:
    """(rows, C) the baseline's logits for the training documents."""
    baseline = load_baseline(str(work.directory("baseline"))).to(device)
    results = list(run(baseline, data.ids, batch_tokens=8192, pruning="off"))
    order = np.argsort(np.concatenate([result.indices for result in results]))
    logits: np.ndarray = np.concatenate([result.logits for result in results])[order]
    return logits


def _arguments(name: str, settings: TrainingSettings, work: Workspace) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(work.steps(name)),
        per_device_train_batch_size=settings.batch_size,
        num_train_epochs=settings.epochs[STAGES.index(name)],
        learning_rate=settings.learning_rate * (1.0 if name == "baseline" else 0.5),
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
        seed=settings.seed,
        use_cpu=settings.device == "cpu",
        bf16=settings.bf16,
        remove_unused_columns=False,
    )


def _choices(
    settings: TrainingSettings, training: Labelled, held_out: Labelled, labels: Sequence[str]
) -> dict[str, Any]:
    """Everything that a resumed training must share with the one it goes on with, as JSON."""
    digest = hashlib.sha256()
    for part in (training, held_out):
        for text, label in zip(part.texts, part.labels, strict=True):
            digest.update(f"{label}\0{text}\0".encode("utf-8", "surrogatepass"))
    return {
        **asdict(settings),
        "epochs": list(settings.epochs),
        "rows": len(training.labels),
        "held_out_rows": len(held_out.labels),
        "documents_sha256": digest.hexdigest(),
        "labels": list(labels),
    }


def _deviations(settings: TrainingSettings) -> list[str]:
    """Where this training differs from the paper's recipe."""
    said = ["[CLS] / <s> is never dropped", "scores are divided by the document's own length"]
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
