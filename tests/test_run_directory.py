"""A run directory: what it depends on, and what becomes of it when a run is killed or repeated."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from command import STEP
from command import auditkit as command
from tabular import write_csv

import auditkit
from auditkit.trace import TABLES, Trace

layouts = pytest.mark.parametrize(
    "layout", ["bert", pytest.param("roberta", marks=pytest.mark.slow)]
)

Checkpoints = Callable[[str], Path]
Runs = Callable[..., Path]


def quick(model: Path, csv: str, out: Path, *flags: str) -> Path:
    done = command("run", "--model", model, "--dataset", csv, "--out", out, *tiny.QUICK, *flags)
    assert done.code == 0, done.err
    return out


def results(run: Path) -> bytes:
    return (run / "results.json").read_bytes()


def stamps(run: Path) -> dict[str, int]:
    """When each file of the trace was written."""
    files = sorted(path for path in (run / "trace").rglob("*") if path.is_file())
    return {str(path.relative_to(run)): path.stat().st_mtime_ns for path in files}


@layouts
def test_a_run_leaves_all_its_files(layout: str, tiny_runs: Runs) -> None:
    run = tiny_runs(layout)
    assert {path.name for path in run.iterdir()} == {
        "report.html", "results.json", "summary.md", "timings.json", "manifest.json", "trace",
    }  # fmt: skip
    audit = auditkit.load(run)
    assert not audit.failures
    assert len(audit.findings) >= 7
    manifest = json.loads((run / "manifest.json").read_text())
    assert set(manifest["files"]) == {
        "report.html", "results.json", "summary.md", "timings.json",
    }  # fmt: skip
    seconds = json.loads((run / "timings.json").read_text())["measured"]
    assert {"record", "measure attribution_agreement", "analyse performance"} <= set(seconds)
    assert str(run.parent) not in results(run).decode()


@pytest.mark.parametrize("batch_tokens", ["64", "4096", "100000"])
def test_no_number_depends_on_the_batch_size(
    batch_tokens: str, tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    run = quick(tiny_checkpoint("bert"), tiny_csv, tmp_path / "run", "--batch-tokens", batch_tokens)
    expected = tiny_runs("bert", quick=True)
    assert results(run) == results(expected)
    for path in sorted((expected / "trace" / "shards").rglob("*.parquet")):
        assert (run / path.relative_to(expected)).read_bytes() == path.read_bytes(), path.name


@pytest.mark.slow
def test_a_checkpoint_that_was_moved_gives_the_same_results(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    there = tiny_checkpoint("roberta")
    moved = shutil.copytree(there, tmp_path / "elsewhere" / there.name)
    copied = shutil.copy(tiny_csv, tmp_path / "elsewhere")
    assert results(quick(moved, str(copied), tmp_path / "run")) == results(
        tiny_runs("roberta", quick=True)
    )


def test_the_python_interface_is_the_same_audit(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int]] = []
    outcome = auditkit.audit(
        model=tiny_checkpoint("bert"),
        dataset=tiny_csv,
        out=tmp_path / "run",
        probes=("performance", "attribution_agreement"),
        attribution_sample=3,
        random_draws=2,
        random_documents=60,
        progress=lambda what, done, total: seen.append((what, done, total)),
    )
    assert str(outcome.directory) == str(tmp_path / "run")
    assert results(tmp_path / "run") == results(tiny_runs("bert", quick=True))
    assert auditkit.load(tmp_path / "run").findings[0].probe == "performance"
    assert ("record documents", 90, 90) in seen
    assert ("attribution_agreement", 3, 3) in seen
    with pytest.raises(auditkit.SettingsError, match="no such key; did you mean seed"):
        auditkit.audit(model="m", dataset="d", sed=1)


def test_a_finished_run_is_opened_and_not_made_again(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    run = shutil.copytree(tiny_runs("bert", quick=True), tmp_path / "run")
    before, said = stamps(run), results(run)
    assert {"trace/about.json", "trace/measured/attribution_agreement.parquet"} <= set(before)
    quick(tiny_checkpoint("bert"), tiny_csv, run)
    assert stamps(run) == before
    assert results(run) == said
    quick(tiny_checkpoint("bert"), tiny_csv, run, "--without", "performance")
    assert stamps(run) == before
    assert [f.probe for f in auditkit.load(run).findings] == ["attribution_agreement"]


def test_a_budget_that_the_sweep_got_later_is_shown(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    run = shutil.copytree(tiny_runs("bert", quick=True), tmp_path / "run")
    model = shutil.copytree(tiny_checkpoint("bert"), tmp_path / tiny_checkpoint("bert").name)
    before, said = stamps(run), json.loads(results(run))
    budget = {"reached": 0.5, "accuracy": 0.8, "baseline_accuracy": 0.9, "held_out": 50}
    sweep = [{"target": 0.5, **budget}, {"target": 0.3, **budget, "reached": 0.31}]
    record = {"settings": {"target_macs_share": 0.5}, "sweep": sweep}
    (model / "training.json").write_text(json.dumps(record))
    quick(model, tiny_csv, run, "--probe", "efficiency")
    changed = {name for name, when in stamps(run).items() if when != before.get(name)}
    measured = {name for name in changed if name.endswith("measured/efficiency.key")}
    assert {n for n in changed - measured if "/folds/" not in n} == {"trace/about.json"}
    now = json.loads(results(run))
    assert [said["about"]["sweep"], now["about"]["subjects"]] == [[], said["about"]["subjects"]]
    assert [(b["reached"], b["audited"]) for b in now["about"]["sweep"]] == [
        (0.5, True), (0.31, False),
    ]  # fmt: skip
    (finding,) = (f for f in auditkit.load(run).findings if f.probe == "efficiency")
    assert finding.table("budgets").column("model") == (
        "the baseline", "this checkpoint", "another budget",
    )  # fmt: skip


def test_another_question_to_the_models_is_asked_anew(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    run = shutil.copytree(tiny_runs("bert", quick=True), tmp_path / "run")
    quick(tiny_checkpoint("bert"), tiny_csv, run, "--attribution-sample", "5")
    measured = Trace.open(run / "trace").measured("attribution_agreement")
    assert measured is not None
    assert measured["example_id"].nunique() == 5


@pytest.mark.parametrize(
    ("flag", "value", "named"),
    [("--seed", "1", "seed"), ("--max-length", "20", "max_length"), ("--limit", "30", "dataset")],
)
def test_a_run_of_other_inputs_is_not_mixed_in(
    flag: str, value: str, named: str,
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path,
) -> None:  # fmt: skip
    run = shutil.copytree(tiny_runs("bert", quick=True), tmp_path / "run")
    before, said = stamps(run), results(run)
    done = command("run", "--model", tiny_checkpoint("bert"), "--dataset", tiny_csv, "--out", run,
                   *tiny.QUICK, flag, value)  # fmt: skip
    assert done.code == 2
    assert f"holds a run with {named} " in done.complaint
    assert "--overwrite" in done.complaint
    assert (stamps(run), results(run)) == (before, said)


def test_a_row_more_that_is_refused_is_another_input(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    run = shutil.copytree(tiny_runs("bert", quick=True), tmp_path / "run")
    changed = tmp_path / Path(tiny_csv).name
    changed.write_text(Path(tiny_csv).read_text(encoding="utf-8") + ',Garden,web,"x"\n', "utf-8")
    done = command("run", "--model", tiny_checkpoint("bert"), "--dataset", changed, "--out", run,
                   *tiny.QUICK)  # fmt: skip
    assert done.code == 2
    assert "holds a run with refused" in done.complaint


def test_overwrite_starts_anew(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    run = shutil.copytree(tiny_runs("bert", quick=True), tmp_path / "run")
    (run / "old.txt").write_text("left over")
    quick(tiny_checkpoint("bert"), tiny_csv, run, "--overwrite", "--seed", "1")
    assert not (run / "old.txt").exists()
    assert Trace.open(run / "trace").about.seed == 1
    assert results(run) != results(tiny_runs("bert", quick=True))


@pytest.mark.parametrize("flags", [[], ["--overwrite"]])
def test_a_directory_that_is_no_run_is_left_alone(
    flags: list[str], tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    done = command("run", "--model", tiny_checkpoint("bert"), "--dataset", tiny_csv,
                   "--out", tmp_path, *flags)  # fmt: skip
    assert done.code == 2
    assert "is no run directory" in done.complaint
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


KILLED = """
import os, signal, sys
import auditkit.record.recording
from auditkit.cli import main
from auditkit.files import Folder
auditkit.record.recording.SHARD = 20
write = Folder.write
def dying(folder, name, data):  # two shards are there; the third lacks its marker
    if str(folder).endswith("000002") and name == "shard.json":
        os.kill(os.getpid(), signal.SIGKILL)
    write(folder, name, data)
