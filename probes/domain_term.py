"""Does pruning keep the words that make a class recognisable?"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    TERM_NOTE,
    BenchView,
    Cell,
    Finding,
    Label,
    Place,
    Row,
    Told,
    Trace,
    Undefined,
    adjusted_table,
    answer,
    claim_of,
    class_name,
    columns,
    not_applicable,
    retention_caveats,
    retention_charts,
    retention_table,
    retention_tables,
    tabulate,
    term_numbers,
    term_row,
    word_cells,
)
from auditkit.probes._outcome import CONFOUNDED, outcome_table
from auditkit.probes._terms import ANY_FOLD, GLOSSARY, TermOf, term_list
from auditkit.stats.cells import WordCells
from auditkit.stats.rates import benjamini_hochberg
from auditkit.stats.resampling import Bootstrap
from auditkit.stats.survival import Retained, retention, term_retention

DOMAIN, OTHER = "domain terms", "other words"
KINDS = (DOMAIN, OTHER)
READS = ("example_id", "label", "lower")

CROSS_FITTED = (
    "There were no training words: terms found on one half of the audited documents were measured "
    "on the other half."
)
NO_Z = Undefined("not computed for a glossary")


@dataclass(frozen=True)
class DomainTerm:
    """Retention of domain terms: found by class in the training words, or given as a glossary."""

    name: ClassVar[str] = "domain_term"
    version: ClassVar[str] = "2"
    question: ClassVar[str] = "Are the terms that mark a class kept more often than by chance?"
    needs: ClassVar[frozenset[str]] = frozenset({"words"})
    place: ClassVar[Place] = Place(1, 4)

    top: int = 50
    """Terms per class at most."""
    min_count: int = 10
    """Occurrences in the class below which a word is no term."""
    resamples: int = 2000
    """Resamples of the document bootstrap."""

    def measure(self, bench: BenchView) -> pd.DataFrame:
        """The term list, one row a term, class and fold.

        Returns:
            Columns term, label (class index; −1 for the glossary), source (`log_odds` or
            `glossary`), z (of the log-odds), weirdness (relative frequency in the class over that
            in general English); both NaN for the glossary; fold (the half of the documents that
            the term is measured on, 0 or 1; −1: all of them).
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
        bootstrap = Bootstrap(rng, self.resamples)
        cells = word_cells(trace, TermOf.of(terms, own=False, kinds=KINDS), READS)
        if DOMAIN not in cells.names:
            return not_applicable(
                self, f"none of {len(terms)} terms occurs in the audited documents"
            )
        rows, caveats = retention(cells, bootstrap), retention_caveats(cells)
        del cells  # as large as the run has words: one such count at a time
        by_class = _by_class(trace, terms, bootstrap)
        single = word_cells(trace, TermOf.of(terms, own=True), READS, others=False)
        tables = retention_tables(rows, "Domain terms and others", "Words")
        claim = claim_of(next(r for r in rows if r.category == DOMAIN), "Domain terms")
        crossed = bool((terms["fold"] != ANY_FOLD).any())
        if crossed:
            claim = (
                f"{claim[:-1]} (terms found on one half of the documents, measured on the other)."
            )
        return answer(
            self,
            claim,
            tables=(
                *tables,
                *_class_tables(by_class),
                _terms_table(trace, single, terms),
                outcome_table(trace, single, bootstrap),
            ),
            charts=retention_charts(tables[0].table, tables[2].table, "kind of word"),
            caveats=(*caveats, CONFOUNDED, *([CROSS_FITTED] if crossed else [])),
        )


def _by_class(trace: Trace, terms: pd.DataFrame, bootstrap: Bootstrap) -> tuple[Retained, ...]:
    """A class's terms in its own documents, one row a class, adjusted over the classes."""
    cells = word_cells(trace, TermOf.of(terms, own=True, kinds=KINDS), READS)
    label, rows = trace.documents.label, []
    for value in np.unique(label):
        of_class = retention(cells.select(label == value), bootstrap)
        for row in of_class:
            if row.category == DOMAIN:
                name = class_name(trace.about.labels, int(value))
                rows.append(replace(row, category=name))
    adjusted = benjamini_hochberg([row.lift.p for row in rows])
    return tuple(replace(row, p_adjusted=p) for row, p in zip(rows, adjusted, strict=True))


def _class_tables(rows: tuple[Retained, ...]) -> tuple[Told, ...]:
    """None where no document holds a term of its class."""
    title, at = "Domain terms in their own class", {"category": DOMAIN}
    return tuple(
        table(rows, name, title, "Class", key="class", at=at)
        for name, table in (("by_class", retention_table), ("by_class_adjusted", adjusted_table))
        if rows
    )


def _terms_table(trace: Trace, single: WordCells, terms: pd.DataFrame) -> Told:
    """Every term that occurs, by class; a term of two folds is one row, with its larger z."""
    largest = terms.groupby(["label", "term"], sort=True)[["z", "weirdness"]].max()
    listed = dict(zip(largest.index, largest.to_numpy().tolist(), strict=True))
    label = trace.documents.label
    rows: list[tuple[tuple[float, float], Row]] = []
    for value in sorted({int(of) for of, _ in listed}):
        given = value == GLOSSARY
        mine = np.ones(len(label), dtype=bool) if given else label == value
        at: dict[str, Any] = {} if given else {"class": class_name(trace.about.labels, value)}
        for term in term_retention(single.select(mine)):
            if (value, term.term) not in listed:
                continue
            z, weirdness = listed[value, term.term]
            known: tuple[Cell, Cell] = (NO_Z, NO_Z) if given else (z, weirdness)
            facts = {"log_odds_z": known[0], "weirdness": known[1]}
            place = (0.0, 0.0) if given else (1.0 + value, -z)
            rows.append((place, term_row(term, facts, **at)))
    layer = single.reference
    return tabulate(
        "terms",
        f"Domain terms in the documents of their class: kept after layer {layer}",
        [
            Label("term", "Term"),
            Label("class", "Class", whole="(glossary)"),
            *term_numbers(layer),
            *columns(
                ("log_odds_z", "z of log-odds", "number", "Class against all other classes, "
                 "informative Dirichlet prior (Monroe et al. 2008)."),
                ("weirdness", "Weirdness", "number", "Relative frequency in the class over that "
                 "in general English."),
            ),
        ],
        [row for _, row in sorted(rows, key=lambda r: r[0])],
        note=TERM_NOTE,
        arm="pruned",
    )  # fmt: skip
