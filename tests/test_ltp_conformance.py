"""Our model against the outputs of the original implementation, case by case.

A case is a folder of `ltp_vectors`; its README says what the tensors are.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT
from safetensors.torch import load_file

from auditkit.ltp import LTPForSequenceClassification, LTPOutput
from auditkit.ltp.checkpoints import load_ltp
from auditkit.ltp.cost import count
from auditkit.ltp.naming import rename
from auditkit.ltp.original import split
from auditkit.ltp.pruning import topk_rate

VECTORS = ROOT.parent / "shared" / "data" / "ltp_vectors"
KINDS = {
    path.parent.name: json.loads(path.read_text(encoding="utf-8"))["kind"]
    for path in sorted(VECTORS.glob("*/meta.json"))
}
LOGITS = {"eval": 1e-4, "train_hard": 1e-4, "train_soft": 1e-3}


class Case:
    """One folder: what the original was given, and what it returned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        self.raw: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.out = load_file(folder / "outputs.safetensors")
        gradients = folder / "grads.safetensors"
        self.gradients, self.learned = split(load_file(gradients) if gradients.exists() else {})
        self.kind: str = meta["kind"]
        self.mask = self.out["attention_mask"].bool()  # (B, N)

    def model(self) -> LTPForSequenceClassification:
        alive = self.raw.get("scoring_mode") == "mean_norm"
        norm = None if alive else f"padded:{self.mask.shape[1]}"
        model = load_ltp(str(self.folder), score_norm=norm)
        assert (model.config.score_norm == "alive") == alive
        if "temperature" in self.out:  # of the training, not of the checkpoint
            model.config.temperature = float(self.out["temperature"])
        model.train(self.kind != "eval")
        return model

    def run(self, model: LTPForSequenceClassification) -> LTPOutput:
        return model(
            self.out["input_ids"],
            self.out["attention_mask"],
            labels=self.out.get("labels"),
            pruning="soft" if self.kind == "train_soft" else None,
            output_scores=True,
        )


def of_kind(*kinds: str) -> pytest.MarkDecorator:
    """The cases of these kinds; without any, one that fails or skips for want of data."""
    names = [name for name, kind in KINDS.items() if kind in kinds]
    return pytest.mark.parametrize("case", names or [None], indirect=True)


@pytest.fixture
def case(request: pytest.FixtureRequest, shared_data: Path) -> Case:
    if request.param is None:
        pytest.fail(f"{shared_data / 'ltp_vectors'} holds no such case")
    return Case(shared_data / "ltp_vectors" / request.param)


def test_every_kind_of_case_is_tested(shared_data: Path) -> None:
    assert set(KINDS.values()) == {"eval", "train_soft", "train_hard"}


@of_kind("eval", "train_hard")
def test_what_is_kept_equals_the_original(case: Case) -> None:
    output = case.run(case.model())
    assert output.depth is not None
    assert output.lengths is not None
    for layer in range(case.raw["num_hidden_layers"]):
        alive = (output.depth > layer) & case.mask
        assert torch.equal(alive, case.out["keep_out"][layer])
        assert torch.equal((output.depth >= layer) & case.mask, case.out["keep_in"][layer])
    assert torch.equal(output.lengths[1:], case.out["keep_out"].sum(2))
    if "ffn_sentence_lengths" in case.out:
        assert torch.equal(output.lengths[:-1], case.out["attention_sentence_lengths"].long())
        assert torch.equal(output.lengths[1:], case.out["ffn_sentence_lengths"].long())


@of_kind("eval", "train_soft", "train_hard")
def test_thresholds_equal_the_original(case: Case) -> None:
    model = case.model()
    rule, expected = model.config.rule, case.out["threshold"]
    if rule == "absolute":
        assert torch.equal(model.thresholds, expected.nan_to_num())  # to the last bit
    elif rule == "relative":
        assert (expected == torch.tensor(model.config.relative_threshold)).all()
    else:
        rates = [topk_rate(model.config, layer) for layer in range(len(expected))]
        assert torch.equal(torch.tensor(rates), expected.float())


