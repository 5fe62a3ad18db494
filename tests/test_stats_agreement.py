from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from auditkit.plugin import direction
from auditkit.stats.agreement import (
    FEWEST_PIECES,
    as_depth,
    corrected_precision,
    kendall_tau,
    layer_auroc,
    partial_spearman,
)
from auditkit.stats.estimates import document_mean

LAYERS = 4
Depths = NDArray[np.int64]
Sizes = NDArray[np.float64]


def document(seed: int, n: int = 25) -> tuple[Depths, Sizes, Sizes]:
    rng = np.random.default_rng(seed)
    depth = rng.integers(0, LAYERS + 1, n)
    size = rng.integers(0, 40, n) + 4.0 * depth  # whole numbers: ties are exact
    return depth, size, np.arange(1.0, n + 1)


@pytest.mark.parametrize("seed", range(5))
def test_tau_counts_pairs(seed: int) -> None:
    depth, size, _ = document(seed)
    concordance = depth_pairs = size_pairs = 0
    for i in range(len(depth)):
        for j in range(i):
            a, b = np.sign(depth[i] - depth[j]), np.sign(size[i] - size[j])
            concordance += a * b
            depth_pairs += a != 0
            size_pairs += b != 0
    expected = concordance / (depth_pairs * size_pairs) ** 0.5
    assert kendall_tau(depth, size).value == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_auroc_is_the_mean_over_layers_that_split(seed: int) -> None:
    depth, size, _ = document(seed)
    depth = np.maximum(depth, 2)  # layers 1 and 2 keep everything
    areas = [roc_auc_score(depth >= layer, size) for layer in (3, 4)]
    assert layer_auroc(depth, size, LAYERS).value == pytest.approx(np.mean(areas))


@pytest.mark.parametrize("seed", range(5))
def test_precision_by_hand(seed: int) -> None:
    depth, _, _ = document(seed)
    size = np.random.default_rng(seed).random(len(depth))
    kept = set(np.flatnonzero(depth == LAYERS))
    best = set(np.argsort(size)[::-1][: len(kept)])
    chance = len(kept) / len(depth)
    expected = (len(kept & best) / len(kept) - chance) / (1 - chance)
    assert corrected_precision(depth, size, LAYERS).value == pytest.approx(expected)


def test_precision_takes_the_mean_over_the_orders_of_ties() -> None:
    depth, size = np.array([4, 0, 4, 1, 0]), np.array([3.0, 2.0, 2.0, 2.0, 0.0])
    found = []
    for order in permutations((1, 2, 3)):
        best = {0, order[0]}
        found.append(len(best & {0, 2}) / 2)
    expected = (np.mean(found) - 0.4) / 0.6
    assert corrected_precision(depth, size, LAYERS).value == pytest.approx(expected)


@pytest.mark.slow
def test_chance_is_zero_and_a_half() -> None:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(2000):
        depth, size = rng.integers(0, 5, 20), rng.random(20)
        position = np.arange(20.0)
        found.append(
            [
                kendall_tau(depth, size).value,
                layer_auroc(depth, size, LAYERS).value,
                corrected_precision(depth, size, LAYERS).value,
                partial_spearman(depth, size, position).value,
            ]
        )
    values = np.array(found, dtype=np.float64)  # a document without a value is NaN
    assert np.nanmean(values, axis=0) == pytest.approx([0.0, 0.5, 0.0, 0.0], abs=0.025)


