import numpy as np
import pytest
from by_hand import degrees
from scipy.stats import t as student
from scipy.stats import ttest_1samp
from statsmodels.stats.proportion import proportion_confint

from auditkit.stats.estimates import (
    FEWEST,
    Estimate,
    document_mean,
    document_share,
    too_few,
)


def test_mean_has_students_interval() -> None:
    values = np.random.default_rng(1).uniform(1.0, 5.0, 400)  # few tails: all 399 degrees
    found = document_mean(values)
    assert found.value == pytest.approx(sum(values) / 400)
    assert found.n == 400
    expected = ttest_1samp(values, 0).confidence_interval()
    assert found.interval == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(
    ("values", "value", "reason"),
    [
        ([], None, "no documents"),
        ([0.25, 0.75], 0.5, "too few"),
        ([0.5] * FEWEST["mean"], 0.5, "all documents agree"),
    ],
)
def test_what_is_missing_has_a_reason(
    values: list[float], value: float | None, reason: str
) -> None:
    found = document_mean(np.array(values))
    assert found.value == value
    assert found.interval is None
    assert reason in found.why_not


def test_one_table_says_how_many_documents_are_needed() -> None:
    for kind, fewest in FEWEST.items():
        assert too_few(kind, fewest) == ""
        assert f"({fewest - 1}, and at least {fewest} " in too_few(kind, fewest - 1)


def test_few_that_differ_much_leave_few_degrees_of_freedom() -> None:
    values = np.where(np.arange(1000) < 9, 1.0, 0.0) + np.random.default_rng(2).beta(1, 20, 1000)
    found = document_mean(values, kind="score")
    mean, error = values.mean(), values.std(ddof=1) / np.sqrt(1000)
    df = degrees(values - mean)
    assert 20 < df < 30  # that of an even split would be 999
    half = student.ppf(0.975, df) * error
    assert found.interval == pytest.approx((mean - half, mean + half))


@pytest.mark.parametrize(
    ("values", "reason"),
    [([], "no documents"), ([0.1] * 999, "too few"), ([0.1] * 1000, "all documents agree")],
)
def test_a_score_mean_that_is_missing_has_a_reason(values: list[float], reason: str) -> None:
    found = document_mean(np.array(values), kind="score")
    assert found.interval is None
    assert reason in found.why_not


@pytest.mark.parametrize(("k", "n"), [(0, 7), (7, 7), (3, 40), (930, 1000)])
def test_share_has_the_exact_interval(k: int, n: int) -> None:
    found = document_share(np.arange(n) < k)
    assert found.value == k / n
    assert found.interval == pytest.approx(proportion_confint(k, n, method="beta"))


def test_no_documents_have_no_share() -> None:
    assert document_share(np.zeros(0, dtype=bool)).value is None


def test_scaling_leaves_reason_and_p() -> None:
    assert Estimate(0.5, 9, (0.25, 0.75), "", 0.1).scaled(100) == Estimate(
        50.0, 9, (25.0, 75.0), "", 0.1
    )
    assert Estimate(None, 0, why_not="x").scaled(100) == Estimate(None, 0, why_not="x")
