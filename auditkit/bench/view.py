"""What probes may ask of the models: `auditkit.plugin.BenchView` over an open bench."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from auditkit.bench.counting import Counting
from auditkit.bench.given import NOTHING, Given, Supplied, training_split
from auditkit.bench.intervening import intervene
from auditkit.bench.reading import asked, read
from auditkit.bench.subjects import Bench, Encoded
from auditkit.data.annotate import Annotator
from auditkit.data.sampling import stratified
from auditkit.data.settings import DataSettings
from auditkit.data.training import words_of
from auditkit.errors import TraceError
from auditkit.plugin import GlossaryTerm, IdentityTerm, Swaps
from auditkit.text import one_of
from auditkit.trace import About, Documents, Trace, arms
from auditkit.trace.caching import Part


class ProbeBench:
    """Implements `BenchView` over an open bench and a recorded trace."""

    def __init__(
        self,
        bench: Bench,
        trace: Trace,
        annotator: Annotator,
        data: DataSettings,
        supplied: Supplied = NOTHING,
        *,
        progress: Callable[[int, int], None] = lambda done, total: None,
        part: Part = lambda decides, make: make(),
    ) -> None:
        self._others: dict[str, Bench] = {}
        self._bench, self._trace, self._annotator, self._data = bench, trace, annotator, data
        own = bench.own_labels
        self.given = Given(supplied, lambda: training_split(data, self.about.dataset, own))
        """What the probe is given, and what it has read of it."""
        self._counting, self._part = Counting(progress), part

    @property
    def about(self) -> About:
        """What was recorded."""
        return self._trace.about

    @property
    def documents(self) -> Documents:
        """The documents of the run, without their texts."""
        return self._trace.documents

    def texts(self, example_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Id and text of these documents, shard by shard."""
        for frame in self._trace.scan("texts", ["example_id", "text"], ids=example_ids):
            yield from zip(frame["example_id"], frame["text"], strict=True)

    def scan(
        self, name: str, columns: Sequence[str] | None = None, ids: Iterable[str] | None = None
    ) -> Iterator[pd.DataFrame]:
        """A table of the run, shard by shard: `Trace.scan`."""
        return self._trace.scan(name, columns, ids)

    @property
    def stop_words(self) -> frozenset[str]:
        """Those of the pipeline's language, in lower case."""
        return self._annotator.language.stop_words

    @property
    def glossary(self) -> tuple[GlossaryTerm, ...]:
        """Terms that the user supplied."""
        return self.given.glossary

    @property
    def lexicon(self) -> tuple[IdentityTerm, ...]:
        """Terms of groups of people."""
        return self.given.lexicon

    @property
    def swaps(self) -> Swaps:
        """Words that can stand for one another, and templates."""
        return self.given.swaps

    @property
    def attribution_sample(self) -> int:
        """How many documents to attribute."""
        return self.given.attribution_sample

    def training_words(self) -> pd.DataFrame | None:
        """Words of the training texts by class: columns label, lower, count."""
        data = self.given.training
        if data is None:
            return None
        return words_of(data, self._annotator, self._counting(len(data.examples)))

    def expect(self, questions: int) -> None:
        """How much the probe asks in all: see `BenchView`."""
        self._counting.expect(questions)

    def stratified_sample(self, size: int, among: Iterable[str] | None = None) -> list[str]:
        """`size` example ids (or all), each class with its share, seeded, in the order of ids."""
        rows = slice(None) if among is None else np.unique(self.documents.rows_of(among))
        ids, labels = self.documents.ids[rows].tolist(), self.documents.label[rows].tolist()
        return stratified(dict(zip(ids, labels, strict=True)), size, self.about.seed, 3)

    def attribute(
        self, arms: Sequence[str], methods: Sequence[str], example_ids: Sequence[str]
    ) -> pd.DataFrame:
        """Attributions by arm and method: see `BenchView`. What was attributed is kept on the way.

        Raises:
            TraceError: An arm is none of those that drop no tokens and run on all documents.
        """
        from auditkit.bench.attributing import attributions  # Captum is slow to import

        for name in arms:
            self._check(name, self._unpruned)
        ids, documents = self._encoded(example_ids)
        (audited,) = self.about.in_role("audited")
        said = self.documents.answers(audited)
        assert said is not None  # every run has that arm
        targets = said.predicted[self.documents.rows_of(ids), 0].tolist()
        of, classes = (dict(zip(ids, own, strict=True)) for own in (documents, targets))
        words, counting = self._words(ids), self._counting(len(ids))
        return attributions(self._bench, arms, methods, of, words, classes, counting, self._part)

    @property
    def _askable(self) -> tuple[str, ...]:
        """The arms that run on all documents; none of saved predictions."""
        return self._bench.arms if self._bench.model.askable else ()

    @property
    def _unpruned(self) -> list[str]:
        """The arms that drop no tokens and run on all documents."""
        return [name for name in self._askable if arms.arm(name).pruning == "off"]

    def _words(self, ids: Sequence[str]) -> dict[str, np.ndarray]:
        """(n,) of each document, the word of each token; -1 of none."""
        tokens = pd.concat(self.scan("tokens", ["example_id", "position", "word"], ids))
        tokens = tokens.sort_values(["example_id", "position"])
        return {str(one): own.to_numpy() for one, own in tokens.groupby("example_id")["word"]}

    def ask(self, arm: str, example_ids: Sequence[str], dtype: str) -> pd.DataFrame:
        """What an arm says when its checkpoint is opened in `dtype`.

        Raises:
            TraceError: `arm` is none of those that run on all documents.
        """
        from auditkit.bench.opening import open_bench

        self._check(arm, self._askable)
        if dtype not in self._others:
            changed = self._bench.settings.model_copy(update={"dtype": dtype})
            opened = open_bench(changed, self._bench.chosen)
            self._others[dtype] = opened.grouped(self._bench.classes)
        known = dict(self.texts(example_ids))
        texts = {one: known[one] for one in example_ids}
        return asked(self._others[dtype], arm, texts, self._counting(len(texts)))

    def padded(
        self, arm: str, example_ids: Sequence[str], batch_size: int, extra: int = 0, **how: Any
    ) -> pd.DataFrame:
        """What an arm says in padded batches: see `BenchView`.

        Raises:
            TraceError: `arm` is none of those that drop tokens, or there is no such way of calling.
        """
        from auditkit.bench import calling

        documents, call = self._dropping(arm, example_ids), calling.Call(batch_size, extra, **how)
        return calling.padded(self._bench, arm, documents, call, self._counting(len(documents)))

    def scored(self, arm: str, example_ids: Sequence[str], factor: float = 1.0) -> pd.DataFrame:
        """What an arm decides by, at thresholds times `factor`: see `BenchView`.

        Raises:
            TraceError: `arm` is none of those that drop tokens.
        """
        from auditkit.bench import calling

        documents = self._dropping(arm, example_ids)
        return calling.scored(self._bench, arm, documents, factor, self._counting(len(documents)))

    def read(self, arm: str, texts: pd.DataFrame) -> pd.DataFrame:
        """What an arm says of other texts: see `BenchView`. Equal texts are read once.

        Raises:
            TraceError: `arm` is none of those that run on all documents.
        """
        self._check(arm, self._askable)
        return read(self._bench, arm, texts, self._counting)

    def intervene(self, arm: str, changes: pd.DataFrame) -> pd.DataFrame:
        """What an arm says where tokens are kept, dropped or left unread: see `BenchView`.

        Raises:
            TraceError: `arm` is none of those that run on all documents, or cannot be put to a
                change.
        """
        self._check(arm, self._askable)
        documents = dict(zip(*self._encoded(changes["example_id"]), strict=True))
        return intervene(self._bench, arm, documents, changes, self._counting(len(changes)))

    def token_states(self, arm: str, places: pd.DataFrame, layer: int) -> np.ndarray:
        """States of tokens after a layer: see `BenchView`.

        Raises:
            TraceError: `arm` is none of those that drop no tokens and run on all documents.
        """
        from auditkit.bench.states import states_at

        self._check(arm, self._unpruned)
        ids, documents = self._encoded(places["example_id"])
        own = dict(zip(ids, documents, strict=True))
        return states_at(self._bench, arm, own, places, layer, self._counting(len(ids)))

    def document_states(self, arm: str, example_ids: Sequence[str]) -> np.ndarray:
        """States of documents: see `BenchView`.

        Raises:
            TraceError: `arm` is none of those that run on all documents.
        """
        from auditkit.bench.states import states

        self._check(arm, self._askable)
        ids, documents = self._encoded(example_ids)
        said = states(self._bench, arm, documents, None, self._counting(len(ids)))
        found = {ids[at]: own for at, own in said}
        return np.stack([found[one] for one in example_ids])

    def _dropping(self, arm: str, example_ids: Iterable[str]) -> dict[str, Encoded]:
        """Documents for an arm that drops tokens and runs on all of them."""
        self._check(arm, [name for name in self._askable if name not in self._unpruned])
        return dict(zip(*self._encoded(example_ids), strict=True))

    def _encoded(self, example_ids: Iterable[str]) -> tuple[list[str], list[Encoded]]:
        """Documents as the models read them, each once, in the order of ids."""
        ids = sorted(set(example_ids))
        texts = dict(self.texts(ids))
        return ids, self._bench.encode([texts[one] for one in ids]) if ids else []

    def _check(self, arm: str, asked: Sequence[str]) -> None:
        if not asked:
            raise TraceError(f"arm {arm}: no model can be asked: these are saved predictions")
        if arm not in asked:
            raise TraceError(f"no arm {arm!r} can be asked; {one_of(asked, arm)}")
