"""What does the model read, layer by layer?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditkit.plugin import (
    Documents,
    Finding,
    Place,
    Trace,
    answer,
    bounds,
    choose_documents,
    percent,
    show_document,
)
from auditkit.stats.estimates import Estimate
from auditkit.stats.rates import ratio_of_resampled_sums
from auditkit.stats.resampling import Bootstrap

CAVEATS = (
    "The documents shown are chosen, not drawn: per class those where the models disagree, those "
    "pruned hardest and least, and typical ones.",
    "A word is shown as alive while any of its pieces is.",
    "What was dropped was still read by the layers before: its content may live on in what stays.",
)


@dataclass(frozen=True)
class LayerView:
    """Documents with their words dropped layer by layer."""

    name: ClassVar[str] = "layer_view"
    version: ClassVar[str] = "2"
    question: ClassVar[str] = "What does the model read, layer by layer?"
    needs: ClassVar[frozenset[str]] = frozenset()
    place: ClassVar[Place] = Place(1, 0)

    examples: int = 8
    """How many documents to show."""
    resamples: int = 2000
    """Bootstrap resamples of the documents."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """The chosen documents in full, and how many tokens a document has left in the end."""
        documents = trace.documents
        outlive = ratio_of_resampled_sums(
            documents.kept[:, -1].astype(np.float64),
            documents.pieces.astype(np.float64),
            Bootstrap(rng, self.resamples),
            "keep_rate",
        )
        shown = [show_document(trace, *chosen) for chosen in choose_documents(trace, self.examples)]
        return answer(self, _claim(documents, outlive, len(shown)), examples=shown, caveats=CAVEATS)


def _claim(documents: Documents, outlive: Estimate, shown: int) -> str:
    if outlive.value is None:
        return "The documents hold no tokens but special ones, so there is nothing to prune."
    before, after = documents.pieces.mean(), documents.kept[:, -1].mean()
    layers = documents.kept.shape[1]
    every = "the layer" if layers == 1 else f"all {layers} layers"
    return (
        f"Of {before:.1f} tokens that a document has on average, {after:.1f} outlive {every} "
        f"({percent(outlive.value)}, {bounds(outlive.scaled(100), 1)}); documents shown in full: "
        f"{shown}."
    )
