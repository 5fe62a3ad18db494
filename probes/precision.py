"""What does computing in half precision change?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.finding.values import Finding, Measurement, Table
from auditkit.plugin.figures import bounds, cells, columns, measurement
from auditkit.plugin.probe import BenchView, answer, not_applicable
from auditkit.stats.estimates import Estimate, document_share
from auditkit.stats.rates import ratio_of_sums
from auditkit.trace.tables import Trace

EXACT = "float32"
ARMS = ("pruned", "unpruned", "baseline")

CAVEATS = (
    "A keep decision is a pair of a token and a layer that the token enters alive in both "
    "precisions; it is changed if one of them keeps the token and the other drops it. A token has "
    "no decision to compare after its first changed one. Layers that drop nothing count too; "
    "special tokens do not.",
    "float32 means the checkpoint's own weights, opened in float32 on the same device. In either "
    "precision the attention that a token receives is summed, and compared with the threshold, in "
    "float32; what differs is the attention itself.",
    "A change is no error: where it matters is told by the accuracy of this run's arms.",
)


@dataclass(frozen=True, slots=True)
class _Decisions:
    """Keep decisions by document and layer: (n, L) each."""

    changed: NDArray[np.float64]
    all: NDArray[np.float64]


@dataclass(frozen=True)
class Precision:
    """Keep decisions and predictions of the run set against those of float32."""

    name: ClassVar[str] = "precision"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Does half precision change what is kept and what is predicted?"
    needs: ClassVar[frozenset[str]] = frozenset()

    documents: int = 256
    """Documents to ask in float32 too: a sample stratified by class."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """Ask every arm about a sample in float32.

        Returns:
            Columns example_id, arm, predicted, depths; None where the run is in float32 itself.
        """
        if bench.about.dtype == EXACT or self.documents < 1:
            return None
        sample = bench.stratified_sample(self.documents)
        frames = [
            bench.answer(arm, sample, EXACT).assign(arm=arm)
            for arm in ARMS
            if arm in bench.about.arms
        ]
        return pd.concat(frames, ignore_index=True)[["example_id", "arm", "predicted", "depths"]]

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Shares of changed decisions, by layer and over all, and of changed predictions."""
        dtype = trace.about.dtype
        if dtype == EXACT:
            return not_applicable(self, f"the run computed in {EXACT}")
        measured = trace.measured(self.name)
        if measured is None or measured.empty:
            return not_applicable(self, f"this run asked about no documents in {EXACT}")
        decisions = _decisions(trace, measured[measured["arm"] == "pruned"])
        by_layer = [
            ratio_of_sums(changed, whole, bounds=(0, 1))
            for changed, whole in zip(decisions.changed.T, decisions.all.T, strict=True)
        ]
        over_all = ratio_of_sums(decisions.changed.sum(1), decisions.all.sum(1), bounds=(0, 1))
        documents = document_share(decisions.changed.sum(1) > 0)
        predictions = _predictions(trace, measured)
        return answer(
            self,
            claim=_claim(dtype, over_all, documents, predictions["pruned"]),
            measurements=(
                _measured("changed_decisions", over_all, int(decisions.all.sum()), "pruned"),
                _measured("changed_documents", documents, documents.n, "pruned"),
                *(_measured("changed_predictions", e, e.n, arm) for arm, e in predictions.items()),
                *(
                    _measured("changed_decisions", e, int(whole), "pruned", f"layer={layer}")
                    for layer, (e, whole) in enumerate(
                        zip(by_layer, decisions.all.sum(0), strict=True), start=1
                    )
                ),
            ),
            tables=(
                _decisions_table(decisions, [*by_layer, over_all]),
                _predictions_table(predictions),
            ),
            caveats=CAVEATS,
        )


