"""The adjusted odds ratio: outliving a layer, each category against words of like position.

Words are counted by category, stratum and depth: numbers at risk and surviving are tail sums over
depth, so one sparse product of the counts serves all layers of a resample.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from auditkit.stats.cells import POSITION_BINS, WordCells
from auditkit.stats.estimates import Estimate, resampled, too_few
from auditkit.stats.resampling import Bootstrap, Floats, resampled_sums

LENGTH_BINS = 5
MAX_PIECES = 3
"""Words of this many pieces and more are one stratum."""

STRATA = POSITION_BINS * LENGTH_BINS * MAX_PIECES

_AT_ONCE = 2**20  # counts of resamples that are worked on together: 8 MB


def odds_ratios(cells: WordCells, bootstrap: Bootstrap) -> list[Estimate]:
    """Mantel–Haenszel odds ratio of outliving a layer, each category against all other words.

    A word is at risk in every layer that it enters alive, and in no later one, so no word counts
    twice. Strata are layer × position × document length × pieces (Mantel & Haenszel 1959); the
    interval is a document bootstrap, because the usual standard error takes words for independent.

    Returns:
        One estimate a category, in the order of `cells.names`.
    """
    documents = len(cells.total)
    if documents == 0:
        return [Estimate(None, 0, why_not=too_few("rate", 0))] * len(cells.names)
    table = _table(cells)
    step = max(1, _AT_ONCE // table.shape[1])
    point = _mantel_haenszel(resampled_sums(np.ones((1, documents)), table), cells)[:, 0]  # (C,)
    samples = np.concatenate(
        [
            _mantel_haenszel(resampled_sums(weights[start : start + step], table), cells)
            for weights in bootstrap.weights(documents)
            for start in range(0, len(weights), step)
        ],
        axis=1,
    )  # (C, resamples)
    return [
        _odds(float(value), drawn, int(holders))
        for value, drawn, holders in zip(point, samples, cells.holders(), strict=True)
    ]


def _table(cells: WordCells) -> sparse.csr_array:
    """Numbers of words (documents, category × stratum × depth); no category comes last.

    The counts are those of `cells`, not copied: rows of one cell add up in a product.
    """
    edges = np.quantile(cells.total, np.arange(1, LENGTH_BINS) / LENGTH_BINS)
    code, end = np.empty(cells.words.size, dtype=np.int32), 0
    for block in cells.blocks():
        start, end = end, end + block.words.size
        category = np.where(block.category < 0, len(cells.names), block.category)
        cell = category.astype(np.int32) * STRATA + _strata(block, edges)
        code[start:end] = cell * (cells.layers + 1) + block.depth
    shape = (len(cells.total), (len(cells.names) + 1) * STRATA * (cells.layers + 1))
    return sparse.csr_array((cells.words, code, cells.starts().astype(np.int32)), shape=shape)


def _strata(cells: WordCells, edges: Floats) -> NDArray[np.int32]:
    """Position × document length × pieces of every row (rows,), as one code below `STRATA`."""
    length = np.searchsorted(edges, cells.total, side="right")[cells.document]
    pieces = np.clip(cells.pieces, 1, MAX_PIECES).astype(np.int32) - 1
    return np.asarray(
        (cells.position.astype(np.int32) * LENGTH_BINS + length) * MAX_PIECES + pieces,
        dtype=np.int32,
    )


def _mantel_haenszel(sums: Floats, cells: WordCells) -> Floats:
    """Odds ratios (C, m) from counts (m, cells) of `_table`; NaN or inf where there is none."""
    counts = sums.T.reshape(len(cells.names) + 1, STRATA, cells.layers + 1, len(sums))
    alive = np.cumsum(counts[:, :, ::-1], axis=2)[:, :, ::-1]  # words of depth >= l, l = 0..L
    total = alive.sum(axis=0)  # (strata, L + 1, m)
    risk, survived = total[:, :-1], total[:, 1:]  # on entry of layers 1..L, and after them
    per = np.divide(1.0, risk, out=np.zeros(risk.shape), where=risk > 0)
    dropped = risk - survived
    odds = np.empty((len(cells.names), len(sums)))
    for c, own in enumerate(alive[:-1]):
        a, b = own[:, 1:], own[:, :-1] - own[:, 1:]  # survived, dropped
        up = np.einsum("slm,slm,slm->m", a, dropped - b, per)
        down = np.einsum("slm,slm,slm->m", b, survived - a, per)
        with np.errstate(divide="ignore", invalid="ignore"):
            odds[c] = up / down
    return odds


def _odds(value: float, samples: Floats, documents: int) -> Estimate:
    if few := too_few("rate", documents):
        return Estimate(None, documents, why_not=few)
    if not np.isfinite(value):
        return Estimate(
            None, documents, why_not="no stratum holds both dropped and kept words to compare"
        )
    return resampled(value, documents, samples, "odds_ratio")
