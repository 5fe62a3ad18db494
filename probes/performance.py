"""What does pruning cost?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditkit.plugin import (
    COST,
    GOLD,
    Chart,
    Conclusion,
    Finding,
    Fraction,
    Place,
    Resamples,
    Telling,
    Trace,
    answer,
    arm,
    place,
)
from auditkit.probes._arm_tables import (
    arms_table,
    calibration_table,
    confusion_table,
    differences_table,
)
from auditkit.probes._arms import (
    answered,
    difference,
    loyalty,
    on_same,
    pairs,
    score_changes,
    summary,
)
from auditkit.probes._class_tables import class_changes, class_changes_table, report_table
from auditkit.probes._cost import COUNTED, at_macs
from auditkit.probes._floor import arithmetic
from auditkit.probes._opening import accuracy_card, difference_marks, opening
from auditkit.probes._verdict import alone, decision, effect, judged, planned
from auditkit.stats.resampling import Bootstrap

ONE_PAIR = "One checkpoint pair supports claims about that pair."


def stair(arms: Sequence[str]) -> Chart:
    """Arm by arm; what only tells how exact a number is takes no step."""
    return Chart(
        name="stair",
        kind="stair",
        table="arms",
        title="Accuracy, arm by arm, and what each step changes",
        alt="One step an arm, with its accuracy, its 95 % interval and the difference to the arm "
        "above it. The table has the figures.",
        x="accuracy",
        y="arm",
        interval="accuracy_interval",
        first=sum(arm(name).role != "floor" for name in arms),
    )


def differences_chart(margin: float) -> Telling:
    """Paired differences, and losses of more than `margin` as a zone that is not accepted."""
    points = 100 * margin
    chart = Chart(
        name="differences",
        kind="dots",
        table="differences",
        title="Differences in accuracy, in points",
        alt="Paired differences in accuracy between arms with their 95 % intervals; 0 is no "
        "difference. The table has the figures.",
        x="accuracy_change",
        y="comparison",
        interval="accuracy_change_interval",
        count="documents",
        reference=0.0,
        reference_name="no difference",
        zone=-points,
        zone_name=f"more lost than the margin of {points:g} {'point' if points == 1 else 'points'}",
    )
    return Telling(
        chart,
        high="accuracy gained",
        low="accuracy lost",
        none="No difference in accuracy is shown",
    )


@dataclass(frozen=True)
class Performance:
    """Accuracy, F1 and calibration of every arm, and their paired differences."""

    name: ClassVar[str] = "performance"
    version: ClassVar[str] = "4"
    question: ClassVar[str] = "What does pruning cost?"
    question_of_change: ClassVar[str] = "What does the change cost?"
    needs: ClassVar[frozenset[str]] = frozenset({GOLD, "audited"})
    place: ClassVar[Place] = Place(0, 0)

    margin: Fraction = 0.01
    """Loss of accuracy against the baseline that is still accepted: 0.01 is one point."""
    resamples: Resamples = 2000
    """Bootstrap resamples of the documents."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Performance per arm, differences between arms, and the verdict."""
        about, bootstrap = trace.about, Bootstrap(rng, self.resamples)
        arms = answered(trace)
        # what only tells how exact a number is comes last
        in_steps = sorted(arms, key=lambda name: arm(name).role == "floor")
        summaries = {name: summary(arms[name], bootstrap) for name in in_steps}
        compared_arms = list(pairs(arms))
        differences = {
            (name, other, cause): difference(arms[name], arms[other], bootstrap)
            for name, other, cause in compared_arms
        }
        changes = {
            (name, other): score_changes(arms[name], arms[other])
            for name, other, _ in compared_arms
        }
        floor, floor_caveats = arithmetic(trace, arms)
        (model,), reference = about.in_role("audited"), "".join(about.in_role("reference"))
        change = next((d for at, d in differences.items() if at[:2] == (model, reference)), None)
        at, macs = {"arm": model, "against": reference}, at_macs(trace.documents)
        told = judged(trace, summaries, change, self.margin, at) if change else None
        report, rates = report_table(summaries, about.labels, model)
        if told:
            claim = f"{effect(told)}{macs}: {decision(told)}."
            compared = [told.largest, *planned(told), *loyalty(arms, at)]
            changed = class_changes(*on_same(arms[model], arms[reference]), about.labels)
        else:
            compared, changed, missing = [], {}, about.no_baseline or "none was run"
            claim = f"{alone(model, summaries)}{macs}; not compared with a baseline: {missing}."
        return answer(
            self,
            claim,
            told.status if told else "reported",
            measurements=(*compared, *floor, *rates),
            tables=(
                arms_table(summaries),
                differences_table(differences),
                *([class_changes_table(changed, at)] if changed else []),
                report,
                calibration_table(changes),
                confusion_table(arms, about.labels),
            ),
            charts=(differences_chart(self.margin), stair([*summaries])),
            caveats=(ONE_PAIR, *about.limits, COUNTED, *floor_caveats),
            conclusions=[Conclusion(COST, claim, (place("accuracy_change", **at),))]
            if told
            else (),
            verdict=opening(told) if told else None,
            cards=[accuracy_card(told)] if told else (),
            marks=difference_marks(changed, at) if told else (),
        )
