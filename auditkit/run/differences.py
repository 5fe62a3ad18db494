"""What a number of one run is beside that of another: paired where the documents are the same."""

import numpy as np
from numpy.typing import NDArray

from auditkit.files import Folder
from auditkit.finding import Audit, Measurement
from auditkit.run.directory import TRACE
from auditkit.stats.estimates import Estimate, difference_of
from auditkit.stats.paired import answers_difference
from auditkit.trace import Trace


def same_documents(
    new: tuple[Audit, Folder], old: tuple[Audit, Folder]
) -> tuple[Trace, Trace] | None:
    """The traces, if they are there and of the same documents with the same labels."""
    hashes = {audit.about["dataset"]["sha256"] for audit, _ in (new, old)}
    if len(hashes) > 1 or not all((place / TRACE).has("about.json") for _, place in (new, old)):
        return None
    return Trace.open(new[1] / TRACE), Trace.open(old[1] / TRACE)


def change_of(
    mine: Measurement, before: Measurement, traces: tuple[Trace, Trace] | None
) -> tuple[Estimate, str]:
    """The new value less the old one, and how that was found."""
    if traces is not None and mine.name == "accuracy" and set(mine.at) == {"arm"}:
        now, then = (right(trace, mine.at["arm"]) for trace in traces)
        if now is not None and then is not None:
            change = answers_difference(now, then)
            return change.estimate(), f"paired over the same {change.n:,} documents"
    return difference_of(estimate_of(mine), estimate_of(before)), "by the two intervals"


def right(trace: Trace, arm: str) -> NDArray[np.bool_] | None:
    """Which documents an arm answers rightly (n,); None of one that is run on a sample."""
    documents = trace.documents
    answers = documents.answers(arm)
    if answers is None or len(answers.rows) < len(documents):
        return None
    return np.asarray(answers.predicted[:, 0] == documents.label)


def estimate_of(m: Measurement) -> Estimate:
    """A measurement as what was estimated."""
    interval = None if m.interval is None else (m.interval.low, m.interval.high)
    why_not = m.undefined or m.no_interval or ""
    return Estimate(m.value, m.n_clusters, interval, why_not, level=m.level)
