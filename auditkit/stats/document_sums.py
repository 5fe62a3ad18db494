"""Sums over documents of the words of each category, as retention needs them.

All are taken block by block, so that no dense documents × categories table of a run is ever there.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from auditkit.stats.cells import Floats, Ints, WordCells
from auditkit.stats.inclusion import drop_probability
from auditkit.stats.matched import matched_ratios
from auditkit.stats.odds import odds_ratios
from auditkit.stats.rates import Sums
from auditkit.stats.strata import Ratio


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums of one kind of ratio over the documents that count, (C, m) each."""

    top: Floats
    bottom: Floats
    documents: Ints
    """(C,)"""
    kk: Floats
    kn: Floats
    nn: Floats
    fourth: Floats
    cross: Floats
    """(C, m, m): Σ over documents of the products of K − N, less their means, at two places."""

    def at(self, category: int, place: int = 0) -> Sums:
        """Those of one ratio."""
        top, bottom, kk, kn, nn, fourth = (
            float(sums[category, place])
            for sums in (self.top, self.bottom, self.kk, self.kn, self.nn, self.fourth)
        )
        return Sums(top, bottom, kk, kn, nn, fourth, int(self.documents[category]))


def moments(
    cells: WordCells, ratios: Callable[[WordCells], Mapping[str, Ratio]]
) -> dict[str, Moments]:
    """Moments of the ratios that a block has, by name; the documents are gone through twice."""
    sums = _added(
        {name: (r.top.sum(0), r.bottom.sum(0), r.counts.sum(0)) for name, r in found.items()}
        for found in map(ratios, cells.blocks())
    )
    products = _added(
        {name: _products(r, *sums[name]) for name, r in found.items()}
        for found in map(ratios, cells.blocks())
    )
    return {name: Moments(*sums[name], *products[name]) for name in sums}


def chance_variance(cells: WordCells) -> Floats:
    """Of the words alive after the reference layer under random keeping of pieces (C,)."""
    return sum((block.variance().sum(axis=0) for block in cells.blocks()), np.zeros(1))


def log_chances(cells: WordCells, category: int) -> tuple[float, float]:
    """Log probability that none, and that all, of a category's words stay.

    After the reference layer, under random keeping of pieces, words taken as independent: pieces
    are drawn without replacement, so that both are at most this, and a p from it is on the safe
    side (negative association, Joag-Dev & Proschan 1983).
    """
    mine = cells.category == category
    of = cells.document[mine]
    kept = cells.kept[of, cells.reference - 1]
    gone = drop_probability(cells.total[of], kept, cells.pieces[mine])
    with np.errstate(divide="ignore"):
        none, every = (cells.words[mine] @ np.log(chance) for chance in (gone, 1 - gone))
    return float(none), float(every)


def document_ratios(cells: WordCells) -> dict[str, Ratio]:
    """What retention is made of, of one block: each a ratio of document sums.

    Beside those of `matched_ratios` and `odds_ratios`:

    Returns:
        retention (documents, C, L): words alive after layers 1..L over words.
        retention_macro (documents, C, 1): over documents, that share after the reference layer.
        depth (documents, C, 1): layers outlived over words.
        lift (documents, C, L): words alive over those that random keeping of pieces would keep.
    """
    held = held_ratio(cells)
    kept, words, holds = held.top, held.bottom[:, :, :1], held.counts
    at = slice(cells.reference - 1, cells.reference)
    share = np.divide(kept[:, :, at], words, out=np.zeros(words.shape), where=words > 0)
    expected = cells.expected(range(1, cells.layers + 1))
    return {
        "retention": held,
        "retention_macro": Ratio(share, holds[:, :, None].astype(np.float64), holds),
        "depth": Ratio(kept.sum(axis=2, keepdims=True), words, holds),
        "lift": Ratio(kept, expected, holds),
        "odds_ratio": odds_ratios(cells),
        **matched_ratios(cells),
    }


def held_ratio(cells: WordCells) -> Ratio:
    """Words alive after layers 1..L over words, of one block (documents, C, L)."""
    alive = cells.alive()
    words, kept = alive[:, :, :1], alive[:, :, 1:]
    return Ratio(kept, np.broadcast_to(words, kept.shape), words[:, :, 0] > 0)


def _products(ratio: Ratio, top: Floats, bottom: Floats, documents: Ints) -> tuple[Floats, ...]:
    """Products of what differs from the means, which follow from the sums of all documents."""
    number = np.maximum(documents, 1)[:, None]
    k, n = (
        np.where(ratio.counts[:, :, None], side - total / number, 0.0)
        for side, total in ((ratio.top, top), (ratio.bottom, bottom))
    )
    rate = np.divide(top, bottom, out=np.zeros(top.shape), where=bottom > 0)
    fourth = np.square(np.square(k - rate * n)).sum(0)
    squares = (np.square(k).sum(0), (k * n).sum(0), np.square(n).sum(0))
    return *squares, fourth, np.einsum("dcl,dcm->clm", k - n, k - n)


def _added(parts: Iterable[Mapping[str, tuple[Any, ...]]]) -> dict[str, tuple[Any, ...]]:
    """Arrays added up by name and place."""
    sums: dict[str, tuple[Any, ...]] = {}
    for part in parts:
        for name, arrays in part.items():
            before = sums.get(name, (0,) * len(arrays))
            sums[name] = tuple(a + b for a, b in zip(before, arrays, strict=True))
    return sums
