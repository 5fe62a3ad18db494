"""The slope of a change along what documents are ordered by, against least squares by hand."""

import numpy as np
import pytest
from scipy.stats import t as student_t

from auditkit.stats.trends import change_slope


def test_slope_and_interval_by_hand() -> None:
    rng = np.random.default_rng(0)
    along = rng.random(300)
    change = np.where(rng.random(300) < 0.4 * (1 - along), -1.0, 0.0)
    found = change_slope(change, along)
    slope, start = np.polyfit(along, change, 1)
    assert found.value == pytest.approx(slope)
    off = along - along.mean()
    parts = off * (change - start - slope * along) / (off @ off)
    squares = sum(part**2 for part in parts)
    error = (300 / 299 * squares) ** 0.5
    beyond = 300 * sum(part**4 for part in parts) / squares**2 - 1
    df = min(299.0, 2 * 300 / beyond)
    half = student_t.ppf(0.975, df) * error
    assert found.interval == pytest.approx((slope - half, slope + half))
    assert found.p == pytest.approx(2 * student_t.sf(abs(slope) / error, df))


@pytest.mark.parametrize(
    ("change", "along", "expected"),
    [
        (np.zeros(0), np.zeros(0), "no documents"),
        (np.ones(200), np.ones(200), "all documents have the same one"),
        (np.ones(99), np.arange(99.0), "too few documents (99, and at least 100 are needed)"),
        (np.arange(200) < 9, np.arange(200.0), "too few documents (9, and at least 10 are needed) "
                                               "that change"),
    ],
)  # fmt: skip
def test_no_interval_and_why(change: np.ndarray, along: np.ndarray, expected: str) -> None:
    found = change_slope(change.astype(float), along)
    assert found.interval is None
    assert found.why_not.startswith(expected)
    assert (found.value is None) == (len(set(along.tolist())) < 2)
