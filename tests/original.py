"""Checkpoints as the original implementation wrote them, with weights of our tiny models."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.naming import to_stock

FINAL = 0.013
"""`final_token_threshold`: the linear part of the thresholds."""

SETTINGS = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob", "max_position_embeddings",
    "type_vocab_size", "initializer_range", "layer_norm_eps", "pad_token_id", "bos_token_id",
    "eos_token_id",
)  # fmt: skip


def offset(layer: int) -> str:
    """Name of what a layer's pruner has learned."""
    return f"ibert.encoder.layer.{layer}.attention.self.pruner.keep_threshold"


def state_of(model: LTPForSequenceClassification) -> dict[str, Tensor]:
    """The original's state dict, buffers included, with thresholds that come to the model's."""
    state = {
        key.replace("roberta.", "ibert.", 1): value.clone()
        for key, value in to_stock(model).items()
    }
    for key in [key for key in state if key.endswith(".dense.weight")]:
        state[f"{key}_integer"] = torch.zeros_like(state[key])
        state[key.replace("dense.weight", "output_activation.x_min")] = torch.zeros(1)
    state["ibert.embeddings.position_ids"] = torch.arange(5)[None]
    layers = len(model.thresholds)
    for layer, threshold in enumerate(model.thresholds.detach()):
        state[offset(layer)] = threshold - torch.tensor(FINAL * layer / layers)
    return state


def config_of(model: LTPForSequenceClassification) -> dict[str, Any]:
    """The original's configuration, absolute thresholds, classes without names."""
    count = len(model.config.labels)
    return {name: getattr(model.config, name) for name in SETTINGS} | {
        "architectures": ["LTPForSequenceClassification"],
        "final_token_threshold": FINAL,
        "force_dequant": "none",
        "id2label": {str(number): f"LABEL_{number}" for number in range(count)},
        "model_type": "ltp",
        "position_embedding_type": "absolute",
        "prune_kwargs": {
            "final_token_threshold": FINAL, "num_hidden_layers": model.config.num_hidden_layers
        },
        "prune_mode": "absolute_threshold",
        "quant_mode": False,
    }  # fmt: skip


def write(
    directory: Path, config: dict[str, Any], state: dict[str, Any], *, pickled: bool = False
) -> Path:
    """A checkpoint directory of the original's kind."""
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config))
    if pickled:
        torch.save(state, directory / "pytorch_model.bin")
    else:
        save_file(state, directory / "model.safetensors", {"format": "pt"})
    return directory
