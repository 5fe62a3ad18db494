"""Opening checkpoints: ours, the original implementation's, and stock BERT and RoBERTa classifiers.

A checkpoint is hostile input: weights come from safetensors, or from a `.bin` through
`weights_only=True`; no code of the checkpoint ever runs.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    RobertaConfig,
)
from transformers.utils import logging

from auditkit.errors import CheckpointError
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.layouts import LAYOUTS, SHARED, rename
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.original import is_original, read_original
from auditkit.ltp.pretrained import open_weights, read_config, read_weights, reason
from auditkit.ltp.pruning import finite


def load_ltp(
    name: str, *, dtype: torch.dtype = torch.float32, score_norm: str | None = None
) -> LTPForSequenceClassification:
    """Open a checkpoint of ours, or one of the original implementation.

    Args:
        name: A directory; a hub id for one of ours.
        dtype: Of the weights; thresholds stay in float32.
        score_norm: For an original checkpoint, which does not say it: as in `LTPConfig`; None:
            `padded:128`, or `alive` where its `scoring_mode` is `mean_norm`.

    Raises:
        CheckpointError: It is not there, is no LTP checkpoint, is damaged, or its thresholds are
            not finite numbers, one per layer.
    """
    if is_original(name):
        model = _filled(*read_original(name, score_norm), dtype)
    else:
        model = _own(name, dtype)
        if score_norm not in (None, model.config.score_norm):
            raise CheckpointError(
                f"{name}: its scores are divided by {model.config.score_norm!r}, --score-norm is "
                f"{score_norm!r}; the choice is open for checkpoints of the original alone"
            )
    try:
        finite(model.thresholds.tolist())
    except ValueError as error:
        raise CheckpointError(f"{name}: {error}; train it again") from error
    return model.eval()


def load_baseline(name: str, *, dtype: torch.dtype = torch.float32) -> LTPForSequenceClassification:
    """Open a stock BERT or RoBERTa classifier as a model of ours that prunes nothing.

    One engine runs all arms, so that they differ in their weights and masks alone.

    Raises:
        CheckpointError: It is not there, is damaged, or has another layout.
    """
    config = None if is_original(name) else read_config(name)
    if config is None or config.model_type == LTPConfig.model_type:
        model = load_ltp(name, dtype=dtype)
        model.config.pruning = "off"
        return model
    if config.model_type not in LAYOUTS:
        raise CheckpointError(
            f"{name}: model_type is {config.model_type!r}; available layouts: {', '.join(LAYOUTS)}"
        )
    model = from_stock(read_weights(name, config, dtype))
    model.config.pruning = "off"
    return model.eval()


def open_backbone(name: str, labels: Sequence[str]) -> PreTrainedModel:
    """A stock classifier over `labels` on a pretrained encoder.

    Its head is newly initialised where the checkpoint has none for as many labels.

    Raises:
        CheckpointError: It is not there, is damaged, or has another layout.
    """
    config = read_config(name)
    if config.model_type not in LAYOUTS:
        raise CheckpointError(
            f"{name}: model_type is {config.model_type!r}; available layouts: {', '.join(LAYOUTS)}"
        )
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: i for i, label in enumerate(labels)}
    model, wrong = open_weights(name, config, torch.float32)
    encoder = [key for key in wrong if not key.startswith(("classifier.", "bert.pooler."))]
    if encoder:
        raise CheckpointError(
            f"{name}: the weight {encoder[0]} {wrong[encoder[0]]} ({len(encoder)} such in the "
            "encoder); it is damaged or no encoder: download it again"
        )
    return model


def has_tokenizer(name: str) -> bool:
    """Whether a tokenizer lies in a directory."""
    return any(Path(name, file).is_file() for file in ("tokenizer.json", "vocab.json"))


def load_tokenizer(name: str, vocab_size: int | None = None) -> PreTrainedTokenizerBase:
    """The fast tokenizer beside a checkpoint.

    Args:
        name: Directory or hub id.
        vocab_size: The number of token ids that the model has; None: whatever.

    Raises:
        CheckpointError: There is none, it knows no character offsets, or it gives token ids that
            the model does not have.
    """
    known = {}
    if is_original(name):
        if not has_tokenizer(name):
            raise CheckpointError(
                f"{name}: no tokenizer; put the tokenizer.json of the model that it was trained "
                "from beside it, or give it to `auditkit convert` with --tokenizer DIR"
            )
        if not Path(name, "tokenizer.json").is_file():
            known["config"] = RobertaConfig()  # transformers finds no tokenizer by `ltp`
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            name, use_fast=True, trust_remote_code=False, **known
        )
    except Exception as error:
        raise CheckpointError(f"{name}: {reason(name, error, 'tokenizer')}") from error
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"{name}: {type(tokenizer).__name__} knows no character offsets; save a fast tokenizer "
            "(tokenizer.json) beside the model"
        )
    highest = max(tokenizer.get_vocab().values(), default=0)
    if vocab_size is not None and highest >= vocab_size:
        raise CheckpointError(
            f"{name}: the tokenizer's ids go up to {highest}, the model's to {vocab_size - 1}; "
            "give the tokenizer that the model was trained with"
        )
    return tokenizer


def from_stock(stock: PreTrainedModel) -> LTPForSequenceClassification:
    """An LTP model with the weights of a stock classifier and all thresholds 0.

    Raises:
        CheckpointError: A layout other than BERT's and RoBERTa's, or positions that are not
            absolute.
    """
    source = stock.config
    layout = source.model_type
    if layout not in LAYOUTS:
        raise CheckpointError(f"model_type is {layout!r}; available layouts: {', '.join(LAYOUTS)}")
    if getattr(source, "position_embedding_type", "absolute") not in (None, "absolute"):
        raise CheckpointError(
            f"position_embedding_type is {source.position_embedding_type!r}; expected 'absolute'"
        )
    shared: dict[str, Any] = {name: getattr(source, name, None) for name in SHARED}
    config = LTPConfig(layout=layout, **shared)
    thresholds = torch.zeros(config.num_hidden_layers)
    weights = rename(stock.state_dict(), layout) | {"thresholds": thresholds}
    return _filled(config, weights, stock.dtype)


def quiet() -> None:
    """Keep transformers from printing its own progress and reports: errors say what is wrong."""
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def fingerprint(name: str) -> str:
    """sha256 over a local checkpoint's configuration and weights files; of the name for the hub."""
    digest = hashlib.sha256()
    directory = Path(name)
    if not directory.is_dir():
        return hashlib.sha256(name.encode()).hexdigest()
    files = [p for p in directory.iterdir() if p.suffix in (".safetensors", ".bin")]
    for path in sorted([*files, directory / "config.json"]):
        if path.is_file():
            digest.update(path.name.encode())
            with path.open("rb") as handle:
                for block in iter(lambda: handle.read(1 << 20), b""):
                    digest.update(block)
    return digest.hexdigest()


def training_record(name: str) -> dict[str, Any] | None:
    """`training.json` beside a local checkpoint, if `auditkit train` made it."""
    path = Path(name) / "training.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _own(name: str, dtype: torch.dtype) -> LTPForSequenceClassification:
    config = read_config(name)
    if config.model_type != LTPConfig.model_type:
        raise CheckpointError(
            f"{name}: model_type is {config.model_type!r}, expected {LTPConfig.model_type!r}; "
            "make one with `auditkit train`"
        )
    model = read_weights(name, config, dtype)
    if not isinstance(model, LTPForSequenceClassification):
        raise CheckpointError(f"{name}: opened as {type(model).__name__}, not as an LTP model")
    return model


def _filled(
    config: LTPConfig, weights: Mapping[str, Tensor], dtype: torch.dtype
) -> LTPForSequenceClassification:
    model = LTPForSequenceClassification(config).to(dtype)
    model.thresholds.data = model.thresholds.data.float()
    model.load_state_dict(weights)
    return model
