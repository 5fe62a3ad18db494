"""Do the kept tokens by themselves carry the prediction, and is it lost without them?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    PRUNING,
    BenchView,
    Finding,
    Place,
    Positive,
    Rows,
    Trace,
    answer,
    not_applicable,
)
from auditkit.probes._faith import (
    CHARTS,
    claim_of_sets,
    conclusions_of_sets,
    left_out,
    set_layers,
    set_rows,
    set_table,
)
from auditkit.probes._others import asked_once, generator

KEPT = -1
"""The draw of the kept set itself."""
READ = ("example_id", "position", "special", "depth")
MEASURED = ("example_id", "arm", "layer", "measure", "draw", "tokens", "p")

CAVEATS = (
    "The kept tokens were read beside those that are dropped, and hold some of their content: the "
    "kept set is no rationale of the pruned model.",
    "Tokens are taken away by the attention mask, never by writing the text anew. A text with "
    "tokens missing is none that a model was trained on, the baseline less than the weights under "
    "audit: values are compared with random sets on the same model, never from model to model.",
)


@dataclass(frozen=True)
class Faithfulness:
    """Sufficiency and comprehensiveness of the kept set, above random sets of its size.

    DeYoung et al. 2020 (ERASER): p(ŷ|x) − p(ŷ|K) and p(ŷ|x) − p(ŷ|x∖K), ŷ what the model under
    audit predicts.
    """

    name: ClassVar[str] = "faithfulness"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Do the kept tokens carry the prediction?"
    needs: ClassVar[frozenset[str]] = frozenset({PRUNING})
    place: ClassVar[Place] = Place(2, 1)

    documents: Rows = 200
    """How many to ask about, each class with its share."""
    draws: Positive = 3
    """Random sets a document and layer."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """What the weights without pruning, and the baseline, say of the kept set and without it.

        Returns:
            Columns `MEASURED`: measure is `sufficiency` or `comprehensiveness`, draw −1 the kept
            set and from 0 on random ones, tokens how many are in the set, p the probability of
            what the model under audit predicts. None where no kept set is a part of its document.
        """
        layers = set_layers(bench.documents)
        sample = bench.stratified_sample(self.documents)
        questions = pd.DataFrame(
            question
            for tokens in bench.scan(
                "tokens", ["example_id", "position", "special", "depth"], sample
            )
            for example_id, own in tokens[~tokens["special"]].groupby("example_id", sort=True)
            for layer in layers
            for question in self._sets(bench.about.seed, str(example_id), own, layer)
        )
        if questions.empty:
            return None
        documents, (audited,) = bench.documents, bench.about.in_role("audited")
        said = documents.answers(audited)
        assert said is not None  # it runs on all documents
        rows = [documents.row_of(example_id) for example_id in questions["example_id"]]
        target = said.predicted[rows, 0]
        frames: list[pd.DataFrame] = []
        arms = bench.about.unpruned + bench.about.in_role("reference")
        for answers in asked_once(bench, arms, questions):
            probs = np.stack(answers["probs"].to_list())
            p = probs[np.arange(len(probs)), target]
            frames.append(answers.assign(p=p)[list(MEASURED)])
        return pd.concat(frames, ignore_index=True)

    def _sets(
        self, seed: int, example_id: str, tokens: pd.DataFrame, layer: int
    ) -> Iterator[dict[str, Any]]:
        """The kept set after a layer and random ones; none where it is empty or the whole."""
        place = tokens["position"].to_numpy(dtype=np.int64)
        kept = tokens["depth"].to_numpy() >= layer
        if not kept.any() or kept.all():
            return
        rng = generator(seed, example_id, f"layer {layer}")
        sets: list[tuple[int, NDArray[np.bool_]]] = [(KEPT, kept)]
        sets += [(draw, rng.permutation(kept)) for draw in range(self.draws)]
        for draw, inside in sets:
            for measure, unread in (("sufficiency", ~inside), ("comprehensiveness", inside)):
                yield {
                    "example_id": example_id, "layer": layer, "measure": measure, "draw": draw,
                    "tokens": int(kept.sum()), "do": "mask", "positions": place[unread].tolist(),
                }  # fmt: skip

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """By arm and layer: both measures, and how far they are from those of random sets."""
        measured = trace.measured(self.name)
        if measured is None or measured.empty:
            return not_applicable(
                self, "after no layer is a part of the tokens kept, in no document asked about"
            )
        rows = set_rows(trace, measured)
        return answer(
            self,
            claim_of_sets(rows),
            tables=[set_table(rows)],
            charts=CHARTS,
            conclusions=conclusions_of_sets(rows),
            caveats=(*left_out(measured, self.documents, len(trace.documents)), *CAVEATS),
        )
