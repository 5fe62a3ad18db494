import numpy as np
import pytest
from by_hand import degrees
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from auditkit.stats.multiplicity import benjamini_hochberg
from auditkit.stats.rates import ratio_difference, ratio_of_sums


def bounds_of(interval: tuple[float, float] | None) -> tuple[float, float]:
    assert interval is not None
    return interval


# --- ratios of document sums


def test_ratio_and_standard_error_by_hand() -> None:
    kept = np.array([0.0, 0, 9, 0, 0, 1, 9])
    words = np.array([2.0, 1, 9, 2, 3, 5, 0])  # the last document has none of the category
    estimate = ratio_of_sums(kept, words)
    rate = (0 + 0 + 9 + 0 + 0 + 1) / (2 + 1 + 9 + 2 + 3 + 5)
    squares = 0.0
    for k, n in list(zip(kept, words, strict=True))[:6]:
        squares += (k - rate * n) ** 2
    error = np.sqrt(6 / 5 * squares) / 22
    assert estimate.value == pytest.approx(rate)
    assert estimate.n == 6
    residuals = kept[:6] - rate * words[:6]
    half = student.ppf(0.975, degrees(residuals)) * error
    assert 1 < degrees(residuals) < 5
    assert bounds_of(estimate.interval) == pytest.approx((rate - half, rate + half))


def test_undefined_below_five_documents_with_the_reason() -> None:
    words = np.array([2.0, 1, 4, 2, 0, 0, 0])
    estimate = ratio_of_sums(words / 2, words)
    assert estimate.value is None
    assert estimate.interval is None
    assert "(4, and at least 5" in estimate.why_not


def test_no_spread_is_no_interval() -> None:
    estimate = ratio_of_sums(np.zeros(10), np.ones(10))
    assert estimate.value == 0.0
    assert estimate.interval is None
    assert "no spread" in estimate.why_not


def test_interval_stays_within_bounds() -> None:
    kept, words = np.array([1.0, 1, 1, 1, 1, 0]), np.ones(6)
    assert bounds_of(ratio_of_sums(kept, words).interval)[1] > 1
    low, high = bounds_of(ratio_of_sums(kept, words, bounds=(0, 1)).interval)
    assert 0 < low < 5 / 6 < high < 1
    plain = bounds_of(ratio_of_sums(kept, words).interval)
    half = (plain[1] - 5 / 6) / (5 / 6 * 1 / 6)  # on the scale of the logit
    assert np.log(high / (1 - high)) - np.log(low / (1 - low)) == pytest.approx(2 * half)


@pytest.mark.parametrize("documents", [5, 10, 40])
def test_ratio_coverage_with_clustered_words(documents: int) -> None:
    rng = np.random.default_rng(documents)
    hits, draws = 0, 3000
    for _ in range(draws):
        words = 1.0 + rng.poisson(2, documents)
        rate = rng.beta(3, 3, documents)  # words of one document share their fate
        kept = rng.binomial(words.astype(int), rate).astype(np.float64)
        hit = ratio_of_sums(kept, words.astype(np.float64))
        low, high = bounds_of(hit.interval) if hit.interval else (0.0, 0.0)
        hits += low <= 0.5 <= high
    assert 0.91 <= hits / draws <= 0.97
    assert documents < 10 or hits / draws >= 0.93


# --- differences and multiplicity


def test_difference_by_hand() -> None:
    rng = np.random.default_rng(0)
    y, s, d = rng.random(50), rng.poisson(1.5, 50).astype(float), rng.poisson(1.5, 50).astype(float)
    estimate = ratio_difference((y * s, s), (y * d, d))
    one, other = (y * s).sum() / s.sum(), (y * d).sum() / d.sum()
    assert estimate.value == pytest.approx(one - other)
    parts = [(y[i] - one) * s[i] / s.sum() - (y[i] - other) * d[i] / d.sum() for i in range(50)]
    m, n = ((s > 0) | (d > 0)).sum(), min((s > 0).sum(), (d > 0).sum())
    error = np.sqrt(m / (m - 1) * sum(part**2 for part in parts))
    half = student.ppf(0.975, n - 1) * error
    assert bounds_of(estimate.interval) == pytest.approx((one - other - half, one - other + half))
    nothing = np.zeros(50)
    assert ratio_difference((nothing, nothing), (y * d, d)).value is None


def test_a_side_that_is_all_right_has_no_certain_difference() -> None:
    # the bootstrap gave [0, 0] where both are, and covered .67 at 200 against 30 documents of .97
    ones, some = np.ones(60), np.where(np.arange(60) < 3, 0.0, 1.0)
    for one, other in ((ones, ones), (ones, some), (some, ones)):
        found = ratio_difference((one, np.ones(60)), (other, np.ones(60)))
        assert found.interval is None
        assert "no spread" in found.why_not


def test_benjamini_hochberg_by_hand() -> None:
    raw = [0.01, None, 0.04, 0.03, 0.2]
    assert benjamini_hochberg(raw) == pytest.approx([0.04, None, 0.04 * 4 / 3, 0.04 * 4 / 3, 0.2])
    assert benjamini_hochberg([]) == []
    assert benjamini_hochberg([None]) == [None]


# --- laws


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000))
def test_order_of_documents_changes_no_point_estimate(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = rng.poisson([3, 1], size=(60, 2)).astype(float)
    kept = rng.binomial(words.astype(int), 0.5).astype(float)
    order = rng.permutation(60)
    moved = ratio_of_sums(kept[order, 0], words[order, 0])
    stayed = ratio_of_sums(kept[:, 0], words[:, 0])
    assert moved.value == pytest.approx(stayed.value)
    assert moved.interval == pytest.approx(stayed.interval)
