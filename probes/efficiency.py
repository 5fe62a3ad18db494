"""What does pruning save?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditkit.plugin import (
    COST,
    NO_TOKENS,
    PRUNING,
    Chart,
    Conclusion,
    Documents,
    Finding,
    Place,
    Table,
    Telling,
    Told,
    Trace,
    answer,
    bounds,
    figure,
    place,
    token_counts,
    tokens_left,
)
from auditkit.probes._budgets import budgets_chart, budgets_table
from auditkit.probes._cost import (
    COUNTED,
    keep_rate_charts,
    layers_table,
    macs_ratio,
    saved_card,
    saving_table,
)
from auditkit.probes._hardness import BY_LENGTH, classes_table, ends, lengths_table
from auditkit.probes._thresholds import PATH, path_of, path_table, thresholds_table
from auditkit.stats.estimates import Estimate

NOT_ALIKE = (
    "Documents are not pruned alike: a mean over all of them is that of no document in particular, "
    "and other lengths or classes give another mean."
)


@dataclass(frozen=True)
class Efficiency:
    """Counted MACs and keep rates: over all, by layer, by length of the document and by class."""

    name: ClassVar[str] = "efficiency"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "What does pruning save?"
    question_of_change: ClassVar[str] = "What does the change save?"
    needs: ClassVar[frozenset[str]] = frozenset({PRUNING})
    place: ClassVar[Place] = Place(0, 1)

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """The ratio of MACs, keep rates and costs by layer, and who is pruned how hard."""
        about, documents = trace.about, trace.documents
        ratio, at = macs_ratio(documents), {"arm": about.depths_of}
        layers = layers_table(trace)
        left, special = keep_rate_charts(layers.table)
        tables: list[Table | Told] = [
            saving_table(trace, ratio),
            layers,
            lengths_table(trace),
            *([classes_table(trace)] if about.dataset.labelled else []),
        ]
        charts: list[Chart | Telling] = [left, BY_LENGTH]
        if about.model.thresholds:
            tables.append(thresholds_table(about))
        if path_of(about):
            tables.append(path_table(about))
            charts.append(PATH)
        if about.sweep:
            tables.append(budgets_table(about.sweep, about.depths_of))
            charts.insert(1, budgets_chart(about.sweep))
        return answer(
            self,
            _claim(ratio, documents),
            measurements=token_counts(documents, at),
            tables=tables,
            charts=[*charts, special],
            caveats=(COUNTED, NOT_ALIKE),
            cards=() if ratio.value is None else [saved_card(ratio, at)],
            conclusions=()
            if ratio.value is None
            else [Conclusion(COST, _claim(ratio, documents), (place("macs_ratio", **at),))],
        )


def _claim(ratio: Estimate, documents: Documents) -> str:
    """MACs saved, tokens that outlive all layers, and the shortest documents beside the longest."""
    if not documents.pieces.any():
        return NO_TOKENS
    saved = f"MACs: {ratio.why_not}"
    if ratio.value is not None:
        times = f"{figure(ratio.value, 2)}× the MACs of the pruned model"
        saved = f"The baseline takes {times} ({bounds(ratio, 2)})"
    return f"{saved}; {tokens_left(documents)}{ends(documents)}."
