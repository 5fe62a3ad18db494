"""Sums over documents of the words of each category, as retention needs them.

All are taken block by block, so that no dense documents × categories table of a run is ever there.
"""

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from auditkit.stats.cells import Floats, WordCells


def by_chance(cells: WordCells) -> tuple[Floats, Floats]:
    """Words kept by random keeping after layers 1..L (C, L); variance at the reference (C,)."""
    layers = range(1, cells.layers + 1)
    expected = np.zeros((len(cells.names), cells.layers))
    variance = np.zeros(len(cells.names))
    for block in cells.blocks():
        expected += block.expected(layers).sum(axis=0)
        variance += block.variance().sum(axis=0)
    return expected, variance


def ratio_sums(cells: WordCells) -> tuple[Floats, Floats, Floats]:
    """ΣK, ΣN and Σ(K − R·N)² of each category's ratios of document sums, (C, L + 2) each.

    The ratios: alive after layers 1..L; the mean over documents of the share alive after the
    reference layer; survival depth.
    """
    shape = (len(cells.names), cells.layers + 2)
    top, bottom, squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for k, n in _numbers(cells):
        top += k.sum(axis=0)
        bottom += n.sum(axis=0)
    ratio = np.divide(top, bottom, out=np.zeros(shape), where=bottom > 0)
    for k, n in _numbers(cells):
        squares += ((k - ratio * n) ** 2).sum(axis=0)
    return top, bottom, squares


def _numbers(cells: WordCells) -> Iterator[tuple[Floats, Floats]]:
    """K and N of every ratio of `ratio_sums`, block by block, (documents, C, L + 2) each."""
    for block in cells.blocks():
        alive = block.alive()
        words, kept = alive[:, :, 0], alive[:, :, block.reference]
        has = words > 0
        share = np.divide(kept, words, out=np.zeros(words.shape), where=has)
        depth = alive[:, :, 1:].sum(axis=2)
        numerators = np.concatenate([alive[:, :, 1:], share[:, :, None], depth[:, :, None]], axis=2)
        denominators = np.repeat(words[:, :, None], numerators.shape[2], axis=2)
        denominators[:, :, -2] = has
        yield numerators, denominators


def document_tables(cells: WordCells) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Words kept after the reference layer, and expected to be, (documents, C) each.

    Stored are the pairs of document and category that hold any word, and these once for both.
    """
    pairs = int(cells.holders().sum())
    kept, expected = np.empty(pairs, dtype=np.int32), np.empty(pairs)
    category = np.empty(pairs, dtype=np.int32)
    ends, end = [np.zeros(1, dtype=np.int32)], 0
    for block in cells.blocks():
        alive = block.alive()
        has = alive[:, :, 0] > 0
        start, end = end, end + int(has.sum())
        kept[start:end] = alive[:, :, block.reference][has]
        expected[start:end] = block.expected([block.reference])[:, :, 0][has]
        category[start:end] = np.nonzero(has)[1]
        ends.append((start + has.sum(axis=1).cumsum()).astype(np.int32))
    shape, starts = (len(cells.total), len(cells.names)), np.concatenate(ends)
    return (
        sparse.csr_array((kept, category, starts), shape=shape),
        sparse.csr_array((expected, category, starts), shape=shape),
    )
