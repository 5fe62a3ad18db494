"""Which parts of speech survive pruning, beyond what chance and their frequency explain?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    BenchView,
    Chart,
    Finding,
    Label,
    Number,
    Place,
    Row,
    Told,
    Trace,
    answer,
    claim_over,
    class_name,
    columns,
    not_applicable,
    retention_caveats,
    retention_charts,
    retention_tables,
    tabulate,
    word_cells,
)
from auditkit.stats.cells import WordCells
from auditkit.stats.estimates import Estimate
from auditkit.stats.resampling import Bootstrap
from auditkit.stats.survival import retention

NONE_KEPT = "no word of the class is kept"
COUNTED = "a count of these documents"


@dataclass(frozen=True)
class PosRetention:
    """Retention by part of speech (UPOS), against random keeping of as many pieces.

    Nouns dominate what is kept because nouns dominate the text; the lift takes that out.
    """

    name: ClassVar[str] = "pos_retention"
    version: ClassVar[str] = "2"
    question: ClassVar[str] = (
        "Which parts of speech survive pruning, and more often than by chance?"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"words"})
    place: ClassVar[Place] = Place(1, 1)

    resamples: int = 2000
    """Resamples of the document bootstrap."""

    def measure(self, bench: BenchView) -> None:
        """Nothing: the trace holds all that is needed."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Rates, lifts and adjusted odds by part of speech, and counts by class."""
        cells = word_cells(trace, _upos, ["upos"])
        if not cells.names:
            return not_applicable(self, "the spaCy pipeline gave no word a part of speech")
        rows = retention(cells, Bootstrap(rng, self.resamples))
        tables = retention_tables(rows, "Parts of speech", "Part of speech")
        by_class = _by_class(trace, cells)
        annotator = trace.about.annotator
        tagger = (
            f"Tagged by {annotator.name} {annotator.version}; its tagging errors are in all rows."
        )
        return answer(
            self,
            claim_over(rows, "parts of speech"),
            tables=(*tables, by_class),
            charts=(
                *retention_charts(tables[0].table, tables[2].table, "part of speech"),
                Chart(
                    name="depth_by_class",
                    kind="heat",
                    table=by_class.table.name,
                    title="Mean survival depth by part of speech and class",
                    alt="One cell per part of speech and class; darker cells outlive more layers.",
                    x="class",
                    y="category",
                    color="depth",
                ),
            ),
            caveats=(*retention_caveats(cells), tagger),
        )


def _upos(words: pd.DataFrame) -> NDArray[Any]:
    return words["upos"].to_numpy(dtype=object)


def _by_class(trace: Trace, cells: WordCells) -> Told:
    """How often each part of speech occurs and is kept in each class, most frequent first."""
    layer = cells.reference
    return tabulate(
        "by_class",
        f"Parts of speech by class: kept after layer {layer}",
        [
            Label("category", "Part of speech"),
            Label("class", "Class"),
            *columns(
                ("words", "Words", "count"),
                ("kept", "Words kept", "count", f"Alive after layer {layer}."),
            ),
            Number("share", "Share of the class's words", "share", interval=None),
            Number("kept_share", "Share of the class's kept words", "share", interval=None),
            Number("retention", "Kept", "share", interval=None),
            Number("depth", "Mean survival depth", "layers", interval=None),
        ],
        _class_rows(trace, cells),
        note="Frequencies of kept words follow the frequencies of all words; only the lift says "
        "what pruning prefers.",
        arm="pruned",
    )


def _class_rows(trace: Trace, cells: WordCells) -> Iterator[Row]:
    inside = cells.category >= 0
    words = cells.words[inside].astype(np.int64)
    sums = (
        pd.DataFrame(
            {
                "upos": cells.category[inside],
                "label": trace.documents.label[cells.document[inside]],
                "words": words,
                "kept": words * (cells.depth[inside] >= cells.reference),
                "layers": words * cells.depth[inside],
                "document": cells.document[inside],
            }
        )
        .groupby(["upos", "label"], sort=True)
        .agg({"words": "sum", "kept": "sum", "layers": "sum", "document": "nunique"})
    )
    of_class = sums.groupby("label")[["words", "kept"]].sum()
    frequency = sums.groupby("upos")["words"].sum()
    for upos in sorted(frequency.index, key=lambda u: (-frequency[u], u)):
        for row in sums.loc[upos].itertuples():
            whole = of_class.loc[row.Index]
            yield Row(
                {
                    "category": cells.names[upos],
                    "class": class_name(trace.about.labels, int(row.Index)),
                },
                {
                    "share": _over(row.words, whole["words"], row.document),
                    "kept_share": _over(row.kept, whole["kept"], row.document),
                    "retention": _over(row.kept, row.words, row.document),
                    "depth": _over(row.layers, row.words, row.document),
                },
                {"words": int(row.words), "kept": int(row.kept)},
                n=int(row.words),
            )


def _over(part: int, whole: int, documents: int) -> Estimate:
    value = part / whole if whole else None
    return Estimate(value, documents, why_not=NONE_KEPT if value is None else COUNTED)
