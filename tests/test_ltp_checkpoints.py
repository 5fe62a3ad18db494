"""Opening, converting and saving checkpoints, good and hostile ones."""

import json
import pickle
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from ltp_models import PAD, Bomb, batch, documents, pruning_model, tiny_stock
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertForSequenceClassification,
    BertTokenizer,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    PreTrainedModel,
    RobertaForSequenceClassification,
)

import auditkit.ltp
from auditkit.errors import CheckpointError
from auditkit.ltp import LTPConfig, LTPForSequenceClassification
from auditkit.ltp.checkpoints import (
    check_answers,
    fingerprint,
    from_stock,
    load_baseline,
    load_ltp,
    open_backbone,
)
from auditkit.ltp.inference import run
from auditkit.ltp.layouts import LAYOUTS
from auditkit.ltp.naming import to_stock
from auditkit.ltp.saving import save_stock
from auditkit.ltp.stored import training_record
from auditkit.ltp.tokenizers import load_tokenizer

STOCK: dict[str, type[PreTrainedModel]] = {
    "bert": BertForSequenceClassification,
    "roberta": RobertaForSequenceClassification,
    "distilbert": DistilBertForSequenceClassification,
}


def change_config(directory: Path, **changes: Any) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes))


def change_weights(directory: Path, **changes: torch.Tensor) -> None:
    path = directory / "model.safetensors"
    save_file(load_file(path) | changes, path, {"format": "pt"})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    pruning_model("bert").save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def refused(open_: Callable[[str], object], name: Path | str) -> str:
    """The error, which is one line that begins with the name."""
    with pytest.raises(CheckpointError) as caught:
        open_(str(name))
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    return message.removeprefix(f"{name}: ")


# --- stock classifiers -----------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_unpruned_logits_equal_the_stock_classifiers(layout: str, seed: int) -> None:
    stock = tiny_stock(layout, seed)
    own = from_stock(stock).eval()
    inputs = batch(documents(12, seed), PAD[layout])
    with torch.no_grad():
        expected, seen = stock(**inputs).logits, own(**inputs, pruning="off").logits
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=0)
    assert expected.std() > 0.01


def test_token_types_reach_the_embeddings() -> None:
    stock = tiny_stock("bert")
    own = from_stock(stock).eval()
    inputs = batch(documents(6), 0)
    inputs["token_type_ids"] = (inputs["input_ids"] % 2) * inputs["attention_mask"]
    with torch.no_grad():
        expected, seen = stock(**inputs).logits, own(**inputs, pruning="off").logits
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_to_stock_undoes_from_stock(layout: str) -> None:
    stock = tiny_stock(layout)
    back, weights = to_stock(from_stock(stock)), stock.state_dict()
    assert set(back) == set(weights)
    for name, value in weights.items():
        assert torch.equal(back[name], value), name


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_saved_baseline_opens_as_the_stock_class(layout: str, tmp_path: Path) -> None:
    stock: Any = tiny_stock(layout)
    stock.config.id2label = {0: "no", 1: "yes", 2: "perhaps"}
    stock.config.label2id = {"no": 0, "yes": 1, "perhaps": 2}
    save_stock(from_stock(stock), tmp_path)
    opened: Any = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert type(opened) is STOCK[layout]
    assert opened.config.id2label == stock.config.id2label
    inputs = batch(documents(6), PAD[layout])
    with torch.no_grad():
        assert torch.equal(opened.train(False)(**inputs).logits, stock(**inputs).logits)
    written = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert not {"pruning", "rule", "layout", "score_norm", "temperature"} & set(written)
    baseline = load_baseline(str(tmp_path))
    assert baseline.config.pruning == "off"
    assert not baseline.training


def test_weights_in_bfloat16_leave_thresholds_in_float32() -> None:
    stock = tiny_stock("bert").to(torch.bfloat16)  # type: ignore[arg-type]
    own = from_stock(stock)
    assert own.thresholds.dtype == torch.float32
    assert own.layers[0].qkv.weight.dtype == torch.bfloat16  # type: ignore[union-attr]


