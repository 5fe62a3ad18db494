"""Removing rows equals masking them.

The reference below is slow and independent: float64, one document and one layer at a time, and no
row ever leaves; what is dropped is masked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from ltp_models import batch, documents, pruning_model
from torch import Tensor

import auditkit.ltp.attention as attention_module
from auditkit.ltp import LTPConfig, LTPForSequenceClassification
from auditkit.ltp.checkpoints import load_ltp
from auditkit.ltp.layouts import LAYOUTS
from auditkit.ltp.packing import pack
from auditkit.ltp.pruning import keep_mask, topk_rate

MARGIN = 1e-5
"""A decision nearer to its threshold than this (relative) may differ in float32."""


@dataclass
class Reference:
    """What the masked, unbatched computation of one document gives."""

    logits: np.ndarray
    depth: list[int]
    scores: list[list[float]] = field(default_factory=list)
    soft: list[list[float]] = field(default_factory=list)


def reference(
    model: LTPForSequenceClassification,
    ids: Sequence[int],
    *,
    soft: bool = False,
    masks: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> Reference:
    """One document through the whole model."""
    config = model.config
    w = {name: value.detach().double() for name, value in model.state_dict().items()}
    n, heads = len(ids), config.num_attention_heads

    def linear(name: str, x: Tensor) -> Tensor:
        return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    def norm(name: str, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        scale = torch.sqrt(centred.pow(2).mean(-1, keepdim=True) + config.layer_norm_eps)
        scaled: Tensor = centred / scale * w[f"{name}.weight"] + w[f"{name}.bias"]
        return scaled

    first = 2 if config.layout == "roberta" else 0
    x = w["embeddings.word_embeddings.weight"][list(ids)]
    x = x + w["embeddings.position_embeddings.weight"][first : first + n]
    if config.layout != "distilbert":
        x = x + w["embeddings.token_type_embeddings.weight"][0]
    x = norm("embeddings.LayerNorm", x)
    alive = torch.ones(n, dtype=torch.bool)
    result = Reference(np.empty(0), [0] * n)
    for layer in range(config.num_hidden_layers):
        context, received = attention(linear(f"layers.{layer}.qkv", x), heads, alive)
        divisor = {"length": n, "alive": int(alive.sum())}.get(config.score_norm)
        if divisor is None:
            divisor = int(config.score_norm.split(":")[1])
        score = received / heads / max(divisor, 1)
        result.scores.append(score.tolist())
        x = norm(
            f"layers.{layer}.attention_norm", x + linear(f"layers.{layer}.attention_out", context)
        )
        inner = F.gelu(linear(f"layers.{layer}.ffn_in", x))
        x = norm(f"layers.{layer}.ffn_norm", x + linear(f"layers.{layer}.ffn_out", inner))
        if soft:
            mask = torch.sigmoid((score - w["thresholds"][layer]) / config.temperature)
            if config.protect_first:
                mask[0] = 1.0
            result.soft.append(mask.tolist())
            x = x * mask[:, None]
            continue
        for token in torch.nonzero(alive)[:, 0].tolist():
            if "follow" in masks:
                stays = masks["follow"][token] > layer
            else:
                stays = decision(config, layer, score, token, alive, w["thresholds"][layer].item())
                stays = stays or (config.protect_first and token == 0)
                stays = stays and not (layer == 0 and "drop" in masks and masks["drop"][token])
                stays = bool(stays or ("keep" in masks and masks["keep"][token]))
            result.depth[token] += stays
        alive = torch.tensor([depth > layer for depth in result.depth])
    activation = torch.relu if config.layout == "distilbert" else torch.tanh
    result.logits = linear("head.out", activation(linear("head.dense", x[:1]))).numpy()[0]
    return result


def attention(qkv: Tensor, heads: int, alive: Tensor) -> tuple[Tensor, Tensor]:
    """Context, and what each token receives from all heads and alive queries."""
    q, k, v = qkv.chunk(3, -1)
    context, received = torch.zeros_like(q), torch.zeros(len(q), dtype=q.dtype)
    size = q.shape[1] // heads
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        logits = q[:, part] @ k[:, part].T / size**0.5
        probs = torch.softmax(logits.masked_fill(~alive, -torch.inf), -1).nan_to_num()
        probs = probs * alive[:, None]
        received += probs.sum(0)
        context[:, part] = probs @ v[:, part]
    return context, received


def decision(
    config: Any, layer: int, score: Tensor, token: int, alive: Tensor, threshold: float
) -> bool:
    """The rule, for one token."""
    mine = score[token].item()
    if config.rule == "topk":
        better = int((score[alive] > mine).sum())
        return better < round(topk_rate(config, layer) * len(score))
    if config.rule == "relative":
        threshold = config.relative_threshold * score[alive].max().item()
    elif threshold == 0.0:
        return True
    assert abs(mine - max(threshold, 1e-5)) > MARGIN * threshold, (
        "the test's model decides too close"
    )
    return mine >= max(threshold, 1e-5)


def check(
    model: LTPForSequenceClassification, rows: list[list[int]], **masks: list[list[int]]
) -> list[Reference]:
    """Run both, compare, and return the reference's results."""
    width = max(map(len, rows))
    names = {"keep": "force_keep", "drop": "force_drop", "follow": "depth"}
    extra = {
        names[name]: torch.tensor([row + [0] * (width - len(row)) for row in values])
        for name, values in masks.items()
    }
    fill = model.config.pad_token_id or 0
    with torch.no_grad():
        output = model(**batch(rows, fill), pruning="hard", output_scores=True, **extra)
    expected = [
        reference(model, row, masks={name: values[i] for name, values in masks.items()})
        for i, row in enumerate(rows)
    ]
    assert output.depth is not None
    assert output.scores is not None
    for i, (row, wanted) in enumerate(zip(rows, expected, strict=True)):
        assert output.depth[i, : len(row)].tolist() == wanted.depth
        assert not output.depth[i, len(row) :].any()
        np.testing.assert_allclose(output.logits[i].numpy(), wanted.logits, atol=1e-4)  # type: ignore[index]
        for layer, score in enumerate(output.scores[:, i, : len(row)]):
            if not score.isnan().any():
                alive = np.array(wanted.depth) >= layer
                np.testing.assert_allclose(
                    score.numpy(), np.where(alive, wanted.scores[layer], 0.0), atol=1e-6
                )
    assert output.lengths is not None
    lengths = [
        [sum(d >= layer for d in one.depth) for one in expected]
        for layer in range(model.config.num_hidden_layers + 1)
    ]
    assert output.lengths.tolist() == lengths
    return expected


