"""Laws of the pruned model: what a document's numbers depend on, and what a control keeps."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ltp_models import PAD, VOCABULARY, documents, pruning_model, tiny_stock
from torch import Tensor

from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.attention import PLACES
from auditkit.ltp.checkpoints import from_stock
from auditkit.ltp.inference import pad, plan, run
from auditkit.ltp.layouts import LAYOUTS
from auditkit.ltp.pruning import permute_depths
from auditkit.ltp.training.budget import warm_start

LAYERS = 3
POOL = [row for row in documents(18, seed=21) if len(row) <= 24]
ANY = st.sampled_from(list(LAYOUTS))
MODES = st.sampled_from(["off", "hard"])

Padded = list[int | None]
"""A document as it lies in a batch: None is a hole or padding."""


@cache
def model_of(layout: str) -> LTPForSequenceClassification:
    return pruning_model(layout, seed=22, drop=0.35)


def forward(
    model: LTPForSequenceClassification, rows: Sequence[Padded], mode: str, noise: int = 0
) -> tuple[Tensor, list[list[int]], Tensor]:
    """Logits, each document's depths at its own tokens, and lengths; noise fills the masked."""
    width = max(map(len, rows))
    full = [list(row) + [None] * (width - len(row)) for row in rows]
    rng = np.random.default_rng(noise)
    ids = [[rng.integers(VOCABULARY) if t is None else t for t in row] for row in full]
    mask = torch.tensor([[t is not None for t in row] for row in full])
    with torch.inference_mode():
        output = model(torch.tensor(ids), mask.long(), pruning=mode)
    assert output.logits is not None
    assert output.depth is not None
    assert output.lengths is not None
    assert not output.depth[~mask].any()
    depths = [row[m].tolist() for row, m in zip(output.depth, mask, strict=True)]
    return output.logits, depths, output.lengths


def test_the_models_of_these_tests_drop_a_fair_share_in_two_layers() -> None:
    for layout in LAYOUTS:
        _, depths, _ = forward(model_of(layout), [list(row) for row in POOL], "hard")
        depth = np.concatenate(depths)
        shares = [(depth == n).sum() / (depth >= n).sum() for n in range(LAYERS)]
        assert sum(0.2 <= share <= 0.8 for share in shares) >= 2


@st.composite
def placed(draw: st.DrawFn) -> list[tuple[Padded, Padded]]:
    """Documents with holes, and the same as they lie in a batch, with padding on the left."""
    chosen = draw(st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=7))
    out = []
    for number in chosen:
        row: Padded = list(POOL[number])
        for place in draw(st.lists(st.integers(1, 30), max_size=2)):
            if place < len(row):
                row.insert(place, None)
        left: Padded = [None] * draw(st.sampled_from([0, 0, 1, 5]))
        right: Padded = [None] * draw(st.sampled_from([0, 0, 3]))
        out.append((row, left + row + right))
    return out


