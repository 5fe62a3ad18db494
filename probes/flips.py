"""Which answers does pruning change, and are the changes noise or damage?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    BenchView,
    Chart,
    Example,
    Finding,
    Place,
    Positive,
    Resamples,
    Rows,
    Telling,
    Trace,
    answer,
    show_document,
)
from auditkit.probes._arms import answered
from auditkit.probes._changed import MATRIX, changed_card, flip_matrix
from auditkit.probes._confidence import CONFIDENCE, confidence_table
from auditkit.probes._flip_claims import claim_of_flips, conclusions_of_flips
from auditkit.probes._flips import (
    asymmetry_table,
    churn_table,
    kinds_table,
    shifts_of,
    shifts_table,
)
from auditkit.probes._floor import repeated
from auditkit.probes._groups import (
    PLACE,
    Group,
    groups_of,
    large_enough,
    lexicon_of,
    lexicon_table,
    speaking_of,
)
from auditkit.probes._pairs import Pair, cause_of, compared, pair
from auditkit.probes._weak_spots import (
    claim_of_spots,
    conclusions_of_spots,
    doubt_groups,
    enriched_table,
    halves,
    rich_groups,
    spots_table,
    weak_spots,
)
from auditkit.stats.resampling import Bootstrap

CHART = Telling(
    Chart(
        name="enriched",
        kind="dots",
        table="enriched",
        title="Odds of a changed answer in a group over those elsewhere",
        alt="One dot a group with its interval; right of 1 answers change more often there. The "
        "table has the figures.",
        x="odds_ratio",
        y=PLACE,
        interval="odds_ratio_interval",
        reference=1.0,
        reference_name="as often as elsewhere",
        count="documents",
    ),
    high="answers change most often",
    low="answers change least often",
    none="No group is shown in which answers change more or less often",
)
CAVEATS = (
    "A changed answer is no error by itself: among those lost and won are documents whose labels "
    "are wrong, which the baseline's doubt points at.",
    "Noise and damage are told apart against a baseline of another seed, where one was run, and "
    "of that one seed. Without it nothing is said of noise.",
    "A slice is tested on the half of the documents that did not suggest it; halves follow from "
    "the ids.",
)


@dataclass(frozen=True)
class Flips:
    """Changed answers: kinds, confidence, beside noise, where they gather, and the documents."""

    name: ClassVar[str] = "flips"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Which answers does pruning change: noise or damage?"
    question_of_change: ClassVar[str] = "Which answers does the change turn: noise or damage?"
    needs: ClassVar[frozenset[str]] = frozenset({"audited", "reference"})
    place: ClassVar[Place] = Place(0, 3)

    least: Positive = 30
    """Documents below which a group or a slice is not told of."""
    examples: Rows = 6
    """How many documents with a changed answer to show."""
    resamples: Resamples = 1000
    """Bootstrap resamples of the documents."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """The lexicon of the run, as `fairness` keeps it; None of an empty one."""
        terms: pd.DataFrame | None = lexicon_table(bench)
        return terms

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Kinds of changed answers, shifts of confidence against floors, groups and weak spots."""
        about, bootstrap = trace.about, Bootstrap(rng, self.resamples)
        arms = answered(trace)
        audited, reference = compared(about)
        mine = pair(arms, audited, reference)
        seeds = [pair(arms, name, reference) for name in about.in_role("floor")
                 if name != repeated()]  # fmt: skip
        again = [pair(arms, repeated(), audited)] if repeated() in arms else []
        floor = seeds[0] if seeds else None
        shifts = shifts_of(mine, floor, bootstrap)
        groups = self._groups(trace, mine)
        lost = mine.kinds[mine.worse]
        spots = weak_spots(groups, lost, halves(trace.documents.ids), self.least)
        churn = churn_table(mine, seeds)
        flips = claim_of_flips(mine, shifts, floor)
        return answer(
            self,
            f"{flips} {claim_of_spots(spots, labelled=mine.labelled)}",
            tables=[
                kinds_table([mine, *seeds, *again]),
                flip_matrix(trace, mine),
                *([churn] if churn else []),
                *([shifts_table([mine, *seeds])] if mine.labelled else []),
                asymmetry_table(shifts),
                confidence_table(mine),
                *([enriched_table(groups, mine.flipped, floor.flipped if floor else None,
                                  mine.at)]
                  if groups else []),
                *([spots_table(spots, mine.at, labelled=mine.labelled)] if spots else []),
            ],
            charts=[
                *(replace(chart, title=chart.title.format(cause=cause_of(mine.arm)))
                  for chart in (MATRIX, CONFIDENCE)),
                *([CHART] if groups else []),
            ],
            cards=[changed_card(mine)],
            examples=_shown(trace, mine, self.examples),
            conclusions=[
                *conclusions_of_flips(mine, shifts, floor),
                *conclusions_of_spots(spots, mine.at, labelled=mine.labelled),
            ],
            caveats=(*CAVEATS, *about.limits),
        )  # fmt: skip

    def _groups(self, trace: Trace, mine: Pair) -> list[Group]:
        spoken = speaking_of(trace, lexicon_of(trace.measured(self.name)))
        doubted = doubt_groups(mine.before.confidence)
        every = [*groups_of(trace, spoken), *rich_groups(trace), *doubted]
        told: list[Group] = large_enough(every, self.least)[0]
        return told


def _shown(trace: Trace, mine: Pair, size: int) -> Sequence[Example]:
    """Documents with a changed answer, kind by kind in turn, those whose confidence moved most."""
    moved = np.abs(mine.gold_change)
    ids = trace.documents.ids[mine.now.rows]
    by_kind = []
    for kind, who in list(mine.kinds.items())[:-1]:
        rows = np.flatnonzero(who)
        order = rows[np.lexsort((ids[rows].astype(str), -moved[rows]))]
        by_kind.append([(str(ids[row]), kind) for row in order[:size]])
    longest = max(map(len, by_kind))
    turns = [kind[turn] for turn in range(longest) for kind in by_kind if turn < len(kind)]
    return [show_document(trace, one, kind) for one, kind in turns[:size]]
