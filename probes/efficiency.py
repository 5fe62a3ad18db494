"""What does pruning save?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditkit.plugin import (
    Cell,
    Chart,
    Documents,
    Finding,
    Label,
    Number,
    Place,
    Row,
    Table,
    Told,
    Trace,
    Undefined,
    answer,
    bounds,
    columns,
    figure,
    tabulate,
)
from auditkit.probes._budgets import budgets_chart, budgets_table
from auditkit.probes._cost import COUNTED, NOT_COUNTED, counted_macs, layers_table, macs_ratio
from auditkit.probes._hardness import (
    BY_LENGTH,
    classes_table,
    lengths,
    lengths_table,
    pruned,
    quartiles,
)
from auditkit.probes._thresholds import PATH, path_of, path_table, thresholds_table
from auditkit.stats.estimates import Estimate
from auditkit.stats.resampling import Bootstrap

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
    needs: ClassVar[frozenset[str]] = frozenset({"pruned"})
    place: ClassVar[Place] = Place(0, 1)

    resamples: int = 2000
    """Bootstrap resamples of the documents."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """The ratio of MACs, keep rates and costs by layer, and who is pruned how hard."""
        about, documents = trace.about, trace.documents
        bootstrap = Bootstrap(rng, self.resamples)
        ratio = macs_ratio(documents, bootstrap)
        tables: list[Table | Told] = [
            _saving_table(documents, ratio),
            layers_table(trace, bootstrap),
            lengths_table(trace),
            classes_table(trace),
        ]
        charts = [*_CHARTS]
        if about.model.thresholds:
            tables.append(thresholds_table(about))
        if path_of(about):
            tables.append(path_table(about))
            charts.append(PATH)
        if about.sweep:
            tables.append(budgets_table(about.sweep))
            charts.append(budgets_chart(about.sweep))
        return answer(
            self,
            _claim(ratio, documents),
            tables=tables,
            charts=charts,
            caveats=(COUNTED, NOT_ALIKE),
        )


def _saving_table(documents: Documents, ratio: Estimate) -> Told:
    macs = counted_macs(documents)
    facts: dict[str, Cell] = dict.fromkeys(("whole", "pruned"), Undefined(NOT_COUNTED))
    if macs is not None:
        facts = {"whole": float(macs[0].mean()), "pruned": float(macs[1].mean())}
    return tabulate(
        "saving",
        "Counted MACs, means over the documents",
        [
            Label("arm", "Arm"),
            *columns(
                ("whole", "MACs, unpruned", "number"), ("pruned", "MACs, pruned", "number")
            ),
            Number("macs_ratio", "Unpruned over pruned", "ratio", "Sums over all documents.",
                   "Bootstrap over documents.", better="higher", headline=True),
        ],
        [Row({"arm": "pruned"}, {"macs_ratio": ratio}, facts)],
        note=COUNTED,
    )  # fmt: skip


def _claim(ratio: Estimate, documents: Documents) -> str:
    """MACs saved, tokens that outlive all layers, and the shortest documents beside the longest."""
    layers, pieces = documents.kept.shape[1], documents.pieces
    if not pieces.any():
        return "The documents hold no tokens but special ones, so there is nothing to prune."
    saved = f"MACs: {ratio.why_not}"
    if ratio.value is not None:
        times = f"{figure(ratio.value, 2)}× the MACs of the pruned model"
        saved = f"The baseline takes {times} ({bounds(ratio, 2)})"
    every = "the layer" if layers == 1 else f"all {layers} layers"
    return (
        f"{saved}; of {figure(float(pieces.mean()), 1)} tokens that a document has on average, "
        f"{figure(float(documents.kept[:, -1].mean()), 1)} outlive {every}{_ends(documents)}."
    )


def _ends(documents: Documents) -> str:
    """The mean keep rates of the shortest and the longest documents; "" without two to compare."""
    quartile = quartiles(documents)
    told = []
    for end in (1, quartile.max()):
        who = quartile == end
        rate = pruned(documents, who)["keep_rate"].scaled(100)
        if rate.value is None or who.all():
            return ""
        value = f"{figure(rate.value, 1)} % ({bounds(rate, 1)})"
        told.append(f"{value} in documents of {lengths(documents, who)} tokens")
    return f"; the mean keep rate over the layers is {' and '.join(told)}"


_CHARTS = (
    Chart(
        name="keep_rate",
        kind="lines",
        table="layers",
        title="Tokens alive after each layer",
        alt="Share of the tokens that are alive after each layer of the pruned model with 95 % "
        "intervals, special tokens left out. The table has the figures.",
        x="layer",
        y="keep_rate",
        interval="keep_rate_interval",
    ),
    Chart(
        name="special_keep_rate",
        kind="lines",
        table="layers",
        title="Special tokens alive after each layer",
        alt="Share of the special tokens that are alive after each layer of the pruned model with "
        "95 % intervals. The table has the figures.",
        x="layer",
        y="special_keep_rate",
        interval="special_keep_rate_interval",
    ),
    BY_LENGTH,
)