def test_positions_that_are_not_absolute_are_refused() -> None:
    stock = tiny_stock("bert")
    stock.config.position_embedding_type = "relative_key"
    with pytest.raises(CheckpointError, match="is 'relative_key'; expected 'absolute'"):
        from_stock(stock)


# --- our own checkpoints ---------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_model_survives_saving(layout: str, dtype: torch.dtype, tmp_path: Path) -> None:
    model = pruning_model(layout, score_norm="alive", protect_first=False)
    model.save_pretrained(tmp_path)
    opened = load_ltp(str(tmp_path), dtype=dtype)
    assert not opened.training
    assert opened.config.to_diff_dict().keys() >= {"score_norm", "protect_first"}
    assert torch.equal(opened.thresholds, model.thresholds)  # float32, whatever the dtype
    assert opened.thresholds.dtype == torch.float32
    for name, value in model.state_dict().items():
        if name != "thresholds":
            assert torch.equal(opened.state_dict()[name], value.to(dtype)), name
    inputs = batch(documents(8), PAD[layout])
    with torch.no_grad():
        ours, theirs = model(**inputs), opened(**inputs)
    assert ours.logits is not None
    assert theirs.logits is not None
    assert theirs.depth is not None
    if dtype == torch.float32:
        assert torch.equal(theirs.logits, ours.logits)
        assert torch.equal(theirs.depth, ours.depth)  # type: ignore[arg-type]
    else:
        assert theirs.logits.dtype == dtype
        assert theirs.logits.isfinite().all()
        assert torch.eq(theirs.depth, ours.depth).float().mean() > 0.9  # type: ignore[arg-type]


def test_auto_classes_open_it_and_a_saving_of_bfloat16_keeps_the_thresholds(tmp_path: Path) -> None:
    model = pruning_model("roberta")
    model.save_pretrained(tmp_path / "a")
    half = load_ltp(str(tmp_path / "a"), dtype=torch.bfloat16)
    half.save_pretrained(tmp_path / "b")
    assert isinstance(AutoConfig.from_pretrained(tmp_path / "b"), LTPConfig)
    opened = AutoModelForSequenceClassification.from_pretrained(tmp_path / "b")
    assert type(opened) is auditkit.ltp.LTPForSequenceClassification
    assert torch.equal(opened.thresholds, model.thresholds)


def test_bfloat16_runs_every_mode() -> None:
    model = pruning_model("bert").to(torch.bfloat16)
    inputs = batch(documents(6), 0)
    for mode in ("off", "soft", "hard", "random"):
        with torch.no_grad():
            output = model(**inputs, pruning=mode, output_scores=True)
        assert output.logits is not None
        assert output.logits.dtype == torch.bfloat16
        assert output.logits.isfinite().all()


def test_a_baseline_may_be_one_of_ours(saved: Path) -> None:
    assert load_baseline(str(saved)).config.pruning == "off"


def test_thresholds_that_a_checkpoint_lacks_start_at_zero(saved: Path) -> None:
    weights = load_file(saved / "model.safetensors")
    del weights["thresholds"]
    save_file(weights, saved / "model.safetensors", {"format": "pt"})
    opened = LTPForSequenceClassification.from_pretrained(saved)
    assert opened.thresholds.tolist() == [0.0, 0.0, 0.0]
    assert "the weight thresholds is missing" in refused(load_ltp, saved)


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize("open_", [load_ltp, load_baseline, load_tokenizer])
def test_what_is_not_there_is_refused(open_: Callable[[str], object], tmp_path: Path) -> None:
    assert "no such directory" in refused(open_, tmp_path / "nowhere")
    assert "without a network give the path" in refused(open_, "nobody/no-such-model")
    (tmp_path / "empty").mkdir()
    message = refused(open_, tmp_path / "empty")
    assert "the directory holds: none" in message or "no tokenizer" in message
    (tmp_path / "file").write_text("text")
    assert "no such directory" in refused(open_, tmp_path / "file")


