"""Probes that are not installed: files, objects, and those that a command begins."""

import json
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import test_saved
import yaml
from command import Done, assert_harmless
from command import auditkit as command

import auditkit
from auditkit.cli.run import run as run_command
from auditkit.finding import Finding
from auditkit.plugin import Positive, Trace, answer, discovery
from auditkit.plugin.own import handed_over, read_probe
from auditkit.run.asking import chosen_probes
from auditkit.run.conduct import conduct
from auditkit.run.reanalysis import reanalyse
from auditkit.run.settings import ProbeSettings, load_settings
from auditkit.testing import check_probe, contract_traces

DOCUMENTS = """
import os
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from auditkit.plugin import Positive, answer


@dataclass(frozen=True)
class Documents:
    name, version, question = "documents", "1", "How many documents are there?"
    needs = frozenset()

    times: Positive = 1

    def measure(self, bench):
        with Path("asked.txt").open("a") as file:
            file.write("asked\\n")
        return pd.DataFrame({"rows": [len(bench.documents)]})

    def analyse(self, trace, rng):
        rows = int(trace.measured(self.name)["rows"].iloc[0]) * self.times
        return answer(self, f"{rows} documents.")


class Broken(Documents):
    def measure(self, bench):
        return None


@dataclass(frozen=True)
class Hangs(Broken):
    name = "hangs"

    def analyse(self, trace, rng):
        while True:
            time.sleep(0.01)


@dataclass(frozen=True)
class Leaves(Broken):
    name = "leaves"

    def analyse(self, trace, rng):
        os._exit(0)


@dataclass(frozen=True)
class Scribbles(Broken):
    name = "scribbles"

    def analyse(self, trace, rng):
        for frame in trace.scan("documents"):
            frame["label"] = 0
        trace.about.counts.clear()
        return answer(self, "It wrote.")
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: saved predictions, and a file of probes in `own`."""
    monkeypatch.chdir(tmp_path)
    test_saved.written(tmp_path / "saved.csv", test_saved.predictions(20))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "documents.py").write_text(DOCUMENTS)
    return tmp_path


def audited(out: str, *flags: str) -> Done:
    return command("run", "--predictions", "saved.csv", "--out", out, *flags)


QUICK = ("--set", "flips.resamples=100")


def claims(out: str) -> dict[str, str]:
    return {finding.probe: finding.claim for finding in auditkit.load(out).findings}


FILE = "own/documents.py:Documents"


# --- files --------------------------------------------------------------------------------------


def test_a_file_answers_and_its_manifest_repeats_it(here: Path) -> None:
    done = audited("a", "--probe", FILE, "--set", "documents.times=2")
    assert (done.code, done.err) == (0, "")
    assert claims("a") == {"documents": "40 documents."}
    manifest = json.loads((here / "a" / "manifest.json").read_text())["settings"]
    assert manifest["probes"] == [FILE]
    assert manifest["options"] == {"documents": {"times": 2}}
    again = command("run", "--config", "a/manifest.json", "--out", "b")
    assert again.code == 0
    results = [(here / out / "results.json").read_bytes() for out in "ab"]
    assert results[0] == results[1]
    told = json.loads(results[0])["about"]["settings"]
    assert told["probes"] == ["documents.py:Documents"]
    assert told["probe_files"]["documents"]["sha256"] == read_probe(FILE).sha256
    assert str(here).encode() not in results[0]


def test_a_config_names_files_and_flags_win_option_by_option(here: Path) -> None:
    options = {"documents": {"times": 3}, "calibration": {"least": 7}}
    config = {"probes": [str(here / FILE), "calibration"], "options": options}
    (here / "c.yaml").write_text(yaml.safe_dump(config))
    flags = ("--config", "c.yaml", "--set", "calibration.resamples=100")
    printed = yaml.safe_load(audited("a", *flags, "--print-config").out)
    assert printed["options"] == {**options, "calibration": {"least": 7, "resamples": 100}}
    given: dict[str, Any] = {"predictions": "saved.csv", "options": {"documents": {"times": 5}}}
    asked, failures = chosen_probes(load_settings("c.yaml", given).probing)
    assert failures == ()
    assert {one.plugin.name: one.options for one in asked} == options | given["options"]


def test_what_a_file_measured_is_asked_again_when_the_file_changes(here: Path) -> None:
    def asked() -> int:
        return len((here / "asked.txt").read_text().splitlines())

    for _ in range(2):
        assert audited("a", "--probe", FILE).code == 0
        assert asked() == 1
    path = here / "own" / "documents.py"
    path.write_text(DOCUMENTS.replace('documents.")', 'rows.")'))
    assert audited("a", "--probe", FILE).code == 0
    assert (asked(), claims("a")) == (2, {"documents": "20 rows."})
    path.write_text(DOCUMENTS.replace('documents.")', 'lines.")'))
    outcome = reanalyse("a")  # asks no model, and reads the file where the manifest says it is
    assert (asked(), outcome.finding("documents").claim) == (2, "20 lines.")


