"""What does computing in half precision change?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    COST,
    DECISION,
    MODELS,
    BenchView,
    Conclusion,
    Estimate,
    Finding,
    Natural,
    Place,
    Trace,
    answer,
    arm,
    bounds,
    measurement,
    not_applicable,
    percent,
    place,
)
from auditkit.probes._recomputed import (
    EXACT,
    Decisions,
    decisions,
    decisions_table,
    predictions,
    predictions_table,
)

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
    version: ClassVar[str] = "3"
    question: ClassVar[str] = "Does half precision change what is kept and what is predicted?"
    needs: ClassVar[frozenset[str]] = frozenset({MODELS})
    place: ClassVar[Place] = Place(3, 1)

    documents: Natural = 256
    """Documents to ask in float32 too: a sample stratified by class."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """Ask the model under audit, pruned and not, and its reference about a sample in float32.

        Returns:
            Columns example_id, arm, predicted, depths; None where the run is in float32 itself.
        """
        if bench.about.dtype == EXACT or self.documents < 1:
            return None
        sample = bench.stratified_sample(self.documents)
        asked = [
            run.name
            for run in bench.about.runs
            if (run.subject == "model" or arm(run.name).role == "reference")
            and not arm(run.name).sampled
        ]
        bench.expect(len(asked) * len(sample))
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
        (audited,), changed = trace.about.in_role("audited"), predictions(trace, measured)
        told = f"{_share(changed[audited], 1)} of the predictions of the {audited} model"
        measurements, tables = [], [predictions_table(changed)]
        if trace.about.depths_of:
            found = decisions(trace, measured[measured["arm"] == audited])
            told = f"{_kept(found)} and {told}"
            measurements.append(
                measurement(
                    "changed_documents", found.documents, "share",
                    at={"arm": audited}, control=EXACT, better="lower",
                )
            )  # fmt: skip
            tables.insert(0, decisions_table(found, audited))
        return answer(
            self,
            f"In {dtype} against {EXACT}, {told} change, on {changed[audited].n} documents.",
            measurements=measurements,
            tables=tables,
            caveats=CAVEATS,
            conclusions=_concluded(changed[audited], audited, dtype),
        )


def _concluded(share: Estimate, audited: str, dtype: str) -> list[Conclusion]:
    """That predictions change, where any does."""
    if not share.value:
        return []
    told = (
        f"In {dtype} against {EXACT} {_share(share, 1)} of the predictions of the {audited} model "
        f"change, on {share.n:,} documents."
    )
    return [Conclusion(COST, told, (place("changed_predictions", arm=audited),), "notable")]


def _kept(found: Decisions) -> str:
    """The share of changed keep decisions, for a clause."""
    share = found.share
    if share.value is None:
        return f"the share of changed keep decisions is undefined ({share.why_not})"
    if share.value == 0:
        return f"no document has a changed keep decision ({_interval(found.documents, 1)})"
    return f"{_share(share, 2)} of the keep decisions"


def _share(share: Estimate, places: int) -> str:
    return f"{percent(share.value or 0, places)} ({_interval(share, places)})"


def _interval(share: Estimate, places: int) -> str:
    return bounds(share.scaled(100), places) + (" %" if share.interval else "")
