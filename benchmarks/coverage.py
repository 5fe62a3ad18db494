"""How often do the intervals that an audit prints hold the truth, and claims hold none?

    python benchmarks/coverage.py [--draws 4000] [--seed 0] [--write docs/coverage.md]

One row a kind of interval and a number of documents: the smallest coverage over a grid of true
values, and the value at which it is smallest. Draws without an interval are left out of the share;
how often there is one at that value stands beside it. Shares are summed exactly, the others drawn.
Neighbourhoods are those of `benchmarks/clusters.py`, groups and changed answers of `changes.py`,
claims on retention of `null_pruners.py`, and claims on groups of `groups.py`.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import changes
import clusters
import groups
import null_pruners
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from auditkit.stats.calibration import brier_scores
from auditkit.stats.classification import classification_report
from auditkit.stats.estimates import Estimate, document_mean, share_of
from auditkit.stats.paired import tango_interval
from auditkit.stats.rates import ratio_difference, ratio_of_sums
from auditkit.stats.rationales import above_chance, agreement, few_expected, ranking
from auditkit.stats.trends import change_slope

DOCUMENTS = (30, 50, 100, 300)
MANY = (300, 1000)
"""For scores, which few documents tell nothing of."""
LEAST_GIVEN = 0.2
"""Share of the draws that must have an interval for its coverage to be told."""

Floats = NDArray[np.float64]
Table = null_pruners.Table
Draw = Callable[[np.random.Generator, int, float], Estimate]
"""An estimate from so many documents at a true value of the grid."""


def answers(
    rng: np.random.Generator, n: int, accuracy: float, classes: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """Predicted (n, 1) and gold classes (n,) of a model that is right so often."""
    labels = rng.integers(0, classes, n)
    slips = (labels + rng.integers(1, classes, n)) % classes
    return np.where(rng.random(n) < accuracy, labels, slips)[:, None], labels


def macro_f1(rng: np.random.Generator, n: int, accuracy: float) -> Estimate:
    """Four classes alike."""
    return classification_report(*answers(rng, n, accuracy), 4)[1].f1


def class_f1(rng: np.random.Generator, n: int, accuracy: float) -> Estimate:
    """One of two classes alike."""
    return classification_report(*answers(rng, n, accuracy, 2), 2)[0][0].f1


def words(rng: np.random.Generator, n: int, rate: float, mean: float) -> tuple[Floats, Floats]:
    """Words kept and words of each document, whose own rates differ."""
    there = rng.poisson(mean, n)
    own = rng.beta(8 * rate, 8 * (1 - rate), n)
    return rng.binomial(there, own).astype(np.float64), there.astype(np.float64)


def kept(rng: np.random.Generator, n: int, rate: float, mean: float = 6.0) -> Estimate:
    """Words kept over words."""
    return ratio_of_sums(*words(rng, n, rate, mean), bounds=(0.0, 1.0))


def kept_against(rng: np.random.Generator, n: int, rate: float) -> Estimate:
    """The difference of two such rates, the other one .8 of it."""
    return ratio_difference(words(rng, n, rate, 3.0), words(rng, n, 0.8 * rate, 3.0))


def scores(rng: np.random.Generator, n: int, accuracy: float) -> np.ndarray:
    """Brier scores of two classes: a sure model that is right so often, less sure where wrong."""
    right = rng.random(n) < accuracy
    sure = np.where(right, rng.beta(12, 1, n), rng.beta(4, 2, n))
    gold = np.where(right, sure, 1 - sure)
    return brier_scores(np.column_stack([gold, 1 - gold]), np.zeros(n, dtype=np.int64))


def brier(rng: np.random.Generator, n: int, accuracy: float) -> Estimate:
    """The mean of the scores."""
    return document_mean(scores(rng, n, accuracy), kind="score")


def brier_change(rng: np.random.Generator, n: int, accuracy: float) -> Estimate:
    """Two models on the same documents that share nothing but these."""
    difference = scores(rng, n, accuracy) - scores(rng, n, accuracy)
    return document_mean(difference, kind="score")


def worse(rng: np.random.Generator, n: int, accuracy: float) -> np.ndarray:
    """Changes of the score by a model that is nearly the same and errs half as often again."""
    astray = rng.random(n) < (1 - accuracy) / 2
    before = scores(rng, n, accuracy)
    return np.where(astray, scores(rng, n, 0.02) - before, rng.normal(0, 0.01, n))


def brier_worse(rng: np.random.Generator, n: int, accuracy: float) -> Estimate:
    """The mean of these changes."""
    return document_mean(worse(rng, n, accuracy), kind="score")


def correlation(rng: np.random.Generator, n: int, middle: float) -> Estimate:
    """Means of rank correlations of documents."""
    return document_mean(np.clip(rng.normal(middle, 0.25, n), -1, 1))


def f1_above(rng: np.random.Generator, n: int, keep: float) -> Estimate:
    """Token F1 of random tokens of 6 to 39, an eighth of them marked, above that of chance."""
    total = rng.integers(6, 40, n)
    marked = np.maximum(1, total // 8)
    kept = np.clip(rng.binomial(total, keep), 1, total - 1)
    found = agreement(total, kept, marked, rng.hypergeometric(marked, total - marked, kept))
    few = few_expected(total, kept, marked)
    return above_chance(found.f1, found.f1_chance, why_not=few)


def precision_above(rng: np.random.Generator, n: int, share: float) -> Estimate:
    """Average precision of a random order of 6 to 39 tokens, so many of them marked."""
    total = rng.integers(6, 40, (n, 1))
    token = np.arange(40) < total
    place = np.argsort(np.argsort(np.where(token, rng.random((n, 40)), 2.0)))
    marked = token & (place < np.maximum(1, np.round(share * total)))
    found = ranking(token.astype(np.int64), marked.astype(np.int64))
    return above_chance(found.precision, found.chance, kind="precision")


def tango(rng: np.random.Generator, n: int, lost: float) -> Estimate:
    """Accuracy of one model less another's that gains half as often as it loses."""
    gone, gained, _ = rng.multinomial(n, [lost, lost / 2, 1 - 1.5 * lost])
    return Estimate((gained - gone) / n, n, _tango(int(gone), int(gained), n))


