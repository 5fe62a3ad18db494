"""Opening and converting checkpoints of the original implementation, good and hostile ones."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ltp_models import PAD, Bomb, batch, documents, pruning_model, tiny_stock
from original import FINAL, config_of, offset, state_of, write
from safetensors.torch import load_file
from tiny import backbone
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import auditkit.ltp
from auditkit.errors import AuditError, CheckpointError, SettingsError
from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.checkpoints import load_baseline, load_ltp
from auditkit.ltp.saving import convert
from auditkit.ltp.tokenizers import load_tokenizer

NORM = "padded:24"
EVERY = ("absolute", "relative", "topk")


@pytest.fixture(scope="module")
def model() -> LTPForSequenceClassification:
    return pruning_model("roberta", seed=3, score_norm=NORM, protect_first=False)


@pytest.fixture(scope="module")
def state(model: LTPForSequenceClassification) -> dict[str, torch.Tensor]:
    return state_of(model)


@pytest.fixture(scope="module")
def config(model: LTPForSequenceClassification) -> dict[str, Any]:
    return config_of(model)


Make = Callable[..., Path]


@pytest.fixture
def make(config: dict[str, Any], state: dict[str, torch.Tensor], tmp_path: Path) -> Make:
    """A checkpoint with other settings (None removes one) and other weights."""

    def made(settings: dict[str, Any] | None = None, pickled: bool = False, **weights: Any) -> Path:
        chosen = {k: v for k, v in (config | (settings or {})).items() if v is not REMOVED}
        changed = {k: v for k, v in (state | weights).items() if v is not REMOVED}
        return write(tmp_path / "original", chosen, changed, pickled=pickled)

    return made


REMOVED = object()


def mode(prune_mode: str | None, **options: Any) -> dict[str, Any]:
    """Settings of another pruning mode."""
    return {
        "prune_mode": prune_mode, "prune_kwargs": options or REMOVED,
        "final_token_threshold": REMOVED, **options,
    }  # fmt: skip


def without_offsets() -> dict[str, Any]:
    return {offset(layer): REMOVED for layer in range(3)}


def refused(path: Path, **choices: Any) -> str:
    """The error, which is one line that begins with the name."""
    with pytest.raises(CheckpointError) as caught:
        load_ltp(str(path), **choices)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    assert len(message) < 600
    return message.removeprefix(f"{path}: ")


def answers(model: LTPForSequenceClassification) -> auditkit.ltp.LTPOutput:
    with torch.no_grad():
        return model(**batch(documents(10, seed=5), PAD["roberta"]))


def assert_same(seen: LTPForSequenceClassification, expected: LTPForSequenceClassification) -> None:
    ours, theirs = answers(expected), answers(seen)
    assert ours.depth is not None
    assert theirs.depth is not None
    assert torch.equal(theirs.logits, ours.logits)  # type: ignore[arg-type]
    assert torch.equal(theirs.depth, ours.depth)
    assert len(ours.depth[ours.depth < 3]) > 20


# --- what is read ----------------------------------------------------------------------------


@pytest.mark.parametrize("pickled", [False, True])
def test_it_opens_as_the_model_it_is(
    pickled: bool, make: Make, model: LTPForSequenceClassification
) -> None:
    opened = load_ltp(str(make(pickled=pickled)), score_norm=NORM)
    assert not opened.training
    assert opened.config.original
    assert not opened.config.protect_first
    assert opened.config.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    torch.testing.assert_close(opened.thresholds, model.thresholds, atol=1e-8, rtol=0)
    assert_same(opened, model)


def test_thresholds_are_a_line_in_float32_plus_what_was_learned(
    make: Make, state: dict[str, torch.Tensor]
) -> None:
    opened = load_ltp(str(make({"final_token_threshold": 0.1, "prune_kwargs": {}})))
    for layer in range(3):
        expected = np.float32(0.1 * layer / 3) + state[offset(layer)].numpy()
        assert opened.thresholds[layer].item() == expected


@pytest.mark.parametrize(
    ("scoring", "chosen", "norm"),
    [
        (REMOVED, None, "padded:128"),
        ("mean", None, "padded:128"),
        ("mean_norm", None, "alive"),
        ("mean_norm", "padded:40", "padded:40"),
        ("mean", "length", "length"),
    ],
)
def test_the_score_norm(scoring: Any, chosen: str | None, norm: str, make: Make) -> None:
    path = make({"scoring_mode": scoring})
    assert load_ltp(str(path), score_norm=chosen).config.score_norm == norm


def test_the_other_rules(make: Make) -> None:
    relative = load_ltp(str(make(mode("threshold", token_threshold=0.45), **without_offsets())))
    assert (relative.config.rule, relative.config.relative_threshold) == ("relative", 0.45)
    topk = load_ltp(str(make(mode("topk", token_keep_rate=0.2), **without_offsets())))
    assert (topk.config.rule, topk.config.topk_rate) == ("topk", 0.2)
    none = load_ltp(str(make(mode(None), **without_offsets())))
    assert (none.config.pruning, none.thresholds.tolist()) == ("off", [0.0, 0.0, 0.0])


@pytest.mark.parametrize(("rate", "length"), [(0.7, 15), (0.3, 15), (0.25, 10)])
def test_topk_rounds_a_half_to_even_as_float32_has_it(rate: float, length: int) -> None:
    """Four layers: the last alone prunes, and 1 − (1 − rate) is not quite the rate in float64."""
    model = pruning_model("roberta", layers=4, rule="topk", topk_rate=rate, protect_first=False)
    rows = [row for row in documents(60, seed=8) if len(row) >= length]
    with torch.no_grad():
        output = model(**batch([row[:length] for row in rows], PAD["roberta"]))
    assert output.lengths is not None
    expected = torch.round(torch.tensor(length) * (1.0 + (rate - 1.0)))  # as torch has it
    assert set(output.lengths[-1].tolist()) == {int(expected)}


def test_the_arithmetic_follows_the_configuration(make: Make) -> None:
    path = make({"layer_norm_eps": 0.03, "hidden_act": "relu", "pad_token_id": REMOVED})
    opened = load_ltp(str(path), score_norm=NORM)
    stock: Any = tiny_stock("roberta", seed=3, layer_norm_eps=0.03, hidden_act="relu")
    inputs = batch(documents(6), PAD["roberta"])
    with torch.no_grad():
        expected, seen = stock(**inputs).logits, opened(**inputs, pruning="off").logits
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=0)


def test_classes_without_names_are_counted(make: Make) -> None:
    assert load_ltp(str(make({"id2label": REMOVED}))).config.labels[2:] == ("LABEL_2",)
    named = make({"id2label": {"0": "no", "1": "yes", "2": "perhaps"}})
    assert load_ltp(str(named)).config.labels == ("no", "yes", "perhaps")


def test_half_precision_keeps_the_thresholds(
    make: Make, model: LTPForSequenceClassification
) -> None:
    opened = load_ltp(str(make()), dtype=torch.bfloat16)
    assert opened.state_dict()["head.out.weight"].dtype == torch.bfloat16
    assert opened.thresholds.dtype == torch.float32
    torch.testing.assert_close(opened.thresholds, model.thresholds, atol=1e-8, rtol=0)


def test_an_original_is_a_baseline_too(make: Make) -> None:
    assert load_baseline(str(make(mode(None), **without_offsets()))).config.pruning == "off"
    assert load_baseline(str(make())).config.pruning == "off"


@pytest.mark.parametrize("name", ["absolute_learned", "absolute_learned_mean_norm"])
def test_both_files_of_a_full_checkpoint_hold_the_same(
    name: str, shared_data: Path, tmp_path: Path
) -> None:
    source = shared_data / "ltp_vectors" / name
    for file in ("config.json", "pytorch_model.bin"):
        (tmp_path / file).write_bytes((source / file).read_bytes())
    pickled, whole = load_ltp(str(tmp_path)), load_ltp(str(source))
    assert pickled.config.to_dict() == whole.config.to_dict()
    for key, value in whole.state_dict().items():
        assert torch.equal(pickled.state_dict()[key], value), key


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"quant_mode": True}, "quant_mode is True, expected false"),
        ({"quant_mode": "yes"}, "from before quantisation"),
        (
            {"prune_mode": "topp"},
            "did you mean topk? available: absolute_threshold, threshold, topk, or",
        ),
        ({"prune_mode": ["topk"]}, "available: absolute_threshold, threshold, topk, or null"),
        ({"prune_mode": "rising_threshold"}, "prune_mode is rising_threshold; "),
        ({"scoring_mode": "max"}, "scoring_mode is max; available: mean, mean_norm"),
        ({"scoring_mode": {}}, "scoring_mode is {}; available: mean, mean_norm"),
        ({"position_embedding_type": "relative_key"}, "is relative_key, expected 'absolute'"),
        ({"num_hidden_layers": 4}, "num_hidden_layers is 4, the weights hold 3"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000, the weights hold 3"),
        ({"num_hidden_layers": "3"}, "num_hidden_layers is '3', expected a whole number from 1"),
        ({"num_hidden_layers": True}, "num_hidden_layers is True, expected a whole number"),
        ({"hidden_size": 10**6}, "has shape [60, 32], expected [60, 1000000] by config.json"),
        ({"hidden_size": 10**12}, "config.json makes no model"),
        ({"hidden_size": 10**300}, "config.json makes no model"),
        ({"hidden_size": -32}, "hidden_size is -32, expected a whole number from 1"),
        ({"hidden_size": 32.0}, "hidden_size is 32.0, expected a whole number from 1"),
        ({"num_attention_heads": 5}, "no multiple of num_attention_heads 5"),
        ({"num_attention_heads": 0}, "num_attention_heads is 0"),
        ({"vocab_size": 59}, "word_embeddings.weight' has shape [60, 32], expected [59, 32]"),
        ({"max_position_embeddings": 2}, "max_position_embeddings is 2, expected more than"),
        ({"pad_token_id": None}, "pad_token_id is None, expected a whole number from 0"),
        ({"pad_token_id": 10**6}, "expected a whole number from 0, below vocab_size"),
        ({"pad_token_id": 41}, "expected more than pad_token_id + 1 = 42"),
        ({"hidden_act": "__import__"}, "config.json makes no model"),
        ({"hidden_dropout_prob": 7}, "hidden_dropout_prob is 7, expected a number from 0 to 1"),
        ({"layer_norm_eps": 0}, "layer_norm_eps is 0, expected a number between 0 and 1"),
        ({"layer_norm_eps": float("nan")}, "layer_norm_eps is nan"),
        ({"id2label": {"0": "a"}}, "the weights have 3 classes"),
        ({"id2label": ["a", "b", "c"]}, "expected a name for each index from 0"),
        ({"id2label": {"0": "a", "1": "a", "2": "b"}}, "two classes one name"),
        ({"final_token_threshold": 0.5}, f"is 0.5, and {FINAL} in prune_kwargs"),
        (mode("absolute_threshold"), "final_token_threshold is None, expected a finite number"),
        (mode("absolute_threshold", final_token_threshold=float("nan")), "is nan, expected"),
        (mode("absolute_threshold", final_token_threshold=10**400), "expected a finite number"),
        (mode("absolute_threshold", final_token_threshold="big"), "expected a finite number"),
        (mode("topk", token_keep_rate=1.5), "is 1.5, expected a number from 0 to 1"),
        (mode("topk", token_keep_rate=0.5), "3 layers have a learned threshold"),
    ],
)
def test_a_configuration_that_makes_no_such_model(
    settings: dict[str, Any], expected: str, make: Make
) -> None:
    assert expected in refused(make(settings))


@pytest.mark.parametrize("norm", ["padded:0", "padded:1e9", "mean", "", f"padded:{'9' * 5000}"])
def test_a_score_norm_that_is_none(norm: str, make: Make) -> None:
    with pytest.raises(SettingsError, match=r"-score-norm is .*; available: length, alive, padded"):
        load_ltp(str(make()), score_norm=norm)


ANY = "ibert.encoder.layer.1.output.dense.weight"


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({ANY: REMOVED}, f"the weight '{ANY}' is missing"),
        ({"ibert.pooler.dense.weight": torch.zeros(2)}, "belongs to no part of the model"),
        ({"roberta." + ANY[6:]: torch.zeros(2)}, "whose names begin with ibert."),
        ({"ibert.encoder.layer.01." + ANY[22:]: torch.zeros(2)}, "belongs to no part"),
        ({"x\n\u202e\x1b[2J" * 100: torch.zeros(2)}, "belongs to no part of the model"),
        ({ANY: torch.zeros(32, 63)}, f"'{ANY}' has shape [32, 63], expected [32, 64]"),
        ({ANY: torch.zeros(32, 64, dtype=torch.int8)}, "is a torch.int8 tensor, expected a dense"),
        ({"classifier.out_proj.weight": REMOVED}, "weight 'classifier.out_proj.weight' is missing"),
        ({offset(2): REMOVED}, "2 layers have a learned threshold (pruner.keep_threshold), "
                               "expected 3: num_hidden_layers is 3"),
        ({offset(3): torch.tensor(0.1)}, "4 layers have a learned threshold"),
        ({offset(9999): torch.tensor(0.1)}, "4 layers have a learned threshold"),
        ({offset(1): torch.zeros(2)}, "threshold of layer 2 (pruner.keep_threshold) has shape [2]"),
        ({offset(1): torch.tensor(float("nan"))}, "the threshold of layer 2 is nan, expected a fi"),
        ({offset(0): torch.tensor(float("inf"))}, "the threshold of layer 1 is inf, expected a fi"),
    ],
)  # fmt: skip
def test_weights_that_are_not_the_models(
    weights: dict[str, Any], expected: str, make: Make
) -> None:
    assert expected in refused(make(**weights))


@pytest.mark.parametrize("torch_format", [True, False])
def test_code_in_a_pickle_is_never_executed(torch_format: bool, make: Make, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    path = make(pickled=True, bomb=Bomb(proof))
    if not torch_format:
        (path / "pytorch_model.bin").write_bytes(pickle.dumps({"bomb": Bomb(proof)}))
    assert "pytorch_model.bin cannot be read as tensors" in refused(path)
    assert not proof.exists()


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ([torch.zeros(2)], "holds a list, expected a mapping of names to tensors"),
        ({3: torch.zeros(2)}, "expected a mapping of names to tensors"),
        ({"state_dict": {}}, "the weight state_dict is a dict, expected a dense"),
        ({"w": torch.zeros(1).expand(10**12)}, "the weight w is a torch.float32 tensor, expected"),
        ({"w": torch.eye(3).to_sparse()}, "the weight w is a torch.float32 tensor, expected"),
        ({"w": torch.empty(3, device="meta")}, "the weight w is a torch.float32 tensor, expected"),
    ],
)
def test_a_pickle_of_something_else(held: object, expected: str, make: Make) -> None:
    path = make(pickled=True)
    torch.save(held, path / "pytorch_model.bin")
    assert expected in refused(path)


@pytest.mark.parametrize("keep", [0, 7, 200, -1000])
@pytest.mark.parametrize("pickled", [False, True])
def test_truncated_weights(keep: int, pickled: bool, make: Make) -> None:
    path = make(pickled=pickled)
    file = path / ("pytorch_model.bin" if pickled else "model.safetensors")
    file.write_bytes(file.read_bytes()[:keep])
    assert f"{file.name} cannot be read as tensors" in refused(path)


def test_a_directory_without_weights(make: Make) -> None:
    path = make()
    (path / "model.safetensors").unlink()
    assert refused(path) == (
        "no weights; expected model.safetensors or pytorch_model.bin; the directory holds: "
        "config.json"
    )


def test_ours_does_not_take_another_score_norm(
    model: LTPForSequenceClassification, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path / "ours")
    assert load_ltp(str(tmp_path / "ours"), score_norm=NORM).config.score_norm == NORM
    assert "for checkpoints of the original alone" in refused(tmp_path / "ours", score_norm="alive")


# --- what is written -------------------------------------------------------------------------


@pytest.mark.parametrize("rule", EVERY)
def test_a_converted_checkpoint_opens_by_the_auto_classes(
    rule: str, make: Make, tmp_path: Path
) -> None:
    path = {
        "absolute": lambda: make(),
        "relative": lambda: make(mode("threshold", token_threshold=0.5), **without_offsets()),
        "topk": lambda: make(mode("topk", token_keep_rate=0.4), **without_offsets()),
    }[rule]()
    direct = load_ltp(str(path), score_norm=NORM)
    convert(str(path), tmp_path / "deep" / "ours", score_norm=NORM)
    opened = AutoModelForSequenceClassification.from_pretrained(tmp_path / "deep" / "ours")
    assert type(opened) is LTPForSequenceClassification
    written = json.loads((tmp_path / "deep" / "ours" / "config.json").read_text())
    assert (written["model_type"], written["original"]) == ("auditkit-ltp", True)
    assert (written["rule"], written["score_norm"]) == (rule, NORM)
    assert torch.equal(opened.thresholds, direct.thresholds)
    if rule == "absolute":
        assert_same(opened, direct)
    weights = load_file(tmp_path / "deep" / "ours" / "model.safetensors")
    assert set(weights) <= set(direct.state_dict())
    assert not list(tmp_path.glob("**/*.partial"))


def complaint(error: type[AuditError], *arguments: Any, **choices: Any) -> str:
    with pytest.raises(error) as caught:
        convert(*arguments, **choices)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_not_converted(
    make: Make, model: LTPForSequenceClassification, tmp_path: Path
) -> None:
    path = make()
    assert "is there and not empty" in complaint(SettingsError, str(path), path)
    (tmp_path / "file").write_text("x")
    assert "is there and not empty" in complaint(SettingsError, str(path), tmp_path / "file")
    model.save_pretrained(tmp_path / "ours")
    seen = complaint(CheckpointError, str(tmp_path / "ours"), tmp_path / "out")
    assert "model_type is 'auditkit-ltp', expected 'ltp'" in seen
    seen = complaint(CheckpointError, str(tmp_path / "nowhere"), tmp_path / "out")
    assert "no such directory" in seen
    assert not (tmp_path / "out").exists()


def test_the_tokenizer_comes_along(make: Make, tmp_path: Path) -> None:
    backbone("roberta", tmp_path / "words")
    path = make()
    seen = complaint(
        CheckpointError, str(path), tmp_path / "out", tokenizer=str(tmp_path / "words")
    )
    assert "the tokenizer's ids go up to 419, the model's to 59" in seen
    with pytest.raises(CheckpointError, match=r"put the tokenizer.json of the model that it was"):
        load_tokenizer(str(path))
    old = tmp_path / "words" / "tokenizer.json"
    words = json.loads(old.read_text())["model"]
    small = {piece: number for piece, number in words["vocab"].items() if number < 60}
    (path / "vocab.json").write_text(json.dumps(small))  # as transformers 4 saved a slow one
    (path / "merges.txt").write_text("#version: 0.2\n")
    convert(str(path), tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.is_fast
    assert tokenizer("!!")["input_ids"] == [0, small["!"], small["!"], 2]
    (path / "vocab.json").write_text("{")
    assert "cannot be read" in complaint(CheckpointError, str(path), tmp_path / "other")
