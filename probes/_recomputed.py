"""Keep decisions and predictions of the run against those of float32."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    Estimate,
    Label,
    Number,
    Row,
    Told,
    Trace,
    changed_decisions,
    columns,
    tabulate,
)
from auditkit.stats.estimates import document_share
from auditkit.stats.rates import ratio_of_sums

EXACT = "float32"


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decisions of the arm that drops tokens."""

    changed: NDArray[np.float64]  # (n, L)
    whole: NDArray[np.float64]  # (n, L): all that there are to compare

    @property
    def share(self) -> Estimate:
        """The share that changed, over all layers."""
        return ratio_of_sums(self.changed.sum(1), self.whole.sum(1), bounds=(0, 1))

    @property
    def documents(self) -> Estimate:
        """The share of documents with a changed decision."""
        return document_share(self.changed.sum(1) > 0)


def decisions(trace: Trace, exact: pd.DataFrame) -> Decisions:
    """Those of the documents of `exact`: columns example_id, depths (as `BenchView.ask`)."""
    other = exact.set_index("example_id")["depths"]
    parts = []
    for tokens in trace.scan("tokens", ["example_id", "special", "depth"], ids=other.index):
        document, ids = tokens["example_id"].factorize()
        parts.append(
            changed_decisions(
                document,
                tokens["special"].to_numpy(dtype=bool),
                tokens["depth"].to_numpy(dtype=np.int64),
                np.concatenate([np.asarray(other[i], dtype=np.int64) for i in ids]),
                trace.about.layers,
            )
        )
    return Decisions(
        *(np.concatenate(side).astype(np.float64) for side in zip(*parts, strict=True))
    )


def decisions_table(found: Decisions, arm: str) -> Told:
    """One row a layer, and one over all."""
    return tabulate(
        "decisions",
        f"Keep decisions that differ from those in {EXACT}, by layer",
        [
            Label("layer", "Layer", whole="all"),
            *columns(("decisions", "Decisions", "count"), ("changed", "Changed", "count")),
            Number("changed_decisions", "Share", "share", control=EXACT, better="lower"),
        ],
        _rows(found),
        arm=arm,
    )


def predictions(trace: Trace, measured: pd.DataFrame) -> dict[str, Estimate]:
    """By arm: the share of documents whose predicted class changed."""
    documents, found = trace.documents, {}
    for name, exact in measured.groupby("arm", sort=False):
        answers = documents.answers(str(name))
        assert answers is not None  # it was asked because it was run
        rows = np.searchsorted(answers.rows, documents.rows_of(exact["example_id"]))
        found[str(name)] = document_share(
            answers.predicted[rows, 0] != exact["predicted"].to_numpy()
        )
    return found


def predictions_table(found: Mapping[str, Estimate]) -> Told:
    """One row an arm."""
    return tabulate(
        "predictions",
        "Documents whose predicted class differs from that in float32",
        [
            Label("arm", "Arm"),
            *columns(("documents", "Documents", "count")),
            Number("changed_predictions", "Share", "share", control=EXACT, better="lower"),
        ],
        [
            Row({"arm": name}, {"changed_predictions": share}, {"documents": share.n})
            for name, share in found.items()
        ],
        note="Of an arm that prunes nothing, only the arithmetic differs.",
    )


def _rows(found: Decisions) -> Iterator[Row]:
    layers = range(found.whole.shape[1])
    parts = [
        (layer + 1, Decisions(found.changed[:, [layer]], found.whole[:, [layer]]))
        for layer in layers
    ]
    for layer, part in (*parts, (None, found)):
        n, changed = int(part.whole.sum()), int(part.changed.sum())
        facts = {"decisions": n, "changed": changed}
        yield Row({"layer": layer}, {"changed_decisions": part.share}, facts, n=n)
