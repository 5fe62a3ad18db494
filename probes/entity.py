"""Do names survive pruning?"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    AnnotatorAbout,
    Cell,
    Finding,
    Place,
    Trace,
    Undefined,
    adjusted_table,
    answer,
    claim_of,
    claim_over,
    columns,
    not_applicable,
    retention_caveats,
    retention_charts,
    retention_table,
    retention_tables,
    word_cells,
)
from auditkit.stats.resampling import Bootstrap
from auditkit.stats.survival import retention

NAMES = frozenset(
    ["EVENT", "FAC", "GPE", "LANGUAGE", "LAW", "LOC", "MISC", "NORP", "ORG", "PER", "PERSON",
     "PRODUCT", "WORK_OF_ART"]
)  # fmt: skip
"""Entity types whose words are names; the others are numbers, amounts and dates."""

NAME, QUANTITY, NONE = "names", "numbers and dates", "no entity"

F = columns(
    ("annotator_f", "F of the annotator", "share", "F-measure of typed entities, over all types, "
     "as the pipeline's authors measured it.")
)  # fmt: skip


@dataclass(frozen=True)
class Entity:
    """Retention of named entities, against random keeping.

    Where the pipeline types entities badly the unit is "name or not": type errors mix categories,
    which pulls every lift towards 1, and no interval shows it.
    """

    name: ClassVar[str] = "entity"
    version: ClassVar[str] = "2"
    question: ClassVar[str] = "Are names kept more often than by chance?"
    needs: ClassVar[frozenset[str]] = frozenset({"words"})
    place: ClassVar[Place] = Place(1, 3)

    resamples: int = 2000
    """Resamples of the document bootstrap."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Names against other words, then each type of entity."""
        annotator, bootstrap = trace.about.annotator, Bootstrap(rng, self.resamples)
        cells = word_cells(trace, _kind, ["entity"])
        if NAME not in cells.names:
            return not_applicable(self, "the spaCy pipeline found no names in the documents")
        rows, caveats = retention(cells, bootstrap), retention_caveats(cells)
        del cells  # as large as the run has words: one such count at a time
        typed = retention(word_cells(trace, _type, ["entity"]), bootstrap)
        tables = retention_tables(rows, "Names and other words", "Words")
        beside = {"annotator_f": _typed_f(annotator)}
        types = retention_table(
            typed, "by_type", "By type of entity", "Type",
            key="type", more=F, facts=lambda row: beside,
        )  # fmt: skip
        adjusted = adjusted_table(
            typed, "by_type_adjusted", "By type of entity", "Type", key="type"
        )
        claim = claim_of(next(r for r in rows if r.category == NAME), "Names")
        if annotator.entity_types_reliable:
            claim = claim_over(typed, "entity types")
        return answer(
            self,
            claim,
            tables=(*tables, types, adjusted),
            charts=retention_charts(tables[0].table, tables[2].table, "kind of word"),
            caveats=(*caveats, *_caveats(annotator)),
        )


def _kind(words: pd.DataFrame) -> NDArray[Any]:
    name = words["entity"].isin(NAMES).to_numpy(dtype=bool)
    return np.where(name, NAME, np.where(_type(words) == "", NONE, QUANTITY))


def _type(words: pd.DataFrame) -> NDArray[Any]:
    return words["entity"].to_numpy(dtype=object)


def _typed_f(annotator: AnnotatorAbout) -> Cell:
    """The annotator's F on typed entities, which stands beside every one of them."""
    for key in ("entity_f", "ents_f"):
        if key in annotator.accuracy:
            return annotator.accuracy[key]
    return Undefined("the pipeline's authors give no figure")


def _caveats(annotator: AnnotatorAbout) -> tuple[str, ...]:
    figures = ", ".join(f"{key} {value:.2f}" for key, value in sorted(annotator.accuracy.items()))
    found = (
        f"Entities were found by {annotator.name} {annotator.version} ({figures or 'no figures'})."
    )
    mixed = (
        "A wrong type puts a word into another row, which pulls lifts towards 1; no interval shows "
        "it."
    )
    if annotator.entity_types_reliable:
        return found, mixed
    unit = (
        'The types of this pipeline are approximate, so the unit is "name or not"; typed rates are '
        "a guide only."
    )
    return found, unit, mixed
