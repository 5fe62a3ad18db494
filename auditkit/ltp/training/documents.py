"""The documents of a training: as people label them, as token ids, as the Trainer reads them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from auditkit.ltp.inference import pad
from auditkit.ltp.tokenizing import tokenize

CALIBRATION_DOCUMENTS = 400
"""Training documents that thresholds are started and offsets fitted on."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts with class indices."""

    texts: Sequence[str]
    labels: Sequence[int]


class Tokens:
    """The documents to learn from and the held-out ones as token ids."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        training: Labelled,
        held_out: Labelled,
        max_length: int,
    ) -> None:
        self.tokenizer = tokenizer
        self.labels, self.held_labels = list(training.labels), list(held_out.labels)
        self.ids: list[list[int]]
        self.held_ids: list[list[int]]
        self.ids, self.held_ids = (
            [found.ids for found in tokenize(tokenizer, part.texts, max_length)]
            for part in (training, held_out)
        )

    @property
    def mean_score(self) -> float:
        """Mean importance score of a token: attention adds up to 1 over a document's tokens."""
        return len(self.ids) / sum(map(len, self.ids))

    @property
    def calibration(self) -> list[list[int]]:
        """Evenly spread training documents."""
        step = max(1, len(self.ids) // CALIBRATION_DOCUMENTS)
        return self.ids[::step][:CALIBRATION_DOCUMENTS]


class Rows(Dataset[dict[str, Any]]):
    """What the Trainer reads: a document's tokens, its label, and the teacher's logits if any."""

    def __init__(self, tokens: Tokens, teacher: np.ndarray | None) -> None:
        self.tokens, self.teacher = tokens, teacher

    def __len__(self) -> int:
        return len(self.tokens.ids)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row: dict[str, Any] = {
            "input_ids": self.tokens.ids[index],
            "labels": self.tokens.labels[index],
        }
        if self.teacher is not None:
            row["teacher"] = self.teacher[index].tolist()
        return row


def padded(rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    """A batch of what the Trainer reads. No row of padding is computed: any id will do."""
    ids, cpu = [row["input_ids"] for row in rows], torch.device("cpu")
    batch = {
        "input_ids": pad(ids, 0, cpu),
        "attention_mask": pad([np.ones(len(row), dtype=np.int64) for row in ids], 0, cpu),
    }
    rest = rows[0].keys() - {"input_ids"}
    return batch | {key: torch.tensor([row[key] for row in rows]) for key in sorted(rest)}


def documents_sha256(*parts: Labelled) -> str:
    """sha256 over labels and texts, in order."""
    digest = hashlib.sha256()
    for part in parts:
        for text, label in zip(part.texts, part.labels, strict=True):
            digest.update(f"{label}\0{text}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
