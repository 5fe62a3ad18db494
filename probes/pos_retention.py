"""Which parts of speech survive pruning, beyond what chance and their frequency explain?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    PRUNING,
    Conclusion,
    Finding,
    Place,
    Trace,
    claim_over,
    conclusions_of,
    marks_of,
    not_applicable,
    retention_answer,
    word_cells,
)
from auditkit.probes._by_class import claim_by_class, class_chart, class_tables
from auditkit.probes._in_classes import in_classes
from auditkit.stats.cells import WordCells
from auditkit.stats.survival import Retained, retention

CONTENT = frozenset({"ADJ", "ADV", "NOUN", "NUM", "PROPN", "VERB"})
"""Parts of speech that carry what a text is about."""
MARKED = CONTENT | {"PRON", "PUNCT"}
"""Those of the key picture; most of the others are stop words."""


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
            conclusions=_concluded(found.rows, trace.about.depths_of),
            marks=marks_of((r for r in found.rows if r.category in MARKED), trace.about.depths_of),
            caveats=[f"Tagged by {tagger}; its tagging errors are in all rows."],
        )


def _concluded(rows: Sequence[Retained], arm: str | None) -> list[Conclusion]:
    """What is kept longest and dropped soonest, and which words of content are dropped soonest."""
    content = [row for row in rows if row.category in CONTENT]
    lost = [one for one in conclusions_of(content, arm, concern="notable") if one.concern]
    told = {one.measurements for one in lost}
    return [*(one for one in conclusions_of(rows, arm) if one.measurements not in told), *lost]


def upos_of(words: pd.DataFrame) -> NDArray[Any]:
    """The part of speech of each word."""
    return words["upos"].to_numpy(dtype=object)
