"""Training a pruned classifier: the paper's Algorithm 1 on transformers' Trainer.

    baseline   fine-tune the backbone
    soft       soft masks: weights and thresholds together, cross-entropy + λ · regulariser
    hard       thresholds frozen, rows removed: weights alone
    continued  optional control: the baseline trained on for as many steps as soft and hard together

Deviations from the paper are recorded in `training.json`. A training can be killed at any moment
and resumed: a stage goes on from its last whole checkpoint, and a finished stage is not made again.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    DataCollatorWithPadding,
    TrainingArguments,
    set_seed,
)

from auditkit.errors import SettingsError
from auditkit.ltp.checkpoints import (
    fingerprint,
    from_stock,
    load_baseline,
    load_ltp,
    load_tokenizer,
    open_backbone,
)
from auditkit.ltp.inference import evaluate, run
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.training.budget import LambdaController, fit_offset, warm_start
from auditkit.ltp.training.documents import Labelled, Rows, Tokens, documents_sha256
from auditkit.ltp.training.given import (
    baseline_in,
    check_length,
    continued_beside,
    open_given,
    short_name,
)
from auditkit.ltp.training.trainer import StageTrainer, Step
from auditkit.ltp.training.workspace import STOCK, Clock, Stage, Workspace

STAGES = ("baseline", "soft", "hard")
CONTINUED = "continued"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """What a training depends on, apart from its data."""

    backbone: str | None = None
    """Pretrained encoder that the baseline is made from."""
    baseline: str | None = None
    """A baseline that is there already, instead: a stock classifier, or an earlier training."""
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
    threshold_lr: float = 0.01
    """Like `temperature` in units of the mean score, which is 1 over the mean number of tokens: the
    same recipe then fits short documents and long ones."""
    temperature: float = 0.05
    """Of the soft masks."""
    distill: float = 0.5
    """Weight of the divergence from the baseline's predictions in the soft and hard stages."""
    continued: bool = False
    """Train the baseline on, too: the control that has had as much training as the pruned model.

    It differs from the pruned model in its masks: as many steps on the same data, at the same
    learning rate (which falls to 0 once, not in each of two stages), and the same loss but for λ,
    distillation from the baseline included. Trained on plain cross-entropy it would mix what the
    teacher gives with what pruning takes.
    """
    final_threshold: float = 0.01
    """Without a target: thresholds start at l/L of this, as in the paper."""
    seed: int = 0
    device: str = "cpu"
    bf16: bool = False
    save_steps: int = 100

    def __post_init__(self) -> None:
        for name, good, expected in (
            ("backbone", self.backbone or self.baseline, "a checkpoint, or a baseline instead"),
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
        out: Gets the pruned model, `baseline/`, `continued/` if asked for, and `training.json`.
        resume: Go on with an interrupted training of the same settings.
        observer: Told after every optimiser step.
        on_stage: Told after every stage, also after those finished before a resumption.

    Raises:
        SettingsError: `out` holds something, or an interrupted training of other settings or data;
            or the backbone reads fewer tokens than `max_length`.
        CheckpointError: The backbone or the given baseline cannot be opened, or the latter has
            other classes. Nothing was written.
    """
    if settings.baseline is not None:
        settings = replace(settings, baseline=baseline_in(settings.baseline))
    work = Workspace(out, _choices(settings, training, held_out, labels))
    if (finished := work.finished(resume)) is not None:
        for stage in finished:
            on_stage(stage)
        return finished
    tokenizer = load_tokenizer(settings.baseline or settings.backbone or "")
    tokenizer.model_max_length = settings.max_length  # whoever opens the result truncates alike
    data = Tokens(tokenizer, training, held_out, settings.max_length)
    stages: list[Stage] = []
    for name in _stages(settings):
        if not work.is_done(name):
            if (given := _given(name, settings, work)) is not None:
                _take(name, given, settings, data, labels, work)
            else:
                _run_stage(name, settings, data, labels, work, observer)
        stages.append(work.stage(name))
        on_stage(stages[-1])
    work.deliver(stages, _deviations(settings))
    return tuple(stages)


def _stages(settings: TrainingSettings) -> tuple[str, ...]:
    return (*STAGES, CONTINUED) if settings.continued else STAGES


def _epochs(name: str, settings: TrainingSettings) -> float:
    if name == CONTINUED:
        return settings.epochs[1] + settings.epochs[2]
    return settings.epochs[STAGES.index(name)]


def _given(name: str, settings: TrainingSettings, work: Workspace) -> str | None:
    """The model that is there already and spares the stage, if any."""
    if settings.baseline is None or name not in STOCK:
        return None
    if name == "baseline":
        return settings.baseline
    return continued_beside(settings.baseline, work.choices)


def _take(
    name: str,
    given: str,
    settings: TrainingSettings,
    data: Tokens,
    labels: Sequence[str],
    work: Workspace,
) -> None:
    """Leave a model that is there already as what the stage has made."""
    model = open_given(given, labels, settings.max_length)
    model.config.attention_probs_dropout_prob = 0.0  # as in the stage that it spares
    work.begin()
    stage = _measured(name, model.to(settings.device), data, given=short_name(given))
    work.save(stage, model, data.tokenizer)


def _run_stage(
    name: str,
    settings: TrainingSettings,
    data: Tokens,
    labels: Sequence[str],
    work: Workspace,
    observer: Callable[[Step], None],
) -> None:
    """Train one stage from what the one before left, and leave it in the workspace."""
    set_seed(settings.seed + (*STAGES, CONTINUED).index(name))
    model = _model(name, settings, labels, work)
    work.begin()
    checkpoint = work.last_checkpoint(name)
    controller = None
    if name == "soft":
        state = {"value": settings.lam} | work.controller_state(checkpoint)
        controller = LambdaController(settings.target_macs_share, **state)
        model.config.temperature = settings.temperature * data.mean_score
        if checkpoint is None:
            _start_thresholds(model, settings, data)
    teacher = None
    if name != "baseline" and settings.distill:
        teacher = _teacher(work, data, settings.device)
    clock = work.clock(name, checkpoint)
    trainer = StageTrainer(
        model=model,
        args=_arguments(name, settings, work),
        train_dataset=Rows(data, teacher),
        data_collator=DataCollatorWithPadding(data.tokenizer),
        stage=name,
        pruning=model.config.pruning,
        controller=controller,
        threshold_lr=settings.threshold_lr * data.mean_score,
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
        backbone = open_backbone(settings.backbone or "", labels)
        # drawing the masks would cost a third of a step at 256 tokens
        backbone.config.attention_probs_dropout_prob = 0.0
        model = from_stock(backbone)
        check_length(settings.backbone or "", model, settings.max_length)
    elif name == "hard":
        model = load_ltp(str(work.directory("soft")))
    else:
        model = load_baseline(str(work.directory("baseline")))
    model.config.pruning = name if name in ("soft", "hard") else "off"
    model.thresholds.requires_grad_(name == "soft")
    return model.to(settings.device)


def _start_thresholds(
    model: LTPForSequenceClassification, settings: TrainingSettings, data: Tokens
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
    data: Tokens,
    trainer: StageTrainer,
    work: Workspace,
    clock: Clock,
) -> None:
    """Binarise, meet the budget, evaluate, save."""
    model = trainer.model.eval()
    offset = None
    if name in ("soft", "hard"):
        model.config.pruning = "hard"
        model.thresholds.requires_grad_(False)
        model.thresholds.data.clamp_(min=0.0)
        if settings.target_macs_share is not None:
            offset = fit_offset(model, data.calibration, settings.target_macs_share)
    stage = _measured(
        name,
        model,
        data,
        steps=trainer.state.global_step,
        documents=round(len(data.ids) * _epochs(name, settings)),
        seconds=round(clock.elapsed, 1),
        lam=trainer.controller.value if trainer.controller else None,
        offset=offset,
    )
    work.save(stage, model, data.tokenizer)


def _measured(
    name: str,
    model: LTPForSequenceClassification,
    data: Tokens,
    *,
    steps: int = 0,
    documents: int = 0,
    seconds: float = 0.0,
    **more: Any,
) -> Stage:
    """What a stage came to, on the held-out documents."""
    held = evaluate(model, data.held_ids, data.held_labels, pruning=model.config.pruning)
    return Stage(
        stage=name,
        steps=steps,
        documents=documents,
        seconds=seconds,
        accuracy=held.accuracy,
        macs_share=held.macs_share,
        keep_rates=held.keep_rates,
        thresholds=tuple(model.thresholds.tolist()),
        held_out=held.documents,
        **more,
    )


def _teacher(work: Workspace, data: Tokens, device: str) -> np.ndarray:
    """(rows, C) the baseline's logits for the training documents."""
    baseline = load_baseline(str(work.directory("baseline"))).to(device)
    results = list(run(baseline, data.ids, pruning="off"))
    order = np.argsort(np.concatenate([result.indices for result in results]))
    logits: np.ndarray = np.concatenate([result.logits for result in results])[order]
    return logits


def _arguments(name: str, settings: TrainingSettings, work: Workspace) -> TrainingArguments:
    steps = -1
    if name == CONTINUED:
        steps = work.stage("soft").steps + work.stage("hard").steps
    return TrainingArguments(
        output_dir=str(work.steps(name)),
        per_device_train_batch_size=settings.batch_size,
        num_train_epochs=_epochs(name, settings),
        max_steps=steps,
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


def _deviations(settings: TrainingSettings) -> list[str]:
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
