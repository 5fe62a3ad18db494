"""Audits of any pair of classifiers: no tokens are dropped, so that nothing is said of pruning."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stock
import tiny
import torch
from command import Done, audit
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import auditkit
from auditkit.bench.leaving_out import without_each_word
from auditkit.bench.opening import open_bench
from auditkit.bench.settings import ModelSettings
from auditkit.bench.stock import StockSubject
from auditkit.errors import CheckpointError, SettingsError

FAST = ("--speed-documents", "0", *(flag for name in ("performance", "flips",
        "entity", "efficiency", "layer_view") for flag in ("--probe", name)))  # fmt: skip
RUN = {"performance", "flips", "calibration", "fairness", "counterfactual", "robustness",
       "attribution_agreement"}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stock")


@pytest.fixture(scope="module")
def distilbert(home: Path) -> Path:
    return stock.classifier(home / "distilbert")


@pytest.fixture(scope="module")
def other(home: Path) -> Path:
    """Of another architecture and another tokenizer."""
    return stock.classifier(home / "roberta", "roberta", tokenizer="roberta", seed=1)


def results(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text())
    return found


def texts_of(value: Any, skip: tuple[str, ...] = ()) -> list[str]:
    """All texts in a JSON value, but those below the keys of `skip`."""
    if isinstance(value, dict):
        return [t for k, v in value.items() if k not in skip for t in texts_of(v, skip)]
    if isinstance(value, list):
        return [t for v in value for t in texts_of(v, skip)]
    return [value] if isinstance(value, str) else []


def assert_of_no_pruning(out: Path) -> None:
    """Nothing is called pruned; a probe that has nothing to look at may name what it looks for."""
    told = results(out)
    asked = [f for f in told["findings"] if f["status"] != "not_applicable"]
    assert asked
    assert not [text for text in texts_of(asked) if re.search("prun", text, re.IGNORECASE)]
    page = (out / "report.html").read_text()
    page = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    shown = re.sub(r'<dl class="reasons">.*?</dl>', "", page, flags=re.DOTALL)
    assert not re.findall(r".{30}\bprun.{30}", shown, re.IGNORECASE)
    summary = (out / "summary.md").read_text()
    assert "prun" not in summary.partition("| probe | status |")[0].lower()


def test_two_architectures_with_tokenizers_of_their_own(
    distilbert: Path, other: Path, data: str, tmp_path: Path
) -> None:
    done = audit(
        tmp_path / "run", "--baseline", other, *FAST, model=distilbert, dataset=data
    )  # fmt: skip
    assert done.code == 0, done.err
    told = results(tmp_path / "run")
    assert [run["name"] for run in told["about"]["runs"]] == ["baseline", "changed"]
    status = {f["probe"]: f["status"] for f in told["findings"]}
    none = {name for name, one in status.items() if one == "not_applicable"}
    assert none == {"entity", "efficiency", "layer_view"}
    why = {f["claim"] for f in told["findings"] if f["probe"] in none}
    assert why == {"Not applicable: the run lacks a model under audit that drops tokens."}
    questions = {f["probe"]: f["question"] for f in told["findings"]}
    assert questions["performance"] == "What does the change cost?"
    assert_of_no_pruning(tmp_path / "run")


def test_both_say_what_transformers_says(distilbert: Path, other: Path) -> None:
    bench = open_bench(ModelSettings(model=str(distilbert), baseline=str(other)))
    texts = [text for text, _ in tiny.sentences(6, seed=5)]
    documents = bench.encode(texts)
    for arm, path in (("changed", distilbert), ("baseline", other)):
        model = AutoModelForSequenceClassification.from_pretrained(path).eval()
        tokenizer = AutoTokenizer.from_pretrained(path)
        for text, answer in zip(texts, bench.answer(arm, documents), strict=True):
            given = tokenizer(text, return_tensors="pt")
            with torch.no_grad():
                logits = model(given["input_ids"], attention_mask=given["attention_mask"]).logits
            np.testing.assert_allclose(answer.probs, logits.softmax(-1)[0].numpy(), atol=1e-6)
            assert set(answer.depths) == {bench.subject(arm).about.layers}


def test_int8_is_the_same_checkpoint_quantised(distilbert: Path) -> None:
    bench = open_bench(ModelSettings(model=str(distilbert), quantize="int8"))
    model, baseline = bench.subject("changed").about, bench.subject("baseline").about
    assert model.name == "distilbert (int8)"
    assert model.sha256 != baseline.sha256
    assert "every Linear layer in int8" in model.layout
    documents = bench.encode([text for text, _ in tiny.sentences(20, seed=6)])
    now, before = (np.array([a.probs for a in bench.answer(arm, documents)])
                   for arm in ("changed", "baseline"))  # fmt: skip
    assert 0 < np.abs(now - before).max() < 0.2
    weight = load_file(distilbert / "model.safetensors")["pre_classifier.weight"]
    named = dict(bench.subject("changed").model.named_modules())  # type: ignore[attr-defined]
    kept = named["pre_classifier"].weight().dequantize()
    step = float(weight.abs().max()) / 127
    assert float((kept - weight).abs().max()) <= step  # one scale for the matrix


def test_no_answer_depends_on_batches_or_neighbours(distilbert: Path) -> None:
    texts = [text for text, _ in tiny.sentences(5, seed=7)]
    settings = ModelSettings(model=str(distilbert), quantize="int8")
    bench = open_bench(settings)
    small = open_bench(settings.model_copy(update={"batch_tokens": 8}))
    documents = bench.encode(texts)
    for arm in bench.arms:
        together, others = (one.answer(arm, documents) for one in (bench, small))
        for document, said, other in zip(documents, together, others, strict=True):
            (alone,) = bench.answer(arm, [document])
            np.testing.assert_array_equal(alone.probs, said.probs)
            np.testing.assert_array_equal(alone.probs, other.probs)


@pytest.mark.parametrize("kind", ["modernbert", "deberta-v2", "bert", "xlm-roberta"])
def test_other_architectures_are_opened(kind: str, home: Path) -> None:
    layout = "roberta" if "roberta" in kind else "bert"
    path = stock.classifier(home / kind, kind, tokenizer=layout)
    bench = open_bench(ModelSettings(model=str(path), quantize="int8"))
    assert bench.arms == ("baseline", "changed")
    assert bench.model.about.layout.startswith(kind)
    long = bench.encode(["the roses and some noodles " * 200])
    assert long[0].truncated
    assert len(long[0].token_ids) == bench.reader.max_length
    assert np.isclose(bench.answer("changed", long)[0].probs.sum(), 1)


def test_a_word_is_left_out_by_its_own_pieces_whatever_the_tokenizer(
    distilbert: Path, other: Path
) -> None:
    bench = open_bench(ModelSettings(model=str(distilbert), baseline=str(other)))
    text = "Priya sorted the saucepans and some noodles"
    (document,) = bench.encode([text])
    words = np.full(len(document.token_ids), -1)
    for number, match in enumerate(re.finditer(r"\w+", text)):
        for at, (start, end) in enumerate(document.spans):
            if end > start and match.start() <= start < match.end():
                words[at] = number
    for arm, path in (("changed", distilbert), ("baseline", other)):
        subject = bench.subject(arm)
        assert isinstance(subject, StockSubject)
        found = without_each_word(subject, document, words, (1,)).values
        tokenizer = AutoTokenizer.from_pretrained(path)
        given = tokenizer(text, return_tensors="pt", return_offsets_mapping=True)
        start, end = text.index("saucepans"), text.index("saucepans") + len("saucepans")
        lies = [b > start and a < end for a, b in given["offset_mapping"][0].tolist()]
        mask = given["attention_mask"].clone()
        mask[0, torch.tensor(lies)] = 0
        with torch.no_grad():
            logits = [subject.model(given["input_ids"], attention_mask=m).logits[0, 1]
                      for m in (given["attention_mask"], mask)]  # fmt: skip
        assert found[words == 3].sum() == pytest.approx(float(logits[0] - logits[1]), abs=1e-5)
        assert (found[document.special] == 0).all()


def refused(model: Path, **settings: Any) -> str:
    with pytest.raises((CheckpointError, SettingsError)) as error:
        open_bench(ModelSettings(model=str(model), **settings))
    told = str(error.value)
    assert "\n" not in told
    return told


def edited(path: Path, home: Path, name: str, **config: Any) -> Path:
    """A copy with other values in its config.json; None takes one out."""
    copy = home / name
    copy.mkdir()
    for file in path.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    told = json.loads((copy / "config.json").read_text()) | config
    kept = {key: value for key, value in told.items() if value is not None}
    (copy / "config.json").write_text(json.dumps(kept))
    return copy


def test_what_is_no_single_label_classifier_is_refused(distilbert: Path, home: Path) -> None:
    one = stock.classifier(home / "one", labels=("score",))
    assert "its head has 1 output, expected one for each of two classes" in refused(
        one, baseline=str(distilbert)
    )
    many = edited(distilbert, home, "many", problem_type="multi_label_classification")
    assert "problem_type is multi_label_classification" in refused(many, quantize="int8")


def test_what_comes_with_code_or_is_not_what_it_says_is_refused(
    distilbert: Path, home: Path
) -> None:
    unknown = edited(distilbert, home, "code", model_type="mine", auto_map={"AutoModel": "m.M"})
    assert "code that comes with a checkpoint is not run" in refused(unknown, quantize="int8")
    for key, value in (("n_layers", 10**9), ("vocab_size", 10**12)):
        huge = edited(distilbert, home, f"huge-{key}", **{key: value})
        assert f"{key} is {value}, more than the weights hold" in refused(huge, quantize="int8")
    packed = edited(distilbert, home, "packed", quantization_config={"quant_method": "x"})
    assert "--quantize int8" in refused(packed, baseline=str(distilbert))


def test_what_does_not_go_together_is_refused(distilbert: Path, home: Path, model: Path) -> None:
    assert "give the model before the change with --baseline DIR" in refused(distilbert)
    named = stock.classifier(home / "named", labels=("a", "b", "c"))
    assert "its classes are a, b, c" in refused(distilbert, baseline=str(named))
    assert "--device is cuda" in refused(distilbert, quantize="int8", device="cuda")
    assert "--dtype is bfloat16" in refused(distilbert, quantize="int8", dtype="bfloat16")
    assert "drops tokens, and is audited as it is" in refused(model, quantize="int8")
    assert "reads 3 to 98 tokens" in refused(distilbert, quantize="int8", max_length=99)
    assert "neither a local directory nor a hub model" in refused(
        distilbert, baseline="nobody/nothing"
    )


@pytest.fixture(scope="module")
def whole(
    home: Path, distilbert: Path, tiny_csv: str
) -> Callable[..., tuple[Done, Path]]:  # fmt: skip
    def run(name: str, *flags: str | Path) -> tuple[Done, Path]:
        out = home / f"run-{name}"
        groups = ("--groups", "source,season", "--attribution-sample", "30")
        return audit(out, *groups, *flags, model=distilbert, dataset=tiny_csv), out

    return run


def taught(path: Path, texts: list[str], targets: Tensor, epochs: int) -> Any:
    """Train a classifier toward distributions, (rows, C), and save it where it was."""
    model = AutoModelForSequenceClassification.from_pretrained(path).train()
    pieces = AutoTokenizer.from_pretrained(path)(texts, padding=True, return_tensors="pt")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(epochs):
        for rows in torch.split(torch.arange(len(texts)), 32):
            logits = model(pieces["input_ids"][rows], attention_mask=pieces["attention_mask"][rows])
            loss = torch.nn.functional.cross_entropy(logits.logits, targets[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()
    model.eval().save_pretrained(path)
    return model


@pytest.mark.slow
def test_a_distilled_model_is_audited_against_its_teacher(
    home: Path, tiny_csv: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    rows = tiny.sentences(320, seed=11)
    texts = [text for text, _ in rows]
    gold = torch.tensor([tiny.CLASSES.index(label) for _, label in rows])
    teacher, student = (
        stock.classifier(home / "teacher", "bert"),
        stock.classifier(home / "student"),
    )
    model = taught(teacher, texts, torch.nn.functional.one_hot(gold, 3).float(), epochs=12)
    pieces = AutoTokenizer.from_pretrained(teacher)(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(pieces["input_ids"], attention_mask=pieces["attention_mask"]).logits
    taught(student, texts, (logits / 2).softmax(-1), epochs=24)  # at temperature 2
    done = audit(
        tmp_path / "run", "--baseline", teacher, "--groups", "source,season", model=student,
        dataset=tiny_csv,
    )  # fmt: skip
    assert done.code == 0, done.err
    told = results(tmp_path / "run")
    assert not told["failures"]
    performance = auditkit.load(tmp_path / "run").finding("performance")
    accuracy = {arm: performance.measurement("accuracy", arm=arm).value
                for arm in ("baseline", "changed")}  # fmt: skip
    assert min(value or 0 for value in accuracy.values()) > 0.8  # both have learned
    status = {f["probe"]: f["status"] for f in told["findings"]}
    assert {name for name, one in status.items() if one != "not_applicable"} >= RUN
    assert_of_no_pruning(tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["int8", "modernbert"])
def test_a_whole_audit(
    kind: str, whole: Callable[..., tuple[Done, Path]], home: Path, tiny_csv: str
) -> None:
    flags: tuple[str | Path, ...] = ("--quantize", "int8")
    if kind != "int8":
        flags = ("--baseline", stock.classifier(home / f"whole-{kind}", kind, seed=3))
    done, out = whole(kind, *flags)
    assert done.code == 0, done.err
    told = results(out)
    assert not told["failures"]
    status = {f["probe"]: f["status"] for f in told["findings"]}
    assert {name for name, one in status.items() if one != "not_applicable"} >= RUN
    assert_of_no_pruning(out)
    speed = json.loads((out / "timings.json").read_text())["speed"]
    assert (speed["arm"], speed["against"], speed["macs_ratio"]) == ("changed", "baseline", None)
    before = (out / "results.json").read_bytes()
    assert whole(kind, *flags, "--overwrite", "--batch-tokens", "64")[0].code == 0
    assert (out / "results.json").read_bytes() == before
