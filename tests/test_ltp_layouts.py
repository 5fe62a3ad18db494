"""Every layout does what its stock classifier does: in training too, and whatever weights hold."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
import transformers
from huggingface_hub.errors import StrictDataclassClassValidationError
from ltp_models import PAD, batch, documents, tiny_stock
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import (
    AutoModelForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
)

from auditkit.errors import CheckpointError
from auditkit.ltp import LTPConfig
from auditkit.ltp.checkpoints import from_stock, load_baseline, load_ltp, open_backbone
from auditkit.ltp.layouts import LAYOUTS
from auditkit.ltp.naming import rename, to_stock
from auditkit.ltp.saving import save_stock
from auditkit.ltp.training.documents import Labelled
from auditkit.ltp.training.settings import TrainingSettings
from auditkit.ltp.training.stages import train

layouts = pytest.mark.parametrize("layout", LAYOUTS)


@layouts
def test_gradients_are_the_stock_classifiers(layout: str) -> None:
    stock: Any = tiny_stock(layout)
    own = from_stock(stock).eval()
    inputs = batch(documents(12), PAD[layout]) | {"labels": torch.arange(12) % 3}
    stock(**inputs).loss.backward()
    loss = own(**inputs, pruning="off").loss
    assert loss is not None
    loss.backward()  # type: ignore[no-untyped-call]
    expected = rename({name: weight.grad for name, weight in stock.named_parameters()}, layout)
    seen = {name: weight.grad for name, weight in own.named_parameters() if name != "thresholds"}
    assert seen.keys() == expected.keys()
    for name, gradient in seen.items():
        assert gradient is not None
        torch.testing.assert_close(gradient, expected[name], atol=1e-4, rtol=1e-4)
    assert max(float(gradient.abs().max()) for gradient in expected.values()) > 0.1


@layouts
def test_dropout_stands_where_the_stock_classifier_has_it(
    layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each place shrinks what it gives by its rate, instead of leaving some of it out."""

    def shrink(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        return x * (1 - p) if training else x

    stock = tiny_stock(
        layout, hidden_dropout_prob=0.3, classifier_dropout=0.4, attention_probs_dropout_prob=0.0
    )
    own = from_stock(stock)
    inputs = batch(documents(8), PAD[layout])
    monkeypatch.setattr(torch.nn.functional, "dropout", shrink)
    with torch.no_grad():
        plain = own.eval()(**inputs, pruning="off").logits
        expected = stock.train()(**inputs).logits
        seen = own.train()(**inputs, pruning="off").logits
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=0)
    assert (seen - plain).abs().max() > 0.1


