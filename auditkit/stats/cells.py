"""Words counted by what tells them apart: document, category, pieces, position and depth.

A run of millions of words is a table of counts, of which whatever retention needs is a sum over
documents. `WordCells` holds the table; its dense sums (documents × categories × layers) are meant
for `blocks` of documents, so that memory does not grow with the run.

N and k are a document's pieces before and alive after a layer, special tokens left out. A word's
survival depth is the maximum over its pieces: it is there while any piece is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditkit.errors import ProbeError
from auditkit.stats.inclusion import inclusion_probability, kept_count_variance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

POSITION_BINS = 12
"""The first word, ten equal parts of those between, the last word."""

PIECES = 4
"""Into how many sizes of words `by_pieces` parts a category."""

_BLOCK = 2**18  # numbers of a dense table of one block


@dataclass(frozen=True, slots=True, eq=False)
class WordCells:
    """How many words share document, category, pieces, position and depth.

    Arrays (rows,) are sorted by document; a combination may stand in several rows. The narrow
    integer types named below keep a run small; wider ones do as well.
    """

    layers: int
    reference: int
    """The run's reference layer, 1..L; a selection keeps that of the whole run."""
    total: NDArray[np.integer[Any]]
    """N (documents,)"""
    kept: NDArray[np.integer[Any]]
    """k after layers 1..L (documents, L)"""
    names: tuple[str, ...]
    """Categories in order of name."""
    document: NDArray[np.integer[Any]]
    """(rows,) int32, as all below: 0..documents−1, ascending."""
    category: NDArray[np.integer[Any]]
    """int16: index into `names`; −1 for words of no category, which are only compared with."""
    pieces: NDArray[np.integer[Any]]
    """int16: g, the number of pieces that the model read."""
    position: NDArray[np.integer[Any]]
    """int8: relative position in the document, 0..11."""
    depth: NDArray[np.integer[Any]]
    """int8: survival depth, 0..L."""
    words: NDArray[np.integer[Any]]
    """int32: how many words the row stands for."""

    def __post_init__(self) -> None:
        if (self.document[1:] < self.document[:-1]).any():
            raise ProbeError("cells of words are not sorted by document: sort the rows by it first")

    def select(self, documents: NDArray[np.bool_]) -> "WordCells":
        """Only these documents (documents,), and of them only those that hold a word."""
        rows = np.diff(self.starts())  # (documents,)
        keep = documents & (rows > 0)
        inside = np.repeat(keep, rows)  # (rows,)
        number = np.arange(keep.sum(), dtype=self.document.dtype)
        return replace(
            self,
            total=self.total[keep],
            kept=self.kept[keep],
            document=np.repeat(number, rows[keep]),
            **{name: getattr(self, name)[inside] for name in _OF_ROWS},
        )

    def by_pieces(self) -> "WordCells":
        """Each category as `PIECES` ones, by the pieces of its words; the last is of all longer."""
        size = np.minimum(self.pieces.astype(np.int64), PIECES) - 1
        category = self.category.astype(np.int64) * PIECES + size
        names = tuple(name for name in self.names for _ in range(PIECES))
        return replace(self, names=names, category=np.where(self.category < 0, -1, category))

    def starts(self) -> Ints:
        """Where the rows of each document start, and where the last one's end (documents + 1,)."""
        numbers = np.arange(len(self.total) + 1, dtype=self.document.dtype)
        return np.asarray(np.searchsorted(self.document, numbers), dtype=np.int64)

    def blocks(self) -> Iterator["WordCells"]:
        """All documents in order, those without words too, so many that dense sums stay small."""
        size = max(1, _BLOCK // max(1, len(self.names) * (self.layers + 1)))
        edges = [*range(0, len(self.total), size), len(self.total)]
        rows = np.searchsorted(self.document, np.array(edges, dtype=self.document.dtype))
        for i, start in enumerate(edges[:-1]):
            mine = slice(rows[i], rows[i + 1])
            yield replace(
                self,
                total=self.total[start : edges[i + 1]],
                kept=self.kept[start : edges[i + 1]],
                document=self.document[mine] - start,
                **{name: getattr(self, name)[mine] for name in _OF_ROWS},
            )

    def holders(self) -> Ints:
        """How many documents hold a word of each category (C,)."""
        found = np.zeros(len(self.names), dtype=np.int64)
        for block in self.blocks():
            inside = block.category >= 0
            holds = np.zeros((len(block.total), len(self.names)), dtype=np.bool_)
            holds[block.document[inside], block.category[inside]] = True
            found += holds.sum(axis=0)
        return found

    def alive(self) -> Floats:
        """Words alive after layers 0..L of each document and category (documents, C, L + 1)."""
        inside = self.category >= 0
        depths = self.layers + 1
        cell = self._units(inside) * depths + self.depth[inside]
        of_depth = self._sums(cell, self.words[inside], depths)
        return np.asarray(of_depth[:, :, ::-1].cumsum(axis=2)[:, :, ::-1])

    def expected(self, layers: Sequence[int]) -> Floats:
        """Words alive after each of `layers` (1..L) under random keeping (documents, C, layers).

        π follows from document and pieces alone, so it is computed once for words alike in both.
        """
        inside = self.category >= 0
        unit, words = self._units(inside), self.words[inside]
        width = int(self.pieces.max(initial=0)) + 1
        alike = self.document[inside].astype(np.int64) * width + self.pieces[inside]
        keys, which = np.unique(alike, return_inverse=True)
        document, pieces = np.divmod(keys, width)
        total, kept = self.total[document, None], self.kept[document][:, np.array(layers) - 1]
        chance = inclusion_probability(total, kept, pieces[:, None])  # (alike, layers)
        sums = [self._sums(unit, words * column[which], 1) for column in chance.T]
        return np.concatenate(sums, axis=2)

    def variance(self) -> Floats:
        """Of the words alive after the reference layer, under random keeping (documents, C)."""
        inside = self.category >= 0
        document = self.document[inside]
        flat = kept_count_variance(
            self._units(inside),
            self.total[document],
            self.kept[document, self.reference - 1],
            self.pieces[inside],
            self.words[inside],
            len(self.total) * len(self.names),
        )
        return flat.reshape(len(self.total), len(self.names))

    def _units(self, inside: NDArray[np.bool_]) -> Ints:
        """Document × category of the rows that have one, as one code."""
        return np.asarray(
            self.document[inside].astype(np.int64) * len(self.names) + self.category[inside]
        )

    def _sums(self, cell: Ints, values: NDArray[Any], width: int) -> Floats:
        """(rows,) values added up by cell, as (documents, C, width)."""
        shape = (len(self.total), len(self.names), width)
        flat = np.bincount(cell, weights=values, minlength=int(np.prod(shape)))
        return flat.astype(np.float64, copy=False).reshape(shape)


_OF_ROWS = ("category", "pieces", "position", "depth", "words")


def reference_layer(total: NDArray[np.integer[Any]], kept: NDArray[np.integer[Any]]) -> int:
    """The layer after which the share of pieces alive, ΣK/ΣN, is nearest to one half.

    There the kept and the dropped are both many, so that it tells most about what tells them apart;
    after a last layer that drops nearly all, rates would rest on a handful of words.

    Args:
        total: N (documents,).
        kept: k after layers 1..L (documents, L), of all documents of the run.

    Returns:
        1..L; of layers equally near the last. 0 where no layer is known.
    """
    if not kept.shape[1]:
        return 0
    alive = kept.sum(axis=0, dtype=np.int64)  # (L,)
    distance = np.abs(2 * alive - total.sum(dtype=np.int64))  # integers: ties are exact
    return int(np.flatnonzero(distance == distance.min())[-1]) + 1


def position_bins(
    document: NDArray[np.integer[Any]], word: NDArray[np.integer[Any]]
) -> NDArray[np.int64]:
    """Relative position of each word: its rank within its document, as one of `POSITION_BINS`.

    The first and the last word stand alone: a pruner may treat them unlike all others, and in wider
    bins that would look like a preference for what stands there.

    Args:
        document: Document of each word (words,).
        word: Number of each word within its document (words,), ascending with the text.
    """
    order = np.lexsort((word, document))
    size = np.bincount(document, minlength=1)
    first = np.cumsum(size) - size
    rank = np.empty(document.size, dtype=np.int64)
    rank[order] = np.arange(document.size) - first[document[order]]
    last = size[document] - 1
    between = 1 + (rank - 1) * (POSITION_BINS - 2) // np.maximum(last - 1, 1)
    ends = np.where(rank == 0, 0, POSITION_BINS - 1)
    return np.where((rank == 0) | (rank == last), ends, between)
