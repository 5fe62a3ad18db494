"""The adjusted odds ratio: outliving a layer, against words of like position and as many pieces."""

import numpy as np

from auditkit.stats.cells import POSITION_BINS, WordCells
from auditkit.stats.strata import Ratio, pairs


def odds_ratios(cells: WordCells) -> Ratio:
    """Mantel–Haenszel odds ratio of outliving a layer, each category against all other words.

    A word is at risk in every layer that it enters alive, and in no later one, so no word counts
    twice. Strata are document × layer × pieces × position (Mantel & Haenszel 1959): they must hold
    the document, or documents that are pruned harder and have more words of a category make an odds
    ratio of random keeping.

    Args:
        cells: A block.

    Returns:
        The ratio's numerator Σ a·d/N and denominator Σ b·c/N, by document and category
        (documents, C, 1): a and b words of the category that survive and drop, c and d others.
    """
    place = cells.pieces.astype(np.int64) * POSITION_BINS + cells.position
    strata = pairs(cells, place)
    (own, everyone) = strata.alive()
    a, b = own[:, 1:], own[:, :-1] - own[:, 1:]
    c = everyone[:, 1:] - a
    d = everyone[:, :-1] - everyone[:, 1:] - b
    risk = everyone[:, :-1]
    per = np.divide(1.0, risk, out=np.zeros(risk.shape), where=risk > 0)
    up, down = ((side * per).sum(axis=1, keepdims=True) for side in (a * d, b * c))
    told = (up + down)[:, 0] > 0  # a stratum that keeps all, or none, compares nothing
    ratio = strata.ratio(up, down)
    return ratio._replace(counts=strata.added(told[:, None].astype(np.float64))[:, :, 0] > 0)
