"""The names of weights and settings: ours, and those of the stock classifiers."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import CONFIG_MAPPING

from auditkit.errors import CheckpointError
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.stored import shown
from auditkit.text import listing

LAYOUTS = ("bert", "roberta")

_ENCODERS = {"bert": "bert", "roberta": "roberta", "ibert": "roberta", "data2vec_text": "roberta"}
"""How the class that wrote a checkpoint calls its encoder → the layout."""

_TYPES = {
    "bert": "bert", "roberta": "roberta", "xlm-roberta": "roberta", "camembert": "roberta",
    "ibert": "roberta", "data2vec-text": "roberta",
}  # fmt: skip
"""`model_type` → the layout, where the weights do not name their encoder."""

HEADS = {"bert": "classifier.weight", "roberta": "classifier.out_proj.weight"}
"""By layout the weight of a stock classifier with a row for each class."""

_WORDS = "embeddings.word_embeddings.weight"

BUFFERS = (
    "weight_integer", "bias_integer", "fc_scaling_factor", "weight_scaling_factor",
    "act_scaling_factor", "x_min", "x_max", "shift", "embeddings.position_ids",
    "embeddings.token_type_ids",
)  # fmt: skip
"""How the names of what full precision does not use end: I-BERT's quantisation, and positions."""

SHARED = (
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


def recognised(
    name: str, raw: Mapping[str, Any], weights: Iterable[str]
) -> tuple[str, dict[str, str]]:
    """The layout of a stock checkpoint, by what its weights are called.

    Args:
        name: The checkpoint, for errors.
        raw: Its `config.json`; its `model_type` decides only where the weights leave it open.
        weights: Their names.

    Returns:
        The layout, and by a weight's name that of the stock classifier: of the encoder and the
        head; heads for other tasks are left out.

    Raises:
        CheckpointError: It is another architecture, or it cannot be told which.
    """
    keys = list(weights)
    kind = raw.get("model_type")
    prefixes = {key.removesuffix(_WORDS) for key in keys if key.endswith(_WORDS)}
    prefix = prefixes.pop() if len(prefixes) == 1 else None
    layout = _ENCODERS.get(prefix.removesuffix(".")) if prefix else None
    if prefix == "" and isinstance(kind, str):
        layout = _TYPES.get(kind)
    elsewhere = isinstance(kind, str) and kind in CONFIG_MAPPING and kind not in _TYPES
    if layout is None or elsewhere:
        begin = sorted({key.partition(".")[0] for key in keys})
        raise CheckpointError(
            f"{name}: model_type is {shown(kind)}, its weights begin with {listing(begin, 4)}; "
            f"available layouts: {', '.join(LAYOUTS)}, their encoder called {', '.join(_ENCODERS)}"
        )
    names = {}
    for key in keys:
        inside = key.removeprefix(prefix or "")
        part = inside.partition(".")[0]
        if key.endswith(BUFFERS) or (layout, part) == ("roberta", "pooler"):
            continue
        modern = re.sub(r"LayerNorm\.(gamma|beta)$", _modern, inside)
        if key != inside if prefix else part in ("embeddings", "encoder", "pooler"):
            names[key] = f"{layout}.{modern}"
        elif part == "classifier":
            names[key] = key
    return layout, names


def _modern(match: re.Match[str]) -> str:
    """The leaf of a normalisation as it is called since TensorFlow's names were given up."""
    return {"gamma": "LayerNorm.weight", "beta": "LayerNorm.bias"}[match[1]]


def rename(state: Mapping[str, Tensor], layout: str) -> dict[str, Tensor]:
    """A stock classifier's weights, all of them, under our names; query, key and value fused."""
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
                own[f"layers.{number}.qkv.{leaf}"] = torch.cat([state[name] for name in trio])
    return own


def unpruned(state: Mapping[str, Tensor], layout: str) -> dict[str, Tensor]:
    """A stock classifier's weights under our names, and thresholds that drop nothing."""
    own = rename(state, layout)
    layers = sum(key.endswith(".qkv.weight") for key in own)
    return own | {"thresholds": torch.zeros(layers)}


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
