"""Real tiny models called in padded batches, in all layouts, and with their thresholds moved."""

from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
from ltp_models import PAD, batch, documents, pruning_model

from auditkit.bench.calling import Call, padded, scored
from auditkit.bench.ltp_subject import LTPSubject
from auditkit.bench.settings import ModelSettings
from auditkit.bench.subjects import Bench, Encoded
from auditkit.errors import TraceError
from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp import padded as plain
from auditkit.ltp.layouts import LAYOUTS

ROWS = documents(40, seed=11, longest=24)
IDS = [f"d{number:02}" for number in range(len(ROWS))]


def bench_of(model: LTPForSequenceClassification, batch_tokens: int = 200) -> Bench:
    subject = LTPSubject(cast(Any, None), ((0,), (1,), (2,)), cast(Any, None), model)
    settings = ModelSettings(model="tiny", batch_tokens=batch_tokens)
    return Bench({"model": subject}, {}, ("a", "b", "c"), settings)


def encoded() -> dict[str, Encoded]:
    special = [np.zeros(len(row), dtype=bool) for row in ROWS]
    return {
        one: Encoded(row, [(0, 0)] * len(row), none, False)
        for one, row, none in zip(IDS, ROWS, special, strict=True)
    }


def said(model: LTPForSequenceClassification, **how: Any) -> pd.DataFrame:
    call = Call(**({"batch_size": 7, "extra": 0} | how))
    return padded(bench_of(model), "pruned", encoded(), call, lambda count: None)


