import math
from itertools import product

import numpy as np
import pytest
from evalstats.core.resampling import tango_scc_paired_ci
from evalstats.tests import _mcnemar_p
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest, multinomial, norm

from auditkit.stats.estimates import FEWEST
from auditkit.stats.non_inferiority import documents_needed, non_inferiority
from auditkit.stats.paired import (
    Difference,
    accuracy_difference,
    mcnemar_exact,
    mcnemar_score,
    sign_flip,
    tango_interval,
)
from auditkit.stats.resampling import Bootstrap, percentile_interval, percentile_p

Bools = NDArray[np.bool_]


def answers(both: int, lost: int, gained: int, neither: int) -> tuple[Bools, Bools]:
    """Whether model and reference are right, for documents of each kind."""
    kinds = [(True, True)] * both + [(False, True)] * lost + [(True, False)] * gained
    table = np.array(kinds + [(False, False)] * neither)
    return table[:, 0], table[:, 1]


def test_difference_counts_what_a_loop_counts() -> None:
    rng = np.random.default_rng(0)
    right, reference = rng.random(300) < 0.8, rng.random(300) < 0.9
    found = accuracy_difference(right, reference, Bootstrap(rng))
    lost = sum(1 for a, b in zip(right, reference, strict=True) if b and not a)
    gained = sum(1 for a, b in zip(right, reference, strict=True) if a and not b)
    assert (found.lost, found.gained, found.n) == (lost, gained, 300)
    assert found.delta == pytest.approx(right.mean() - reference.mean())
    assert found.discordant == pytest.approx((lost + gained) / 300)
    assert found.method == "Tango"
    assert found.interval == tango_interval(lost, gained, 300)
    assert found.estimate().p == found.p == mcnemar_score(lost, gained)
    assert found.p_exact == mcnemar_exact(lost, gained)


@pytest.mark.parametrize(
    ("discordant", "method"),
    [(FEWEST["discordant"] - 1, "Tango"), (FEWEST["discordant"], "bootstrap")],
)
def test_few_discordant_documents_never_take_the_bootstrap(discordant: int, method: str) -> None:
    right, reference = answers(50, discordant, 0, 5)
    drawn = np.stack([reference, reference], axis=1)
    found = accuracy_difference(right, drawn, Bootstrap(np.random.default_rng(0)))
    assert found.method == method
    assert found.p_exact == pytest.approx(2 / 2**discordant, abs=0.005)  # all flipped one way


@given(lost=st.integers(0, 40), gained=st.integers(0, 40), same=st.integers(1, 60))
def test_p_score_and_interval_are_one_method(lost: int, gained: int, same: int) -> None:
    low, high = tango_interval(lost, gained, lost + gained + same)
    p = mcnemar_score(lost, gained)
    if abs(p - 0.05) > 1e-6:
        assert (p < 0.05) == (low > 0 or high < 0)


def test_four_gained_and_none_lost_is_no_gain_at_any_number_of_documents() -> None:
    # Tango's interval leaves out 0 here, and McNemar's exact p is .125
    for same in (6, 100, 7596):
        found = accuracy_difference(*answers(same, 0, 4, 0), Bootstrap(np.random.default_rng(0)))
        assert found.interval[0] > 0
        assert found.p < 0.05 < found.p_exact
        assert found.sign == 0
        verdict = non_inferiority(found, 0.01)
        assert (verdict.outcome, verdict.improved) == ("pass", False)


def test_five_of_sixty_lost_is_no_failure() -> None:
    # this was FAIL at an exact p of .0625
    found = accuracy_difference(*answers(55, 5, 0, 0), Bootstrap(np.random.default_rng(0)))
    assert found.interval[1] < -0.01
    assert found.p_exact == pytest.approx(0.0625)
    assert non_inferiority(found, 0.01).outcome == "inconclusive"


