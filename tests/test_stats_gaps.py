"""Excess gaps by hand, their simultaneous intervals, and claims on groups that are alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from auditkit.stats.gaps import EVERYONE, Harm, excess_gaps, needed
from auditkit.stats.paired import tango_interval
from auditkit.stats.resampling import Bootstrap


def drawn(
    rng: np.random.Generator,
    n: int,
    sizes: tuple[float, ...],
    made: float,
    mended: float,
    planted: float = 0.0,
) -> list[Harm]:
    """Documents of which shares are turned, in groups that overlap; the first is harmed more."""
    groups = [rng.random(n) < size for size in sizes]
    change = rng.choice([1, -1, 0], n, p=[made, mended, 1 - made - mended])
    change[groups[0] & (rng.random(n) < planted)] = 1
    return [Harm(change, np.ones(n, dtype=bool), group) for group in groups]


def bootstrap(seed: int = 0, resamples: int = 400) -> Bootstrap:
    return Bootstrap(np.random.default_rng(seed), resamples)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_values_by_hand_and_an_excess_is_the_share_outside_of_what_is_beyond_the_rest(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(40, 300))
    over = rng.random(n) < 0.7
    for harm in drawn(rng, n, (0.2, 0.5), 0.1, 0.05):
        asked = Harm(harm.change, over, harm.group)
        (found,) = excess_gaps([asked], bootstrap(seed, 100))
        inside, outside = harm.change[over & harm.group], harm.change[over & ~harm.group]
        assert found.documents == len(inside)
        assert (found.made, found.mended) == ((inside == 1).sum(), (inside == -1).sum())
        assert found.change.value == pytest.approx(inside.mean())
        assert found.excess.value == pytest.approx(inside.mean() - harm.change[over].mean())
        assert found.beyond_rest.value == pytest.approx(inside.mean() - outside.mean())
        share = len(outside) / (len(outside) + len(inside))
        assert found.excess.interval == pytest.approx(
            [share * bound for bound in found.beyond_rest.interval or ()]
        )


def test_few_turned_documents_are_compared_by_the_two_intervals() -> None:
    rng = np.random.default_rng(1)
    asked = drawn(rng, 120, (0.3, 0.4), 0.05, 0.03)
    found = excess_gaps(asked, bootstrap(), 0.05)
    for harm, gap in zip(asked, found, strict=True):
        parts = [harm.change[harm.group], harm.change[~harm.group]]
        (one, low, high), (rest, under, over) = (
            (part.mean(), *tango_interval((part == -1).sum(), (part == 1).sum(), len(part), 0.975))
            for part in parts
        )
        assert gap.beyond_rest.interval == pytest.approx(
            (one - rest - np.hypot(one - low, over - rest),
             one - rest + np.hypot(high - one, rest - under))
        )  # fmt: skip
        assert gap.beyond_rest.level == gap.excess.level == 0.95


def test_a_group_of_all_documents_has_no_excess() -> None:
    change, everyone = np.array([1, 0, -1, 0] * 10), np.ones(40, dtype=bool)
    (gap,) = excess_gaps([Harm(change, everyone, everyone)], bootstrap())
    assert gap.excess.why_not == EVERYONE
    assert gap.change.value == 0
    assert excess_gaps([], bootstrap()) == []


def test_nothing_turned_gives_an_interval_that_is_no_point() -> None:
    group = np.arange(100) < 40
    harm = Harm(np.zeros(100, dtype=np.int64), np.ones(100, dtype=bool), group)
    (gap,) = excess_gaps([harm], bootstrap())
    assert gap.excess.value == 0
    assert gap.excess.interval is not None
    assert gap.excess.interval[0] < -0.01
    assert gap.excess.interval[1] > 0.01
    assert needed(gap, 1, 0.02) is None


def test_how_many_documents_it_takes() -> None:
    change = np.repeat([1, -1, 0], [4, 4, 92])
    (gap,) = excess_gaps(
        [Harm(change, np.ones(100, dtype=bool), np.arange(100) % 2 == 0)], bootstrap()
    )
    z = norm.ppf(1 - 0.05 / 12)
    turned = (gap.made + gap.mended) / gap.documents
    assert needed(gap, 6, 0.02) == int(np.ceil(turned * (z / 0.02) ** 2))


@pytest.mark.parametrize("n", [150, 900])  # by the two intervals, and by the bootstrap
def test_groups_that_are_alike_are_hardly_ever_claimed_and_a_planted_one_is(n: int) -> None:
    rng, draws = np.random.default_rng(2), 150
    sizes = (0.15, 0.2, 0.3, 0.5)
    wrong = found = 0
    for number in range(draws):
        alike = excess_gaps(drawn(rng, n, sizes, 0.06, 0.04), bootstrap(number, 200))
        assert all(gap.excess.interval is not None for gap in alike)
        wrong += any(
            not gap.excess.interval[0] <= 0 <= gap.excess.interval[1]
            for gap in alike
            if gap.excess.interval
        )
        if number < 40:
            asked = drawn(rng, n, sizes, 0.06, 0.04, planted=0.3)
            interval = excess_gaps(asked, bootstrap(number, 200))[0].excess.interval
            assert interval is not None
            found += interval[0] > 0
    assert wrong <= 0.1 * draws  # 4,000 draws: docs/coverage.md
    assert found >= (36 if n == 900 else 4)


def test_groups_without_spread_in_many_resamples_are_compared_by_the_two_intervals() -> None:
    change = np.zeros(60, dtype=np.int64)
    change[:12] = 1  # all of the group, and nobody else
    group = np.arange(60) < 12
    (gap,) = excess_gaps([Harm(change, np.ones(60, dtype=bool), group)], bootstrap())
    assert gap.excess.interval is not None
    assert np.isfinite(gap.excess.interval).all()
    assert gap.excess.interval[0] > 0