# --- DistilBERT --------------------------------------------------------------------------------


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    """A classifier as transformers saves it."""
    tiny_stock("distilbert").save_pretrained(tmp_path / "stock")
    return tmp_path / "stock"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The same as a checkpoint of ours."""
    from_stock(tiny_stock("distilbert")).save_pretrained(tmp_path / "own")
    return tmp_path / "own"


def change(directory: Path, **changes: Any) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes))


def rewrite(directory: Path, edit: Callable[[dict[str, Tensor]], object]) -> None:
    path = directory / "model.safetensors"
    state = load_file(path)
    edit(state)
    save_file(state, path, {"format": "pt"})


def refused(open_: Callable[[str], object], directory: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        open_(str(directory))
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{directory}: ")


def backbone_of(name: str) -> object:
    return open_backbone(name, ["a", "b"])


@pytest.mark.parametrize("kind", ["DistilBertModel", "DistilBertForMaskedLM",
                                  "DistilBertForQuestionAnswering"])  # fmt: skip
@pytest.mark.parametrize("sinusoidal", [False, True])
def test_any_distilbert_is_a_backbone(kind: str, sinusoidal: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = DistilBertConfig(
        vocab_size=60, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=40,
        sinusoidal_pos_embds=sinusoidal,
    )  # fmt: skip
    model = getattr(transformers, kind)(config).eval()
    model.save_pretrained(tmp_path)
    backbone: Any = open_backbone(str(tmp_path), ["no", "yes"])
    backbone.eval()
    assert type(backbone) is DistilBertForSequenceClassification
    assert backbone.config.id2label == {0: "no", 1: "yes"}
    encoder = model if kind == "DistilBertModel" else model.distilbert
    inputs = batch(documents(5), 0)
    with torch.no_grad():
        expected, seen = encoder(**inputs)[0], backbone.distilbert(**inputs)[0]
        logits, ours = backbone(**inputs).logits, from_stock(backbone).eval()(**inputs).logits
    assert torch.equal(seen, expected)
    torch.testing.assert_close(ours, logits, atol=1e-5, rtol=0)
    assert refused(load_baseline, tmp_path).startswith("the weight 'classifier.weight' is missing")


def test_a_head_for_other_labels_leaves_what_comes_before_it(stock: Path) -> None:
    weights = backbone_of(str(stock)).state_dict()  # type: ignore[attr-defined]
    assert weights["classifier.weight"].shape == (2, 32)
    assert torch.equal(
        weights["pre_classifier.weight"],
        load_file(stock / "model.safetensors")["pre_classifier.weight"],
    )


def test_token_types_are_of_no_effect_where_there_are_none() -> None:
    model = from_stock(tiny_stock("distilbert")).eval()
    inputs = batch(documents(6), 0)
    with torch.no_grad():
        plain = model(**inputs)
        typed = model(**inputs, token_type_ids=torch.ones_like(inputs["input_ids"]))
    assert torch.equal(plain.logits, typed.logits)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"n_layers": 5}, "n_layers is 5, the weights hold 3"),
        ({"dim": 64}, "expected [60, 64] by config.json"),
        ({"hidden_dim": "x"}, "hidden_dim is x, expected a whole number from 1"),
        ({"n_heads": 5}, "config.json makes no model: "),
        ({"max_position_embeddings": 10**8}, "expected [100000000, 32] by config.json"),
        ({"dropout": 2}, "dropout is 2, expected a number from 0 to 1"),
        ({"attention_dropout": float("nan")}, "attention_dropout is nan, expected a number from"),
        ({"seq_classif_dropout": None}, "seq_classif_dropout is None, expected a number from 0"),
        ({"activation": "magic"}, "config.json makes no model: "),
        ({"pad_token_id": 60}, "pad_token_id is 60, expected a whole number from 0, below"),
        ({"problem_type": "regression"}, "problem_type is regression, expected single_label_cl"),
        ({"model_type": "electra"}, "available layouts: bert, roberta, distilbert, their encoder"),
    ],
)
def test_a_stock_configuration_that_cannot_be_is_told_in_its_own_words(
    changes: dict[str, Any], expected: str, stock: Path
) -> None:
    change(stock, **changes)
    assert expected in refused(load_baseline, stock)
    if "problem_type" not in changes:  # which is the head's
        assert expected in refused(backbone_of, stock)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"num_hidden_layers": 5}, "num_hidden_layers is 5, the weights hold 3"),
        ({"layer_norm_eps": 1e-5}, "layer_norm_eps is 1e-05; in the layout distilbert it is 1e-12"),
        ({"type_vocab_size": 2}, "type_vocab_size is 2; in the layout distilbert it is 0"),
        ({"classifier_dropout": None}, "classifier_dropout is None, expected a number from 0 to 1"),
        ({"layout": "bert"}, "type_vocab_size is 0, expected a whole number from 1"),
        (
            {"layout": "bert", "type_vocab_size": 2},
            "'embeddings.token_type_embeddings.weight' is m",
        ),
        ({"layout": ["bert"]}, "layout is ['bert']; available: bert, roberta, distilbert"),
        ({"layout": "t5"}, "layout is t5; available: bert, roberta, distilbert"),
    ],
)
def test_a_configuration_of_ours_that_cannot_be(
    changes: dict[str, Any], expected: str, own: Path
) -> None:
    change(own, **changes)
    assert expected in refused(load_ltp, own)


LAST = "distilbert.transformer.layer.2."


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda state: state.pop(f"{LAST}attention.k_lin.bias"), "k_lin.bias' is missing (1 such)"),
        (lambda state: state.pop(f"{LAST}ffn.lin2.weight"), "ffn.lin2.weight' is missing (1 such)"),
        (
            lambda state: state.update({f"{LAST}ffn.lin3.weight": torch.zeros(2)}),
            f"the weight '{LAST}ffn.lin3.weight' belongs to no part of the model",
        ),
        (
            lambda state: state.update({"distilbert.pooler.dense.bias": torch.zeros(2)}),
            "the weight 'distilbert.pooler.dense.bias' belongs to no part of the model",
        ),
        (
            lambda state: state.update({f"{LAST}sa_layer_norm.bias": torch.zeros(31)}),
            "has shape [31], expected [32]",
        ),
        (
            lambda state: state[f"{LAST}attention.out_lin.bias"].fill_(torch.nan),
            "holds what is no finite number",
        ),
        (lambda state: state.pop("distilbert.embeddings.word_embeddings.weight"), "available layo"),
    ],
)
def test_weights_that_are_damaged(
    edit: Callable[[dict[str, Tensor]], object], expected: str, stock: Path
) -> None:
    rewrite(stock, edit)
    assert expected in refused(load_baseline, stock)
    assert expected in refused(backbone_of, stock)


def test_a_model_of_ours_is_not_built_of_what_the_layout_does_not_have() -> None:
    with pytest.raises(
        StrictDataclassClassValidationError,
        match="type_vocab_size is 2; in the layout distilbert it is 0",
    ):
        LTPConfig(layout="distilbert")


def test_three_stages_leave_a_pruned_model_and_a_stock_baseline(tmp_path: Path) -> None:
    tiny.backbone("distilbert", tmp_path / "encoder")
    texts, names = zip(*tiny.sentences(48, seed=1), strict=True)
    rows = Labelled(texts, [tiny.CLASSES.index(name) for name in names])
    settings = TrainingSettings(
        backbone=str(tmp_path / "encoder"), epochs=(1.0, 1.0, 1.0), target_macs_share=0.5,
        max_length=tiny.MAX_LENGTH, batch_size=16, learning_rate=3e-3, seed=0,
    )  # fmt: skip
    stages = train(settings, rows, rows, tiny.CLASSES, tmp_path / "out")
    assert [stage.steps for stage in stages] == [3, 3, 3]
    assert stages[2].macs_share < 0.9
    pruned = load_ltp(str(tmp_path / "out"))
    assert (pruned.config.layout, pruned.config.pruning) == ("distilbert", "hard")
    assert pruned.config.attention_probs_dropout_prob == 0.0
    baseline: Any = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out/baseline")
    assert type(baseline) is DistilBertForSequenceClassification
    assert baseline.config.id2label == dict(enumerate(tiny.CLASSES))
    ours = load_baseline(str(tmp_path / "out/baseline"))
    inputs = batch(documents(6), 0)
    with torch.no_grad():
        expected, seen = baseline(**inputs).logits, ours(**inputs).logits
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=0)
    before = baseline.state_dict()
    save_stock(ours, tmp_path / "again")
    again = load_file(tmp_path / "again/model.safetensors")
    assert again.keys() == before.keys() == to_stock(ours).keys()
    assert all(torch.equal(again[name], value) for name, value in before.items())
    first = (tmp_path / "out/baseline/config.json").read_bytes()
    assert (tmp_path / "again/config.json").read_bytes() == first