_tango = cache(tango_interval)


def trend(rng: np.random.Generator, n: int, lost: float) -> Estimate:
    """Change of accuracy along the keep rate: twice as many are lost at one end as in the middle,
    none at the other, and .02 gained everywhere."""
    along = rng.beta(4, 2, n)
    drawn = rng.random(n)
    lost_here = drawn < 2 * lost * (1 - along)
    change: Floats = (drawn > 0.98).astype(np.float64) - lost_here
    return change_slope(change, along)


@cache
def truth(name: str, at: float) -> float:
    """What a kind of estimate comes to with very many documents."""
    rng = np.random.default_rng(99)
    many = {"macro_f1": macro_f1, "class_f1": class_f1}
    if name in many:
        return float(many[name](rng, 1_000_000, at).value or 0.0)
    if name in ("brier", "brier_worse"):
        return float({"brier": scores, "brier_worse": worse}[name](rng, 4_000_000, at).mean())
    known = {"kept_against": 0.2 * at, "brier_change": 0.0, "above": 0.0, "tango": -at / 2,
             "trend": 2 * at}  # fmt: skip
    return known.get(name, at)


ACCURACIES = (0.5, 0.8, 0.9, 0.97, 0.99)
RATES = (0.02, 0.1, 0.5, 0.9, 0.98)
KINDS: tuple[tuple[str, str, Draw, tuple[float, ...]], ...] = (
    ("accuracy, paired difference (Tango)", "tango", tango, (0.01, 0.03, 0.08, 0.2)),
    ("macro F1, four classes (delta method, logit)", "macro_f1", macro_f1, ACCURACIES),
    ("F1 of a class, two classes (delta method, logit)", "class_f1", class_f1, ACCURACIES),
    ("rate of words, 6 a document (t, logit)", "kept", kept, RATES),
    ("rate of words, 25 a document (t, logit)", "kept", partial(kept, mean=25.0), RATES),
    ("difference of two rates (t)", "kept_against", kept_against, (0.1, 0.5, 0.9)),
    ("Brier score (t)", "brier", brier, ACCURACIES),
    (
        "Brier score, unlike models paired (t)",
        "brier_change",
        brier_change,
        ACCURACIES,
    ),
    ("Brier score, like models paired (t)", "brier_worse", brier_worse, ACCURACIES),
    ("mean of correlations (t)", "correlation", correlation, (0.0, 0.3)),
    ("slope of an accuracy change (t)", "trend", trend, (0.03, 0.08, 0.2, 0.4)),
    ("token F1 above chance, by share kept (t)", "above", f1_above, (0.05, 0.5, 0.95)),
    (
        "average precision above chance, by share marked (t)",
        "above",
        precision_above,
        (0.03, 0.2, 0.5),
    ),
)


