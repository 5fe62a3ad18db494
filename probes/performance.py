"""What does pruning cost?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditkit.plugin import (
    Chart,
    Finding,
    Measurement,
    Place,
    Trace,
    answer,
    bounds,
    compare,
    figure,
    measurement,
    percent,
)
from auditkit.probes._arm_tables import (
    arms_table,
    averages_table,
    classes_table,
    confusion_table,
    differences_table,
)
from auditkit.probes._arms import Answered, Summary, answered, difference, on_same, pairs, summary
from auditkit.probes._cost import COUNTED, at_macs
from auditkit.probes._floor import arithmetic
from auditkit.stats.estimates import Estimate, document_mean, document_share
from auditkit.stats.paired import Difference, Verdict, non_inferiority, probability_loyalty
from auditkit.stats.resampling import Bootstrap

ONE_PAIR = "One checkpoint pair supports claims about that pair."

DIFFERENCES = Chart(
    name="differences",
    kind="dots",
    table="differences",
    title="Differences in accuracy, in points",
    alt="Paired differences in accuracy between arms with their 95 % intervals; 0 is no "
    "difference. The table has the figures.",
    x="accuracy_change",
    y="comparison",
    interval="accuracy_change_interval",
    reference=0.0,
)


@dataclass(frozen=True)
class Performance:
    """Accuracy, F1 and calibration of every arm, and their paired differences."""

    name: ClassVar[str] = "performance"
    version: ClassVar[str] = "2"
    question: ClassVar[str] = "What does pruning cost?"
    needs: ClassVar[frozenset[str]] = frozenset({"audited"})
    place: ClassVar[Place] = Place(0, 0)

    margin: float = 0.01
    """Loss of accuracy against the baseline that is still accepted: 0.01 is one point."""
    resamples: int = 2000
    """Bootstrap resamples of the documents."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Performance per arm, differences between arms, and the verdict."""
        about, bootstrap = trace.about, Bootstrap(rng, self.resamples)
        arms = answered(trace)
        summaries = {name: summary(arm, bootstrap) for name, arm in arms.items()}
        differences = {
            (name, other, effect): difference(arms[name], arms[other], bootstrap)
            for name, other, effect in pairs(arms)
        }
        floor, floor_caveats = arithmetic(trace, arms)
        (model,), reference = about.in_role("audited"), "".join(about.in_role("reference"))
        change = next((d for at, d in differences.items() if at[:2] == (model, reference)), None)
        verdict = non_inferiority(change, self.margin) if change else None
        at, macs = {"arm": model, "against": reference}, at_macs(trace.documents)
        if change and verdict:
            decision = _decision(verdict, self.margin)
            claim = f"{_effect(summaries, at, change)}{macs}: {decision}."
            compared = [*_planned(verdict, change, at), *_loyalty(arms, at, bootstrap)]
        else:
            compared, missing = [], about.no_baseline or "none was run"
            claim = f"{_alone(model, summaries)}{macs}; not compared with a baseline: {missing}."
        return answer(
            self,
            claim,
            verdict.outcome if verdict else "reported",
            measurements=(*compared, *floor),
            tables=(
                arms_table(summaries),
                differences_table(differences),
                classes_table(summaries, about.labels),
                averages_table(summaries),
                confusion_table(arms, about.labels),
            ),
            charts=(DIFFERENCES,),
            caveats=(ONE_PAIR, *about.limits, COUNTED, *floor_caveats),
        )


def _loyalty(
    arms: Mapping[str, Answered], at: Mapping[str, str], bootstrap: Bootstrap
) -> list[Measurement]:
    """Loyalty of the model under audit to its reference (Xu et al. 2021)."""
    model, reference = on_same(arms[at["arm"]], arms[at["against"]])
    near = probability_loyalty(model.probs[:, 0], reference.probs[:, 0])
    found = {
        "label_loyalty": document_share(model.predicted[:, 0] == reference.predicted[:, 0]),
        "probability_loyalty": document_mean(near, bootstrap),
    }
    return [
        measurement(name, e, "share", at=at, control=at["against"], better="higher")
        for name, e in found.items()
    ]


def _planned(verdict: Verdict, change: Difference, at: Mapping[str, str]) -> list[Measurement]:
    """How many documents would decide, and what these could have shown."""

    def planned(value: float | None, without: str) -> Estimate:
        return Estimate(value, change.n, why_not="a planning figure" if value else without)

    same = "no document is discordant"
    needed = planned(verdict.documents_needed, f"no number of documents would show it, or {same}")
    detectable = planned(verdict.detectable, same).scaled(100)
    control = at["against"]
    return [
        measurement("documents_needed", needed, "documents", at=at, control=control),
        measurement("detectable_change", detectable, "points", at=at, control=control),
    ]


def _alone(model: str, summaries: Mapping[str, Summary]) -> str:
    """The accuracy of the model under audit, where there is nothing to compare it with."""
    share = summaries[model].accuracy
    interval = bounds(share.scaled(100), 1)
    return f"The {model} model's accuracy is {percent(share.value or 0.0)} ({interval})"


def _effect(summaries: Mapping[str, Summary], at: Mapping[str, str], change: Difference) -> str:
    """Accuracy before and after, with the interval of the difference."""
    model, reference = (summaries[at[key]].accuracy.value or 0.0 for key in ("arm", "against"))
    points = change.estimate().scaled(100)
    size, difference = figure(abs(100 * change.delta), 1), figure(100 * change.delta, 1)
    values = f"{figure(100 * reference, 1)} → {percent(model)}"
    interval = bounds(points, 1)
    cause = "Pruning" if at["arm"] == "pruned" else "The change"
    return compare(
        points,
        less=f"{cause} costs {size} points of accuracy ({values}, {interval})",
        more=f"The {at['arm']} model gains {size} points of accuracy ({values}, {interval})",
        none=f"No difference in accuracy shown ({values}, {difference} points, {interval})",
    )


def _decision(verdict: Verdict, margin: float) -> str:
    accepted = f"the accepted {margin * 100:g} point{'' if margin == 0.01 else 's'}"
    if verdict.improved:
        return "better than the baseline"
    if verdict.outcome == "pass":
        return f"a loss of more than {accepted} is ruled out"
    if verdict.outcome == "fail":
        return f"the loss exceeds {accepted}"
    needed = verdict.documents_needed
    enough = f"; some {needed:,} documents would decide" if needed else ""
    return f"a loss of more than {accepted} is not ruled out{enough}"
