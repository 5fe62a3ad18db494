"""How sure a model was of its answer before the change and after, document by document."""

import numpy as np

from auditkit.plugin import Chart, Label, Row, Told, columns, tabulate
from auditkit.probes._pairs import AGREED, Pair

MOST = 300
"""Documents that the table has at most: first those whose answer changed."""

CONFIDENCE = Chart(
    name="confidence",
    kind="scatter",
    table="confidence",
    title="How sure the model is of its answer, before {cause} and after",
    alt="One point a document: the probability of the answer given, of the model that it is "
    "compared with and of the model under audit, marked by what became of the answer.",
    x="before",
    y="now",
    color="answer",
    diagonal="as sure after as before",
)


def confidence_table(mine: Pair) -> Told:
    """Documents with a changed answer, then evenly some of the others, up to `MOST` in all."""
    kind = np.full(len(mine.flipped), AGREED, dtype=object)
    for name, who in mine.kinds.items():
        kind[who] = name
    changed = np.flatnonzero(mine.flipped)[:MOST]
    same = np.flatnonzero(~mine.flipped)
    room = min(len(same), MOST - len(changed))
    shown = [*changed, *(same[i * len(same) // room] for i in range(room))]
    return tabulate(
        "confidence",
        "Probability of the answer given, before and after",
        [
            Label("answer", "Answer"),
            *columns(("before", "Before", "share"), ("now", "After", "share")),
        ],
        [
            Row(
                {"answer": str(kind[row])},
                facts={
                    "before": float(mine.before.probs[row, 0].max()),
                    "now": float(mine.now.probs[row, 0].max()),
                },
            )
            for row in shown
        ],
        note=f"All documents with a changed answer, up to {MOST}, and of the others evenly some.",
    )
