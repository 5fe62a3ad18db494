"""Does pruning drop the words that carry little meaning, and spare those that carry it?"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    PRUNING,
    Finding,
    Place,
    Positive,
    Rows,
    Rule,
    Trace,
    claim_of,
    conclusions_of,
    marks_of,
    not_applicable,
    retention_answer,
    retention_table,
    term_table,
    word_cells,
)
from auditkit.stats.cells import WordCells
from auditkit.stats.survival import Retained, retained, retention
from auditkit.stats.terms import TermRetained, term_retention

STOP, OTHER = "stop words", "other words"

ALL_NEGATIONS = "all negations"
NEGATIONS = frozenset(
    ["n't", "n’t", "barely", "cannot", "hardly", "neither", "never", "no", "nobody", "none", "nor",
     "not", "nothing", "nowhere", "scarcely", "without"]
)  # fmt: skip
"""English words that turn the meaning of others: dropping them can turn a sentiment."""

APART = (
    "Negations count as stop words where the pipeline's list says so, yet they carry meaning, for "
    "sentiment above all: they have a table of their own."
)
NOT_APART = (
    "Negations count as stop words where the pipeline's list says so, yet they carry meaning, for "
    "sentiment above all: they are not told apart, because no list of them is at hand in the "
    "pipeline's language ({language})."
)
CAVEATS = (
    "The most kept and most dropped words are the ends of a ranking: their lifts are exaggerated "
    "by the choice.",
    "Whether other words are kept longer is the same question, and is not tested a second time.",
)


@dataclass(frozen=True)
class Stopword:
    """Retention of stop words, against other words and against random keeping."""

    name: ClassVar[str] = "stopword"
    version: ClassVar[str] = "5"
    question: ClassVar[str] = "Are stop words dropped sooner than other words?"
    needs: ClassVar[frozenset[str]] = frozenset({"words", "stop_words", PRUNING})
    place: ClassVar[Place] = Place(1, 2)

    top: Rows = 15
    """Rows of the tables of most kept and most dropped stop words."""
    min_count: Positive = 20
    """Occurrences below which a stop word stands in neither table."""

    def sorted_words(self, trace: Trace) -> WordCells:
        """Stop words, and other words."""
        return word_cells(trace, _kind, ["is_stop"])

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Stop words against other words; the single stop words; negations apart."""
        cells = self.sorted_words(trace)
        if STOP not in cells.names:
            return not_applicable(self, "the documents have no stop words")
        found, layer, about = retention(cells, rng, asked=[STOP]), cells.reference, trace.about
        del cells  # as large as the run has words: one such count at a time
        language = about.annotator.language
        listed = language == "en"
        where = f"after layer {layer} (at least {self.min_count} occurrences"
        where += ", negations apart)" if listed else ")"

        def single(rule: Rule, *reads: str) -> tuple[TermRetained, ...]:
            return term_retention(word_cells(trace, rule, reads, others=False))

        ranked = sorted(
            (t for t in single(_single if listed else _stop, "is_stop", "lower")
             if t.words >= self.min_count and t.lift.value is not None),
            key=lambda t: (t.lift.value or 0.0, -t.words, t.term),
        )  # fmt: skip
        half = min(self.top, (len(ranked) + 1) // 2)  # no word is both
        kept = ranked[half:][::-1][: self.top]
        tables = [
            ("most_dropped", f"Most dropped {where}", "Stop word", ranked[:half]),
            ("most_kept", f"Most kept {where}", "Stop word", kept),
        ]
        negated: tuple[Retained, ...] = ()
        if listed:
            negations = [*single(_negation, "lower"), *single(_negations, "lower")]
            tables.append(("negations", f"Negations: kept after layer {layer}", "Word", negations))
            negated = retained(word_cells(trace, _negation, ["lower"]), rng)
        arm = about.depths_of
        return retention_answer(
            self,
            claim_of(found.of(STOP), "Stop words"),
            trace,
            found,
            title="Stop words and others",
            kind="Words",
            tables=[
                *(term_table(about, rows, name, title, kind, layer, listed=True)
                  for name, title, kind, rows in tables),
                *([retention_table(negated, "negations_retention", "Negations", "Words",
                                   at={"arm": arm})]
                  if negated else []),
            ],
            conclusions=[*conclusions_of([found.of(STOP)], arm, plural=True),
                         *conclusions_of(negated, arm, plural=True, concern="notable")],
            marks=marks_of([found.of(STOP), *negated], arm),
            caveats=[APART if listed else NOT_APART.format(language=language), *CAVEATS],
        )  # fmt: skip


def _kind(words: pd.DataFrame) -> NDArray[Any]:
    return np.where(words["is_stop"].to_numpy(dtype=bool), STOP, OTHER)


def _stop(words: pd.DataFrame) -> NDArray[Any]:
    stop = words["is_stop"].to_numpy(dtype=bool)
    return np.where(stop, words["lower"].to_numpy(dtype=object), "")


def _single(words: pd.DataFrame) -> NDArray[Any]:
    return np.where(_negates(words), "", _stop(words))


def _negations(words: pd.DataFrame) -> NDArray[Any]:
    return np.where(_negates(words), words["lower"].to_numpy(dtype=object), "")


def _negation(words: pd.DataFrame) -> NDArray[Any]:
    return np.where(_negates(words), ALL_NEGATIONS, "")


def _negates(words: pd.DataFrame) -> NDArray[np.bool_]:
    return words["lower"].isin(NEGATIONS).to_numpy(dtype=bool)
