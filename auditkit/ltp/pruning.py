"""Which tokens go on: hard decisions, soft masks, and the random control."""

import math

import numpy as np
import torch
from torch import Tensor

from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.packing import Packing

SCORE_FLOOR = 1e-5
"""A token below this score is dropped whatever the threshold, as in the original implementation."""


def norms(config: LTPConfig, length: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """(B,) what each document's scores are divided by, apart from the number of heads.

    Args:
        config: Gives `score_norm`.
        length: (B,) the document's own number of tokens.
        alive: (B,) its tokens alive on entry of the layer.
    """
    if config.padded_length is not None:
        return np.full(len(length), config.padded_length)
    return length if config.score_norm == "length" else alive


def finite(thresholds: list[float]) -> list[float]:
    """The thresholds, checked.

    Raises:
        ValueError: One is NaN or infinite.
    """
    for layer, threshold in enumerate(thresholds, start=1):
        if not math.isfinite(threshold):
            raise ValueError(
                f"the threshold of layer {layer} is {threshold}, expected a finite number"
            )
    return thresholds


def prunes(config: LTPConfig, layer: int, thresholds: list[float]) -> bool:
    """Whether the layer can drop a token at all; where it cannot, nobody needs its scores."""
    if config.rule == "absolute":
        return thresholds[layer] != 0.0
    if config.rule == "topk":
        return topk_rate(config, layer) < 1.0
    return True


def topk_rate(config: LTPConfig, layer: int) -> float:
    """Share of a document's tokens that `topk` leaves after the layer (counted from 0).

    The first max(3, ⌈0.15·L⌉) layers keep all, then the rate falls linearly to `topk_rate` at the
    last layer, never under 0.01 (SpAtten's schedule as the original LTP code has it).
    """
    layers = config.num_hidden_layers
    head = max(3, int(np.ceil(0.15 * layers)))
    if layer < head:
        return 1.0
    falling = layers - head
    return max(0.01, 1.0 - (1.0 - config.topk_rate) * (layer - head + 1) / falling)


def keep_mask(
    config: LTPConfig,
    layer: int,
    threshold: Tensor,
    score: Tensor,
    packing: Packing,
    length: np.ndarray,
) -> Tensor:
    """The layer's hard decision.

    Args:
        config: Gives the rule.
        layer: Layer, from 0.
        threshold: Scalar, of rule `absolute`.
        score: (alive,) float32 importance scores.
        packing: The rows alive on entry.
        length: (B,) the documents' own number of tokens.

    Returns:
        (alive,) bool.
    """
    if config.rule == "absolute":
        return score >= threshold.clamp(min=SCORE_FLOOR)
    documents = torch.from_numpy(packing.documents()).to(score.device)
    if config.rule == "relative":
        largest = score.new_zeros(len(length)).scatter_reduce(0, documents, score, "amax")
        return score >= config.relative_threshold * largest[documents]
    # half to even, of a product in float32 as in the original: .75 is often .7500000000000001
    rate = np.float32(topk_rate(config, layer))
    count = np.rint(rate * length.astype(np.float32)).astype(np.int64)
    by_score = torch.argsort(score, descending=True, stable=True)
    order = by_score[torch.argsort(documents[by_score], stable=True)]
    start = torch.from_numpy(np.cumsum(packing.lengths) - packing.lengths).to(score.device)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=score.device) - start[documents]
    return rank < torch.from_numpy(count).to(score.device)[documents]


def soft_mask(config: LTPConfig, threshold: Tensor, score: Tensor) -> Tensor:
    """(alive,) sigmoid((score − threshold) / temperature), differentiable in both (§3.3.1)."""
    return torch.sigmoid((score - threshold) / config.temperature)


def permute_depths(depth: np.ndarray, special: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The random control: the same number of tokens at every layer, chosen at random and nested.

    Shuffling the survival depths among a document's tokens does just that. Special tokens keep
    their own fate.

    Args:
        depth: (n,) survival depths of one document.
        special: (n,) bool.
        rng: The draw's generator.
    """
    shuffled = depth.copy()
    shuffled[~special] = rng.permutation(depth[~special])
    return shuffled