def test_signs_are_flipped_document_by_document() -> None:
    from scipy.stats import permutation_test

    change = np.random.default_rng(5).normal(0.2, 1, 40).round(1)
    ours = sign_flip(change, Bootstrap(np.random.default_rng(6), 4000))
    theirs = permutation_test(
        (change,), np.mean, permutation_type="samples", n_resamples=4000,
        rng=np.random.default_rng(7),
    ).pvalue  # fmt: skip
    assert ours == pytest.approx(theirs, abs=0.03)
    assert sign_flip(np.zeros(9), Bootstrap(np.random.default_rng(0), 50)) == 1.0


def test_no_discordant_document_is_not_a_sure_zero() -> None:
    found = accuracy_difference(*answers(30, 0, 0, 0), Bootstrap(np.random.default_rng(0)))
    assert (found.delta, found.p) == (0.0, 1.0)
    low, high = found.interval
    assert low < -0.1
    assert high > 0.1
    assert non_inferiority(found, 0.01).outcome == "inconclusive"


def test_draws_of_the_reference_are_averaged_by_document() -> None:
    rng = np.random.default_rng(3)
    right, draws = rng.random(200) < 0.9, rng.random((200, 3)) < 0.6
    found = accuracy_difference(right, draws, Bootstrap(rng))
    lost = gained = 0.0
    for own, others in zip(right, draws, strict=True):
        change = own - sum(others) / 3
        lost, gained = lost + max(-change, 0), gained + max(change, 0)
    assert found.delta == pytest.approx(right.mean() - draws.mean())
    assert (found.lost, found.gained) == pytest.approx((lost, gained))
    assert max(found.p, found.p_exact) < 0.05


@pytest.mark.parametrize("documents", [12, 40, 200])
@pytest.mark.parametrize("draws", [2, 3, 7])
def test_interval_and_p_beside_random_keeping_are_one_method(documents: int, draws: int) -> None:
    shown = {True: 0, False: 0}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        right = rng.random(documents) < 0.8
        reference = rng.random((documents, draws)) < rng.choice([0.5, 0.65, 0.8])
        found = accuracy_difference(right, reference, Bootstrap(rng, 200))
        low, high = found.interval
        assert (found.p < 0.05) == (low > 0 or high < 0), seed
        assert found.sign == (0 if low <= 0 <= high or found.p_exact >= 0.05 else np.sign(low))
        shown[found.p < 0.05] += 1
    assert min(shown.values()) > 0


@given(
    st.lists(st.integers(-3, 3), min_size=60, max_size=90),
    st.integers(-2, 2),
    st.floats(0.5, 0.97),
)
def test_a_percentile_interval_leaves_out_0_where_its_p_is_small(
    values: list[int], shift: int, level: float
) -> None:
    samples = np.array(values, dtype=np.float64) + shift
    low, high = percentile_interval(samples, level)
    p = percentile_p(samples)
    if abs(p - (1 - level)) > 1e-9:
        assert (p < 1 - level) == (low > 0 or high < 0)


def test_mcnemar_is_the_binomial_test() -> None:
    for lost, gained in product(range(13), repeat=2):
        expected = binomtest(lost, lost + gained, 0.5).pvalue if lost + gained else 1.0
        assert mcnemar_exact(lost, gained) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("lost", "gained", "n", "expected"),
    [
        # Fagerland, Lydersen, Laake, Statistical Analysis of Contingency Tables, chapter 8
        (16, 6, 161, (-0.1240, -0.0054)),  # Cavo et al. 2012
        (7, 1, 21, (-0.5172, -0.0260)),  # Bentur et al. 2009
    ],
)
def test_tango_as_published(lost: int, gained: int, n: int, expected: tuple[float, float]) -> None:
    assert tango_interval(lost, gained, n) == pytest.approx(expected, abs=6e-5)


def test_tango_without_discordance_has_a_closed_form() -> None:
    z2 = norm.ppf(0.975) ** 2
    assert tango_interval(0, 0, 30) == pytest.approx((-z2 / (30 + z2), z2 / (30 + z2)))


