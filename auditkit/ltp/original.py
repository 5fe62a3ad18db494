"""Checkpoints of the original implementation, kssteven418/LTP: checked, and mapped to ours.

It is built on I-BERT: RoBERTa's arithmetic under the prefix `ibert.`, with quantisation buffers
that full precision leaves unused, and a learned offset per layer. Its threshold of layer l (from 0)
of L is `final_token_threshold · l / L` in float32, which only the configuration knows, plus that
offset.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp.configuration import SCORE_NORM, LTPConfig
from auditkit.ltp.declared import TOGETHER, unbuilt
from auditkit.ltp.layouts import BUFFERS
from auditkit.ltp.naming import rename, to_stock
from auditkit.ltp.original_config import original_configuration, read_number
from auditkit.ltp.stored import shown
from auditkit.ltp.weights import check_dense, check_shapes

MODEL_TYPE = "ltp"

_OFFSET = re.compile(
    r"ibert\.encoder\.layer\.(0|[1-9]\d{0,3})\.attention\.self\.pruner\.keep_threshold", re.ASCII
)

T = TypeVar("T")


def read_original(
    name: str, raw: Mapping[str, Any], state: Mapping[str, Tensor], score_norm: str | None
) -> tuple[LTPConfig, dict[str, Tensor]]:
    """Our configuration and our weights for an original checkpoint.

    Args:
        name: The checkpoint, for errors.
        raw: Its `config.json`.
        state: Its state dict.
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
    for key in state:
        if key.startswith("roberta."):
            raise CheckpointError(
                f"{name}: the weight {shown(key)} belongs to no part of the model, whose names "
                f"begin with ibert.; {TOGETHER}"
            )
    stock, offsets = split(state)
    check_dense(name, {_original(key): value for key, value in stock.items()})
    check_dense(name, {f"pruner {number}": value for number, value in offsets.items()})
    config = original_configuration(name, raw, stock, score_norm)
    layers = config.num_hidden_layers
    expected = set(range(layers)) if raw.get("prune_mode") == "absolute_threshold" else set()
    if set(offsets) != expected:
        raise CheckpointError(
            f"{name}: {len(offsets)} layers have a learned threshold (pruner.keep_threshold), "
            f"expected {len(expected)}: num_hidden_layers is {layers}, prune_mode "
            f"{raw.get('prune_mode')!r}; {TOGETHER}"
        )
    seen, wanted = (
        {_original(key): value for key, value in weights.items()}
        for weights in (stock, to_stock(unbuilt(name, config)))
    )
    check_shapes(name, seen, wanted, TOGETHER)
    for number, offset in sorted(offsets.items()):
        if offset.numel() != 1:
            raise CheckpointError(
                f"{name}: the learned threshold of layer {number + 1} (pruner.keep_threshold) has "
                f"shape {list(offset.shape)}, expected a scalar; {TOGETHER}"
            )
    thresholds = torch.zeros(layers)
    if expected:
        final = read_number(name, raw, "final_token_threshold")
        thresholds = torch.tensor([final * number / layers for number in range(layers)])
        thresholds += torch.stack([offsets[number].reshape(()) for number in range(layers)])
    own = rename({key: value.float() for key, value in stock.items()}, "roberta")
    return config, own | {"thresholds": thresholds}


def split(state: Mapping[str, T]) -> tuple[dict[str, T], dict[int, T]]:
    """An original's state dict without its buffers, in two.

    Returns:
        The weights under the names of a stock RoBERTa classifier, and by layer (from 0) the scalar
        that its pruner has learned.
    """
    stock: dict[str, T] = {}
    offsets: dict[int, T] = {}
    for key, value in state.items():
        if match := _OFFSET.fullmatch(key):
            offsets[int(match[1])] = value
        elif not key.endswith(BUFFERS):
            stock[re.sub(r"^ibert\.", "roberta.", key)] = value
    return stock, offsets


def _original(key: str) -> str:
    return re.sub(r"^roberta\.", "ibert.", key)
