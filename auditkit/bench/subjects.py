"""The bench: the models of one audit, opened, and everything that is asked of their arms.

Which arms there are, whose weights they have and what happens to tokens: `auditkit.trace.arms`. A
model behind them is a `Subject`: an LTP checkpoint (`bench/ltp_subject.py`), a classifier of
transformers (`bench/stock.py`), or saved predictions (`bench/saved.py`). No model library is
imported here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from auditkit.bench.settings import ModelSettings
from auditkit.data.examples import Example
from auditkit.errors import CheckpointError, TraceError
from auditkit.trace import Arm, Class, Kind, ModelAbout, arm, arms_of

if TYPE_CHECKING:
    from auditkit.bench.dropper import Chosen
    from auditkit.ltp.cost import Cost


@dataclass(frozen=True, slots=True)
class Encoded:
    """One document as the models read it."""

    token_ids: list[int]
    spans: list[tuple[int, int]]
    """Half-open, in code points of the text; (0, 0) for special tokens."""
    special: np.ndarray
    """(n,) bool"""
    truncated: bool
    text: str = ""
    """The whole text, which a subject with a tokenizer of its own reads anew."""
    example_id: str = ""
    """Of a document of the data set; "" of other texts."""


class Reader(Protocol):
    """How texts become the tokens of a subject."""

    @property
    def max_length(self) -> int:
        """Tokens a document, at most."""
        ...

    @property
    def special_tokens(self) -> dict[str, str]:
        """Names of special tokens, by token id."""
        ...

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Texts as tokens, cut at `max_length`."""
        ...

    def rules(self) -> dict[str, Any]:
        """What is done to a text, but for its length, as plain JSON."""
        ...


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


@dataclass(frozen=True)
class Subject(ABC):
    """One model of an audit: how it reads texts, and what it says of them."""

    kind: ClassVar[Kind] = "change"
    """Of the audit; where nothing drops tokens every token outlives all layers."""
    askable: ClassVar[bool] = True
    """Whether it can be asked of other texts than the recorded ones."""
    timed: ClassVar[bool] = True
    """Whether the time that it takes is that of what it stands for."""

    about: ModelAbout
    classes: tuple[tuple[int, ...], ...]
    """For each of the bench's classes, where those that it is made of stand among the model's."""
    reader: Reader

    def grouped(self, probs: np.ndarray) -> np.ndarray:
        """(B, C) in the bench's classes, of (B, C') in the model's."""
        return np.stack([probs[:, list(c)].sum(1) for c in self.classes], axis=1)

    @property
    def hardware(self) -> tuple[str, int]:
        """What it runs on, by kind and name, such as `cpu (x86_64)`; and threads of the CPU."""
        return "none", 1

    @abstractmethod
    def answers(
        self,
        arm: Arm,
        documents: Sequence[Encoded],
        batch_tokens: int,
        depths: Sequence[np.ndarray] | None,
        masks: Mapping[str, Sequence[np.ndarray]],
    ) -> Iterator[list[tuple[int, Answer]]]:
        """Which documents, each with its answer, batch by batch: see `Bench.answer`."""

    def cost(self, lengths: np.ndarray) -> "Cost | None":
        """Counted MACs of documents, of (L + 1, B) tokens alive; None: they are not counted."""
        return None


class Bench:
    """The models of one audit."""

    def __init__(
        self,
        subjects: Mapping[str, Subject],
        absent: Mapping[str, str],
        labels: tuple[str, ...],
        settings: ModelSettings,
        chosen: "Chosen | None" = None,
    ) -> None:
        """Take what `auditkit.bench.opening.open_bench` opened.

        Args:
            subjects: By `model`, the one under audit, `baseline`, `continued`, `reseeded`.
            absent: Why each of the others was not opened.
            labels: Class names, in the model's order until `grouped` says otherwise.
            settings: What the bench was opened with.
            chosen: And the method that drops its tokens, if another than the model's own.
        """
        self.chosen = chosen
        self.subjects, self.absent = dict(subjects), dict(absent)
        self.labels, self.own_labels, self.settings = labels, labels, settings
        self.classes = tuple(Class(name, model=(index,)) for index, name in enumerate(labels))

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
    def reader(self) -> Reader:
        """That of the model under audit, whose tokens are recorded."""
        return self.model.reader

    @property
    def device(self) -> str:
        """What kind of device the models are on: `cpu`, `cuda`."""
        return self.model.hardware[0].partition(" ")[0].partition(":")[0]

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that all documents are put to, in the order of `ARMS`."""
        possible = arms_of(self.model.kind)
        return tuple(a.name for a in possible if a.subject in self.subjects and not a.sampled)

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Tokenize documents, cutting them at the audit's length."""
        return self.reader.encode(texts)

    def read(self, examples: Sequence[Example]) -> list[Encoded]:
        """`encode` of documents of the data set, which are known by their ids."""
        documents = self.encode([example.text for example in examples])
        return [
            replace(document, example_id=example.example_id)
            for document, example in zip(documents, examples, strict=True)
        ]

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
            **masks: What `auditkit.ltp.inference.run` takes by document: `read`, and where the arm
                prunes `force_keep` and `force_drop`.

        Raises:
            CheckpointError: The bench has no such model.
            TraceError: There is no such arm, or it cannot be asked this.
        """
        subject = self.subject(name)
        if subject.reader is not self.reader:
            if masks:
                raise TraceError(f"arm {name} reads other tokens than those that are named")
            documents = subject.reader.encode([document.text for document in documents])
        answers: list[Answer | None] = [None] * len(documents)
        tokens = self.settings.batch_tokens
        for batch in subject.answers(arm(name), documents, tokens, depths, masks):
            for index, said in batch:
                answers[index] = said
            on_batch(len(batch))
        return [answer for answer in answers if answer is not None]

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

    def cost(self, name: str, answers: Sequence[Answer]) -> "Cost | None":
        """Counted MACs of documents, (L, B) for attention and FFN; None: they are not counted."""
        lengths = np.stack([answer.lengths for answer in answers], axis=1)
        return self.subject(name).cost(lengths)
