"""Which parts of speech survive pruning, beyond what chance and their frequency explain?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
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
    label, names = trace.documents.label, trace.about.labels
    by_class = {int(value): _counts(cells.select(label == value)) for value in np.unique(label)}
    frequency = np.sum([counts[0] for counts in by_class.values()], axis=0)
    for upos in sorted(range(len(cells.names)), key=lambda u: (-frequency[u], u)):
        for value, counts in by_class.items():
            of_class, kept_of_class = counts[0].sum(), counts[1].sum()
            words, kept, layers, documents = (int(count[upos]) for count in counts)
            if words:
                yield Row(
                    {"category": cells.names[upos], "class": class_name(names, value)},
                    {
                        "share": _over(words, of_class, documents),
                        "kept_share": _over(kept, kept_of_class, documents),
                        "retention": _over(kept, words, documents),
                        "depth": _over(layers, words, documents),
                    },
                    {"words": words, "kept": kept},
                    n=words,
                )


def _counts(cells: WordCells) -> tuple[NDArray[np.int64], ...]:
    """Words, words kept, layers outlived and documents of each part of speech, (C,) each."""
    inside, size = cells.category >= 0, len(cells.names)
    category, words, depth = cells.category[inside], cells.words[inside], cells.depth[inside]
    kept = words * (depth >= cells.reference)
    sums = (np.bincount(category, weights=w, minlength=size) for w in (words, kept, words * depth))
    return (*(s.astype(np.int64) for s in sums), cells.holders())


def _over(part: int, whole: int, documents: int) -> Estimate:
    value = part / whole if whole else None
    return Estimate(value, documents, why_not=NONE_KEPT if value is None else COUNTED)