def test_files_that_hang_leave_or_scribble_cost_the_others_nothing(here: Path) -> None:
    files = [f"own/documents.py:{kind}" for kind in ("Hangs", "Leaves", "Scribbles", "Documents")]
    flags = [flag for name in (*files, "flips") for flag in ("--probe", name)]
    done = audited("a", *flags, *QUICK, "--probe-timeout", "1")
    assert (done.code, done.err) == (3, "")
    broken = {failure.probe: failure.error for failure in auditkit.load("a").failures}
    assert broken == {
        "hangs": "analyse: Stopped: it took longer than 1 seconds; --probe-timeout allows more",
        "leaves": "analyse: Stopped: it called os._exit(0)",
    }
    assert audited("b", "--probe", "flips", *QUICK).code == 0
    assert auditkit.load("a").finding("flips") == auditkit.load("b").finding("flips")
    assert claims("a")["documents"] == "20 documents."


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--probe", "own/documents.py"], "no class is named; write FILE.py:CLASS"),
        (["--probe", "own/document.py:Documents"], "no file document.py: No such file or direc"),
        (["--probe", "own/documents.py:Document"], "no class 'Document'; did you mean Documents?"),
        (["--probe", "own/documents.py:Path"], "no `name`"),
        (["--probe", "own/documents.py:Broken", "--probe", FILE], "that name is taken by the"),
        (["--probe", "own/spelt.py:A"], "cannot be read as Python: invalid syntax"),
        (["--probe", "own/leaves.py:A"], "probe leaves.py:A: Stopped: it called os._exit(0)"),
        (["--probe", "own/hangs.py:A", "--probe-timeout", "1"], "Stopped: it took longer than 1 s"),
        (["--probe", "own/taken.py:A"], "that name is taken by the probe of auditkit; give yours"),
        (["--probe", "own/wild.py:A"], "the name is to be letters, digits, _ and -"),
        (["--probe", "own:documents"], "no probe 'own:documents'; available: attribution_"),
        (["--probe", "own/a\x1b[2J.py:A"], r"no file 'a\x1b[2J.py': No such file"),
        (["--set", "flips.least=3", "--set", "flips.least=4"], "least stands twice; give it once"),
        (["--set", "flips"], "--set 'flips': expected PROBE.OPTION=VALUE, such as stopword.top=5"),
        (["--set", "flips=3"], "expected PROBE.OPTION=VALUE"),
        (["--set", "flips.least=["], "--set 'flips.least=[', line 1: not valid YAML"),
        (["--set", "flip.least=3"], "no probe 'flip'; did you mean flips? available: attribution_"),
        (["--set", "flips.leas=3"], "no option 'leas'; did you mean least? available: examples, "),
        (["--set", "flips.least=many"], "least: Input should be a valid integer, seen 'many'"),
        (["--probe", FILE, "--set", "documens.times=3"], "no probe 'documens'; did you mean docum"),
        (["--probe", FILE, "--set", "documents.time=3"], "no option 'time'; did you mean times?"),
        (["--probe", FILE, "--without", "flip"], "no probe 'flip'; did you mean flips?"),
        (["--probe", FILE, "--without", "documents"], "no probe is left to run"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(flags: list[str], complaint: str, here: Path) -> None:
    bodies = {
        "spelt": "def\n",
        "leaves": "import os\nos._exit(0)\n",
        "hangs": "while True:\n    pass\n",
        "taken": DOCUMENTS.replace('"documents", "1"', '"flips", "1"') + "\nA = Documents\n",
        "wild": DOCUMENTS.replace('"documents", "1"', '"../x", "1"') + "\nA = Documents\n",
    }
    for name, body in bodies.items():
        (here / "own" / f"{name}.py").write_text(body)
    done = audited("a", *flags)
    assert (done.code, done.out) == (2, "")
    assert complaint in done.complaint
    assert_harmless(done)
    assert not (here / "a").exists()


def test_the_flags_are_told_by_the_help() -> None:
    names = {option for parameter in run_command.params for option in parameter.opts}
    assert {"--probe", "--set", "--probe-timeout"} <= names


# --- objects and distributions ------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    name: ClassVar[str] = "shown"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "How many rows were measured?"
    needs: ClassVar[frozenset[str]] = frozenset()

    times: Positive = 1

    def measure(self, bench: Any) -> pd.DataFrame:
        return pd.DataFrame({"rows": [len(bench.documents)] * self.times})

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        measured = trace.measured(self.name)
        assert measured is not None
        return answer(self, f"{len(measured)} rows.")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the distribution `their-probes` were installed, with a probe called as one of ours."""
    module = ModuleType("their_probes")
    vars(module)["Flips"] = type("Flips", (Shown,), {"name": "flips"})
    monkeypatch.setitem(sys.modules, "their_probes", module)
    entry = EntryPoint("flips", "their_probes:Flips", discovery.GROUP)
    vars(entry)["dist"] = SimpleNamespace(name="their-probes")
    own = list(entry_points(group=discovery.GROUP))
    monkeypatch.setattr(discovery, "entry_points", lambda group: [*own, entry])


def test_an_object_is_asked_beside_the_others(here: Path) -> None:
    quick = {"calibration": {"resamples": 100}}
    flags = {"predictions": "saved.csv", "probes": ["calibration"], "out": "a", "options": quick}
    for times in (1, 3):  # its fields are part of what was asked
        outcome = conduct(load_settings(None, flags), extra=[handed_over(Shown(times))])
        assert outcome.finding("shown").claim == f"{times} rows."
    assert {finding.probe for finding in outcome.findings} == {"shown", "calibration"}


@pytest.mark.usefixtures("installed")
def test_a_distribution_stands_before_the_name_of_its_probe(here: Path) -> None:
    flags = ("--probe", "their-probes.flips", "--probe", "flips")
    assert audited("a", *flags, *QUICK, "--set", "their-probes.flips.times=2").code == 0
    assert claims("a")["their-probes.flips"] == "2 rows."
    assert set(claims("a")) == {"flips", "their-probes.flips"}
    assert (here / "a" / "trace" / "measured" / "their-probes.flips.parquet").is_file()
    assert "their-probes.flips  " in command("probes", "list").out
    own, theirs = (command("probes", "show", name).out for name in ("flips", "their-probes.flips"))
    assert "from      auditkit\n" in own
    assert "from      their-probes\n" in theirs
    assert "times = 1  (whole number, 1 or more)" in theirs


# --- the command --------------------------------------------------------------------------------


def test_show_tells_all_of_a_probe(here: Path) -> None:
    done = command("probes", "show", FILE)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "probe     documents, version 1",
        "asks      How many documents are there?",
        "chapter   after all others",
        "needs     nothing",
        "options",
        "          times = 1  (whole number, 1 or more)",
        "from      documents.py:Documents",
        "set       auditkit run … --set documents.times=VALUE",
    ]
    shipped = command("probes", "show", "performance").out
    assert "chapter   What it costs and saves" in shipped
    assert "margin = 0.01  (number, more than 0, less than 1)" in shipped
    done = command("probes", "show", "performence")
    assert done.code == 2
    assert "did you mean performance? available: attribution_agreement, " in done.complaint
    assert command("probes").out == command("probes", "list").out
    assert command("probes", "--json").out == command("probes", "list", "--json").out
    assert command("probes", "--json", "show", FILE).code == 2


def called(path: Path) -> dict[str, Any]:
    """What a Python file defines."""
    names: dict[str, Any] = {"__name__": path.stem}
    exec(compile(path.read_text(), str(path), "exec"), names)
    return names


@pytest.mark.parametrize("package", [False, True])
def test_what_is_begun_works_and_is_never_overwritten(
    package: bool, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ["--package"] if package else []
    done = command("probes", "new", "long_words", *flags)
    assert (done.code, done.err) == (0, "")
    root = here / "auditkit-long-words" if package else here
    module = "auditkit_long_words.long_words" if package else "long_words"
    monkeypatch.syspath_prepend(root / "src" if package else root)
    test = called(next(root.rglob("test_long_words.py")))
    test["test_it_counts_long_words"]()  # its other test is the contract on all traces: a few here
    kind = sys.modules[module].LongWords
    for trace in (contract_traces()[name] for name in ("full", "one_document", "no_words")):
        check_probe(kind(), trace)
    for name in [name for name in sys.modules if name.startswith(module.partition(".")[0])]:
        monkeypatch.delitem(sys.modules, name)
    if package:
        project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
        entries = project["entry-points"]["auditkit.probes"]
        assert (project["name"], entries) == (
            "auditkit-long-words",
            {"long_words": f"{module}:LongWords"},
        )
    else:
        asked, failures = chosen_probes(ProbeSettings(probes=("long_words.py:LongWords",)))
        assert ([one.plugin.name for one in asked], failures) == (["long_words"], ())
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    done = command("probes", "new", "long_words", *flags)
    assert done.code == 2
    assert "is there already; give another name, or move it away" in done.complaint
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("Long", "expected a name for a Python file: a small letter, then small letters, digits"),
        ("../x", "expected a name for a Python file"),
        ("class", "expected a name for a Python file"),
        ("numpy", "Python has a module of that name; give another"),
        ("stopword", "one of that name is installed; give another"),
    ],
)
def test_names_that_no_probe_can_have(name: str, complaint: str, here: Path) -> None:
    before = set(here.rglob("*"))
    done = command("probes", "new", name)
    assert done.code == 2
    assert complaint in done.complaint
    assert set(here.rglob("*")) == before
