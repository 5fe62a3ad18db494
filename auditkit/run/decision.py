"""One decision on accuracy over several data sets: all documents together, and the largest loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from auditkit.finding import Cell, Interval, Table
from auditkit.plugin import columns
from auditkit.plugin.rows import LEVEL
from auditkit.plugin.sentences import figure
from auditkit.run.differences import right
from auditkit.run.regression import MARGIN
from auditkit.run.sides import Side, shared_documents
from auditkit.stats.estimates import share_of
from auditkit.stats.non_inferiority import non_inferiority
from auditkit.stats.paired import Difference, answers_difference
from auditkit.stats.several import largest_loss, pooled_difference
from auditkit.trace import Trace

TOGETHER, LARGEST = "all documents together", "the largest loss"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the losses against the baselines are acceptable, over all runs."""

    table: Table
    sentence: str


def decided(sides: Sequence[Side], margin: float | None) -> tuple[Decision | None, str]:
    """The decision over runs on different documents, or why there is none.

    Args:
        sides: The runs.
        margin: Loss of accuracy that is accepted; None: the one that the runs themselves accept,
            `MARGIN` where they do not agree.
    """
    if why_not := _undecidable(sides):
        return None, f"No decision over all: {why_not}."
    accepted, of_margin = (margin, "") if margin is not None else _shared_margin(sides)
    alone, guessing = [], []
    for side in sides:
        assert side.trace is not None
        change, guesses = _against_baseline(side.trace)
        alone.append(change)
        guessing += [side.name] if guesses else []
    pooled, largest = pooled_difference(alone), largest_loss(alone, accepted)

    def verdict(change: Difference, guesses: bool) -> str:
        return "inconclusive" if guesses else non_inferiority(change, accepted).outcome

    over_all = verdict(pooled, bool(guessing))
    worst = "inconclusive" if guessing else largest.outcome
    where = sides[largest.which].name
    rows = [_row(side.name, change.n, change.delta, change.interval,
                 verdict(change, side.name in guessing))
            for side, change in zip(sides, alone, strict=True)]  # fmt: skip
    rows.append(_row(TOGETHER, pooled.n, pooled.delta, pooled.interval, over_all))
    rows.append(_row(f"{LARGEST}: {where}", alone[largest.which].n, largest.delta,
                     largest.interval, worst))  # fmt: skip
    loss = f"{100 * accepted:g} point" + ("" if accepted == MARGIN else "s")
    notes = [
        f"Accepted is a loss of {loss}.{of_margin}",
        "Together, every document weighs alike; the interval is Tango's.",
        f"The bounds of the largest loss hold for all {len(sides)} runs at once (level "
        f"1 − 0.05/{len(sides)} each).",
        *(f"Nothing is decided on {name}: its baseline is not shown to be right more often than "
          "whoever always says the largest class." for name in guessing),
    ]  # fmt: skip
    table = Table(
        name="decision",
        title="Accuracy against the baseline",
        columns=columns(
            ("run", "Run", "label"), ("documents", "Documents", "count"),
            ("change", "Model under audit less baseline, points", "number"),
            ("interval", LEVEL, "interval"), ("verdict", "Verdict", "text"),
        ),
        rows=tuple(rows),
        note=" ".join(notes),
    )  # fmt: skip
    low, high = (figure(100 * bound, 2) for bound in pooled.interval)
    sentence = (
        f"Over all {pooled.n:,} documents together accuracy differs from the baselines' by "
        f"{figure(100 * pooled.delta, 2)} points (95 % interval {low} to {high}): {over_all} at an "
        f"accepted loss of {loss}. {where} does worst, with {figure(100 * largest.delta, 2)} "
        f"points: {worst} for the largest loss of all."
    )
    return Decision(table, sentence), ""


def _undecidable(sides: Sequence[Side]) -> str:
    """Why nothing can be decided over all runs; "" where it can."""
    for side in sides:
        if side.trace is None:
            return side.no_trace
        if not side.about.in_role("reference"):
            return f"{side.name} has no baseline"
        if not side.trace.about.dataset.labelled:
            return f"{side.name} has no labels"
    for one, other in combinations(sides, 2):
        assert one.trace is not None
        assert other.trace is not None
        if shared := shared_documents(one.trace, other.trace):
            return (
                f"{one.name} and {other.name} share {shared:,} documents, which would count twice"
            )
    return ""


def _shared_margin(sides: Sequence[Side]) -> tuple[float, str]:
    """The margin that all runs accept, and what to say where they do not agree."""
    own = [side.margin or MARGIN for side in sides]
    if len(set(own)) == 1:
        return own[0], ""
    told = ", ".join(
        f"{side.name} {100 * margin:g}" for side, margin in zip(sides, own, strict=True)
    )
    return MARGIN, f" The runs themselves accept other losses: {told}."


def _against_baseline(trace: Trace) -> tuple[Difference, bool]:
    """The paired difference to the baseline, and whether that may be guessing."""
    (audited,), (reference, *_) = (trace.about.in_role(role) for role in ("audited", "reference"))
    ours, base = right(trace, audited), right(trace, reference)
    assert ours is not None  # both run on all documents
    assert base is not None
    label = trace.documents.label
    skill = share_of(int(base.sum()), len(base)).interval
    guesses = skill is None or skill[0] <= np.bincount(label).max() / len(label)
    return answers_difference(ours, base), bool(guesses)


def _row(
    name: str, n: int, delta: float, interval: tuple[float, float], verdict: str
) -> tuple[Cell, ...]:
    low, high = interval
    return name, n, 100 * delta, Interval(100 * low, 100 * high), verdict
