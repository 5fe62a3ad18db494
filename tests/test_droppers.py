"""Other methods that drop tokens: the two of docs/droppers.md, on classifiers of transformers."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import stock
import tiny
import torch
from command import Done, audit
from conftest import ROOT
from pages import blocks
from torch import Tensor
from transformers import AutoModelForSequenceClassification

import auditkit
from auditkit.bench.dropper import Chosen, Tokens
from auditkit.bench.dropping import DroppingSubject
from auditkit.bench.hooked import Hooked
from auditkit.bench.opening import open_bench
from auditkit.bench.settings import ModelSettings
from auditkit.bench.subjects import Bench
from auditkit.errors import CheckpointError, SettingsError

PAGE = ROOT / "docs" / "droppers.md"
KINDS = ("bert", "roberta", "distilbert", "deberta-v2", "modernbert")
FAST = ("--speed-documents", "0", "--random-documents", "10", "--random-draws", "1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("droppers")


@pytest.fixture(scope="module")
def files(home: Path) -> dict[str, str]:
    """The examples of the page as files, by class: what `--dropper` is given."""
    found = {}
    for code in blocks(PAGE, "python"):
        assert len(code.splitlines()) <= 60
        (kind,) = re.findall(r"^class (\w+)\(Dropper\)", code, flags=re.MULTILINE)
        (home / f"{kind}.py").write_text(code, encoding="utf-8")
        found[kind] = f"{home / f'{kind}.py'}:{kind}"
    assert set(found) == {"TopK", "ContentWords"}
    return found


@pytest.fixture(scope="module")
def bert(home: Path) -> Path:
    return stock.classifier(home / "bert", "bert")


@dataclass(frozen=True)
class Scripted(auditkit.Dropper):
    """Tokens whose place is `of` 3 are dropped by layer `layer`."""

    name: ClassVar[str] = "scripted"
    layer: int = 1
    of: int = 2

    def keep(self, tokens: Tokens) -> Tensor:
        places = torch.arange(len(tokens.alive)) % 3
        return tokens.special | (places != self.of) | (tokens.layer != self.layer)


def opened(model: Path, dropper: auditkit.Dropper, **settings: Any) -> Bench:
    return open_bench(ModelSettings(model=str(model), **settings), Chosen(dropper))


def some(bench: Bench, count: int = 4) -> Sequence[Any]:
    return bench.encode([text for text, _ in tiny.sentences(count, seed=3)])


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_layer_drops_is_read_by_nothing_after_it(kind: str, home: Path) -> None:
    """The answer is that of stock masks from the start, where the first layer drops; and where
    nothing is dropped it is the stock model's."""
    path = stock.classifier(home / f"law-{kind}", kind)
    model = AutoModelForSequenceClassification.from_pretrained(path).eval()
    layers = open_bench(ModelSettings(model=str(path), baseline=str(path))).model.about.layers
    nothing = opened(path, Scripted(layer=99))
    late = opened(path, Scripted(layer=layers))
    for bench in (nothing, late):  # what the last layer drops no head reads
        for document, answer in zip(some(bench), bench.answer("pruned", some(bench)), strict=True):
            with torch.no_grad():
                logits = model(torch.tensor([document.token_ids])).logits[0]
            np.testing.assert_allclose(answer.probs, logits.softmax(-1).numpy(), atol=1e-5)
    bench = opened(path, Scripted(layer=1))
    changed = 0.0
    for document in some(bench):
        (answer,) = bench.answer("pruned", [document])
        (whole,) = bench.answer("unpruned", [document])
        gone = (np.arange(len(document.token_ids)) % 3 == 2) & ~document.special
        assert answer.depths.tolist() == np.where(gone, 0, layers).tolist()
        assert answer.lengths.tolist() == [len(gone)] + [int((~gone).sum())] * layers
        changed = max(changed, float(np.abs(answer.probs - whole.probs).max()))
        assert isinstance(bench.model, DroppingSubject)
        noisy = bench.model.hooked.run(
            document.token_ids, np.ones(len(gone), dtype=bool),
            lambda layer, alive, *_, gone=gone: torch.from_numpy(~gone), noise=7.0,
        ).logits  # fmt: skip
        np.testing.assert_allclose(
            torch.softmax(torch.from_numpy(noisy), -1).numpy(), answer.probs, atol=1e-6
        )
    assert changed > 1e-4