def test_a_backbone_that_is_not_there_is_refused(tmp_path: Path) -> None:
    open_ = lambda name: open_backbone(name, ["a", "b"])  # noqa: E731
    assert "no such directory" in refused(open_, tmp_path / "nowhere")
    assert "without a network" in refused(open_, "nobody/no-such-model")


def test_a_stock_checkpoint_is_no_ltp_model(tmp_path: Path) -> None:
    tiny_stock("bert").save_pretrained(tmp_path)
    message = refused(load_ltp, tmp_path)
    assert message == (
        "model_type is 'bert', expected 'auditkit-ltp'; make one with `auditkit train`"
    )


@pytest.mark.parametrize("open_", [load_ltp, load_baseline])
def test_ours_under_the_originals_name_is_no_original(
    open_: Callable[[str], object], saved: Path
) -> None:
    change_config(saved, model_type="ltp", architectures=["LTPForSequenceClassification"])
    message = refused(open_, saved)
    assert "the weight 'classifier.out_proj.weight' is missing" in message


def test_another_layout_is_refused(tmp_path: Path) -> None:
    tiny_stock("bert").save_pretrained(tmp_path)
    change_config(tmp_path, model_type="albert")
    assert "available layouts: bert, roberta, distilbert, their" in refused(load_baseline, tmp_path)
    assert "available layouts: bert, roberta, distilbert, their" in refused(
        lambda name: open_backbone(name, ["a"]), tmp_path
    )


@pytest.mark.parametrize("keep", [0, 7, 200, -1000])
def test_truncated_weights_are_refused(keep: int, saved: Path) -> None:
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    message = refused(load_ltp, saved)
    assert "model.safetensors cannot be read as tensors" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_threshold_that_is_no_number_is_refused(value: float, saved: Path) -> None:
    change_weights(saved, thresholds=torch.tensor([0.0, value, 0.1]))
    message = refused(load_ltp, saved)
    assert message.startswith(f"the threshold of layer 2 is {value}, expected a finite number")
    assert "train it again" in message


def test_another_number_of_thresholds_is_refused(saved: Path) -> None:
    change_weights(saved, thresholds=torch.zeros(4))
    message = refused(load_ltp, saved)
    assert "the weight thresholds has shape [4], expected [3]" in message


@pytest.mark.parametrize(
    "changes",
    [
        {"score_norm": "padded:0"},
        {"rule": "best"},
        {"layout": "t5"},
        {"pruning": "firm"},
        {"temperature": 0.0},
        {"hidden_size": 33},
        {"num_hidden_layers": "three"},
        {"hidden_act": "__import__"},
    ],
)
def test_a_configuration_that_makes_no_model_is_refused(
    changes: dict[str, Any], saved: Path
) -> None:
    change_config(saved, **changes)
    refused(load_ltp, saved)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"model_type": 3}', "{", "\x00"])
def test_a_configuration_that_is_none_is_refused(text: str, saved: Path) -> None:
    (saved / "config.json").write_text(text)
    refused(load_ltp, saved)


def test_an_encoder_without_a_trained_head_is_no_baseline_but_a_backbone(tmp_path: Path) -> None:
    stock = tiny_stock("bert")
    encoder: PreTrainedModel = stock.bert  # type: ignore[assignment]
    encoder.save_pretrained(tmp_path)
    message = refused(load_baseline, tmp_path)
    assert "the weight 'classifier.weight' is missing; it is no trained classifier" in message
    backbone = open_backbone(str(tmp_path), ["no", "yes"])
    assert backbone.config.id2label == {0: "no", 1: "yes"}
    assert backbone.classifier.out_features == 2  # type: ignore[union-attr]
    word = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(backbone.state_dict()[word], stock.state_dict()[word])


