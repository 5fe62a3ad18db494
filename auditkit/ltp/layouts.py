"""The names of weights and settings: ours, and those of the stock classifiers."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from auditkit.errors import CheckpointError
from auditkit.ltp.modeling import LTPForSequenceClassification

LAYOUTS = ("bert", "roberta")

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
