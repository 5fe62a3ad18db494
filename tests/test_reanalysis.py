"""A recorded run analysed again, where there are no models: `auditkit report --reanalyse`."""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from command import auditkit as command
from html_page import Page
from small_trace import DEPTHS, places, write
from third_party import install

import auditkit
from auditkit.errors import SettingsError, TraceError
from auditkit.files import Folder
from auditkit.finding import Failure, Finding, loads
from auditkit.plugin import Shard, Trace, answer
from auditkit.run.reanalysis import reanalyse
from auditkit.trace.caching import Question, keep_measured

TESTS = Path(__file__).resolve().parent


def counted(shard: Shard) -> pd.DataFrame:
    tokens = shard.table("tokens", ["special", "depth"])
    return tokens.groupby("special", as_index=False).agg(tokens=("depth", "size"))


@dataclass(frozen=True)
class Counting:
    """Folds, and reads what was measured."""

    name: ClassVar[str] = "counting"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "How many tokens are special?"
    needs: ClassVar[frozenset[str]] = frozenset()

    unit: str = "tokens"

    def measure(self, bench: Any) -> Any:
        raise AssertionError("there is no model to ask")

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        told = trace.fold(counted, by=("special",)).set_index("special")["tokens"]
        measured = trace.measured(self.name)
        rows = 0 if measured is None else len(measured)
        return answer(self, f"{told[True]} of {told.sum()} {self.unit}, {rows} rows measured.")


@dataclass(frozen=True)
class Breaking(Counting):
    """Breaks."""

    name: ClassVar[str] = "breaking"

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        raise ValueError("no\nluck")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run directory whose `results.json` names `counting` alone."""
    write(Folder(tmp_path / "run" / "trace"), shards=2)
    results(tmp_path / "run", {"probes": ["counting"], "seed": 7})
    return tmp_path / "run"


def results(run: Path, settings: dict[str, Any]) -> None:
    audit = {"schema_version": 2, "about": {"settings": settings}, "findings": [], "failures": []}
    (run / "results.json").write_text(json.dumps(audit), encoding="utf-8")


def claimed(unit: str = "tokens", measured: int = 0) -> str:
    """By hand: the first token of every document is special."""
    return f"{len(DEPTHS)} of {sum(map(len, DEPTHS.values()))} {unit}, {measured} rows measured."


def text_of(run: Path) -> str:
    """The page as it is read."""
    return Page((run / "report.html").read_text(encoding="utf-8")).text


def test_a_trace_is_analysed_again(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Counting, Breaking)
    seen: list[tuple[str, int, int]] = []
    outcome = reanalyse(run, lambda what, done, total: seen.append((what, done, total)))
    assert [f.claim for f in outcome.findings] == [claimed()]
    assert ("analyse counting", 0, 0) in seen
    assert outcome.about["settings"] == {"probes": ["counting"], "seed": 7}
    assert outcome.about["dataset"]["audited"] == len(DEPTHS)
    assert {path.name for path in run.iterdir()} == {
        "report.html", "results.json", "summary.md", "timings.json", "manifest.json", "trace",
    }  # fmt: skip
    assert claimed() in text_of(run)
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["files"] == {
        name: hashlib.sha256((run / name).read_bytes()).hexdigest()
        for name in ("report.html", "results.json", "summary.md", "timings.json")
    }
    before = (run / "results.json").read_bytes()
    (run / "manifest.json").write_text(json.dumps({**manifest, "settings": {"model": "m"}}))
    reanalyse(run)
    assert (run / "results.json").read_bytes() == before
    assert json.loads((run / "manifest.json").read_text())["settings"] == {"model": "m"}


def test_what_was_measured_is_kept_and_what_was_folded_is_not(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, Counting)
    measured = pd.DataFrame({"example_id": ["a", "b"]})
    keep_measured(Folder(run / "trace"), "counting", Question(asked="", given={}), measured)
    old = run / "trace" / "folds" / "counting" / "old.parquet"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"of another probe")
    (finding,) = reanalyse(run).findings
    assert finding.claim == claimed(measured=2)
    assert not old.exists()
    assert len(list(old.parent.glob("*.parquet"))) == 1


def test_a_probe_gets_the_options_of_the_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Counting)
    results(run, {"probes": ["counting"], "options": {"counting": {"unit": "pieces"}}})
    assert reanalyse(run).findings[0].claim == claimed("pieces")
    results(run, {"probes": ["counting"], "options": {"counting": {"units": "x"}}})
    with pytest.raises(auditkit.ProbeError, match="no option 'units'; did you mean unit"):
        reanalyse(run)
    results(run, {"probes": ["couting"]})
    with pytest.raises(SettingsError, match=r"^results\.json -> probes: no probe 'couting'; did"):
        reanalyse(run)


def test_without_results_all_probes_are_asked(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Counting, Breaking, alone=True)
    (run / "results.json").unlink()
    outcome = reanalyse(run)
    assert [f.claim for f in outcome.findings] == [claimed()]
    assert outcome.failures == (
        Failure(probe="breaking", distribution="unknown", error="analyse: ValueError: no luck"),
    )
    assert outcome.about["settings"] == {}


def test_a_run_behind_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Counting)
    *_, trace = places(tmp_path)
    write(trace, shards=1)
    place = Folder(str(trace).removesuffix("/trace"))
    place.write("results.json", (json.dumps({
        "schema_version": 2, "about": {"settings": {"probes": ["counting"]}},
        "findings": [], "failures": [],
    })))  # fmt: skip
    reanalyse(str(place))
    assert loads(place.read("results.json").decode()).finding("counting").claim == claimed()
    assert "manifest.json" in place.names()


def test_the_command(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Counting, Breaking)
    done = command("report", "--reanalyse", run)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [str(run / "report.html"), str(run / "summary.md")]
    results(run, {"probes": ["counting", "breaking"]})
    done = command("report", "--reanalyse", run)
    assert done.code == 3
    assert done.out.splitlines()[0] == "breaking broke: analyse: ValueError: no luck"
    assert claimed() in text_of(run)


def test_a_trace_that_is_unfinished_is_one_line(run: Path) -> None:
    (run / "trace" / "about.json").unlink()
    before = (run / "results.json").read_bytes()
    with pytest.raises(TraceError, match="the trace is unfinished"):
        reanalyse(run)
    assert (run / "results.json").read_bytes() == before
    done = command("report", "--reanalyse", run / "nowhere")
    assert (done.code, "the trace is unfinished" in done.complaint) == (2, True)


def test_no_model_library_is_needed(run: Path) -> None:
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(TESTS)!r})\n"
        "import pytest\n"
        "from test_reanalysis import Counting, install\n"
        "from auditkit.cli import main\n"
        "install(pytest.MonkeyPatch(), Counting)\n"
        f"sys.argv = ['auditkit', 'report', '--reanalyse', {str(run)!r}]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0, end.code\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "auditkit.run.reanalysis" in loaded
    assert not {"torch", "transformers", "spacy", "datasets", "captum"} & loaded
