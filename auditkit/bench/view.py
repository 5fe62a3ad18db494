"""What probes may ask of the models: `auditkit.plugin.BenchView` over an open bench."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from auditkit.bench.subjects import Bench
from auditkit.data.annotate import Annotator
from auditkit.data.examples import load_dataset, stratified
from auditkit.errors import DataError
from auditkit.trace.tables import About, Trace


@dataclass(frozen=True)
class TrainingSource:
    """Where the training split of the audited data set is, if it has one."""

    name: str
    audited_split: str
    text_column: str
    label_column: str
    data_dir: Path | None


class ProbeBench:
    """Implements `BenchView` over an open bench and a recorded trace."""

    def __init__(
        self,
        bench: Bench,
        trace: Trace,
        annotator: Annotator,
        training: TrainingSource,
        *,
        glossary: tuple[str, ...] = (),
        attribution_sample: int = 200,
        reopen: Callable[[str], Bench],
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._others: dict[str, Bench] = {}
        self._bench, self._trace, self._annotator, self._training = (
            bench, trace, annotator, training,
        )  # fmt: skip
        self.glossary, self.attribution_sample = glossary, attribution_sample
        self._reopen, self._progress = reopen, progress

    @property
    def about(self) -> About:
        """What was recorded."""
        return self._trace.about

    @property
    def examples(self) -> pd.DataFrame:
        """The trace's table `examples`."""
        return self._trace.table("examples")

    def training_words(self) -> pd.DataFrame | None:
        """Words of the training split by class: columns label, lower, count."""
        source = self._training
        if source.audited_split in ("train", "all"):
            return None  # the audited data would be counted against itself
        try:
            data = load_dataset(
                source.name,
                split="train",
                text_column=source.text_column,
                label_column=source.label_column,
                data_dir=source.data_dir,
                label_names=self.about.labels,
            )
        except DataError:
            return None
        counts: Counter[tuple[int, str]] = Counter()
        texts = (example.text for example in data.examples)
        for done, (example, keys) in enumerate(
            zip(data.examples, self._annotator.lexical_keys(texts), strict=True), start=1
        ):
            counts.update((example.label, key) for key in keys)
            if done % 256 == 0 or done == len(data.examples):
                self._progress(done, len(data.examples))
        rows = [(label, lower, count) for (label, lower), count in sorted(counts.items())]
        return pd.DataFrame(rows, columns=["label", "lower", "count"])

    def stratified_sample(self, size: int) -> list[str]:
        """`size` example ids (or all), each class with its share, seeded, in document order."""
        examples = self.examples
        coded = {i: int(label) for i, label in enumerate(examples["label"])}
        rng = np.random.default_rng([self.about.seed, 3])
        return list(examples["example_id"].iloc[stratified(coded, size, rng)])

    def attribute(self, arm: str, method: str, example_ids: Sequence[str]) -> pd.DataFrame:
        """Attributions of the class that the pruned model predicts, on `arm`'s weights."""
        targets = self._trace.predictions("pruned")["predicted"]
        texts = self._texts
        frames = []
        for done, example_id in enumerate(example_ids, start=1):
            document = self._bench.encode([texts[example_id]])[0]
            answer = self._bench.attribute(arm, document, int(targets[example_id]), method)
            frames.append(
                pd.DataFrame(
                    {
                        "example_id": example_id,
                        "position": np.arange(len(answer.values)),
                        "attribution": answer.values,
                        "convergence": answer.convergence,
                    }
                )
            )
            self._progress(done, len(example_ids))
        columns = ["example_id", "position", "attribution", "convergence"]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)

    def answer(self, arm: str, example_ids: Sequence[str], dtype: str) -> pd.DataFrame:
        """What an arm says when its checkpoint is opened in `dtype`."""
        if dtype not in self._others:
            self._others[dtype] = self._reopen(dtype)
        bench, texts, done = self._others[dtype], self._texts, 0

        def on_batch(count: int) -> None:
            nonlocal done
            done += count
            self._progress(done, len(example_ids))

        documents = bench.encode([texts[example_id] for example_id in example_ids])
        answers = bench.answer(arm, documents, on_batch=on_batch)
        return pd.DataFrame(
            {
                "example_id": list(example_ids),
                "predicted": [answer.predicted for answer in answers],
                "depths": [answer.depths.tolist() for answer in answers],
            }
        )

    @cached_property
    def _texts(self) -> dict[str, str]:
        examples = self.examples
        return dict(zip(examples["example_id"], examples["text"], strict=True))
