"""What findings put on the first screen of a report, by hand."""

from typing import Any

import numpy as np
import pytest

from auditkit.finding import CHANGED, SAVED, Finding
from auditkit.plugin import Estimate
from auditkit.probes._cost import saved_card
from auditkit.probes.efficiency import Efficiency
from auditkit.probes.fairness import Fairness
from auditkit.probes.flips import Flips
from auditkit.stats.paired import counted_difference
from auditkit.testing import replace_tables, synthetic_trace
from auditkit.trace import Trace

AT = {"arm": "pruned", "against": "baseline"}


def analysed(probe: Any, trace: Trace) -> Finding:
    finding: Finding = probe.analyse(trace, np.random.default_rng(0))
    return finding


def said(trace: Trace, gold: list[int], before: list[int], now: list[int]) -> Trace:
    """The trace with these labels and answers."""
    documents = trace.table("documents").assign(
        label=np.array(gold, dtype=np.int32),
        predicted_baseline=np.array(before, dtype=np.int32),
        predicted_pruned=np.array(now, dtype=np.int32),
    )
    return replace_tables(trace, documents=documents)


@pytest.fixture(scope="module")
def trace() -> Trace:
    return synthetic_trace(np.random.default_rng(3), documents=40, classes=3, draws=0)


@pytest.mark.parametrize(
    ("now", "value", "note", "cells"),
    [
        ([0] * 36 + [1, 1, 1, 2], "10 of 40", "4 now right, 5 now wrong, 1 otherwise wrong",
         {(0, 1): 3, (0, 2): 1, (1, 0): 6}),
        ([0] * 30 + [1] * 6 + [0] * 4, "0 of 40", "0 now right, 0 now wrong", {}),
    ],
)  # fmt: skip
def test_changed_answers_by_hand(
    trace: Trace, now: list[int], value: str, note: str, cells: dict[tuple[int, int], int]
) -> None:
    gold = [0] * 30 + [1] * 5 + [2] + [1] * 3 + [2]
    before = [0] * 30 + [1] * 6 + [0] * 4
    finding = analysed(Flips(resamples=100), said(trace, gold, before, now))
    (card,) = finding.cards
    assert (card.title, card.value, card.note) == (CHANGED, value, note)
    table = finding.table("flip_matrix")
    counts = {
        (int(str(one)[-1]), int(str(other)[-1])): n
        for one, other, n in table.rows
        if one != other and n
    }
    assert counts == cells
    assert sum(int(str(n)) for n in table.column("documents")) == 40
    assert len(table.rows) == 9
    assert finding.charts[0].table == "flip_matrix"


@pytest.mark.parametrize(
    ("ratio", "interval", "value", "note"),
    [
        (2.071, (2.0, 2.14), "2.07×", "fewer operations, counted (95 % 2.00 to 2.14)"),
        (0.8, (0.5, 1.0), "1.25×", "as many operations, counted (95 % 1.00 to 2.00)"),
        (1.001, (0.99, 1.01), "1.00×", "about as many operations, counted (95 % 0.99 to 1.01)"),
        (2.0, None, "2.00×", "fewer operations, counted (no interval: few)"),
    ],
)
def test_what_is_saved(
    ratio: float, interval: tuple[float, float] | None, value: str, note: str
) -> None:
    card = saved_card(Estimate(ratio, 9, interval, why_not="few"), {"arm": "pruned"})
    assert (card.title, card.value, card.note) == (SAVED, value, note)


def test_the_card_is_of_the_ratio_that_is_claimed(trace: Trace) -> None:
    finding = analysed(Efficiency(), trace)
    ratio = finding.measurement("macs_ratio", arm="pruned").value
    assert ratio is not None
    assert [card.value for card in finding.cards] == [f"{ratio:.2f}×"]


def test_groups_of_people_stand_in_the_picture_by_their_loss() -> None:
    trace = synthetic_trace(np.random.default_rng(5), documents=400, draws=0)
    values = [f"g{number % 8}" for number in range(399)] + ["rare"]
    documents = trace.table("documents").assign(**{"group:source": values})
    finding = analysed(Fairness(resamples=100), replace_tables(trace, documents=documents))
    right = {
        arm: (documents[f"predicted_{arm}"] == documents["label"]).to_numpy()
        for arm in ("baseline", "pruned")
    }
    change = right["pruned"].astype(int) - right["baseline"]
    losses = {g: change[np.array(values) == g] for g in sorted(set(values) - {"rare"})}
    worst = sorted(losses, key=lambda g: (losses[g].mean(), g))[:5]
    assert [mark.label for mark in finding.marks] == [f"source: {g}" for g in worst]
    for group in worst:
        found = finding.measurement("accuracy_change", **AT, column="source", group=group)
        own = losses[group]
        low, high = counted_difference(
            int((own < 0).sum()), int((own > 0).sum()), len(own), level=1 - 0.05 / 8
        ).interval
        assert found.value == pytest.approx(100 * own.mean())
        assert found.interval is not None
        assert (found.interval.low, found.interval.high) == (100 * low, 100 * high)
    assert finding.unchecked == ("1 group of under 30 documents",)


def test_that_no_group_of_people_is_told_of_is_said(trace: Trace) -> None:
    finding = analysed(Fairness(resamples=100), trace)
    assert finding.marks == ()
    assert finding.unchecked[0] == "groups of people: no column or word tells of enough"
