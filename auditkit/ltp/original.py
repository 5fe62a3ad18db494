"""Checkpoints of the original implementation, kssteven418/LTP: read, checked, mapped to ours.

It is built on I-BERT: RoBERTa's arithmetic under the prefix `ibert.`, with quantisation buffers
that full precision leaves unused, and a learned offset per layer. Its threshold of layer l (from 0)
of L is `final_token_threshold · l / L` in float32, which only the configuration knows, plus that
offset.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp.configuration import SCORE_NORM, LTPConfig
from auditkit.ltp.layouts import rename, to_stock
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.original_config import TOGETHER, cause, configuration, read_number, shown

MODEL_TYPE = "ltp"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Where the weights are looked for, in this order."""

_BUFFERS = (
    "weight_integer", "bias_integer", "fc_scaling_factor", "weight_scaling_factor",
    "act_scaling_factor", "x_min", "x_max", "shift", "embeddings.position_ids",
)  # fmt: skip
"""How the names of what full precision does not use end."""

_OFFSET = re.compile(
    r"ibert\.encoder\.layer\.(0|[1-9]\d{0,3})\.attention\.self\.pruner\.keep_threshold", re.ASCII
)


def is_original(name: str) -> bool:
    """Whether a local directory holds a checkpoint of the original implementation."""
    return _read_config(name).get("model_type") == MODEL_TYPE


def read_original(name: str, score_norm: str | None = None) -> tuple[LTPConfig, dict[str, Tensor]]:
    """Our configuration and our weights for an original checkpoint.

    Args:
        name: Its directory.
        score_norm: As in `LTPConfig`; None: `padded:128`, or `alive` where the checkpoint's
            `scoring_mode` is `mean_norm`.

    Raises:
        CheckpointError: It is damaged, quantised, or of a rule that we do not have; its
            configuration and its weights do not fit each other.
        SettingsError: There is no such score norm.
    """
    if score_norm is not None and not SCORE_NORM.fullmatch(score_norm):
        raise SettingsError(
            f"--score-norm is {shown(score_norm)}; available: length, alive, padded:<N>"
        )
    raw = _read_config(name)
    stock, offsets = split(_read_weights(name))
    config = configuration(name, raw, stock, score_norm)
    layers = config.num_hidden_layers
    expected = set(range(layers)) if raw.get("prune_mode") == "absolute_threshold" else set()
    if set(offsets) != expected:
        raise CheckpointError(
            f"{name}: {len(offsets)} layers have a learned threshold (pruner.keep_threshold), "
            f"expected {len(expected)}: num_hidden_layers is {layers}, prune_mode "
            f"{raw.get('prune_mode')!r}; {TOGETHER}"
        )
    _check_weights(name, config, stock, offsets)
    thresholds = torch.zeros(layers)
    if expected:
        final = read_number(name, raw, "final_token_threshold")
        thresholds = torch.tensor([final * number / layers for number in range(layers)])
        thresholds += torch.stack([offsets[number].reshape(()) for number in range(layers)])
    own = rename({key: value.float() for key, value in stock.items()}, "roberta")
    return config, own | {"thresholds": thresholds}


def split(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[int, Tensor]]:
    """An original's state dict without its buffers, in two.

    Returns:
        The weights under the names of a stock RoBERTa classifier, and by layer (from 0) the scalar
        that its pruner has learned.
    """
    stock: dict[str, Tensor] = {}
    offsets: dict[int, Tensor] = {}
    for key, value in state.items():
        if match := _OFFSET.fullmatch(key):
            offsets[int(match[1])] = value
        elif not key.endswith(_BUFFERS):
            stock[re.sub(r"^ibert\.", "roberta.", key)] = value
    return stock, offsets


def _read_config(name: str) -> dict[str, Any]:
    """`config.json` of a local directory; empty where there is none that can be read."""
    try:
        raw = json.loads(Path(name, "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _read_weights(name: str) -> dict[str, Tensor]:
    """The state dict: dense floating-point tensors by name, none larger than the file made it."""
    path = next((p for p in (Path(name, file) for file in WEIGHTS) if p.is_file()), None)
    if path is None:
        raise CheckpointError(f"{name}: no weights; expected {' or '.join(WEIGHTS)}")
    try:
        if path.suffix == ".bin":
            state = torch.load(path, map_location="cpu", weights_only=True)
        else:
            state = load_file(path)
    except Exception as error:
        raise CheckpointError(
            f"{name}: {path.name} cannot be read as tensors ({cause(error)}); it is damaged, or "
            "holds more than weights: copy it again, or save the state_dict alone"
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise CheckpointError(
            f"{name}: {path.name} holds a {type(state).__name__}, expected a mapping of names to "
            "tensors; save the model's state_dict"
        )
    for key, value in state.items():
        if key.startswith("roberta."):
            raise CheckpointError(
                f"{name}: the weight {shown(key)} belongs to no part of the model, whose names "
                f"begin with ibert.; {TOGETHER}"
            )
        if not _is_plain(value) and not key.endswith(_BUFFERS):
            raise CheckpointError(
                f"{name}: the weight {shown(key)} is {_kind(value)}, expected a dense "
                "floating-point tensor; save the state_dict in full precision"
            )
    return dict(state)


def _is_plain(value: object) -> bool:
    if not isinstance(value, Tensor) or value.layout != torch.strided:
        return False
    if value.is_quantized or value.is_meta or not value.is_floating_point():
        return False
    held: int = value.untyped_storage().nbytes()
    return value.numel() * value.element_size() <= held  # no view larger than what it shows


def _kind(value: object) -> str:
    return f"a {value.dtype} tensor" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _check_weights(
    name: str, config: LTPConfig, stock: Mapping[str, Tensor], offsets: Mapping[int, Tensor]
) -> None:
    """Every weight that the model has, with its shape, and no other."""
    try:
        with torch.device("meta"):  # shapes alone: a size may be anything
            expected = to_stock(LTPForSequenceClassification(config))
    except Exception as error:
        raise CheckpointError(f"{name}: config.json makes no model: {cause(error)}") from error
    for key in sorted(expected.keys() ^ stock.keys()):
        what = "is missing" if key in expected else "belongs to no part of the model"
        raise CheckpointError(f"{name}: the weight {_original(key)} {what}; {TOGETHER}")
    seen = {key: list(value.shape) for key, value in stock.items()}
    wanted = {key: list(value.shape) for key, value in expected.items()}
    for key in wanted:
        if seen[key] != wanted[key]:
            raise CheckpointError(
                f"{name}: the weight {_original(key)} has shape {seen[key]}, expected "
                f"{wanted[key]} by config.json; {TOGETHER}"
            )
    for number, offset in sorted(offsets.items()):
        if offset.numel() != 1:
            raise CheckpointError(
                f"{name}: the learned threshold of layer {number + 1} (pruner.keep_threshold) has "
                f"shape {list(offset.shape)}, expected a scalar; {TOGETHER}"
            )


def _original(key: str) -> str:
    return shown(re.sub(r"^roberta\.", "ibert.", key))
