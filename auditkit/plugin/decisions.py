"""Keep decisions of the same tokens, made twice: how many differ."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

DECISION = (
    "A keep decision is a pair of a token and a layer that the token enters alive in both; it is "
    "changed if one of them keeps the token and the other drops it. A token has no decision to "
    "compare after its first changed one. Layers that drop nothing count too; special tokens do "
    "not."
)
"""What is counted here, for a caveat."""


def changed_decisions(
    document: NDArray[np.integer],
    special: NDArray[np.bool_],
    ours: NDArray[np.integer],
    theirs: NDArray[np.integer],
    layers: int,
) -> tuple[Ints, Ints]:
    """Keep decisions that differ, and all that there are to compare, by document and layer.

    A token of depths a and b decides alike in the layers up to min(a, b) and, unless a = b, decides
    differently in the next.

    Args:
        document: Code 0..documents−1 of each token's document (tokens,).
        special: Whether it is a special token, which has no decision to compare (tokens,).
        ours: Survival depths, 0..layers (tokens,).
        theirs: Those of the other side, of the same tokens (tokens,).
        layers: L.

    Returns:
        Changed and all decisions, (documents, L) each; a document up to the largest code without
        any has zeros.
    """
    documents = int(document.max(initial=-1)) + 1
    low, differs = np.minimum(ours, theirs), ours != theirs
    changed, whole = (np.zeros((documents, layers), dtype=np.int64) for _ in range(2))
    for layer in range(layers):
        entering = ~special & (low >= layer)
        whole[:, layer] = np.bincount(document[entering], minlength=documents)
        changed[:, layer] = np.bincount(
            document[entering & differs & (low == layer)], minlength=documents
        )
    return changed, whole
