import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import ProbeError
from auditkit.stats.resampling import Bootstrap, percentile_interval


def drawing(seed: int, resamples: int = 2000) -> Bootstrap:
    return Bootstrap(np.random.default_rng(seed), resamples)


@settings(deadline=None)
@given(n=st.integers(1, 50), resamples=st.integers(1, 600), seed=st.integers(0, 9))
def test_every_resample_has_as_many_documents_as_the_data(
    n: int, resamples: int, seed: int
) -> None:
    chunks = list(drawing(seed, resamples).weights(n))
    weights = np.concatenate(chunks)
    assert weights.shape == (resamples, n)
    assert (weights.sum(axis=1) == n).all()
    assert (weights >= 0).all()
    assert max(len(c) for c in chunks) <= 256


def test_chunks_stay_small_with_many_documents() -> None:
    first = next(drawing(0, 5).weights(3_000_000))
    assert first.shape == (1, 3_000_000)


def test_counts_are_multinomial() -> None:
    n = 20
    weights = np.concatenate(list(drawing(1, 20_000).weights(n)))
    assert weights.mean(axis=0) == pytest.approx(np.ones(n), abs=0.03)
    assert weights.var(axis=0) == pytest.approx(np.full(n, 1 - 1 / n), abs=0.05)
    covariance = np.cov(weights.T)
    off = covariance[~np.eye(n, dtype=bool)]
    assert off == pytest.approx(np.full(n * (n - 1), -1 / n), abs=0.04)


def test_sums_are_those_of_the_documents_drawn() -> None:
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    sums = drawing(5, 300).sums(values)
    weights = np.concatenate(list(drawing(5, 300).weights(3)))
    for row in range(300):
        by_hand = sum(weights[row, d] * values[d, 0] for d in range(3))
        assert sums[row, 0] == by_hand
        assert sums[row, 1] == 10 * by_hand  # columns of one row are one resample


def test_the_seed_decides() -> None:
    values = np.arange(12.0).reshape(6, 2)
    one, same, other = (drawing(s, 50).sums(values) for s in (3, 3, 4))
    assert (one == same).all()
    assert (one != other).any()


def test_spread_of_the_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=(400, 1))
    means = drawing(1, 4000).sums(values)[:, 0] / 400
    assert means.std() == pytest.approx(values.std() / 20, rel=0.05)


def test_percentile_interval_by_hand() -> None:
    samples = np.random.default_rng(0).permutation(np.arange(1001.0))
    assert percentile_interval(samples) == pytest.approx((25.0, 975.0))
    assert percentile_interval(samples, level=0.5) == pytest.approx((250.0, 750.0))


@pytest.mark.parametrize("bad", [[], [1.0, np.nan], [1.0, np.inf]])
def test_percentile_interval_refuses_what_is_not_a_number(bad: list[float]) -> None:
    with pytest.raises(ProbeError, match="all finite"):
        percentile_interval(np.array(bad))


def test_no_documents_is_an_error() -> None:
    with pytest.raises(ProbeError, match="at least 1"):
        drawing(0).sums(np.empty((0, 2)))
