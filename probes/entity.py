"""Do names survive pruning?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    PRUNING,
    AnnotatorAbout,
    Cell,
    Finding,
    Place,
    Trace,
    Undefined,
    adjusted_table,
    claim_of,
    claim_over,
    columns,
    conclusions_of,
    marks_of,
    not_applicable,
    retention_answer,
    retention_table,
    word_cells,
)
from auditkit.probes._by_class import class_tables
from auditkit.probes._in_classes import in_classes
from auditkit.stats.cells import WordCells
from auditkit.stats.survival import Retained, retained, retention

NAMES = frozenset(
    ["EVENT", "EVN", "EVT", "FAC", "FACILITY", "GPE", "GPE_LOC", "GPE_ORG", "LANGUAGE", "LAW", "LC",
     "LOC", "MISC", "NORP", "OG", "ORG", "ORGANIZATION", "PER", "PERSON", "PROD", "PRODUCT", "PRS",
     "PS", "WORK_OF_ART", "WRK", "geogName", "orgName", "persName", "placeName"]
)  # fmt: skip
"""Entity types whose words are names, as spaCy's pipelines of all languages call them."""
QUANTITIES = frozenset(
    ["CARDINAL", "DATE", "DATETIME", "DT", "MONEY", "MSR", "NUMERIC", "ORDINAL", "PERCENT", "QT",
     "QUANTITY", "TI", "TIME", "TME", "date", "time"]
)  # fmt: skip
"""Those whose words are numbers, amounts and dates."""

NAME, QUANTITY, OTHER, NONE = "names", "numbers and dates", "other entities", "no entity"
ASKED = (NAME, QUANTITY)
TYPES = "By type of entity"
MOST_MARKED = 6
"""Types in the key picture, the most frequent ones."""

F = columns(
    ("annotator_f", "F of the annotator", "share", "F-measure of entities of the type, as the "
     "pipeline's authors measured it.")
)  # fmt: skip
MIXED = "A wrong type puts a word into another row, which moves a lift either way, unseen."


@dataclass(frozen=True)
class Entity:
    """Retention of named entities, against words of as many pieces and against random keeping.

    Where the pipeline types entities badly, by its own figures, the unit is "name or not".
    """

    name: ClassVar[str] = "entity"
    version: ClassVar[str] = "6"
    question: ClassVar[str] = "Are names kept longer than other words?"
    needs: ClassVar[frozenset[str]] = frozenset({"words", "entities", PRUNING})
    place: ClassVar[Place] = Place(1, 3)

    def sorted_words(self, trace: Trace) -> WordCells:
        """Names, numbers and dates, other entities, and words of none."""
        return word_cells(trace, entity_kind, ["entity"])

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Names against other words, then each type of entity."""
        annotator, at = trace.about.annotator, {"arm": trace.about.depths_of}
        cells = self.sorted_words(trace)
        if NAME not in cells.names:
            return not_applicable(self, "the spaCy pipeline found no names in the documents")
        kinds = retention(cells, rng, asked=ASKED)
        by_class = class_tables(
            trace, cells, in_classes(trace, cells, ASKED), rng, title="Names and others",
            kind="Words", asked=ASKED,
        )  # fmt: skip
        del cells  # as large as the run has words: one such count at a time
        typed = retained(word_cells(trace, entity_type, ["entity"]), rng)

        def beside(row: Retained) -> Mapping[str, Cell]:
            return {"annotator_f": _f_of(annotator, row.category)}

        types = retention_table(
            typed, "by_type", TYPES, "Type", key="type", more=F, facts=beside, at=at
        )
        names, arm = kinds.of(NAME), trace.about.depths_of
        claim, sure = claim_of(names, "Names"), list[Retained]()
        if annotator.entity_types_reliable:
            sure = sorted(typed, key=lambda row: -row.words)
            claim = f"{claim} {claim_over(typed, 'entity types')}"
        return retention_answer(
            self,
            claim,
            trace,
            kinds,
            title="Names and other words",
            kind="Words",
            tables=[
                types,
                adjusted_table(typed, "by_type_adjusted", TYPES, "Type", key="type", at=at),
                *by_class,
            ],
            caveats=_caveats(annotator),
            conclusions=[
                *conclusions_of([names], arm, plural=True, concern="notable"),
                *(
                    one
                    for one in conclusions_of(sure, arm, key="type", concern="notable")
                    if one.concern
                ),
            ],
            marks=[*marks_of([names], arm), *marks_of(sure[:MOST_MARKED], arm, "type")],
        )


def entity_kind(words: pd.DataFrame) -> NDArray[Any]:
    """Whether each word is of a name, a number or date, another entity, or none."""
    kinds = dict.fromkeys(NAMES, NAME) | dict.fromkeys(QUANTITIES, QUANTITY) | {"": NONE}
    return pd.Series(entity_type(words)).map(kinds).fillna(OTHER).to_numpy(dtype=object)


def entity_type(words: pd.DataFrame) -> NDArray[Any]:
    """The type of the entity that each word is of, "" of none."""
    return words["entity"].to_numpy(dtype=object)


def _f_of(annotator: AnnotatorAbout, kind: str) -> Cell:
    missing = Undefined("the pipeline's authors give no figure for the type")
    return annotator.entity_f_by_type.get(kind, missing)


def _caveats(annotator: AnnotatorAbout) -> tuple[str, ...]:
    figures = ", ".join(f"{key} {value:.2f}" for key, value in sorted(annotator.accuracy.items()))
    found = (
        f"Entities were found by {annotator.name} {annotator.version} ({figures or 'no figures'})."
    )
    lacking = () if annotator.entity_types_reliable else (
        "By the pipeline's own figures its types are approximate or not measured, so the unit is "
        '"name or not"; typed rates are a guide only.',
    )  # fmt: skip
    return (found, *lacking, MIXED)
