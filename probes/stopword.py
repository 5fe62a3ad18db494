"""Does pruning drop the words that carry little meaning, and spare those that carry it?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditkit.finding.values import Finding
from auditkit.plugin.probe import BenchView, answer, not_applicable
from auditkit.plugin.retention import (
    caveats_of,
    charts_of,
    claim_of,
    measurements_of,
    survival_of,
    tables_of,
    term_table,
)
from auditkit.stats.survival import TermRetained, retention, term_retention
from auditkit.trace.tables import Trace

STOP, OTHER = "stop words", "other words"

NEGATIONS = frozenset(
    ["n't", "n’t", "barely", "cannot", "hardly", "neither", "never", "no", "nobody", "none", "nor",
     "not", "nothing", "nowhere", "scarcely", "without"]
)  # fmt: skip
"""Words that turn the meaning of others: dropping them can turn a sentiment."""


@dataclass(frozen=True)
class Stopword:
    """Retention of stop words, against other words and against random keeping."""

    name: ClassVar[str] = "stopword"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Are stop words dropped more often than by chance?"
    needs: ClassVar[frozenset[str]] = frozenset({"words"})

    resamples: int = 2000
    """Resamples of the document bootstrap."""
    top: int = 15
    """Rows of the tables of most kept and most dropped stop words."""
    min_count: int = 20
    """Occurrences below which a stop word stands in neither table."""

    def measure(self, bench: BenchView) -> None:
        """Nothing: the trace holds all that is needed."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Stop words against other words; the single stop words; negations apart."""
        words = trace.table("words")
        survival = survival_of(trace)
        reference = survival.reference
        stop = words["is_stop"].to_numpy(dtype=bool)
        if not stop.any():
            return not_applicable(self, "the documents have no stop words")
        rows = retention(survival, np.where(stop, STOP, OTHER), rng, resamples=self.resamples)
        lower = words["lower"].to_numpy(dtype=object)
        negates = words["lower"].isin(NEGATIONS).to_numpy(dtype=bool)
        single = term_retention(survival, np.where(stop & ~negates, lower, ""))
        ranked = sorted(
            (t for t in single if t.words >= self.min_count and t.lift.value is not None),
            key=_lift,
        )
        half = min(self.top, (len(ranked) + 1) // 2)  # no word is both most and least kept
        negations = (
            *term_retention(survival, np.where(negates, "all negations", "")),
            *term_retention(survival, np.where(negates, lower, "")),
        )
        lifts, adjusted, curve = tables_of(rows, "Stop words and others", "Words")
        where = f"after layer {reference} (at least {self.min_count} occurrences, negations apart)"
        return answer(
            self,
            claim=claim_of(next(r for r in rows if r.category == STOP), "Stop words"),
            status="reported",
            measurements=measurements_of(rows),
            tables=(
                lifts,
                adjusted,
                curve,
                *(
                    term_table(terms, name, f"{title} {where}", "Stop word", reference)
                    for terms, name, title in (
                        (ranked[:half], "most_dropped", "Most dropped"),
                        (ranked[half:][::-1][: self.top], "most_kept", "Most kept"),
                    )
                ),
                term_table(
                    negations,
                    "negations",
                    f"Negations: kept after layer {reference}",
                    "Word",
                    reference,
                ),
            ),
            charts=charts_of(lifts, curve, "kind of word"),
            caveats=(
                *caveats_of(survival),
                "Negations count as stop words where the pipeline's list says so, yet they carry "
                "meaning, for sentiment above all: they have a table of their own.",
                "The most kept and most dropped words are the ends of a ranking: their lifts are "
                "exaggerated by the choice.",
            ),
        )


def _lift(term: TermRetained) -> tuple[float, int, str]:
    return term.lift.value or 0.0, -term.words, term.term
