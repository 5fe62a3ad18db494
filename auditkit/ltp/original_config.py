"""The configuration of a checkpoint of the original implementation: checked, and mapped to ours."""

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from auditkit.errors import CheckpointError
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.layouts import SHARED
from auditkit.text import one_of

_RULES = {
    "absolute_threshold": ("absolute", "final_token_threshold"),
    "threshold": ("relative", "token_threshold"),
    "topk": ("topk", "token_keep_rate"),
}
"""The original's `prune_mode` → our rule, and its option."""

_NORMS = {"mean": "padded:128", "mean_norm": "alive"}
"""The original's `scoring_mode` → our score norm; its recipe pads to 128 tokens."""

_SIZES = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "max_position_embeddings", "type_vocab_size",
)  # fmt: skip

_QUERY = re.compile(r"roberta\.encoder\.layer\.\d+\.attention\.self\.query\.weight", re.ASCII)

TOGETHER = "take config.json and the weights from one checkpoint, each whole"


def configuration(
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
    _check_config(name, raw, stock)
    defaults = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    shared = defaults | {key: raw[key] for key in SHARED if key in raw}
    labels = _labels(name, raw, stock)
    fields: dict[str, Any] = {
        "classifier_dropout": None,
        "id2label": dict(enumerate(labels)),
        "label2id": {label: number for number, label in enumerate(labels)},
    }
    mode = raw.get("prune_mode")
    if mode is None:
        fields["pruning"] = "off"
    else:
        rule, option = _RULES[mode]
        value = read_number(name, raw, option)
        fields |= {"rule": rule} | {
            "relative": {"relative_threshold": value}, "topk": {"topk_rate": value}
        }.get(rule, {})  # fmt: skip
    norm = _NORMS[_scoring_mode(name, raw)] if score_norm is None else score_norm
    try:
        config = LTPConfig(
            layout="roberta", original=True, protect_first=False, score_norm=norm,
            **shared | fields,
        )  # fmt: skip
    except Exception as error:
        raise CheckpointError(f"{name}: config.json makes no model: {cause(error)}") from error
    if config.max_tokens < 1:
        raise CheckpointError(
            f"{name}: max_position_embeddings is {config.max_position_embeddings}, expected more "
            f"than pad_token_id + 1 = {(config.pad_token_id or 0) + 1}; {TOGETHER}"
        )
    return config


def _check_config(name: str, raw: Mapping[str, Any], stock: Mapping[str, Tensor]) -> None:
    """What would otherwise give another arithmetic, or no end of layers."""
    if raw.get("quant_mode") not in (None, False):
        raise CheckpointError(
            f"{name}: quant_mode is {shown(raw['quant_mode'])}, expected false: its integer "
            "arithmetic is not reproduced here; give the checkpoint from before quantisation"
        )
    if raw.get("position_embedding_type", "absolute") != "absolute":
        seen = shown(raw["position_embedding_type"])
        raise CheckpointError(f"{name}: position_embedding_type is {seen}, expected 'absolute'")
    if (mode := raw.get("prune_mode")) not in (None, *_RULES):
        known = one_of(_RULES, mode if isinstance(mode, str) else None)
        raise CheckpointError(f"{name}: prune_mode is {shown(mode)}; {known}, or null")
    for key in (*_SIZES, "pad_token_id"):
        least = 0 if key == "pad_token_id" else 1
        if type(raw.get(key, least)) is not int or raw.get(key, least) < least:
            raise CheckpointError(
                f"{name}: {key} is {shown(raw[key])}, expected a whole number from {least}; "
                f"{TOGETHER}"
            )
    eps = raw.get("layer_norm_eps", 1e-12)
    if type(eps) not in (int, float) or not 0 < eps < 1:
        raise CheckpointError(
            f"{name}: layer_norm_eps is {shown(eps)}, expected a number between 0 and 1"
        )
    layers, held = raw.get("num_hidden_layers", 12), sum(map(bool, map(_QUERY.fullmatch, stock)))
    if layers != held:
        raise CheckpointError(
            f"{name}: num_hidden_layers is {shown(layers)}, the weights hold {held}; {TOGETHER}"
        )


def _labels(name: str, raw: Mapping[str, Any], stock: Mapping[str, Tensor]) -> list[str]:
    """Class names by class index: `LABEL_0`, … where the configuration names none."""
    bias = stock.get("classifier.out_proj.bias")
    count = 0 if bias is None else bias.numel()
    given = raw.get("id2label")
    if given is None:
        return [f"LABEL_{number}" for number in range(count)]
    if not isinstance(given, dict) or set(given) != {str(number) for number in range(count)}:
        raise CheckpointError(
            f"{name}: id2label is {shown(given)}, the weights have {count} classes; expected a "
            "name for each index from 0"
        )
    names = [str(given[str(number)]) for number in range(count)]
    if len(set(names)) < count:
        raise CheckpointError(
            f"{name}: id2label gives two classes one name: {shown(names)}; give each its own"
        )
    return names


def _scoring_mode(name: str, raw: Mapping[str, Any]) -> str:
    mode = _agreed(name, raw, "scoring_mode", "mean")
    if not isinstance(mode, str) or mode not in _NORMS:
        raise CheckpointError(f"{name}: scoring_mode is {shown(mode)}; {one_of(_NORMS)}")
    return mode


def read_number(name: str, raw: Mapping[str, Any], key: str) -> float:
    """An option of a rule.

    Raises:
        CheckpointError: It is no finite number, or stands twice with two values.
    """
    value = _agreed(name, raw, key, None)
    most = 1.0 if key == "token_keep_rate" else float(torch.finfo(torch.float32).max)
    if type(value) not in (int, float) or not -most <= value <= most:
        raise CheckpointError(
            f"{name}: {key} is {shown(value)}, expected a finite number"
            f"{' up to 1' if most == 1.0 else ''}; give the config.json that the original saved"
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


def shown(value: object) -> str:
    """A value in an error: one line, not too long."""
    text = value if isinstance(value, str) and value.isidentifier() else repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def cause(error: Exception) -> str:
    """What an error of a library says: one line, not too long."""
    printable = "".join(c if c.isprintable() else " " for c in str(error))
    text = " ".join(printable.split()) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:159]}…"
