"""What the difference to the reference comes to: in words, and in documents that would decide."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from auditkit.plugin import (
    Estimate,
    Measurement,
    Trace,
    bounds,
    class_name,
    figure,
    in_line,
    measurement,
    percent,
)
from auditkit.probes._arms import Summary
from auditkit.probes._pairs import called_model, cause_of
from auditkit.stats.non_inferiority import Verdict, non_inferiority
from auditkit.stats.paired import Difference

ADDING = 3
"""Decimals up to which a printed difference must be that of the printed accuracies."""
MOST_PLACES = 6


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The model under audit beside its reference."""

    at: Mapping[str, str]
    """Keys `arm` and `against` of its numbers."""
    model: str
    """What sentences call it."""
    before: float
    """Accuracy of the reference, in percent."""
    now: float
    change: Difference
    margin: float
    """The loss of accuracy that is accepted, in points."""
    verdict: Verdict
    largest: Measurement
    """How often whoever always says the largest class is right."""
    guess: str
    """Why nothing can be decided; "" where the reference is shown to have learned."""

    @property
    def status(self) -> str:
        """Of the finding."""
        return "inconclusive" if self.guess else self.verdict.outcome

    @property
    def accepted(self) -> str:
        """The margin in words, `1 point`."""
        return f"{self.margin:g} point{'' if self.margin == 1 else 's'}"

    @property
    def places(self) -> int:
        """Decimals at which what is printed agrees.

        The difference with its sign and with the accuracies, as far as three decimals, and the
        interval with what is said of 0 and of the margin.
        """
        low, high = (100 * bound for bound in self.change.interval)
        exact = (self.before, self.now, 100 * self.change.delta, low, high)
        for places in range(1, MOST_PLACES):
            before, now, delta, *ends = (round(value, places) for value in exact)
            adds = places >= ADDING or round(now - before, places) == delta
            apart = (delta != 0) == (self.change.delta != 0)
            apart &= self.change.sign == 0 or ends[0] * ends[1] > 0
            beyond = ends[1 if self.verdict.outcome == "fail" else 0] < -self.margin
            if adds and apart and beyond == (self.verdict.outcome != "pass"):
                return places
        return MOST_PLACES


def judged(
    trace: Trace,
    summaries: Mapping[str, Summary],
    change: Difference,
    margin: float,
    at: Mapping[str, str],
) -> Judged:
    """The verdict on a difference, and what it is told with.

    Args:
        trace: The run.
        summaries: By arm.
        change: Between the two arms of `at`.
        margin: The loss that is accepted, a share.
        at: Their names, under `arm` and `against`.
    """
    largest, (model, reference) = largest_class(trace), (at["arm"], at["against"])
    return Judged(
        at, called_model(trace.about),
        100 * (summaries[reference].accuracy.value or 0.0),
        100 * (summaries[model].accuracy.value or 0.0),
        change, round(100 * margin, 9), non_inferiority(change, margin), largest,
        guessing(largest, reference, summaries[reference].accuracy),
    )  # fmt: skip


def planned(told: Judged) -> list[Measurement]:
    """How many documents would decide, and what these could have shown."""
    verdict, n, control = told.verdict, told.change.n, told.at["against"]

    def figure_of(value: float | None, without: str) -> Estimate:
        return Estimate(value, n, why_not="a planning figure" if value else without)

    decided = verdict.outcome != "inconclusive"
    why_not = "these documents decide" if decided else "no number of documents would decide"
    needed = figure_of(verdict.documents_needed, why_not)
    detectable = figure_of(verdict.detectable, "no document is discordant").scaled(100)
    return [
        measurement("documents_needed", needed, "documents", at=told.at, control=control),
        measurement("detectable_change", detectable, "points", at=told.at, control=control),
    ]


def alone(model: str, summaries: Mapping[str, Summary]) -> str:
    """The accuracy of the model under audit, where there is nothing to compare it with."""
    share = summaries[model].accuracy
    interval = bounds(share.scaled(100), 1)
    return f"The {model} model's accuracy is {percent(share.value or 0.0)} ({interval})"


def effect(told: Judged) -> str:
    """Accuracy before and after, and the difference where interval and exact test show one."""
    change, places = told.change, told.places
    size, difference = (figure(v, places) for v in (abs(100 * change.delta), 100 * change.delta))
    values = f"{figure(told.before, places)} → {figure(told.now, places)} %"
    interval = bounds(change.estimate().scaled(100), places)
    if change.sign == 0:
        return f"No difference in accuracy shown ({values}, {difference} points, {interval})"
    if change.sign > 0:
        return f"The {told.at['arm']} model gains {size} points of accuracy ({values}, {interval})"
    cause = cause_of(told.at["arm"]).capitalize()
    return f"{cause} costs {size} points of accuracy ({values}, {interval})"


def largest_class(trace: Trace) -> Measurement:
    """The share of documents of the largest class: how often whoever always says it is right."""
    counts = np.bincount(trace.documents.label, minlength=len(trace.about.labels))
    share = Estimate(float(counts.max() / counts.sum()), int(counts.sum()), why_not="a count")
    name = class_name(trace.about.labels, int(counts.argmax()))
    return measurement("largest_class", share, "share", at={"class": name})


def guessing(largest: Measurement, reference: str, accuracy: Estimate) -> str:
    """That the reference is not shown to have learned; "" where it is.

    It must be right more often, by its interval, than whoever always says the largest class: two
    models that guess lose nothing against each other.
    """
    assert largest.value is not None
    if accuracy.interval is not None and accuracy.interval[0] > largest.value:
        return ""
    return (
        f"the {reference} is not shown to be right more often than whoever always says "
        f"{in_line(largest.at['class'])} ({percent(largest.value)})"
    )


def decision(told: Judged) -> str:
    """What the verdict says of the loss that is accepted."""
    if told.guess:
        return f"nothing is decided, as {told.guess}"
    accepted = f"the accepted {told.accepted}"
    if told.verdict.improved:
        return "better than the baseline"
    if told.verdict.outcome == "pass":
        return f"a loss of more than {accepted} is ruled out"
    if told.verdict.outcome == "fail":
        return f"the loss exceeds {accepted}"
    needed = told.verdict.documents_needed
    enough = f"; some {needed:,} documents would decide" if needed else ""
    return f"a loss of more than {accepted} is not ruled out{enough}"
