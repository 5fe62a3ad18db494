"""The retention of words that are sorted into categories: one way for all probes that sort words.

found = retention(word_cells(trace, rule, reads), rng)      # a rule names each word's category
retention_answer(self, claim_over(found.rows, "parts of speech"), trace, found,
title="Parts of speech", kind="Part of speech")
"""

from collections.abc import Sequence

from auditkit.finding import Chart, Conclusion, Finding, Mark, Table
from auditkit.plugin.probe import Probe, answer
from auditkit.plugin.retention_tables import (
    WORD,
    adjusted_table,
    curve_table,
    pieces_table,
    retention_table,
)
from auditkit.plugin.rows import Told
from auditkit.plugin.titles import Telling
from auditkit.stats.survival import Retention
from auditkit.trace import Trace


def retention_answer(
    probe: Probe,
    claim: str,
    trace: Trace,
    found: Retention,
    *,
    title: str,
    kind: str,
    key: str = "category",
    tables: Sequence[Table | Told] = (),
    charts: Sequence[Chart | Telling] = (),
    caveats: Sequence[str] = (),
    conclusions: Sequence[Conclusion] = (),
    marks: Sequence[Mark] = (),
) -> Finding:
    """A finding on the retention of categories: the usual tables, charts and caveats, and more.

    Args:
        probe: Who answers.
        claim: Of `claim_of` or `claim_over`.
        trace: The run.
        found: Categories, at least one.
        title: What they are, as in "Parts of speech".
        kind: The noun of one category.
        key: What an address tells a category by.
        tables: Further ones, after the usual.
        charts: Further ones.
        caveats: Further ones.
        conclusions: Of `conclusions_of`, or others.
        marks: Of `marks_of`.
    """
    at, rows = {"arm": trace.about.depths_of}, found.rows
    return answer(
        probe,
        claim,
        tables=(
            retention_table(rows, "retention", title, kind, key=key, at=at),
            adjusted_table(rows, "retention_adjusted", title, kind, key=key, at=at),
            curve_table(rows, "retention_curve", title, kind, key=key, at=at),
            pieces_table(
                found.pieces, "retention_pieces", title, kind, rows[0].reference, key=key, at=at
            ),
            *tables,
        ),
        charts=(*_charts(kind.lower(), key, rows[0].reference), *charts),
        caveats=(*_caveats(trace, rows[0].reference), *caveats),
        conclusions=conclusions,
        marks=marks,
    )


def _caveats(trace: Trace, layer: int) -> tuple[str, ...]:
    """What holds for every number on retention."""
    documents = trace.documents
    bare = int((documents.kept[:, -1] == 0).sum())
    return (
        WORD,
        "What outlives what is asked among words of as many pieces in the same document, over all "
        "layers. Words without such others cannot be compared; their share is told.",
        f'"Kept" is kept after layer {layer} of {trace.about.layers}, the layer after which the '
        "share of all pieces alive is nearest to one half. It is chosen from these counts alone, "
        "before any category is looked at; what is preferred may differ from layer to layer, and "
        "the tables have them all.",
        f"After the last layer {bare:,} of {len(documents):,} documents have nothing left but "
        "special tokens: which words are kept then means how long a word can be read.",
        "Lift compares with random keeping of as many pieces: it mixes in how long words are and "
        "how hard their documents were pruned. Only the odds ratio knows of position.",
        "Tests take documents as the unit, so words may leave together with their neighbours. "
        "Where p is exact it takes each word of a stratum as independent of its neighbours.",
    )


def _charts(kind: str, key: str, layer: int) -> tuple[Telling, Telling, Chart]:
    """What outlives what, what is kept against chance, and rates after every layer."""
    return (
        Telling(
            Chart(
                name="retention_concordance",
                kind="dots",
                table="retention",
                title=f"Share of the other words that a word outlives, by {kind}",
                alt=f"One dot per {kind} with its interval: the share of the other words of as "
                "many pieces in its document that a word outlives; at 0.5 it lives as long as "
                "they do, right of it longer. The table has the figures.",
                x="concordance",
                y=key,
                interval="concordance_interval",
                count="words",
                reference=0.5,
                reference_name="as long as other words",
            ),
            high="longest kept",
            low="soonest dropped",
            none="No difference is shown in how long words are kept",
        ),
        Telling(
            Chart(
                name="retention_chance",
                kind="chance",
                table="retention",
                title=f"Share of words kept after layer {layer}, and at random, by {kind}",
                alt=f"One dot per {kind}, the share of its words that is kept, and a tick where "
                "random keeping of as many pieces would have it. The table has the figures.",
                x="retention",
                y=key,
                interval="retention_interval",
                beside="retention_expected",
                count="words",
            ),
            high=f"most kept after layer {layer}",
            low="least kept",
        ),
        Chart(
            name="retention_curve_lines",
            kind="heat",
            table="retention_curve",
            title=f"Share of words alive after each layer by {kind}",
            alt=f"One line of cells per {kind}, from the first to the last layer; it can only "
            "fall. The number in a cell is the share that is alive.",
            x="layer",
            y=key,
            color="retention",
        ),
    )
