"""Hard pruning the plain way: padded batches, and masks instead of removed rows.

A second implementation of what `inference.run` computes, as code around transformers usually has
it: stock products and softmax over all positions of a padded batch, in which dropped tokens are
hidden from attention and computed all the same. It saves nothing. What it has in common with the
engine are the weights and the rules of `pruning`; it shares none of its arithmetic, so that where
the two differ, rounding decided: the floor under every difference that is told of the engine.

Shapes: B documents, T padded tokens, H heads, L layers, D hidden, C classes.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from auditkit.ltp.inference import BATCH_TOKENS, Result, pad, plan
from auditkit.ltp.layers import LTPLayer
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.packing import Packing
from auditkit.ltp.pruning import finite, keep_mask, norms, prunes


@torch.inference_mode()
def run_padded(
    model: LTPForSequenceClassification,
    token_ids: Sequence[Sequence[int]],
    *,
    batch_tokens: int = BATCH_TOKENS,
) -> Iterator[Result]:
    """Classify documents with hard masks, batch by batch.

    Args:
        model: In evaluation mode, on its device.
        token_ids: Each document's tokens, special ones included.
        batch_tokens: Padded tokens per batch; the last bits may depend on it.

    Raises:
        ValueError: A threshold is NaN or infinite.
    """
    device, fill = model.device, model.config.pad_token_id or 0
    for indices in plan([len(ids) for ids in token_ids], batch_tokens):
        rows = [token_ids[i] for i in indices]
        mask = pad([np.ones(len(row), dtype=np.int64) for row in rows], 0, device)
        logits, survived, _ = masked(model, pad(rows, fill, device), mask)
        logits = logits.float()
        depths = [
            depth[: len(row)] for depth, row in zip(survived.cpu().numpy(), rows, strict=True)
        ]
        layers = np.arange(model.config.num_hidden_layers + 1)
        yield Result(
            indices=indices,
            probs=torch.softmax(logits, -1).cpu().numpy(),
            logits=logits.cpu().numpy(),
            lengths=np.stack([(depth >= layers[:, None]).sum(1) for depth in depths], axis=1),
            depths=depths,
        )


class Masked(NamedTuple):
    """What a batch comes to under masks."""

    logits: Tensor
    """(B, C)"""
    depth: Tensor
    """(B, T) int8 survival depths, 0 at padding."""
    attended: Tensor
    """(L, B, T) bool: which tokens any token attends to in a layer. Read off the attention itself,
    so that it also sees a token that comes back, which a depth cannot say."""


def masked(
    model: LTPForSequenceClassification,
    input_ids: Tensor,
    attention_mask: Tensor,
    *,
    by_width: bool = False,
) -> Masked:
    """Pass a batch through a model in evaluation mode.

    Args:
        model: The model.
        input_ids: (B, T).
        attention_mask: (B, T), padding on either side; positions count from the first token.
        by_width: Divide scores by T, whatever `score_norm` says, as the original implementation
            does: decisions then depend on how far a document is padded.
    """
    config, thresholds = model.config, finite(model.thresholds.tolist())
    alive = attention_mask.bool()
    length = alive.sum(1).cpu().numpy()
    start = alive.int().argmax(1)
    depth = torch.zeros_like(alive, dtype=torch.int8)
    positions = (alive.cumsum(1) - 1).clamp(min=0) + config.first_position
    x = model.embeddings(model.embeddings.word_embeddings(input_ids), positions)
    divisor = np.full(len(length), input_ids.shape[1]) if by_width else None
    attended = []
    for number, layer in enumerate(cast(Sequence[LTPLayer], model.layers)):
        context, received = _attend(layer, x, alive)
        attended.append(received > 0)
        if prunes(config, number, thresholds):
            keep = _keep(model, number, received, alive, length, divisor)
            if config.protect_first:
                keep[torch.arange(len(start), device=start.device), start] = True
            alive = alive & keep
        depth += alive
        x = layer.attention_norm(x + _linear(layer.attention_out, context))
        inner = layer.activation(_linear(layer.ffn_in, x))
        x = layer.ffn_norm(x + _linear(layer.ffn_out, inner))
    summary = x[torch.arange(len(start), device=start.device), start]
    pooled = model.head.activation(_linear(model.head.dense, summary))
    return Masked(_linear(model.head.out, pooled), depth, torch.stack(attended))


def _linear(module: nn.Linear, x: Tensor) -> Tensor:
    """The stock product, where the engine's `Linear` has one of its own."""
    return F.linear(x, module.weight, module.bias)


def _attend(layer: LTPLayer, x: Tensor, alive: Tensor) -> tuple[Tensor, Tensor]:
    """Self-attention over the alive tokens.

    Returns:
        (B, T, D) contexts, zero at tokens that are not alive; (B, T) float32 Σ_heads Σ_{alive
        queries} of the probabilities.
    """
    heads = _linear(layer.qkv, x).view(*x.shape[:2], 3, layer.heads, -1)
    query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
    logits = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
    logits = logits.masked_fill(~alive[:, None, None], torch.finfo(logits.dtype).min)
    probs = torch.softmax(logits, -1, dtype=torch.float32)
    received = (probs.sum(1) * alive[:, :, None]).sum(1)
    context = (probs.to(x.dtype) @ value).transpose(1, 2).flatten(2)
    return context.masked_fill(~alive[:, :, None], 0.0), received


def _keep(
    model: LTPForSequenceClassification,
    number: int,
    received: Tensor,
    alive: Tensor,
    length: np.ndarray,
    divisor: np.ndarray | None,
) -> Tensor:
    """(B, T) bool: the tokens that layer `number` keeps of those alive.

    Scores are divided by `divisor` (B,), where there is one, in place of what the model says.
    """
    config, entered = model.config, alive.sum(1).cpu().numpy()
    norm = norms(config, length, entered) if divisor is None else divisor
    norm = norm * config.num_attention_heads
    score = received / torch.from_numpy(norm.astype(np.float32)).to(received.device)[:, None]
    rows = Packing(entered, np.cumsum(entered) - entered, 0, alive.device)  # counts, for the rules
    threshold = model.thresholds[number].float()
    keep = torch.zeros_like(alive)
    keep[alive] = keep_mask(config, number, threshold, score[alive], rows, length)
    return keep
