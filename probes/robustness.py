"""Does pruning make answers break more easily when a text is written otherwise?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    MODELS,
    BenchView,
    Chart,
    Finding,
    Place,
    Rows,
    Telling,
    Trace,
    answer,
    not_applicable,
)
from auditkit.probes._others import generator
from auditkit.probes._pairs import called_model, compared
from auditkit.probes._perturbed import PERTURBATIONS
from auditkit.probes._sturdy import (
    claim_of_sturdy,
    conclusions_of_sturdy,
    sturdy_rows,
    sturdy_table,
    unchecked_of_sturdy,
)

MEASURED = ("example_id", "perturbation", "arm", "predicted")

CHART = Telling(
    Chart(
        name="widened",
        kind="dots",
        table="perturbations",
        title="Accuracy lost to a changed text beyond what the baseline loses, in points",
        alt="One dot a change of the text with its interval; right of 0 the model under audit "
        "loses more than the baseline. The table has the figures.",
        x="drop_change",
        y="perturbation",
        interval="drop_change_interval",
        reference=0.0,
        reference_name="as in the baseline",
        count="documents",
    ),
    high="costs more than in the baseline",
    low="costs less than in the baseline",
    none="No change of the text is shown to cost more or less than in the baseline",
)
CAVEATS = (
    "A change is made so that a text still says what it said, and now and then it does not: then "
    "both models lose, who read the same changed texts. The difference of what they lose is told.",
    "Letters are changed in a tenth of the words of four letters and more; what is done to a "
    "document follows from its id. A change that leaves a document as it is does not count it.",
)


@dataclass(frozen=True)
class Robustness:
    """Accuracy lost to changed texts by both models, and the paired difference of their losses."""

    name: ClassVar[str] = "robustness"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Does pruning make answers break when a text is written otherwise?"
    question_of_change: ClassVar[str] = (
        "Does the change make answers break when a text is written otherwise?"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"audited", "reference", MODELS})
    place: ClassVar[Place] = Place(3, 2)

    documents: Rows = 500
    """How many to change, each class with its share."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """What the model under audit and its reference say of changed texts.

        Returns:
            Columns `MEASURED`, a row a document, change and arm; None of no documents.
        """
        sample = bench.stratified_sample(self.documents)
        changed = pd.DataFrame(
            row
            for one, text in bench.texts(sample)
            for row in _changed(bench.about.seed, one, text)
        )
        if changed.empty:
            return None
        audited, reference = compared(bench.about)
        bench.expect(2 * len(changed))
        frames = [
            bench.read(arm, changed).assign(arm=arm)[list(MEASURED)] for arm in (reference, audited)
        ]
        return pd.concat(frames, ignore_index=True)

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Change by change: what either model loses, and how much more the pruned one."""
        measured = trace.measured(self.name)
        if measured is None or measured.empty:
            return not_applicable(self, "no text of the sample can be changed")
        about = trace.about
        audited, reference = compared(about)
        rows = sturdy_rows(trace, measured)
        what, labelled = called_model(about), about.dataset.labelled
        used = measured["example_id"].nunique()
        return answer(
            self,
            claim_of_sturdy(rows, what, labelled=labelled),
            tables=[sturdy_table(rows, audited, reference, labelled=labelled)],
            charts=[CHART],
            conclusions=conclusions_of_sturdy(
                rows, what, {"arm": audited, "against": reference}, labelled=labelled
            ),
            unchecked=unchecked_of_sturdy(rows),
            caveats=(f"Documents asked about: {used:,}, each class with its share.", *CAVEATS),
        )


def _changed(seed: int, example_id: str, text: str) -> Iterator[dict[str, Any]]:
    for name, change in PERTURBATIONS.items():
        other = change(text, generator(seed, example_id, name))
        if other != text:
            yield {"example_id": example_id, "perturbation": name, "text": other}
