"""train → run → explain on tiny checkpoints of both layouts, through the command line.

What a trace holds is computed again from the checkpoint, one document at a time.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tiny
import torch
from command import auditkit as command
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import auditkit
import auditkit.ltp  # registers the Auto classes
from auditkit.trace import Trace

LAYERS = 3
QUICK = ("--probe", "performance", "--probe", "attribution_agreement", "--attribution-sample", "3",
         "--random-draws", "2", "--random-documents", "60")  # fmt: skip
"""A run of the probe that measures and one that does not."""

layouts = pytest.mark.parametrize("layout", ["bert", "roberta"])

Checkpoints = Callable[[str], Path]
Runs = Callable[..., Path]


@pytest.fixture(scope="session")
def csv(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The audited documents, and one row without a text."""
    path = tmp_path_factory.mktemp("data") / "audit.csv"
    tiny.audit_csv(path)
    with path.open("a", encoding="utf-8") as file:
        file.write('"  ",Garden,web,spring\n')
    return str(path)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Checkpoints, csv: str) -> Runs:
    """Layout → a run of all probes; `quick=True` → one with the flags `QUICK`. Read-only."""
    root = tmp_path_factory.mktemp("runs")

    @cache
    def run(layout: str, quick: bool = False) -> Path:
        out = root / f"{layout}-{quick}"
        flags = QUICK if quick else ("--attribution-sample", "4", "--groups", "source,season")
        done = command(
            "run", "--model", tiny_checkpoint(layout), "--dataset", csv, "--out", out, *flags
        )
        assert done.code == 0, done.err
        return out

    return run


def quick(model: Path, csv: str, out: Path, *flags: str) -> Path:
    done = command("run", "--model", model, "--dataset", csv, "--out", out, *QUICK, *flags)
    assert done.code == 0, done.err
    return out


def results(run: Path) -> bytes:
    return (run / "results.json").read_bytes()


def stamps(run: Path) -> dict[str, int]:
    """When each file of the trace was written."""
    files = sorted(path for path in (run / "trace").rglob("*") if path.is_file())
    return {str(path.relative_to(run)): path.stat().st_mtime_ns for path in files}


def trace_of(run: Path) -> Trace:
    return Trace.open(run / "trace")


def texts_of(trace: Trace) -> dict[str, str]:
    examples = trace.table("examples")
    return dict(zip(examples["example_id"], examples["text"], strict=True))


def rows(frame: pd.DataFrame) -> list[Any]:
    """The rows with their cells as attributes, whose types pandas does not know."""
    return list(frame.itertuples())


def by_document(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(key): part for key, part in frame.groupby("example_id", sort=False)}


# --- training ----------------------------------------------------------------------------------


@layouts
def test_train_leaves_two_models_and_its_history(layout: str, tiny_checkpoint: Checkpoints) -> None:
    out = tiny_checkpoint(layout)
    record = json.loads((out / "training.json").read_text(encoding="utf-8"))
    assert [stage["stage"] for stage in record["stages"]] == ["baseline", "soft", "hard"]
    assert record["stages"][-1]["macs_share"] == pytest.approx(0.5, abs=0.1)  # on 16 documents
    assert record["stages"][-1]["accuracy"] > 0.5  # three classes
    assert json.loads((out / "config.json").read_text())["model_type"] == "auditkit-ltp"
    stock = json.loads((out / "baseline" / "config.json").read_text())
    assert (stock["model_type"], stock["id2label"]["2"]) == (layout, "Workshop")
    assert not (out / ".training").exists()


# --- the trace ---------------------------------------------------------------------------------


@layouts
def test_rows_are_accounted_for(layout: str, runs: Runs) -> None:
    trace = trace_of(runs(layout))
    data = trace.about.dataset
    assert (data.rows_in, data.audited, len(data.refused), data.truncated) == (91, 90, 1, 1)
    assert data.refused[0].row == 91
    examples = trace.table("examples")
    assert len(examples) == 90
    assert [tiny.CLASSES[i] for i in examples["label"][:3]] == list(tiny.CLASSES)
    long = examples[examples["truncated"]].iloc[0]
    assert long["tokens"] == tiny.MAX_LENGTH
    assert long["words_cut"] > 0
    assert data.words_cut == examples["words_cut"].sum() == long["words_cut"]
    groups = trace.table("groups")
    assert set(groups["column"]) == {"source", "season"}
    assert len(groups) == 90 + (groups["column"] == "season").sum() < 180  # some have no season