def test_a_backbone_with_a_head_for_other_labels_gets_a_new_one(tmp_path: Path) -> None:
    stock = tiny_stock("roberta")
    stock.save_pretrained(tmp_path)
    backbone = open_backbone(str(tmp_path), ["a", "b", "c", "d"])
    weights = backbone.state_dict()
    assert weights["classifier.out_proj.weight"].shape == (4, 32)
    assert weights["classifier.out_proj.weight"].isfinite().all()
    assert torch.equal(
        weights["classifier.dense.weight"], stock.state_dict()["classifier.dense.weight"]
    )


def test_a_backbone_that_lacks_parts_of_its_encoder_is_refused(tmp_path: Path) -> None:
    tiny_stock("bert").save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    gone = "bert.encoder.layer.1.output.dense.weight"
    del weights[gone]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    message = refused(lambda name: open_backbone(name, ["a", "b", "c"]), tmp_path)
    assert message.startswith(f"the weight '{gone}' is missing (1 such); in the encoder: ")


@pytest.mark.parametrize("torch_format", [True, False])
def test_code_in_a_pickle_is_never_executed(
    torch_format: bool, saved: Path, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    (saved / "model.safetensors").unlink()
    hostile = {"thresholds": Bomb(proof)}
    if torch_format:
        torch.save(hostile, saved / "pytorch_model.bin")
    else:
        (saved / "pytorch_model.bin").write_bytes(pickle.dumps(hostile))
    assert "(no pickle of tensors alone)" in refused(load_ltp, saved)
    assert not proof.exists()


def test_a_configuration_that_names_code_runs_none_of_it(saved: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    (saved / "evil.py").write_text(f"open({str(proof)!r}, 'w').write('executed')\n")
    auto_map = {
        "AutoConfig": "evil.Evil",
        "AutoModelForSequenceClassification": "evil.Evil",
        "AutoTokenizer": ["evil.Evil", "evil.Evil"],
    }
    change_config(saved, auto_map=auto_map)
    assert isinstance(load_ltp(str(saved)), LTPForSequenceClassification)
    change_config(saved, auto_map=auto_map, model_type="evil")
    refused(load_ltp, saved)
    refused(load_tokenizer, saved)
    assert not proof.exists()


# --- beside the weights ----------------------------------------------------------------------


def test_a_fast_tokenizer_opens_and_another_is_refused(tmp_path: Path) -> None:
    vocabulary = {
        token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"])
    }
    BertTokenizer(vocab=vocabulary).save_pretrained(tmp_path)
    tokenizer = load_tokenizer(str(tmp_path))
    encoded = tokenizer("a a", return_offsets_mapping=True)
    assert encoded["input_ids"] == [2, 5, 5, 3]
    assert encoded["offset_mapping"] == [(0, 0), (0, 1), (2, 3), (0, 0)]
    (tmp_path / "tokenizer.json").write_text("{")
    refused(load_tokenizer, tmp_path)


def test_a_fingerprint_follows_weights_and_configuration(saved: Path) -> None:
    before = fingerprint(str(saved))
    assert len(before) == 64
    assert fingerprint(str(saved)) == before
    (saved / "notes.txt").write_text("beside")
    assert fingerprint(str(saved)) == before
    change_weights(saved, thresholds=torch.zeros(3))
    after = fingerprint(str(saved))
    assert after != before
    change_config(saved, score_norm="alive")
    assert fingerprint(str(saved)) not in (before, after)
    assert fingerprint("hub/name") != fingerprint("hub/other")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "holds [], expected a JSON object"),
        ("{", "cannot be read (Expecting property name"),
        ("[" * 100_000, "cannot be read (maximum recursion depth exceeded"),
        ('{"a": ' * 300 + "1" + "}" * 300, "nests more than 32 levels"),
        ('{"a": "\\ud800"}', "holds half a surrogate pair"),
        ('{"a": ' + "9" * 5000 + "}", "cannot be read (Exceeds the limit"),
        (json.dumps({"sweep": [{}] * 1001}), "tells of 1001 budgets, expected at most 1000"),
        ("\x00", "cannot be read"),
    ],
)
def test_a_training_record_that_is_none_is_refused(text: str, expected: str, saved: Path) -> None:
    (saved / "training.json").write_text(text)
    assert expected in refused(training_record, saved)
    assert expected in refused(load_ltp, saved)


