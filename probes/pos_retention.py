"""Which parts of speech survive pruning, beyond what chance and their frequency explain?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.finding.values import Cell, Chart, Finding, Table, Undefined
from auditkit.plugin.figures import columns
from auditkit.plugin.probe import BenchView, answer, not_applicable
from auditkit.plugin.retention import (
    caveats_of,
    charts_of,
    claim_over,
    class_name,
    measurements_of,
    survival_of,
    tables_of,
)
from auditkit.stats.survival import Survival, retention
from auditkit.trace.tables import Trace

NONE_KEPT = Undefined("no word of the class is kept")


@dataclass(frozen=True)
class PosRetention:
    """Retention by part of speech (UPOS), against random keeping of as many pieces.

    Nouns dominate what is kept because nouns dominate the text; the lift takes that out.
    """

    name: ClassVar[str] = "pos_retention"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = (
        "Which parts of speech survive pruning, and more often than by chance?"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"words"})

    resamples: int = 2000
    """Resamples of the document bootstrap."""

    def measure(self, bench: BenchView) -> None:
        """Nothing: the trace holds all that is needed."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Rates, lifts and adjusted odds by part of speech, and counts by class."""
        words = trace.table("words")
        upos = words["upos"].to_numpy(dtype=object)
        survival = survival_of(trace)
        rows = retention(survival, upos, rng, resamples=self.resamples)
        if not rows:
            return not_applicable(self, "the spaCy pipeline gave no word a part of speech")
        lifts, adjusted, curve = tables_of(rows, "Parts of speech", "Part of speech")
        by_class = _by_class(trace, words, survival)
        annotator = trace.about.annotator
        tagger = (
            f"Tagged by {annotator.name} {annotator.version}; its tagging errors are in all rows."
        )
        return answer(
            self,
            claim=claim_over(rows, "parts of speech"),
            status="reported",
            measurements=measurements_of(rows),
            tables=(lifts, adjusted, curve, by_class),
            charts=(
                *charts_of(lifts, curve, "part of speech"),
                Chart(
                    name="depth_by_class",
                    kind="heat",
                    table=by_class.name,
                    title="Mean survival depth by part of speech and class",
                    alt="One cell per part of speech and class; darker cells outlive more layers.",
                    x="class",
                    y="upos",
                    color="depth",
                ),
            ),
            caveats=(*caveats_of(survival), tagger),
        )


def _by_class(trace: Trace, words: pd.DataFrame, survival: Survival) -> Table:
    """How often each part of speech occurs and is kept in each class, most frequent first."""
    label = trace.table("examples").set_index("example_id")["label"]
    frame = pd.DataFrame(
        {
            "label": label.reindex(words["example_id"]).to_numpy(),
            "upos": words["upos"].to_numpy(dtype=object),
            "depth": survival.depth,
        }
    )
    frame = frame[frame["upos"] != ""]
    frame["kept"] = frame["depth"] >= survival.reference
    groups = frame.groupby(["upos", "label"], sort=True)
    cells = groups.agg(words=("depth", "size"), kept=("kept", "sum"), depth=("depth", "mean"))
    of_class = cells.groupby("label")[["words", "kept"]].sum()
    frequency = cells.groupby("upos")["words"].sum()
    rows: list[tuple[Cell, ...]] = []
    for upos in sorted(frequency.index, key=lambda u: (-frequency[u], u)):
        for row in cells.loc[upos].itertuples():
            whole = of_class.loc[row.Index]
            rows.append(
                (
                    upos,
                    class_name(trace.about.labels, int(row.Index)),
                    int(row.words),
                    float(row.words / whole["words"]),
                    int(row.kept),
                    float(row.kept / whole["kept"]) if whole["kept"] else NONE_KEPT,
                    float(row.kept / row.words),
                    float(row.depth),
                )
            )
    return Table(
        name="by_class",
        title=f"Parts of speech by class: kept after layer {survival.reference}",
        columns=columns(
            ("upos", "Part of speech", "label"),
            ("class", "Class", "label"),
            ("words", "Words", "count"),
            ("share", "Share of the class's words", "share"),
            ("kept", "Words kept", "count", f"Alive after layer {survival.reference}."),
            ("kept_share", "Share of the class's kept words", "share"),
            ("rate", "Kept", "share"),
            ("depth", "Mean survival depth", "number"),
        ),
        rows=tuple(rows),
        note="Frequencies of kept words follow the frequencies of all words; only the lift says "
        "what pruning prefers.",
    )
