"""Every domain term that occurs, with what is kept of it."""

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
    class_name,
    columns,
    pruning_arm,
    tabulate,
    term_numbers,
    term_row,
)
from auditkit.probes._terms import GLOSSARY
from auditkit.stats.cells import WordCells
from auditkit.stats.terms import term_retention

NO_Z = Undefined("not computed for a glossary")


def terms_table(trace: Trace, single: WordCells, terms: pd.DataFrame) -> Told:
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
        arm=pruning_arm(trace.about),
    )  # fmt: skip
