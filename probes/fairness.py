"""Does pruning cost some groups more than others?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    GOLD,
    BenchView,
    Finding,
    IdentityTerm,
    Place,
    Positive,
    Resamples,
    Told,
    Trace,
    adjusted_table,
    answer,
    retention_table,
    word_cells,
)
from auditkit.probes._arms import answered
from auditkit.probes._gap_claims import claim_of_gaps, conclusions_of_gaps, unmeasurable
from auditkit.probes._gaps import (
    CHART,
    accuracy_gaps,
    accuracy_table,
    error_gaps,
    error_tables,
)
from auditkit.probes._group_marks import group_marks, left_unchecked
from auditkit.probes._group_scores import area_table, by_group_table, calibration_table
from auditkit.probes._groups import (
    READS,
    GroupOf,
    groups_of,
    large_enough,
    left_table,
    lexicon_of,
    lexicon_table,
    speaking_of,
)
from auditkit.probes._pairs import cause_of, compared, pair
from auditkit.stats.resampling import Bootstrap
from auditkit.stats.survival import retained

CAVEATS = (
    "Groups are told apart by what the data say of a document, or by words in it: a word may mean "
    "something else (a colour, a name), and whoever is spoken of is not who wrote.",
    "Excess gaps are of this pair of models. The largest of many is large by chance: the intervals "
    "hold for all groups of a table at once, and nothing is claimed of a largest value.",
    "Two families of gaps keep 2.5 % each, accuracy and errors by class: under {cause} that harms "
    "nobody more, at most 5 % of audits claim a group. Simulated on groups that are alike, at most "
    "2.0 % had a claim of this probe or a slice of flips. Areas, scores and retention are in "
    "tables alone.",
)


@dataclass(frozen=True)
class Fairness:
    """Excess gaps of accuracy and errors by group, with simultaneous intervals."""

    name: ClassVar[str] = "fairness"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Does pruning cost some groups more than others?"
    question_of_change: ClassVar[str] = "Does the change cost some groups more than others?"
    needs: ClassVar[frozenset[str]] = frozenset({GOLD, "audited", "reference"})
    place: ClassVar[Place] = Place(0, 2)

    least: Positive = 30
    """Documents below which a group is not told of."""
    resamples: Resamples = 2000
    """Bootstrap resamples of the documents."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """The lexicon of the run, as analyses read it; None of an empty one."""
        terms: pd.DataFrame | None = lexicon_table(bench)
        return terms

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Group by group: accuracy, what pruning costs beyond what it costs all, errors, areas."""
        about, bootstrap = trace.about, Bootstrap(rng, self.resamples)
        mine = pair(answered(trace), *compared(about))
        now, before, at = mine.now, mine.before, mine.at
        lexicon = lexicon_of(trace.measured(self.name))
        spoken = speaking_of(trace, lexicon)
        groups, left = large_enough(groups_of(trace, spoken), self.least)
        was, is_now = before.right[:, 0], now.right[:, 0]
        gaps = accuracy_gaps(groups, was, is_now, bootstrap) if groups else []
        errors = error_gaps(
            groups, about.labels, now.labels, before.predicted[:, 0], now.predicted[:, 0],
            self.least, bootstrap,
        )  # fmt: skip
        cause = "pruning" if about.depths_of else "a change"
        areas = area_table(groups, about.labels, now, before, self.least, at)
        claim = claim_of_gaps(gaps, errors, cause_of(mine.arm))
        missing, lost = unmeasurable(groups, left, self.least), was.astype(np.int64) - is_now
        people, marks = group_marks(groups, lost, at)
        return answer(
            self,
            f"{claim}. {missing}".strip(),
            measurements=people,
            tables=[
                accuracy_table(gaps, lost, at),
                *error_tables(errors, at),
                by_group_table(groups, {mine.against: before, mine.arm: now}),
                *([areas] if areas else []),
                calibration_table(groups, now, before, at),
                *_retention(trace, lexicon, rng),
                *([left_table(left)] if left else []),
            ],
            charts=[CHART] if gaps else [],
            marks=marks,
            unchecked=left_unchecked(left, self.least, missing),
            conclusions=conclusions_of_gaps(gaps, errors, f"{claim}.", at),
            caveats=(*(told.format(cause=cause) for told in CAVEATS), *about.limits),
        )


def _retention(
    trace: Trace, lexicon: Sequence[IdentityTerm], rng: np.random.Generator
) -> list[Told]:
    """How long words that speak of groups live, against other words of as many pieces."""
    if not trace.about.depths_of or not lexicon:
        return []
    rule = GroupOf(tuple((one.term, one.category) for one in lexicon))
    rows, at = retained(word_cells(trace, rule, READS), rng), {"arm": trace.about.depths_of}
    title, kind = "Words that speak of groups", "Ground"
    return [
        retention_table(rows, "identity_retention", title, kind, at=at),
        adjusted_table(rows, "identity_retention_adjusted", title, kind, at=at),
    ] if rows else []  # fmt: skip
