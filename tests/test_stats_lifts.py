import numpy as np
import pytest

from auditkit.stats.estimates import FEWEST
from auditkit.stats.inclusion import inclusion_probability
from auditkit.stats.rates import (
    benjamini_hochberg,
    lifts,
)
from auditkit.stats.resampling import Bootstrap


def value_of(number: float | None) -> float:
    assert number is not None
    return number


def drawing(seed: int, resamples: int = 2000) -> Bootstrap:
    return Bootstrap(np.random.default_rng(seed), resamples)


def holders(words: np.ndarray) -> np.ndarray:
    """How many documents hold words of each category (C,)."""
    return np.array([sum(1 for n in column if n > 0) for column in words.T], dtype=np.int64)


def bounds_of(interval: tuple[float, float] | None) -> tuple[float, float]:
    assert interval is not None
    return interval


def table(seed: int, documents: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    words = rng.poisson([3, 1], size=(documents, 2)).astype(float)
    expected = words * rng.uniform(0.3, 0.7, size=(documents, 1))
    kept = rng.binomial(words.astype(int), 0.5).astype(float)
    return kept, expected, words


def test_lift_by_hand_with_a_loop_over_resamples() -> None:
    kept, expected, words = table(0)
    estimate = lifts(kept, expected, holders(words), drawing(7, 400))[1]
    weights = np.concatenate(list(drawing(7, 400).weights(60)))
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
    for estimate in lifts(expected, expected, holders(words), drawing(0, 200)):
        assert estimate.value == pytest.approx(1.0)
        assert estimate.p == 1.0
        assert estimate.interval is None


def test_planted_lifts_are_found_with_their_direction() -> None:
    _, expected, words = table(2, documents=400)
    rng = np.random.default_rng(0)
    up = rng.poisson(expected * [1.5, 0.5]).astype(float)
    high, low = lifts(up, expected, holders(words), Bootstrap(rng, 1000))
    assert bounds_of(high.interval)[0] > 1
    assert bounds_of(low.interval)[1] < 1
    assert value_of(high.p) < 0.01
    assert value_of(low.p) < 0.01


def test_lift_needs_documents_and_expectation() -> None:
    kept, expected, words = table(3, documents=FEWEST["lift"] - 1)
    few = lifts(kept, expected, holders(words), drawing(0, 100))[0]
    assert few.value is not None
    assert few.interval is None
    assert few.p is None
    assert "at least 30" in few.why_not
    none = lifts(kept, 0 * expected, holders(words), drawing(0, 100))[0]
    assert none.value is None
    assert "none either" in none.why_not
    rare = lifts(kept[:4], expected[:4], holders(words[:4] + 1), drawing(0, 100))[0]
    assert rare.value is None
    empty = np.empty((0, 2))
    assert [e.value for e in lifts(empty, empty, [0, 0], drawing(0))] == [None, None]


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
        for estimate in lifts(kept, expected, holders(words), Bootstrap(rng, 400))[:4]:
            low, high = bounds_of(estimate.interval)
            hits += low <= 1 <= high
            tests += 1
    assert 0.93 <= hits / tests <= 0.97


@pytest.mark.slow
def test_false_discovery_rate_under_a_null_pruner() -> None:
    rng, draws, false = np.random.default_rng(11), 4000, 0
    for _ in range(draws):
        kept, expected, words = null_table(rng, 300, 12)
        estimates = lifts(kept, expected, holders(words), Bootstrap(rng, 1000))
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
        estimate = lifts(kept, words * 0.5, holders(words), Bootstrap(rng, 1000))[0]
        found += value_of(estimate.p) < 0.05 and value_of(estimate.value) > 1
    assert found / draws >= 0.9