def shared_trend(
    rng: np.random.Generator, shape: str, *, ends: bool
) -> tuple[Depths, Sizes, Sizes]:
    """A document in which position alone moves both depth and size, the rest is chance."""
    n = int(rng.integers(15, 50))
    x = np.linspace(-0.5, 0.5, n)
    trend = {"flat": 0 * x, "line": x, "U": 4 * x**2 - 0.5}[shape]
    trend[[0, -1]] += 2.0 * ends
    depth = np.clip(np.floor(2 + 2 * (trend + rng.normal(0, 0.5, n))), 0, LAYERS).astype(np.int64)
    return depth, np.exp(trend + rng.normal(0, 0.5, n)), np.arange(float(n))


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "ends"), [("flat", True), ("line", False), ("U", True)])
def test_a_shared_trend_along_the_text_is_no_agreement(shape: str, ends: bool) -> None:
    """At 200 documents the interval leaves out 0 about as often as it may, not always as for τ."""
    seed, draws, documents = 5, 25, 200
    rng = np.random.default_rng(seed)
    means, claims, taus = [], 0, []
    for _ in range(draws):
        told = [shared_trend(rng, shape, ends=ends) for _ in range(documents)]
        scores = [partial_spearman(*one).value for one in told]
        mean = document_mean(np.array(scores, dtype=np.float64))
        assert mean.value is not None
        means.append(mean.value)
        claims += direction(mean) != 0
        taus.append(kendall_tau(*told[0][:2]).value)
    assert claims <= 5, f"{claims} of {draws} draws of seed {seed}"  # more: 1 in 800 at .05
    assert np.mean(means) == pytest.approx(0.0, abs=0.01), f"seed {seed}"
    assert np.mean(np.array(taus, dtype=np.float64)) > 0.05  # which would be claimed


@pytest.mark.parametrize("seed", range(3))
def test_partial_spearman_correlates_residuals_of_ranks(seed: int) -> None:
    """A token with a term of its own leaves no residual: the ends are in the ranks alone."""
    depth, size, position = document(seed)
    inner = position[1:-1]
    residuals = [
        ranks[1:-1] - np.polyval(np.polyfit(inner, ranks[1:-1], 2), inner)
        for ranks in (rankdata(depth), rankdata(size))
    ]
    expected = np.corrcoef(residuals)[0, 1]
    assert partial_spearman(depth, size, position).value == pytest.approx(expected)


@given(st.integers(0, 10_000))
def test_only_the_order_of_sizes_counts(seed: int) -> None:
    depth, size, position = document(seed)
    other = np.exp(size / 9)
    assert kendall_tau(depth, size) == kendall_tau(depth, other)
    assert layer_auroc(depth, size, LAYERS) == layer_auroc(depth, other, LAYERS)
    assert corrected_precision(depth, size, LAYERS) == corrected_precision(depth, other, LAYERS)
    assert partial_spearman(depth, size, position) == partial_spearman(depth, other, position)


@given(st.integers(0, 10_000))
def test_dealt_depths_keep_their_counts_and_agree_with_their_sizes(seed: int) -> None:
    depth, _, _ = document(seed)
    size = np.random.default_rng(seed).permutation(len(depth)).astype(np.float64)
    dealt = as_depth(size, depth)
    assert sorted(dealt) == sorted(depth)
    assert layer_auroc(dealt, size, LAYERS).value in (1.0, None)
    assert corrected_precision(dealt, size, LAYERS).value in (1.0, None)


def test_what_has_no_value_says_why() -> None:
    flat, varied = np.full(8, 4), np.arange(8.0)
    ladder, position = np.arange(8) % 5, np.arange(8.0)
    none = np.zeros(0, dtype=np.int64)
    cases = [
        (kendall_tau(flat, varied), "survival depth"),
        (kendall_tau(ladder, np.ones(8)), "attribution"),
        (kendall_tau(none, np.zeros(0)), "survival depth"),
        (layer_auroc(flat, varied, 4), "no layer"),
        (layer_auroc(none, np.zeros(0), 4), "no layer"),
        (corrected_precision(flat, varied, 4), "all tokens or none"),
        (corrected_precision(np.zeros(8, dtype=np.int64), varied, 4), "all tokens or none"),
        (partial_spearman(flat, varied, position), "survival depth"),
        (partial_spearman(ladder[:7], varied[:7], position[:7]), f"fewer than {FEWEST_PIECES}"),
        (partial_spearman(np.arange(8), varied[::-1], position), "position explains"),
    ]
    for score, reason in cases:
        assert score.value is None
        assert reason in score.why_not
