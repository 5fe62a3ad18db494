"""Does pruning keep the words that make a class recognisable?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    PRUNING,
    BenchView,
    Finding,
    Place,
    Positive,
    Rows,
    Trace,
    claim_of,
    not_applicable,
    retention_answer,
    word_cells,
)
from auditkit.probes._class_terms import by_class_tables, terms_table
from auditkit.probes._matching import DOMAIN, KINDS, READS, TermOf
from auditkit.probes._outcome import CONFOUNDED, outcome_table
from auditkit.probes._terms import cross_fitted, term_list
from auditkit.stats.survival import retention


@dataclass(frozen=True)
class DomainTerm:
    """Retention of domain terms: found by class in the training words, or given as a glossary."""

    name: ClassVar[str] = "domain_term"
    version: ClassVar[str] = "4"
    question: ClassVar[str] = "Are the terms that mark a class kept longer than other words?"
    needs: ClassVar[frozenset[str]] = frozenset({"words", "stop_words", PRUNING})
    place: ClassVar[Place] = Place(1, 4)

    top: Rows = 50
    """Terms per class at most."""
    min_count: Positive = 10
    """Occurrences in the class below which a word is no term; of half of the words, half of it."""

    def measure(self, bench: BenchView) -> pd.DataFrame:
        """The term list, one row a term, class and fold.

        Returns:
            Columns term, label (class index; −1 for the glossary), source (`log_odds` or
            `glossary`), z (of the log-odds), weirdness (relative frequency in the class over that
            in the language at large; NaN where that is not known); both NaN for the glossary; fold
            (the half of the documents that the term is measured on, 0 or 1; −1: all of them).
        """
        terms: pd.DataFrame = term_list(bench, top=self.top, min_count=self.min_count)
        return terms

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Domain terms against other words, over all and by class; single terms; the outcome."""
        terms = trace.measured(self.name)
        if terms is None:
            return not_applicable(self, "the term list was not measured in this run")
        if terms.empty:
            return not_applicable(self, "no word marks a class, and no glossary is given")
        cells = word_cells(trace, TermOf.of(terms, own=False, kinds=KINDS), READS)
        if DOMAIN not in cells.names:
            return not_applicable(self, f"none of {len(terms)} terms occurs in the documents")
        found = retention(cells, rng, asked=[DOMAIN])
        del cells  # as large as the run has words: one such count at a time
        by_class = by_class_tables(trace, terms, rng)
        single = word_cells(trace, TermOf.of(terms, own=True), READS, others=False)
        claim, crossed = claim_of(found.of(DOMAIN), "Domain terms"), []
        if told := cross_fitted(terms, self.min_count):
            claim = f"{claim} Terms found on one half of the documents were measured on the other."
            crossed = [told]
        return retention_answer(
            self,
            claim,
            trace,
            found,
            title="Domain terms and others",
            kind="Words",
            tables=[
                *by_class,
                terms_table(trace, single, terms),
                outcome_table(trace, single),
            ],
            caveats=[CONFOUNDED, *crossed],
        )
