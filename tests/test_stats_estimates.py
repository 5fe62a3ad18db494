import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from auditkit.stats.estimates import (
    FEWEST,
    Estimate,
    Kind,
    bootstrap_estimate,
    document_mean,
    document_share,
    resampled,
    too_few,
)
from auditkit.stats.resampling import Bootstrap, Floats


def test_mean_is_the_mean_and_its_interval_is_near_the_normal_one() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    found = document_mean(values, Bootstrap(np.random.default_rng(0)))
    assert found.value == pytest.approx(sum(values) / 400)
    assert found.n == 400
    half = 1.96 * values.std() / 20
    assert found.interval == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


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
    found = document_mean(np.array(values), Bootstrap(np.random.default_rng(0)))
    assert found.value == value
    assert found.interval is None
    assert reason in found.why_not


def test_one_table_says_how_many_documents_are_needed() -> None:
    for kind, fewest in FEWEST.items():
        assert too_few(kind, fewest) == ""
        assert f"({fewest - 1}, and at least {fewest} " in too_few(kind, fewest - 1)


def product(sums: Floats) -> Floats:
    return sums[:, 0] * sums[:, 1]


def test_any_statistic_of_document_sums_by_hand() -> None:
    values = np.random.default_rng(2).random((40, 2))
    found = bootstrap_estimate(values, product, Bootstrap(np.random.default_rng(3), 200), "mean")
    assert found.value == pytest.approx(sum(values[:, 0]) * sum(values[:, 1]))
    samples = []
    for weights in np.concatenate(list(Bootstrap(np.random.default_rng(3), 200).weights(40))):
        first, second = (
            sum(w * v for w, v in zip(weights, column, strict=True)) for column in values.T
        )
        samples.append(first * second)
    assert found.interval == pytest.approx(tuple(np.quantile(samples, [0.025, 0.975])))
    assert found.n == 40


def test_with_too_few_documents_nothing_is_drawn() -> None:
    rng = np.random.default_rng(4)
    found = bootstrap_estimate(np.ones((25, 2)), product, Bootstrap(rng), "lift")
    assert (found.value, found.interval) == (625.0, None)
    assert found.why_not == too_few("lift", 25)
    assert rng.integers(1000) == np.random.default_rng(4).integers(1000)


@pytest.mark.parametrize(
    ("kind", "undefined", "told"),
    [
        ("odds_ratio", 0, True),
        ("odds_ratio", 1, False),
        ("f1", 5, True),
        ("f1", 6, False),
        ("lift", 98, True),
        ("lift", 100, False),
    ],
)
def test_undefined_resamples_are_left_out_or_make_the_interval_so(
    kind: Kind, undefined: int, told: bool
) -> None:
    samples = np.arange(100.0)
    samples[:undefined] = np.nan
    found = resampled(50.0, 40, samples, kind)
    if told:
        assert found.interval == pytest.approx(
            tuple(np.quantile(samples[undefined:], [0.025, 0.975]))
        )
    else:
        assert found.interval is None
        assert f"in {undefined} of 100 resamples" in found.why_not
    assert found.value == 50.0


def test_no_spread_but_that_of_rounding_is_no_interval() -> None:
    samples = np.full(50, 0.1) + np.linspace(0, 1e-12, 50)
    found = resampled(0.1, 40, samples, "macs_ratio")
    assert (found.value, found.interval) == (0.1, None)
    assert "no spread" in found.why_not


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
@pytest.mark.parametrize("n", [FEWEST["mean"], 60, 300])
def test_interval_of_the_mean_covers(n: int) -> None:
    rng = np.random.default_rng(5)
    runs = 2000
    hits = 0
    for _ in range(runs):
        low, high = document_mean(rng.beta(2, 3, n), Bootstrap(rng, 1000)).interval or (1.0, 0.0)
        hits += low <= 0.4 <= high
    assert 0.92 <= hits / runs <= 0.97  # .93 less two standard errors of the simulation