def test_what_is_left_out_before_the_model_is_a_shorter_text(
    files: dict[str, str], bert: Path
) -> None:
    bench = open_bench(ModelSettings(model=str(bert), dropper=files["ContentWords"]))
    text, shorter = "the roses and some noodles in the garden", "roses some noodles garden"
    (document, short) = bench.encode([text, shorter])
    (answer,) = bench.answer("pruned", [document])
    (same,) = bench.answer("unpruned", [short])
    np.testing.assert_array_equal(answer.probs, same.probs)
    kept = [document.token_ids[i] for i in np.flatnonzero(answer.depths)]
    assert kept == short.token_ids
    assert set(answer.depths.tolist()) == {0, bench.model.about.layers}
    assert answer.lengths.tolist() == [len(kept)] * (bench.model.about.layers + 1)
    cost, whole = bench.cost("pruned", [answer]), bench.cost("unpruned", [same])
    assert cost is not None
    assert whole is not None
    assert cost.total == whole.total
    (dealt,) = bench.answer("random", [document], depths=[answer.depths])
    np.testing.assert_array_equal(dealt.probs, answer.probs)


def test_topk_keeps_a_share_by_attention_received(files: dict[str, str], bert: Path) -> None:
    options = {"share": 0.5}
    settings = ModelSettings(model=str(bert), dropper=files["TopK"], dropper_options=options)
    bench = open_bench(settings)
    model = AutoModelForSequenceClassification.from_pretrained(bert, attn_implementation="eager")
    for document in some(bench):
        (answer,) = bench.answer("pruned", [document])
        n = len(document.token_ids)
        assert answer.lengths.tolist() == [n, round(n / 2), round(round(n / 2) / 2)]
        with torch.no_grad():
            said = model.eval()(torch.tensor([document.token_ids]), output_attentions=True)
        received = said.attentions[0][0].mean(dim=(0, 1)).numpy()
        received[document.special] = np.inf
        first = set(np.argsort(-received, kind="stable")[: round(n / 2)].tolist())
        assert set(np.flatnonzero(answer.depths > 0).tolist()) == first
        (dealt,) = bench.answer("random", [document], depths=[answer.depths])
        np.testing.assert_allclose(dealt.probs, answer.probs, atol=1e-6)
        np.testing.assert_array_equal(dealt.lengths, answer.lengths)


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_tells_who_receives_attention(kind: str, home: Path) -> None:
    """Each row of a layer's attention is a distribution over the tokens alive."""
    path = stock.classifier(home / f"received-{kind}", kind)
    seen: list[Tokens] = []

    @dataclass(frozen=True)
    class Looking(Scripted):
        def keep(self, tokens: Tokens) -> Tensor:
            seen.append(tokens)
            return super().keep(tokens)

    bench = opened(path, Looking(layer=1))
    bench.answer("pruned", some(bench, 1))
    assert [tokens.layer for tokens in seen] == list(range(1, bench.model.about.layers + 1))
    for tokens in seen:
        n = len(tokens.ids)
        assert tokens.states is not None
        assert tokens.states.shape[0] == n
        assert tokens.attention is not None
        rows = tokens.attention[:, tokens.alive]
        torch.testing.assert_close(rows.sum(-1), torch.ones_like(rows[..., 0]))
        assert (rows[..., ~tokens.alive] == 0).all()
        torch.testing.assert_close(tokens.received.sum(), torch.tensor(1.0))
    assert not seen[-1].alive.all()


def test_tokens_are_kept_dropped_and_left_unread_against_it(bert: Path) -> None:
    bench = opened(bert, Scripted(layer=2))
    (document,) = some(bench, 1)
    n = len(document.token_ids)
    one, two = np.arange(n) == 2, np.arange(n) == 3
    none = np.zeros(n, dtype=bool)
    kept, dropped, unread = bench.answer(
        "pruned", [document] * 3, force_keep=[one, none, none], force_drop=[none, two, none],
        read=[~none, ~none, ~two],
    )  # fmt: skip
    assert kept.depths[2] == 2
    assert dropped.depths[3] == 0
    assert unread.lengths[0] == n - 1
    assert dropped.lengths[0] == n


def refused(call: Callable[[], object]) -> str:
    with pytest.raises((CheckpointError, SettingsError)) as error:
        call()
    told = str(error.value)
    assert "\n" not in told
    return told


def test_a_head_that_reads_what_was_dropped_is_refused(home: Path) -> None:
    path = stock.classifier(home / "mean", "modernbert", classifier_pooling="mean")
    told = refused(lambda: opened(path, Scripted()))
    assert "its answer goes on depending on tokens that were dropped" in told


