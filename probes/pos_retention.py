"""Which parts of speech survive pruning, beyond what chance and their frequency explain?"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    PRUNING,
    Finding,
    Place,
    Trace,
    claim_over,
    conclusions_of,
    not_applicable,
    retention_answer,
    word_cells,
)
from auditkit.probes._by_class import claim_by_class, class_chart, class_tables
from auditkit.probes._in_classes import in_classes
from auditkit.stats.cells import WordCells
from auditkit.stats.survival import retention


@dataclass(frozen=True)
class PosRetention:
    """Retention by part of speech (UPOS), against words of as many pieces and random keeping.

    Nouns dominate what is kept because nouns dominate the text; comparisons take that out.
    """

    name: ClassVar[str] = "pos_retention"
    version: ClassVar[str] = "5"
    question: ClassVar[str] = "Which parts of speech are kept longer than other words?"
    needs: ClassVar[frozenset[str]] = frozenset({"words", "pos", PRUNING})
    place: ClassVar[Place] = Place(1, 1)

    def sorted_words(self, trace: Trace) -> WordCells:
        """By part of speech."""
        return word_cells(trace, upos_of, ["upos"])

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """What outlives what, rates, lifts and odds by part of speech, and counts by class."""
        cells = self.sorted_words(trace)
        if not cells.names:
            return not_applicable(self, "the spaCy pipeline gave no word a part of speech")
        found, annotator = retention(cells, rng), trace.about.annotator
        tagger = f"{annotator.name} {annotator.version}"
        by_class = in_classes(trace, cells)
        claim = f"{claim_over(found.rows, 'parts of speech')} {claim_by_class(by_class)}"
        title, kind = "Parts of speech", "Part of speech"
        return retention_answer(
            self,
            claim.strip(),
            trace,
            found,
            title=title,
            kind=kind,
            tables=class_tables(trace, cells, by_class, rng, title=title, kind=kind),
            charts=[class_chart("part of speech")] if by_class else [],
            conclusions=conclusions_of(found.rows, trace.about.depths_of),
            caveats=[f"Tagged by {tagger}; its tagging errors are in all rows."],
        )


def upos_of(words: pd.DataFrame) -> NDArray[Any]:
    """The part of speech of each word."""
    return words["upos"].to_numpy(dtype=object)
