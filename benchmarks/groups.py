"""How often is a group said to be harmed that is not, and found where it is?

Documents in groups of four columns that overlap; answers of two models that are paired, the pruned
one right a little less often, whatever the group. An audit is a false one if `fairness` names a
group (accuracy, or errors of a class), or `flips` a slice.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import null_pruners
import numpy as np

from auditkit.plugin import direction
from auditkit.probes._gaps import accuracy_gaps, error_gaps
from auditkit.probes._groups import Group
from auditkit.probes._weak_spots import weak_spots
from auditkit.stats.resampling import Bootstrap

DOCUMENTS = (150, 600, 2000)
SHARES = {"target": (0.08, 0.15, 0.2), "source": (0.3, 0.7), "length": (0.25, 0.25, 0.25, 0.25),
          "identity": (0.05, 0.1)}  # fmt: skip
LABELS = ("harmless", "harmful")
LEAST = 30
RESAMPLES = 500
SPARING = 4
"""Exact odds ratios take their time: slices are drawn once for so many draws of the others."""
PLANTED = 0.15
"""Share of a group's documents, a fifth of all, that pruning gets wrong on top."""


def groups(rng: np.random.Generator, n: int) -> list[Group]:
    """Groups of enough documents; the values of a column share no document."""
    found = []
    for column, shares in SHARES.items():
        rest = max(0.0, 1 - sum(shares))
        value = rng.choice(len(shares) + 1, n, p=[*shares, rest])
        found += [Group(column, str(i), value == i) for i in range(len(shares))]
    return [group for group in found if LEAST <= group.size < n]


def audit(
    rng: np.random.Generator, n: int, planted: float, *, slices: bool
) -> tuple[bool, bool, bool, bool]:
    """Whether a group is named for accuracy, for errors, a slice; and the planted one by name."""
    mine = groups(rng, n)
    gold, hard = rng.integers(0, 2, n), rng.random(n)
    before = hard < 0.88
    now = np.where(rng.random(n) < 0.9, hard, rng.random(n)) < 0.86
    harmed = next((g for g in mine if g.column == "target" and g.name == "2"), None)
    if harmed is not None and planted:
        now &= ~(harmed.who & (rng.random(n) < planted))
    bootstrap = Bootstrap(rng, RESAMPLES)
    accuracy = accuracy_gaps(mine, before, now, bootstrap)
    said = [np.where(right, gold, 1 - gold) for right in (before, now)]
    errors = error_gaps(mine, LABELS, gold, *said, LEAST, bootstrap)
    named = [row.group for row in accuracy if direction(row.gap.excess) == 1]
    spots = weak_spots(mine, before & ~now, rng.random(n) < 0.5, LEAST) if slices else []
    return (
        bool(named),
        any(direction(row.gap.excess) == 1 for row in errors),
        any(direction(spot.odds, 1.0) == 1 for spot in spots),
        harmed in named,
    )


def _row(arguments: tuple[int, int, int]) -> list[str]:
    n, draws, seed = arguments
    rng = np.random.default_rng([seed, n])
    some = max(1, draws // SPARING)
    null = np.array([audit(rng, n, 0.0, slices=False)[:2] for _ in range(draws)])
    both = np.array([audit(rng, n, 0.0, slices=True)[:3] for _ in range(some)])
    found = np.mean([audit(rng, n, PLANTED, slices=False)[3] for _ in range(some)])
    shares = [null[:, 0].mean(), null[:, 1].mean(), null.any(axis=1).mean(), both[:, 2].mean(),
              both.any(axis=1).mean(), found]  # fmt: skip
    return [str(n), *(f"{share:.3f}" for share in shares)]


def tables(draws: int, seed: int) -> Iterator[null_pruners.Table]:
    """False audits, and power, by number of documents; one process a core."""
    with ProcessPoolExecutor() as pool:
        asked = [(n, draws, seed) for n in DOCUMENTS]
        rows = list(null_pruners.seen(pool.map(_row, asked), len(asked)))
    yield (
        "False discoveries on groups",
        ["documents", "accuracy", "errors by class", "fairness, either", "a slice of flips",
         "any of the two probes", "planted group named"],
        rows,
        f"Share of {draws:,} audits (slices: {max(1, draws // SPARING):,}) of groups that are "
        "alike in which one is said to be harmed; and how often a fifth of the documents is named "
        f"of which pruning gets {PLANTED:.0%} wrong on top.",
    )  # fmt: skip