def test_layers_that_take_no_mask_are_refused(bert: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(bert)
    assert "its 7 layers take no attention_mask" in refused(lambda: Hooked(model, 7))


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("return tokens.alive.float()", "torch.float32 (N,), expected torch.bool (N,)"),
        ("return tokens.alive[1:]", "torch.bool (M,), expected torch.bool (N,)"),
        ("return None", "one, expected torch.bool"),
        ("raise KeyError('no\\nscore')", "layer 1 of a document of N tokens: "),
    ],
)
def test_what_a_dropper_says_wrongly_is_one_line(
    body: str, line: str, home: Path, bert: Path
) -> None:
    (home / "wrong.py").write_text(
        "from dataclasses import dataclass\nimport auditkit\n\n"
        "@dataclass(frozen=True)\nclass Wrong(auditkit.Dropper):\n"
        f"    name = 'wrong'\n    def keep(self, tokens):\n        {body}\n"
    )
    settings = ModelSettings(model=str(bert), dropper=f"{home / 'wrong.py'}:Wrong")
    bench = open_bench(settings)
    documents = some(bench, 1)
    n = len(documents[0].token_ids)
    line = line.replace("N", str(n)).replace("M", str(n - 1))
    assert line in refused(lambda: bench.answer("pruned", documents))


def test_what_is_no_dropper_is_refused(
    files: dict[str, str], home: Path, bert: Path, model: Path
) -> None:
    def told(dropper: str, of: Path = bert, **settings: Any) -> str:
        return refused(
            lambda: open_bench(ModelSettings(model=str(of), dropper=dropper, **settings))
        )

    (home / "other.py").write_text("class Other:\n    name = 'other'\n")
    assert "expected a dataclass that derives from auditkit.Dropper" in told(
        f"{home / 'other.py'}:Other"
    )
    assert "no file" in told("nowhere/x.py:X")
    assert "available: TopK" in told(files["TopK"].replace(":TopK", ":Topk"))
    assert "no option 'shar'; did you mean share" in told(
        files["TopK"], dropper_options={"shar": 1}
    )
    assert "option share: " in told(files["TopK"], dropper_options={"share": 2})
    assert "drops tokens, and is audited as it is" in told(files["TopK"], of=model)
    assert "does not go with --dropper" in told(files["TopK"], quantize="int8")
    wide = stock.classifier(home / "wide", "bert", hidden_size=64)
    assert "64 wide" in told(files["TopK"], baseline=str(wide))


def run(out: Path, dropper: str, model: Path, data: str, *flags: str | Path) -> Done:
    return audit(out, "--dropper", dropper, *FAST, *flags, model=model, dataset=data)


def test_an_audit_of_topk(files: dict[str, str], bert: Path, data: str, tmp_path: Path) -> None:
    names = ("performance", "flips", "efficiency", "layer_view", "stopword", "cluster", "validity")
    flags = [flag for name in names for flag in ("--probe", name)]
    done = run(tmp_path / "run", files["TopK"], bert, data, "--set", "dropper.share=0.6", *flags)
    assert done.code == 0, done.err
    told = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [one["name"] for one in told["about"]["runs"]] == [
        "baseline", "unpruned", "pruned", "random",
    ]  # fmt: skip
    assert told["about"]["subjects"]["model"]["dropper"] == "topk 1 (share=0.6)"
    assert told["about"]["subjects"]["model"]["name"] == "bert with topk"
    status = {f["probe"]: f["status"] for f in told["findings"]}
    assert {name for name, one in status.items() if one == "not_applicable"} == {
        "cluster", "validity",
    }  # fmt: skip
    page = (tmp_path / "run" / "report.html").read_text()
    assert "topk 1 (share=0.6)" in page
    assert "adapted to its own masks" not in page
    again = run(tmp_path / "run", files["TopK"], bert, data, "--set", "dropper.share=0.7", *flags)
    assert again.code == 2
    assert "holds a run with model" in again.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("example", "kind"), [("TopK", "bert"), ("ContentWords", "roberta"), ("TopK", "modernbert")]
)
def test_a_whole_audit(
    example: str, kind: str, files: dict[str, str], home: Path, tiny_csv: str, tmp_path: Path
) -> None:
    path = stock.classifier(home / f"whole-{kind}", kind)
    done = run(tmp_path / "run", files[example], path, tiny_csv, "--groups", "source,season")
    assert done.code == 0, done.err
    first = (tmp_path / "run" / "results.json").read_bytes()
    told = json.loads(first)
    assert not told["failures"]
    status = {f["probe"]: f["status"] for f in told["findings"]}
    none = {name for name, one in status.items() if one == "not_applicable"}
    assert none >= {"cluster", "validity", "attribution_agreement"}
    assert not none & {"performance", "flips", "efficiency", "layer_view", "faithfulness"}
    if example == "ContentWords":
        again = run(
            tmp_path / "again", files[example], path, tiny_csv, "--groups", "source,season",
            "--batch-tokens", "64",
        )  # fmt: skip
        assert again.code == 0, again.err
        assert (tmp_path / "again" / "results.json").read_bytes() == first
