"""Dose and response: accuracy lost against how hard a document is pruned."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import (
    NO_LABEL,
    About,
    Chart,
    Estimate,
    Label,
    Number,
    Row,
    Telling,
    Told,
    Trace,
    bounds,
    by_group,
    columns,
    compare,
    figure,
    tabulate,
)
from auditkit.probes._hardness import part_of
from auditkit.probes._pairs import NO_GOLD
from auditkit.stats.estimates import document_share
from auditkit.stats.paired import answers_difference
from auditkit.stats.rates import ratio_of_sums
from auditkit.stats.trends import change_slope

PARTS = 5
STEP = 10
"""Points of keep rate that the trend is told for."""

CHART = Telling(
    Chart(
        name="dose",
        kind="dots",
        table="by_keep_rate",
        title="Accuracy gained or lost by keep rate of the document, in points",
        alt="Accuracy of the pruned model less that of what it is compared with, by fifth of the "
        "keep rate, with 95 % intervals; left of 0 pruning loses. The table has the figures.",
        x="accuracy_change",
        y="bucket",
        interval="accuracy_change_interval",
        reference=0.0,
        reference_name="no difference",
        count="documents",
    ),
    high="accuracy gained most in fifth",
    low="accuracy lost most in fifth",
    none="No difference in accuracy is shown at any keep rate",
)

OBSERVED = (
    "Keep rate and error are only observed together: documents that are pruned harder differ from "
    "others in length and wording too, which is why both models stand beside each other."
)


@dataclass(frozen=True, slots=True, eq=False)
class Dose:
    """Documents with a token to drop and a label (n,)."""

    against: str
    rate: NDArray[np.float64]
    """Share of the pairs of a token and a layer in which the token is alive after the layer."""
    kept: NDArray[np.float64]
    entered: NDArray[np.float64]
    """Numerator and denominator of `rate`."""
    right: NDArray[np.bool_]
    """The pruned model."""
    reference: NDArray[np.bool_]

    @property
    def trend(self) -> Estimate:
        """Change of accuracy along the keep rate, in points for `STEP` points of keep rate more."""
        change = self.right.astype(np.float64) - self.reference
        return change_slope(change, self.rate).scaled(100 * STEP / 100)


def reference_of(about: About) -> str:
    """What the pruned model is held against: the baseline, without one its weights unpruned."""
    return (*about.in_role("reference"), *about.unpruned)[0]


def dose(trace: Trace) -> Dose:
    """Of all documents of the run that have a label."""
    documents, against = trace.documents, reference_of(trace.about)
    who = (documents.pieces > 0) & (documents.label != NO_LABEL)
    entered = documents.pieces[who].astype(np.float64) * trace.about.layers
    kept = documents.kept[who].sum(axis=1, dtype=np.float64)
    right = []
    for name in (str(trace.about.depths_of), against):
        answers = documents.answers(name)
        assert answers is not None  # both run on all documents
        right.append((answers.predicted[:, 0] == documents.label)[who])
    return Dose(against, kept / entered, kept, entered, right[0], right[1])


def dose_table(found: Dose, about: About) -> Told:
    """Over all documents, then by fifth of the keep rate, the hardest pruned first."""
    return tabulate(
        "by_keep_rate",
        "Accuracy by how much of a document is kept",
        [
            Label("bucket", "Fifth", whole="all"),
            *columns(("documents", "Documents", "count"),
                     ("range", "Keep rates, %", "text", "Of the document pruned hardest and the "
                      "one pruned least.")),
            Number("keep_rate", "Keep rate, mean over layers", "share",
                   interval="Student's t over document sums."),
            Number("accuracy_reference", f"Accuracy, {found.against}", "share",
                   interval="Exact (Clopper and Pearson).", better="higher"),
            Number("accuracy", f"Accuracy, {about.depths_of}", "share",
                   interval="Exact (Clopper and Pearson).", better="higher"),
            Number("accuracy_change", "Change", "points", interval="Tango's score interval.",
                   p="Of the same statistic at 0.", better="higher"),
        ],
        _rows(found),
        note="Documents of one keep rate are in one fifth. Nothing is claimed of a single fifth: "
        "the trend over all documents is what is tested.",
        arm=about.depths_of,
        against=found.against,
    )  # fmt: skip


def _rows(found: Dose) -> Iterator[Row]:
    def estimates(who: NDArray[np.bool_]) -> dict[str, Estimate]:
        change = answers_difference(found.right[who], found.reference[who])
        return {
            "keep_rate": ratio_of_sums(found.kept[who], found.entered[who], bounds=(0, 1)),
            "accuracy_reference": document_share(found.reference[who]),
            "accuracy": document_share(found.right[who]),
            "accuracy_change": change.estimate().scaled(100),
        }

    for part, who, numbers in by_group(estimates, part_of(found.rate, PARTS)):
        ends = [figure(100 * end, 1) for end in (found.rate[who].min(), found.rate[who].max())]
        name = None if part is None else str(part)
        yield Row({"bucket": name}, numbers, {"documents": int(who.sum()), "range": "–".join(ends)})


def claim_of_dose(found: Dose, about: About) -> str:
    """Whether documents that are pruned harder lose more accuracy."""
    trend, what = found.trend, "the baseline"
    why_not = trend.why_not if about.dataset.labelled else NO_GOLD
    if not about.in_role("reference"):
        what = "the same weights unpruned"
    size = (
        f"({figure(abs(trend.value or 0.0), 2)} points for {STEP} points of keep rate, "
        f"{bounds(trend, 2)})"
    )
    return compare(
        trend,
        more=f"documents that are pruned harder lose more accuracy against {what} {size}",
        less=f"documents that are pruned harder lose less accuracy against {what} {size}",
        none=f"no trend shown of the accuracy lost against {what} with the keep rate {size}",
        unknown=f"no trend of the accuracy lost with the keep rate can be told ({why_not})",
    )