@given(layout=ANY, mode=MODES, rows=placed(), noise=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_documents_numbers_depend_on_nothing_but_the_document(
    layout: str, mode: str, rows: list[tuple[Padded, Padded]], noise: int
) -> None:
    model = model_of(layout)
    logits, depths, lengths = forward(model, [lying for _, lying in rows], mode, noise)
    for number, (alone, _) in enumerate(rows):
        own, (depth,), length = forward(model, [alone], mode)
        assert torch.equal(own[0], logits[number])
        assert depth == depths[number]
        assert length[:, 0].tolist() == lengths[:, number].tolist()


@pytest.mark.parametrize("longest", [40, 300])
@pytest.mark.parametrize("mode", ["off", "hard"])
def test_the_same_holds_for_a_model_of_real_width(mode: str, longest: int) -> None:
    """The widths of MiniLM: other kernels than the tiny model's compute these products.

    The attention of a document of 300 tokens is made for some of its heads at a time.
    """
    wide = {
        "hidden_size": 384,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
        "max_position_embeddings": longest,
    }
    assert (wide["num_attention_heads"] * longest**2 > PLACES["cpu"]) == (longest == 300)
    model = from_stock(tiny_stock("bert", 0, initializer_range=0.1, **wide)).eval()
    warm_start(model, documents(10, seed=3, longest=longest), 0.5)
    rows: list[Padded] = [list(row) for row in documents(9, seed=23, longest=longest)]
    logits, depths, _ = forward(model, rows, mode)
    for number, row in enumerate(rows):
        own, (depth,), _ = forward(model, [row], mode)
        assert torch.equal(own[0], logits[number])
        assert depth == depths[number]


@given(layout=ANY, rows=placed())
@settings(max_examples=25, deadline=None)
def test_depths_and_lengths_say_the_same_and_retention_falls(
    layout: str, rows: list[tuple[Padded, Padded]]
) -> None:
    _, depths, lengths = forward(model_of(layout), [lying for _, lying in rows], "hard")
    for number, depth in enumerate(depths):
        counted = [sum(d >= layer for d in depth) for layer in range(LAYERS + 1)]
        assert lengths[:, number].tolist() == counted
        assert counted == sorted(counted, reverse=True)
        assert depth[0] == LAYERS  # the first token is protected


@given(seed=st.integers(0, 1000), layout=ANY)
@settings(max_examples=15, deadline=None)
def test_random_pruning_keeps_as_many_tokens_and_both_ends_their_fate(
    seed: int, layout: str
) -> None:
    model = model_of(layout)
    mask = pad([np.ones(len(row), dtype=np.int64) for row in POOL], 0, torch.device("cpu"))
    ids = pad(POOL, PAD[layout], torch.device("cpu"))
    with torch.inference_mode():
        hard = model(ids, mask, pruning="hard")
        rng = np.random.default_rng(seed)
        random = model(ids, mask, pruning="random", generator=rng)
        again = model(ids, mask, pruning="random", generator=np.random.default_rng(seed))
    assert hard.depth is not None
    assert random.depth is not None
    assert torch.equal(random.lengths, hard.lengths)  # type: ignore[arg-type]
    assert torch.equal(random.depth, again.depth)  # type: ignore[arg-type]
    assert torch.equal(random.logits, again.logits)  # type: ignore[arg-type]
    assert not torch.equal(random.depth, hard.depth)
    for ours, theirs, row in zip(random.depth, hard.depth, POOL, strict=True):
        n = len(row)
        assert sorted(ours[:n].tolist()) == sorted(theirs[:n].tolist())
        assert ours[0] == theirs[0]
        assert ours[n - 1] == theirs[n - 1]


def test_random_pruning_without_a_generator_is_seeded() -> None:
    model = model_of("bert")
    ids = torch.tensor([POOL[-1]])
    with torch.inference_mode():
        first, second = (model(ids, pruning="random") for _ in range(2))
    assert torch.equal(first.logits, second.logits)  # type: ignore[arg-type]


@given(
    depth=st.lists(st.integers(0, LAYERS), min_size=1, max_size=30),
    special=st.data(),
    seed=st.integers(0, 99),
)
def test_permuted_depths_are_the_same_depths(
    depth: list[int], special: st.DataObject, seed: int
) -> None:
    n = len(depth)
    fixed = np.array(special.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    before = np.array(depth, dtype=np.int8)
    after = permute_depths(before, fixed, np.random.default_rng(seed))
    assert before.tolist() == depth
    assert sorted(after.tolist()) == sorted(depth)
    assert after[fixed].tolist() == before[fixed].tolist()


def test_permuted_depths_are_uniform_over_the_tokens() -> None:
    """One survivor among 5 free tokens: each is it in a fifth of the draws (4 standard errors)."""
    depth = np.array([3, 3, 0, 0, 0, 0, 3], dtype=np.int8)
    special = np.array([True, False, False, False, False, False, True])
    rng = np.random.default_rng(0)
    draws = np.array([permute_depths(depth, special, rng) for _ in range(2000)])
    share = (draws[:, 1:6] == 3).mean(0)
    assert np.abs(share - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / 2000)


@given(
    lengths=st.lists(st.integers(1, 60), max_size=30),
    budget=st.integers(1, 200),
)
def test_a_plan_holds_every_document_once_within_the_budget(
    lengths: list[int], budget: int
) -> None:
    batches = plan(lengths, budget)
    assert sorted(int(i) for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        assert len(batch) == 1 or len(batch) * longest <= budget


@pytest.mark.parametrize("pruning", ["off", "hard"])
def test_running_does_not_depend_on_the_batch_budget(pruning: str) -> None:
    model = model_of("bert")
    seen = []
    for budget in (1, 50, 4096):
        logits = np.zeros((len(POOL), 3), dtype=np.float32)
        depths: list[list[int]] = [[] for _ in POOL]
        for result in run(model, POOL, batch_tokens=budget, pruning=pruning):
            logits[result.indices] = result.logits
            np.testing.assert_allclose(result.probs.sum(1), 1.0, rtol=1e-6)
            for index, depth in zip(result.indices, result.depths, strict=True):
                depths[index] = depth.tolist()
        seen.append((logits.tobytes(), depths))
    assert seen[0] == seen[1] == seen[2]
    assert [len(depth) for depth in seen[0][1]] == [len(row) for row in POOL]


def test_running_hands_masks_and_depths_on_by_document() -> None:
    model = model_of("bert")
    follow = [np.arange(len(row), dtype=np.int8) % (LAYERS + 1) for row in POOL]
    for result in run(model, POOL, batch_tokens=64, pruning="hard", depths=follow):
        for index, depth in zip(result.indices, result.depths, strict=True):
            assert depth.tolist() == follow[index].tolist()
    drop = [np.arange(len(row)) == len(row) - 1 for row in POOL]
    keep = [~gone for gone in drop]
    for result in run(
        model, POOL, batch_tokens=64, pruning="hard", force_keep=keep, force_drop=drop
    ):
        for index, depth in zip(result.indices, result.depths, strict=True):
            assert depth.tolist() == [LAYERS] * (len(POOL[index]) - 1) + [0]
