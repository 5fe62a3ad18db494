"""Do names survive pruning?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditkit.finding.values import Cell, Finding, Table, Undefined
from auditkit.plugin.figures import columns
from auditkit.plugin.probe import BenchView, answer, not_applicable
from auditkit.plugin.retention import (
    caveats_of,
    charts_of,
    claim_of,
    claim_over,
    measurements_of,
    retention_table,
    survival_of,
    tables_of,
)
from auditkit.stats.survival import Retained, retention
from auditkit.trace.tables import AnnotatorAbout, Trace

NAMES = frozenset(
    ["EVENT", "FAC", "GPE", "LANGUAGE", "LAW", "LOC", "MISC", "NORP", "ORG", "PER", "PERSON",
     "PRODUCT", "WORK_OF_ART"]
)  # fmt: skip
"""Entity types whose words are names; the others are numbers, amounts and dates."""

NAME, QUANTITY, NONE = "names", "numbers and dates", "no entity"


@dataclass(frozen=True)
class Entity:
    """Retention of named entities, against random keeping.

    Where the pipeline types entities badly the unit is "name or not": type errors mix categories,
    which pulls every lift towards 1, and no interval shows it.
    """

    name: ClassVar[str] = "entity"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Are names kept more often than by chance?"
    needs: ClassVar[frozenset[str]] = frozenset({"words"})

    resamples: int = 2000
    """Resamples of the document bootstrap."""

    def measure(self, bench: BenchView) -> None:
        """Nothing: the trace holds all that is needed."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Names against other words, then each type of entity."""
        words = trace.table("words")
        kind = words["entity"].to_numpy(dtype=object)
        is_name = words["entity"].isin(NAMES).to_numpy(dtype=bool)
        if not is_name.any():
            return not_applicable(self, "the spaCy pipeline found no names in the documents")
        survival, annotator = survival_of(trace), trace.about.annotator
        unit = np.where(is_name, NAME, np.where(kind == "", NONE, QUANTITY))
        rows = retention(survival, unit, rng, resamples=self.resamples)
        typed = retention(survival, kind, rng, resamples=self.resamples)
        lifts, adjusted, curve = tables_of(rows, "Names and other words", "Words")
        types = _typed_table(typed, annotator)
        names = next(r for r in rows if r.category == NAME)
        claim = claim_of(names, "Names")
        if annotator.entity_types_reliable:
            claim = claim_over(typed, "entity types")
        return answer(
            self,
            claim=claim,
            status="reported",
            measurements=(*measurements_of(rows), *measurements_of(typed, prefix="type ")),
            tables=(lifts, adjusted, curve, types),
            charts=charts_of(lifts, curve, "kind of word"),
            caveats=(*caveats_of(survival), *_caveats(annotator)),
        )


def _typed_table(rows: tuple[Retained, ...], annotator: AnnotatorAbout) -> Table:
    """Rates by type, with the annotator's F beside every one of them."""
    plain = retention_table(rows, "by_type", "By type of entity", "Type", rows[0].reference)
    measured = [
        annotator.accuracy[key] for key in ("entity_f", "ents_f") if key in annotator.accuracy
    ]
    unknown = Undefined("the pipeline's authors give no figure")
    f: Cell = measured[0] if measured else unknown
    column = columns(
        ("annotator_f", "F of the annotator", "share", "F-measure of typed entities, over all "
         "types, as the pipeline's authors measured it.")
    )  # fmt: skip
    return Table(
        name=plain.name,
        title=plain.title,
        columns=(*plain.columns, *column),
        rows=tuple((*row, f) for row in plain.rows),
        note=plain.note,
    )


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
