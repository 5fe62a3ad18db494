from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from auditkit.stats.inclusion import inclusion_probability
from auditkit.stats.rates import (
    MIN_BOOTSTRAP_DOCUMENTS,
    HazardWords,
    benjamini_hochberg,
    lifts,
    mean_of_ratios,
    odds_ratios,
    ratio_difference,
    ratio_of_sums,
)
from auditkit.stats.resampling import multinomial_weights


def value_of(number: float | None) -> float:
    assert number is not None
    return number


def bounds_of(interval: tuple[float, float] | None) -> tuple[float, float]:
    assert interval is not None
    return interval


# --- ratios of document sums


def test_ratio_and_standard_error_by_hand() -> None:
    kept = np.array([1.0, 0, 3, 2, 0, 1, 9])
    words = np.array([2.0, 1, 4, 2, 3, 5, 0])  # the last document has none of the category
    estimate = ratio_of_sums(kept, words)
    rate = (1 + 0 + 3 + 2 + 0 + 1) / (2 + 1 + 4 + 2 + 3 + 5)
    squares = 0.0
    for k, n in list(zip(kept, words, strict=True))[:6]:
        squares += (k - rate * n) ** 2
    error = np.sqrt(6 / 5 * squares) / 17
    assert estimate.value == pytest.approx(rate)
    assert estimate.n == 6
    half = student.ppf(0.975, 5) * error
    assert bounds_of(estimate.interval) == pytest.approx((rate - half, rate + half))


def test_macro_is_the_mean_of_the_documents_rates() -> None:
    kept, words = np.array([1.0, 0, 3, 2, 0, 1]), np.array([2.0, 1, 4, 2, 0, 5])
    by_hand = np.mean([0.5, 0.0, 0.75, 1.0, 0.2])
    estimate = mean_of_ratios(kept, words)
    assert estimate.value == pytest.approx(by_hand)
    error = np.std([0.5, 0.0, 0.75, 1.0, 0.2], ddof=1) / np.sqrt(5)
    half = student.ppf(0.975, 4) * error
    assert bounds_of(estimate.interval) == pytest.approx((by_hand - half, by_hand + half))


def test_undefined_below_five_documents_with_the_reason() -> None:
    words = np.array([2.0, 1, 4, 2, 0, 0, 0])
    estimate = ratio_of_sums(words / 2, words)
    assert estimate.value is None
    assert estimate.interval is None
    assert "hold it: 4" in estimate.why_not
    assert "5" in estimate.why_not


def test_no_spread_is_no_interval() -> None:
    estimate = ratio_of_sums(np.zeros(10), np.ones(10))
    assert estimate.value == 0.0
    assert estimate.interval is None
    assert "no spread" in estimate.why_not


def test_interval_stays_within_bounds() -> None:
    kept, words = np.array([1.0, 1, 1, 1, 1, 0]), np.ones(6)
    assert bounds_of(ratio_of_sums(kept, words).interval)[1] > 1
    assert bounds_of(ratio_of_sums(kept, words, bounds=(0, 1)).interval)[1] == 1


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


# --- lift


