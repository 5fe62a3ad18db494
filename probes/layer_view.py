"""What does the model read, layer by layer?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditkit.plugin import (
    NO_TOKENS,
    PRUNING,
    Estimate,
    Finding,
    Place,
    Rows,
    Trace,
    answer,
    bounds,
    choose_documents,
    measurement,
    percent,
    show_document,
    token_counts,
    tokens_left,
)
from auditkit.stats.estimates import document_share
from auditkit.stats.rates import ratio_of_sums

CAVEATS = (
    "The documents shown are chosen, not drawn: per class one that is answered rightly with and "
    "without pruning, those whose answer turned, the one pruned hardest and the longest.",
    "A word is shown as alive while any of its pieces is, and what belongs to no word, such as a "
    "tag of HTML, piece by piece.",
    "What was dropped was still read by the layers before: its content may live on in what stays.",
)


@dataclass(frozen=True)
class LayerView:
    """Documents with their words dropped layer by layer."""

    name: ClassVar[str] = "layer_view"
    version: ClassVar[str] = "5"
    question: ClassVar[str] = "What does the model read, layer by layer?"
    needs: ClassVar[frozenset[str]] = frozenset({PRUNING})
    place: ClassVar[Place] = Place(1, 0)

    examples: Rows = 8
    """How many documents to show."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """The chosen documents in full, and how many tokens a document has left in the end."""
        documents, (audited,) = trace.documents, trace.about.in_role("audited")
        shown = [show_document(trace, *chosen) for chosen in choose_documents(trace, self.examples)]
        whole, left = (n.astype(np.float64) for n in (documents.pieces, documents.kept[:, -1]))
        if not whole.any():
            return answer(self, NO_TOKENS, examples=shown, caveats=CAVEATS)
        outlive = ratio_of_sums(left, whole, bounds=(0, 1))
        emptied = document_share(left[whole > 0] == 0)
        at = {"arm": audited, "layer": str(trace.about.layers)}
        return answer(
            self,
            f"{tokens_left(documents).capitalize()} ({_share(outlive)}); nothing but special "
            f"tokens is left after the last layer in {percent(emptied.value or 0)} of the "
            f"documents ({_interval(emptied)}); documents chosen as examples: {len(shown)}.",
            measurements=[
                measurement("emptied", emptied, "share", at=at),
                measurement("keep_rate", outlive, "share", at=at),
                *token_counts(documents, {"arm": audited}),
            ],
            examples=shown,
            caveats=CAVEATS,
        )


def _share(share: Estimate) -> str:
    if share.value is None:
        return f"no share is given: {share.why_not}"
    return f"{percent(share.value)}, {_interval(share)}"


def _interval(share: Estimate) -> str:
    return bounds(share.scaled(100), 1)
