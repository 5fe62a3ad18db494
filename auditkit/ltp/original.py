"""Checkpoints of the original implementation, kssteven418/LTP: read, checked, mapped to ours.

It is built on I-BERT: RoBERTa's arithmetic under the prefix `ibert.`, with quantisation buffers
that full precision leaves unused, and a learned offset per layer. Its threshold of layer l (from 0)
of L is `final_token_threshold · l / L` in float32, which only the configuration knows, plus that
offset.
"""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp.configuration import SCORE_NORM, LTPConfig
from auditkit.ltp.layouts import SHARED, rename, to_stock
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.text import one_of

MODEL_TYPE = "ltp"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Where the weights are looked for, in this order."""

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

_BUFFERS = (
    "weight_integer", "bias_integer", "fc_scaling_factor", "weight_scaling_factor",
    "act_scaling_factor", "x_min", "x_max", "shift", "embeddings.position_ids",
)  # fmt: skip
"""How the names of what full precision does not use end."""

_OFFSET = re.compile(
    r"ibert\.encoder\.layer\.(0|[1-9]\d{0,3})\.attention\.self\.pruner\.keep_threshold", re.ASCII
)
_QUERY = re.compile(r"roberta\.encoder\.layer\.\d+\.attention\.self\.query\.weight", re.ASCII)

_TOGETHER = "take config.json and the weights from one checkpoint, each whole"


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
            f"--score-norm is {_shown(score_norm)}; available: length, alive, padded:<N>"
        )
    raw = _read_config(name)
    stock, offsets = split(_read_weights(name))
    config = _configuration(name, raw, stock, score_norm)
    layers = config.num_hidden_layers
    expected = set(range(layers)) if raw.get("prune_mode") == "absolute_threshold" else set()
    if set(offsets) != expected:
        raise CheckpointError(
            f"{name}: {len(offsets)} layers have a learned threshold (pruner.keep_threshold), "
            f"expected {len(expected)}: num_hidden_layers is {layers}, prune_mode "
            f"{raw.get('prune_mode')!r}; {_TOGETHER}"
        )
    _check_weights(name, config, stock, offsets)
    thresholds = torch.zeros(layers)
    if expected:
        final = _option(name, raw, "final_token_threshold")
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
            f"{name}: {path.name} cannot be read as tensors ({_line(error)}); it is damaged, or "
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
                f"{name}: the weight {_shown(key)} belongs to no part of the model, whose names "
                f"begin with ibert.; {_TOGETHER}"
            )
        if not _is_plain(value) and not key.endswith(_BUFFERS):
            raise CheckpointError(
                f"{name}: the weight {_shown(key)} is {_kind(value)}, expected a dense "
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


def _configuration(
    name: str, raw: Mapping[str, Any], stock: Mapping[str, Tensor], score_norm: str | None
) -> LTPConfig:
    """Ours, checked as far as the arithmetic depends on it."""
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
        value = _option(name, raw, option)
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
        raise CheckpointError(f"{name}: config.json makes no model: {_line(error)}") from error
    if config.max_tokens < 1:
        raise CheckpointError(
            f"{name}: max_position_embeddings is {config.max_position_embeddings}, expected more "
            f"than pad_token_id + 1 = {(config.pad_token_id or 0) + 1}; {_TOGETHER}"
        )
    return config


def _check_config(name: str, raw: Mapping[str, Any], stock: Mapping[str, Tensor]) -> None:
    """What would otherwise give another arithmetic, or no end of layers."""
    if raw.get("quant_mode") not in (None, False):
        raise CheckpointError(
            f"{name}: quant_mode is {_shown(raw['quant_mode'])}, expected false: its integer "
            "arithmetic is not reproduced here; give the checkpoint from before quantisation"
        )
    if raw.get("position_embedding_type", "absolute") != "absolute":
        seen = _shown(raw["position_embedding_type"])
        raise CheckpointError(f"{name}: position_embedding_type is {seen}, expected 'absolute'")
    if (mode := raw.get("prune_mode")) not in (None, *_RULES):
        known = one_of(_RULES, mode if isinstance(mode, str) else None)
        raise CheckpointError(f"{name}: prune_mode is {_shown(mode)}; {known}, or null")
    for key in (*_SIZES, "pad_token_id"):
        least = 0 if key == "pad_token_id" else 1
        if type(raw.get(key, least)) is not int or raw.get(key, least) < least:
            raise CheckpointError(
                f"{name}: {key} is {_shown(raw[key])}, expected a whole number from {least}; "
                f"{_TOGETHER}"
            )
    eps = raw.get("layer_norm_eps", 1e-12)
    if type(eps) not in (int, float) or not 0 < eps < 1:
        raise CheckpointError(
            f"{name}: layer_norm_eps is {_shown(eps)}, expected a number between 0 and 1"
        )
    layers, held = raw.get("num_hidden_layers", 12), sum(map(bool, map(_QUERY.fullmatch, stock)))
    if layers != held:
        raise CheckpointError(
            f"{name}: num_hidden_layers is {_shown(layers)}, the weights hold {held}; {_TOGETHER}"
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
            f"{name}: id2label is {_shown(given)}, the weights have {count} classes; expected a "
            "name for each index from 0"
        )
    names = [str(given[str(number)]) for number in range(count)]
    if len(set(names)) < count:
        raise CheckpointError(
            f"{name}: id2label gives two classes one name: {_shown(names)}; give each its own"
        )
    return names


def _scoring_mode(name: str, raw: Mapping[str, Any]) -> str:
    mode = _agreed(name, raw, "scoring_mode", "mean")
    if not isinstance(mode, str) or mode not in _NORMS:
        raise CheckpointError(f"{name}: scoring_mode is {_shown(mode)}; {one_of(_NORMS)}")
    return mode


def _option(name: str, raw: Mapping[str, Any], key: str) -> float:
    value = _agreed(name, raw, key, None)
    most = 1.0 if key == "token_keep_rate" else float(torch.finfo(torch.float32).max)
    if type(value) not in (int, float) or not -most <= value <= most:
        raise CheckpointError(
            f"{name}: {key} is {_shown(value)}, expected a finite number"
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
            f"{name}: {key} is {_shown(given[0])}, and {_shown(given[1])} in prune_kwargs; "
            "expected one value: give the config.json that the original saved"
        )
    return given[0] if given else absent


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _check_weights(
    name: str, config: LTPConfig, stock: Mapping[str, Tensor], offsets: Mapping[int, Tensor]
) -> None:
    """Every weight that the model has, with its shape, and no other."""
    try:
        with torch.device("meta"):  # shapes alone: a size may be anything
            expected = to_stock(LTPForSequenceClassification(config))
    except Exception as error:
        raise CheckpointError(f"{name}: config.json makes no model: {_line(error)}") from error
    for key in sorted(expected.keys() ^ stock.keys()):
        what = "is missing" if key in expected else "belongs to no part of the model"
        raise CheckpointError(f"{name}: the weight {_original(key)} {what}; {_TOGETHER}")
    seen = {key: list(value.shape) for key, value in stock.items()}
    wanted = {key: list(value.shape) for key, value in expected.items()}
    for key in wanted:
        if seen[key] != wanted[key]:
            raise CheckpointError(
                f"{name}: the weight {_original(key)} has shape {seen[key]}, expected "
                f"{wanted[key]} by config.json; {_TOGETHER}"
            )
    for number, offset in sorted(offsets.items()):
        if offset.numel() != 1:
            raise CheckpointError(
                f"{name}: the learned threshold of layer {number + 1} (pruner.keep_threshold) has "
                f"shape {list(offset.shape)}, expected a scalar; {_TOGETHER}"
            )


def _original(key: str) -> str:
    return _shown(re.sub(r"^roberta\.", "ibert.", key))


def _shown(value: object) -> str:
    """A value in an error: one line, not too long."""
    text = value if isinstance(value, str) and value.isidentifier() else repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _line(error: Exception) -> str:
    printable = "".join(c if c.isprintable() else " " for c in str(error))
    text = " ".join(printable.split()) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:159]}…"
