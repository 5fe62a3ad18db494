"""Probes that cannot be run or that break, and what a run makes of them."""

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from command import assert_harmless
from command import audit as run
from command import auditkit as command
from third_party import install

import auditkit
from auditkit.finding import Finding

TEXT = "Anna sorted the roses and the onions before it got dark."
FAST = ("--probe", "performance", "--random-draws", "1")

Checkpoints = Callable[[str], Path]


@dataclass(frozen=True)
class Broken:
    """Breaks in the moment that its option names."""

    name: ClassVar[str] = "broken"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Does one broken probe cost the others?"
    needs: ClassVar[frozenset[str]] = frozenset()

    moment: str = "analyse"

    def measure(self, bench: Any) -> Any:
        if self.moment == "measure":
            raise RuntimeError("no\nluck \x1b[31m<script>")
        return {"exit": None, "table": "no table"}.get(self.moment)

    def analyse(self, trace: Any, rng: Any) -> Finding:
        if self.moment == "exit":
            sys.exit(0)
        raise ValueError("no\nluck \x1b[31m<script>")


@dataclass(frozen=True)
class Picky:
    """Cannot do without a baseline."""

    name: ClassVar[str] = "picky"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Is there a baseline?"
    needs: ClassVar[frozenset[str]] = frozenset({"reference"})

    def measure(self, bench: Any) -> Any:
        raise AssertionError("it is not to be asked")

    def analyse(self, trace: Any, rng: Any) -> Finding:
        raise AssertionError("it is not to be asked")


def test_without_a_baseline_what_needs_one_says_so(
    model: Path, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = shutil.copytree(model, tmp_path / "alone")
    shutil.rmtree(alone / "baseline")
    install(monkeypatch, Picky)
    done = run(tmp_path / "run", *FAST, "--probe", "picky", model=alone, dataset=data)
    assert (done.code, done.err) == (0, "")
    audit = auditkit.load(tmp_path / "run")
    picky = audit.finding("picky")
    assert picky.status == "not_applicable"
    assert "an unpruned baseline model (--baseline DIR, or CKPT/baseline)" in picky.claim
    reason = "alone has no folder baseline/ and --baseline was not given"
    assert audit.about["absent"]["baseline"] == reason
    assert list(audit.about["subjects"]) == ["model"]
    done = command("explain", "--model", alone, TEXT)
    assert "no baseline: alone has no folder baseline/" in done.out


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["--random-draws", "--random-documents"])
def test_without_a_random_arm_its_probes_say_so(
    flag: str, model: Path, data: str, tmp_path: Path
) -> None:
    done = run(tmp_path / "run", flag, "0", "--attribution-sample", "0", model=model, dataset=data)
    assert (done.code, done.err) == (0, "")
    audit = auditkit.load(tmp_path / "run")
    assert "random" not in {run["name"] for run in audit.about["runs"]}
    assert not audit.failures


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("analyse", "analyse: ValueError: no luck"),
        ("measure", "measure: RuntimeError: no luck"),
        ("exit", "analyse: SystemExit: 0"),
        ("table", "measure: ProbeError: measure returned str, expected a DataFrame or None"),
    ],
)
def test_a_broken_probe_is_shown_and_costs_the_others_nothing(
    moment: str, said: str, model: Path, data: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    install(monkeypatch, Broken)
    config = tmp_path / "c.yaml"
    config.write_text(f"options: {{broken: {{moment: {moment}}}}}\n")
    out = tmp_path / "run"
    flags = (*FAST, "--probe", "broken", "--config", config)
    done = run(out, *flags, model=model, dataset=data)
    assert (done.code, done.err) == (3, "")
    assert re.search(r"broken +broke +" + said.split(":")[0], done.out)
    audit = auditkit.load(out)
    assert [f.probe for f in audit.findings] == ["performance"]
    assert audit.failures[0].error.startswith(said)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert said.split(":")[2].strip() in page
    assert page.count("<script") == 1  # the page's own
    assert_harmless(done)
    assert (out / "manifest.json").is_file()
