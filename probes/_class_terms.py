"""Domain terms class by class: those of a class in its own documents, and every single one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from auditkit.plugin import (
    TERM_NOTE,
    Cell,
    Label,
    Row,
    Told,
    Trace,
    Undefined,
    adjusted_table,
    class_name,
    columns,
    retention_table,
    tabulate,
    term_numbers,
    term_row,
    word_cells,
)
from auditkit.probes._matching import DOMAIN, KINDS, READS, TermOf
from auditkit.probes._terms import EVERY_CLASS, GLOSSARY
from auditkit.stats.cells import WordCells
from auditkit.stats.survival import Retained, adjusted, retained
from auditkit.stats.terms import term_retention

NO_Z = Undefined("not computed for a glossary")
NOT_AT_LARGE = Undefined("how frequent words are in the language at large is not known")


def by_class_tables(
    trace: Trace, terms: pd.DataFrame, rng: np.random.Generator
) -> tuple[Told, ...]:
    """A class's terms in its own documents; none where no document holds a term of its class."""
    rows = _by_class(trace, terms, rng)
    title = "Domain terms in their own class"
    at = {"arm": trace.about.depths_of, "category": DOMAIN}
    return tuple(
        table(rows, name, title, "Class", key="class", at=at)
        for name, table in (("by_class", retention_table), ("by_class_adjusted", adjusted_table))
        if rows
    )


def terms_table(trace: Trace, single: WordCells, terms: pd.DataFrame) -> Told:
    """Every term that occurs, by class; a term of two folds is one row, with its larger z."""
    largest = terms.groupby(["label", "term"], sort=True)[["z", "weirdness"]].max()
    listed = dict(zip(largest.index, largest.to_numpy().tolist(), strict=True))
    label = trace.documents.label
    rows: list[tuple[tuple[float, float], Row]] = []
    for value in sorted({int(of) for of, _ in listed}):
        every = value == EVERY_CLASS
        mine = np.ones(len(label), dtype=bool) if every else label == value
        at: dict[str, Any] = {} if every else {"class": class_name(trace.about.labels, value)}
        for term in term_retention(single.select(mine)):
            if (value, term.term) not in listed:
                continue
            z, weirdness = listed[value, term.term]
            given = bool(np.isnan(z))
            weird: Cell = NOT_AT_LARGE if np.isnan(weirdness) else weirdness
            known: tuple[Cell, Cell] = (NO_Z, NO_Z) if given else (z, weird)
            facts = {"log_odds_z": known[0], "weirdness": known[1]}
            place = (float(value), np.inf if given else -z)
            rows.append((place, term_row(term, facts, **at)))
    layer = single.reference
    return tabulate(
        "terms",
        f"Domain terms in the documents of their class: kept after layer {layer}",
        [
            Label("term", "Term", held_by="documents"),
            Label("class", "Class", whole="(glossary)"),
            *term_numbers(layer),
            *columns(
                ("log_odds_z", "z of log-odds", "number", "Class against all other classes, "
                 "informative Dirichlet prior (Monroe et al. 2008), scaled to a standard deviation "
                 "of 1 where the classes use the word alike."),
                ("weirdness", "Weirdness", "number", "Relative frequency in the class over that "
                 "in the language at large."),
            ),
        ],
        [row for _, row in sorted(rows, key=lambda r: r[0])],
        note=TERM_NOTE,
        arm=trace.about.depths_of,
    )  # fmt: skip


def never_there(terms: pd.DataFrame, single: WordCells) -> list[str]:
    """How many terms of the glossary stand in no document of their class; nothing where none.

    Args:
        terms: The term list.
        single: Words by the term of their document's class that they belong to.
    """
    given = set(terms.loc[terms["source"] == GLOSSARY, "term"])
    gone = len(given - set(single.names))
    told = (
        f"{gone:,} of the {len(given):,} terms of the glossary occur in no document of their class."
    )
    return [told] if gone else []


def _by_class(trace: Trace, terms: pd.DataFrame, rng: np.random.Generator) -> tuple[Retained, ...]:
    """A class's terms in its own documents, one row a class, adjusted over the classes."""
    cells = word_cells(trace, TermOf.of(terms, own=True, kinds=KINDS), READS)
    label = trace.documents.label
    rows = [
        replace(row, category=class_name(trace.about.labels, int(value)))
        for value in np.unique(label)
        for row in retained(cells.select(label == value), rng, asked=[DOMAIN])
        if row.category == DOMAIN
    ]
    return tuple(adjusted(rows))