def table(seed: int, documents: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    words = rng.poisson([3, 1], size=(documents, 2)).astype(float)
    expected = words * rng.uniform(0.3, 0.7, size=(documents, 1))
    kept = rng.binomial(words.astype(int), 0.5).astype(float)
    return kept, expected, words


def test_lift_by_hand_with_a_loop_over_resamples() -> None:
    kept, expected, words = table(0)
    estimate = lifts(kept, expected, words, np.random.default_rng(7), resamples=400)[1]
    weights = np.concatenate(list(multinomial_weights(60, 400, np.random.default_rng(7))))
    samples = []
    for w in weights:
        top = bottom = 0.0
        for d in range(60):
            top += w[d] * kept[d, 1]
            bottom += w[d] * expected[d, 1]
        samples.append(top / bottom)
    lift = kept[:, 1].sum() / expected[:, 1].sum()
    assert estimate.value == pytest.approx(lift)
    by_hand = (float(np.quantile(samples, 0.025)), float(np.quantile(samples, 0.975)))
    assert bounds_of(estimate.interval) == pytest.approx(by_hand)
    above, below = sum(s >= 1 for s in samples), sum(s <= 1 for s in samples)
    assert estimate.p == pytest.approx(min(1.0, 2 * (min(above, below) + 1) / 401))
    assert estimate.n == int((words[:, 1] > 0).sum())


def test_lift_of_what_chance_gives_exactly_is_not_significant() -> None:
    _, expected, words = table(1)
    for estimate in lifts(expected, expected, words, np.random.default_rng(0), 200):
        assert estimate.value == pytest.approx(1.0)
        assert estimate.p == 1.0
        assert estimate.interval is None


def test_planted_lifts_are_found_with_their_direction() -> None:
    _, expected, words = table(2, documents=400)
    rng = np.random.default_rng(0)
    up = rng.poisson(expected * [1.5, 0.5]).astype(float)
    high, low = lifts(up, expected, words, rng, 1000)
    assert bounds_of(high.interval)[0] > 1
    assert bounds_of(low.interval)[1] < 1
    assert value_of(high.p) < 0.01
    assert value_of(low.p) < 0.01


def test_lift_needs_documents_and_expectation() -> None:
    kept, expected, words = table(3, documents=MIN_BOOTSTRAP_DOCUMENTS - 1)
    few = lifts(kept, expected, words, np.random.default_rng(0), 100)[0]
    assert few.value is not None
    assert few.interval is None
    assert few.p is None
    assert "at least 30" in few.why_not
    none = lifts(kept, 0 * expected, words, np.random.default_rng(0), 100)[0]
    assert none.value is None
    assert "none either" in none.why_not
    rare = lifts(kept[:4], expected[:4], words[:4] + 1, np.random.default_rng(0), 100)[0]
    assert rare.value is None
    empty = np.empty((0, 2))
    assert [e.value for e in lifts(empty, empty, empty, np.random.default_rng(0))] == [None, None]


def null_table(rng: np.random.Generator, documents: int, words: int) -> tuple[np.ndarray, ...]:
    """Kept, expected, words (documents, 6) of a pruner that keeps pieces at random."""
    size = documents * words
    document = np.repeat(np.arange(documents), words)
    category = rng.choice(6, p=np.array([32, 16, 8, 4, 2, 1]) / 63, size=size)
    pieces = rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1], size=size)
    total = np.bincount(document, weights=pieces).astype(int)
    k = (total * rng.uniform(0.3, 0.7, documents)).astype(int)
    owner, word = np.repeat(document, pieces), np.repeat(np.arange(size), pieces)
    order = np.lexsort((rng.random(owner.size), owner))
    rank = np.arange(owner.size) - (np.cumsum(total) - total)[owner[order]]
    alive = np.zeros(size)
    alive[word[order][rank < k[owner[order]]]] = 1
    chance = inclusion_probability(total[document], k[document], pieces)
    cell = document * 6 + category
    return tuple(
        np.bincount(cell, weights=v, minlength=documents * 6).reshape(documents, 6)
        for v in (alive, chance, np.ones(size))
    )


def test_lift_coverage_under_chance() -> None:
    rng = np.random.default_rng(5)
    hits = tests = 0
    for _ in range(500):
        kept, expected, words = null_table(rng, 120, 8)
        for estimate in lifts(kept, expected, words, rng, 400)[:4]:
            low, high = bounds_of(estimate.interval)
            hits += low <= 1 <= high
            tests += 1
    assert 0.93 <= hits / tests <= 0.97


