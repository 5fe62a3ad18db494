"""The bench: the models of one audit, opened, and everything that is asked of their arms.

Which arms there are, whose weights they have and what happens to tokens: `auditkit.trace.arms`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from auditkit.bench.settings import ModelSettings
from auditkit.errors import CheckpointError
from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.cost import Cost, count
from auditkit.ltp.inference import Result, run
from auditkit.ltp.pruning import permute_depths
from auditkit.ltp.tokenizing import tokenize
from auditkit.trace import ARMS, Class, ModelAbout, arm

_TOKENIZING = ("truncation_side", "split_special_tokens")
"""Settings of a tokenizer that are handed to its engine with every text."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One document as the models read it."""

    token_ids: list[int]
    spans: list[tuple[int, int]]
    """Half-open, in code points of the text; (0, 0) for special tokens."""
    special: np.ndarray
    """(n,) bool"""
    truncated: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What one arm says of one document."""

    probs: np.ndarray
    """(C,) float32, in the bench's class order; of a class that is made of several, their sum."""
    depths: np.ndarray
    """(n,) int8 survival depths."""
    lengths: np.ndarray
    """(L + 1,) tokens alive before the first layer and after each layer's decision."""

    @property
    def predicted(self) -> int:
        """Class index; the lowest of equals."""
        return int(self.probs.argmax())


@dataclass(frozen=True, slots=True)
class Subject:
    """One model under audit."""

    model: LTPForSequenceClassification
    about: ModelAbout
    classes: tuple[tuple[int, ...], ...]
    """For each of the bench's classes, where those that it is made of stand among the model's."""

    def grouped(self, probs: np.ndarray) -> np.ndarray:
        """(B, C) in the bench's classes, of (B, C') in the model's."""
        return np.stack([probs[:, list(c)].sum(1) for c in self.classes], axis=1)


class Bench:
    """The models of one audit and their tokenizer."""

    def __init__(
        self,
        subjects: Mapping[str, Subject],
        absent: Mapping[str, str],
        tokenizer: Any,
        labels: tuple[str, ...],
        max_length: int,
        settings: ModelSettings,
    ) -> None:
        """Take what `auditkit.bench.opening.open_bench` opened.

        Args:
            subjects: By `model`, the one under audit, `baseline`, `continued`, `reseeded`.
            absent: Why each of the others was not opened.
            tokenizer: The model's; all subjects read its tokens.
            labels: Class names, in the model's order until `grouped` says otherwise.
            max_length: Tokens a document, at most.
            settings: What the bench was opened with.
        """
        self.subjects, self.absent = dict(subjects), dict(absent)
        self.tokenizer, self.labels, self.own_labels = tokenizer, labels, labels
        self.classes = tuple(Class(name, model=(index,)) for index, name in enumerate(labels))
        self.max_length, self.settings = max_length, settings

    def grouped(self, classes: tuple[Class, ...]) -> "Bench":
        """The same models over the classes that a data set was matched with.

        Args:
            classes: Made of those that the bench was opened with.
        """
        bench = copy(self)
        bench.labels, bench.classes = tuple(one.name for one in classes), classes
        bench.subjects = {
            name: replace(
                subject,
                classes=tuple(sum((subject.classes[c] for c in one.model), ()) for one in classes),
            )
            for name, subject in self.subjects.items()
        }
        return bench

    @property
    def model(self) -> Subject:
        """The model under audit."""
        return self.subjects["model"]

    @property
    def device(self) -> str:
        """What kind of device the models are on: `cpu`, `cuda`."""
        return str(self.model.model.device.type)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that all documents are put to, in the order of `ARMS`."""
        return tuple(
            entry.name
            for entry in ARMS
            if entry.subject in self.subjects
            and not entry.sampled
            and entry.name != "changed"  # of a model that drops no tokens; none is opened yet
        )

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Tokenize documents, cutting them at the audit's length."""
        return [
            Encoded(
                token_ids=found.ids,
                spans=found.offsets,
                special=np.array(found.special_tokens_mask, dtype=bool),
                truncated=bool(found.overflowing),
            )
            for found in tokenize(self.tokenizer, texts, self.max_length)
        ]

    @property
    def special_tokens(self) -> dict[str, str]:
        """Names of the tokenizer's special tokens, by token id."""
        ids, names = self.tokenizer.all_special_ids, self.tokenizer.all_special_tokens
        return {str(token): str(name) for token, name in sorted(zip(ids, names, strict=True))}

    def tokenization(self) -> dict[str, Any]:
        """What the tokenizer does to a text, but for its length, as plain JSON."""
        state: dict[str, Any] = json.loads(self.tokenizer.backend_tokenizer.to_str())
        kept = {key: part for key, part in state.items() if key not in ("truncation", "padding")}
        return kept | {name: getattr(self.tokenizer, name) for name in _TOKENIZING}

    def answer(
        self,
        name: str,
        documents: Sequence[Encoded],
        *,
        depths: Sequence[np.ndarray] | None = None,
        on_batch: Callable[[int], None] = lambda documents: None,
        **masks: Sequence[np.ndarray],
    ) -> list[Answer]:
        """Ask one arm about documents.

        Args:
            name: Of the arm.
            documents: As `encode` gives them.
            depths: Survival depths by document, for an arm that follows them.
            on_batch: Told the number of documents after every batch.
            **masks: What `run` takes by document: `read`, and where the arm prunes `force_keep` and
                `force_drop`.

        Raises:
            CheckpointError: The bench has no such model.
            TraceError: There is no such arm.
        """
        subject = self.subject(name)
        answers: list[Answer | None] = [None] * len(documents)
        token_ids = [document.token_ids for document in documents]
        for result in self._results(name, token_ids, depths, masks):
            probs = subject.grouped(result.probs)
            for row, index in enumerate(result.indices):
                answers[index] = Answer(probs[row], result.depths[row], result.lengths[:, row])
            on_batch(len(result.indices))
        return [answer for answer in answers if answer is not None]

    def _results(
        self,
        name: str,
        token_ids: Sequence[list[int]],
        depths: Sequence[np.ndarray] | None,
        masks: Mapping[str, Any],
    ) -> Iterator[Result]:
        model = self.subject(name).model
        if name == "repeat":
            from auditkit.ltp.padded import run_padded

            return run_padded(model, token_ids)  # last bits depend on the batches: always the same
        return run(
            model,
            token_ids,
            batch_tokens=self.settings.batch_tokens,
            pruning="off" if arm(name).pruning == "off" else "hard",
            depths=depths,
            **masks,
        )

    def subject(self, name: str) -> Subject:
        """The model behind an arm.

        Raises:
            CheckpointError: The bench has no such model.
            TraceError: There is no such arm.
        """
        whose = arm(name).subject
        if whose not in self.subjects:
            raise CheckpointError(f"no {whose}: {self.absent[whose]}")
        return self.subjects[whose]

    def cost(self, name: str, answers: Sequence[Answer]) -> Cost:
        """Counted MACs of documents, (L, B) for attention and FFN."""
        lengths = np.stack([answer.lengths for answer in answers], axis=1)
        return count(self.subject(name).model.config, lengths)


def random_depths(document: Encoded, depths: np.ndarray, seed: Sequence[int]) -> np.ndarray:
    """The random control of one document and draw, whatever else is audited."""
    return permute_depths(depths, document.special, np.random.default_rng(list(seed)))
