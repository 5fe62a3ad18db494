"""Words of a category set against the other words of their stratum, document by document.

A stratum is made of words that could stand for each other: of one document, and of as many pieces,
say. What a document kept, and how long its words are, is the same on both sides of such a
comparison.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from auditkit.stats.cells import Floats, Ints, WordCells


class Ratio(NamedTuple):
    """K and N of ratios of document sums (documents, C, m), and which documents count."""

    top: Floats
    bottom: Floats
    counts: NDArray[np.bool_]
    """(documents, C): whether the document counts for the category."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Strata that hold words of a category and others besides, once for each such category (P,).

    Which these are follows from the words alone, never from what was kept.
    """

    unit: Ints
    """(P,) document · C + category."""
    own: Floats
    """(P, L + 1): words of the category by survival depth."""
    everyone: Floats
    """(P, L + 1): all words of the stratum."""
    shape: tuple[int, int]
    """Documents and C."""

    @property
    def sizes(self) -> tuple[Floats, Floats]:
        """Of the category m, of the stratum n words (P, 1) each; 0 < m < n."""
        return self.own.sum(axis=1)[:, None], self.everyone.sum(axis=1)[:, None]

    def alive(self) -> tuple[Floats, Floats]:
        """Of the category x, of the stratum k words alive after layers 0..L (P, L + 1) each."""
        x, k = (side[:, ::-1].cumsum(axis=1)[:, ::-1] for side in (self.own, self.everyone))
        return x, k

    def added(self, values: Floats) -> Floats:
        """Values of the strata (P, m), added up by document and category (documents, C, m)."""
        documents, categories = self.shape
        sums = [
            np.bincount(self.unit, weights=column, minlength=documents * categories)
            for column in values.T
        ]
        flat: Floats = np.stack(sums, axis=-1, dtype=np.float64)
        return flat.reshape(documents, categories, -1)

    def ratio(self, top: Floats, bottom: Floats) -> Ratio:
        """Values of the strata (P, m) each, as ratios of document sums."""
        held = self.added(np.ones((len(self.unit), 1)))[:, :, 0] > 0
        return Ratio(self.added(top), self.added(bottom), held)


def pairs(cells: WordCells, key: NDArray[np.integer[Any]]) -> Pairs:
    """The strata document × `key` of a block of cells.

    Args:
        cells: A block.
        key: What else a stratum's words share, for each row of the cells (rows,), at least 0.
    """
    keys, categories = int(key.max(initial=0)) + 1, len(cells.names)
    strata, stratum = np.unique(cells.document.astype(np.int64) * keys + key, return_inverse=True)
    everyone = _by_depth(cells, stratum, strata.size)
    inside = cells.category >= 0
    found, which = np.unique(
        stratum[inside] * categories + cells.category[inside], return_inverse=True
    )
    row = np.full(stratum.size, found.size, dtype=np.int64)  # one more, for words of no category
    row[inside] = which
    own, of = _by_depth(cells, row, found.size + 1)[:-1], found // categories
    mixed = own.sum(axis=1) < everyone[of].sum(axis=1)
    unit = strata[of] // keys * categories + found % categories
    return Pairs(unit[mixed], own[mixed], everyone[of][mixed], (len(cells.total), categories))


def _by_depth(cells: WordCells, row: Ints, rows: int) -> Floats:
    """Words by row and survival depth (rows, L + 1)."""
    depths = cells.layers + 1
    flat = np.bincount(row * depths + cells.depth, weights=cells.words, minlength=rows * depths)
    return flat.astype(np.float64, copy=False).reshape(rows, depths)
