"""The configuration of a checkpoint of the original implementation, mapped to ours."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from auditkit.errors import CheckpointError
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.declared import class_names, configuration
from auditkit.ltp.layouts import LAYOUTS
from auditkit.ltp.stored import shown
from auditkit.text import one_of

_RULES = {
    "absolute_threshold": ("absolute", "final_token_threshold"),
    "threshold": ("relative", "token_threshold"),
    "topk": ("topk", "token_keep_rate"),
}
"""The original's `prune_mode` → our rule, and its option."""

_NORMS = {"mean": "padded:128", "mean_norm": "alive"}
"""The original's `scoring_mode` → our score norm; its recipe pads to 128 tokens."""

_OPTIONS = {"relative": "relative_threshold", "topk": "topk_rate"}
"""Our rule → our name of its option; thresholds are weights of ours."""


def original_configuration(
    name: str, raw: Mapping[str, Any], stock: Mapping[str, Tensor], score_norm: str | None
) -> LTPConfig:
    """Ours, checked as far as the arithmetic depends on it.

    Args:
        name: The checkpoint, for errors.
        raw: Its `config.json`.
        stock: Its weights under the names of a stock RoBERTa classifier.
        score_norm: As in `LTPConfig`; None: by its `scoring_mode`.

    Raises:
        CheckpointError: Something in it cannot be, is not reproduced here, or does not fit the
            weights.
    """
    mode = raw.get("prune_mode")
    if mode is not None and not (isinstance(mode, str) and mode in _RULES):
        known = one_of(_RULES, mode if isinstance(mode, str) else None)
        raise CheckpointError(f"{name}: prune_mode is {shown(mode)}; {known}, or null")
    own: dict[str, Any] = {"pruning": "off"}
    if mode is not None:
        rule, option = _RULES[mode]
        value = read_number(name, raw, option)
        own = {"rule": rule} | ({_OPTIONS[rule]: value} if rule in _OPTIONS else {})
    norm = _NORMS[_scoring_mode(name, raw)] if score_norm is None else score_norm
    labels = class_names(name, raw, stock, LAYOUTS["roberta"].classes)
    return configuration(
        name, raw, "roberta", stock, labels,
        original=True, protect_first=False, score_norm=norm, classifier_dropout=None, **own,
    )  # fmt: skip


def _scoring_mode(name: str, raw: Mapping[str, Any]) -> str:
    mode = _agreed(name, raw, "scoring_mode", "mean")
    if not isinstance(mode, str) or mode not in _NORMS:
        raise CheckpointError(f"{name}: scoring_mode is {shown(mode)}; {one_of(_NORMS)}")
    return mode


def read_number(name: str, raw: Mapping[str, Any], key: str) -> float:
    """An option of a rule.

    Raises:
        CheckpointError: It is no finite number, a share under 0 or above 1, or stands twice with
            two values.
    """
    value = _agreed(name, raw, key, None)
    most = float(torch.finfo(torch.float32).max)
    least, most, expected = (
        (-most, most, "a finite number")
        if key == "final_token_threshold"
        else (0.0, 1.0, "a number from 0 to 1")
    )
    if type(value) not in (int, float) or not least <= value <= most:
        raise CheckpointError(
            f"{name}: {key} is {shown(value)}, expected {expected}; "
            "give the config.json that the original saved"
        )
    return float(value)


def _agreed(name: str, raw: Mapping[str, Any], key: str, absent: object) -> Any:
    """A setting that stands at the top of the configuration, in `prune_kwargs`, or in both."""
    options = raw.get("prune_kwargs")
    places = [raw, options] if isinstance(options, dict) else [raw]
    given = [place[key] for place in places if key in place]
    if len(given) == 2 and given[0] != given[1] and not all(_is_nan(value) for value in given):
        raise CheckpointError(
            f"{name}: {key} is {shown(given[0])}, and {shown(given[1])} in prune_kwargs; "
            "expected one value: give the config.json that the original saved"
        )
    return given[0] if given else absent


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
