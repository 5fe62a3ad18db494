"""The retention of single terms, as tables.

A term is a category with few words: give `word_cells` a rule that names each word's term,
`term_retention` what it gives, and `term_table` the rows.
"""

from collections.abc import Sequence
from typing import Any

from auditkit.finding import Column
from auditkit.plugin.retention_tables import WORDS, lift_number, rate_numbers
from auditkit.plugin.rows import Label, Number, Row, Told, tabulate
from auditkit.stats.terms import TermRetained
from auditkit.trace import About

TERM_NOTE = "Intervals here are Student's t over the documents that hold the term."


def term_numbers(layer: int) -> tuple[Column | Number, ...]:
    """What a table says of a single term, after its name."""
    return (*WORDS, *rate_numbers(layer), lift_number(layer))


def term_row(term: TermRetained, facts: dict[str, Any] | None = None, **at: str) -> Row:
    """The row of a term under `term_numbers`, at `term` and further keys."""
    return Row(
        {"term": term.term, **at},
        {"retention": term.rate, "retention_expected": term.expected, "lift": term.lift},
        {"words": term.words, "documents": term.documents, **(facts or {})},
        n=term.words,
    )


def term_table(
    about: About,
    rows: Sequence[TermRetained],
    name: str,
    title: str,
    kind: str,
    layer: int,
    *,
    listed: bool = False,
) -> Told:
    """Rates of single terms after layer `layer` against random keeping.

    Args:
        about: The run.
        rows: In the order of printing.
        name: Of the table.
        title: What it shows.
        kind: What the terms are called.
        layer: After which rates are taken.
        listed: Whether the terms come from a list and not from the data set: such may be shown
            however few documents hold them.
    """
    return tabulate(
        name,
        title,
        [Label("term", kind, held_by="" if listed else "documents"), *term_numbers(layer)],
        [term_row(term) for term in rows],
        note=TERM_NOTE,
        arm=about.depths_of,
    )
