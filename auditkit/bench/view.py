"""What probes may ask of the models: `auditkit.plugin.BenchView` over an open bench."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from auditkit.bench.intervening import intervene
from auditkit.bench.opening import open_bench
from auditkit.bench.reading import read
from auditkit.bench.states import states
from auditkit.bench.subjects import Bench, Encoded
from auditkit.data.annotate import Annotator
from auditkit.data.examples import Dataset, load_dataset
from auditkit.data.sampling import stratified
from auditkit.data.settings import DataSettings
from auditkit.data.training import words_of
from auditkit.errors import DataError, TraceError
from auditkit.plugin import GlossaryTerm, IdentityTerm
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
        *,
        glossary: tuple[GlossaryTerm, ...] = (),
        lexicon: tuple[IdentityTerm, ...] = (),
        training: Dataset | None = None,
        attribution_sample: int = 200,
        progress: Callable[[int, int], None] = lambda done, total: None,
        part: Part = lambda decides, make: make(),
    ) -> None:
        self._others: dict[str, Bench] = {}
        self._bench, self._trace, self._annotator, self._data = bench, trace, annotator, data
        self.glossary, self.lexicon = glossary, lexicon
        self.attribution_sample = attribution_sample
        self._given = training
        self._progress, self._part = progress, part
        self.rests_on_training = False
        """Whether a probe has asked for the training texts."""

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

    @cached_property
    def _training(self) -> Dataset | None:
        """What was given, else the data set's training split; None where all of it is audited."""
        if self._given is not None:
            return self._given
        audited = self.about.dataset
        if audited.split in ("train", "all"):
            return None  # the audited data would be counted against itself
        source = DataSettings(
            dataset=self._data.dataset,
            split="train",
            text_column=self._data.text_column or audited.text_column,  # or several, joined
            label_column=audited.label_column,
            labels=self._data.labels,
            data_dir=self._data.data_dir,
        )
        try:
            return load_dataset(source, label_names=self._bench.own_labels)
        except DataError:
            return None

    def training_sha256(self) -> str:
        """Of the training texts; "" where there are none."""
        return self._training.sha256 if self._training else ""

    def training_words(self) -> pd.DataFrame | None:
        """Words of the training texts by class: columns label, lower, count."""
        self.rests_on_training, data = True, self._training
        return None if data is None else words_of(data, self._annotator, self._progress)

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
        said = self.documents.answers("pruned")
        assert said is not None  # every run has that arm
        targets = said.predicted[self.documents.rows_of(ids), 0].tolist()
        return attributions(
            self._bench,
            arms,
            methods,
            dict(zip(ids, documents, strict=True)),
            self._words(ids),
            dict(zip(ids, targets, strict=True)),
            self._counting(len(ids)),
            self._part,
        )

    @property
    def _unpruned(self) -> list[str]:
        """The arms that drop no tokens and run on all documents."""
        return [name for name in self._bench.arms if arms.arm(name).pruning == "off"]

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
        self._check(arm, self._bench.arms)
        if dtype not in self._others:
            changed = self._bench.settings.model_copy(update={"dtype": dtype})
            self._others[dtype] = open_bench(changed).grouped(self._bench.classes)
        bench, texts = self._others[dtype], dict(self.texts(example_ids))
        documents = bench.encode([texts[example_id] for example_id in example_ids])
        answers = bench.answer(arm, documents, on_batch=self._counting(len(documents)))
        return pd.DataFrame(
            {
                "example_id": list(example_ids),
                "predicted": [answer.predicted for answer in answers],
                "depths": [answer.depths.tolist() for answer in answers],
            }
        )

    def read(self, arm: str, texts: pd.DataFrame) -> pd.DataFrame:
        """What an arm says of other texts: see `BenchView`. Equal texts are read once.

        Raises:
            TraceError: `arm` is none of those that run on all documents.
        """
        self._check(arm, self._bench.arms)
        return read(self._bench, arm, texts, self._counting)

    def intervene(self, arm: str, changes: pd.DataFrame) -> pd.DataFrame:
        """What an arm says where tokens are kept, dropped or left unread: see `BenchView`.

        Raises:
            TraceError: `arm` is none of those that run on all documents, or cannot be put to a
                change.
        """
        self._check(arm, self._bench.arms)
        documents = dict(zip(*self._encoded(changes["example_id"]), strict=True))
        return intervene(self._bench, arm, documents, changes, self._counting(len(changes)))

    def token_states(self, arm: str, places: pd.DataFrame, layer: int) -> np.ndarray:
        """States of tokens after a layer: see `BenchView`.

        Raises:
            TraceError: `arm` is none of those that drop no tokens and run on all documents.
        """
        self._check(arm, self._unpruned)
        ids, documents = self._encoded(places["example_id"])
        own = {
            name: np.asarray(rows) for name, rows in places.groupby("example_id").indices.items()
        }
        position = places["position"].to_numpy(dtype=np.int64)
        found = np.zeros((len(places), self._bench.model.about.hidden_size), dtype=np.float32)
        for index, own_states in states(
            self._bench, arm, documents, layer, self._counting(len(ids))
        ):
            rows = own[ids[index]]
            found[rows] = own_states[position[rows]]
        return found

    def document_states(self, arm: str, example_ids: Sequence[str]) -> np.ndarray:
        """States of documents: see `BenchView`.

        Raises:
            TraceError: `arm` is none of those that run on all documents.
        """
        self._check(arm, self._bench.arms)
        ids, documents = self._encoded(example_ids)
        said = states(self._bench, arm, documents, None, self._counting(len(ids)))
        found = {ids[at]: own for at, own in said}
        return np.stack([found[one] for one in example_ids])

    def _encoded(self, example_ids: Iterable[str]) -> tuple[list[str], list[Encoded]]:
        """Documents as the models read them, each once, in the order of ids."""
        ids = sorted(set(example_ids))
        texts = dict(self.texts(ids))
        return ids, self._bench.encode([texts[one] for one in ids]) if ids else []

    def _counting(self, total: int) -> Callable[[int], None]:
        """Adds up what batches report, and tells it as progress."""
        done = 0

        def on_batch(count: int) -> None:
            nonlocal done
            done += count
            self._progress(done, total)

        return on_batch

    def _check(self, arm: str, asked: Sequence[str]) -> None:
        if arm not in asked:
            raise TraceError(f"no arm {arm!r} can be asked; {one_of(asked, arm)}")
