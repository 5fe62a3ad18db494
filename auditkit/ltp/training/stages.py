"""Training a pruned classifier: the paper's Algorithm 1 on transformers' Trainer.

    baseline   fine-tune the backbone
    soft       soft masks: weights and thresholds together, cross-entropy + λ · regulariser
    hard       thresholds frozen, rows removed: weights alone
    continued  optional control: the baseline trained on for as many steps as soft and hard together
    reseeded   optional control: the baseline stage again, of the next seed

Deviations from the paper are recorded in `training.json`. A training can be killed at any moment
and resumed: a stage goes on from its last whole checkpoint, and a finished stage is not made again
unless it was damaged.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from transformers import set_seed

from auditkit.ltp.inference import evaluate
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.training.budget import LambdaController, fit_offset
from auditkit.ltp.training.documents import Labelled, Rows, Tokens, padded
from auditkit.ltp.training.given import baseline_in, encoder_of, open_given, short_name
from auditkit.ltp.training.history import Clock
from auditkit.ltp.training.outcome import Stage
from auditkit.ltp.training.settings import (
    CONTINUED,
    FROM_BACKBONE,
    TrainingSettings,
    choices,
    deviations,
)
from auditkit.ltp.training.starting import (
    documents_of,
    model_of,
    spares,
    start_thresholds,
    teacher_logits,
)
from auditkit.ltp.training.trainer import StageTrainer, Step, Told, arguments
from auditkit.ltp.training.workspace import Workspace


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
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> tuple[Stage, ...]:
    """Train baseline and pruned model into `out`.

    Args:
        settings: All choices.
        training: The documents to learn from.
        held_out: Documents that nothing is fitted to; every stage is evaluated on them.
        labels: Class names by class index.
        out: Gets the pruned model, `baseline/`, `continued/` and `reseeded/` if asked for, and
            `training.json`.
        resume: Go on with an interrupted training of the same settings.
        observer: Told after every optimiser step.
        on_stage: Told after every stage, also after those finished before a resumption.
        progress: Told (what, done, total) of all that is done beside the steps; total is 0 where it
            is not counted.

    Raises:
        SettingsError: `out` holds something, or an interrupted training of other settings or data,
            or a finished one of which a file is gone or changed, or another process is training
            there; or the backbone reads fewer tokens than `max_length`; or `reseeded` is asked for
            beside a given baseline of which is not known what it was trained from, or which was
            trained otherwise.
        CheckpointError: The backbone or the given baseline cannot be opened, or the latter has
            other classes. Nothing was written.
    """
    if settings.baseline is not None:
        baseline = baseline_in(settings.baseline)
        settings = replace(settings, baseline=baseline)
        if settings.reseeded and settings.backbone is None:
            settings = replace(settings, backbone=encoder_of(baseline, labels))
    work = Workspace(out, choices(settings, training, held_out, labels))
    finished = work.finished(resume)
    if finished is None:
        progress("read documents", 0, 0)
        data = documents_of(settings, training, held_out, labels, work)
        with work.held():
            finished = work.finished(resume)  # another process may have had it until now
            if finished is None:
                told = Told(observer, on_stage, progress)
                return _trained(settings, data, labels, work, training.texts, told)
    for stage in finished:
        on_stage(stage)
    return finished


def _trained(
    settings: TrainingSettings,
    data: Tokens,
    labels: Sequence[str],
    work: Workspace,
    texts: Sequence[str],
    told: Told,
) -> tuple[Stage, ...]:
    """Make the stages that are not there yet, and deliver them."""
    work.mend(settings.stages)
    stages: list[Stage] = []
    for name in settings.stages:
        if not work.is_done(name):
            if (given := spares(name, settings, work)) is not None:
                told.progress(f"{name}: evaluate", 0, 0)
                _take(name, given, settings, data, labels, work)
            else:
                _run_stage(name, settings, data, labels, work, told)
        stages.append(work.stage(name))
        told.on_stage(stages[-1])
    told.progress("write the checkpoint", 0, 0)
    work.deliver(stages, deviations(settings), texts)
    return tuple(stages)


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
    told: Told,
) -> None:
    """Train one stage from what the one before left, and leave it in the workspace."""
    told.progress(f"{name}: open the model", 0, 0)
    set_seed(settings.seed_of(name))
    model = model_of(name, settings, labels, work)
    work.begin()
    checkpoint = work.last_checkpoint(name)
    controller = None
    if name == "soft":
        state = {"value": settings.lam} | work.controller_state(checkpoint)
        controller = LambdaController(settings.target_macs_share, **state)
        model.config.temperature = settings.temperature * data.mean_score
        if checkpoint is None:
            told.progress("soft: first thresholds", 0, 0)
            start_thresholds(model, settings, data)
    teacher = None
    if name not in FROM_BACKBONE and settings.distill:
        teaching = partial(told.progress, f"{name}: what the baseline says")
        teacher = teacher_logits(work, data, settings.device, teaching)
    steps = -1
    if name == CONTINUED:
        steps = work.stage("soft").steps + work.stage("hard").steps
    clock = work.clock(name, checkpoint)
    trainer = StageTrainer(
        model=model,
        args=arguments(name, settings, work.steps(name), steps),
        train_dataset=Rows(data, teacher),
        data_collator=padded,
        stage=name,
        pruning=model.config.pruning,
        controller=controller,
        threshold_lr=settings.threshold_lr * data.mean_score,
        distill=settings.distill,
        observers=(clock, told.observer),
    )
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    _finish_stage(name, settings, data, trainer, work, clock, told)


def _finish_stage(
    name: str,
    settings: TrainingSettings,
    data: Tokens,
    trainer: StageTrainer,
    work: Workspace,
    clock: Clock,
    told: Told,
) -> None:
    """Binarise, meet the budget, evaluate, save."""
    model = trainer.model.eval()
    offset = None
    if name in ("soft", "hard"):
        model.config.pruning = "hard"
        model.thresholds.requires_grad_(False)
        model.thresholds.data.clamp_(min=0.0)
        if settings.target_macs_share is not None:
            told.progress(f"{name}: meet the budget", 0, 0)
            offset = fit_offset(model, data.calibration, settings.target_macs_share)
    told.progress(f"{name}: evaluate", 0, 0)
    stage = _measured(
        name,
        model,
        data,
        steps=trainer.state.global_step,
        documents=round(len(data.ids) * settings.epochs_of(name)),
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