@layouts
def test_words_are_slices_of_the_text(layout: str, runs: Runs) -> None:
    trace = trace_of(runs(layout))
    texts = texts_of(trace)
    words = trace.table("words")
    assert len(words) > 90 * 8
    for word in rows(words):
        assert word.text == texts[word.example_id][word.char_start : word.char_end]
        assert word.text.strip() == word.text != ""
    assert {"PROPN", "NOUN", "VERB"} <= set(words["upos"])
    assert set(words[words["text"] == "the"]["is_stop"]) == {True}


@layouts
def test_every_piece_belongs_to_the_word_that_it_overlaps_most(layout: str, runs: Runs) -> None:
    trace = trace_of(runs(layout))
    texts, words = texts_of(trace), by_document(trace.table("words"))
    spaced = 0
    for example_id, tokens in by_document(trace.table("tokens")).items():
        mine = rows(words[example_id])
        for token in rows(tokens):
            if token.special:
                assert token.word == -1
                continue
            overlaps = {
                w.word: min(w.char_end, token.char_end) - max(w.char_start, token.char_start)
                for w in mine
            }
            best = max(overlaps, key=lambda number: (overlaps[number], -number))
            assert token.word == (best if overlaps[best] > 0 else -1)
            piece = texts[example_id][token.char_start : token.char_end]
            spaced += piece.startswith(" ") and len(piece) > 1
    assert (spaced > 90) == (layout == "roberta")  # there a piece's span begins with the space


@layouts
def test_a_word_lives_as_long_as_any_of_its_pieces(layout: str, runs: Runs) -> None:
    trace = trace_of(runs(layout))
    tokens = by_document(trace.table("tokens"))
    several = 0
    for example_id, words in by_document(trace.table("words")).items():
        pieces: dict[int, list[int]] = {}
        for token in rows(tokens[example_id]):
            pieces.setdefault(token.word, []).append(token.depth)
        pieces.pop(-1)
        assert set(words["word"]) == set(pieces)
        for word in rows(words):
            assert word.depth == max(pieces[word.word])
            assert word.pieces == len(pieces[word.word])
            several += word.pieces > 1
    assert several > 20


@layouts
def test_special_tokens_are_marked(layout: str, runs: Runs, tiny_checkpoint: Checkpoints) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_checkpoint(layout))
    ends = {"bert": ("[CLS]", "[SEP]"), "roberta": ("<s>", "</s>")}[layout]
    assert tuple(tokenizer.convert_ids_to_tokens([0, 2] if layout == "roberta" else [2, 3])) == ends
    for tokens in by_document(trace_of(runs(layout)).table("tokens")).values():
        special = tokens["special"].to_numpy()
        assert special[0]
        assert special[-1]
        assert not special[1:-1].any()
        assert tokenizer.convert_ids_to_tokens(tokens["token_id"].iloc[[0, -1]].tolist()) == list(
            ends
        )
        assert tokens["depth"].iloc[0] == LAYERS  # the first one is never dropped


# --- predictions -------------------------------------------------------------------------------


def probabilities(model: Any, ids: list[int]) -> tuple[np.ndarray, Any]:
    with torch.inference_mode():
        output = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)).long())
    return torch.softmax(output.logits[0], -1).numpy(), output


