"""How often do intervals of groups, changed answers and their confidence hold the truth?

    python benchmarks/coverage.py, which takes these tables in

Two models answer the same documents. What either does is drawn from distributions whose truth is
known; of conformal sets, whose size has no closed form, the mean over the draws stands for it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import null_pruners
import numpy as np
from scipy.stats import norm, skewnorm

from auditkit.stats.auc import auc_change, ranked
from auditkit.stats.conformal import conformal
from auditkit.stats.enrichment import Counts, odds
from auditkit.stats.estimates import Estimate, mean_change
from auditkit.stats.gaps import Harm, excess_gaps
from auditkit.stats.rates import SHARE, ratio_of_sums
from auditkit.stats.resampling import Bootstrap
from auditkit.stats.shifts import asymmetries, percentile, times_as_often

DOCUMENTS = (100, 400, 1000)
RESAMPLES = 400
SPARING, OF_SETS = 4, 20
"""Bootstraps are dear, those of conformal sets most: of the draws one in so many is made."""
SHARES = (0.35, 0.25, 0.2, 0.12, 0.08)
"""Of five groups."""

Told = list[tuple[Estimate, float | None]]
"""Estimates of one draw that are all to hold, each with its truth; None: the mean of the draws."""


def gaps(rng: np.random.Generator, n: int, planted: float) -> Told:
    """Five groups, of which the smallest but one loses so much more; all intervals at once."""
    group = rng.choice(len(SHARES), size=n, p=SHARES)
    made = np.full(len(SHARES), 0.05)
    made[3] += planted
    draw, mended = rng.random(n), 0.03
    change = np.where(draw < made[group], 1, np.where(draw > 1 - mended, -1, 0))
    everyone, rises = np.ones(n, dtype=bool), made - mended
    harms = [Harm(change, everyone, group == g) for g in range(len(SHARES)) if (group == g).any()]
    there = [g for g in range(len(SHARES)) if (group == g).any()]
    found = excess_gaps(harms, Bootstrap(rng, RESAMPLES))
    overall = float(rises @ np.array(SHARES))
    return [(gap.excess, float(rises[g]) - overall) for g, gap in zip(there, found, strict=True)]


def quantile(rng: np.random.Generator, n: int, skew: float, at: int) -> Told:
    """A percentile of changes."""
    values = skewnorm.rvs(skew, size=n, random_state=rng)
    return [(percentile(values, at), float(skewnorm.ppf(at / 100, skew)))]


def tails(rng: np.random.Generator, n: int, skew: float) -> Told:
    """The percentiles at 5 and 95 % added up."""
    values = skewnorm.rvs(skew, size=n, random_state=rng)
    truth = float(skewnorm.ppf(0.05, skew) + skewnorm.ppf(0.95, skew))
    return [(asymmetries([values], Bootstrap(rng, RESAMPLES))[0][0.05], truth)]


def areas(rng: np.random.Generator, n: int, lost: float) -> Told:
    """Areas under the ROC curves of two models whose scores go together."""
    positive = np.arange(n) < 0.3 * n
    common = rng.normal(size=n)
    scores = [shift * positive + np.sqrt(0.6) * common + np.sqrt(0.4) * rng.normal(size=n)
              for shift in (2.0 - lost, 2.0)]  # fmt: skip
    one, two = (ranked(own, positive) for own in scores)
    truth = norm.cdf((2.0 - lost) / np.sqrt(2)) - norm.cdf(np.sqrt(2))
    return [(auc_change(one, two), float(truth))]


def enrichment(rng: np.random.Generator, n: int, ratio: float) -> Told:
    """Odds of a changed answer in a fifth of the documents over those elsewhere."""
    group = np.arange(n) < n // 5
    elsewhere = 0.06 / 0.94
    chance = np.where(group, ratio * elsewhere / (1 + ratio * elsewhere), 0.06)
    return [(odds(Counts.of(rng.random(n) < chance, group)), ratio)]


def churn(rng: np.random.Generator, n: int, ratio: float) -> Told:
    """How many times as often answers change as with another seed."""
    hard = rng.beta(0.5, 4.5, n)  # 6 % of the documents change with the seed
    seeds, pruned = (rng.random(n) < np.clip(factor * hard, 0, 1) for factor in (0.6, 0.6 * ratio))
    return [(times_as_often(pruned, seeds), ratio)]


def sets(rng: np.random.Generator, n: int, noise: float, statistic: str) -> Told:
    """Conformal sets of a noisier model less those of the baseline."""
    labels = rng.integers(0, 3, n)
    logits = 2.0 * np.eye(3)[labels] + rng.normal(size=(n, 3))
    probs = {}
    for name, extra in (("baseline", 0.0), ("pruned", noise)):
        powers = np.exp(logits + extra * rng.normal(size=(n, 3)))
        probs[name] = powers / powers.sum(axis=1, keepdims=True)
    first = np.arange(n) % 2 == 0
    found = conformal(probs, labels, first, 0.9, Bootstrap(rng, RESAMPLES), [labels >= 0])
    return [(found[0]["pruned"].change[statistic], None)]


def swapped(rng: np.random.Generator, n: int, more: float) -> Told:
    """Mean |Δp| of swaps, most of which move hardly anything, less that of the baseline."""
    moved = [rng.beta(0.4, 12, n) for _ in range(2)]
    far = rng.random(n) < more
    own = np.where(far, rng.beta(2, 2, n), moved[0])
    mean = 0.4 / 12.4
    return [(mean_change(own - moved[1], kind="change"), more * (0.5 - mean))]


def filled(rng: np.random.Generator, n: int, rate: float) -> Told:
    """Share of the 21 pairs of groups of a template whose answers differ, templates unlike."""
    own = rng.beta(4 * rate, 4 * (1 - rate), n)
    return [(ratio_of_sums(rng.binomial(21, own).astype(float), np.full(n, 21.0), bounds=SHARE),
             rate)]  # fmt: skip


Draw = Callable[[np.random.Generator, int, float], Told]
SKEWS = (0.0, 2.0, 6.0)
KINDS: tuple[tuple[str, Draw, tuple[float, ...]], ...] = (
    ("excess gaps of five groups, all at once (bootstrap, MOVER)", gaps, (0.0, 0.05, 0.2)),
    *(
        (f"percentile at {at} % (order statistics)", partial(quantile, at=at), SKEWS)
        for at in (1, 5, 25, 50)
    ),
    ("asymmetry of the tails at 5 % (bootstrap)", tails, SKEWS),
    ("change of AUC (DeLong, paired)", areas, (0.0, 0.5, 1.0)),
    ("odds ratio of changed answers (exact)", enrichment, (0.5, 1.0, 2.0, 5.0)),
    ("churn ratio (t, log)", churn, (1.0, 1.5)),
    ("conformal coverage at 90 %, change (bootstrap)", partial(sets, statistic="coverage"),
     (0.0, 1.0)),
    ("conformal set size at 90 %, change (bootstrap)", partial(sets, statistic="size"),
     (0.0, 1.0)),
    ("mean change of p with swaps, difference (t)", swapped, (0.0, 0.02, 0.1)),
    ("templates with another answer (t, logit)", filled, (0.02, 0.2, 0.5)),
)  # fmt: skip


def _row(arguments: tuple[int, int, int, int]) -> list[str]:
    """The row of a kind (its place in `KINDS`) at a number of documents: draws, seed."""
    kind, n, draws, seed = arguments
    title, draw, grid = KINDS[kind]
    draws = max(1, draws // (OF_SETS if title.startswith("conformal") else SPARING))
    told: dict[float, tuple[float, float]] = {}
    for at in grid:
        rng = np.random.default_rng([seed, kind, n, round(1000 * at)])
        found = [draw(rng, n, at) for _ in range(draws)]
        middle = float(np.mean([e.value for one in found for e, _ in one if e.value is not None]))
        given = [[(e.interval, middle if truth is None else truth) for e, truth in one]
                 for one in found if all(e.interval for e, _ in one)]  # fmt: skip
        if len(given) > draws / 5:
            hits = [all(i and i[0] - 1e-12 <= truth <= i[1] + 1e-12 for i, truth in one)
                    for one in given]  # fmt: skip
            told[at] = float(np.mean(hits)), len(given) / draws
    return null_pruners.smallest(title, n, told)


def tables(draws: int, seed: int) -> Iterator[null_pruners.Table]:
    """Coverage of every kind, one process a core."""
    asked = [(kind, n, draws, seed) for kind in range(len(KINDS)) for n in DOCUMENTS]
    with ProcessPoolExecutor() as pool:
        rows = list(null_pruners.seen(pool.map(_row, asked), len(asked)))
    yield (
        "Coverage of intervals of groups and of changed answers at .95",
        ["kind", "documents", "smallest coverage", "at", "intervals given"],
        rows,
        f"{max(1, draws // SPARING):,} draws, {max(1, draws // OF_SETS):,} of conformal sets; the "
        "smallest over planted gaps, skews, ratios and rates. The gaps of all groups must hold at "
        "once. Values at which fewer than one draw in five has an interval are left out.",
    )
