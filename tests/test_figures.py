import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.finding.values import Column, Interval, Undefined
from auditkit.plugin import figures
from auditkit.plugin.figures import bounds, cells, columns, figure, measurement
from auditkit.stats.estimates import Estimate

WHOLE = Estimate(0.25, 40, (0.125, 0.5), p=0.04)
BARE = Estimate(0.25, 7, why_not="fewer than 20 documents")
NOTHING = Estimate(None, 0, why_not="no documents")


def test_the_examples_in_the_docstrings() -> None:
    tried = doctest.testmod(figures)
    assert tried.attempted > 4
    assert tried.failed == 0


def test_an_estimate_becomes_a_measurement_with_its_reasons() -> None:
    whole = measurement("rate", WHOLE, "share", n=900, arm="pruned", control="chance")
    assert (whole.address(), whole.control) == ("rate[arm=pruned]", "chance")
    assert (whole.value, whole.interval, whole.p) == (0.25, Interval(0.125, 0.5), 0.04)
    assert (whole.n, whole.n_clusters) == (900, 40)
    assert whole.no_interval is whole.undefined is None
    bare = measurement("rate", BARE, "share")
    assert (bare.n, bare.n_clusters, bare.interval) == (7, 7, None)
    assert (bare.no_interval, bare.undefined) == ("fewer than 20 documents", None)
    nothing = measurement("rate", NOTHING, "share")
    assert (nothing.value, nothing.undefined, nothing.no_interval) == (None, "no documents", None)


def test_cells_are_undefined_where_there_is_nothing() -> None:
    assert cells(WHOLE) == (0.25, Interval(0.125, 0.5))
    assert cells(BARE) == (0.25, Undefined("fewer than 20 documents"))
    assert cells(NOTHING) == (Undefined("no documents"),) * 2


def test_columns_take_help_or_none() -> None:
    assert columns(("a", "A", "count"), ("b", "B", "share", "What it is.")) == (
        Column(name="a", title="A", kind="count"),
        Column(name="b", title="B", kind="share", help="What it is."),
    )


def test_bounds_say_why_they_are_missing() -> None:
    assert bounds(WHOLE, 2) == "95 % interval 0.12 to 0.50"
    assert bounds(BARE, 2) == "no interval: fewer than 20 documents"


@given(value=st.floats(-1e6, 1e6), places=st.integers(0, 6))
def test_a_figure_reads_back_and_has_a_true_minus(value: float, places: int) -> None:
    text = figure(value, places)
    assert "-" not in text
    read = float(text.replace(",", "").replace("−", "-"))
    assert read == pytest.approx(value, abs=0.5 * 10**-places + 1e-9)
    assert math.copysign(1, read) == 1 or read < 0