def depths(frame: pd.DataFrame) -> list[list[int]]:
    return [list(own) for own in frame["depths"]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_checkpoints_forward_says_the_same_however_it_is_called(layout: str) -> None:
    model = pruning_model(layout, seed=3)
    answers = bench_of(model).answer("pruned", list(encoded().values()))
    assert sum(int((answer.depths < 3).sum()) for answer in answers) > 100
    for how in (
        {"batch_size": 1}, {"batch_size": 3}, {"batch_size": 40}, {"side": "left"},
        {"extra": 64}, {"extra": 9, "side": "left"}, {"width": 100},
    ):  # fmt: skip
        frame = said(model, **how)
        assert frame["example_id"].tolist() == IDS
        assert frame["probs"].tolist() == [answer.probs.tolist() for answer in answers]
        assert frame["predicted"].tolist() == [answer.predicted for answer in answers]
        assert depths(frame) == [answer.depths.tolist() for answer in answers]
        assert set(frame["returns"]) == {None}


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_masks_say_the_same_but_for_rounding(layout: str, side: str) -> None:
    model = pruning_model(layout, seed=4)
    ours = said(model)
    for extra in (0, 13):
        theirs = said(model, form="masks", side=side, extra=extra)
        same = [a == b for a, b in zip(depths(ours), depths(theirs), strict=True)]
        assert sum(same) >= 38  # of 40
        for alike, a, b in zip(same, ours["probs"], theirs["probs"], strict=True):
            assert not alike or np.allclose(a, b, atol=1e-4)
        assert [len(back) for back in theirs["returns"]] == [len(row) for row in ROWS]
        assert not any(any(back) for back in theirs["returns"])


def test_scores_by_the_padded_length_depend_on_it() -> None:
    """As in the original: the wider a batch, the fewer tokens of the same document stay."""
    model = pruning_model("roberta", seed=5, score_norm="padded:24", protect_first=False)
    audited = [answer.depths.tolist() for answer in
               bench_of(model).answer("pruned", list(encoded().values()))]  # fmt: skip
    at = {width: depths(said(model, form="masks", width=width)) for width in (24, 48, 96)}
    assert sum(a == b for a, b in zip(at[24], audited, strict=True)) >= 38
    first = {width: [sum(depth > 0 for depth in own) for own in found] for width, found in
             at.items()}  # fmt: skip
    assert all(a >= b >= c for a, b, c in zip(first[24], first[48], first[96], strict=True))
    assert sum(first[24]) > 2 * sum(first[48])
    alone = depths(said(model, form="masks", batch_size=1))
    assert sum(a != b for a, b in zip(alone, audited, strict=True)) > 20
    assert depths(said(model, width=96)) == audited  # our own forward divides by 24 throughout


def test_a_token_that_comes_back_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    model, attend, calls = pruning_model("bert", seed=6), plain._attend, [0]

    def broken(layer: Any, x: torch.Tensor, alive: torch.Tensor) -> Any:
        """In the third layer all tokens of a lone document are attended to again."""
        calls[0] += 1
        return attend(layer, x, torch.ones_like(alive) if calls[0] % 3 == 0 else alive)

    monkeypatch.setattr(plain, "_attend", broken)
    frame = said(model, form="masks", batch_size=1)
    known = depths(said(model))
    for back, own in zip(frame["returns"], known, strict=True):
        assert list(back) == [int(depth < 2) for depth in own]


@pytest.mark.parametrize(
    "rule", [{}, {"rule": "relative", "relative_threshold": 0.3}, {"score_norm": "padded:24"}]
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_decisions_follow_from_scores_and_bounds(layout: str, rule: dict[str, Any]) -> None:
    model = pruning_model(layout, seed=7, **rule)
    frame = scored(bench_of(model), "pruned", encoded(), 1.0, lambda count: None)
    answers = bench_of(model).answer("pruned", list(encoded().values()))
    for (_, row), answer in zip(frame.iterrows(), answers, strict=True):
        n = len(answer.depths)
        scores = np.array(row["scores"]).reshape(3, n)
        for at in range(n):
            depth = 0
            while depth < 3 and (at == 0 or scores[depth, at] >= np.float32(row["bounds"][depth])):
                depth += 1
            assert depth == answer.depths[at] == row["depths"][at]
            assert [score > 0 for score in scores[:, at]] == [depth >= at for at in range(3)]
        assert row["probs"] == answer.probs.tolist()
        assert row["predicted"] == answer.predicted


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("rule", [{}, {"rule": "relative", "relative_threshold": 0.3}])
def test_thresholds_are_moved_for_one_question(rule: dict[str, Any], factor: float) -> None:
    model, by_hand = (pruning_model("bert", seed=8, **rule) for _ in range(2))
    before = model.thresholds.tolist()
    with torch.no_grad():
        by_hand.thresholds.mul_(factor)
    by_hand.config.relative_threshold *= factor
    frame = scored(bench_of(model), "pruned", encoded(), factor, lambda count: None)
    wanted = bench_of(by_hand).answer("pruned", list(encoded().values()))
    assert depths(frame) == [answer.depths.tolist() for answer in wanted]
    plainly = bench_of(model).answer("pruned", list(encoded().values()))
    kept = [sum(int(answer.depths.sum()) for answer in side) for side in (wanted, plainly)]
    assert (kept[0] > kept[1]) == (factor < 1)
    assert model.thresholds.tolist() == before
    assert model.config.relative_threshold == pytest.approx(
        by_hand.config.relative_threshold / factor
    )


def test_no_bound_where_nothing_is_compared_with_one() -> None:
    topk = pruning_model("bert", layers=6, rule="topk", topk_rate=0.3)
    frame = scored(bench_of(topk), "pruned", encoded(), 1.0, lambda count: None)
    assert np.isnan(np.array(frame["bounds"].tolist())).all()
    still = pruning_model("bert")
    with torch.no_grad():
        still.thresholds[1] = 0.0
    frame = scored(bench_of(still), "pruned", encoded(), 1.0, lambda count: None)
    assert np.isnan(np.array(frame["bounds"].tolist())).all(0).tolist() == [False, True, False]
    scores = np.array(frame["scores"][4]).reshape(3, -1)
    assert np.isnan(scores).all(1).tolist() == [False, True, False]


@pytest.mark.parametrize("rows", [1, 5, 40])
def test_the_same_however_they_are_batched(rows: int) -> None:
    model = pruning_model("bert", seed=9)
    tokens = rows * 24
    ours = scored(bench_of(model, tokens), "pruned", encoded(), 1.0, lambda count: None)
    again = scored(bench_of(model), "pruned", encoded(), 1.0, lambda count: None)
    pd.testing.assert_frame_equal(ours, again)


def test_left_padding_is_as_the_forward_has_it() -> None:
    """Masks on the left against the checkpoint's own forward on the very same inputs."""
    model = pruning_model("roberta", seed=10)
    inputs = batch(ROWS, PAD["roberta"])
    flipped = {name: torch.zeros_like(value) for name, value in inputs.items()}
    for at, row in enumerate(ROWS):
        flipped["input_ids"][at, -len(row) :] = torch.tensor(row)
        flipped["attention_mask"][at, -len(row) :] = 1
    with torch.inference_mode():
        ours, theirs = model(**flipped, pruning="hard"), plain.masked(model, *flipped.values())
    assert ours.depth is not None
    assert ours.logits is not None
    alike = (ours.depth == theirs.depth).all(1)
    assert int(alike.sum()) >= 38
    torch.testing.assert_close(ours.logits[alike], theirs.logits[alike], atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"form": "onnx"}, "no such way of calling: 'onnx'; available: masks, model"),
        ({"side": "top"}, "no such way of calling: 'top'; available: left, right"),
        ({"batch_size": 0}, "batches of 0 documents with 0 tokens more"),
        ({"extra": -1}, "with -1 tokens more"),
    ],
)
def test_a_call_that_is_none(how: dict[str, Any], expected: str) -> None:
    with pytest.raises(TraceError, match=expected):
        said(pruning_model("bert"), **how)
