"""Attention over packed rows is softmax attention, however large its logits, and row by row."""

from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from auditkit.ltp import attention
from auditkit.ltp.attention import attend
from auditkit.ltp.layers import Linear
from auditkit.ltp.packing import pack

HEADS, SIZE = 3, 8
LENGTHS = [5, 8, 21, 16, 3, 24]


def packed_qkv(common: Sequence[float], spread: Sequence[float], seed: int = 0) -> Tensor:
    """(R, 3D) rows of documents of `LENGTHS` and a filler row.

    The logits of a document lie about its `common`, that far apart as its `spread` says.
    """
    generator = torch.Generator().manual_seed(seed)
    qkv = torch.randn(sum(LENGTHS), 3, HEADS, SIZE, generator=generator)
    document = torch.repeat_interleave(torch.tensor(LENGTHS))
    qkv[:, 0] *= torch.tensor(spread)[document, None, None]
    qkv[:, :2, :, 0] = 1.0
    qkv[:, 0, :, 0] = torch.tensor(common)[document, None] * SIZE**0.5
    filler = torch.full((1, 3 * HEADS * SIZE), 50.0)
    return torch.cat([qkv.flatten(1), filler])


def packed(qkv: Tensor, lengths: Sequence[int] = LENGTHS) -> tuple[Tensor, Tensor]:
    """(R, D) contexts and (R,) attention received of the documents' rows."""
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    packing = pack(mask)[0]
    filled = torch.cat([qkv[:-1], qkv[-1:].expand(packing.rows - packing.alive, -1)])
    groups, place = packing.groups()
    contexts, received = attend(filled, groups, HEADS, received=True, dropout=0.0)
    assert received is not None
    place = place[: packing.alive]
    return contexts[place], received[place]


def by_hand(qkv: Tensor) -> tuple[Tensor, Tensor]:
    """The same, document by document, with softmax."""
    contexts, received = [], []
    for rows in torch.split(qkv[:-1], LENGTHS):
        q, k, v = rows.view(len(rows), 3, HEADS, SIZE).permute(1, 2, 0, 3)
        probs = torch.softmax(q @ k.transpose(1, 2) * SIZE**-0.5, -1)
        contexts.append((probs @ v).transpose(0, 1).flatten(1))
        received.append(probs.sum((0, 1)))
    return torch.cat(contexts), torch.cat(received)


MILD = [0.0] * len(LENGTHS)
ORDINARY = [1.0] * len(LENGTHS)
EXTREMES = {
    "mild": (MILD, ORDINARY),
    "all large": ([80.0] * len(LENGTHS), ORDINARY),
    "overflow": ([300.0] * len(LENGTHS), ORDINARY),
    "underflow": ([-300.0] * len(LENGTHS), ORDINARY),
    "some of each": ([0.0, 300.0, -300.0, 80.0, -300.0, 0.0], ORDINARY),
    "sharp": (MILD, [40.0, 1.0, 40.0, 1.0, 40.0, 1.0]),
}


@pytest.mark.parametrize("places", [1 << 19, 1000])
@pytest.mark.parametrize("case", EXTREMES)
def test_it_is_softmax_attention_however_large_the_logits(
    case: str, places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(attention.PLACES, "cpu", places)
    qkv = packed_qkv(*EXTREMES[case])
    logits = torch.cat([
        (q @ k.T).flatten() * SIZE**-0.5
        for rows in torch.split(qkv[:-1], LENGTHS)
        for q, k in zip(*rows.view(-1, 3, HEADS, SIZE)[:, :2].permute(1, 2, 0, 3), strict=True)
    ])  # fmt: skip
    assert (float(logits.exp().max()) == torch.inf) == (
        case in ("overflow", "some of each", "sharp")
    )
    weights = torch.linspace(0.5, 2.0, HEADS * SIZE)

    def values_and_gradient(
        attention: Callable[[Tensor], tuple[Tensor, Tensor]], rows: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        rows = rows.clone().requires_grad_()
        context, received = attention(rows)
        ((context * weights).sum() + received.square().sum()).backward()  # type: ignore[no-untyped-call]
        assert rows.grad is not None
        return context.detach(), received.detach(), rows.grad[:-1]

    with torch.no_grad():
        values = packed(qkv)
    ours = values_and_gradient(packed, qkv)
    theirs = values_and_gradient(by_hand, qkv.double())
    # a logit of 300 is a float32 to 3e-5
    for mine, exact in (*zip(values, theirs[:2], strict=True), *zip(ours, theirs, strict=True)):
        scale = float(exact.abs().max())
        torch.testing.assert_close(mine.double(), exact, atol=2e-4 * scale, rtol=1e-3)


@pytest.mark.parametrize(("dtype", "accuracy"), [(torch.bfloat16, 2e-2), (torch.float16, 2e-3)])
def test_half_precision_is_as_exact_as_its_numbers(dtype: torch.dtype, accuracy: float) -> None:
    qkv = packed_qkv(MILD, ORDINARY).to(dtype)
    with torch.no_grad():
        context, received = packed(qkv)
    exact, wanted = by_hand(qkv.double())
    assert context.dtype == dtype
    assert received.dtype == torch.float32
    torch.testing.assert_close(context.double(), exact, atol=accuracy, rtol=accuracy)
    torch.testing.assert_close(received.double(), wanted, atol=accuracy, rtol=accuracy)


def test_a_document_out_of_range_changes_no_bit_of_the_others() -> None:
    with torch.no_grad():
        mild = packed(packed_qkv(MILD, ORDINARY))
        extreme = packed(packed_qkv([300.0, 0, 0, -300.0, 0, 0], ORDINARY))
    documents = zip(*(torch.split(x, LENGTHS) for x in (*mild, *extreme)), strict=True)
    same = [torch.equal(c, d) and torch.equal(r, s) for c, r, d, s in documents]
    assert same == [False, True, True, False, True, True]


@pytest.mark.parametrize("places", [1 << 19, 200, 500, 1000, 2000])
def test_a_document_is_attended_to_alone_as_among_others(
    places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some fill the length of their group, some do not; the maps are cut in many ways."""
    monkeypatch.setitem(attention.PLACES, "cpu", places)
    qkv = packed_qkv(MILD, ORDINARY)
    with torch.no_grad():
        together = packed(qkv)
        for length, rows, context, received in zip(
            LENGTHS, torch.split(qkv[:-1], LENGTHS),
            *(torch.split(x, LENGTHS) for x in together), strict=True,
        ):  # fmt: skip
            alone = packed(torch.cat([rows, qkv[-1:]]), [length])
            assert torch.equal(alone[0], context)
            assert torch.equal(alone[1], received)


def test_no_row_of_a_product_depends_on_how_many_there_are() -> None:
    for inner, outer in ((1536, 384), (384, 1536), (384, 3)):
        torch.manual_seed(1)
        linear = Linear(inner, outer)
        rows = torch.randn(1024, inner)
        with torch.no_grad():
            whole = linear(rows)
            for count in (16, 32, 64, 96, 144, 208, 512, 1008):
                assert torch.equal(linear(rows[:count]), whole[:count])
                assert torch.equal(linear(rows[-count:]), whole[-count:])


@pytest.mark.parametrize("inner", [768, 769, 1536, 2000])
def test_it_is_a_linear_layer(inner: int) -> None:
    torch.manual_seed(2)
    linear, rows = Linear(inner, 5), torch.randn(4, 4, inner)
    exact = F.linear(rows.double(), linear.weight.double(), linear.bias.double())
    torch.testing.assert_close(linear(rows).double(), exact, atol=1e-5, rtol=1e-5)
