"""Does pruning keep the words that make a class recognisable?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    GOLD,
    PRUNING,
    BenchView,
    Conclusion,
    Finding,
    Natural,
    Place,
    Positive,
    Resamples,
    Rows,
    Trace,
    claim_of,
    conclusions_of,
    marks_of,
    not_applicable,
    retention_answer,
    word_cells,
)
from auditkit.probes._class_terms import by_class_tables, never_there, terms_table
from auditkit.probes._effects import (
    claim_of_dropping,
    conclusion_of_dropping,
    effect_rows,
    effects_of,
    effects_table,
    told_of_interventions,
)
from auditkit.probes._intervened import interventions
from auditkit.probes._matching import DOMAIN, KINDS, READS, TermOf
from auditkit.probes._measured import joined, of_kind
from auditkit.probes._outcome import CONFOUNDED, outcome_table
from auditkit.probes._terms import cross_fitted, known_texts, term_list
from auditkit.stats.cells import WordCells
from auditkit.stats.resampling import Bootstrap
from auditkit.stats.survival import retention


@dataclass(frozen=True)
class DomainTerm:
    """Retention of domain terms: found by class in the training words, or given as a glossary."""

    name: ClassVar[str] = "domain_term"
    version: ClassVar[str] = "5"
    question: ClassVar[str] = "Are the terms that mark a class kept longer than other words?"
    needs: ClassVar[frozenset[str]] = frozenset({GOLD, "words", "stop_words", PRUNING})
    place: ClassVar[Place] = Place(1, 4)

    top: Rows = 50
    """Terms per class at most."""
    min_count: Positive | None = None
    """Occurrences in the class below which a word is no term, half of that in half of the words;
    None: one in a thousand of the class's words, 3 at least and 10 at most."""
    intervened: Rows = 20
    """Terms per class that are kept, dropped and left unread against the model's decisions."""
    intervened_documents: Natural = 1000
    """Documents that this is done to, at most; 0: to none."""
    intervened_draws: Positive = 3
    """Draws of random words to which the same is done."""
    resamples: Resamples = 2000
    """Of the bootstrap of what the interventions change."""

    def measure(self, bench: BenchView) -> pd.DataFrame:
        """The term list, and what the pruned model says where terms are kept, dropped or unread.

        Returns:
            Rows of three kinds, told apart by the column `kind`, whose other columns are empty.
            `term`, one a term, class and fold: term, label (class index; −1 for terms of every
            class), source (`log_odds` or `glossary`), z (of the log-odds), weirdness (relative
            frequency in the class over that in the language at large; NaN where that is not
            known); both NaN for the glossary; fold (the half of the documents that the term is
            measured on, 0 or 1; −1: all of them). `holder`, one a document with terms to intervene
            on: example_id, words (that belong to terms). `answer`, one a question: example_id, do
            (`keep`, `drop`, `mask`), draw (−1: the terms; from 0: random words), pieces (tokens
            that it is done to), predicted, p_gold.
        """
        terms = term_list(bench, top=self.top, min_count=self.min_count)
        holders, answers = interventions(
            bench, terms, top=self.intervened, most=self.intervened_documents,
            draws=self.intervened_draws,
        )  # fmt: skip
        measured: pd.DataFrame = joined(term=terms, holder=holders, answer=answers)
        return measured

    def sorted_words(self, trace: Trace) -> WordCells | None:
        """Domain terms, and other words."""
        measured = trace.measured(self.name)
        if measured is None or "kind" not in measured:  # by a version that measured terms alone
            return None
        return _words(trace, of_kind(measured, "term"))

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Domain terms against other words, over all and by class; single terms; the outcome."""
        measured = trace.measured(self.name)
        if measured is None or "kind" not in measured:  # by a version that measured terms alone
            return not_applicable(self, "the term list was not measured in this run")
        terms = of_kind(measured, "term")
        if terms.empty:
            return not_applicable(self, "no word marks a class, and no glossary is given")
        cells = _words(trace, terms)
        if DOMAIN not in cells.names:
            return not_applicable(self, f"none of {len(terms)} terms occurs in the documents")
        found = retention(cells, rng, asked=[DOMAIN])
        del cells  # as large as the run has words: one such count at a time
        by_class = by_class_tables(trace, terms, rng)
        single = word_cells(trace, TermOf.of(terms, own=True), READS, others=False)
        terms_kept, arm = found.of(DOMAIN), trace.about.depths_of
        claim, caveats = claim_of(terms_kept, "Domain terms"), [CONFOUNDED]
        if told := cross_fitted(terms):
            claim = f"{claim} Terms found on one half of the documents were measured on the other."
            caveats.append(told)
        holders, answers = (of_kind(measured, kind) for kind in ("holder", "answer"))
        effects, done = effects_of(trace, answers), []
        dropping: tuple[Conclusion, ...] = ()
        caveats += [
            *never_there(terms, single),
            *known_texts(trace.about),
            told_of_interventions(len(holders), self.intervened_documents, effects),
        ]
        if effects is not None:
            rows = effect_rows(trace, effects, Bootstrap(rng, self.resamples))
            claim, done = f"{claim} {claim_of_dropping(rows)}", [effects_table(trace, rows)]
            dropping = conclusion_of_dropping(rows, arm)
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
                *done,
            ],
            caveats=caveats,
            marks=marks_of([terms_kept], arm),
            conclusions=[
                *conclusions_of([terms_kept], arm, plural=True, concern="notable"),
                *dropping,
            ],
        )


def _words(trace: Trace, terms: pd.DataFrame) -> WordCells:
    """Words of the run, those of terms and others."""
    return word_cells(trace, TermOf.of(terms, own=False, kinds=KINDS), READS)
