"""Does the prediction hang on stop words, punctuation, position or sources?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    PRUNING,
    BenchView,
    Chart,
    Finding,
    Natural,
    Place,
    Positive,
    Rows,
    Telling,
    Trace,
    answer,
    not_applicable,
)
from auditkit.probes._cue_words import cues_of
from auditkit.probes._cues import (
    conclusions_of_cues,
    cue_claim,
    cue_rows,
    cue_table,
)
from auditkit.probes._others import (
    SIDES,
    DocumentWords,
    asked_once,
    beside,
    digest,
    documents_words,
    generator,
)
from auditkit.stats.estimates import too_few

DOINGS = ("drop", "mask")
POOL = 10
"""Documents to search for a cue, over those to ask about it."""
MEASURED = (
    "example_id",
    "category",
    "do",
    "draw",
    "side",
    "words",
    "present",
    "predicted",
    "probs",
)
SOURCES = (
    "AFP", "AP", "Bloomberg", "Forbes.com", "MarketWatch", "NewsFactor", "Reuters", "SPACE.com",
    "TechWeb", "USATODAY.com", "washingtonpost.com",
)  # fmt: skip

CHART = Telling(
    Chart(
        name="cues",
        kind="dots",
        table="cues",
        title="What the predicted class loses without a cue, beyond what other words cost",
        alt="One dot a cue and a way of taking it away: the change in the probability of the "
        "predicted class, less that without as many other words. Left of 0 the cue carries more.",
        x="p_change_difference",
        y="category",
        color="perturbation",
        interval="p_change_difference_interval",
        reference=0.0,
        reference_name="as other words",
    ),
    high="carries less than other words",
    low="carries more than other words",
    none="No cue is shown to carry more or less than other words",
)

CAVEATS = (
    "What is done is done to the model under audit, as deployed: words are dropped after the first "
    "layer, so that they were attended to once, or not read at all.",
    "The others are words of the same document that are no such cue, as many and of as many "
    "pieces, drawn anew in each draw. Where there are fewer of them, as many of both go.",
    "A text with words missing is none that the model was trained on; that holds for both sides.",
)


@dataclass(frozen=True)
class SuperficialCue:
    """What becomes of predictions without such cues, beside what becomes of them without others."""

    name: ClassVar[str] = "superficial_cue"
    version: ClassVar[str] = "2"
    question: ClassVar[str] = "Do superficial cues carry the prediction?"
    needs: ClassVar[frozenset[str]] = frozenset({"words", PRUNING})
    place: ClassVar[Place] = Place(2, 2)

    documents: Rows = 400
    """How many to ask about each cue; some times as many are searched for it."""
    draws: Positive = 2
    """How often the others are drawn."""
    edge: Natural = 3
    """How many words count as the first, and as the last; 0: none."""
    sources: tuple[str, ...] = SOURCES
    """Words that name where a text comes from, as they are written."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """What the model says without each cue, and without as many others.

        Returns:
            Columns `MEASURED`, one row a document, cue, doing, draw and side: words is how many
            went, present how many words of the cue the document has; None where no document has
            any that others could stand in for, and where too few could be asked about.
        """
        if self._too_few(len(bench.documents)):
            return None
        (audited,) = bench.about.in_role("audited")
        pool = bench.stratified_sample(POOL * self.documents)
        questions = pd.DataFrame(
            question
            for document in documents_words(bench, pool, ("text", "is_stop"))
            for question in self._questions(bench.about.seed, document)
        )
        if questions.empty:
            return None
        asked = pd.concat(own[self._first(own)] for _, own in questions.groupby("category"))
        answers: pd.DataFrame = pd.concat(asked_once(bench, (audited,), asked))
        return answers[list(MEASURED)]

    def _too_few(self, documents: int) -> str:
        """Why nothing is asked: what each interval would say in the end; "" where it is."""
        return too_few("change", min(self.documents, documents))

    def _first(self, questions: pd.DataFrame) -> pd.Series:
        """Which of a cue's questions are put: those of documents whose ids have lowest hashes."""
        ids = sorted(set(questions["example_id"]), key=lambda one: (digest(one), one))
        return questions["example_id"].isin(ids[: self.documents])

    def _questions(self, seed: int, document: DocumentWords) -> Iterator[dict[str, Any]]:
        """Draw by draw the cue's words and others; none where nothing can stand in for the cue."""
        pieces = document.words["pieces"].to_numpy(dtype=np.int64)
        for category, chosen in cues_of(document.words, self.edge, self.sources).items():
            rng = generator(seed, document.example_id, category)
            for draw in range(self.draws):
                for side, rows in zip(SIDES, beside(pieces, chosen, rng), strict=True):
                    for do in DOINGS if len(rows) else ():
                        yield {
                            "example_id": document.example_id, "category": category, "do": do,
                            "draw": draw, "side": side, "words": len(rows),
                            "present": int(chosen.sum()),
                            "positions": document.positions_of(rows),
                        }  # fmt: skip

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Cue by cue: probability of the class that was predicted, changed answers, accuracy."""
        measured = trace.measured(self.name)
        if measured is None or measured.empty:
            few = self._too_few(len(trace.documents))
            none = "no document has words of a cue and others to stand in for them"
            return not_applicable(self, few or none)
        rows = cue_rows(trace, measured)
        return answer(
            self,
            cue_claim(rows),
            tables=[cue_table(rows, trace.about.depths_of)],
            charts=[CHART],
            conclusions=conclusions_of_cues(rows, trace.about.depths_of),
            caveats=(f"Documents asked about: {measured['example_id'].nunique()}.", *CAVEATS),
        )
