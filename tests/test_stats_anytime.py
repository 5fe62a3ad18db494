"""Bets on a loss of accuracy: by hand, by law, and how often they err when looked at always."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from auditkit.errors import ProbeError
from auditkit.stats.anytime import STAKES, Bets, by_hash, wealth

SEED, ALPHA = 20261127, 0.05
CHANGES = st.lists(st.sampled_from([-1, 0, 0, 0, 1]), max_size=80)


def drawn(rng: np.random.Generator, games: int, n: int, delta: float, share: float) -> np.ndarray:
    """(games, n): +1, -1 and 0 with mean `delta`, of which `share` are not 0."""
    chances = [(share - delta) / 2, 1 - share, (share + delta) / 2]
    return rng.choice(np.array([-1, 0, 1]), size=(games, n), p=chances)


@given(changes=CHANGES, margin=st.floats(-0.3, 0.3))
def test_a_loop_by_hand_comes_to_the_same(changes: list[int], margin: float) -> None:
    passing, failing = [1.0] * len(STAKES), [1.0] * len(STAKES)
    outcome = "inconclusive"
    for x in changes:
        passing = [w * (1 + s * (x + margin)) for w, s in zip(passing, STAKES, strict=True)]
        failing = [w * (1 - s * (x + margin)) for w, s in zip(failing, STAKES, strict=True)]
        if sum(passing) / len(STAKES) >= 2 / ALPHA:
            outcome = "pass"
        elif sum(failing) / len(STAKES) >= 2 / ALPHA:
            outcome = "fail"
        if outcome != "inconclusive":
            break
    bets = Bets(margin).after(np.array(changes, dtype=np.int8), alpha=ALPHA)
    assert bets.outcome == outcome
    assert np.exp(bets.passing) == pytest.approx(passing)
    assert np.exp(bets.failing) == pytest.approx(failing)
    assert wealth(np.array(bets.passing)) == pytest.approx(sum(passing) / len(STAKES))


@given(changes=CHANGES, cut=st.integers(0, 80), margin=st.floats(-0.3, 0.3))
def test_wealth_is_carried_from_run_to_run(changes: list[int], cut: int, margin: float) -> None:
    every = np.array(changes, dtype=np.int8)
    whole = Bets(margin).after(every)
    parts = Bets(margin).after(every[:cut]).after(every[cut:])
    assert parts.outcome == whole.outcome
    assert parts.passing == pytest.approx(whole.passing)
    assert parts.failing == pytest.approx(whole.failing)


@pytest.mark.parametrize(("x", "outcome"), [(1, "pass"), (-1, "fail")])
def test_what_is_decided_stays_decided(x: int, outcome: str) -> None:
    decided = Bets(0.01).after(np.full(100, x))
    assert decided.outcome == outcome
    assert decided.after(np.full(5000, -x)) == decided


def test_both_sides_mirror_each_other() -> None:
    changes = drawn(np.random.default_rng(SEED), 1, 500, -0.02, 0.1)[0]
    bets, mirrored = Bets(0.03).after(changes), Bets(-0.03).after(-changes)
    assert bets.passing == pytest.approx(mirrored.failing)
    assert bets.failing == pytest.approx(mirrored.passing)


@pytest.mark.parametrize("margin", [1.0, -1.0, float("nan")])
def test_a_margin_that_could_cost_more_than_the_wealth_is_refused(margin: float) -> None:
    with pytest.raises(ProbeError, match="between -1 and 1"):
        Bets(margin)


@pytest.mark.slow
@pytest.mark.parametrize("margin", [0.0, 0.01, 0.02])
@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.2])
def test_looked_at_after_every_document_it_seldom_errs(margin: float, share: float) -> None:
    """Where the loss is just the margin, either answer is an error of a side at its limit."""
    games, n = 300, 4000
    rng = np.random.default_rng([SEED, round(100 * margin), round(100 * share)])
    every = drawn(rng, games, n, -margin, share)
    outcomes = [Bets(margin).after(game, alpha=ALPHA).outcome for game in every]
    most = int(binom.ppf(0.999, games, ALPHA / 2))
    said = f"seed {SEED}, margin {margin}, discordant {share}: {outcomes.count('pass')} passed, "
    said += f"{outcomes.count('fail')} failed of {games}; at most {most} each"
    assert max(outcomes.count("pass"), outcomes.count("fail")) <= most, said


def test_a_fixed_interval_looked_at_as_often_errs_more() -> None:
    """The same games decided by |z| > 1.96 at any of 40 looks: what betting is there for."""
    games, n, margin, share = 300, 4000, 0.01, 0.1
    every = drawn(np.random.default_rng(SEED), games, n, -margin, share)
    looks = np.arange(100, n + 1, 100)
    sums = np.cumsum(every, axis=1)[:, looks - 1]
    squares = np.cumsum(every**2, axis=1)[:, looks - 1]
    z = (sums + margin * looks) / np.sqrt(np.maximum(squares, 1))
    naive = (np.abs(z) > 1.96).any(axis=1).mean()
    betting = np.mean([Bets(margin).after(game).outcome != "inconclusive" for game in every])
    assert naive > 3 * ALPHA
    assert betting <= ALPHA


@pytest.mark.parametrize(("delta", "outcome"), [(0.0, "pass"), (-0.05, "fail")])
def test_it_decides_what_is_clear(delta: float, outcome: str) -> None:
    every = drawn(np.random.default_rng(SEED), 100, 4000, delta, 0.06)
    found: list[str] = [Bets(0.02).after(game).outcome for game in every]
    assert found.count(outcome) >= 90, f"seed {SEED}: {found.count(outcome)} of 100"


@given(st.lists(st.text(), unique=True, max_size=30), st.randoms(use_true_random=False))
def test_the_order_follows_from_the_ids_alone(ids: list[str], random: object) -> None:
    told = [ids[place] for place in by_hash(ids)]
    assert told == sorted(ids, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    shuffled = list(ids)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert [shuffled[place] for place in by_hash(shuffled)] == told