def test_a_training_record_is_read_where_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "training.json"
    assert training_record(str(tmp_path)) is None
    path.write_bytes(b"\xff\xfe")
    assert "cannot be read" in refused(training_record, tmp_path)
    path.write_text('{"stages": []}')
    assert training_record(str(tmp_path)) == {"stages": []}


# --- what the weights are, whatever they are called ------------------------------------------


def rewritten(directory: Path, name: Callable[[str], str]) -> None:
    """The same weights under other names."""
    path = directory / "model.safetensors"
    save_file({name(key): value for key, value in load_file(path).items()}, path)


ROBERTA_BY_NAME = {
    "xlm-roberta": "roberta.", "camembert": "roberta.", "ibert": "ibert.", "mine": "roberta.",
    "data2vec-text": "data2vec_text.", None: "roberta.", "bert": "roberta.",
}  # fmt: skip


@pytest.mark.parametrize("kind", ROBERTA_BY_NAME)
def test_robertas_layout_by_any_name(kind: str | None, tmp_path: Path) -> None:
    stock = tiny_stock("roberta")
    stock.save_pretrained(tmp_path)
    change_config(tmp_path, model_type=kind)
    rewritten(tmp_path, lambda key: key.replace("roberta.", ROBERTA_BY_NAME[kind], 1))
    inputs = batch(documents(6), PAD["roberta"])
    with torch.no_grad():
        expected, seen = stock(**inputs).logits, load_baseline(str(tmp_path))(**inputs).logits
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=0)
    backbone = open_backbone(str(tmp_path), ["a", "b", "c"])
    with torch.no_grad():
        assert torch.equal(backbone(**inputs).logits, expected)


@pytest.mark.parametrize(
    "kind", ["XLMRobertaForSequenceClassification", "CamembertForSequenceClassification",
             "IBertForSequenceClassification", "Data2VecTextForSequenceClassification"]
)  # fmt: skip
def test_what_transformers_calls_otherwise_gives_its_logits(kind: str, tmp_path: Path) -> None:
    cls = getattr(transformers, kind)
    fields = tiny_stock("roberta").config.to_dict()
    torch.manual_seed(2)
    model = cls(cls.config_class(**{k: v for k, v in fields.items() if k != "model_type"})).eval()
    model.save_pretrained(tmp_path)
    inputs = batch(documents(6), PAD["roberta"])
    with torch.no_grad():
        expected, seen = model(**inputs).logits, load_baseline(str(tmp_path))(**inputs).logits
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=0)


def test_weights_of_older_times_open(tmp_path: Path) -> None:
    """TensorFlow's names of normalisations, positions as a buffer, a task's head beside."""
    stock = tiny_stock("bert")
    stock.save_pretrained(tmp_path)
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    rewritten(
        tmp_path, lambda key: next((key.replace(*o) for o in old.items() if o[0] in key), key)
    )
    change_weights(
        tmp_path,
        **{"bert.embeddings.position_ids": torch.arange(40)[None], "cls.bias": torch.zeros(60)},
    )
    inputs = batch(documents(6), 0)
    with torch.no_grad():
        expected, seen = stock(**inputs).logits, load_baseline(str(tmp_path))(**inputs).logits
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=0)


STRANGERS: dict[str, dict[str, Any]] = {
    "DebertaV2ForSequenceClassification": {},
    "ElectraForSequenceClassification": {"embedding_size": 32},
    "RobertaPreLayerNormForSequenceClassification": {},
    "XLMRobertaXLForSequenceClassification": {},
    "MegatronBertForSequenceClassification": {},
    "BigBirdForSequenceClassification": {"attention_type": "original_full"},
    "YosoForSequenceClassification": {"conv_window": None},
}


