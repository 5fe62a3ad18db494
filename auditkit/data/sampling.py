"""Which rows are drawn."""

from collections.abc import Mapping

import numpy as np


def stratified(coded: Mapping[int, int], limit: int, rng: np.random.Generator) -> list[int]:
    """`limit` of the rows, each label with its share, rounded by largest remainder."""
    rows = np.array(list(coded))
    if limit >= len(rows):
        return list(coded)
    labels, counts = np.unique(list(coded.values()), return_counts=True)
    quota, remainder = np.divmod(limit * counts, len(rows))  # whole numbers: exact
    for place in np.argsort(-remainder, kind="stable")[: limit - quota.sum()]:
        quota[place] += 1
    of_row = np.array(list(coded.values()))
    chosen = [
        rng.choice(rows[of_row == label], size=size, replace=False)
        for label, size in zip(labels, quota, strict=True)
    ]
    return sorted(int(row) for row in np.concatenate(chosen))
