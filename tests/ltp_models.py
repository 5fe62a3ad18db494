"""Tiny random models and documents for the tests of auditkit.ltp."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.checkpoints import from_stock
from auditkit.ltp.layouts import LAYOUTS

VOCABULARY = 60
LONGEST = 40
PAD = {"bert": 0, "roberta": 1, "distilbert": 0}


def tiny_stock(layout: str, seed: int = 0, **changes: Any) -> PreTrainedModel:
    """A stock classifier whose weights are wide enough for attention to differ between tokens.

    Other arguments change its configuration, by the names that BERT's has.
    """
    torch.manual_seed(seed)
    fields: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": LONGEST + (2 if layout == "roberta" else 0),
        "type_vocab_size": 1 if layout == "roberta" else 2,
        "num_labels": 3,
        "initializer_range": 0.3,
        "pad_token_id": PAD[layout],
    } | changes
    names, fixed = LAYOUTS[layout].spelled, LAYOUTS[layout].fixed
    told = {names.get(key, key): value for key, value in fields.items() if key not in fixed}
    config = AutoConfig.for_model(layout, **told)
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-untyped-call]
    model.train(False)
    return model


def documents(count: int, seed: int = 0, longest: int = LONGEST) -> list[list[int]]:
    """Random documents, among them one token, one group of eight, and the longest."""
    rng = np.random.default_rng(seed)
    lengths = [1, 2, 7, 8, longest, *rng.integers(3, longest, size=count)][:count]
    return [rng.integers(5, VOCABULARY, size=n).tolist() for n in lengths]


def pruning_model(
    layout: str = "bert", seed: int = 0, drop: float = 0.3, layers: int = 3, **changes: Any
) -> LTPForSequenceClassification:
    """A model in evaluation mode, every layer of which drops about the share `drop` of its tokens.

    Other arguments change its LTPConfig.
    """
    model = from_stock(tiny_stock(layout, seed, num_hidden_layers=layers)).eval()
    for name, value in changes.items():
        setattr(model.config, name, value)
    inputs = batch(documents(40, seed=99, longest=24), PAD[layout])
    with torch.no_grad():
        model.thresholds.fill_(1e-9)
        for layer in range(layers):
            output = model(**inputs, pruning="hard", output_scores=True)
            assert output.scores is not None
            seen = output.scores[layer][output.scores[layer] > 0]
            if len(seen):
                model.thresholds[layer] = torch.quantile(seen, drop)
    return model


def batch(rows: Sequence[Sequence[int]], fill: int, width: int | None = None) -> dict[str, Tensor]:
    """The model's inputs, padded on the right."""
    width = width or max(map(len, rows))
    ids = torch.full((len(rows), width), fill)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask}


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.path, "executed")
