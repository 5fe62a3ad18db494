"""What does computing in half precision change?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    DECISION,
    BenchView,
    Column,
    Finding,
    Label,
    Number,
    Place,
    Row,
    Told,
    Trace,
    answer,
    arm,
    bounds,
    changed_decisions,
    measurement,
    not_applicable,
    percent,
    tabulate,
)
from auditkit.stats.estimates import Estimate, document_share
from auditkit.stats.rates import ratio_of_sums

EXACT = "float32"

CAVEATS = (
    DECISION,
    "float32 means the checkpoint's own weights, opened in float32 on the same device. In either "
    "precision the attention that a token receives is summed, and compared with the threshold, in "
    "float32; what differs is the attention itself.",
    "A change is no error: where it matters is told by the accuracy of this run's arms.",
)


@dataclass(frozen=True)
class Precision:
    """Keep decisions and predictions of the run set against those of float32."""

    name: ClassVar[str] = "precision"
    version: ClassVar[str] = "2"
    question: ClassVar[str] = "Does half precision change what is kept and what is predicted?"
    needs: ClassVar[frozenset[str]] = frozenset()
    place: ClassVar[Place] = Place(3, 0)

    documents: int = 256
    """Documents to ask in float32 too: a sample stratified by class."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """Ask the model, pruned and not, and its baseline about a sample in float32.

        Returns:
            Columns example_id, arm, predicted, depths; None where the run is in float32 itself.
        """
        if bench.about.dtype == EXACT or self.documents < 1:
            return None
        sample = bench.stratified_sample(self.documents)
        asked = [
            run.name
            for run in bench.about.runs
            if run.subject in ("model", "baseline") and not arm(run.name).sampled
        ]
        frames = [bench.ask(name, sample, EXACT).assign(arm=name) for name in asked]
        return pd.concat(frames, ignore_index=True)[["example_id", "arm", "predicted", "depths"]]

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Shares of changed decisions, by layer and over all, and of changed predictions."""
        dtype = trace.about.dtype
        if dtype == EXACT:
            return not_applicable(self, f"the run computed in {EXACT}")
        measured = trace.measured(self.name)
        if measured is None or measured.empty:
            return not_applicable(self, f"this run asked about no documents in {EXACT}")
        changed, whole = _decisions(trace, measured[measured["arm"] == "pruned"])
        over_all = ratio_of_sums(changed.sum(1), whole.sum(1), bounds=(0, 1))
        documents = document_share(changed.sum(1) > 0)
        predictions = _predictions(trace, measured)
        return answer(
            self,
            _claim(dtype, over_all, documents, predictions["pruned"]),
            measurements=[
                measurement(
                    "changed_documents", documents, "share",
                    at={"arm": "pruned"}, control=EXACT, better="lower",
                )
            ],
            tables=(
                _decisions_table(changed, whole, over_all),
                _predictions_table(predictions),
            ),
            caveats=CAVEATS,
        )  # fmt: skip


def _decisions(
    trace: Trace, exact: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Decisions of the arm `pruned` that changed, and all of them, by document and layer."""
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
    changed, whole = (np.concatenate(side).astype(np.float64) for side in zip(*parts, strict=True))
    return changed, whole


def _predictions(trace: Trace, measured: pd.DataFrame) -> dict[str, Estimate]:
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


def _decisions_table(
    changed: NDArray[np.float64], whole: NDArray[np.float64], over_all: Estimate
) -> Told:
    rows = [
        Row(
            {"layer": layer + 1},
            {"changed_decisions": ratio_of_sums(changed[:, layer], whole[:, layer], bounds=(0, 1))},
            {"decisions": int(whole[:, layer].sum()), "changed": int(changed[:, layer].sum())},
            n=int(whole[:, layer].sum()),
        )
        for layer in range(whole.shape[1])
    ]
    counts = {"decisions": int(whole.sum()), "changed": int(changed.sum())}
    return tabulate(
        "decisions",
        "Keep decisions that differ from those in float32, by layer",
        [
            Label("layer", "Layer", whole="all"),
            Column(name="decisions", title="Decisions", kind="count"),
            Column(name="changed", title="Changed", kind="count"),
            Number("changed_decisions", "Share", "share", control=EXACT, better="lower"),
        ],
        [*rows, Row({}, {"changed_decisions": over_all}, counts, n=counts["decisions"])],
        arm="pruned",
    )


def _predictions_table(predictions: Mapping[str, Estimate]) -> Told:
    return tabulate(
        "predictions",
        "Documents whose predicted class differs from that in float32",
        [
            Label("arm", "Arm"),
            Column(name="documents", title="Documents", kind="count"),
            Number("changed_predictions", "Share", "share", control=EXACT, better="lower"),
        ],
        [
            Row({"arm": name}, {"changed_predictions": share}, {"documents": share.n})
            for name, share in predictions.items()
        ],
        note="Of an arm that prunes nothing, only the arithmetic differs.",
    )


def _claim(dtype: str, decisions: Estimate, documents: Estimate, predictions: Estimate) -> str:
    if decisions.value is None:
        told = f"the share of changed keep decisions is undefined ({decisions.why_not})"
    elif decisions.value == 0:
        told = f"no document has a changed keep decision ({_interval(documents, 1)})"
    else:
        told = f"{_share(decisions, 2)} of the keep decisions"
    return (
        f"In {dtype} against {EXACT}, {told} and {_share(predictions, 1)} of the predictions of "
        f"the pruned model change, on {predictions.n} documents."
    )


def _share(share: Estimate, places: int) -> str:
    return f"{percent(share.value or 0, places)} ({_interval(share, places)})"


def _interval(share: Estimate, places: int) -> str:
    return bounds(share.scaled(100), places) + (" %" if share.interval else "")
