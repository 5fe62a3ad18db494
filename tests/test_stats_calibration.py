import math

import numpy as np
import pytest
from numpy.typing import NDArray

from auditkit.stats.calibration import (
    brier_scores,
    debiased_ece,
    probability_loyalty,
)

Bools = NDArray[np.bool_]


def plain_ece(confidence: NDArray[np.float64], right: Bools, bins: int = 15) -> float:
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, bins)
    gaps = [len(p) * abs(float(confidence[p].mean() - right[p].mean())) for p in parts]
    return sum(gaps) / len(order)


def test_ece_of_a_calibrated_model_is_nearer_to_zero_than_the_plain_one() -> None:
    rng = np.random.default_rng(2)
    found, plain = [], []
    for _ in range(100):
        confidence = rng.uniform(0.5, 1.0, 600)
        right = rng.random(600) < confidence
        found.append(debiased_ece(confidence, right) or 0.0)
        plain.append(plain_ece(confidence, right))
    # E[2|g| - E|N(g, s)|] over E|g| with g ~ N(0, s) is 2 - √2
    assert np.mean(found) / np.mean(plain) == pytest.approx(2 - math.sqrt(2), abs=0.05)


def test_ece_finds_a_planted_miscalibration() -> None:
    rng = np.random.default_rng(4)
    found = []
    for _ in range(100):
        confidence = rng.uniform(0.6, 1.0, 1500)
        found.append(debiased_ece(confidence, rng.random(1500) < confidence - 0.1))
    assert np.mean([f for f in found if f is not None]) == pytest.approx(0.1, abs=0.004)


def test_ece_is_the_simulated_correction_of_kumar() -> None:
    rng = np.random.default_rng(6)
    confidence = rng.uniform(0.3, 1.0, 300)  # 15 bins of 20
    right = rng.random(300) < confidence - 0.08
    parts = np.array_split(np.argsort(confidence, kind="stable"), 15)
    gaps = np.array([confidence[p].mean() - right[p].mean() for p in parts])
    sds = np.array([math.sqrt(right[p].mean() * (1 - right[p].mean()) / 20) for p in parts])
    drawn = np.abs(gaps + sds * rng.standard_normal((200_000, 15))).mean()
    assert debiased_ece(confidence, right) == pytest.approx(
        2 * np.abs(gaps).mean() - drawn, abs=5e-4
    )


def test_ece_does_not_depend_on_the_order_of_the_documents() -> None:
    rng = np.random.default_rng(8)
    confidence = np.round(rng.uniform(0.5, 1.0, 200), 1)  # many ties
    right = rng.random(200) < 0.7
    order = rng.permutation(200)
    assert debiased_ece(confidence, right) == debiased_ece(confidence[order], right[order])


def test_ece_needs_a_document_a_bin() -> None:
    assert debiased_ece(np.full(14, 0.9), np.ones(14, dtype=bool)) is None
    assert debiased_ece(np.full(15, 0.75), np.ones(15, dtype=bool)) == pytest.approx(0.25)


def test_brier_score_by_hand() -> None:
    probs = np.array([[0.7, 0.2, 0.1], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    found = brier_scores(probs, np.array([0, 2, 0]))
    assert found == pytest.approx([0.3**2 + 0.2**2 + 0.1**2, 0.0, 2.0])


def test_probability_loyalty_by_hand() -> None:
    rng = np.random.default_rng(7)
    p, q = rng.dirichlet(np.ones(4), 20), rng.dirichlet(np.ones(4), 20)
    found = probability_loyalty(p, q)
    for row in range(20):
        divergence = 0.0
        for a, b in zip(p[row], q[row], strict=True):
            m = (a + b) / 2
            divergence += (a * math.log2(a / m) + b * math.log2(b / m)) / 2
        assert found[row] == pytest.approx(1 - math.sqrt(divergence))
    assert found == pytest.approx(probability_loyalty(q, p))


def test_probability_loyalty_goes_from_0_to_1() -> None:
    one, other = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert probability_loyalty(one, other) == pytest.approx([0.0])
    near = np.random.default_rng(0).dirichlet(np.ones(3), 500)
    assert probability_loyalty(near, near) == pytest.approx(np.ones(500))
    assert (probability_loyalty(near, near * (1 + 1e-9)) <= 1).all()