@pytest.mark.parametrize("disguise", [None, "bert", "roberta", "mine"])
@pytest.mark.parametrize("kind", STRANGERS)
def test_strangers_are_refused_even_in_disguise(
    kind: str, disguise: str | None, tmp_path: Path
) -> None:
    cls = getattr(transformers, kind)
    small = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
             "intermediate_size": 64, "num_labels": 3}  # fmt: skip
    cls(cls.config_class(**small, **STRANGERS[kind])).save_pretrained(tmp_path)
    if disguise is not None:
        change_config(tmp_path, model_type=disguise)
    assert "model_type is " in refused(load_baseline, tmp_path) or disguise is not None
    refused(lambda name: open_backbone(name, ["a", "b"]), tmp_path)


def test_a_stranger_is_told_what_it_is(tmp_path: Path) -> None:
    config = ElectraConfig(
        vocab_size=60, embedding_size=32, hidden_size=32, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=64,
    )  # fmt: skip
    ElectraForSequenceClassification(config).save_pretrained(tmp_path)
    assert refused(load_baseline, tmp_path) == (
        "model_type is electra, its weights begin with classifier, electra; available layouts: "
        "bert, roberta, distilbert, their encoder called bert, roberta, ibert, data2vec_text, "
        "distilbert"
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"problem_type": "regression"}, "problem_type is regression, expected single_label_cl"),
        ({"problem_type": "multi_label_classification"}, "heads that choose one class of several"),
        ({"num_labels": 1}, "its head has 1 output, expected one for each of two classes or more"),
        ({"num_labels": 0}, "its head has 0 outputs, expected one for each of two classes or more"),
    ],
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_heads_that_choose_no_class(
    changes: dict[str, Any], expected: str, layout: str, tmp_path: Path
) -> None:
    stock = tiny_stock(layout, **changes)
    stock.save_pretrained(tmp_path / "stock")
    assert expected in refused(load_baseline, tmp_path / "stock")
    from_stock(stock).save_pretrained(tmp_path / "own")
    change_config(tmp_path / "own", **changes)
    assert expected in refused(load_ltp, tmp_path / "own")
    open_backbone(str(tmp_path / "stock"), ["a", "b"])  # its encoder is one like others


