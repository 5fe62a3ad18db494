"""Split-conformal sets by hand, what they promise, and how often their intervals hold it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.stats.calibration import accuracy_at
from auditkit.stats.conformal import conformal, halves, threshold
from auditkit.stats.resampling import Bootstrap


def drawn(rng: np.random.Generator, n: int, sharp: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Gold classes, and probabilities of a model that ranks them so well."""
    labels = rng.integers(0, 4, n)
    logits = rng.normal(size=(n, 4))
    logits[np.arange(n), labels] += sharp
    probs = np.exp(logits)
    return labels, probs / probs.sum(axis=1, keepdims=True)


def everyone(n: int) -> np.ndarray:
    return np.ones(n, dtype=bool)


@pytest.mark.parametrize(("m", "rank"), [(9, 9), (19, 18), (99, 90), (100, 91)])
def test_the_threshold_is_the_score_of_that_rank(m: int, rank: int) -> None:
    scores = np.random.default_rng(0).random(m)
    assert threshold(scores, 0.9) == np.sort(scores)[rank - 1]


def test_so_few_scores_promise_nothing() -> None:
    assert threshold(np.random.default_rng(0).random(8), 0.9) == math.inf
    assert threshold(np.random.default_rng(0).random(98), 0.99) == math.inf
    assert threshold(np.random.default_rng(0).random(99), 0.99) < 1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_sets_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, probs = drawn(rng, 90)
    first = halves([f"d{i}" for i in range(90)], labels)
    group = rng.random(90) < 0.6
    (found,) = conformal({"a": probs}, labels, first, 0.9, Bootstrap(rng, 5), [group])
    held, sizes = [], []
    for row in np.flatnonzero(group):
        other = np.flatnonzero(first != first[row])
        scores = sorted(1 - probs[i, labels[i]] for i in other)
        cut = scores[math.ceil((len(scores) + 1) * 0.9 - 1e-9) - 1]
        chosen = [c for c in range(4) if 1 - probs[row, c] <= cut + 1e-12]
        held.append(labels[row] in chosen)
        sizes.append(len(chosen))
    own = found["a"].own
    assert own["coverage"].value == pytest.approx(np.mean(held))
    assert own["size"].value == pytest.approx(np.mean(sizes))
    assert own["empty"].value == pytest.approx(np.mean([size == 0 for size in sizes]))


def test_what_is_promised_is_held_and_a_worse_model_needs_larger_sets() -> None:
    seed, held, larger = 1, [], 0
    rng = np.random.default_rng(seed)
    for _ in range(40):
        labels, probs = drawn(rng, 300)
        logits = np.log(probs) + rng.normal(0, 1.0, probs.shape)
        worse = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        first = halves([f"d{i}" for i in range(300)], labels)
        (found,) = conformal({"b": probs, "p": worse}, labels, first, 0.9, Bootstrap(rng, 60),
                             [everyone(300)])  # fmt: skip
        held.append(found["p"].own["coverage"].value)
        change = found["p"].change["size"].interval
        assert change is not None
        larger += change[0] > 0
    assert abs(np.mean([h for h in held if h is not None]) - 0.9) < 0.01, f"seed {seed}"
    assert larger >= 35, f"seed {seed}"


@pytest.mark.slow
def test_models_that_are_alike_are_hardly_ever_told_apart() -> None:
    seed, apart = 2, 0
    rng = np.random.default_rng(seed)
    for _ in range(80):
        labels, probs = drawn(rng, 200)
        one, other = (np.exp(np.log(probs) + rng.normal(0, 0.5, probs.shape)) for _ in range(2))
        first = halves([f"d{i}" for i in range(200)], labels)
        (found,) = conformal(
            {name: p / p.sum(axis=1, keepdims=True) for name, p in (("b", one), ("p", other))},
            labels, first, 0.9, Bootstrap(rng, 100), [everyone(200)],
        )  # fmt: skip
        low, high = found["p"].change["size"].interval or (0, 0)
        apart += not low <= 0 <= high
    assert apart <= 10, f"seed {seed}"


def test_halves_are_stratified_and_follow_from_the_ids() -> None:
    ids, labels = [f"d{i}" for i in range(101)], np.arange(101) % 3
    first = halves(ids, labels)
    assert (halves(ids[::-1], labels[::-1])[::-1] == first).all()
    for c in range(3):
        assert abs(first[labels == c].mean() - 0.5) < 0.05


def test_few_documents_and_groups_have_their_reason() -> None:
    labels, probs = drawn(np.random.default_rng(3), 50)
    first = halves([str(i) for i in range(50)], labels)
    (found,) = conformal({"a": probs}, labels, first, 0.9, Bootstrap(np.random.default_rng(0), 9),
                         [everyone(50)])  # fmt: skip
    assert "fewer than 30" in found["a"].own["size"].why_not
    labels, probs = drawn(np.random.default_rng(3), 80)
    first = halves([str(i) for i in range(80)], labels)
    (few,) = conformal({"a": probs}, labels, first, 0.9, Bootstrap(np.random.default_rng(0), 9),
                       [np.arange(80) < 12])  # fmt: skip
    assert "too few documents (12" in few["a"].own["size"].why_not


def test_the_surest_answers() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.7, 0.6])
    right = np.array([True, True, False, True, False])
    assert accuracy_at(confidence, right, [1.0, 0.4, 0.2]) == [(5, 3), (3, 2), (1, 1)]
