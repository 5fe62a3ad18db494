import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.plugin import sentences
from auditkit.plugin.sentences import bounds, compare, direction, figure
from auditkit.stats.estimates import Estimate

WHOLE = Estimate(0.25, 40, (0.125, 0.5), p=0.04)
BARE = Estimate(0.25, 7, why_not="fewer than 20 documents")
NOTHING = Estimate(None, 0, why_not="no documents")
SAID = {"more": "more", "less": "less", "none": "none", "unknown": "unknown"}


def test_the_examples_in_the_docstrings() -> None:
    tried = doctest.testmod(sentences)
    assert tried.attempted > 4
    assert tried.failed == 0


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


@pytest.mark.parametrize(
    ("estimate", "null", "found", "said"),
    [
        (Estimate(2.0, 9, (1.5, 2.5)), 1.0, 1, "more"),
        (Estimate(0.5, 9, (0.2, 0.9)), 1.0, -1, "less"),
        (Estimate(0.9, 9, (0.5, 1.0)), 1.0, 0, "none"),  # the bound belongs to the interval
        (Estimate(-1.0, 9, (-2.0, -0.1)), 0.0, -1, "less"),
        (Estimate(2.0, 9, (1.5, 2.5), p_adjusted=0.05), 1.0, 0, "none"),
        (Estimate(2.0, 9, (0.5, 2.5), p_adjusted=0.049), 1.0, 1, "more"),
        (Estimate(0.5, 9, why_not="no spread", p_adjusted=0.001), 1.0, -1, "less"),
        (Estimate(2.0, 9, why_not="too few"), 1.0, None, "unknown"),
        (Estimate(None, 0, why_not="no documents"), 1.0, None, "unknown"),
    ],
)
def test_three_ways_to_say_it(
    estimate: Estimate, null: float, found: int | None, said: str
) -> None:
    assert direction(estimate, null) == found
    assert compare(estimate, null=null, **SAID) == said
    without = {key: value for key, value in SAID.items() if key != "unknown"}
    assert compare(estimate, null=null, **without) == ("none" if said == "unknown" else said)
