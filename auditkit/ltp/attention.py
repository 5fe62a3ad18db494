"""Self-attention over packed rows, and the attention that every token receives.

Scores need the probabilities, which fused kernels do not give; so they are made explicitly, a few
documents or heads at a time, in pieces that stay in a CPU's cache. How a document is cut follows
from its own padded length alone: its numbers do not depend on its batch.

Shapes: R rows, H heads, D hidden; b documents of one padded length T.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from auditkit.ltp.packing import Group, chunks

PLACES = {"cpu": 1 << 19, "cuda": 1 << 28}
"""Attention maps are made this many numbers at a time: so that they stay in a CPU's cache, or
within a GPU's memory."""


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
    pieces = [piece for group in groups for piece in chunks(group, heads, places)]
    zero = qkv.new_zeros(1, qkv.shape[1] // 3)
    contexts, totals = [zero], [zero[:, 0].float()]
    # where gradients are needed a CPU's fused kernel is the slower one
    explicit = received or (qkv.requires_grad and qkv.device.type == "cpu")
    for piece, block in zip(pieces, _gather(qkv, pieces), strict=True):
        documents, length = piece.index.shape
        parts = block.view(documents, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)  # each (b, H, T, D/H)
        if explicit:
            some = max(1, min(heads, places // length**2))
            context, total = _explicit(query, key, value, piece.valid, dropout, some)
            totals.append(total.reshape(-1))
        else:
            bias = None if piece.valid is None else _bias(piece.valid, qkv.dtype)
            context = F.scaled_dot_product_attention(query, key, value, bias, dropout)
        contexts.append(context.transpose(1, 2).reshape(documents * length, -1))
    return (
        torch.cat([*contexts[1:], zero]),
        torch.cat([*totals[1:], totals[0]]) if received else None,
    )


def _gather(qkv: Tensor, pieces: list[Group]) -> Iterable[Tensor]:
    """(b·T, 3D) rows of each piece."""
    places = [piece.index.reshape(-1) for piece in pieces]
    if not pieces or not qkv.requires_grad:
        return (qkv.index_select(0, place) for place in places)
    # at once: the gradient of every single gather would be as large as `qkv`
    rows = qkv.index_select(0, torch.cat(places))
    return torch.split(rows, [len(place) for place in places])


def _bias(valid: Tensor, dtype: torch.dtype) -> Tensor:
    """(b, 1, 1, T) added to the logits: the smallest number at places without a token."""
    bias = torch.zeros(valid.shape, dtype=dtype, device=valid.device)
    return bias.masked_fill(~valid, torch.finfo(dtype).min)[:, None, None, :]


def _explicit(
    query: Tensor, key: Tensor, value: Tensor, valid: Tensor | None, dropout: float, some: int
) -> tuple[Tensor, Tensor]:
    """(b, H, T, D/H) context and (b, T) attention received, `some` heads at a time."""
    documents, _, length, size = query.shape
    # a single document's view would take another path than several and round differently
    query, key, value = (query * size**-0.5).contiguous(), key.contiguous(), value.contiguous()
    bias = None if valid is None else _bias(valid, query.dtype)
    contexts: list[Tensor] = []
    summed = query.new_zeros(documents, length, length, dtype=torch.float32)
    for q, k, v in zip(*(torch.split(t, some, 1) for t in (query, key, value)), strict=True):
        logits = torch.matmul(q, k.transpose(2, 3))  # (b, some, T, T)
        probs = torch.softmax(logits if bias is None else logits + bias, -1, torch.float32)
        summed = summed + probs.sum(1)  # (b, T queries, T keys)
        contexts.append(torch.matmul(F.dropout(probs, dropout).to(v.dtype), v))
    if valid is not None:
        summed = summed * valid[:, :, None]
    return torch.cat(contexts, 1), summed.sum(1)
