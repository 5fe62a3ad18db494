"""A checkpoint's configuration and weights, read by transformers; each failure is one line."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from auditkit.errors import CheckpointError


def read_config(name: str) -> Any:
    """The configuration of a checkpoint, of whatever model type.

    Raises:
        CheckpointError: It is not there, or cannot be read.
    """
    try:
        return AutoConfig.from_pretrained(name, trust_remote_code=False)
    except Exception as error:
        raise CheckpointError(f"{name}: {reason(name, error, 'config.json')}") from error


def read_weights(name: str, config: Any, dtype: torch.dtype) -> PreTrainedModel:
    """The classifier of that configuration, every weight of it from the checkpoint.

    Raises:
        CheckpointError: It cannot be read, or a weight is missing or has another shape.
    """
    model, wrong = open_weights(name, config, dtype)
    for key, what in wrong.items():
        raise CheckpointError(
            f"{name}: the weight {key} {what} ({len(wrong)} such); "
            "it is no trained classifier, or it is damaged: train or download it again"
        )
    return model


def open_weights(
    name: str, config: Any, dtype: torch.dtype
) -> tuple[PreTrainedModel, dict[str, str]]:
    """The classifier of that configuration, and what is wrong with which of its weights.

    Raises:
        CheckpointError: It cannot be read.
    """
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
        raise CheckpointError(f"{name}: {reason(name, error, 'weights')}") from error
    wrong = dict.fromkeys(info["missing_keys"], "is missing") | {
        key: f"has shape {list(seen)}, expected {list(expected)}"
        for key, seen, expected in info["mismatched_keys"]
    }
    return model, dict(sorted(wrong.items()))


def reason(name: str, error: Exception, part: str) -> str:
    """One line on why a part of a checkpoint could not be read, and what to do."""
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