@pytest.mark.parametrize(("lost", "gained", "n"), [(3, 1, 25), (0, 4, 40), (5, 9, 30), (1, 0, 8)])
def test_tango_bounds_are_where_the_score_test_rejects(lost: int, gained: int, n: int) -> None:
    for delta in tango_interval(lost, gained, n):
        least = max(0.0, -delta)  # p_lost, and p_gained = p_lost + δ, are at least 0

        def loss(p: float, d: float = delta) -> float:
            parts = [(lost, p), (gained, p + d), (n - lost - gained, 1 - 2 * p - d)]
            return -sum(count * math.log(max(q, 1e-300)) for count, q in parts if count)

        p = minimize_scalar(
            loss, bounds=(least, (1 - delta) / 2), method="bounded", options={"xatol": 1e-12}
        ).x
        statistic = (gained - lost - n * delta) / math.sqrt(n * (2 * p + delta - delta**2))
        assert abs(statistic) == pytest.approx(norm.ppf(0.975), rel=1e-3)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_tango_contains_the_difference_and_mirrors(lost: int, gained: int, same: int) -> None:
    n = lost + gained + same
    if n == 0:
        return
    low, high = tango_interval(lost, gained, n)
    assert -1 <= low <= (gained - lost) / n <= high <= 1
    assert tango_interval(gained, lost, n) == pytest.approx((-high, -low), abs=1e-8)


def test_tango_covers() -> None:
    n, least = 30, 1.0
    intervals = {(b, c): tango_interval(b, c, n) for b in range(n + 1) for c in range(n + 1 - b)}
    pairs = list(intervals)
    counts = np.array([(b, c, n - b - c) for b, c in pairs])
    bounds = np.array([intervals[pair] for pair in pairs])
    for lost, gained in product([0.01, 0.03, 0.08, 0.15, 0.3], repeat=2):
        weight = multinomial.pmf(counts, n, [lost, gained, 1 - lost - gained])
        delta = gained - lost
        inside = (bounds[:, 0] <= delta + 1e-9) & (delta - 1e-9 <= bounds[:, 1])
        least = min(least, float(weight[inside].sum()))
    assert least >= 0.93


def difference(delta: float, low: float, high: float, discordant: float, n: int) -> Difference:
    lost = n * (discordant - delta) / 2
    p = 0.001 if low > 0 or high < 0 else 0.5
    return Difference(delta, (low, high), "Tango", lost, lost + n * delta, n, p, p)


@pytest.mark.parametrize(
    ("interval", "outcome", "improved"),
    [
        ((-0.009, 0.004), "pass", False),
        ((0.001, 0.02), "pass", True),
        ((-0.05, -0.011), "fail", False),
        ((-0.02, -0.005), "inconclusive", False),
        ((-0.01, 0.03), "inconclusive", False),
        ((-0.05, -0.01), "inconclusive", False),
    ],
)
def test_verdict(interval: tuple[float, float], outcome: str, improved: bool) -> None:
    middle = sum(interval) / 2
    verdict = non_inferiority(difference(middle, *interval, 0.1, 1000), 0.01)
    assert (verdict.outcome, verdict.improved) == (outcome, improved)


def test_planning_figures() -> None:
    verdict = non_inferiority(difference(-0.004, -0.02, 0.012, 0.06, 900), 0.01)
    z = 1.959964 + 0.841621
    wald = z**2 * (0.06 - 0.004**2) / (0.01 - 0.004) ** 2
    assert verdict.documents_needed == pytest.approx(wald, rel=0.01)
    assert verdict.detectable == pytest.approx(z * math.sqrt(0.06 / 900), rel=1e-5)
    loses = non_inferiority(difference(-0.03, -0.06, 0.01, 0.1, 500), 0.01)
    wald = z**2 * (0.1 - 0.03**2) / 0.02**2
    assert loses.documents_needed == pytest.approx(wald, rel=0.02)
    assert non_inferiority(difference(0.0, -0.001, 0.001, 0.1, 500), 0.01).documents_needed is None


