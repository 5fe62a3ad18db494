"""What a number of one run is beside that of another: paired where the documents are the same."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditkit.files import Folder
from auditkit.finding import Measurement, Results
from auditkit.run.directory import TRACE
from auditkit.stats.estimates import Estimate, difference_of
from auditkit.stats.paired import answers_difference
from auditkit.trace import Trace

BY_INTERVALS = "by the two intervals"


def opened(run: Folder) -> Trace | None:
    """The trace of a run; None where it was not kept.

    Raises:
        TraceError: It is not finished, or not what was written.
    """
    return Trace.open(run / TRACE) if (run / TRACE).has("about.json") else None


def same_documents(
    new: tuple[Results, Trace | None], old: tuple[Results, Trace | None]
) -> tuple[Trace, Trace] | None:
    """The traces, if they are there and of the same documents with the same labels."""
    (one, mine), (other, before) = new, old
    if (
        mine is None
        or before is None
        or one.about["dataset"]["sha256"] != other.about["dataset"]["sha256"]
    ):
        return None
    return mine, before


def change_of(
    mine: Measurement, before: Measurement, traces: tuple[Trace, Trace] | None
) -> tuple[Estimate, str]:
    """The new value less the old one, and how that was found.

    p is that of no difference: of a paired one the larger of both tests, so that an effect is
    called where they agree; of two intervals that of how wide they are (`p_of`).

    Args:
        mine: The new value.
        before: The old one.
        traces: Of the new run and of the old one, where they are of the same documents.
    """
    if traces is not None and mine.name == "accuracy" and set(mine.at) == {"arm"}:
        now, then = (right(trace, mine.at["arm"]) for trace in traces)
        if now is not None and then is not None:
            change = answers_difference(now, then)
            return change.agreed(), f"paired over the same {change.n:,} documents"
    change_by = difference_of(estimate_of(mine), estimate_of(before))
    return replace(change_by, p=p_of(change_by)), BY_INTERVALS


def right(trace: Trace, arm: str) -> NDArray[np.bool_] | None:
    """Which documents an arm answers rightly (n,); None of one that is drawn, or run on some."""
    documents = trace.documents
    answers = documents.answers(arm)
    if answers is None or answers.predicted.shape != (len(documents), 1):
        return None
    return np.asarray(answers.predicted[:, 0] == documents.label)


def estimate_of(m: Measurement) -> Estimate:
    """A measurement as what was estimated."""
    interval = None if m.interval is None else (m.interval.low, m.interval.high)
    why_not = m.undefined or m.no_interval or ""
    return Estimate(m.value, m.n_clusters, interval, why_not, level=m.level)


def p_of(change: Estimate) -> float | None:
    """Two-sided p of no difference, from how far the interval reaches towards 0.

    Altman & Bland, How to obtain the P value from a confidence interval, BMJ 343, 2011.
    """
    from scipy.stats import norm

    if change.value is None or change.interval is None:
        return None
    low, high = change.interval
    reach = change.value - low if change.value > 0 else high - change.value
    if reach <= 0:
        return None
    quantile = norm.ppf((1 + change.level) / 2)
    return float(2 * norm.sf(abs(change.value) / reach * quantile))
