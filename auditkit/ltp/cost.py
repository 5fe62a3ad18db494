"""Counted cost: multiply-accumulates of the encoder. Never mixed with measured time.

Per layer, with n_in tokens alive in its attention and n_out in its FFN, hidden size d and inner
size f:

    attention  2·d·n_in² + 4·d²·n_in        FFN  2·d·f·n_out

Embeddings and classification head are the same in every arm and are not counted.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Sizes(Protocol):
    """What a count takes from a configuration."""

    @property
    def hidden_size(self) -> int:
        """The width of the hidden states, d."""
        ...

    @property
    def intermediate_size(self) -> int:
        """That inside the FFN, f."""
        ...


@dataclass(frozen=True, slots=True)
class Cost:
    """Counted MACs of B documents in L layers."""

    attention: np.ndarray
    """(L, B) int64"""
    ffn: np.ndarray
    """(L, B) int64"""

    @property
    def total(self) -> np.ndarray:
        """(B,) int64 MACs of each document."""
        macs: np.ndarray = self.attention.sum(0) + self.ffn.sum(0)
        return macs


def count(config: Sizes, lengths: np.ndarray) -> Cost:
    """MACs from the number of tokens alive.

    Args:
        config: Gives hidden and inner size.
        lengths: (L + 1, B) tokens alive before the first layer and after each layer's decision.
    """
    d, f = config.hidden_size, config.intermediate_size
    n_in, n_out = lengths[:-1].astype(np.int64), lengths[1:].astype(np.int64)
    return Cost(2 * d * n_in**2 + 4 * d**2 * n_in, 2 * d * f * n_out)


def macs_share(config: Sizes, lengths: np.ndarray) -> float:
    """MACs of these documents as a share of what they would cost unpruned (≤ 1)."""
    unpruned = np.broadcast_to(lengths[:1], lengths.shape)
    return float(count(config, lengths).total.sum() / count(config, unpruned).total.sum())
