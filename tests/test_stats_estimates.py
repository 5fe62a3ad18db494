import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from auditkit.stats.estimates import FEWEST, Estimate, document_mean, document_share


def test_mean_is_the_mean_and_its_interval_is_near_the_normal_one() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    found = document_mean(values, np.random.default_rng(0))
    assert found.value == pytest.approx(sum(values) / 400)
    assert found.n == 400
    half = 1.96 * values.std() / 20
    assert found.interval == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


@pytest.mark.parametrize(
    ("values", "value", "reason"),
    [
        ([], None, "no documents"),
        ([0.25, 0.75], 0.5, "fewer than"),
        ([0.5] * FEWEST, 0.5, "same in every document"),
    ],
)
def test_what_is_missing_has_a_reason(
    values: list[float], value: float | None, reason: str
) -> None:
    found = document_mean(np.array(values), np.random.default_rng(0))
    assert found.value == value
    assert found.interval is None
    assert reason in found.why_not


@pytest.mark.parametrize(("k", "n"), [(0, 7), (7, 7), (3, 40), (930, 1000)])
def test_share_has_wilsons_interval(k: int, n: int) -> None:
    found = document_share(np.arange(n) < k)
    assert found.value == k / n
    assert found.interval == pytest.approx(proportion_confint(k, n, method="wilson"))


def test_no_documents_have_no_share() -> None:
    assert document_share(np.zeros(0, dtype=bool)).value is None


def test_scaling_leaves_reason_and_p() -> None:
    assert Estimate(0.5, 9, (0.25, 0.75), "", 0.1).scaled(100) == Estimate(
        50.0, 9, (25.0, 75.0), "", 0.1
    )
    assert Estimate(None, 0, why_not="x").scaled(100) == Estimate(None, 0, why_not="x")


@pytest.mark.slow
@pytest.mark.parametrize("n", [FEWEST, 60, 300])
def test_interval_of_the_mean_covers(n: int) -> None:
    rng = np.random.default_rng(5)
    runs = 2000
    hits = 0
    for _ in range(runs):
        low, high = document_mean(rng.beta(2, 3, n), rng, 1000).interval or (1.0, 0.0)
        hits += low <= 0.4 <= high
    assert 0.92 <= hits / runs <= 0.97  # .93 less two standard errors of the simulation