@of_kind("eval", "train_soft", "train_hard")
def test_logits_and_scores_equal_the_original(case: Case) -> None:
    output = case.run(model := case.model())
    tolerance = LOGITS[case.kind]
    torch.testing.assert_close(output.logits, case.out["logits"], atol=tolerance, rtol=0)
    assert output.scores is not None
    ours, theirs = output.scores, case.out["scores"]
    if model.config.rule == "relative":  # stored: Σ over the document's largest Σ
        ours = ours / ours.amax(2, keepdim=True)
    if model.config.rule == "topk":  # stored: Σ over heads and queries
        theirs = theirs / (case.raw["num_attention_heads"] * case.mask.shape[1])
    silent = theirs.isnan().flatten(1).all(1)
    assert torch.equal(ours.isnan().flatten(1).any(1), silent)
    torch.testing.assert_close(ours[~silent], theirs[~silent], atol=1e-5, rtol=0)


@of_kind("eval")
def test_macs_equal_the_original(case: Case) -> None:
    output = case.run(model := case.model())
    assert output.lengths is not None
    lengths = output.lengths.numpy()
    assert count(model.config, lengths).total.tolist() == case.out["macs"].tolist()
    unpruned = lengths[:1].repeat(len(lengths), 0)
    assert count(model.config, unpruned).total.tolist() == case.out["baseline_macs"].tolist()


@of_kind("train_soft", "train_hard")
def test_loss_and_gradients_equal_the_original(case: Case) -> None:
    output = case.run(model := case.model())
    assert output.loss is not None
    torch.testing.assert_close(output.loss, case.out["task_loss"], atol=1e-4, rtol=0)
    total = output.loss
    if case.kind == "train_soft":
        assert output.soft_mask is not None
        assert torch.equal((output.soft_mask >= 0.5) & case.mask, case.out["keep_out"])
        torch.testing.assert_close(
            output.soft_mask[:, case.mask], case.out["soft_mask"][:, case.mask], atol=1e-3, rtol=0
        )
        # the original's mean includes padding, whose score is 0
        padding = torch.sigmoid(-model.thresholds / case.out["temperature"])[:, None, None]
        masks = torch.where(case.mask, output.soft_mask, padding)
        torch.testing.assert_close(
            masks.mean((1, 2)), case.out["soft_mask_mean"], atol=1e-4, rtol=0
        )
        regularizer = masks.mean((1, 2)).sum()
        torch.testing.assert_close(regularizer, case.out["regularizer"], atol=1e-4, rtol=0)
        total = total + float(case.out["lambda"]) * regularizer
    torch.testing.assert_close(total, case.out["total_loss"], atol=1e-4, rtol=0)

    total.backward()  # type: ignore[no-untyped-call]
    expected = rename(case.gradients, "roberta")
    ours = {name: p.grad for name, p in model.named_parameters() if name != "thresholds"}
    assert set(expected) == set(ours)
    for name, gradient in expected.items():
        seen = ours[name]
        assert seen is not None, name
        torch.testing.assert_close(seen, gradient, atol=2e-4, rtol=1e-3, msg=name)
    if not case.learned:
        assert model.thresholds.grad is None
    else:
        wanted = torch.stack([case.learned[layer] for layer in range(len(model.thresholds))])
        torch.testing.assert_close(model.thresholds.grad, wanted, atol=1e-2, rtol=1e-3)


@of_kind("train_soft")
def test_own_regularizer_is_a_mean_over_the_documents_own_tokens(case: Case) -> None:
    output = case.run(case.model())
    assert output.soft_mask is not None
    expected = 0.0
    for layer in output.soft_mask.detach():
        means = [row[keep].mean().item() for row, keep in zip(layer, case.mask, strict=True)]
        expected += sum(means) / len(means)
    assert output.regularizer is not None
    assert output.regularizer.item() == pytest.approx(expected, rel=1e-5)
