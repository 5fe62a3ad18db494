"""Is the audited model the deployed one?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    ENGINE,
    PRUNING,
    BenchView,
    Chart,
    Conclusion,
    Finding,
    Fraction,
    Natural,
    Place,
    Table,
    Told,
    Trace,
    answer,
    measurement,
    not_applicable,
)
from auditkit.probes._call_words import (
    calls_table,
    claim_of_calls,
    claim_of_returns,
    conclusions_of_calls,
)
from auditkit.probes._calls import AUDIT, calls, has_thresholds, recorded, trained_width, ways
from auditkit.probes._cost import COUNTED
from auditkit.probes._dose import (
    CHART,
    OBSERVED,
    STEP,
    claim_of_dose,
    dose,
    dose_table,
)
from auditkit.probes._margins import (
    claim_of_margins,
    conclusions_of_margins,
    factor_key,
    factors,
    moved,
    moved_table,
    near_table,
)

CAVEATS = (
    "The checkpoint's forward is its own model(input_ids, attention_mask): it removes what it "
    "drops and counts positions from a document's first token, so that padding on either side "
    "should change nothing. Masks in padded attention are a second implementation of the same "
    "rule, as exported models have it: a dropped token is hidden from all others and computed all "
    "the same. It rounds otherwise, and rounding decides on a score that lies at its threshold.",
    "A deployment that counts positions from the left edge of a batch, as stock BERT does, reads "
    "other positions where it pads on the left; that is not called here.",
    "Both implementations hide a dropped token for good, so that none should come back by "
    "construction. Whether one does is read off the attention under masks, layer by layer, which "
    "would show it all the same; a survival depth could not say it.",
    COUNTED + " Masks spare nothing of what is counted.",
)
BY_WIDTH = (
    "Scores of this checkpoint were divided in training by the length that documents were padded "
    "to. The audit divides by {width}; the original implementation divides by the padded length of "
    "each batch, and the masks here do as it does."
)


@dataclass(frozen=True)
class Validity:
    """Ways of calling, thresholds moved a little, tokens that come back, and error by keep rate."""

    name: ClassVar[str] = "validity"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Is the audited model the deployed one?"
    needs: ClassVar[frozenset[str]] = frozenset({ENGINE, PRUNING})
    place: ClassVar[Place] = Place(3, 0)

    documents: Natural = 200
    """How many to call otherwise, each class with its share."""
    epsilon: Fraction = 0.01
    """How near, relative, to its threshold a score is near."""
    padding: Natural = 64
    """Tokens of extra padding."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """Call the pruned model in every way, and with every threshold a little lower and higher.

        Returns:
            Columns call, example_id, predicted, probs, depths, returns, scores, bounds: a row a way
            and document; what a way does not tell is None.
        """
        if self.documents < 1:
            return None
        about, arm = bench.about, str(bench.about.depths_of)
        sample = bench.stratified_sample(self.documents)
        _, *padded = calls(about, self.padding)
        moves = factors(self.epsilon) if has_thresholds(about) else ()
        bench.expect(len(sample) * (1 + len(padded) + len(moves)))
        frames = [bench.scored(arm, sample).assign(call=AUDIT.key)]
        frames += [bench.padded(arm, sample, **one.how).assign(call=one.key) for one in padded]
        for factor in moves:
            said = bench.scored(arm, sample, factor)
            said = said.drop(columns=["scores", "bounds"])
            frames.append(said.assign(call=factor_key(factor)))
        columns = ["call", "example_id", "predicted", "probs", "depths", "returns", "scores"]
        found = [frame.reindex(columns=[*columns, "bounds"]).astype(object) for frame in frames]
        table = pd.concat(found, ignore_index=True).astype({"predicted": np.int64})
        return table.where(table.notna(), None)

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """What differs by way of calling, what hangs on thresholds, and error by keep rate."""
        about, measured = trace.about, trace.measured(self.name)
        response, tables, charts, parts = dose(trace), list[Table | Told](), list[Chart](), []
        concerns = list[Conclusion]()
        if measured is not None and not measured.empty:
            known = recorded(trace, measured[measured["call"] == AUDIT.key])
            found = ways(about, known, measured, self.padding)
            tables.append(calls_table(found, about))
            steps = moved(known, measured, self.epsilon) if has_thresholds(about) else []
            if steps:
                near = near_table(known, about, self.epsilon)
                tables += [near, moved_table(steps, about)]
            concerns += conclusions_of_calls(found, {"arm": about.depths_of})
            concerns += conclusions_of_margins(steps, about.depths_of)
            parts += [
                claim_of_calls(found, about), claim_of_returns(found),
                claim_of_margins(known, steps, self.epsilon),
            ]  # fmt: skip
        elif not len(response.rate):
            none = "no document was called, and none has a token to drop and a label"
            return not_applicable(self, none)
        else:
            parts.append("this run called no document otherwise")
        at, extra = {"arm": about.depths_of, "against": response.against}, []
        if len(response.rate):
            tables.append(dose_table(response, about))
            charts.append(CHART)
            extra.append(
                measurement(
                    "accuracy_trend", response.trend, f"points for {STEP} points of keep rate",
                    at=at, control=response.against,
                )
            )  # fmt: skip
        claim = "; ".join([*parts, claim_of_dose(response, about)])
        width = trained_width(about)
        by_width = [BY_WIDTH.format(width=width)] if width else []
        return answer(
            self,
            f"{claim[0].upper()}{claim[1:]}.",
            measurements=extra,
            tables=tables,
            charts=charts,
            conclusions=concerns,
            caveats=(*CAVEATS, *by_width, OBSERVED),
        )
