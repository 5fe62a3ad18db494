"""Opening checkpoints: ours, and the stock BERT and RoBERTa classifiers that ours are made from.

A checkpoint is hostile input: weights come from safetensors, or from a `.bin` through
`weights_only=True`; no code of the checkpoint ever runs.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from auditkit.errors import CheckpointError
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.modeling import LTPForSequenceClassification

LAYOUTS = ("bert", "roberta")

_SHARED = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
    "max_position_embeddings",
    "type_vocab_size",
    "initializer_range",
    "layer_norm_eps",
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
    "id2label",
    "label2id",
)
"""What our configuration and those of the stock classifiers have in common."""

_LAYER = {
    "attention.output.dense": "attention_out",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "ffn_in",
    "output.dense": "ffn_out",
    "output.LayerNorm": "ffn_norm",
}

_HEAD = {
    "bert": {"bert.pooler.dense": "head.dense", "classifier": "head.out"},
    "roberta": {"classifier.dense": "head.dense", "classifier.out_proj": "head.out"},
}


def load_ltp(name: str, *, dtype: torch.dtype = torch.float32) -> LTPForSequenceClassification:
    """Open a checkpoint of ours, from a directory or the hub.

    Raises:
        CheckpointError: It is not there, is no LTP checkpoint, is damaged, or its thresholds are
            not finite numbers, one per layer.
    """
    config = _config(name)
    if config.model_type != LTPConfig.model_type:
        raise CheckpointError(
            f"{name}: model_type is {config.model_type!r}, expected {LTPConfig.model_type!r}; "
            "make one with `auditkit train`"
        )
    model = _weights(name, config, dtype)
    if not isinstance(model, LTPForSequenceClassification):
        raise CheckpointError(f"{name}: opened as {type(model).__name__}, not as an LTP model")
    bad = [i + 1 for i, t in enumerate(model.thresholds.tolist()) if not abs(t) < float("inf")]
    if bad:
        raise CheckpointError(
            f"{name}: the threshold of layer {bad[0]} is "
            f"{model.thresholds[bad[0] - 1].item()}, expected a finite number; train it again"
        )
    return model.eval()


def load_baseline(name: str, *, dtype: torch.dtype = torch.float32) -> LTPForSequenceClassification:
    """Open a stock BERT or RoBERTa classifier as a model of ours that prunes nothing.

    One engine runs all arms, so that they differ in their weights and masks alone.

    Raises:
        CheckpointError: It is not there, is damaged, or has another layout.
    """
    config = _config(name)
    if config.model_type == LTPConfig.model_type:
        model = load_ltp(name, dtype=dtype)
        model.config.pruning = "off"
        return model
    if config.model_type not in LAYOUTS:
        raise CheckpointError(
            f"{name}: model_type is {config.model_type!r}; available layouts: {', '.join(LAYOUTS)}"
        )
    model = from_stock(_weights(name, config, dtype))
    model.config.pruning = "off"
    return model.eval()


def open_backbone(name: str, labels: Sequence[str]) -> PreTrainedModel:
    """A stock classifier over `labels` on a pretrained encoder.

    Its head is newly initialised where the checkpoint has none for as many labels.

    Raises:
        CheckpointError: It is not there, is damaged, or has another layout.
    """
    config = _config(name)
    if config.model_type not in LAYOUTS:
        raise CheckpointError(
            f"{name}: model_type is {config.model_type!r}; available layouts: {', '.join(LAYOUTS)}"
        )
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: i for i, label in enumerate(labels)}
    model, wrong = _open(name, config, torch.float32)
    encoder = [key for key in wrong if not key.startswith(("classifier.", "bert.pooler."))]
    if encoder:
        raise CheckpointError(
            f"{name}: the weight {encoder[0]} {wrong[encoder[0]]} ({len(encoder)} such in the "
            "encoder); it is damaged or no encoder: download it again"
        )
    return model


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The fast tokenizer beside a checkpoint.

    Raises:
        CheckpointError: There is none, or it knows no character offsets.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True, trust_remote_code=False)
    except Exception as error:
        raise CheckpointError(f"{name}: {_reason(name, error, 'tokenizer')}") from error
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"{name}: {type(tokenizer).__name__} knows no character offsets; save a fast tokenizer "
            "(tokenizer.json) beside the model"
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
    shared: dict[str, Any] = {name: getattr(source, name, None) for name in _SHARED}
    model = LTPForSequenceClassification(LTPConfig(layout=layout, **shared)).to(stock.dtype)
    model.thresholds.data = model.thresholds.data.float()
    model.load_state_dict(rename(stock.state_dict(), layout) | {"thresholds": model.thresholds})
    return model


def to_stock(model: LTPForSequenceClassification) -> dict[str, Tensor]:
    """The weights under the names of the stock classifier: the inverse of `rename`."""
    layout = model.config.layout
    own = model.state_dict()
    stock: dict[str, Tensor] = {}
    heads = {ours: theirs for theirs, ours in _HEAD[layout].items()}
    parts = {ours: theirs for theirs, ours in _LAYER.items()}
    for key, value in own.items():
        module, _, leaf = key.rpartition(".")
        if key.startswith("embeddings."):
            stock[f"{layout}.{key}"] = value
        elif module in heads:
            stock[f"{heads[module]}.{leaf}"] = value
        elif match := re.fullmatch(r"layers\.(\d+)\.(\w+)", module):
            prefix = f"{layout}.encoder.layer.{match[1]}"
            if match[2] != "qkv":
                stock[f"{prefix}.{parts[match[2]]}.{leaf}"] = value
                continue
            for name, third in zip(("query", "key", "value"), value.chunk(3), strict=True):
                stock[f"{prefix}.attention.self.{name}.{leaf}"] = third
    return stock


def save_stock(model: LTPForSequenceClassification, directory: Path) -> None:
    """Save an unpruned model as the stock classifier of its layout, which anybody can open."""
    config = model.config
    shared = {name: getattr(config, name) for name in _SHARED}
    stock = AutoModelForSequenceClassification.from_config(  # type: ignore[no-untyped-call]
        AutoConfig.for_model(config.layout, **shared)
    )
    stock.load_state_dict(to_stock(model), strict=True)
    stock.save_pretrained(directory)


def rename(state: Mapping[str, Tensor], layout: str) -> dict[str, Tensor]:
    """A stock classifier's weights under our names, query, key and value fused.

    Raises:
        CheckpointError: A weight that a classifier of that layout has is missing.
    """
    own: dict[str, Tensor] = {}
    for key, value in state.items():
        module, _, leaf = key.rpartition(".")
        if key.startswith(f"{layout}.embeddings.") and leaf != "position_ids":
            own[key.removeprefix(f"{layout}.")] = value
        elif module in _HEAD[layout]:
            own[f"{_HEAD[layout][module]}.{leaf}"] = value
        elif match := re.fullmatch(rf"{layout}\.encoder\.layer\.(\d+)\.(.+)", module):
            number, part = match.groups()
            if part in _LAYER:
                own[f"layers.{number}.{_LAYER[part]}.{leaf}"] = value
            elif part == "attention.self.query":
                trio = [key.replace(".query.", f".{name}.") for name in ("query", "key", "value")]
                missing = [name for name in trio if name not in state]
                if missing:
                    raise CheckpointError(f"the checkpoint lacks {missing[0]}")
                own[f"layers.{number}.qkv.{leaf}"] = torch.cat([state[name] for name in trio])
    return own


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


def _config(name: str) -> Any:
    try:
        return AutoConfig.from_pretrained(name, trust_remote_code=False)
    except Exception as error:
        if Path(name, "config.json").is_file() and _model_type(name) == "ltp":
            raise CheckpointError(
                f"{name}: model_type is 'ltp', a checkpoint of the original implementation, "
                f"expected {LTPConfig.model_type!r}; make one with `auditkit train`"
            ) from error
        raise CheckpointError(f"{name}: {_reason(name, error, 'config.json')}") from error


def _model_type(name: str) -> str:
    try:
        return str(json.loads(Path(name, "config.json").read_text(encoding="utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _weights(name: str, config: Any, dtype: torch.dtype) -> PreTrainedModel:
    model, wrong = _open(name, config, dtype)
    for key, what in wrong.items():
        raise CheckpointError(
            f"{name}: the weight {key} {what} ({len(wrong)} such); "
            "it is no trained classifier, or it is damaged: train or download it again"
        )
    return model


def _open(name: str, config: Any, dtype: torch.dtype) -> tuple[PreTrainedModel, dict[str, str]]:
    """The model, and what is wrong with which of its weights."""
    try:
        model, info = AutoModelForSequenceClassification.from_pretrained(
            name,
            config=config,
            dtype=dtype,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # told below, where the names are known
            trust_remote_code=False,
        )
    except Exception as error:
        raise CheckpointError(f"{name}: {_reason(name, error, 'weights')}") from error
    wrong = dict.fromkeys(info["missing_keys"], "is missing") | {
        key: f"has shape {list(seen)}, expected {list(expected)}"
        for key, seen, expected in info["mismatched_keys"]
    }
    return model, dict(sorted(wrong.items()))


def _reason(name: str, error: Exception, part: str) -> str:
    """One line that says what is wrong and what to do."""
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    path = Path(name)
    if path.is_dir():
        there = ", ".join(sorted(p.name for p in path.iterdir())[:8]) or "nothing"
        return f"the {part} cannot be read ({first[:160]}); the directory holds: {there}"
    if path.exists() or name.startswith((".", "/", "~")) or name.count("/") > 1:
        return "no such directory; give a checkpoint directory or a hub id (owner/name)"
    return (
        "neither a local directory nor a hub model that can be reached from here; without a "
        "network give the path of a downloaded copy"
    )
