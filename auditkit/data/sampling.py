"""Which documents are drawn."""

import hashlib
from collections.abc import Mapping

import numpy as np


def stratified(labels: Mapping[str, int], size: int, *seed: int) -> list[str]:
    """`size` of the documents, each label with its share, rounded by largest remainder.

    Of each label those are drawn whose ids, with the seed, have the lowest SHA-256: what is drawn
    does not depend on the order of the documents.

    Args:
        labels: Label by id.
        size: How many; all where there are fewer.
        seed: Whole numbers; others draw other documents.

    Returns:
        Ids, in the order of `labels`.
    """
    if size >= len(labels):
        return list(labels)
    values, counts = np.unique(list(labels.values()), return_counts=True)
    quota, remainder = np.divmod(size * counts, len(labels))  # whole numbers: exact
    for place in np.argsort(-remainder, kind="stable")[: size - quota.sum()]:
        quota[place] += 1
    left = dict(zip(values.tolist(), quota.tolist(), strict=True))
    drawn = set()
    for name in sorted(labels, key=lambda name: _hash(name, seed)):
        if left[labels[name]]:
            left[labels[name]] -= 1
            drawn.add(name)
    return [name for name in labels if name in drawn]


def _hash(name: str, seed: tuple[int, ...]) -> bytes:
    return hashlib.sha256(f"{seed} {name}".encode()).digest()