@layouts
def test_predictions_are_those_of_the_checkpoint_alone(
    layout: str, runs: Runs, tiny_checkpoint: Checkpoints
) -> None:
    """One document at a time, through the classes that a user of transformers would take."""
    trace, path = trace_of(runs(layout)), tiny_checkpoint(layout)
    tokenizer = AutoTokenizer.from_pretrained(path)
    pruned = AutoModelForSequenceClassification.from_pretrained(path).eval()
    stock = AutoModelForSequenceClassification.from_pretrained(path / "baseline").eval()
    assert type(pruned).__name__ == "LTPForSequenceClassification"
    assert "LTP" not in type(stock).__name__
    said = {arm: trace.predictions(arm) for arm in ("pruned", "baseline")}
    depths = by_document(trace.table("tokens"))
    for example_id, text in texts_of(trace).items():
        ids = tokenizer(text, truncation=True, max_length=tiny.MAX_LENGTH)["input_ids"]
        assert ids == depths[example_id]["token_id"].tolist()
        expected, output = probabilities(pruned, ids)
        np.testing.assert_allclose(said["pruned"]["probs"][example_id], expected, atol=1e-6)
        assert said["pruned"]["predicted"][example_id] == expected.argmax()
        assert depths[example_id]["depth"].tolist() == output.depth[0].tolist()
        expected, _ = probabilities(stock, ids)
        np.testing.assert_allclose(said["baseline"]["probs"][example_id], expected, atol=1e-5)
    labels = trace.table("examples").set_index("example_id")["label"]
    assert (said["pruned"]["predicted"] == labels).mean() > 0.6


@layouts
def test_counted_macs_follow_from_the_depths(layout: str, runs: Runs) -> None:
    trace = trace_of(runs(layout))
    depths = by_document(trace.table("tokens"))
    costs = by_document(trace.table("costs"))
    d, f = 32, 64
    for example_id, tokens in depths.items():
        for arm, of_arm in costs[example_id].groupby("arm"):
            depth = tokens["depth"].tolist() if arm == "pruned" else [LAYERS] * len(tokens)
            assert of_arm["layer"].tolist() == [1, 2, 3]
            for row in rows(of_arm):
                into = sum(one >= row.layer - 1 for one in depth)
                out = sum(one >= row.layer for one in depth)
                assert (row.tokens_in, row.tokens_out) == (into, out)
                assert row.macs_attention == 4 * d * d * into + 2 * d * into * into
                assert row.macs_ffn == 2 * d * f * out


@layouts
def test_the_random_arm_keeps_as_many_tokens_and_others(layout: str, runs: Runs) -> None:
    trace = trace_of(runs(layout))
    random = trace.table("random")
    pruned = by_document(trace.table("tokens"))
    assert set(random["draw"]) == {0, 1, 2}
    assert random["example_id"].nunique() == trace.about.random_documents == 90
    differ = {"0": 0, "1": 0, "2": 0}
    for key, drawn in random.groupby(["example_id", "draw"]):
        example_id, draw = map(str, key)
        own = pruned[example_id]
        assert drawn["position"].tolist() == own["position"].tolist()
        mine, theirs = own["depth"].to_numpy(), drawn["depth"].to_numpy()
        for layer in range(1, LAYERS + 1):
            assert (theirs >= layer).sum() == (mine >= layer).sum()
        special = own["special"].to_numpy()
        assert theirs[special].tolist() == mine[special].tolist()
        differ[draw] += theirs.tolist() != mine.tolist()
    assert min(differ.values()) > 60
    first, second = (random[random["draw"] == draw]["depth"].to_numpy() for draw in (0, 1))
    assert (first != second).mean() > 0.1


# --- explain -----------------------------------------------------------------------------------


@layouts
def test_explain_says_what_the_trace_says(
    layout: str, runs: Runs, tiny_checkpoint: Checkpoints
) -> None:
    trace = trace_of(runs(layout))
    example_id, text = next(iter(texts_of(trace).items()))
    done = command("explain", "--model", tiny_checkpoint(layout), "--json", text)
    assert done.code == 0, done.err
    said = json.loads(done.out)
    depth = by_document(trace.table("tokens"))[example_id]["depth"]
    assert said["tokens"] == len(depth)
    assert said["alive"] == [int((depth >= layer).sum()) for layer in (1, 2, 3)]
    words = by_document(trace.table("words"))[example_id]
    kept = [(s["text"], s["depth"]) for s in said["segments"] if s["depth"] is not None]
    assert kept == list(zip(words["text"], words["depth"], strict=True))
    assert "".join(segment["text"] for segment in said["segments"]) == text == said["text"]
    for prediction in said["predictions"]:
        expected = trace.predictions(prediction["arm"])["probs"][example_id]
        assert list(prediction["probabilities"]) == list(tiny.CLASSES)
        np.testing.assert_allclose(list(prediction["probabilities"].values()), expected, atol=1e-6)
    assert [p["arm"] for p in said["predictions"]] == ["baseline", "unpruned", "pruned"]
    costs = by_document(trace.table("costs"))[example_id]
    macs = (costs["macs_attention"] + costs["macs_ffn"]).groupby(costs["arm"]).sum()
    assert said["macs_share"] == pytest.approx(macs["pruned"] / macs["baseline"], rel=1e-5)