# --- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000, the weights hold 3"),
        ({"num_hidden_layers": -1}, "num_hidden_layers is -1, expected a whole number from 1"),
        ({"num_labels": 10**9}, "num_labels is 1000000000, the weights have 3 classes"),
        ({"hidden_size": 20_000}, "expected [60, 20000] by config.json"),
        ({"intermediate_size": 10**8}, "expected [100000000, 32] by config.json"),
        ({"max_position_embeddings": 10**8}, "expected [100000000, 32] by config.json"),
        ({"type_vocab_size": 10**9}, "expected [1000000000, 32] by config.json"),
        ({"vocab_size": 3 * 10**7}, "expected [30000000, 32] by config.json"),
        ({"num_attention_heads": 10**9}, "no multiple of num_attention_heads 1000000000"),
        ({"hidden_dropout_prob": float("nan")}, "hidden_dropout_prob is nan, expected a number"),
        ({"initializer_range": float("nan")}, "initializer_range is nan, expected a number"),
        ({"initializer_range": -1}, "initializer_range is -1, expected a number from 0 to 1"),
        ({"layer_norm_eps": float("inf")}, "layer_norm_eps is inf, expected a number between"),
        ({"classifier_dropout": 2}, "classifier_dropout is 2, expected a number from 0 to 1"),
        ({"pad_token_id": 60}, "pad_token_id is 60, expected a whole number from 0, below"),
        ({"is_decoder": True}, "is_decoder is True, expected false"),
        ({"quant_mode": True}, "quant_mode is True, expected false"),
        ({"id2label": {"0": "a", "1": "b"}}, "the weights have 3 classes"),
        ({"id2label": {"0": "a", "1": "a", "2": "b"}}, "two classes one name"),
        ({"id2label": {"0": "a", "1": None, "2": "b"}}, "expected a name for each class"),
        ({"id2label": {"0": "a", "1": " ", "2": "b"}}, "expected a name for each class"),
        ({"id2label": ["a", "b", "c"]}, "expected a name for each index from 0"),
        ({"topk_rate": float("nan")}, "topk_rate is nan, expected a number from 0 to 1"),
        ({"topk_rate": -1}, "topk_rate is -1, expected a number from 0 to 1"),
        ({"relative_threshold": -1}, "relative_threshold is -1, expected a number from 0 to 1"),
        ({"temperature": float("nan")}, "temperature is nan, expected a number between 0 and 1"),
    ],
)
def test_a_configuration_against_the_weights(
    changes: dict[str, Any], expected: str, saved: Path, tmp_path: Path
) -> None:
    change_config(saved, **changes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert expected in refused(load_ltp, saved)
    if not changes.keys() & {"topk_rate", "relative_threshold", "temperature"}:
        tiny_stock("bert").save_pretrained(tmp_path / "stock")
        change_config(tmp_path / "stock", **changes)
        assert expected in refused(load_baseline, tmp_path / "stock")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10  # KiB


def test_null_is_as_if_it_were_not_said(saved: Path) -> None:
    change_config(saved, num_labels=None, id2label=None, problem_type=None, pad_token_id=None)
    assert load_ltp(str(saved)).config.labels == ("LABEL_0", "LABEL_1", "LABEL_2")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_named(value: float, saved: Path, tmp_path: Path) -> None:
    word = load_file(saved / "model.safetensors")["embeddings.word_embeddings.weight"]
    word[59, 31] = value  # of a word that hardly occurs
    change_weights(saved, **{"embeddings.word_embeddings.weight": word})
    message = refused(load_ltp, saved)
    assert message.startswith("the weight 'embeddings.word_embeddings.weight' holds what is no fin")


@pytest.mark.parametrize("size", [1e30, 1e38])
def test_weights_whose_answers_are_no_numbers(size: float, saved: Path, tmp_path: Path) -> None:
    state = load_file(saved / "model.safetensors")
    own = {key: torch.full_like(value, size) for key, value in state.items() if key != "thresholds"}
    change_weights(saved, **own)
    assert refused(load_ltp, saved).startswith("the model's answers are not numbers; its weights")
    stock = tiny_stock("bert")
    for weight in stock.parameters():
        weight.data.fill_(size)
    stock.save_pretrained(tmp_path / "stock")
    assert refused(load_baseline, tmp_path / "stock").startswith("the model's answers are not num")
    check = lambda name: check_answers(name, from_stock(open_backbone(name, ["a", "b"])))  # noqa: E731
    assert refused(check, tmp_path / "stock").startswith("the model's answers are not numbers")


def test_an_answer_that_is_no_number_ends_a_run(saved: Path) -> None:
    model = load_ltp(str(saved))
    model.embeddings.word_embeddings.weight.data[59] = float("inf")  # met by one document alone
    list(run(model, [[2, 5, 3]], pruning="hard"))
    with pytest.raises(CheckpointError, match="the model's answers are not numbers"):
        list(run(model, [[2, 5, 3], [2, 59, 3]], pruning="hard"))


def test_what_opens_leaves_the_file_as_it_is(saved: Path) -> None:
    before = (saved / "model.safetensors").read_bytes()
    model = load_ltp(str(saved))
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(3.0)
    assert (saved / "model.safetensors").read_bytes() == before


def test_a_copy_of_a_stock_model_is_its_own() -> None:
    stock = tiny_stock("bert")
    own = from_stock(stock)
    before = {key: value.clone() for key, value in stock.state_dict().items()}
    with torch.no_grad():
        for weight in own.parameters():
            weight.fill_(3.0)
    assert all(torch.equal(value, before[key]) for key, value in stock.state_dict().items())
