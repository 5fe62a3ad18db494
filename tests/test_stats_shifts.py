"""Percentiles by order statistics, asymmetry, divergences, odds ratios: by hand and by coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr
from scipy.stats import fisher_exact

from auditkit.stats.enrichment import ALL_OR_NONE, Counts, enriched, odds
from auditkit.stats.resampling import Bootstrap
from auditkit.stats.shifts import (
    FEWEST,
    asymmetries,
    divergences,
    mean_divergence,
    percentile,
    times_as_often,
)


@pytest.mark.parametrize(("at", "n"), [(1, 368), (5, 72), (25, 13), (50, 6), (75, 13), (99, 368)])
def test_an_interval_of_a_percentile_takes_as_many_documents_as_it_needs(at: int, n: int) -> None:
    rng = np.random.default_rng(0)
    assert percentile(rng.normal(size=n), at).interval is not None
    assert percentile(rng.normal(size=n - 1), at).interval is None
    assert FEWEST[round(min(at, 100 - at) / 100, 2)] == n


@pytest.mark.parametrize(("at", "n"), [(1, 400), (5, 100), (50, 30), (75, 60)])
def test_percentiles_cover_whatever_the_values(at: int, n: int) -> None:
    seed, rng = 1, np.random.default_rng(1)
    truth, hits = -np.log(1 - at / 100), 0
    for _ in range(400):
        found = percentile(rng.exponential(size=n), at).interval
        assert found is not None
        hits += found[0] <= truth <= found[1]
    assert hits >= 370, f"seed {seed}"  # exact: at least .95


def test_two_seeds_have_no_asymmetry_and_damage_has() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.1, 500)
    other = rng.normal(0, 0.1, 500)
    harmed = other.copy()
    harmed[:60] -= 0.8
    alike, floor, apart = asymmetries([noise, other], Bootstrap(np.random.default_rng(0), 300))
    for side in (alike, floor, apart):
        low, high = side[0.05].interval or (1, 1)
        assert low <= 0 <= high
    *_, beyond = asymmetries([harmed, noise], Bootstrap(np.random.default_rng(0), 300))
    by_hand = np.quantile(harmed, [0.05, 0.95]).sum() - np.quantile(noise, [0.05, 0.95]).sum()
    assert beyond[0.05].value == pytest.approx(by_hand)
    assert beyond[0.05].interval is not None
    assert beyond[0.05].interval[1] < 0
    (few,) = asymmetries([noise[:40]], Bootstrap(np.random.default_rng(0), 100))
    assert "too few documents (40" in few[0.05].why_not
    (none,) = asymmetries([np.zeros(500)], Bootstrap(np.random.default_rng(0), 100))
    assert none[0.25].interval is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_divergences_are_scipys_and_one_that_is_infinite_is_counted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.dirichlet(np.ones(3), 20), rng.dirichlet(np.ones(3), 20)
    assert divergences(one, other) == pytest.approx(rel_entr(one, other).sum(1))
    other[0] = [0.0, 0.5, 0.5]
    mean, missing = mean_divergence(divergences(one, other))
    assert missing == 1
    assert mean.value == pytest.approx(rel_entr(one, other).sum(1)[1:].mean())
    assert mean_divergence(np.array([np.inf]))[0].why_not == "no document has one"


def test_times_as_often_by_hand() -> None:
    rng = np.random.default_rng(3)
    hits, others = rng.random(600) < 0.12, rng.random(600) < 0.06
    found = times_as_often(hits, others)
    assert found.value == pytest.approx(hits.sum() / others.sum())
    assert found.interval is not None
    assert found.value is not None
    assert found.interval[0] < found.value < found.interval[1]
    assert times_as_often(hits, np.zeros(600, bool)).why_not == "the other never happens"
    few = np.arange(600) < 5
    assert "of either kind" in times_as_often(hits, few).why_not


def test_times_as_often_covers() -> None:
    seed, rng, hits = 4, np.random.default_rng(4), 0
    for _ in range(400):
        hard = rng.random(400)
        one, other = hard + rng.normal(0, 0.2, 400) > 1.0, hard + rng.normal(0, 0.2, 400) > 1.0
        interval = times_as_often(one, other).interval
        assert interval is not None
        hits += interval[0] <= 1 <= interval[1]
    assert 365 <= hits <= 396, f"seed {seed}"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=4, max_size=4))
def test_odds_agree_with_their_p(cells: list[int]) -> None:
    counts = Counts(*cells)
    found = odds(counts)
    if min(cells) == 0:
        return
    assert found.value is not None
    assert found.p is not None
    low, high = found.interval or (0, 0)
    assert (not low <= 1 <= high) == (found.p < 0.05)
    table = np.array([cells[:2], cells[2:]])
    tails = [fisher_exact(table, alternative=side)[1] for side in ("less", "greater")]
    assert found.p == pytest.approx(min(1.0, 2 * min(tails)))


def test_odds_that_cannot_be_told() -> None:
    assert odds(Counts(0, 0, 3, 4)).why_not == ALL_OR_NONE
    assert odds(Counts(0, 5, 0, 4)).why_not == ALL_OR_NONE
    whole = odds(Counts(5, 0, 2, 9))
    assert whole.value == pytest.approx(5.5 * 9.5 / (0.5 * 2.5))
    assert whole.interval is not None
    assert np.isfinite(whole.interval).all()
    none = odds(Counts(0, 40, 30, 900))
    assert none.value == 0
    assert none.interval is not None
    assert none.interval[0] == 0


def test_groups_are_called_together() -> None:
    rng = np.random.default_rng(5)
    hit = rng.random(800) < 0.1
    groups = [rng.random(800) < 0.2 for _ in range(9)]
    groups.append(hit & (rng.random(800) < 0.6) | (rng.random(800) < 0.05))
    found = enriched([Counts.of(hit, group) for group in groups])
    assert [one.p_adjusted is not None and one.p_adjusted < 0.05 for one in found] == (
        [False] * 9 + [True]
    )
    assert found[-1].level == pytest.approx(1 - 0.05 / 10)