# --- the run directory -------------------------------------------------------------------------


@layouts
def test_a_run_leaves_all_its_files(layout: str, runs: Runs) -> None:
    run = runs(layout)
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
    batch_tokens: str, runs: Runs, tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path
) -> None:
    run = quick(tiny_checkpoint("bert"), csv, tmp_path / "run", "--batch-tokens", batch_tokens)
    expected = runs("bert", quick=True)
    assert results(run) == results(expected)
    for path in sorted((expected / "trace" / "shards").rglob("*.parquet")):
        assert (run / path.relative_to(expected)).read_bytes() == path.read_bytes(), path.name


def test_a_checkpoint_that_was_moved_gives_the_same_results(
    runs: Runs, tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path
) -> None:
    there = tiny_checkpoint("roberta")
    moved = shutil.copytree(there, tmp_path / "elsewhere" / there.name)
    copied = shutil.copy(csv, tmp_path / "elsewhere")
    assert results(quick(moved, str(copied), tmp_path / "run")) == results(
        runs("roberta", quick=True)
    )


def test_the_python_interface_is_the_same_audit(
    runs: Runs, tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int]] = []
    outcome = auditkit.audit(
        model=tiny_checkpoint("bert"),
        dataset=csv,
        out=tmp_path / "run",
        probes=("performance", "attribution_agreement"),
        attribution_sample=3,
        random_draws=2,
        random_documents=60,
        progress=lambda what, done, total: seen.append((what, done, total)),
    )
    assert results(outcome.directory) == results(runs("bert", quick=True))
    assert auditkit.load(outcome.directory).findings[0].probe == "performance"
    assert ("documents", 90, 90) in seen
    assert ("attribution_agreement", 3, 3) in seen
    with pytest.raises(auditkit.SettingsError, match="no such key; did you mean seed"):
        auditkit.audit(model="m", dataset="d", sed=1)


def test_a_finished_run_is_opened_and_not_made_again(
    runs: Runs, tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path
) -> None:
    run = shutil.copytree(runs("bert", quick=True), tmp_path / "run")
    before, said = stamps(run), results(run)
    assert {"trace/about.json", "trace/measured/attribution_agreement.parquet"} <= set(before)
    quick(tiny_checkpoint("bert"), csv, run)
    assert stamps(run) == before
    assert results(run) == said
    quick(tiny_checkpoint("bert"), csv, run, "--without", "performance")
    assert stamps(run) == before
    assert [f.probe for f in auditkit.load(run).findings] == ["attribution_agreement"]


def test_another_question_to_the_models_is_asked_anew(
    runs: Runs, tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path
) -> None:
    run = shutil.copytree(runs("bert", quick=True), tmp_path / "run")
    quick(tiny_checkpoint("bert"), csv, run, "--attribution-sample", "5")
    measured = trace_of(run).measured("attribution_agreement")
    assert measured is not None
    assert measured["example_id"].nunique() == 5


@pytest.mark.parametrize(
    ("flag", "value", "named"),
    [("--seed", "1", "seed"), ("--max-length", "20", "max_length"), ("--limit", "30", "dataset")],
)
def test_a_run_of_other_inputs_is_not_mixed_in(
    flag: str, value: str, named: str,
    runs: Runs, tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path,
) -> None:  # fmt: skip
    run = shutil.copytree(runs("bert", quick=True), tmp_path / "run")
    before, said = stamps(run), results(run)
    done = command("run", "--model", tiny_checkpoint("bert"), "--dataset", csv, "--out", run,
                   *QUICK, flag, value)  # fmt: skip
    assert done.code == 2
    assert f"holds a run with {named} " in done.complaint
    assert "--overwrite" in done.complaint
    assert (stamps(run), results(run)) == (before, said)


