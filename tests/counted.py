"""Words one by one, and counted into cells: what tests of survival and odds share."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from auditkit.stats.cells import WordCells, reference_layer
from auditkit.testing import whole
from auditkit.trace import Trace

NAMES = ("adjective", "noun", "rare", "verb")
"""The categories of `some_words`."""


@dataclass(frozen=True)
class Words:
    """Words as arrays (words,), and their documents."""

    layers: int
    total: np.ndarray
    """(documents,)"""
    kept: np.ndarray
    """(documents, layers)"""
    names: tuple[str, ...]
    document: np.ndarray
    category: np.ndarray
    pieces: np.ndarray
    position: np.ndarray
    depth: np.ndarray

    def cells(self) -> WordCells:
        """The same words, counted."""
        counts = Counter(
            zip(self.document, self.category, self.pieces, self.position, self.depth, strict=True)
        )
        rows = np.array([(*key, n) for key, n in sorted(counts.items())]).reshape(-1, 6)
        return WordCells(
            layers=self.layers,
            reference=reference_layer(self.total, self.kept),
            total=self.total,
            kept=self.kept,
            names=self.names,
            document=rows[:, 0].astype(np.int32),
            category=rows[:, 1].astype(np.int16),
            pieces=rows[:, 2].astype(np.int16),
            position=rows[:, 3].astype(np.int8),
            depth=rows[:, 4].astype(np.int8),
            words=rows[:, 5].astype(np.int32),
        )


def of_words(
    document: np.ndarray,
    category: np.ndarray,
    depth: np.ndarray,
    position: np.ndarray,
    *,
    documents: int,
    categories: int,
    layers: int,
) -> Words:
    """Words of one piece in documents of one length, so that position alone makes strata."""
    return Words(
        layers=layers,
        total=np.full(documents, 20),
        kept=np.full((documents, layers), 10),
        names=tuple("abcdefgh"[:categories]),
        document=document,
        category=category,
        pieces=np.ones(document.size, dtype=np.int64),
        position=position,
        depth=depth,
    )


def some_words(seed: int, documents: int = 50, layers: int = 3) -> Words:
    """Words whose pieces die at random; few hold `rare`, every seventh document has no word."""
    rng = np.random.default_rng(seed)
    size = rng.integers(8, 30, documents) * (np.arange(documents) % 7 != 3)
    document = np.repeat(np.arange(documents), size)
    category = rng.choice([-1, 0, 1, 3], p=[0.3, 0.1, 0.4, 0.2], size=document.size)
    category[(document < 20) & (rng.random(document.size) < 0.1)] = 2
    pieces = rng.choice([1, 2, 3, 5], p=[0.7, 0.15, 0.1, 0.05], size=document.size)
    total = np.bincount(document, weights=pieces, minlength=documents).astype(np.int64) + 2
    outlived = np.minimum(rng.geometric(0.35, int(total.sum())) - 1, layers)
    owner = np.repeat(np.arange(documents), total)
    kept = np.stack(
        [np.bincount(owner[outlived >= i], minlength=documents) for i in range(1, layers + 1)],
        axis=1,
    )
    ends = np.cumsum(pieces) + 2 * (document + 1)  # two pieces of a document are of no word
    depth = np.array([outlived[e - g : e].max() for e, g in zip(ends, pieces, strict=True)])
    return Words(
        layers, total, kept, NAMES, document, category, pieces,
        rng.integers(0, 10, document.size), depth,
    )  # fmt: skip


def reference_of(trace: Trace) -> int:
    """The reference layer of a run by its definition, layer by layer."""
    tokens = whole(trace, "tokens")
    depth = tokens.loc[~tokens["special"], "depth"]
    far = {layer: abs((depth >= layer).mean() - 0.5) for layer in range(1, trace.about.layers + 1)}
    return max(layer for layer, value in far.items() if value <= min(far.values()) + 1e-12)
