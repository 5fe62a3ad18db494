"""Words against other words of as many pieces in the same document.

Words of many pieces are dropped for being long, and a document that is pruned hard drops words of
all kinds. Within a stratum of one document and one number of pieces neither plays a part, so what
differs there is what the pruner prefers. The formulas are those of the audit's own rules for
controls of retention; a stratum has n words, m of them of the category, of which x of k are alive.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import gammaln
from scipy.stats import hypergeom, norm

from auditkit.stats.cells import Floats, WordCells
from auditkit.stats.strata import Pairs, Ratio, pairs

FEW_WORDS = 10.0
"""Standard deviations, in words, above which the exact distribution is as good as normal."""


def matched_ratios(cells: WordCells) -> dict[str, Ratio]:
    """Ratios of document sums of a block, over the strata document × pieces.

    Returns:
        concordance (documents, C, 1): the share of the other words of a stratum that a word of the
            category outlives, ties counting half; ½ by chance.
        matched_lift (documents, C, L): words alive after layers 1..L over their expectation given
            k, Σx/Σ(m·k/n).
        rate_ratio (documents, C, L): words alive over those that there were if the category were
            kept like the other words, Σx/Σ(m·(k − x)/(n − m)).
        depth_change (documents, C, 1): layers outlived more than the words of the stratum on
            average, by word of the category.
        whole_words (documents, C, L): as matched_lift, of strata that are whole documents: against
            keeping as many whole words at random.
    """
    by_pieces = pairs(cells, cells.pieces)
    by_document = pairs(cells, np.zeros_like(cells.pieces))
    m, n = by_pieces.sizes
    x, k = (alive[:, 1:] for alive in by_pieces.alive())
    others = by_pieces.everyone - by_pieces.own
    outlived = others.cumsum(axis=1) - others / 2  # of the other words, by own depth
    won = (by_pieces.own * outlived).sum(axis=1, keepdims=True)
    more = (x - m * k / n).sum(axis=1, keepdims=True)
    return {
        "concordance": by_pieces.ratio(won / (n - m), m),
        "matched_lift": by_pieces.ratio(x, m * k / n),
        "rate_ratio": by_pieces.ratio(x, m * (k - x) / (n - m)),
        "depth_change": by_pieces.ratio(more, m),
        "whole_words": _expected(by_document),
    }


def _expected(strata: Pairs) -> Ratio:
    m, n = strata.sizes
    x, k = (alive[:, 1:] for alive in strata.alive())
    return strata.ratio(x, m * k / n)


def log_extremes(cells: WordCells) -> tuple[Floats, Floats]:
    """Log probability that none, and that all, of a category's words stay (C, L) each.

    After layers 1..L, given how many words each stratum keeps: C(n − k, m)/C(n, m) and
    C(k, m)/C(n, m) of one stratum.
    """
    none, every = (np.zeros((len(cells.names), cells.layers)) for _ in range(2))
    for block in cells.blocks():
        strata = pairs(block, block.pieces)
        m, n = strata.sizes
        k = strata.alive()[1][:, 1:]
        category = strata.unit % len(cells.names)
        with np.errstate(invalid="ignore"):
            for found, left in ((none, n - k), (every, k)):
                log = _log_choose(left, m) - _log_choose(n, m)
                np.add.at(found, category, np.where(left >= m, log, -np.inf))
    return none, every


def _log_choose(n: Floats, m: Floats) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1))


def exact_p(cells: WordCells, category: int, layer: int) -> float:
    """Two-sided mid-p of the words of a category alive after a layer, given k of every stratum.

    Under the hypothesis that each word of a stratum is as likely to stay as any other, whatever its
    neighbours: the count is a sum of hypergeometric ones, by convolution, and normal where its
    standard deviation is `FEW_WORDS` or more.

    Args:
        cells: The words.
        category: Index into `names`.
        layer: 1..L.
    """
    sizes = [_hypergeometric(block, category, layer) for block in _holding(cells, category)]
    n, k, m, x = np.concatenate(sizes, axis=1)
    observed, expected = float(x.sum()), float((m * k / n).sum())
    deviation = float(np.sqrt((m * k * (n - m) * (n - k) / (n**2 * (n - 1))).sum()))
    if deviation >= FEW_WORDS:
        return float(min(1.0, 2 * norm.sf(abs(observed - expected) / deviation)))
    chance = np.ones(1)
    for row in np.column_stack([n, k, m]):
        chance = np.convolve(chance, hypergeom.pmf(np.arange(row[2] + 1), *row))
    at = round(observed)
    below, above = chance[:at].sum(), chance[at + 1 :].sum()
    return float(min(1.0, 2 * (min(below, above) + chance[at] / 2)))


def _holding(cells: WordCells, category: int) -> Iterator[WordCells]:
    """Blocks of the documents that hold words of the category."""
    holds = np.zeros(len(cells.total), dtype=np.bool_)
    holds[cells.document[cells.category == category]] = True
    yield from cells.select(holds).blocks()


def _hypergeometric(block: WordCells, category: int, layer: int) -> Floats:
    """n, k, m and x of the strata of a block that hold words of the category (4, strata)."""
    strata = pairs(block, block.pieces)
    mine = strata.unit % len(block.names) == category
    x, k = (alive[mine, layer] for alive in strata.alive())
    m, n = (size[mine, 0] for size in strata.sizes)
    return np.stack([n, k, m, x])
