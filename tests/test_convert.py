"""`auditkit convert`, and audits of an original checkpoint as it is."""

import shutil
from pathlib import Path

import pytest
import tiny
from command import Done, audit, auditkit
from original import config_of, state_of, write
from tabular import write_csv

from auditkit.finding import Results, loads
from auditkit.ltp.checkpoints import from_stock, open_backbone
from auditkit.ltp.saving import save_stock

QUICK = ("--probe", "performance", "--probe", "pos_retention", "--random-draws", "0",
         "--speed-documents", "0")  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`original`, with its tokenizer, and the `baseline` that has the same weights."""
    root = tmp_path_factory.mktemp("convert")
    words = tiny.backbone("roberta", root / "words")
    model = from_stock(open_backbone(str(words), ["LABEL_0", "LABEL_1", "LABEL_2"])).eval()
    save_stock(model, root / "baseline")
    for layer in range(3):
        model.thresholds.data[layer] = 0.0075
    write(root / "original", config_of(model), state_of(model), pickled=True)
    for place in ("original", "baseline"):
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(words / file, root / place)
    rows = [(text, str(tiny.CLASSES.index(name))) for text, name in tiny.sentences(24, seed=5)]
    write_csv(root / "numbered.csv", [("text", "label"), *rows])
    write_csv(root / "named.csv", [("text", "label"), *tiny.sentences(24, seed=5)])
    return root


def run(root: Path, out: Path, *flags: str | Path, model: str = "original") -> tuple[Done, Path]:
    done = audit(
        out, "--baseline", root / "baseline", *QUICK, *flags,
        model=root / model, dataset=root / "numbered.csv",
    )  # fmt: skip
    return done, out


def results(out: Path) -> Results:
    return loads((out / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def direct(root: Path) -> Path:
    done, out = run(root, root / "direct")
    assert done.code in (0, 4), done.err
    return out


def test_an_original_is_audited_as_it_is_and_the_report_says_so(direct: Path) -> None:
    found = results(direct)
    model = found.about["subjects"]["model"]
    assert (model["original"], model["score_norm"]) == (True, "padded:128")
    assert (model["protect_first"], model["rule"]) == (False, "absolute")
    assert [round(t, 4) for t in model["thresholds"]] == [0.0075] * 3
    assert not found.about["subjects"]["baseline"]["original"]
    page = (direct / "report.html").read_text(encoding="utf-8")
    assert (
        "from a checkpoint of the original LTP implementation, scores divided by padded:128" in page
    )
    assert not found.failures


def test_a_converted_checkpoint_gives_the_same_findings(root: Path, direct: Path) -> None:
    done = auditkit("convert", root / "original", "--out", root / "converted")
    assert (done.code, done.err) == (0, "")
    assert "3 layers, rule absolute, scores divided by padded:128" in done.out
    assert "first token not protected; classes LABEL_0, LABEL_1, LABEL_2" in done.out
    done, out = run(root, root / "run-converted", model="converted")
    assert done.code in (0, 4), done.err
    assert results(out).findings == results(direct).findings
    assert results(out).about["subjects"]["model"]["original"]


def test_another_score_norm_is_another_audit(root: Path, direct: Path, tmp_path: Path) -> None:
    done, _ = run(root, direct, "--score-norm", "length")
    assert done.code == 2
    assert "holds a run with score_norm 'padded:128', this one has 'length'" in done.complaint
    done, out = run(root, tmp_path / "length", "--score-norm", "length")
    assert done.code in (0, 4), done.err
    assert results(out).about["subjects"]["model"]["score_norm"] == "length"
    assert results(out).about["settings"]["score_norm"] == "length"
    assert results(out).findings != results(direct).findings
    for flag in ("mean", "padded:0"):
        done, _ = run(root, tmp_path / "none", "--score-norm", flag)
        assert done.code == 2
        assert "available: length, alive, padded:<N>" in done.complaint


def test_without_a_baseline_what_needs_one_is_not_applicable(root: Path, tmp_path: Path) -> None:
    done = audit(
        tmp_path / "run", *QUICK, model=root / "original", dataset=root / "numbered.csv",
    )  # fmt: skip
    assert done.code in (0, 4), done.err
    found = results(tmp_path / "run")
    assert "baseline" not in found.about["subjects"]
    assert "no folder baseline/ and --baseline was not given" in found.about["absent"]["baseline"]
    performance = next(f for f in found.findings if f.probe == "performance")
    assert "not compared with a baseline: original has no folder" in performance.claim
    assert not found.failures


def test_class_names_that_an_original_does_not_know(root: Path, tmp_path: Path) -> None:
    done = audit(tmp_path / "run", *QUICK, model=root / "original", dataset=root / "named.csv")
    assert done.code == 2
    assert "the model has no class" in done.complaint
    assert "the model names none: say which is which with --labels LABEL_0=" in done.complaint


def test_an_original_without_a_tokenizer(root: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for file in ("config.json", "pytorch_model.bin"):
        shutil.copy(root / "original" / file, bare)
    done = audit(tmp_path / "run", *QUICK, model=bare, dataset=root / "numbered.csv")
    assert done.code == 2
    assert "bare: no tokenizer; put the tokenizer.json of the model" in done.complaint
    assert "`auditkit convert` with --tokenizer DIR" in done.complaint
    done = auditkit("convert", bare, "--out", tmp_path / "without")
    assert done.code == 0
    assert "without: no tokenizer; put tokenizer.json there before you audit it" in done.err
    done = auditkit("convert", bare, "--out", tmp_path / "with", "--tokenizer", root / "words")
    assert (done.code, done.err) == (0, "")
    done = auditkit("explain", "--model", tmp_path / "with", "Anna sorted the roses.")
    assert done.code == 0, done.err
    done = auditkit("convert", bare, "--out", tmp_path / "with")
    assert done.code == 2
    assert "is there and not empty; give another --out" in done.complaint
    done = auditkit("convert", root / "baseline", "--out", tmp_path / "stock")
    assert "model_type is 'roberta', expected 'ltp'" in done.complaint
