"""Agreement of survival depth with the size of an attribution, one value a document.

All functions take the pieces of one document, special tokens left out: `depth` (n,), the layers
that a piece outlived, and `size` (n,), its |attribution|. What cannot be computed is a `Score`
without value and with the reason.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_PIECES = 8
"""Pieces that a partial correlation given four terms takes: two more than it has parameters."""


class Score(NamedTuple):
    """One document's value, or the reason why it has none."""

    value: float | None
    why_not: str = ""


_CONSTANT_DEPTH = Score(None, "every token has the same survival depth")
_CONSTANT_SIZE = Score(None, "every token has the same attribution")


def kendall_tau(depth: Ints, size: Floats) -> Score:
    """Kendall's τ-b, which allows for the many ties of depth (Kendall 1945)."""
    from scipy.stats import kendalltau

    flat = _flat(depth, size)
    return flat or Score(float(kendalltau(depth, size, variant="b").statistic))


def layer_auroc(depth: Ints, size: Floats, layers: int) -> Score:
    """How well size tells kept from dropped: mean AUROC of the layers with 0 < q_l < 1.

    The chance that a kept token has the larger attribution than a dropped one; ½ by chance.
    """
    from scipy.stats import rankdata

    rank = rankdata(size)
    areas = []
    for layer in range(1, layers + 1):
        kept = depth >= layer
        k = int(kept.sum())
        if 0 < k < len(depth):
            above = rank[kept].sum() - k * (k + 1) / 2
            areas.append(above / (k * (len(depth) - k)))
    if not areas:
        return Score(None, "no layer keeps some tokens and drops others")
    return Score(float(np.mean(areas)))


def corrected_precision(depth: Ints, size: Floats, layers: int) -> Score:
    """Precision of the k largest attributions for the k tokens that outlive all layers.

    Corrected for chance, (precision - k/N) / (1 - k/N): 0 by chance, 1 if they are the same tokens.
    Where equal sizes straddle rank k, the expectation over their order is taken.
    """
    kept = depth >= layers
    n, k = len(depth), int(kept.sum())
    if not 0 < k < n:
        return Score(None, "all tokens or none outlive the last layer")
    cut = np.sort(size)[n - k]
    above, tied = size > cut, size == cut
    hits = kept[above].sum() + (k - above.sum()) * kept[tied].mean()
    return Score(float((hits / k - k / n) / (1 - k / n)))


def partial_spearman(depth: Ints, size: Floats, position: Floats) -> Score:
    """Spearman's correlation given position: its U shape, and whether a token is first or last.

    Ranks of both are freed of what relative position, its square, and a term of their own for the
    first and for the last token explain, then correlated: what both share along the text is no
    agreement. Without the terms of the ends two rankings that favour the first token alone agree.

    Args:
        depth: Survival depths (n,).
        size: |attribution| (n,).
        position: Positions in the document (n,), in any unit.
    """
    from scipy.stats import rankdata

    if len(depth) < FEWEST_PIECES:
        return Score(None, f"fewer than {FEWEST_PIECES} tokens")
    if flat := _flat(depth, size):
        return flat
    relative = (position - position.min()) / np.ptp(position) - 0.5
    ends = [relative == bound for bound in (-0.5, 0.5)]
    terms = np.column_stack([np.ones_like(relative), relative, relative**2, *ends])  # (n, 5)
    ranks = np.column_stack([rankdata(depth), rankdata(size)])
    residual = ranks - terms @ np.linalg.lstsq(terms, ranks, rcond=None)[0]
    spread = np.sqrt((residual**2).sum(axis=0))
    if (spread < 1e-9 * len(depth)).any():
        return Score(None, "position explains the order of the tokens entirely")
    return Score(float(residual[:, 0] @ residual[:, 1] / spread.prod()))


def as_depth(size: Floats, depth: Ints) -> Ints:
    """Deal the depths of a document to its tokens by size: the largest lives longest.

    What a pruner would do that follows `size` at the counts of `depth`, so that two attributions
    can be compared on the scale of pruning (equal sizes: the earlier token lives longer).
    """
    dealt = np.empty_like(depth)
    dealt[np.argsort(-size, kind="stable")] = np.sort(depth)[::-1]
    return dealt


def _flat(depth: Ints, size: Floats) -> Score | None:
    if len(depth) == 0 or np.ptp(depth) == 0:
        return _CONSTANT_DEPTH
    return _CONSTANT_SIZE if np.ptp(size) == 0 else None