def test_a_row_more_that_is_refused_is_another_input(
    runs: Runs, tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path
) -> None:
    run = shutil.copytree(runs("bert", quick=True), tmp_path / "run")
    changed = tmp_path / Path(csv).name
    changed.write_text(Path(csv).read_text(encoding="utf-8") + ',Garden,web,"x"\n', "utf-8")
    done = command("run", "--model", tiny_checkpoint("bert"), "--dataset", changed, "--out", run,
                   *QUICK)  # fmt: skip
    assert done.code == 2
    assert "holds a run with refused" in done.complaint


def test_overwrite_starts_anew(
    runs: Runs, tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path
) -> None:
    run = shutil.copytree(runs("bert", quick=True), tmp_path / "run")
    (run / "old.txt").write_text("left over")
    quick(tiny_checkpoint("bert"), csv, run, "--overwrite", "--seed", "1")
    assert not (run / "old.txt").exists()
    assert trace_of(run).about.seed == 1
    assert results(run) != results(runs("bert", quick=True))


@pytest.mark.parametrize("flags", [[], ["--overwrite"]])
def test_a_directory_that_is_no_run_is_left_alone(
    flags: list[str], tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path
) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    done = command("run", "--model", tiny_checkpoint("bert"), "--dataset", csv,
                   "--out", tmp_path, *flags)  # fmt: skip
    assert done.code == 2
    assert "is no run directory" in done.complaint
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


KILLED = """
import os, signal, sys
import auditkit.record, auditkit.trace
from auditkit.cli import main
auditkit.record.SHARD = 20
left, write = [17], auditkit.trace.pq.write_table
def dying(*arguments, **named):  # two shards of seven tables, and the third is half written
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    write(*arguments, **named)
auditkit.trace.pq.write_table = dying
main()
"""


def test_a_run_that_was_killed_goes_on(
    runs: Runs, tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run = tmp_path / "run"
    flags = ["run", "--model", tiny_checkpoint("bert"), "--dataset", csv, "--out", run, *QUICK]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, flags)], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [path.name for path in run.iterdir()] == ["trace"]
    assert not (run / "trace" / "about.json").exists()
    before = stamps(run)
    shards = {name: time for name, time in before.items() if "/shards/" in name}
    assert {name.split("/")[2] for name in shards} == {"000000", "000001"}
    assert any("/partial/" in name for name in before)
    monkeypatch.setattr("auditkit.record.SHARD", 20)
    quick(tiny_checkpoint("bert"), csv, run)
    after = stamps(run)
    assert {name: after[name] for name in shards} == shards
    assert not any("/partial/" in name for name in after)
    assert results(run) == results(runs("bert", quick=True))


def test_a_run_that_was_killed_before_its_first_file_goes_on(
    runs: Runs, tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path
) -> None:
    (tmp_path / "run" / "trace").mkdir(parents=True)
    (tmp_path / "run" / "trace" / "inputs.json.partial").write_text("{")
    run = quick(tiny_checkpoint("bert"), csv, tmp_path / "run")
    assert results(run) == results(runs("bert", quick=True))


def test_the_module_is_the_command(
    runs: Runs, tiny_checkpoint: Checkpoints, csv: str, tmp_path: Path
) -> None:
    """In a process of its own, into the default directory."""
    model = tiny_checkpoint("roberta")
    flags = ["run", "--model", str(model), "--dataset", csv, *QUICK]
    done = subprocess.run(
        [sys.executable, "-m", "auditkit", *flags],
        cwd=tmp_path, capture_output=True, text=True, env=os.environ, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "91 in = 90 audited + 1 refused; 1 truncated" in done.stdout
    assert results(tmp_path / "reports" / "ltp-roberta-audit.csv") == results(
        runs("roberta", quick=True)
    )
