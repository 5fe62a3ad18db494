"""Tiny classifiers of transformers, random and of all kinds, made on the spot."""

from pathlib import Path
from typing import Any

import tiny
import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

WIDTHS: dict[str, dict[str, Any]] = {
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "modernbert": {
        "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
        "intermediate_size": 64, "local_attention": 8, "global_attn_every_n_layers": 3,
    },
    "deberta-v2": {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 64, "relative_attention": True, "pos_att_type": ["p2c", "c2p"],
    },
}  # fmt: skip
"""By `model_type`: as small as they come."""

OTHERS: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
}  # fmt: skip


def classifier(
    directory: Path,
    kind: str = "distilbert",
    *,
    tokenizer: str = "bert",
    seed: int = 0,
    labels: tuple[str, ...] = tiny.CLASSES,
    **config: Any,
) -> Path:
    """A random classifier with a tokenizer of the layout `bert` or `roberta` beside it."""
    home = tiny.backbone(tokenizer, directory.with_name(f"{directory.name}-encoder"))
    pieces = AutoTokenizer.from_pretrained(home)
    torch.manual_seed(seed)
    own = AutoConfig.for_model(
        kind, vocab_size=len(pieces), pad_token_id=pieces.pad_token_id,
        max_position_embeddings=tiny.LONGEST + 2, initializer_range=0.3,
        id2label=dict(enumerate(labels)), label2id={name: i for i, name in enumerate(labels)},
        **{**WIDTHS.get(kind, OTHERS), **config},
    )  # fmt: skip
    model = AutoModelForSequenceClassification.from_config(own)  # type: ignore[no-untyped-call]
    model.save_pretrained(directory)
    pieces.save_pretrained(directory)
    return directory
