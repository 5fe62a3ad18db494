"""The plain second implementation agrees with the engine, but where rounding decides."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, cast

import numpy as np
import pytest
import torch
from ltp_models import PAD, batch, documents, pruning_model
from torch import nn

from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.inference import run
from auditkit.ltp.layers import LTPLayer
from auditkit.ltp.padded import masked, run_padded
from auditkit.ltp.pruning import topk_rate

MARGIN = 1e-5
"""A score as near to its threshold as this (relative) may be decided either way."""

RULES: dict[str, dict[str, Any]] = {
    "absolute": {},
    "absolute, nothing protected": {"protect_first": False, "score_norm": "alive"},
    "absolute, padded norm": {"score_norm": "padded:24"},
    "relative": {"rule": "relative", "relative_threshold": 0.3},
    "topk": {"rule": "topk", "topk_rate": 0.3, "layers": 6, "protect_first": False},
}


def model_of(layout: str, rule: str, seed: int) -> LTPForSequenceClassification:
    return pruning_model(layout, seed=seed, **RULES[rule])


def near(model: LTPForSequenceClassification, scores: Sequence[float], layer: int) -> list[bool]:
    """Which of a document's alive tokens have a score so near to what it is compared with."""
    config = model.config
    if config.rule == "absolute":
        bound = max(float(model.thresholds[layer]), 1e-5)
    elif config.rule == "relative":
        bound = config.relative_threshold * max(scores)
    else:  # the last one that stays is compared with the first one that leaves
        return [
            any(i != j and abs(a - b) <= MARGIN * a for j, b in enumerate(scores))
            for i, a in enumerate(scores)
        ]
    return [abs(score - bound) <= MARGIN * bound for score in scores]


def excused(
    model: LTPForSequenceClassification, ids: list[int], ours: np.ndarray, theirs: np.ndarray
) -> bool:
    """Whether the first layer that decided otherwise did so only where scores were near."""
    layer = int(min(np.minimum(ours, theirs)[ours != theirs]))
    with torch.inference_mode():
        output = model(**batch([ids], PAD[model.config.layout]), pruning="hard", output_scores=True)
    assert output.scores is not None
    alive = np.flatnonzero(ours >= layer)
    close = near(model, output.scores[layer, 0, alive].tolist(), layer)
    differ = [(ours[i] > layer) != (theirs[i] > layer) for i in alive]
    return all(c or not d for c, d in zip(close, differ, strict=True))


@pytest.mark.parametrize(
    ("layout", "rule"), [*product(("bert", "roberta"), RULES), ("distilbert", "absolute")]
)
def test_it_agrees_with_the_engine_but_at_a_threshold(layout: str, rule: str) -> None:
    dropped = same = 0
    for seed in (51, 52, 53):
        model = model_of(layout, rule, seed)
        rows = documents(40, seed=seed)
        engine: dict[int, tuple[np.ndarray, ...]] = {}
        plain: dict[int, tuple[np.ndarray, ...]] = {}
        for found, results in (
            (engine, run(model, rows, pruning="hard", batch_tokens=200)),
            (plain, run_padded(model, rows, batch_tokens=160)),
        ):
            for result in results:
                for place, index in enumerate(result.indices.tolist()):
                    found[index] = (
                        result.depths[place], result.lengths[:, place], result.probs[place],
                        result.logits[place],
                    )  # fmt: skip
        assert engine.keys() == plain.keys() == set(range(40))
        for index, (depth, lengths, probs, logits) in plain.items():
            wanted = engine[index]
            assert depth.dtype == wanted[0].dtype == np.int8
            if not np.array_equal(depth, wanted[0]):
                assert excused(model, rows[index], wanted[0], depth)
                continue
            assert lengths.tolist() == wanted[1].tolist()
            np.testing.assert_allclose(probs, wanted[2], atol=1e-4)
            np.testing.assert_allclose(logits, wanted[3], atol=1e-3)
            assert probs.argmax() == wanted[2].argmax()
            same += 1
            dropped += lengths[-1] < lengths[0]
    assert same >= 114  # of 120
    assert dropped >= 90


def test_lengths_count_the_tokens_that_outlived_each_layer() -> None:
    model = model_of("bert", "absolute", 54)
    rows = documents(9, seed=55)
    (result,) = run_padded(model, rows)
    for place, index in enumerate(result.indices.tolist()):
        depth = result.depths[place].tolist()
        assert len(depth) == len(rows[index])
        alive = [sum(value >= layer for value in depth) for layer in range(4)]
        assert result.lengths[:, place].tolist() == alive
    assert result.probs.sum(1) == pytest.approx(np.ones(9), abs=1e-6)


def test_topk_leaves_the_share_that_it_says() -> None:
    model = model_of("roberta", "topk", 56)
    (result,) = run_padded(model, [list(range(5, 25))])
    shares = [topk_rate(model.config, layer) for layer in range(6)]
    assert result.lengths[:, 0].tolist() == [20, *(round(20 * share) for share in shares)]
    assert result.lengths[-1, 0] == 6


def test_what_was_dropped_is_computed_and_seen_by_nobody() -> None:
    """Every product is as large as without pruning; what a dropped token holds changes nothing."""
    model = model_of("bert", "absolute", 57)
    rows = documents(12, seed=58)
    inputs = batch(rows, 0)
    sizes = set()

    def note(module: nn.Module, args: Any, output: Any) -> None:
        sizes.add(tuple(args[0].shape[:2]))

    norms = [cast(LTPLayer, layer).ffn_norm for layer in model.layers]
    for norm in norms:
        norm.register_forward_hook(note)
    with torch.inference_mode():
        logits, depth, _ = masked(model, inputs["input_ids"], inputs["attention_mask"])
    assert sizes == {tuple(inputs["input_ids"].shape)}
    gone = (depth == 0) & inputs["attention_mask"].bool()
    assert gone.any()

    def spoil(module: nn.Module, args: Any, output: Any) -> Any:
        return output.masked_fill(gone[:, :, None], 3.0)

    norms[0].register_forward_hook(spoil)
    with torch.inference_mode():
        again, same, _ = masked(model, inputs["input_ids"], inputs["attention_mask"])
    assert torch.equal(depth, same)
    torch.testing.assert_close(again, logits)


@pytest.mark.parametrize("call", [run_padded, lambda model, rows: run(model, rows, pruning="hard")])
def test_a_threshold_that_is_no_number_is_an_error(call: Callable[..., Any]) -> None:
    model = model_of("bert", "absolute", 59)
    with torch.no_grad():
        model.thresholds[1] = torch.nan
    with pytest.raises(ValueError, match="threshold of layer 2 is nan"):
        list(call(model, documents(3)))
