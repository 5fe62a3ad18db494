"""A bench without models, for tests of what probes measure."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import NO_SWAPS, GlossaryTerm, IdentityTerm, Swaps
from auditkit.testing.words import VOCABULARY
from auditkit.trace import About, Documents, Trace


@dataclass
class SyntheticBench:
    """A `BenchView` without models: attributions follow survival depth, as far as `truth` says."""

    trace: Trace
    glossary: tuple[GlossaryTerm, ...] = ()
    lexicon: tuple[IdentityTerm, ...] = ()
    swaps: Swaps = NO_SWAPS
    attribution_sample: int = 200
    training: pd.DataFrame | None = None
    """What `training_words` returns."""
    truth: float = 0.5
    """Weight of the survival depth in |attribution|; the rest is noise."""
    seed: int = 0
    states: Callable[[str, int | None, str, int], Sequence[float]] | None = None
    """State by arm, layer (None: of the document), example id and position; None: noise."""
    says: Callable[[str, str, str, frozenset[int]], Sequence[float]] | None = None
    """Probabilities by arm, example id, what is done (`keep`, `drop`, `mask`) and the positions it
    is done to; None: what the trace holds, whatever is done."""
    reads: Callable[[str, str], Sequence[float]] | None = None
    """Probabilities by arm and text; None: even ones, whatever the text."""
    lives: Callable[[str, str], Sequence[int]] | None = None
    """Survival depth of each word, by arm and text, for `read`; None: 1 of all."""
    padding: Callable[[str, str, int, int], tuple[int, Sequence[int], Sequence[int]] | None] = (
        lambda example_id, form, batch_size, spare: None
    )
    """What padding makes of a document: predicted class, depths and returns of its tokens, by form,
    documents a batch and tokens of padding beside it; None: what the trace holds."""
    scores: Callable[[str, float], tuple[int, Sequence[int], NDArray[np.float64]] | None] = (
        lambda example_id, factor: None
    )
    """Predicted class, depths and scores (L, n) of a document at thresholds times so much; None:
    what the trace holds, and scores that say so: twice the bound or half of it."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Arm and method of everything that `attribute` was asked for."""
    given: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(read=(), sha256=lambda name: "")
    )
    """What a measurement rests on: without files nothing is kept track of."""
    about: About = field(init=False)

    def __post_init__(self) -> None:
        self.about = self.trace.about

    @property
    def documents(self) -> Documents:
        """The trace's documents."""
        return self.trace.documents

    def texts(self, example_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Id and text of these documents."""
        for shard in self.trace.scan("texts", ids=example_ids):
            yield from shard.itertuples(index=False, name=None)

    def scan(
        self, name: str, columns: Sequence[str] | None = None, ids: Iterable[str] | None = None
    ) -> Iterator[pd.DataFrame]:
        """The trace's own."""
        return self.trace.scan(name, columns, ids)

    @property
    def stop_words(self) -> frozenset[str]:
        """Those of the synthetic vocabulary."""
        return frozenset(word.text for word in VOCABULARY if word.is_stop)

    def training_words(self) -> pd.DataFrame | None:
        """`training`."""
        return self.training

    def stratified_sample(self, size: int, among: Iterable[str] | None = None) -> list[str]:
        """The first `size` example ids, class by class in turn."""
        rows = np.unique(self.documents.rows_of(self.documents.ids if among is None else among))
        label = pd.Series(self.documents.label[rows])
        turn = label.groupby(label).cumcount()
        order = np.lexsort((label, turn))
        return sorted(map(str, self.documents.ids[rows[order[:size]]]))

    def expect(self, questions: int) -> None:
        """Nobody looks."""

    def attribute(
        self, arms: Sequence[str], methods: Sequence[str], example_ids: Sequence[str]
    ) -> pd.DataFrame:
        """Attributions that no model made, the same for equal arguments."""
        frames = [
            self.attributed(arm, method, example_ids).assign(arm=arm, method=method)
            for arm in arms
            for method in methods
        ]
        return pd.concat(frames).sort_values("example_id", kind="stable", ignore_index=True)

    def attributed(self, arm: str, method: str, example_ids: Sequence[str]) -> pd.DataFrame:
        """Those of one arm and method."""
        self.calls.append((arm, method))
        key = hashlib.sha256(f"{arm} {method} {self.seed}".encode()).digest()[:8]
        rng = np.random.default_rng(int.from_bytes(key))
        columns = ["example_id", "position", "depth"]
        frame = pd.concat(list(self.trace.scan("tokens", columns, ids=example_ids)))
        depth = frame["depth"].to_numpy(dtype=float)
        size = self.truth * depth / max(self.about.layers, 1)
        size += (1 - self.truth) * rng.random(len(frame))
        gap = 0.01 if method == "integrated_gradients" else np.nan
        return pd.DataFrame(
            {
                "example_id": frame["example_id"].to_numpy(),
                "position": frame["position"].to_numpy(),
                "attribution": size * rng.choice([-1.0, 1.0], len(frame)),
                "convergence": np.full(len(frame), gap),
            }
        )

    def ask(self, arm: str, example_ids: Sequence[str], dtype: str) -> pd.DataFrame:
        """What the trace holds, whatever the precision; depths are those of `pruned`."""
        answers = self.documents.answers(arm)
        assert answers is not None, f"{arm} was not run"
        rows = [self.documents.row_of(example_id) for example_id in example_ids]
        tokens = pd.concat(list(self.trace.scan("tokens", ["document", "depth"], ids=example_ids)))
        depths = tokens.groupby("document")["depth"].agg(list)
        return pd.DataFrame(
            {
                "example_id": list(example_ids),
                "predicted": answers.predicted[np.searchsorted(answers.rows, rows), 0],
                "depths": [depths[row] for row in rows],
            }
        )

    def padded(
        self,
        arm: str,
        example_ids: Sequence[str],
        batch_size: int,
        extra: int = 0,
        *,
        width: int = 0,
        side: str = "right",
        form: str = "model",
    ) -> pd.DataFrame:
        """What `padding` says."""
        ids, tokens = sorted(set(example_ids)), self._depths(example_ids)
        rows = []
        for start in range(0, len(ids), batch_size):
            batch = ids[start : start + batch_size]
            most = max(max(len(tokens[one]) for one in batch) + extra, width)
            for one in batch:
                own = self.padding(one, form, batch_size, most - len(tokens[one]))
                said, depths, back = own or (None, tokens[one], [0] * len(tokens[one]))
                rows.append(
                    self._said(arm, one, said)
                    | {"depths": list(depths), "returns": list(back) if form == "masks" else None}
                )
        return pd.DataFrame(rows)

    def scored(self, arm: str, example_ids: Sequence[str], factor: float = 1.0) -> pd.DataFrame:
        """What `scores` says."""
        bounds = factor * np.array(self.about.model.thresholds)
        rows = []
        layers = np.arange(len(bounds))[:, None]
        for one, recorded in self._depths(example_ids).items():
            alive, kept = np.array(recorded) >= layers, np.array(recorded) > layers
            plain = bounds[:, None] * np.where(kept, 2.0, 0.5) * alive
            said, depths, scores = self.scores(one, factor) or (None, recorded, plain)
            rows.append(
                self._said(arm, one, said)
                | {"depths": list(depths), "scores": np.ravel(scores).tolist(),
                   "bounds": bounds.tolist()}
            )  # fmt: skip
        return pd.DataFrame(rows)

    def _depths(self, example_ids: Sequence[str]) -> dict[str, list[int]]:
        """The trace's depths by document, in the order of ids."""
        columns = ["example_id", "position", "depth"]
        tokens = pd.concat(list(self.trace.scan("tokens", columns, ids=example_ids)))
        tokens = tokens.sort_values(["example_id", "position"])
        return {str(one): own.tolist() for one, own in tokens.groupby("example_id")["depth"]}

    def _said(self, arm: str, example_id: str, predicted: int | None) -> dict[str, Any]:
        """The trace's answer; that of a class that is given is sure of it."""
        probs = self._recorded(arm, example_id, "", frozenset())
        if predicted is not None and predicted != int(np.argmax(probs)):
            probs = [float(c == predicted) for c in range(len(probs))]
        return {"example_id": example_id, "predicted": int(np.argmax(probs)), "probs": probs}

    def read(self, arm: str, texts: pd.DataFrame) -> pd.DataFrame:
        """What `reads` and `lives` say; a token a word, and one at each end that is special."""
        even = [1 / len(self.about.labels)] * len(self.about.labels)
        probs = [list(self.reads(arm, text)) if self.reads else even for text in texts["text"]]
        words = [re.finditer(r"\S+", text) for text in texts["text"]]
        spans = [[(0, 0), *(word.span() for word in own), (0, 0)] for own in words]
        depths = [
            [1, *(self.lives(arm, text) if self.lives else [1] * (len(own) - 2)), 1]
            for text, own in zip(texts["text"], spans, strict=True)
        ]
        return texts.assign(
            predicted=[int(np.argmax(p)) for p in probs],
            probs=pd.Series(probs, index=texts.index, dtype=object),
            spans=pd.Series(spans, index=texts.index, dtype=object),
            depths=pd.Series(depths, index=texts.index, dtype=object),
        )

    def intervene(self, arm: str, changes: pd.DataFrame) -> pd.DataFrame:
        """What `says` says."""
        asked = zip(changes["example_id"], changes["do"], changes["positions"], strict=True)
        says = self.says or self._recorded
        probs = [list(says(arm, one, do, frozenset(where))) for one, do, where in asked]
        said = pd.Series(probs, index=changes.index, dtype=object)
        return changes.assign(predicted=[int(np.argmax(p)) for p in probs], probs=said)

    def _recorded(self, arm: str, example_id: str, do: str, where: frozenset[int]) -> list[float]:
        answers = self.documents.answers(arm)
        assert answers is not None, f"{arm} was not run"
        row = np.searchsorted(answers.rows, self.documents.row_of(example_id))
        found: list[float] = answers.probs[row, 0].tolist()
        return found

    def token_states(self, arm: str, places: pd.DataFrame, layer: int) -> NDArray[np.float32]:
        """What `states` says."""
        tokens = zip(places["example_id"], places["position"], strict=True)
        return self._states([(arm, layer, one, int(position)) for one, position in tokens])

    def document_states(self, arm: str, example_ids: Sequence[str]) -> NDArray[np.float32]:
        """What `states` says of position 0."""
        return self._states([(arm, None, one, 0) for one in example_ids])

    def _states(self, places: Sequence[tuple[str, int | None, str, int]]) -> NDArray[np.float32]:
        said = self.states or self._noise
        return np.array([said(*place) for place in places], dtype=np.float32)

    def _noise(self, *place: object) -> list[float]:
        key = hashlib.sha256(f"{place} {self.seed}".encode()).digest()[:8]
        drawn: list[float] = np.random.default_rng(int.from_bytes(key)).normal(size=8).tolist()
        return drawn
