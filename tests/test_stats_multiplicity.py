"""What is tested together: p adjusted, and intervals that agree with it."""

from functools import partial
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from auditkit.stats.estimates import Estimate, mean_change
from auditkit.stats.multiplicity import ALPHA, adjusted_together, benjamini_hochberg, holm


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_intervals_exclude_0_of_those_that_are_called_and_no_others_change(
    seed: int, size: int
) -> None:
    rng = np.random.default_rng(seed)
    values = [rng.normal(shift, 1, 60) for shift in rng.choice([0.0, 0.3, 0.6], size)]
    makes = [partial(mean_change, own) for own in values]
    alone = [make() for make in makes]
    found = adjusted_together(alone, makes)
    expected = multipletests([one.p for one in alone], method="fdr_bh")[1]
    assert [one.p_adjusted for one in found] == pytest.approx(list(expected))
    called = sum(expected < ALPHA)
    for one, before, make in zip(found, alone, makes, strict=True):
        assert one.p_adjusted is not None
        assert one.interval is not None
        if one.p_adjusted < ALPHA:
            assert one.level == pytest.approx(1 - ALPHA * called / size)
            assert one.interval == make(level=one.level).interval
            assert not one.interval[0] <= 0 <= one.interval[1]
        else:
            assert (one.interval, one.level) == (before.interval, 1 - ALPHA)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.floats(0, 1), max_size=12))
def test_both_corrections_are_those_of_statsmodels(p: list[float | None]) -> None:
    tested = [value for value in p if value is not None]
    for adjust, method in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        with patch("gc.collect"):  # statsmodels calls it every time
            expected = iter(multipletests(tested, method=method)[1] if tested else [])
        found = adjust(p)
        assert [one is None for one in found] == [one is None for one in p]
        for value in (one for one in found if one is not None):
            assert value == pytest.approx(next(expected))


def test_what_has_no_p_is_no_test_and_stays_and_what_was_called_before_is_asked_anew() -> None:
    rng = np.random.default_rng(0)
    strong, weak = (partial(mean_change, rng.normal(shift, 1, 60)) for shift in (2.0, 0.0))
    untested = Estimate(0.7, 60, (0.5, 0.9))
    found = adjusted_together([strong(level=0.999), untested, weak()], [strong, weak, weak])
    assert found[1] == untested
    assert found[0].level == pytest.approx(1 - ALPHA / 2)
    assert found[2].p_adjusted == pytest.approx(weak().p)
    assert adjusted_together([], []) == []
