"""Areas under the ROC curve: scikit-learn's values, DeLong's variance by its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from auditkit.stats.auc import auc_change, ranked
from auditkit.stats.estimates import NO_SPREAD


def scored(rng: np.random.Generator, n: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    positive = np.arange(n) % 3 == 0
    return np.round(rng.normal(positive * apart, 1.0), 1), positive  # rounded: some are tied


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 2))
def test_areas_are_those_of_scikit_learn(seed: int, apart: float) -> None:
    rng = np.random.default_rng(seed)
    scores, positive = scored(rng, 90, apart)
    found = ranked(scores, positive)
    assert found.auc.value == pytest.approx(roc_auc_score(positive, scores))
    other = ranked(scored(rng, 90, 0.5)[0], positive)
    change = auc_change(found, other)
    assert found.auc.value is not None
    assert other.auc.value is not None
    assert change.value == pytest.approx(found.auc.value - other.auc.value)


def test_placements_by_definition() -> None:
    scores, positive = scored(np.random.default_rng(3), 60, 1.0)
    found = ranked(scores, positive)
    up, down = scores[positive], scores[~positive]
    wins = (up[:, None] > down[None, :]) + 0.5 * (up[:, None] == down[None, :])
    assert found.above == pytest.approx(wins.mean(1))
    assert found.below == pytest.approx(wins.mean(0))


def test_the_interval_of_a_change_covers() -> None:
    seed, hits = 4, 0
    rng = np.random.default_rng(seed)
    for _ in range(300):
        base, positive = scored(rng, 120, 1.0)
        change = auc_change(
            ranked(base + rng.normal(0, 0.5, 120), positive),
            ranked(base + rng.normal(0, 0.5, 120), positive),
        )
        assert change.interval is not None
        hits += change.interval[0] <= 0 <= change.interval[1]
    assert 0.91 <= hits / 300 <= 0.985, f"seed {seed}"


def test_a_perfect_order_has_no_interval() -> None:
    positive = np.arange(80) < 40
    found = ranked(positive.astype(float), positive)
    assert (found.auc.value, found.auc.interval, found.auc.why_not) == (1.0, None, NO_SPREAD)
    assert auc_change(found, found).why_not == NO_SPREAD
