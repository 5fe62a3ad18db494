"""The command line's manners: one line for what cannot be used, and what its commands say."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
import tiny
from click.testing import CliRunner
from command import Done
from command import audit as run
from command import auditkit as command
from tabular import write_csv

import auditkit
from auditkit import plugin
from auditkit.cli.commands import cli
from auditkit.cli.explain import MOST_PIPED
from auditkit.run.settings import PLACES

TEXT = "Anna sorted the roses and the onions before it got dark."
FAST = ("--probe", "performance", "--random-draws", "1")

Checkpoints = Callable[[str], Path]


def assert_unfinished(out: Path) -> None:
    """Nothing there that looks like a run."""
    left = {path.name for path in out.rglob("*")} if out.exists() else set()
    assert not left & {"manifest.json", "results.json", "report.html", "about.json"}


# --- inputs that cannot be used ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--dataset", "agnewz"], "unknown data set 'agnewz'; did you mean agnews"),
        (["--dataset", "gone.csv"], "data file 'gone.csv' not found"),
        (["--dataset", "nobody/nothing"], "nobody/nothing"),
        (["--model", "nobody/nothing"], "neither a local directory nor a hub model"),
        (["--model", "./gone"], "no such directory"),
        (["--text-column", "body"], "no text column 'body'; available: label, season, source"),
        (["--label-column", "labl"], "no label column 'labl'; did you mean label"),
        (["--groups", "source,sesaon"], "no group column 'sesaon'; did you mean season"),
        (["--probe", "performanse"], "no probe 'performanse'; did you mean performance"),
        (["--without", "nope"], "no probe 'nope'"),
        (["--without", "performance"], "no probe is left to run"),
        (["--limit", "0"], "flags -> limit: Input should be greater than or equal to 1, seen 0"),
        (["--limit", "many"], "'many' is not a valid integer. See `auditkit run --help`"),
        (["--device", "nope"], "expected auto, cpu, cuda or cuda:NUMBER, seen 'nope'"),
        (["--device", "cuda:99"], "device is 'cuda:99', which is not here; available: cpu"),
        (["--max-length", "2"], "--max-length is 2;"),
        (["--max-length", "97"], f"reads 3 to {tiny.LONGEST} tokens a document"),
        (["--baseline", "./gone"], "./gone: no such directory"),
        (["--glossary", "gone.txt"], "gone.txt: cannot be read"),
        (["--spacy-model", "gone"], "spaCy cannot load 'gone'"),
        (["--config", "gone"], "no config 'gone'"),
        (["--strict"], f"--strict: r000029 is longer than the {tiny.MAX_LENGTH} tokens"),
        (["--colour"], "No such option"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    flags: list[str], said: str, model: Path, data: str, tmp_path: Path
) -> None:
    done = run(tmp_path / "run", *FAST, *flags, model=model, dataset=data)
    assert done.code == 2
    assert said in done.complaint
    assert done.out == ""
    assert_unfinished(tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", "", "empty.csv: the file is empty"),
        ("rowless.csv", "text,label\n", "no rows; expected at least one row"),
        ("unlabelled.csv", "text\nhello there\n", "no column looks like the label"),
        ("blank.csv", 'text,label\n" ",Garden\n', "none of 1 rows is usable (1 × the text"),
        ("other.csv", "text,label\nhello,Sports\n",
         "the model has no class Sports; classes of the data: Sports; classes of the model: "
         "Garden, Kitchen, Workshop"),
        ("broken.jsonl", '{"text": \n', "broken.jsonl, line 1: not valid JSON"),
        ("cut.parquet", "PAR1", "cut.parquet: not a readable Parquet file"),
        ("rows.txt", "hello", "is a file of another kind; give a file"),
    ],
)  # fmt: skip
def test_a_bad_data_file_is_one_line(
    name: str, content: str, said: str, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    done = run(tmp_path / "run", model=model, dataset=path)
    assert (done.code, done.out) == (2, "")
    assert said in done.complaint
    assert_unfinished(tmp_path / "run")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("seed: [1\n", "not valid YAML"),
        ("sede: 1\n", "-> sede: no such key; did you mean seed?"),
        ("seed: 1\nseed: 2\n", "key 'seed' stands twice"),
        ("- seed\n", "expected a mapping of names to values"),
        ("options: {performance: {resample: 3}}\n", "no option 'resample'; did you mean"),
    ],
)
def test_a_bad_config_is_one_line(
    content: str, said: str, model: Path, data: str, tmp_path: Path
) -> None:
    config = tmp_path / "audit.yaml"
    config.write_text(content)
    done = run(tmp_path / "run", *FAST, "--config", config, model=model, dataset=data)
    assert (done.code, done.out) == (2, "")
    assert said in done.complaint
    assert_unfinished(tmp_path / "run")


def test_what_is_missing_is_named(model: Path, data: str) -> None:
    assert "model: missing; give --model" in command("run", "--dataset", data).complaint
    assert "dataset: missing; give --dataset" in command("run", "--model", model).complaint
    done = command("explain", TEXT)
    assert (done.code, "no model: give --model" in done.complaint) == (2, True)
    done = command("train", "--backbone", "b", "--out", "o")
    assert (done.code, "no data set: give --dataset" in done.complaint) == (2, True)


def test_a_stock_checkpoint_alone_is_refused(model: Path, data: str, tmp_path: Path) -> None:
    done = run(tmp_path / "run", model=model / "baseline", dataset=data)
    assert done.code == 2
    assert "drops no tokens, so that only a change can be audited" in done.complaint
    assert_unfinished(tmp_path / "run")


@pytest.mark.parametrize("part", ["model.safetensors", "baseline/model.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.6])
def test_a_truncated_checkpoint(
    part: str, share: float, model: Path, data: str, tmp_path: Path
) -> None:
    broken = shutil.copytree(model, tmp_path / "model")
    whole = (broken / part).read_bytes()
    (broken / part).write_bytes(whole[: int(len(whole) * share)])
    done = run(tmp_path / "run", model=broken, dataset=data)
    assert done.code == 2
    assert "cannot be read as tensors" in done.complaint
    assert_unfinished(tmp_path / "run")


@pytest.mark.parametrize("part", ["config.json", "tokenizer.json"])
def test_a_checkpoint_that_lacks_a_file(part: str, model: Path, data: str, tmp_path: Path) -> None:
    broken = shutil.copytree(model, tmp_path / "model")
    (broken / part).unlink()
    done = run(tmp_path / "run", model=broken, dataset=data)
    assert done.code == 2
    assert str(broken) in done.complaint
    assert_unfinished(tmp_path / "run")


def test_a_baseline_of_other_classes(model: Path, data: str, tmp_path: Path) -> None:
    other = shutil.copytree(model / "baseline", tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    config["id2label"]["0"] = "Cellar"
    (other / "config.json").write_text(json.dumps(config))
    done = run(tmp_path / "run", "--baseline", other, model=model, dataset=data)
    assert done.code == 2
    assert "its classes are Cellar, Kitchen, Workshop, the pruned model's" in done.complaint


def test_out_may_be_neither_a_file_nor_out_of_reach(model: Path, data: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file", *FAST, model=model, dataset=data)
    assert (done.code, "is a file; give a directory" in done.complaint) == (2, True)
    done = run(tmp_path / "file" / "below", *FAST, model=model, dataset=data)
    assert (done.code, str(tmp_path / "file") in done.complaint) == (2, True)


def test_strict_refuses_refused_rows(model: Path, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "d.csv", [("text", "label"), ("", "Garden"), *tiny.sentences(6, seed=4)]
    )
    done = run(tmp_path / "run", "--strict", *FAST, model=model, dataset=path)
    assert done.code == 2
    assert "--strict: 1 rows refused, the first is row 1 (the text is empty)" in done.complaint
    assert_unfinished(tmp_path / "run")


def test_a_failed_overwrite_leaves_the_old_run(model: Path, data: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run(out, *FAST, model=model, dataset=data).code == 0
    before = (out / "results.json").read_bytes()
    assert run(out, *FAST, "--overwrite", "--strict", model=model, dataset=data).code == 2
    assert (out / "results.json").read_bytes() == before


# --- what a run tells --------------------------------------------------------------------------


def test_refused_rows_are_counted_and_listed(model: Path, tmp_path: Path) -> None:
    rows = [("text", "label"), *tiny.sentences(30, seed=4)]
    rows[3:3] = [("  \t", "Garden")] * 4
    rows += [("fine", ""), ("", "Garden"), ("\u3000", "Kitchen")]
    path = write_csv(tmp_path / "d.csv", rows)
    done = run(tmp_path / "run", *FAST, model=model, dataset=path)
    assert (done.code, done.err) == (0, "")
    assert "rows: 37 in = 30 audited + 7 refused; 0 truncated" in done.out
    assert "refused row 3: the text is empty" in done.out
    assert "and 2 more, listed in the report" in done.out
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert all(re.search(rf"\b{row}\b[^0-9]*the text is empty", page) for row in (3, 6, 36, 37))
    assert re.search(r"\b35\b[^0-9]*the label is missing", page)
    data = auditkit.load(tmp_path / "run").about["dataset"]
    assert (data["rows_in"], data["audited"], len(data["refused"])) == (37, 30, 7)


# --- other commands ----------------------------------------------------------------------------


def marked(segment: Mapping[str, Any], layer: int) -> str:
    """A segment as `explain` prints it after a layer."""
    text, depth = segment["text"], segment["depth"]
    if depth is None or depth >= layer:
        return str(text)
    return f"[-{text}-]" if depth == layer - 1 else f"[{text}]"


def test_explain_marks_what_is_dropped(model: Path) -> None:
    done = command("explain", "--model", model, TEXT)
    lines = done.out.splitlines()
    assert lines[0].startswith("input    Anna sorted the roses")
    text = " ".join(done.out.split())
    said = json.loads(command("explain", "--model", model, "--json", TEXT).out)
    for layer in (1, 2, 3):
        line = "".join(marked(segment, layer) for segment in said["segments"])
        shown = re.search(rf"layer {layer} (.*?) (?:layer {layer + 1}|\[-word-\] dropped)", text)
        assert shown is not None
        words = re.sub(rf"{said['alive'][layer - 1]} tokens", "", shown[1]).split()
        assert "".join(words) == "".join(line.split())
    assert f"counted MACs: {said['macs_share']:.0%} of the unpruned model's" in text
    for arm in ("baseline", "unpruned", "pruned"):
        assert re.search(rf"{arm} +(Garden|Kitchen|Workshop) +Garden 0\.\d\d\d", done.out)


def test_explain_says_that_a_text_goes_on(model: Path) -> None:
    done = command("explain", "--model", model, "--max-length", "5", TEXT)
    assert "the text goes on past what the models read" in done.out
    assert "5 tokens" in done.out
    done = command("explain", "--model", model, "--max-length", "0", TEXT)
    assert (done.code, "max_length: " in done.complaint) == (2, True)


def test_explain_reads_standard_input(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def piped(data: bytes) -> Done:
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(data)))
        return command("explain", "--model", model, "--json", "-")

    assert json.loads(piped(f"{TEXT}\n".encode()).out)["text"] == TEXT
    for data, said in (
        (b"\xff", "standard input: not UTF-8 at offset 0"), (b"", "the text is empty"),
        (b"a" * (MOST_PIPED + 1), "standard input: more than 1,000,000 bytes"),
    ):  # fmt: skip
        done = piped(data)
        assert (done.code, said in done.complaint) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "--html", "", "x"), ("explain", "--html", "a\0", "x"), ("report", ""),
        ("train", "--out", ""), ("convert", "--out", "", "x"), ("demo", "--out", ""),
        ("run", "--out", ""), ("run", "--glossary", ""), ("run", "--data-dir", ""),
        ("run", "--out", "caf\udce9"), ("gate", "", "--gates", "x"),
    ],
)  # fmt: skip
def test_a_path_that_none_can_be_is_refused(arguments: tuple[str, ...]) -> None:
    done = command(*arguments)
    assert done.code == 2
    assert re.search("at least 1 character|holds NUL|unicode string", done.complaint)


def test_explain_writes_a_page(model: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = command("explain", "--model", model, "--html", page, TEXT)
    assert done.code == 0
    assert "roses" in page.read_text(encoding="utf-8")
    done = command("explain", "--model", model, "--html", tmp_path / "gone" / "page.html", TEXT)
    assert done.code == 2
    assert "No such file or directory" in done.complaint


def test_report_writes_the_same_page_anew(model: Path, data: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run(out, *FAST, model=model, dataset=data).code == 0
    pages = {name: (out / name).read_bytes() for name in ("report.html", "summary.md")}
    for name in pages:
        (out / name).unlink()
    done = command("report", out)
    assert done.out.splitlines() == [str(out / name) for name in pages]
    assert {name: (out / name).read_bytes() for name in pages} == pages
    done = command("report", tmp_path)
    assert (done.code, "no results.json" in done.complaint) == (2, True)
    (out / "results.json").write_text("{")
    done = command("report", out)
    assert (done.code, "results.json is not an audit" in done.complaint) == (2, True)


def test_probes_lists_all() -> None:
    done = command("probes")
    names = [line.split()[0] for line in done.out.splitlines()]
    assert set(names) == set(plugin.discover())
    rows = json.loads(command("probes", "--json").out)
    assert [row["name"] for row in rows] == names
    assert all(row["question"].endswith("?") for row in rows)


def test_debug_shows_the_stack(model: Path) -> None:
    done = command("--debug", "run", "--model", model, "--dataset", "agnewz")
    assert done.code == 2
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith("auditkit: unknown data set 'agnewz'")
    assert "Traceback" in command("run", "--model", model, "--dataset", "agnewz", "--debug").err


def test_a_fault_of_our_own_is_one_line_too(
    model: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> None:
        raise ZeroDivisionError("by\nnothing")

    monkeypatch.setattr("auditkit.run.conduct.conduct", broken)
    done = command("run", "--model", model, "--dataset", data)
    assert done.code == 70
    assert "ZeroDivisionError: by nothing" in done.complaint
    assert "--debug" in done.complaint


def test_an_interruption_is_one_line(
    model: Path, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> Mapping[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditkit.record.recorder.write_shard", interrupted)
    done = run(tmp_path / "run", model=model, dataset=data)
    assert done.code == 130
    (line,) = filter(None, done.err.splitlines())  # click ends the line of ^C
    assert line.startswith("auditkit: interrupted; the same command goes on")
    assert_unfinished(tmp_path / "run")


def test_a_termination_is_one_line(model: Path, data: str, tmp_path: Path) -> None:
    flags = ("--model", model, "--dataset", data, "--out", tmp_path / "run", *FAST)
    with subprocess.Popen(
        [sys.executable, "-m", "auditkit", "run", *flags], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline()  # the first step is told
        process.terminate()
        told = process.stderr.read()
    assert process.returncode == 143
    assert told.splitlines()[-1].startswith("auditkit: ended by SIGTERM; the same command goes on")
    assert_unfinished(tmp_path / "run")


def test_help_names_every_command_and_option_of_the_settings() -> None:
    whole = CliRunner().invoke(cli, ["--help"]).output
    assert all(name in whole for name in ("train", "run", "explain", "report", "probes"))
    flags = CliRunner().invoke(cli, ["run", "--help"]).output
    spelled = {"probes": "--probe"}
    for name in PLACES:
        if name not in ("options", "dropper_options"):  # --set
            assert spelled.get(name, f"--{name.replace('_', '-')}") in flags
    assert command().code == 2
    assert "Usage" in command().err


def test_the_console_script_is_main() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "auditkit", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == auditkit.__version__
