"""Titles that tell what was found: read again from the table, by hand."""

from typing import Any

import pytest

from auditkit.finding import Chart, Column, Interval, Table, Undefined
from auditkit.plugin import Telling

NONE = Undefined("too few")


def title(*rows: tuple[Any, ...], reference: float | None = 1.0, p: bool = False) -> str:
    columns = [
        Column(name="kind", title="Kind", kind="label"),
        Column(name="lift", title="Lift", kind="number"),
        Column(name="between", title="Interval", kind="interval"),
    ]
    if p:
        columns.append(Column(name="lift_p_adjusted", title="p", kind="p"))
    chart = Chart(name="c", kind="dots", table="t", title="Plain", alt="A.", x="lift", y="kind",
                  interval="between", reference=reference)  # fmt: skip
    telling = Telling(chart, "longest kept", "soonest dropped", "No difference is shown")
    return telling.of(Table(name="t", title="T", columns=tuple(columns), rows=rows)).title


UP, DOWN = ("nouns", 1.5, Interval(1.2, 1.8)), ("particles", 0.5, Interval(0.3, 0.9))
OPEN = ("verbs", 1.1, Interval(0.8, 1.4))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ((UP, OPEN, DOWN), "Longest kept: nouns; soonest dropped: particles"),
        ((UP, OPEN), "Longest kept: nouns"),
        ((OPEN, DOWN), "Soonest dropped: particles"),
        ((OPEN, ("x", 0.9, Interval(0.8, 1.2))), "No difference is shown"),
        ((OPEN, ("x", 0.9, NONE)), "No difference is shown"),
        ((("x", 1.4, NONE), ("y", 0.9, NONE)), "Plain"),  # nothing was tested
        ((), "Plain"),
        ((("x", NONE, NONE),), "Plain"),
        ((UP,), "Plain"),  # of one row there is no most
        ((UP, ("x", 2.0, NONE), DOWN), "Soonest dropped: particles"),  # x is the largest
        ((UP, ("x", 1.501, Interval(1.2, 1.8)), DOWN), "Soonest dropped: particles"),  # a tie
        ((UP, ("\u202eevil\n" * 30, 0.5, Interval(0.3, 0.9))), None),
    ],
)
def test_the_outermost_rows_that_are_shown_to_differ(rows: Any, told: str | None) -> None:
    found = title(*rows)
    assert len(found) < 90
    if told is not None:
        assert found == told
    else:
        assert found.startswith("Longest kept: nouns; soonest dropped: ")
        assert found.count("evil") < 10
        assert "\n" not in found


def test_an_adjusted_p_decides_where_there_is_one() -> None:
    rows = [(*UP, 0.06), (*DOWN, 0.001)]
    assert title(*rows, p=True) == "Soonest dropped: particles"
    assert title((*UP, NONE), (*DOWN, NONE), p=True) == "Plain"  # not tested


def test_without_a_reference_the_intervals_of_the_outermost_must_not_meet() -> None:
    assert title(UP, OPEN, DOWN, reference=None) == (
        "Longest kept: nouns; soonest dropped: particles"
    )
    assert title(UP, OPEN, reference=None) == "Plain"
    assert title(UP, ("x", 0.5, NONE), reference=None) == "Plain"
