from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.stats.inclusion import (
    drop_probability,
    exact_z,
    inclusion_probability,
    kept_count_variance,
    pairwise_inclusion,
)


def enumerate_kept(total: int, kept: int, words: list[int]) -> np.ndarray:
    """(C(total, kept), words): which words survive in every possible draw."""
    owner = np.repeat(np.arange(len(words)), words)
    rows = []
    for draw in combinations(range(total), kept):
        alive = {owner[p] for p in draw if p < owner.size}
        rows.append([w in alive for w in range(len(words))])
    return np.array(rows, dtype=float).reshape(-1, len(words))


@pytest.mark.parametrize("total", range(1, 9))
def test_inclusion_equals_enumeration(total: int) -> None:
    for kept in range(total + 1):
        for g in range(1, total + 1):
            draws = enumerate_kept(total, kept, [g])
            assert inclusion_probability(total, kept, g) == pytest.approx(draws.mean(), abs=1e-12)


def test_pairs_and_variance_equal_enumeration() -> None:
    words = [1, 2, 1, 3]
    for total in (7, 8):  # 8: one piece belongs to no word
        for kept in range(total + 1):
            draws = enumerate_kept(total, kept, words)
            for i, j in combinations(range(4), 2):
                pair = pairwise_inclusion(total, kept, words[i], words[j])
                assert pair == pytest.approx((draws[:, i] * draws[:, j]).mean(), abs=1e-12)
            n, k = np.full(4, total), np.full(4, kept)
            unit = np.array([0, 2, 0, 0])
            variance = kept_count_variance(unit, n, k, np.array(words), np.ones(4), 3)
            by_hand = [draws[:, unit == u].sum(axis=1).var() for u in range(3)]
            assert variance == pytest.approx(by_hand, abs=1e-12)


def test_rows_of_several_words_count_each() -> None:
    draws = enumerate_kept(8, 3, [1, 1, 1, 2, 2])
    unit, n, k = np.zeros(3, dtype=np.int64), np.full(3, 8), np.full(3, 3)
    pieces, words = np.array([1, 2, 1]), np.array([2, 2, 1])
    variance = kept_count_variance(unit, n, k, pieces, words, 1)
    assert variance == pytest.approx([draws.sum(axis=1).var()])


def test_units_of_many_documents_do_not_mix() -> None:
    rng = np.random.default_rng(0)
    unit, total, kept, pieces, by_hand = [], [], [], [], []
    for u in range(30):
        words = rng.integers(1, 4, size=rng.integers(1, 4)).tolist()
        n = sum(words) + int(rng.integers(0, 2))
        k = int(rng.integers(0, n + 1))
        by_hand.append(enumerate_kept(n, k, words).sum(axis=1).var())
        for g in words:
            unit.append(u)
            total.append(n)
            kept.append(k)
            pieces.append(g)
    order = rng.permutation(len(unit))
    u_, n_, k_, g_ = (np.array(a)[order] for a in (unit, total, kept, pieces))
    assert kept_count_variance(u_, n_, k_, g_, np.ones(u_.size), 30) == pytest.approx(
        by_hand, abs=1e-12
    )


@settings(deadline=None)
@given(total=st.integers(1, 600), share=st.floats(0, 1), words=st.integers(1, 40))
def test_one_piece_words_are_hypergeometric(total: int, share: float, words: int) -> None:
    words, kept = min(words, total), round(share * total)
    unit, n, k, g = (np.full(words, v) for v in (0, total, kept, 1))
    variance = kept_count_variance(unit, n, k, g, np.ones(words), 1)[0]
    p, correction = kept / total, (total - words) / max(total - 1, 1)
    assert variance == pytest.approx(words * p * (1 - p) * correction, abs=1e-7)


@settings(deadline=None)
@given(total=st.integers(1, 400), data=st.data())
def test_inclusion_laws(total: int, data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, total))
    g = data.draw(st.integers(1, total))
    p = float(inclusion_probability(total, kept, g))
    exact = 1 - comb(total - g, kept) / comb(total, kept)
    assert p == pytest.approx(exact, abs=1e-9)
    assert 0 <= p <= 1
    assert float(inclusion_probability(total, kept, 1)) == pytest.approx(kept / total)
    assert p >= float(inclusion_probability(total, max(kept - 1, 0), g)) - 1e-12


def test_edges_are_exact() -> None:
    assert inclusion_probability(5, 5, 1) == 1.0
    assert inclusion_probability(5, 0, 3) == 0.0
    assert inclusion_probability(5, 3, 3) == 1.0  # only two pieces can be dropped
    assert inclusion_probability(0, 0, 0) == 0.0
    assert drop_probability(1, 1, 1) == 0.0
    assert inclusion_probability([4, 4], [2, 4], [1, 1]).tolist() == pytest.approx([0.5, 1.0])
    one = np.array([1])
    for kept in (0, 1):
        assert kept_count_variance(np.array([0]), one, np.array([kept]), one, one, 1)[0] == 0.0


def test_no_words_no_variance() -> None:
    empty = np.zeros(0, dtype=np.int64)
    assert kept_count_variance(empty, empty, empty, empty, empty, 2).tolist() == [0.0, 0.0]


def test_kept_over_total_invents_a_lift_for_words_of_many_pieces() -> None:
    rng = np.random.default_rng(0)
    observed = naive = exact = 0.0
    for _ in range(1500):
        words = rng.choice([1, 2, 3], p=[0.4, 0.4, 0.2], size=10)  # the category: words of 2 and 3
        total = int(words.sum())
        kept = total // 2
        owner = np.repeat(np.arange(10), words)
        alive = np.zeros(10, dtype=bool)
        alive[owner[rng.permutation(total)[:kept]]] = True
        long = words > 1
        observed += alive[long].sum()
        naive += long.sum() * kept / total
        exact += inclusion_probability(total, kept, words[long]).sum()
    assert observed / naive > 1.25
    assert observed / exact == pytest.approx(1.0, abs=0.02)


@pytest.mark.slow
def test_exact_z_is_standard_normal_under_random_keeping() -> None:
    rng = np.random.default_rng(1)
    words = np.array([1, 2, 1, 1, 3, 2])
    total, documents = int(words.sum()), 60
    owner = np.repeat(np.arange(6), words)
    category = np.array([0, 1, 4])
    z = []
    for _ in range(800):
        kept = rng.integers(1, total, size=documents)
        observed = 0
        for k in kept:
            observed += np.isin(category, owner[rng.permutation(total)[:k]]).sum()
        n, k, g = np.repeat(total, 180), np.repeat(kept, 3), np.tile(words[category], documents)
        unit = np.repeat(np.arange(documents), 3)
        variance = kept_count_variance(unit, n, k, g, np.ones(unit.size), documents).sum()
        result = exact_z(
            float(observed), float(inclusion_probability(n, k, g).sum()), variance, documents
        )
        assert result.value is not None
        z.append(result.value)
    assert np.mean(z) == pytest.approx(0, abs=0.12)
    assert np.std(z) == pytest.approx(1, abs=0.08)


def test_exact_z_without_choice_is_undefined() -> None:
    assert exact_z(3.0, 3.0, 0.0, 9).value is None
    assert "no choice" in str(exact_z(3.0, 3.0, 0.0, 9).why_not)