def dropped(results: list[Reference], layers: int) -> list[float]:
    """Share of the tokens that each layer drops, of those that enter it."""
    depth = np.concatenate([result.depth for result in results])
    return [
        float((depth == layer).sum() / max(1, (depth >= layer).sum())) for layer in range(layers)
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("score_norm", ["length", "alive", "padded:40"])
@pytest.mark.parametrize("protect_first", [True, False])
def test_removal_equals_masking(layout: str, score_norm: str, protect_first: bool) -> None:
    model = pruning_model(layout, seed=1, score_norm=score_norm, protect_first=protect_first)
    results = check(model, documents(16, seed=2))
    assert sum(0.2 <= share <= 0.8 for share in dropped(results, 3)) >= 2
    ghosts = [result for result in results if result.depth[0] < 3 and max(result.depth) == 3]
    assert bool(ghosts) == (not protect_first)


@pytest.mark.parametrize(
    "changes", [{"rule": "relative", "relative_threshold": 0.3}, {"rule": "topk", "topk_rate": 0.2}]
)
def test_removal_equals_masking_under_other_rules(changes: dict[str, Any]) -> None:
    model = pruning_model("bert", seed=3, layers=5, protect_first=False, **changes)
    results = check(model, documents(12, seed=4))
    assert sum(share > 0 for share in dropped(results, 5)) >= 2


def test_forced_tokens_stay_or_leave_with_the_first_layer() -> None:
    model = pruning_model(seed=5)
    rows = documents(12, seed=6)
    rng = np.random.default_rng(7)
    keep = [(rng.random(len(row)) < 0.2).astype(int).tolist() for row in rows]
    drop = [(rng.random(len(row)) < 0.3).astype(int).tolist() for row in rows]
    check(model, rows, keep=keep)
    kept = check(model, rows, keep=keep, drop=drop)
    for result, stay, leave in zip(kept, keep, drop, strict=True):
        assert all(d == 3 for d, s in zip(result.depth, stay, strict=True) if s)
        pairs = zip(result.depth, stay, leave, strict=True)
        assert all(d == 0 for d, s, gone in pairs if gone and not s)


def test_a_given_depth_is_followed() -> None:
    model = pruning_model(seed=8)
    rows = documents(12, seed=9)
    rng = np.random.default_rng(10)
    follow = [rng.integers(0, 4, size=len(row)).tolist() for row in rows]
    for result, wanted in zip(check(model, rows, follow=follow), follow, strict=True):
        assert result.depth == wanted


def test_following_its_own_depth_changes_nothing() -> None:
    model = pruning_model(seed=8)
    inputs = batch(documents(12, seed=9), 0)
    with torch.no_grad():
        free = model(**inputs, pruning="hard")
        led = model(**inputs, pruning="hard", depth=free.depth)
    torch.testing.assert_close(led.logits, free.logits, atol=1e-5, rtol=0)
    assert torch.equal(led.depth, free.depth)  # type: ignore[arg-type]


@pytest.fixture
def cut_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is cut as it is in large batches of long documents: into rows, documents, heads."""
    monkeypatch.setitem(attention_module.PLACES, "cpu", 500)
    monkeypatch.setitem(attention_module.ROWS, "cpu", 16)


@pytest.mark.usefixtures("cut_small")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_removal_equals_masking_however_the_work_is_cut(layout: str) -> None:
    model = pruning_model(layout, seed=31)
    rows = documents(14, seed=32)
    heads = model.config.num_attention_heads
    assert sum(len(row) ** 2 * heads > 500 for row in rows) > 5  # cut within a document
    results = check(model, rows)
    dropped = [np.mean([d == layer for r in results for d in r.depth]) for layer in range(3)]
    assert min(dropped) > 0.05


@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_gradients_do_not_depend_on_how_the_work_is_cut(
    mode: str, request: pytest.FixtureRequest
) -> None:
    model = pruning_model(seed=33, temperature=1e-2)
    inputs = batch(documents(10, seed=34), 0)

    def gradients() -> dict[str, Tensor]:
        model.zero_grad()
        loss = model(**inputs, labels=torch.arange(10) % 3, pruning=mode).loss
        assert loss is not None
        loss.backward()  # type: ignore[no-untyped-call]
        return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}

    whole = gradients()
    request.getfixturevalue("cut_small")
    cut = gradients()
    assert ("thresholds" in whole) == (mode == "soft")
    assert max(float(gradient.abs().max()) for gradient in whole.values()) > 1e-3
    for name, gradient in whole.items():
        torch.testing.assert_close(cut[name], gradient, atol=1e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize("protect_first", [True, False])
def test_soft_masks_scale_every_layers_output(protect_first: bool) -> None:
    model = pruning_model(seed=11, protect_first=protect_first, temperature=1e-2)
    rows = documents(10, seed=12)
    with torch.no_grad():
        output = model(**batch(rows, 0), pruning="soft", output_scores=True)
    assert output.logits is not None
    assert output.soft_mask is not None
    expected = [reference(model, row, soft=True) for row in rows]
    for i, (row, wanted) in enumerate(zip(rows, expected, strict=True)):
        np.testing.assert_allclose(output.logits[i].numpy(), wanted.logits, atol=1e-4)
        np.testing.assert_allclose(
            output.soft_mask[:, i, : len(row)].numpy(), wanted.soft, atol=1e-3
        )  # fmt: skip
        assert not output.soft_mask[:, i, len(row) :].any()


def test_pruning_off_drops_nothing_and_equals_thresholds_of_zero() -> None:
    model = pruning_model(seed=13)
    inputs = batch(documents(8, seed=14), 0)
    with torch.no_grad():
        off = model(**inputs, pruning="off")
        model.thresholds.zero_()
        zero = model(**inputs, pruning="hard")
    assert torch.equal(off.logits, zero.logits)  # type: ignore[arg-type]
    assert off.depth is not None
    assert torch.equal(off.depth, inputs["attention_mask"].to(torch.int8) * 3)


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, 1), (1e-9, 2), (-1.0, 2)])
def test_a_score_below_the_floor_is_dropped_whatever_the_threshold(
    threshold: float, expected: int
) -> None:
    packing, _, _ = pack(torch.ones(1, 3))
    score = torch.tensor([0.9e-5, 1.1e-5, 0.6])
    keep = keep_mask(LTPConfig(), 0, torch.tensor(threshold), score, packing, np.array([3]))
    assert int(keep.sum()) == expected
    assert not keep[0]


@pytest.mark.parametrize("protect_first", [True, False])
def test_everything_pruned_in_the_first_layer_still_classifies(protect_first: bool) -> None:
    model = pruning_model(seed=15, protect_first=protect_first)
    with torch.no_grad():
        model.thresholds.fill_(2.0)  # above any score
    for result in check(model, documents(6, seed=16)):  # the first is of one token
        assert result.depth == [3 * protect_first] + [0] * (len(result.depth) - 1)


@pytest.mark.parametrize("protect_first", [True, False])
def test_a_document_of_one_token_receives_all_its_attention(protect_first: bool) -> None:
    model = pruning_model(seed=15, protect_first=protect_first)
    (result,) = check(model, [[7]])
    assert result.depth == [3]
    assert result.scores == [[pytest.approx(1.0)]] * 3


@pytest.mark.parametrize("mode", ["off", "soft", "hard", "random"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_threshold_that_is_no_number_never_decides(value: float, mode: str) -> None:
    model = pruning_model(seed=15)
    with torch.no_grad():
        model.thresholds[1] = value
    with pytest.raises(ValueError, match=f"threshold of layer 2 is {value}, expected a finite"):
        model(torch.full((1, 4), 7), pruning=mode)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_scores_add_up_in_float32_whatever_the_precision(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    """What a document's tokens receive in all is what its queries give away: one each."""
    pruning_model(seed=17).save_pretrained(tmp_path)
    model = load_ltp(str(tmp_path), dtype=dtype)
    assert model.layers[0].qkv.weight.dtype == dtype  # type: ignore[union-attr]
    assert model.thresholds.dtype == torch.float32
    inputs = batch(documents(12, seed=18), 0)
    with torch.no_grad():
        output = model(**inputs, pruning="hard", output_scores=True)
    assert output.scores is not None
    assert output.depth is not None
    assert output.lengths is not None
    assert output.scores.dtype == torch.float32
    for layer, score in enumerate(output.scores):
        given = output.lengths[layer] / output.lengths[0]  # queries alive over the norm
        np.testing.assert_allclose(score.sum(1).numpy(), given.numpy(), rtol=1e-6)
    first = torch.arange(score.shape[1]) == 0
    for layer, score in enumerate(output.scores):
        entering = (output.depth >= layer) & inputs["attention_mask"].bool()
        kept = (score >= model.thresholds[layer]) | first
        assert torch.equal((output.depth > layer)[entering], kept[entering])


def test_scores_add_up_in_float32_in_mixed_precision() -> None:
    model = pruning_model(seed=19)
    inputs = batch(documents(12, seed=20), 0)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        output = model(**inputs, pruning="soft", output_scores=True)
    assert output.scores is not None
    assert output.scores.dtype == torch.float32
    np.testing.assert_allclose(output.scores.sum(2).numpy(), 1.0, rtol=1e-6)


def test_a_document_too_long_or_empty_or_an_unknown_mode_is_refused() -> None:
    for layout in LAYOUTS:
        model = pruning_model(layout)
        assert model.config.max_tokens == 40
        with pytest.raises(ValueError, match="41 tokens; the model reads 40: truncate it"):
            model(torch.full((1, 41), 7))
        with pytest.raises(ValueError, match="without a token"):
            model(torch.full((2, 4), 7), torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0]]))
        with pytest.raises(
            ValueError, match="pruning is 'firm'; available: off, soft, hard, random"
        ):
            model(torch.full((1, 4), 7), pruning="firm")
