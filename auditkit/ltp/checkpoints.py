"""Opening checkpoints: ours, the original implementation's, and stock classifiers of our layouts.

What they must hold is said in `reading`; here they become models, whose answers are seen to be
numbers.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
from transformers.utils import logging

from auditkit.errors import CheckpointError
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.inference import run
from auditkit.ltp.layouts import LAYOUTS
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.naming import stock_configuration, unpruned
from auditkit.ltp.original import MODEL_TYPE
from auditkit.ltp.pruning import finite
from auditkit.ltp.reading import read_classifier, read_declared, read_encoder


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
        CheckpointError: It is not there, is no LTP checkpoint, is damaged, has thresholds that are
            not finite numbers, one per layer, or gives answers that are none.
    """
    path, raw = read_declared(name)
    kind = raw.get("model_type")
    if kind not in (LTPConfig.model_type, MODEL_TYPE):
        raise CheckpointError(
            f"{name}: model_type is {kind!r}, expected {LTPConfig.model_type!r}; "
            "make one with `auditkit train`"
        )
    config, weights = read_classifier(name, path, raw, score_norm)
    if score_norm not in (None, config.score_norm):
        raise CheckpointError(
            f"{name}: its scores are divided by {config.score_norm!r}, --score-norm is "
            f"{score_norm!r}; the choice is open for checkpoints of the original alone"
        )
    return _opened(name, config, weights, dtype)


def load_baseline(name: str, *, dtype: torch.dtype = torch.float32) -> LTPForSequenceClassification:
    """Open a stock classifier of one of our layouts as a model of ours that prunes nothing.

    One engine runs all arms, so that they differ in their weights and masks alone.

    Raises:
        CheckpointError: It is not there, is damaged, has another layout or another head than that
            of a single-label classifier, or gives answers that are no numbers.
    """
    config, weights = read_classifier(name, *read_declared(name))
    config.pruning = "off"
    return _opened(name, config, weights, dtype)


def open_backbone(name: str, labels: Sequence[str]) -> PreTrainedModel:
    """A stock classifier over `labels` on a pretrained encoder.

    Its head is newly initialised where the checkpoint has none for as many labels.

    Raises:
        CheckpointError: It is not there, is damaged, or has another layout.
    """
    config, weights = read_encoder(name, labels)
    stock = stock_configuration(config)
    kind: Any = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[type(stock)]
    model: PreTrainedModel = kind.from_pretrained(
        None, config=stock, state_dict=weights, dtype=torch.float32
    )
    return model


def from_stock(stock: PreTrainedModel, **changes: Any) -> LTPForSequenceClassification:
    """An LTP model with copies of the weights of a stock classifier, and all thresholds 0.

    Args:
        stock: The classifier.
        changes: Settings of ours that are not to be as it has them.

    Raises:
        CheckpointError: A layout that is none of ours, or positions that are not absolute.
    """
    source = stock.config
    layout = source.model_type
    if layout not in LAYOUTS:
        raise CheckpointError(f"model_type is {layout!r}; available layouts: {', '.join(LAYOUTS)}")
    if getattr(source, "position_embedding_type", "absolute") not in (None, "absolute"):
        raise CheckpointError(
            f"position_embedding_type is {source.position_embedding_type!r}; expected 'absolute'"
        )
    own = LAYOUTS[layout]
    told = {ours: getattr(source, theirs, None) for ours, theirs in own.settings.items()}
    config = LTPConfig(layout=layout, **{**told, **own.fixed, **changes})
    copies = {key: value.clone() for key, value in stock.state_dict().items()}
    return _filled(config, unpruned(copies, layout), stock.dtype)


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
    ends = (".safetensors", ".bin", ".index.json")
    files = [p for p in directory.iterdir() if p.name.endswith(ends)]
    for path in sorted([*files, directory / "config.json"]):
        if path.is_file():
            digest.update(path.name.encode())
            with path.open("rb") as handle:
                for block in iter(lambda: handle.read(1 << 20), b""):
                    digest.update(block)
    return digest.hexdigest()


def _opened(
    name: str, config: LTPConfig, weights: Mapping[str, Tensor], dtype: torch.dtype
) -> LTPForSequenceClassification:
    """The model in evaluation mode, its numbers seen to be numbers."""
    try:
        finite(weights["thresholds"].tolist())
    except ValueError as error:
        raise CheckpointError(f"{name}: {error}; train it again") from error
    model = _filled(config, weights, torch.float32).eval()
    check_answers(name, model)
    return model if dtype == torch.float32 else _filled(config, weights, dtype).eval()


def check_answers(name: str, model: LTPForSequenceClassification) -> None:
    """Make sure that what a model says of one document are numbers, pruned and not.

    Raises:
        CheckpointError: They are none.
    """
    document = list(range(min(model.config.max_tokens, model.config.vocab_size, 16)))
    try:
        for mode in dict.fromkeys(("off", model.config.pruning)):
            list(run(model, [document], pruning=mode))
    except CheckpointError as error:
        raise CheckpointError(f"{name}: {error}") from error


def _filled(
    config: LTPConfig, weights: Mapping[str, Tensor], dtype: torch.dtype
) -> LTPForSequenceClassification:
    model: LTPForSequenceClassification = LTPForSequenceClassification.from_pretrained(
        None, config=config, state_dict=dict(weights), dtype=dtype
    )
    return model