@given(
    n=st.integers(20, 5000), lost=st.floats(0, 0.2), gained=st.floats(0, 0.2),
    margin=st.sampled_from([0.005, 0.01, 0.05]),
)  # fmt: skip
def test_never_fewer_documents_than_were_audited(
    n: int, lost: float, gained: float, margin: float
) -> None:
    delta = gained - lost
    interval = tango_interval(n * lost, n * gained, n)
    found = Difference(delta, interval, "Tango", n * lost, n * gained, n, 0.5, 0.5)
    needed = documents_needed(found, margin)
    assert needed is None or needed > n
    if needed is None:
        assert abs(delta + margin) < 1e-3


def test_without_discordance_the_bound_at_none_decides() -> None:
    found = accuracy_difference(*answers(30, 0, 0, 0), Bootstrap(np.random.default_rng(0)))
    verdict = non_inferiority(found, 0.01)
    assert verdict.detectable is None
    assert verdict.documents_needed is not None
    n = verdict.documents_needed
    assert tango_interval(0, 0, n)[0] > -0.01 >= tango_interval(0, 0, n - 1)[0]


def test_at_the_margin_itself_no_number_decides() -> None:
    assert documents_needed(difference(-0.01, -0.06, 0.01, 0.1, 500), 0.01) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "lost", "gained"), [(200, 0.08, 0.05), (400, 0.03, 0.01), (60, 0.2, 0.2)]
)
def test_interval_of_the_difference_covers(n: int, lost: float, gained: float) -> None:
    rng = np.random.default_rng(11)
    runs, hits = 2000, 0
    for _ in range(runs):
        kind = rng.choice(3, n, p=[lost, gained, 1 - lost - gained])
        found = accuracy_difference(kind != 0, kind != 1, Bootstrap(rng, 5))
        hits += found.interval[0] - 1e-12 <= gained - lost <= found.interval[1] + 1e-12
    assert 0.92 <= hits / runs <= 0.975  # .93 and .97, a standard error of the simulation apart


@pytest.mark.slow
@pytest.mark.parametrize("draws", [1, 3])
def test_interval_against_random_keeping_holds_the_variance_between_draws(draws: int) -> None:
    rng = np.random.default_rng(12)
    runs, hits, n = 2000, 0, 150
    for _ in range(runs):
        chance = rng.beta(4, 1.5, n)  # of being right with a random mask, by document
        right = rng.random(n) < 0.5 + 0.45 * chance
        reference = rng.random((n, draws)) < chance[:, None]
        found = accuracy_difference(right, reference, Bootstrap(rng, 1000))
        truth = 0.5 + 0.45 * 4 / 5.5 - 4 / 5.5
        hits += found.interval[0] <= truth <= found.interval[1]
    assert 0.92 <= hits / runs <= 0.975


@pytest.mark.slow
def test_documents_needed_give_the_power_asked_for() -> None:
    rng = np.random.default_rng(13)
    plan = non_inferiority(difference(-0.005, -0.06, 0.05, 0.05, 300), 0.025)
    assert plan.documents_needed is not None
    runs, passed = 600, 0
    for _ in range(runs):
        kind = rng.choice(3, plan.documents_needed, p=[0.0275, 0.0225, 0.95])
        found = accuracy_difference(kind != 0, kind != 1, Bootstrap(rng, 5))
        passed += non_inferiority(found, 0.025).outcome == "pass"
    assert passed / runs == pytest.approx(0.8, abs=0.05)


COUNTS = st.tuples(*(st.integers(0, 60),) * 4).filter(lambda counts: sum(counts) > 0)


@given(COUNTS, st.sampled_from([0.9, 0.95, 0.99]))
def test_interval_and_exact_test_are_those_of_evalstats(
    counts: tuple[int, int, int, int], level: float
) -> None:
    """Its interval has a correction for continuity, which is 0 here: then it is Tango's."""
    both, lost, gained, neither = counts
    right, reference = (side.astype(float) for side in answers(both, lost, gained, neither))
    theirs = tango_scc_paired_ci(right, reference, 1 - level, c=0.0)
    assert tango_interval(lost, gained, sum(counts), level) == pytest.approx(theirs, abs=2e-5)
    assert mcnemar_exact(lost, gained) == pytest.approx(_mcnemar_p(right, reference))
