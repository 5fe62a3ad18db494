"""Self-attention over packed rows, and the attention that every token receives.

Scores need the probabilities, which fused kernels do not give; so they are made explicitly, some
heads of some documents at a time, so that they stay in a CPU's cache. The map of one head and
document is never cut, and none is made alone (but where the model has one head): its numbers do not
depend on the batch.

Shapes: R rows, H heads, D hidden; b documents of one padded length T.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from auditkit.ltp.packing import Group, chunks

PLACES = {"cpu": 1 << 19, "cuda": 1 << 28}
"""Probabilities are made this many at a time, of two maps at least: so that they stay in a CPU's
cache, or within a GPU's memory."""
ROWS = {"cpu": 1024}
"""So many rows at a time, for the same reason, are gathered for attention and pass through a
layer's second half; where a kind of device is not named, all."""

WITHIN = 2.0**-64, 2.0**124
"""Sums of exponentials in this range are exact to float32's precision: nothing overflows, and what
underflows is too small to count."""
SMALLER = 2.0**-16
"""What values are multiplied by, lest they overflow beside such weights: a power of two, exact
but in float16, whose range is too small for such weights anyway."""


def attend(
    qkv: Tensor, groups: list[Group], heads: int, *, received: bool, dropout: float
) -> tuple[Tensor, Tensor | None]:
    """Attention of all documents, group by group.

    Args:
        qkv: (R, 3D) queries, keys and values of the rows; the last one, which fills up what a
            document is shorter than its group, is set to zero.
        groups: The documents by padded length.
        heads: H.
        received: Whether the attention received is needed; without it a fused kernel does.
        dropout: Of the probabilities.

    Returns:
        (P + 1, D) contexts of the groups' P places, one group after the other, and a zero; and
        (P + 1,) float32 Σ_heads Σ_queries of the probabilities likewise, or None.
    """
    qkv[-1] = 0
    places = PLACES.get(qkv.device.type, 1 << 28)
    rows = ROWS.get(qkv.device.type, len(qkv))
    pieces = [piece for group in groups for piece in chunks(group, rows)]
    zero = qkv.new_zeros(1, heads, qkv.shape[1] // 3 // heads)
    contexts: list[Tensor] = []
    totals: list[Tensor] = []
    # where gradients are needed a CPU's fused kernel is the slower one
    explicit = received or (qkv.requires_grad and qkv.device.type == "cpu")
    for piece, parts in zip(pieces, _gather(qkv, pieces, heads), strict=True):
        documents, length = piece.index.shape
        if explicit:
            with torch.autocast(qkv.device.type, enabled=False):  # scores add up in float32
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
        contexts.append(context.transpose(0, 1))
    return (
        torch.cat([*contexts, zero]).flatten(1),
        torch.cat([*totals, zero[:, 0, 0].float()]) if received else None,
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
    """Attention of one piece, its probabilities made for some of the maps at a time.

    Args:
        parts: (3, H, b·T, D/H) queries, keys and values.
        piece: The documents.
        dropout: Of the probabilities.
        places: How many probabilities are made at a time, unless two maps have more.

    Returns:
        (H, b·T, D/H) contexts and (b·T,) float32 attention received.
    """
    _, heads, _, size = parts.shape
    documents, length = piece.index.shape
    maps = heads * documents
    query, key, value = parts.contiguous().view(3, maps, length, size)
    if piece.valid is None:
        there = parts.new_ones(maps, 1, length, dtype=torch.float32)
    else:
        there = piece.valid.float().expand(heads, -1, -1).reshape(maps, 1, length)
    smaller = 1.0 if value.dtype == torch.float16 else SMALLER
    key, value = key.transpose(1, 2), value * smaller
    contexts: list[Tensor] = []
    received: list[Tensor] = []
    # two maps at least: the library's product of one map with a vector rounds otherwise
    times = max(1, maps // max(2, places // length**2))
    parted = (torch.tensor_split(x, times) for x in (query, key, value, there))
    for q, k, v, t in zip(*parted, strict=True):
        weights, total = _weights(q, k, t)
        received.append(torch.bmm(t / total, weights))
        if dropout:
            weights = F.dropout(weights, dropout)
        scale = (total * smaller).transpose(1, 2)
        contexts.append(torch.bmm(weights.to(v.dtype), v).div_(scale))
        del weights  # so that the next are made in the same memory, which a cache still holds
    return (
        torch.cat(contexts).view(heads, -1, size),
        torch.cat(received).view(heads, -1).sum(0),
    )


def _weights(query: Tensor, key: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
    """Attention probabilities, not yet divided by the sum of their query.

    Softmax passes over a map several times, once to find what to subtract lest an exponential
    overflow. On a CPU bare exponentials are faster and as exact, while all sums lie `WITHIN`; where
    they do not, the map is made again with the subtraction. Gradients, which would leave that range
    where the sums do not, and other devices take softmax.

    Args:
        query: (m, T, D/H).
        key: (m, D/H, T), zero where no token is.
        there: (m, 1, T) float32: 1 where a token is, else 0.

    Returns:
        (m, T, T) float32 weights, and (m, 1, T) by query their sum over the keys that are there.
    """
    logits = _logits(query, key)
    if query.requires_grad or query.device.type != "cpu" or query.dtype == torch.float16:
        weights = torch.softmax(logits + _bias(there > 0, logits.dtype), -1)
        return weights, weights.new_ones(len(weights), 1, 1)
    weights = logits.exp_()
    total = _sums(weights, there)
    least, most = (float(bound) for bound in torch.aminmax(total))
    if not WITHIN[0] < least <= most < WITHIN[1]:
        logits = _logits(query, key) + _bias(there > 0, logits.dtype)
        fine = ((total > WITHIN[0]) & (total < WITHIN[1])).all(2, keepdim=True)
        largest = logits.amax(-1, keepdim=True)
        weights = (logits - largest.masked_fill(fine, 0.0)).exp_()
        total = _sums(weights, there)
    return weights, total


def _logits(query: Tensor, key: Tensor) -> Tensor:
    """(m, T, T) float32; scaled by the product itself, which saves a pass over the queries."""
    nothing = query.new_empty(1, 1, 1)
    return torch.baddbmm(nothing, query, key, beta=0, alpha=query.shape[-1] ** -0.5).float()


def _sums(weights: Tensor, there: Tensor) -> Tensor:
    """(m, 1, T) sums of (m, T, T) weights by query.

    A product where a sum would do, too: documents of a group's full length share it with shorter
    ones. A row times the weights' transpose, for which the library takes half the time that it
    takes for the weights times a column.
    """
    return torch.bmm(there, weights.transpose(1, 2))
