"""Do probabilities still mean what they say?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from auditkit.plugin import (
    GOLD,
    Finding,
    Place,
    Positive,
    Resamples,
    Trace,
    answer,
    measurement,
)
from auditkit.probes._arms import answered, score_changes
from auditkit.probes._groups import groups_of, large_enough, speaking_of
from auditkit.probes._pairs import compared, pair
from auditkit.probes._reliability import (
    CHARTS,
    LEVEL,
    LEVELS,
    claim_of_calibration,
    conclusions_of_calibration,
    ece_change,
    groups_table,
    reliability_table,
    risk_table,
    sets_table,
)
from auditkit.stats.conformal import conformal, halves
from auditkit.stats.estimates import FEWEST, too_few
from auditkit.stats.resampling import Bootstrap

CAVEATS = (
    "Claims rest on paired differences of the Brier score and the size of sets. The calibration "
    "error is printed without an interval, and claimed on nowhere.",
    "Sets are calibrated on one half of the audited documents and measured on the other, in turn: "
    "the halves follow from the ids, and are the same for all arms.",
)


@dataclass(frozen=True)
class Calibration:
    """Reliability, scores, split-conformal sets and accuracy among the surest, by arm and group."""

    name: ClassVar[str] = "calibration"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Do probabilities still mean what they say?"
    needs: ClassVar[frozenset[str]] = frozenset({GOLD, "audited", "reference"})
    place: ClassVar[Place] = Place(0, 4)

    least: Positive = 100
    """Documents below which a group is not told of."""
    resamples: Resamples = 400
    """Bootstrap resamples of the documents."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Bins of confidence, sets at three levels, the surest answers, and sets by group."""
        about, bootstrap = trace.about, Bootstrap(rng, self.resamples)
        audited, reference = compared(about)
        arms = answered(trace)
        whole = {name: arms[name] for name in (reference, audited, *about.unpruned)
                 if len(arms[name].rows) == len(trace.documents)}  # fmt: skip
        mine = pair(arms, audited, reference)
        now, before, at = mine.now, mine.before, mine.at
        probs = {name: arm.probs[:, 0] for name, arm in whole.items()}
        first, gold = halves(list(trace.documents.ids), now.labels), now.labels
        everyone = np.ones(len(gold), dtype=bool)
        sets = {
            level: conformal(probs, gold, first, level, bootstrap, [everyone])[0]
            for level in LEVELS
        }
        two = {name: probs[name] for name in (reference, audited)}
        groups, _ = large_enough(groups_of(trace, speaking_of(trace)), self.least)
        whose = [group.who for group in groups]
        told = conformal(two, gold, first, LEVEL, bootstrap, whose) if groups else []
        by_group = [(group, own[audited]) for group, own in zip(groups, told, strict=True)]
        changes = score_changes(now, before)
        return answer(
            self,
            claim_of_calibration(changes, sets[LEVEL], audited, reference),
            measurements=[
                measurement("brier_change", changes["brier"], "score", at=at, control=reference,
                            better="lower"),
                measurement("log_loss_change", changes["log_loss"], "nats", at=at,
                            control=reference, better="lower"),
                measurement("ece_change", ece_change(now, before), "share", at=at,
                            control=reference, better="lower"),
            ],
            tables=[
                reliability_table(whole),
                sets_table(sets, reference),
                risk_table(whole),
                *([groups_table(by_group, LEVEL, at, reference)] if by_group else []),
            ],
            charts=CHARTS,
            conclusions=conclusions_of_calibration(sets[LEVEL], audited, reference),
            unchecked=[f"Brier score: under {FEWEST['score']:,} documents"]
            if too_few("score", len(gold))
            else (),
            caveats=(*CAVEATS, *about.limits),
        )  # fmt: skip
