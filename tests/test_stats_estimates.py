import numpy as np
import pytest
from scipy.stats import ttest_1samp
from statsmodels.stats.proportion import proportion_confint

from auditkit.stats.estimates import (
    FEWEST,
    Estimate,
    document_mean,
    document_share,
    score_means,
    too_few,
)
from auditkit.stats.resampling import Bootstrap


def test_mean_has_students_interval() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
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


def test_score_mean_is_the_studentised_bootstrap_by_hand() -> None:
    values = np.random.default_rng(2).beta(0.3, 3, 320)
    found = score_means(values[:, None], Bootstrap(np.random.default_rng(3), 200))[0]
    mean, error = values.mean(), values.std() / np.sqrt(320)
    t = []
    for weights in np.concatenate(list(Bootstrap(np.random.default_rng(3), 200).weights(320))):
        drawn = np.repeat(values, weights.astype(int))
        t.append((drawn.mean() - mean) / (drawn.std() / np.sqrt(320)))
    low, high = np.quantile(t, [0.025, 0.975])
    assert found.value == pytest.approx(mean)
    assert found.interval == pytest.approx((mean - high * error, mean - low * error))
    assert high - low > 0
    assert found.interval is not None
    assert found.interval[1] - mean > mean - found.interval[0]  # it leans to the long side


@pytest.mark.parametrize(
    ("values", "reason"),
    [([], "no documents"), ([0.1] * 299, "too few"), ([0.1] * 300, "all documents agree")],
)
def test_a_score_mean_that_is_missing_has_a_reason(values: list[float], reason: str) -> None:
    found = score_means(np.array(values)[:, None], Bootstrap(np.random.default_rng(0), 20))[0]
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
