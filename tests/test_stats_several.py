"""One decision over several data sets."""

import numpy as np
import pytest
from scipy.stats import binomtest

from auditkit.stats.paired import counted_difference, tango_interval
from auditkit.stats.several import largest_loss, pooled_difference

COUNTS = ((12, 5, 200), (3, 4, 60), (40, 11, 500))


def test_documents_of_all_data_sets_weigh_alike() -> None:
    pooled = pooled_difference([counted_difference(*one) for one in COUNTS])
    assert pooled.delta == pytest.approx((20 - 55) / 760)
    assert pooled.interval == pytest.approx(tango_interval(55, 20, 760))
    assert pooled.p_exact == pytest.approx(binomtest(20, 75).pvalue)


def test_the_bounds_of_the_largest_loss_hold_at_once() -> None:
    alone = [counted_difference(*one) for one in COUNTS]
    found = largest_loss(alone, 0.01)
    bounds = [tango_interval(*one, 1 - 0.05 / 3) for one in COUNTS]
    assert found.which == 2
    assert found.delta == pytest.approx(-29 / 500)
    assert found.interval == pytest.approx([min(b[i] for b in bounds) for i in (0, 1)])
    assert found.outcome == "fail"


@pytest.mark.parametrize(
    ("counts", "margin", "outcome"),
    [
        (((1, 1, 900), (2, 2, 900)), 0.01, "pass"),
        (((1, 1, 900), (60, 2, 900)), 0.01, "fail"),
        (((1, 1, 900), (9, 2, 900)), 0.01, "inconclusive"),
        (((0, 0, 900), (6, 0, 60)), 0.001, "inconclusive"),  # Tango's bound alone says fail
    ],
)
def test_one_data_set_is_enough_to_fail_and_all_must_pass(
    counts: tuple[tuple[int, int, int], ...], margin: float, outcome: str
) -> None:
    assert largest_loss([counted_difference(*one) for one in counts], margin).outcome == outcome


def test_the_last_case_needs_the_exact_test() -> None:
    one = counted_difference(6, 0, 60, level=0.975)
    assert one.interval[1] < -0.001
    assert one.p_exact > 0.025


@pytest.mark.parametrize("n", [(50, 50), (300, 300), (50, 300)])
@pytest.mark.parametrize("lost", [(0.05, 0.05), (0.2, 0.02)])
def test_both_intervals_cover(n: tuple[int, int], lost: tuple[float, float]) -> None:
    """Losses as given, gains of half of them; the second pair of data sets differs much."""
    seed, draws = 8, 300
    rng = np.random.default_rng(seed)
    sizes, shares = np.array(n), np.array(lost)
    truth = -shares / 2
    counts = np.stack(
        [
            rng.multinomial(size, [x, x / 2, 1 - 1.5 * x], draws)
            for size, x in zip(n, lost, strict=True)
        ],
        axis=1,
    )  # (draws, 2, 3)
    together = at_once = 0
    for draw in counts:
        alone = [
            counted_difference(int(b), int(c), int(m)) for (b, c, _), m in zip(draw, n, strict=True)
        ]
        low, high = pooled_difference(alone).interval
        together += low <= (sizes @ truth) / sizes.sum() <= high
        low, high = largest_loss(alone, 0.01).interval
        at_once += low <= truth.min() <= high
    assert together / draws >= 0.93, f"seed {seed}"
    assert at_once / draws >= 0.93, f"seed {seed}"
