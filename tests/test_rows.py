"""A row is written once: its cells and its measurements are the same numbers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import ProbeError
from auditkit.finding import Column, Finding, Interval, Undefined
from auditkit.plugin import Label, Number, Row, answer, columns, measurement, tabulate
from auditkit.stats.estimates import Estimate

WHOLE = Estimate(0.25, 40, (0.125, 0.5), p=0.04, p_adjusted=0.08)
BARE = Estimate(0.25, 7, why_not="fewer than 20 documents")
NOTHING = Estimate(None, 0, why_not="no documents")
LAYER = Label("layer", "Layer", "count", whole="all")
RATE = Number("rate", "Rate", "share", p="Exact.", adjusted="Over the rows.", better="lower",
              control="chance", headline=True)  # fmt: skip
WHY = Column(name="why", title="Why", kind="text")


class Probe:
    name, version, question, needs = "p", "1", "?", frozenset[str]()

    def analyse(self, trace: Any, rng: Any) -> Finding:
        raise NotImplementedError


def test_a_row_gives_cells_and_a_measurement() -> None:
    told = tabulate(
        "t", "Title", [LAYER, RATE, WHY],
        [Row({"layer": 3, "class": "World"}, {"rate": WHOLE}, {"why": "so"}, n=900)],
        note="Note.", arm="pruned",
    )  # fmt: skip
    assert [c.name for c in told.table.columns] == [
        "layer", "rate", "rate_interval", "rate_p", "rate_p_adjusted", "why",
    ]  # fmt: skip
    assert [c.kind for c in told.table.columns] == [
        "count", "share", "interval", "p", "p", "text",
    ]  # fmt: skip
    assert told.table.rows == ((3, 0.25, Interval(0.125, 0.5), 0.04, 0.08, "so"),)
    (m,) = told.measurements
    assert m.where == "rate[arm=pruned,layer=3,class=World]"
    assert (m.value, m.interval, m.p, m.p_adjusted) == (0.25, Interval(0.125, 0.5), 0.04, 0.08)
    assert (m.n, m.n_clusters, m.better, m.control, m.headline) == (
        900,
        40,
        "lower",
        "chance",
        True,
    )


def test_what_is_missing_says_why_in_cell_and_measurement() -> None:
    number = Number("rate", "Rate", "points", p="Exact.")
    rows = [Row({"layer": 1}, {"rate": BARE}), Row({}, {"rate": NOTHING})]
    told = tabulate("t", "Title", [LAYER, number], rows)
    few, none = Undefined("fewer than 20 documents"), Undefined("no documents")
    assert told.table.rows == ((1, 0.25, few, few), ("all", none, none, none))
    bare, nothing = told.measurements
    assert (bare.no_interval, bare.undefined, bare.n) == ("fewer than 20 documents", None, 7)
    assert (nothing.no_interval, nothing.undefined) == (None, "no documents")
    assert (bare.where, nothing.where) == ("rate[layer=1]", "rate")


def test_a_label_that_is_no_key_is_told_in_the_table_alone() -> None:
    told = tabulate(
        "t", "T", [Label("comparison", "Comparison"), Number("rate", "R", "share", interval=None)],
        [Row({"comparison": "a − b", "against": "b", "arm": "a"}, {"rate": BARE})],
    )  # fmt: skip
    assert told.table.rows == (("a − b", 0.25),)
    assert told.measurements[0].where == "rate[arm=a,against=b]"
    assert told.measurements[0].control == "b"


@pytest.mark.parametrize(
    "row",
    [
        Row({"layer": 1}, {"rate": BARE}),
        Row({"layer": 1}, {}, {"why": "so"}),
        Row({"layer": 1}, {"rate": BARE, "lift": BARE}, {"why": "so"}),
    ],
)
def test_rows_and_columns_hold_the_same(row: Row) -> None:
    with pytest.raises(ProbeError, match=r"table t, row \{'layer': 1\}: .* must be in the columns"):
        tabulate("t", "Title", [LAYER, RATE, WHY], [row])


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5))
def test_the_answer_carries_every_number_of_its_tables_once(values: list[float]) -> None:
    rows = [
        Row({"layer": i}, {"rate": Estimate(v, 5, why_not="few")}) for i, v in enumerate(values)
    ]
    told = tabulate("t", "Title", [LAYER, Number("rate", "Rate", "ratio")], rows)
    alone = measurement("rate", WHOLE, "ratio")
    found = answer(Probe(), "So.", tables=[told], measurements=[alone])
    assert found.table("t").column("rate") == tuple(values)
    assert [m.value for m in found.measurements] == [*values, 0.25]
    assert found.measurement("rate", layer=0).value == values[0]


def test_columns_take_help_or_none() -> None:
    assert columns(("a", "A", "count"), ("b", "B", "share", "What it is.")) == (
        Column(name="a", title="A", kind="count"),
        Column(name="b", title="B", kind="share", help="What it is."),
    )


def test_a_row_may_be_no_key_figure() -> None:
    rows = [Row({"arm": name}, {"rate": WHOLE}, headline=name == "a") for name in ("a", "b")]
    number = Number("rate", "Rate", "share", headline=True)
    told = tabulate("t", "T", [Label("arm", "Arm"), number], rows)
    assert [m.headline for m in told.measurements] == [True, False]
