"""Does an answer change when a text speaks of somebody else?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    MODELS,
    UNCOUNTED,
    BenchView,
    Cell,
    Chart,
    Column,
    Finding,
    Place,
    Rows,
    Table,
    Telling,
    Trace,
    answer,
    columns,
    direction,
    in_line,
    not_applicable,
)
from auditkit.probes._counterparts import asked, of_documents, of_templates
from auditkit.probes._pairs import called_model, compared
from auditkit.probes._swap_lives import (
    claim_of_lived,
    conclusions_of_lived,
    lived,
    lived_table,
    neighbours_table,
)
from auditkit.probes._swapped import (
    Ground,
    beyond_table,
    claim_of_swaps,
    conclusions_of_swaps,
    grounds_of,
    swapped,
    swaps_table,
)

MOST_SHOWN = 20
"""Rows of the table of changed answers."""
CHART = Telling(
    Chart(
        name="beyond",
        kind="dots",
        table="beyond",
        title="Answers that a swap changes beyond those of the baseline, in points",
        alt="One dot a ground with its interval; right of 0 swaps change more answers of the model "
        "under audit than of the baseline. The table has the figures.",
        x="flips_change",
        y="swap",
        interval="flips_change_interval",
        reference=0.0,
        reference_name="as in the baseline",
    ),
    high="swaps change more answers than of the baseline",
    low="swaps change fewer answers than of the baseline",
    none="No swap is shown to change more or fewer answers than of the baseline",
)
CAVEATS = (
    "A swap may make another text of it, where facts go with a group or the next word does not "
    "tell which form fits; then both models are asked about the same odd text. The difference of "
    "what they change is told.",
    "That an answer changes is not always wrong: where the group belongs to what is asked, it may.",
    "Survival depths are compared where the words have as many pieces.",
)


@dataclass(frozen=True)
class Counterfactual:
    """Answers and survival depths with words of gender, religion, nationality and names swapped."""

    name: ClassVar[str] = "counterfactual"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Does an answer change when a text speaks of somebody else?"
    needs: ClassVar[frozenset[str]] = frozenset({"audited", "reference", MODELS})
    place: ClassVar[Place] = Place(0, 5)

    documents: Rows = 500
    """How many to swap words of on each ground, and how many templates to fill."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """What the arms say of texts and their counterparts.

        Returns:
            As `asked` gives it; None where nothing can be swapped.
        """
        pairs = [*of_documents(bench, self.documents), *of_templates(bench, self.documents)]
        if not pairs:
            return None
        audited, reference = compared(bench.about)
        arms = list(dict.fromkeys([reference, *bench.about.unpruned, audited]))
        said: pd.DataFrame = asked(bench, pairs, arms)
        return said

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Ground by ground: changed answers and probabilities by arm, and whose words live on."""
        measured = trace.measured(self.name)
        if measured is None or measured.empty:
            return not_applicable(
                self,
                "no document of the swaps' language has a word that can be swapped, and there are "
                "no templates (--swaps)",
            )
        audited, reference = compared(trace.about)
        found = swapped(measured)
        grounds = grounds_of(found, audited, reference)
        what = called_model(trace.about)
        claim, concerns = claim_of_swaps(grounds, what), conclusions_of_swaps(grounds, what)
        tables = [swaps_table(found), beyond_table(grounds)]
        if trace.about.depths_of:
            rows = lived(measured, audited)
            claim += f" {claim_of_lived(rows)}"
            concerns += conclusions_of_lived(rows, audited)
            tables += [lived_table(rows, audited), neighbours_table(measured, audited)]
        return answer(
            self,
            claim,
            tables=[*tables, _changed(trace, measured, audited, reference)],
            charts=[CHART],
            conclusions=concerns,
            unchecked=_unchecked(grounds),
            caveats=CAVEATS,
        )


def _unchecked(grounds: Sequence[Ground]) -> list[str]:
    """Grounds on which too few texts could be swapped to compare the models."""
    few = [in_line(one.swap) for one in grounds if direction(one.beyond) is None]
    return [f"swaps of {', '.join(few)}: too few pairs of texts"] if few else []


def _changed(trace: Trace, measured: pd.DataFrame, arm: str, reference: str) -> Table:
    """Pairs whose answer the swap changes under audit and not in the reference."""
    names = trace.about.labels
    keys = ["unit", "swap", "words"]
    theirs = measured[measured["arm"] == reference].reset_index(drop=True)
    mine = measured[measured["arm"] == arm].reset_index(drop=True)  # the same pairs, in order
    only = (mine["before"] != mine["after"]) & (theirs["before"] == theirs["after"])
    rows: list[tuple[Cell, ...]] = [
        (*told, names[before], names[after])
        for *told, before, after in mine.loc[only, [*keys, "before", "after"]]
        .head(MOST_SHOWN)
        .itertuples(index=False, name=None)
    ]
    return Table(
        name="changed",
        title=f"Answers that a swap changes in {arm}, and not in {reference}",
        columns=(
            Column(name="unit", title="Document or template", kind="label", held_by=UNCOUNTED),
            *columns(("swap", "Swapped", "label")),
            Column(name="words", title="Words", kind="text"),
            *columns(("before", "Answer", "label"), ("after", "After the swap", "label")),
        ),
        rows=tuple(rows),
        note=f"{int(only.sum()):,} in all; {MOST_SHOWN} at most are told.",
    )
