"""One decision on accuracy over several data sets: all documents together, and the worst one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditkit.finding import Cell, Interval, Table
from auditkit.plugin import columns
from auditkit.plugin.sentences import figure
from auditkit.run.differences import right
from auditkit.stats.non_inferiority import non_inferiority
from auditkit.stats.paired import Difference, answers_difference
from auditkit.trace import Trace

TOGETHER, WORST = "all documents together", "the largest loss"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the losses against the baselines are acceptable, over all runs."""

    table: Table
    sentence: str


def decided(runs: Sequence[tuple[str, Trace | None]], margin: float) -> tuple[Decision | None, str]:
    """The decision over runs on different documents, or why there is none.

    Pooled, every document weighs alike: its difference and Tango's interval are those of one run on
    all of them. The largest loss has bounds that hold for all runs at once (level 1 − α/k each):
    it is acceptable where every run's lower bound is above −margin, and not where one run's upper
    bound is below.

    Args:
        runs: Name and trace.
        margin: Loss of accuracy that is accepted.
    """
    sides: list[tuple[str, np.ndarray, np.ndarray, str]] = []
    for name, trace in runs:
        if trace is None:
            return None, f"No decision over all: {name} has no trace."
        reference = trace.about.in_role("reference")
        if not reference:
            return None, f"No decision over all: {name} has no baseline."
        (audited,) = trace.about.in_role("audited")
        ours, base = right(trace, audited), right(trace, reference[0])
        assert ours is not None  # both run on all documents
        assert base is not None
        sides.append((name, ours, base, trace.about.dataset.sha256))
    if len({data for *_, data in sides}) < len(sides):
        return None, (
            "No decision over all: runs on the same documents are not independent of each other; "
            "their accuracies are compared document by document below."
        )
    level = 1 - 0.05 / len(sides)
    alone = [(name, answers_difference(ours, base)) for name, ours, base, _ in sides]
    at_once = [answers_difference(ours, base, level=level) for _, ours, base, _ in sides]
    pooled = answers_difference(*(np.concatenate([side[i] for side in sides]) for i in (1, 2)))
    outcome = non_inferiority(pooled, margin).outcome
    lows, highs = ([one.interval[i] for one in at_once] for i in (0, 1))
    worst = "pass" if min(lows) > -margin else "fail" if min(highs) < -margin else "inconclusive"
    least = min(at_once, key=lambda one: one.delta)
    rows = [_row(name, one, non_inferiority(one, margin).outcome) for name, one in alone]
    rows.append(_row(TOGETHER, pooled, outcome))
    rows.append(
        (WORST, least.n, 100 * least.delta, Interval(100 * min(lows), 100 * min(highs)), worst)
    )
    told = columns(
        ("run", "Run", "label"), ("documents", "Documents", "count"),
        ("change", "Accuracy, pruned less baseline, points", "number"),
        ("interval", "95 % interval", "interval"), ("verdict", "Verdict", "text"),
    )  # fmt: skip
    accepted = f"{100 * margin:g} point" + ("" if margin == 0.01 else "s")
    note = (
        f"Accepted is a loss of {accepted}. The largest loss has simultaneous bounds over "
        f"{len(sides)} runs."
    )
    table = Table(
        name="decision", title="Accuracy against the baseline", columns=told, rows=tuple(rows),
        note=note,
    )  # fmt: skip
    low, high = (100 * bound for bound in pooled.interval)
    sentence = (
        f"Over all {pooled.n:,} documents together accuracy changes by "
        f"{figure(100 * pooled.delta, 1)} points (95 % interval {figure(low, 1)} to "
        f"{figure(high, 1)}): {outcome} at an accepted loss of {accepted}; the largest loss of a "
        f"single data set is {figure(-100 * least.delta, 1)} points: {worst}."
    )
    return Decision(table, sentence), ""


def _row(name: str, one: Difference, outcome: str) -> tuple[Cell, ...]:
    low, high = one.interval
    return name, one.n, 100 * one.delta, Interval(100 * low, 100 * high), outcome
