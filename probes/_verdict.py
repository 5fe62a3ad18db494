"""What the difference to the reference comes to: in words, and in documents that would decide."""

from collections.abc import Mapping

import numpy as np

from auditkit.plugin import (
    Estimate,
    Measurement,
    Trace,
    arm,
    bounds,
    class_name,
    figure,
    measurement,
    percent,
)
from auditkit.probes._arms import Summary
from auditkit.stats.non_inferiority import Verdict
from auditkit.stats.paired import Difference

MOST_PLACES = 3


def planned(verdict: Verdict, change: Difference, at: Mapping[str, str]) -> list[Measurement]:
    """How many documents would decide, and what these could have shown."""

    def figure_of(value: float | None, without: str) -> Estimate:
        return Estimate(value, change.n, why_not="a planning figure" if value else without)

    decided = verdict.outcome != "inconclusive"
    why_not = "these documents decide" if decided else "no number of documents would decide"
    needed = figure_of(verdict.documents_needed, why_not)
    detectable = figure_of(verdict.detectable, "no document is discordant").scaled(100)
    control = at["against"]
    return [
        measurement("documents_needed", needed, "documents", at=at, control=control),
        measurement("detectable_change", detectable, "points", at=at, control=control),
    ]


def alone(model: str, summaries: Mapping[str, Summary]) -> str:
    """The accuracy of the model under audit, where there is nothing to compare it with."""
    share = summaries[model].accuracy
    interval = bounds(share.scaled(100), 1)
    return f"The {model} model's accuracy is {percent(share.value or 0.0)} ({interval})"


def effect(summaries: Mapping[str, Summary], at: Mapping[str, str], change: Difference) -> str:
    """Accuracy before and after, and the difference where interval and exact test show one."""
    before, after = (100 * (summaries[at[key]].accuracy.value or 0.0) for key in ("against", "arm"))
    places = _places(before, after, change)
    points = change.estimate().scaled(100)
    size, difference = (figure(v, places) for v in (abs(100 * change.delta), 100 * change.delta))
    values = f"{figure(before, places)} → {figure(after, places)} %"
    interval = bounds(points, places)
    if change.sign == 0:
        return f"No difference in accuracy shown ({values}, {difference} points, {interval})"
    if change.sign > 0:
        return f"The {at['arm']} model gains {size} points of accuracy ({values}, {interval})"
    cause = "The change" if arm(at["arm"]).pruning == "off" else "Pruning"
    return f"{cause} costs {size} points of accuracy ({values}, {interval})"


def _places(before: float, after: float, change: Difference) -> int:
    """Decimals at which what is printed agrees: the difference with the accuracies and its sign."""
    low, high = (100 * bound for bound in change.interval)
    for places in range(1, MOST_PLACES):
        shown = [round(v, places) for v in (before, after, 100 * change.delta, low, high)]
        adds = round(shown[1] - shown[0], places) == shown[2]
        apart = change.sign == 0 or (shown[2] != 0 and shown[3] * shown[4] > 0)
        if adds and apart:
            return places
    return MOST_PLACES


def largest_class(trace: Trace) -> Measurement:
    """The share of documents of the largest class: how often whoever always says it is right."""
    counts = np.bincount(trace.documents.label, minlength=len(trace.about.labels))
    share = Estimate(float(counts.max() / counts.sum()), int(counts.sum()), why_not="a count")
    name = class_name(trace.about.labels, int(counts.argmax()))
    return measurement("largest_class", share, "share", at={"class": name})


def no_skill(largest: Measurement, reference: str, accuracy: Estimate) -> str:
    """Why a comparison with the reference decides nothing; "" where it is shown to have learned.

    It must be right more often, by its interval, than whoever always says the largest class: two
    models that guess lose nothing against each other.
    """
    assert largest.value is not None
    if accuracy.interval is not None and accuracy.interval[0] > largest.value:
        return ""
    return (
        f"nothing is decided, as the {reference} is not shown to be right more often than whoever "
        f"always says {largest.at['class']} ({percent(largest.value)})"
    )


def decision(verdict: Verdict, margin: float) -> str:
    """What the verdict says of the loss that is accepted."""
    accepted = f"the accepted {margin * 100:g} point{'' if margin == 0.01 else 's'}"
    if verdict.improved:
        return "better than the baseline"
    if verdict.outcome == "pass":
        return f"a loss of more than {accepted} is ruled out"
    if verdict.outcome == "fail":
        return f"the loss exceeds {accepted}"
    needed = verdict.documents_needed
    enough = f"; some {needed:,} documents would decide" if needed else ""
    return f"a loss of more than {accepted} is not ruled out{enough}"