@pytest.mark.slow
def test_false_discovery_rate_under_a_null_pruner() -> None:
    rng, draws, false = np.random.default_rng(11), 4000, 0
    for _ in range(draws):
        kept, expected, words = null_table(rng, 300, 12)
        estimates = lifts(kept, expected, words, rng, 1000)
        adjusted = benjamini_hochberg([e.p for e in estimates])
        false += any(p is not None and p < 0.05 for p in adjusted)
    assert false / draws <= 0.06


@pytest.mark.slow
def test_power_for_a_lift_of_a_fifth() -> None:
    rng, draws, found = np.random.default_rng(12), 200, 0
    for _ in range(draws):
        words = np.full((1000, 1), 2.0)
        rate = np.clip(rng.normal(0.6, 0.2, (1000, 1)), 0, 1)  # lift 1.2 at q = .5, clustered
        kept = rng.binomial(2, rate).astype(float)
        estimate = lifts(kept, words * 0.5, words, rng, 1000)[0]
        found += value_of(estimate.p) < 0.05 and value_of(estimate.value) > 1
    assert found / draws >= 0.9


# --- odds ratio


def hazard_words(seed: int, documents: int = 40, layers: int = 3) -> HazardWords:
    rng = np.random.default_rng(seed)
    size = documents * 6
    category = rng.integers(-1, 2, size)
    depth = np.minimum(rng.geometric(0.35 + 0.1 * (category == 1), size) - 1, layers)
    return HazardWords(
        document=np.repeat(np.arange(documents), 6),
        stratum=rng.choice([3, 8, 11], size),
        category=category,
        depth=depth,
        documents=documents,
        categories=2,
        layers=layers,
    )


def odds_by_hand(words: HazardWords, category: int, weights: np.ndarray) -> float:
    up = down = 0.0
    for layer in range(1, words.layers + 1):
        for stratum in np.unique(words.stratum):
            cells = {(own, kept): 0.0 for own in (True, False) for kept in (True, False)}
            for i in range(words.depth.size):
                if words.stratum[i] == stratum and words.depth[i] >= layer - 1:
                    own = bool(words.category[i] == category)
                    cells[own, bool(words.depth[i] >= layer)] += weights[words.document[i]]
            n = sum(cells.values())
            if n:
                up += cells[True, True] * cells[False, False] / n
                down += cells[True, False] * cells[False, True] / n
    return up / down


def test_odds_ratio_and_interval_by_hand() -> None:
    words = hazard_words(0)
    estimates = odds_ratios(words, np.random.default_rng(3), resamples=60)
    weights = np.concatenate(list(multinomial_weights(40, 60, np.random.default_rng(3))))
    for category, estimate in enumerate(estimates):
        assert estimate.value == pytest.approx(odds_by_hand(words, category, np.ones(40)))
        samples = [odds_by_hand(words, category, w) for w in weights]
        by_hand = (float(np.quantile(samples, 0.025)), float(np.quantile(samples, 0.975)))
        assert bounds_of(estimate.interval) == pytest.approx(by_hand)
        holds = {d for d, c in zip(words.document, words.category, strict=True) if c == category}
        assert estimate.n == len(holds)


def test_odds_ratio_equals_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    words = hazard_words(4, documents=200)
    tables = []
    for layer in range(1, 4):
        for stratum in np.unique(words.stratum):
            risk = (words.stratum == stratum) & (words.depth >= layer - 1)
            own, kept = words.category[risk] == 0, words.depth[risk] >= layer
            tables.append(
                [
                    [(own & kept).sum(), (own & ~kept).sum()],
                    [(~own & kept).sum(), (~own & ~kept).sum()],
                ]
            )
    expected = StratifiedTable([np.array(t, dtype=float) for t in tables]).oddsratio_pooled
    estimate = odds_ratios(words, np.random.default_rng(0), resamples=10)[0]
    assert estimate.value == pytest.approx(expected)


