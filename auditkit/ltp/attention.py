"""Self-attention over packed rows, and the attention that every token receives.

Scores need the probabilities, which fused kernels do not give; so they are made explicitly, for a
few documents at a time, or for some queries of a long one, in pieces that stay in a CPU's cache.
How a document is cut follows from its own padded length alone: its numbers do not depend on its
batch.

Shapes: R rows, H heads, D hidden; b documents of one padded length T.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from auditkit.ltp.packing import Group, chunks

PLACES = {"cpu": 1 << 19, "cuda": 1 << 28}
"""Probabilities are made this many at a time: so that they stay in a CPU's cache, or within a GPU's
memory."""
ROWS = {"cpu": 1024}
"""So many rows at a time, for the same reason, are gathered for attention and pass through a
layer's second half; where a kind of device is not named, all."""


def attend(
    qkv: Tensor, groups: list[Group], heads: int, *, received: bool, dropout: float
) -> tuple[Tensor, Tensor | None]:
    """Attention of all documents, group by group.

    Args:
        qkv: (R, 3D) queries, keys and values of the rows.
        groups: The documents by padded length.
        heads: H.
        received: Whether the attention received is needed; without it a fused kernel does.
        dropout: Of the probabilities.

    Returns:
        (P + 1, D) contexts of the groups' P places, one group after the other, and a zero; and
        (P + 1,) float32 Σ_heads Σ_queries of the probabilities likewise, or None.
    """
    places = PLACES.get(qkv.device.type, 1 << 28)
    rows = ROWS.get(qkv.device.type, len(qkv))
    pieces = [piece for group in groups for piece in chunks(group, heads, places, rows)]
    zero = qkv.new_zeros(1, qkv.shape[1] // 3)
    contexts, totals = [zero], [zero[:, 0].float()]
    # where gradients are needed a CPU's fused kernel is the slower one
    explicit = received or (qkv.requires_grad and qkv.device.type == "cpu")
    for piece, parts in zip(pieces, _gather(qkv, pieces, heads), strict=True):
        documents, length = piece.index.shape
        if explicit:
            context, total = _explicit(parts, piece, dropout, places)
            totals.append(total)
        else:
            query, key, value = (
                parts.view(3, heads, documents, length, -1).transpose(1, 2).unbind(0)
            )
            valid = piece.valid
            bias = None if valid is None else _bias(valid, qkv.dtype)[:, None, None]
            context = F.scaled_dot_product_attention(query, key, value, bias, dropout)
            context = context.transpose(0, 1).flatten(1, 2)
        contexts.append(context.transpose(0, 1).flatten(1))
    return (
        torch.cat([*contexts[1:], zero]),
        torch.cat([*totals[1:], totals[0]]) if received else None,
    )


def _gather(qkv: Tensor, pieces: list[Group], heads: int) -> Iterable[Tensor]:
    """(3, H, b·T, D/H) queries, keys and values of each piece."""
    parts = qkv.view(len(qkv), 3, heads, -1).permute(1, 2, 0, 3)
    places = [piece.index.reshape(-1) for piece in pieces]
    if not pieces or not qkv.requires_grad:
        return (parts.index_select(2, place) for place in places)
    # at once: the gradient of every single gather would be as large as `qkv`
    gathered = parts.index_select(2, torch.cat(places))
    return torch.split(gathered, [len(place) for place in places], 2)


def _bias(valid: Tensor, dtype: torch.dtype) -> Tensor:
    """Added to the logits, shaped as `valid`: the smallest number at places without a token."""
    bias = torch.zeros(valid.shape, dtype=dtype, device=valid.device)
    return bias.masked_fill(~valid, torch.finfo(dtype).min)


def _explicit(parts: Tensor, piece: Group, dropout: float, places: int) -> tuple[Tensor, Tensor]:
    """Attention of one piece, its probabilities made for some of the queries at a time.

    Args:
        parts: (3, H, b·T, D/H) queries, keys and values.
        piece: The documents.
        dropout: Of the probabilities.
        places: How many probabilities are made at a time, where a single document has more.

    Returns:
        (H, b·T, D/H) contexts and (b·T,) float32 attention received.
    """
    _, heads, _, size = parts.shape
    documents, length = piece.index.shape
    maps = heads * documents
    query, key, value = parts.contiguous().view(3, maps, length, size)
    asking = parts.new_ones(maps, 1, length, dtype=torch.float32)
    bias = parts.new_zeros(1, 1, 1)
    if piece.valid is not None:
        there = piece.valid.expand(heads, -1, -1).reshape(maps, 1, length)
        asking, bias = there.float(), _bias(there, parts.dtype)
    step = length
    if heads * length**2 > places:
        step = max(8, places // (heads * length) // 8 * 8)
    contexts: list[Tensor] = []
    received = torch.zeros_like(asking)
    for some, asks in zip(torch.split(query, step, 1), torch.split(asking, step, 2), strict=True):
        logits = torch.baddbmm(bias, some, key.transpose(1, 2), alpha=size**-0.5)  # (maps, step, T)
        probs = torch.softmax(logits, -1, torch.float32)
        with torch.autocast(parts.device.type, enabled=False):  # scores add up in float32
            received = torch.baddbmm(received, asks, probs)
        contexts.append(torch.bmm(F.dropout(probs, dropout).to(value.dtype), value))
    context = contexts[0] if len(contexts) == 1 else torch.cat(contexts, 1)
    return context.view(heads, -1, size), received.view(heads, -1).sum(0)