def _decisions(trace: Trace, exact: pd.DataFrame) -> _Decisions:
    """Decisions of the arm `pruned` in both precisions.

    A token of depths a and b decides alike in the layers up to min(a, b) and, unless a = b, decides
    differently in the next.
    """
    layers = trace.about.layers
    tokens = trace.table("tokens")
    other = exact.set_index("example_id")["depths"]
    tokens = tokens[tokens["example_id"].isin(other.index)]
    theirs = np.concatenate([other[i] for i in tokens["example_id"].unique()]).astype(np.int64)
    document = tokens["example_id"].factorize()[0]
    ours = tokens["depth"].to_numpy(dtype=np.int64)
    text = ~tokens["special"].to_numpy(dtype=bool)
    low, differs = np.minimum(ours, theirs), ours != theirs
    changed = np.zeros((len(other), layers))
    whole = np.zeros((len(other), layers))
    for layer in range(layers):
        entering = text & (low >= layer)
        whole[:, layer] = np.bincount(document[entering], minlength=len(other))
        here = entering & differs & (low == layer)
        changed[:, layer] = np.bincount(document[here], minlength=len(other))
    return _Decisions(changed, whole)


def _predictions(trace: Trace, measured: pd.DataFrame) -> dict[str, Estimate]:
    """By arm: the share of documents whose predicted class changed."""
    found = {}
    for arm, exact in measured.groupby("arm", sort=False):
        ours = trace.predictions(str(arm))["predicted"][exact["example_id"]].to_numpy()
        found[str(arm)] = document_share(ours != exact["predicted"].to_numpy())
    return found


def _measured(name: str, estimate: Estimate, n: int, arm: str, layer: str = "") -> Measurement:
    return measurement(
        name, estimate, "share", n=n, arm=arm, slice=layer, control=EXACT, better="lower"
    )


def _decisions_table(decisions: _Decisions, shares: list[Estimate]) -> Table:
    changed, whole = decisions.changed.sum(0), decisions.all.sum(0)
    labels = [*map(str, range(1, len(whole) + 1)), "all"]
    counts = zip([*changed, changed.sum()], [*whole, whole.sum()], strict=True)
    return Table(
        name="decisions",
        title="Keep decisions that differ from those in float32, by layer",
        columns=columns(
            ("layer", "Layer", "label"),
            ("decisions", "Decisions", "count"),
            ("changed", "Changed", "count"),
            ("share", "Share", "share"),
            ("interval", "95 % interval", "interval"),
        ),
        rows=tuple(
            (label, int(n), int(k), *cells(share))
            for label, (k, n), share in zip(labels, counts, shares, strict=True)
        ),
    )


def _predictions_table(predictions: dict[str, Estimate]) -> Table:
    return Table(
        name="predictions",
        title="Documents whose predicted class differs from that in float32",
        columns=columns(
            ("arm", "Arm", "label"),
            ("documents", "Documents", "count"),
            ("share", "Share", "share"),
            ("interval", "95 % interval", "interval"),
        ),
        rows=tuple((arm, e.n, *cells(e)) for arm, e in predictions.items()),
        note="Of an arm that prunes nothing, only the arithmetic differs.",
    )


def _claim(dtype: str, decisions: Estimate, documents: Estimate, predictions: Estimate) -> str:
    if decisions.value is None:
        told = f"the share of changed keep decisions is undefined ({decisions.why_not})"
    elif decisions.value == 0:
        told = f"no document has a changed keep decision ({_interval(documents, 1)})"
    else:
        told = f"{_percent(decisions, 2)} of the keep decisions"
    return (
        f"In {dtype} against {EXACT}, {told} and {_percent(predictions, 1)} of the predictions of "
        f"the pruned model change, on {predictions.n} documents."
    )


def _percent(share: Estimate, places: int) -> str:
    return f"{100 * (share.value or 0):.{places}f} % ({_interval(share, places)})"


def _interval(share: Estimate, places: int) -> str:
    return bounds(share.scaled(100), places) + (" %" if share.interval else "")