def covered(draw: Draw, name: str, n: int, at: float, draws: int, seed: int) -> tuple[float, float]:
    """Share of the intervals that hold the truth, and of the draws that have one."""
    rng, wanted = np.random.default_rng([seed, n, round(1000 * at)]), truth(name, at)
    hits = given = 0
    for done in range(1, draws + 1):
        interval = draw(rng, n, at).interval
        if interval is not None:
            given += 1
            hits += interval[0] - 1e-12 <= wanted <= interval[1] + 1e-12
        elif done == 40 and not given:
            break  # a rule by the number of documents: there never is one
    return (hits / given if given else 1.0), given / draws


def of_shares() -> Iterator[list[str]]:
    """Exact coverage of shares, and of the first version's."""
    for name, interval in (
        ("share (Clopper and Pearson)", lambda k, n: share_of(k, n).interval),
        ("share, first version (Wilson)", lambda k, n: proportion_confint(k, n, method="wilson")),
    ):
        for n in DOCUMENTS:
            bounds = np.array([interval(k, n) for k in range(n + 1)])
            grid = np.concatenate([np.arange(0.5, 1, 0.01), [0.995]])
            inside = (bounds[:, :1] <= grid) & (grid <= bounds[:, 1:])
            share = (binom.pmf(np.arange(n + 1)[:, None], n, grid) * inside).sum(axis=0)
            yield [name, str(n), f"{share.min():.3f}", f"{grid[share.argmin()]:g}", "1.00"]


def _row(arguments: tuple[int, int, int, int]) -> list[str]:
    """The row of a kind (its place in `KINDS`) at a number of documents: draws, seed."""
    kind, n, draws, seed = arguments
    title, name, draw, grid = KINDS[kind]
    found = {at: covered(draw, name, n, at, draws, seed) for at in grid}
    told = {at: pair for at, pair in found.items() if pair[1] > LEAST_GIVEN}
    return null_pruners.smallest(title, n, told)


def of_kinds(draws: int, seed: int) -> Iterator[list[str]]:
    """Drawn coverage of the other kinds; one process a core."""
    asked = [
        (kind, n, draws, seed)
        for kind, (_, name, *_) in enumerate(KINDS)
        for n in (MANY if name.startswith("brier") else DOCUMENTS)
    ]
    with ProcessPoolExecutor() as pool:
        yield from null_pruners.seen(pool.map(_row, asked), len(asked))


def tables(draws: int, seed: int) -> Iterator[Table]:
    """Coverage of every kind of interval."""
    yield (
        "Coverage of intervals at .95",
        ["kind", "documents", "smallest coverage", "at", "intervals given"],
        [*of_shares(), *of_kinds(draws, seed)],
        "The smallest over a grid of true values (accuracies .5 to .99, keep rates .02 to .98); "
        "shares are summed exactly. Values at which fewer than one draw in five has an interval "
        "are left out.",
    )


def markdown(found: Iterable[Table], command: str) -> str:
    """The page of the tables."""
    lines = ["# How often intervals hold the truth, and claims hold none", "",
             f"Made by `{command}`.", ""]  # fmt: skip
    for title, header, rows, note in found:
        lines += [f"## {title}", "", *filter(None, [note]), ""]
        lines += [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Parse, draw, print or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--null-draws", type=int, default=1000, help="of claims on retention")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, metavar="FILE")
    options = parser.parse_args()
    found = [
        *tables(options.draws, options.seed),
        *clusters.tables(options.draws, options.seed),
        *changes.tables(options.draws, options.seed),
        *null_pruners.tables(options.null_draws, options.seed),
        *groups.tables(options.draws, options.seed),
    ]
    command = (
        f"python benchmarks/coverage.py --draws {options.draws} --null-draws "
        f"{options.null_draws} --seed {options.seed}"
    )
    text = markdown(found, command)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