Folder.write = dying
main()
"""


def test_a_run_that_was_killed_goes_on(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run = tmp_path / "run"
    flags = [
        "run",
        "--model",
        tiny_checkpoint("bert"),
        "--dataset",
        tiny_csv,
        "--out",
        run,
        *tiny.QUICK,
    ]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, flags)], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert {path.name for path in run.iterdir()} == {"trace", "lock.json"}
    assert not (run / "trace" / "about.json").exists()
    before = stamps(run)
    shards = {name: time for name, time in before.items() if "/shards/" in name}
    assert {name.split("/")[2] for name in shards} == {"000000", "000001", "000002"}
    whole = {name for name in shards if "/000002/" not in name}
    assert len(whole) == 2 * (len(TABLES) + 1)
    assert len(shards) == len(whole) + len(TABLES)
    monkeypatch.setattr("auditkit.record.recording.SHARD", 20)
    quick(tiny_checkpoint("bert"), tiny_csv, run)
    after = stamps(run)
    assert {name: after[name] for name in whole} == {name: before[name] for name in whole}
    assert all(after[name] > before[name] for name in set(shards) - whole)
    assert results(run) == results(tiny_runs("bert", quick=True))


def test_a_run_that_was_killed_before_its_first_file_goes_on(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    (tmp_path / "run" / "trace").mkdir(parents=True)
    (tmp_path / "run" / "trace" / "inputs.json.partial").write_text("{")
    run = quick(tiny_checkpoint("bert"), tiny_csv, tmp_path / "run")
    assert results(run) == results(tiny_runs("bert", quick=True))


@pytest.mark.slow
def test_the_module_is_the_command(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    """In a process of its own, into the default directory."""
    model = tiny_checkpoint("roberta")
    flags = ["run", "--model", str(model), "--dataset", tiny_csv, *tiny.QUICK]
    done = subprocess.run(
        [sys.executable, "-m", "auditkit", *flags],
        cwd=tmp_path, capture_output=True, text=True, env=os.environ, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert [line for line in lines if not STEP.fullmatch(line)] == []  # progress alone
    assert "91 in = 90 audited + 1 refused; 1 truncated" in done.stdout
    assert results(tmp_path / "reports" / "ltp-roberta-audit.csv") == results(
        tiny_runs("roberta", quick=True)
    )


@pytest.mark.slow
def test_shuffled_rows_give_the_same_numbers(
    tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples follow from the ids; what tells of the file itself is its hash alone."""
    monkeypatch.setattr("auditkit.record.recording.SHARD", 20)
    head, *rows = csv.reader(Path(tiny_csv).read_text(encoding="utf-8").splitlines())
    named = [[f"d{number:02}", *row] for number, row in enumerate(rows)]
    shuffled = random.Random(0).sample(named, len(named))
    told = []
    for name, ordered in (("ordered", named), ("shuffled", shuffled)):
        (tmp_path / name).mkdir()
        path = write_csv(tmp_path / name / "audit.csv", [("id", *head), *ordered])
        flags = ("--probe", "layer_view", "--limit", "80", "--repeat-documents", "30")
        run = quick(tiny_checkpoint("bert"), path, tmp_path / name / "run", *flags)
        told.append(json.loads(results(run)))
    hashes = [audit["about"]["dataset"].pop("sha256") for audit in told]
    refused = [audit["about"]["dataset"].pop("refused") for audit in told]
    assert told[0] == told[1]
    assert hashes[0] != hashes[1]
    assert [len(rows) for rows in refused] == [1, 1]
