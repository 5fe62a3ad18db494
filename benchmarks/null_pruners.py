"""How often are preferences claimed of pruners that have none, and found where there is one?

    python benchmarks/null_pruners.py [--draws 4000] [--seed 0]

Words are made by chance: about twenty a document, of six categories, from frequent to rare, one of
them of long words. A pruner that is blind to categories drops them over three layers. A table is a
false discovery if any of its categories is claimed after Benjamini and Hochberg's correction. Each
row is a pruner at a keep rate (of the first layer) and a number of documents.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import direction
from auditkit.stats.cells import WordCells, position_bins, reference_layer
from auditkit.stats.survival import Retained, retained, retention

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Table = tuple[str, list[str], list[list[str]], str]
"""Title, header, rows, note."""

LAYERS = 3
SHARES = np.array([32, 16, 8, 4, 2, 1]) / 63
LONG = 2
"""The category whose words have two pieces and more."""


@dataclass(frozen=True)
class Texts:
    """Documents as words (words,), in order."""

    documents: int
    document: Ints
    place: Ints
    """Of the word in its document, from 0."""
    size: Ints
    """Words of each document (documents,)."""
    category: Ints
    pieces: Ints


Scores = Callable[[np.random.Generator, Texts], Floats]
"""What a pruner goes by, one a piece: the highest of a document stay."""


def texts(rng: np.random.Generator, documents: int, share: Floats | None = None) -> Texts:
    """Documents of 12 to 28 words; `share` (documents,) tilts them towards the last categories."""
    size = rng.integers(12, 29, documents)
    document = np.repeat(np.arange(documents), size)
    place = np.arange(document.size) - np.repeat(np.cumsum(size) - size, size)
    category = rng.choice(6, p=SHARES, size=document.size)
    if share is not None:
        category[rng.random(document.size) < share[document] ** 2] = 0
    short = rng.choice([1, 1, 1, 2], document.size)
    pieces = np.where(category == LONG, rng.integers(2, 4, document.size), short)
    return Texts(documents, document, place, size, category, pieces)


def owners(made: Texts) -> Ints:
    """The word of each piece (pieces,)."""
    return np.repeat(np.arange(made.document.size), made.pieces)


def by_piece(rng: np.random.Generator, made: Texts) -> Floats:
    """Pieces at random."""
    return rng.random(int(made.pieces.sum()))


def by_word(rng: np.random.Generator, made: Texts) -> Floats:
    """Whole words at random."""
    return rng.random(made.document.size)[owners(made)]


def by_block(rng: np.random.Generator, made: Texts) -> Floats:
    """Neighbours together: the words nearest to a place drawn for each document."""
    centre = rng.random(made.documents) * made.size
    return -np.abs(made.place - centre[made.document])[owners(made)]


def by_place(rng: np.random.Generator, made: Texts) -> Floats:
    """Early words first, more or less."""
    early = 1 - made.place / made.size[made.document]
    noisy: Floats = early + rng.normal(0, 0.3, early.size)
    return noisy[owners(made)]


def with_last(rng: np.random.Generator, made: Texts) -> Floats:
    """The last word of each document, the others at random."""
    last = made.place == made.size[made.document] - 1
    scores: Floats = rng.random(last.size) + last
    return scores[owners(made)]


def kept(made: Texts, scores: Floats, rates: Floats) -> WordCells:
    """The words as cells: of each document round(rate·N) pieces of the highest scores stay.

    Args:
        made: The documents.
        scores: One a piece.
        rates: Of the documents after layers 1..L (documents, L), falling.
    """
    owner = owners(made)
    of = made.document[owner]
    order = np.lexsort((-scores, of))
    total = np.bincount(of, minlength=made.documents)
    rank = np.empty(owner.size, dtype=np.int64)
    rank[order] = np.arange(owner.size) - np.repeat(np.cumsum(total) - total, total)
    alive = np.rint(rates * total[:, None]).astype(np.int64)
    depth = np.zeros(made.document.size, dtype=np.int64)
    np.maximum.at(depth, owner, (rank[:, None] < alive[of]).sum(axis=1))
    place = position_bins(made.document, made.place)
    return WordCells(
        layers=rates.shape[1], reference=reference_layer(total, alive), total=total, kept=alive,
        names=tuple("abcdef"), document=made.document, category=made.category,
        pieces=made.pieces, position=place, depth=depth, words=np.ones_like(depth),
    )  # fmt: skip


def falling(first: Floats) -> Floats:
    """Keep rates after each layer (documents, L), from those of the first."""
    return first[:, None] ** np.arange(1, LAYERS + 1)


def drawn(rng: np.random.Generator, scores: Scores, rate: float, documents: int) -> WordCells:
    """A run of a pruner that is blind to categories, all documents at one keep rate."""
    made = texts(rng, documents)
    return kept(made, scores(rng, made), falling(np.full(documents, rate)))


def unequal(rng: np.random.Generator, documents: int) -> WordCells:
    """Documents that keep more hold more of a category; each keeps its pieces at random."""
    rates = rng.uniform(0.27, 0.71, documents)
    made = texts(rng, documents, rates)
    return kept(made, by_piece(rng, made), falling(rates))


def placed(rng: np.random.Generator, scores: Scores, documents: int) -> WordCells:
    """A pruner that goes by place alone, where a category stands early and another ends texts."""
    made = texts(rng, documents)
    early = rng.random(made.place.size) > made.place / made.size[made.document]
    category = np.where(early & (made.category == 0), 1, made.category)
    last = made.place == made.size[made.document] - 1
    category[last & (rng.random(last.size) < 0.8)] = 3
    made = Texts(made.documents, made.document, made.place, made.size, category, made.pieces)
    return kept(made, scores(rng, made), falling(np.full(documents, 0.6)))


def preferring(rng: np.random.Generator, documents: int = 1000) -> WordCells:
    """Two words a document of a category that is kept 1.2 times as often as chance, at one half."""
    size = np.full(documents, 20)
    document = np.repeat(np.arange(documents), size)
    place = np.tile(np.arange(20), documents)
    category = np.where(place % 10 == 3, 1, 0)
    ones = np.ones(document.size, dtype=np.int64)
    made = Texts(documents, document, place, size, category, ones)
    tilt = np.log(0.6 / 0.4 / ((10 - 1.2) / (18 - 8.8)))  # of odds: two of ten kept words are 1.2
    scores = rng.gumbel(size=document.size) + tilt * (category == 1)
    return kept(made, scores, np.full((documents, 1), 0.5))


def claimed(rows: tuple[Retained, ...], name: str) -> bool:
    """Whether any category is said to differ by this statistic."""
    null = 0.5 if name == "concordance" else 1.0
    return any(direction(getattr(row, name), null) for row in rows)


def prefers(rows: tuple[Retained, ...]) -> bool:
    """Whether any category is claimed."""
    return claimed(rows, "concordance")


def beyond_place(rows: tuple[Retained, ...]) -> bool:
    """Whether any category is said to be preferred whatever its position."""
    signs = ((direction(r.concordance, 0.5), direction(r.odds_ratio, 1.0)) for r in rows)
    return any(ours and ours == odds for ours, odds in signs)


STATISTICS = ("concordance", "matched_lift", "odds_ratio")


def _blind(arguments: tuple[str, float, int, int, int]) -> list[str]:
    """A row of the first table: pruner, keep rate (0: unlike), documents, draws, seed."""
    name, rate, documents, draws, seed = arguments
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        cells = unequal(rng, documents)
        if rate:
            cells = drawn(rng, BLIND[name], rate, documents)
        found.append(retained(cells, rng))
    shares = [np.mean([claimed(rows, statistic) for rows in found]) for statistic in STATISTICS]
    told = f"{rate:g}" if rate else "0.27 to 0.71"
    return [name, told, str(documents), *(f"{share:.3f}" for share in shares)]


def _placed(arguments: tuple[str, int, int, int]) -> list[str]:
    """A row of the second table: pruner, documents, draws, seed."""
    name, documents, draws, seed = arguments
    rng = np.random.default_rng(seed)
    found = [retained(placed(rng, BY_PLACE[name], documents), rng) for _ in range(draws)]
    plain, beyond = (np.mean([one(rows) for rows in found]) for one in (prefers, beyond_place))
    return [name, str(documents), f"{plain:.3f}", f"{beyond:.3f}"]


def _power(arguments: tuple[int, int]) -> list[str]:
    """The row of the third table: draws, seed."""
    draws, seed = arguments
    rng = np.random.default_rng(seed)
    found = [retention(preferring(rng), rng, asked=["b"]).of("b") for _ in range(draws)]
    shown = np.mean([direction(row.concordance, 0.5) == 1 for row in found])
    effect = "lift of 1.2, two words a document, keep rate .5, 1,000 documents"
    return [effect, f"{draws:,}", f"{shown:.3f}"]


BLIND: dict[str, Scores] = {
    "pieces at random": by_piece,
    "whole words at random": by_word,
    "neighbours together": by_block,
}
BY_PLACE: dict[str, Scores] = {"early words": by_place, "the last word": with_last}
SETTINGS = ((0.02, 300), (0.3, 30), (0.5, 100), (0.7, 300), (0.98, 100))
"""Keep rates and documents."""


def tables(draws: int, seed: int) -> Iterator[Table]:
    """What `docs/coverage.md` shows of claims on retention; one process a core."""
    blind = [(name, *setting, draws) for name in BLIND for setting in SETTINGS]
    blind += [("pieces at random, documents unlike", 0.0, n, draws) for n in (30, 100, 300)]
    of_place = [(name, n, draws) for name in BY_PLACE for n in (30, 100, 300)]
    seeds = iter(np.random.SeedSequence(seed).generate_state(len(blind) + len(of_place) + 1))
    with ProcessPoolExecutor() as pool:
        rows = list(seen(pool.map(_blind, [(*b, int(next(seeds))) for b in blind]), len(blind)))
        yield (
            "False discoveries on retention",
            ["pruner", "keep rate", "documents", "concordance", "matched lift", "odds ratio"],
            rows,
            f"Share of {draws:,} tables of six categories in which any is claimed, at 5 %, of "
            "pruners that prefer none.",
        )
        places = [(*p, int(next(seeds))) for p in of_place]
        rows = list(seen(pool.map(_placed, places), len(places)))
        yield (
            "Claims on pruners that go by position alone",
            ["pruner keeps", "documents", "concordance", "preferred whatever its position"],
            rows,
            f"Share of {draws:,} tables with a claim, where some categories stand early and one "
            "stands last. The second claim needs the odds ratio too.",
        )
        rows = list(seen(pool.map(_power, [(max(1, draws // 10), int(next(seeds)))]), 1))
        yield ("Effects found", ["effect", "runs", "found"], rows, "")


def smallest(title: str, n: int, told: Mapping[float, tuple[float, float]]) -> list[str]:
    """The row of a kind of interval: its smallest coverage, and where.

    Args:
        title: Of the kind.
        n: Documents.
        told: Coverage and share of the draws with an interval, by true value.
    """
    if not told:
        return [title, str(n), "none given", "", "0.00"]
    worst = min(told, key=lambda at: told[at])
    least, given = told[worst]
    return [title, str(n), f"{least:.3f}", f"{worst:g}", f"{given:.2f}"]


def seen(rows: Iterable[list[str]], total: int) -> Iterator[list[str]]:
    """The same rows, each told on stderr when it is there."""
    for done, row in enumerate(rows, start=1):
        print(f"{done}/{total}", *row, sep="  ", file=sys.stderr, flush=True)
        yield row


def main() -> None:
    """Parse, draw, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for title, header, rows, note in tables(options.draws, options.seed):
        print(f"\n{title}\n", "\t".join(header), *("\t".join(row) for row in rows), note, sep="\n")


if __name__ == "__main__":
    main()
