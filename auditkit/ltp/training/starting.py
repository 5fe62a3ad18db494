"""What a training starts from: its documents; and a stage: its model, thresholds and teacher."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from auditkit.ltp.checkpoints import (
    check_answers,
    from_stock,
    load_baseline,
    load_ltp,
    open_backbone,
)
from auditkit.ltp.inference import Result, run
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.training.budget import warm_start
from auditkit.ltp.training.documents import Labelled, Tokens
from auditkit.ltp.training.given import check_length, check_recipe, control_beside, first_tokenizer
from auditkit.ltp.training.settings import FROM_BACKBONE, RESEEDED, TrainingSettings
from auditkit.ltp.training.workspace import STOCK, Workspace


def documents_of(
    settings: TrainingSettings,
    training: Labelled,
    held_out: Labelled,
    labels: Sequence[str],
    work: Workspace,
) -> Tokens:
    """The documents as tokens, once all is seen to be fit for training; nothing is written."""
    if settings.baseline is not None and settings.reseeded:
        check_recipe(settings.baseline, work.choices)
        model_of(RESEEDED, settings, labels, work)  # if it cannot be made, that is said now
    tokenizer = first_tokenizer(settings.backbone, settings.baseline)
    tokenizer.model_max_length = settings.max_length  # whoever opens the result truncates alike
    return Tokens(tokenizer, training, held_out, settings.max_length)


def spares(name: str, settings: TrainingSettings, work: Workspace) -> str | None:
    """The model that is there already and spares the stage, if any does."""
    if settings.baseline is None or name not in STOCK:
        return None
    if name == "baseline":
        return settings.baseline
    return control_beside(name, settings.baseline, work.out, work.choices)


def model_of(
    name: str, settings: TrainingSettings, labels: Sequence[str], work: Workspace
) -> LTPForSequenceClassification:
    """What the stage trains: the backbone, or what the stage before left.

    Raises:
        CheckpointError: The backbone cannot be opened.
        SettingsError: It reads fewer tokens than `max_length`.
    """
    if name in FROM_BACKBONE:
        backbone = open_backbone(settings.backbone or "", labels)
        # drawing the masks would cost a third of a step at 256 tokens
        model = from_stock(backbone, attention_probs_dropout_prob=0.0)
        check_answers(settings.backbone or "", model)
        check_length(settings.backbone or "", model, settings.max_length)
    elif name == "hard":
        model = load_ltp(str(work.directory("soft")))
    else:
        model = load_baseline(str(work.directory("baseline")))
    model.config.pruning = name if name in ("soft", "hard") else "off"
    model.thresholds.requires_grad_(name == "soft")
    return model.to(settings.device)


def start_thresholds(
    model: LTPForSequenceClassification, settings: TrainingSettings, data: Tokens
) -> None:
    """Where the soft stage begins: as the budget asks for, or as in the paper."""
    if settings.target_macs_share is None:
        rising = torch.arange(len(model.layers)) / len(model.layers)
        model.thresholds.data.copy_(rising * settings.final_threshold)
    else:
        warm_start(model, data.calibration, settings.target_macs_share)


def teacher_logits(
    work: Workspace, data: Tokens, device: str, progress: Callable[[int, int], None]
) -> np.ndarray:
    """(rows, C) the baseline's logits for the training documents; `progress` is told how many."""
    progress(0, len(data.ids))
    baseline = load_baseline(str(work.directory("baseline"))).to(device)
    results: list[Result] = []
    for result in run(baseline, data.ids, pruning="off"):
        results.append(result)
        progress(sum(len(one.indices) for one in results), len(data.ids))
    order = np.argsort(np.concatenate([result.indices for result in results]))
    logits: np.ndarray = np.concatenate([result.logits for result in results])[order]
    return logits
