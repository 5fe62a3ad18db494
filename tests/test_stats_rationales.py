"""Agreement with marked tokens and its exact expectation, against enumeration and scikit-learn."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from auditkit.stats.rationales import (
    above_chance,
    agreement,
    by_score,
    few_expected,
    ranking,
)

Ints = NDArray[np.int64]


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


@st.composite
def documents(draw: st.DrawFn) -> tuple[int, set[int], list[int]]:
    """Tokens, those that are marked, and a score of each."""
    n = draw(st.integers(2, 8))
    marked = draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=n - 1))
    return n, marked, draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))


@settings(max_examples=60, deadline=None)
@given(documents(), st.integers(1, 8))
def test_expectations_are_those_of_every_set_of_as_many_tokens(
    document: tuple[int, set[int], list[int]], size: int
) -> None:
    n, marked, _ = document
    k = min(size, n)
    sets = [set(one) for one in combinations(range(n), k)]
    found = agreement(ints(n), ints(k), ints(len(marked)), ints(len(marked & sets[-1])))
    f1 = [2 * len(one & marked) / (k + len(marked)) for one in sets]
    iou = [len(one & marked) / len(one | marked) for one in sets]
    assert found.f1[0] == pytest.approx(f1[-1])
    assert found.iou[0] == pytest.approx(iou[-1])
    assert found.f1_chance[0] == pytest.approx(np.mean(f1))
    assert found.iou_chance[0] == pytest.approx(np.mean(iou))


@settings(max_examples=60, deadline=None)
@given(documents())
def test_average_precision_is_scikit_learns_and_its_chance_that_of_every_marking(
    document: tuple[int, set[int], list[int]],
) -> None:
    n, marked, score = document
    own = np.isin(np.arange(n), list(marked))
    found = ranking(*by_score(np.array(score, dtype=np.int64), own))
    assert found.precision[0] == pytest.approx(average_precision_score(own, score))
    assert found.area[0] == pytest.approx(roc_auc_score(own, score))
    markings = [np.isin(np.arange(n), one) for one in combinations(range(n), len(marked))]
    every = [average_precision_score(one, score) for one in markings]
    assert found.chance[0] == pytest.approx(np.mean(every))


@pytest.mark.slow
def test_chance_lies_above_prevalence_and_ties_take_it_down() -> None:
    marked = np.arange(20) < 5
    plain = ranking(*by_score(np.arange(20), marked)).chance[0]
    tied = ranking(*by_score(np.arange(20) // 10, marked)).chance[0]
    assert 0.25 < tied < plain == pytest.approx(0.3525, abs=1e-3)
    rng = np.random.default_rng(0)
    drawn = [average_precision_score(rng.permutation(marked), np.arange(20)) for _ in range(1000)]
    assert np.mean(drawn) == pytest.approx(plain, abs=4 * np.std(drawn) / 1000**0.5)


def test_documents_are_told_apart() -> None:
    """Several at once are what each is alone, long ones too."""
    rng = np.random.default_rng(1)
    n = rng.integers(2, 512, 200)
    r, k = rng.integers(1, n), rng.integers(1, n + 1)
    hits = rng.hypergeometric(r, n - r, k)
    found = agreement(n, k, r, hits)
    for i in range(0, 200, 20):
        own = agreement(*(of[i : i + 1] for of in (n, k, r, hits)))
        assert [part[i] for part in found] == pytest.approx([part[0] for part in own])
    assert np.isfinite(found.iou_chance).all()
    drawn = rng.hypergeometric(r[0], n[0] - r[0], k[0], 40_000)
    assert found.iou_chance[0] == pytest.approx((drawn / (k[0] + r[0] - drawn)).mean(), abs=2e-3)
    assert all(len(part) == 0 for part in agreement(*(ints(),) * 4))


def test_too_few_expected_tokens_test_nothing() -> None:
    """Thirty documents of one marked token in twenty, of which one is kept: no hit says nothing."""
    n, k, r = np.arange(20, 50), np.full(30, 1), np.full(30, 1)
    why = few_expected(n, k, r)
    assert "too few tokens (0.9 marked or unmarked ones are expected" in why
    found = agreement(n, k, r, np.zeros(30, dtype=np.int64))
    assert above_chance(found.f1, found.f1_chance).p is not None  # a false claim
    told = above_chance(found.f1, found.f1_chance, why_not=why)
    assert (told.interval, told.p, told.why_not) == (None, None, why)
    assert few_expected(n, k + 9, r + 5) == ""


@pytest.mark.parametrize(("documents", "keep", "share"), [(30, 0.5, 0.1), (100, 0.1, 0.1)])
def test_random_sets_are_rarely_said_to_differ(documents: int, keep: float, share: float) -> None:
    rng, wrong, draws = np.random.default_rng(2), 0, 1000
    for _ in range(draws):
        n = rng.integers(6, 40, documents)
        r = np.maximum(1, np.round(share * n)).astype(np.int64)
        k = np.clip(rng.binomial(n, keep), 1, n - 1)
        found = agreement(n, k, r, rng.hypergeometric(r, n - r, k))
        told = above_chance(found.f1, found.f1_chance, why_not=few_expected(n, k, r))
        wrong += told.p is not None and told.p < 0.05
    assert wrong / draws < 0.06 + 2 * (0.06 * 0.94 / draws) ** 0.5