def test_position_alone_gives_no_adjusted_odds() -> None:
    rng = np.random.default_rng(0)
    documents, size = 400, 4000
    adjusted: list[float] = []
    crude: list[float] = []
    for _ in range(20):
        position = rng.integers(0, 10, size)
        category = np.where(rng.random(size) < (position + 1) / 11, 0, -1)
        depth = rng.binomial(4, 0.2 + 0.06 * position)  # position decides, not category
        for strata, values in ((position, adjusted), (0 * position, crude)):
            words = HazardWords(
                document=np.repeat(np.arange(documents), 10),
                stratum=strata,
                category=category,
                depth=depth,
                documents=documents,
                categories=1,
                layers=4,
            )
            values.append(value_of(odds_ratios(words, rng, 1)[0].value))
    assert np.mean(adjusted) == pytest.approx(1.0, abs=0.03)
    assert min(crude) > 1.3


def test_odds_without_comparison_are_undefined() -> None:
    words = hazard_words(0)
    for depth in (0, 3):
        still = HazardWords(
            document=words.document,
            stratum=words.stratum,
            category=words.category,
            depth=np.full(words.depth.size, depth),
            documents=40,
            categories=2,
            layers=3,
        )
        estimate = odds_ratios(still, np.random.default_rng(0), 20)[0]
        assert estimate.value is None
        assert "compare" in estimate.why_not


@pytest.mark.slow
def test_odds_ratio_coverage_with_clustered_words() -> None:
    rng, hits, draws = np.random.default_rng(2), 0, 1000
    documents = 100
    for _ in range(draws):
        ease = rng.normal(0, 1, documents)  # shared by all words of a document
        document = np.repeat(np.arange(documents), 8)
        category = rng.integers(-1, 1, document.size)
        keep = 1 / (1 + np.exp(-(0.5 + ease[document])))
        words = HazardWords(
            document=document,
            stratum=np.digitize(ease, [-1, 0, 1])[document],
            category=category,
            depth=rng.binomial(1, keep),
            documents=documents,
            categories=1,
            layers=1,
        )
        low, high = bounds_of(odds_ratios(words, rng, 500)[0].interval)
        hits += low <= 1 <= high  # category and fate are independent given the document
    assert 0.93 <= hits / draws <= 0.97


# --- differences and multiplicity


def test_difference_by_hand() -> None:
    rng = np.random.default_rng(0)
    y, s, d = rng.random(50), rng.poisson(1.5, 50).astype(float), rng.poisson(1.5, 50).astype(float)
    estimate = ratio_difference((y * s, s), (y * d, d), np.random.default_rng(1), 300)
    assert estimate.value == pytest.approx((y * s).sum() / s.sum() - (y * d).sum() / d.sum())
    weights = np.concatenate(list(multinomial_weights(50, 300, np.random.default_rng(1))))
    samples = [
        (w * y * s).sum() / (w * s).sum() - (w * y * d).sum() / (w * d).sum() for w in weights
    ]
    by_hand = (float(np.quantile(samples, 0.025)), float(np.quantile(samples, 0.975)))
    assert bounds_of(estimate.interval) == pytest.approx(by_hand)
    nothing = np.zeros(50)
    assert ratio_difference((nothing, nothing), (y * d, d), rng).value is None


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
    kept, _, words = table(seed)
    order = rng.permutation(60)
    statistics: list[Callable[[np.ndarray, np.ndarray], float | None]] = [
        lambda k, n: ratio_of_sums(k[:, 0], n[:, 0]).value,
        lambda k, n: mean_of_ratios(k[:, 0], n[:, 0]).value,
    ]
    for statistic in statistics:
        assert statistic(kept[order], words[order]) == pytest.approx(statistic(kept, words))
    one, other = hazard_words(seed), hazard_words(seed)
    moved = HazardWords(
        document=rng.permutation(40)[other.document],
        stratum=other.stratum,
        category=other.category,
        depth=other.depth,
        documents=40,
        categories=2,
        layers=3,
    )
    for a, b in zip(odds_ratios(one, rng, 2), odds_ratios(moved, rng, 2), strict=True):
        assert a.value == pytest.approx(b.value)
