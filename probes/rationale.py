"""Are the kept tokens those that people marked as the reason for the label?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    PRUNING,
    RESTS,
    BenchView,
    Conclusion,
    Finding,
    Place,
    Trace,
    answer,
    not_applicable,
    place,
)
from auditkit.probes._attribution import METHODS
from auditkit.probes._marks import Marked, marked_ids, marked_tokens
from auditkit.probes._order import beside_table, ranking_rows, ranking_table
from auditkit.probes._ranked import ranked
from auditkit.probes._rationale import (
    CHART,
    LayerRow,
    class_rows,
    class_table,
    layer_rows,
    layer_table,
)
from auditkit.probes._rationale_claims import claim_of_rationales, of_reference
from auditkit.stats.estimates import too_few

CAVEATS = (
    "Rationales say what people marked, not what the model must use: a model that is right for "
    "another reason keeps other tokens, and one that keeps the marked tokens may not use them.",
    "A token counts as marked if a marked span overlaps it; special tokens are left out. Chance is "
    "exact: as many random tokens of the same document, or a random order with the same ties.",
    "|Attribution| is compared with survival at the same counts: as if as many tokens had been "
    "kept after each layer, those of the largest |attribution|. Average precision of orders with "
    "other ties has another chance level.",
)


@dataclass(frozen=True)
class Rationale:
    """Agreement of kept tokens with human rationales, above random tokens, beside attributions.

    DeYoung et al. 2020 (ERASER): token F1, intersection over union, average precision.
    """

    name: ClassVar[str] = "rationale"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Are the kept tokens those that people marked as the reason?"
    needs: ClassVar[frozenset[str]] = frozenset({PRUNING, "rationales"})
    place: ClassVar[Place] = Place(2, 3)

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """Attribute a sample of the documents with a rationale, on the weights under audit.

        Returns:
            What `BenchView.attribute` returns; None of too few documents.
        """
        sample = bench.stratified_sample(bench.attribution_sample, marked_ids(bench))
        inside = bench.about.kind == "ltp" and bench.about.unpruned
        if too_few("mean", len(sample)) or not inside:
            return None
        return bench.attribute(bench.about.unpruned[:1], METHODS, sample)

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """By layer, class and score: agreement, what chance gives, and the difference."""
        everyone = marked_tokens(trace)
        mine = everyone.of(everyone.usable)
        layers = layer_rows(trace, mine)
        if not len(mine.rows):
            return not_applicable(
                self, "of no document some tokens that the models read are marked and some not"
            )
        if not layers:
            return not_applicable(self, "after no layer is a part of the tokens kept")
        arm = str(trace.about.depths_of)
        measured = trace.measured(self.name)
        scores, beside, broken = ranked(trace, measured)
        by_class = class_rows(trace, mine)
        return answer(
            self,
            claim_of_rationales(layers, beside),
            tables=[
                layer_table(layers, arm),
                *([class_table(by_class, arm)] if by_class else []),
                ranking_table(ranking_rows(trace, mine, scores)),
                *([beside_table(beside, arm)] if beside else []),
            ],
            charts=[CHART],
            conclusions=_conclusions(layers, arm),
            caveats=(*_left_out(everyone, broken, attributed=bool(beside)), *CAVEATS),
        )


def _conclusions(layers: list[LayerRow], arm: str) -> list[Conclusion]:
    return [
        Conclusion(RESTS, f"{of_reference(row, layers)}.",
                   (place("f1_difference", arm=arm, layer=row.layer),))
        for row in layers
        if row.reference and row.numbers["f1_difference"].value is not None
    ]  # fmt: skip


def _left_out(everyone: Marked, broken: int, *, attributed: bool) -> list[str]:
    """How many documents, and marks, are in no number."""
    none, every = int((everyone.found == 0).sum()), int((everyone.found == everyone.total).sum())
    every -= int((everyone.total == 0).sum())
    told = f"Documents with a rationale: {len(everyone.rows):,}."
    if none or every:
        told += (
            f" Left out: {none:,} of which no token that the models read is marked, and {every:,} "
            "of which all are."
        )
    found = [told]
    if past := int(everyone.past.sum()):
        found.append(
            f"{past:,} of {int(everyone.spans.sum()):,} marked spans reach past what the models "
            f"read, in {int((everyone.past > 0).sum()):,} documents: that part is not counted."
        )
    if not attributed:
        found.append(
            "Attributions were not asked for: too few documents with a rationale, too small an "
            "--attribution-sample, or another method that drops the tokens."
        )
    if broken:
        found.append(f"Documents left out, because an attribution is not finite: {broken}.")
    return found
