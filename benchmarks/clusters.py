"""How often intervals of neighbourhoods hold the truth: purity, silhouette and spread.

What a purity comes to depends on how many points there are, so the truth for a number of documents
is its mean over the draws themselves.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

import null_pruners
import numpy as np

from auditkit.stats.clusters import Points, purity, purity_change, silhouette, spread, spread_change
from auditkit.stats.estimates import Estimate

DOCUMENTS = (30, 50, 100, 300)
SHIFTS = (0.0, 1.0, 3.0)
"""How far the classes lie apart, in units of the noise."""
EACH, WIDE, NEIGHBOURS = 3, 12, 10
"""Points a document, dimensions, neighbours."""
SPARING = 4
"""A matrix of all pairs of points takes its time: one draw for so many of the others."""


def points(rng: np.random.Generator, label: np.ndarray, each: int, shift: float) -> Points:
    """Points of documents, those of one document alike, classes apart by `shift`."""
    document = np.repeat(np.arange(len(label)), each)
    place = rng.normal(size=(len(document), WIDE)) + rng.normal(size=(len(label), WIDE))[document]
    place[np.arange(len(place)), label[document]] += shift
    return Points.of(place.astype(np.float32), document, label[document])


def _purity(rng: np.random.Generator, n: int, shift: float) -> Estimate:
    return purity(points(rng, _labels(rng, n), EACH, shift), NEIGHBOURS).corrected


def _purity_change(rng: np.random.Generator, n: int, shift: float) -> Estimate:
    label = _labels(rng, n)
    one, other = (purity(points(rng, label, EACH, by), NEIGHBOURS) for by in (shift, shift / 2))
    return purity_change(one, other)


def _silhouette(rng: np.random.Generator, n: int, shift: float) -> Estimate:
    return silhouette(points(rng, _labels(rng, n), EACH, shift))


def _spread(rng: np.random.Generator, n: int, shift: float) -> Estimate:
    return spread_change(spread(points(rng, np.arange(n) % 2, EACH, shift)), 0)


def _labels(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.integers(0, 2, n)


KINDS: tuple[tuple[str, Callable[[np.random.Generator, int, float], Estimate]], ...] = (
    ("purity above chance (jackknife)", _purity),
    ("difference of two purities (jackknife)", _purity_change),
    ("silhouette (jackknife)", _silhouette),
    ("spread less that of the other class (jackknife, MOVER)", _spread),
)


def _row(arguments: tuple[int, int, int, int]) -> list[str]:
    """The row of a kind (its place in `KINDS`) at a number of documents: draws, seed."""
    kind, n, draws, seed = arguments
    title, draw = KINDS[kind]
    told: dict[float, tuple[float, float]] = {}
    for shift in SHIFTS:
        rng = np.random.default_rng([seed, kind, n, round(shift)])
        found = [draw(rng, n, shift) for _ in range(draws)]
        given = [e for e in found if e.interval is not None]
        if given:
            truth = float(np.mean([e.value for e in found if e.value is not None]))
            hits = [e.interval[0] <= truth <= e.interval[1] for e in given if e.interval]
            told[shift] = float(np.mean(hits)), len(given) / draws
    return null_pruners.smallest(title, n, told)


def tables(draws: int, seed: int) -> Iterator[null_pruners.Table]:
    """Coverage of every kind, one process a core."""
    some = max(1, draws // SPARING)
    asked = [(kind, n, some, seed) for kind in range(len(KINDS)) for n in DOCUMENTS]
    with ProcessPoolExecutor() as pool:
        rows = list(null_pruners.seen(pool.map(_row, asked), len(asked)))
    yield (
        "Coverage of intervals of neighbourhoods at .95",
        ["kind", "documents", "smallest coverage", "at", "intervals given"],
        rows,
        f"{some:,} draws of {EACH} points a document, two classes; the smallest over distances of "
        f"the classes of {', '.join(f'{shift:g}' for shift in SHIFTS)} times the noise.",
    )
