"""`auditkit report RUN --tables DIR`: every table, every word and the layer that dropped it."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
import pandas as pd
import pytest
from command import auditkit

from auditkit.finding import Finding, Interval, Results, Table, Undefined
from auditkit.outputs.tables import HEADER, INDEX, WORDS, harmless, write_tables
from auditkit.plugin import columns
from auditkit.testing import replace_tables, synthetic_trace, whole

Runs = Callable[..., Path]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_command_writes_all_tables_and_words(tiny_runs: Runs, tmp_path: Path) -> None:
    run, out = tiny_runs("bert", quick=True), tmp_path / "new" / "tables"
    done = auditkit("report", run, "--tables", out)
    assert done.code == 0, done.err
    index = json.loads((out / INDEX).read_text(encoding="utf-8"))
    assert sorted(index) == sorted(p.name for p in out.iterdir() if p.name != INDEX)
    results = json.loads((run / "results.json").read_text())
    assert len(index) == 1 + sum(len(f["tables"]) for f in results["findings"])
    words = read(out / WORDS)
    assert len(words) == results["about"]["counts"]["words"]
    assert tuple(words[0]) == HEADER
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    assert auditkit("report", run, "--tables", out).code == 0
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before


def test_a_word_left_in_the_layer_after_those_it_outlived(tmp_path: Path) -> None:
    trace = synthetic_trace(np.random.default_rng(0), documents=9)
    write_tables(Results(about={}, findings=(), failures=()), trace, tmp_path / "t")
    told = pd.DataFrame(read(tmp_path / "t" / WORDS))
    words = whole(trace, "words")
    assert told["document"].tolist() == words["example_id"].tolist()
    left = ["" if d >= trace.about.layers else str(d + 1) for d in words["depth"]]
    assert told["left_in_layer"].tolist() == left
    label = [f"class {trace.documents.label[trace.documents.row_of(one)]}" for one in
             words["example_id"]]  # fmt: skip
    assert told["class"].tolist() == label


def test_numbers_intervals_and_reasons(tmp_path: Path) -> None:
    table = Table(
        name="t", title="T",
        columns=columns(("name", "N", "label"), ("x", "X", "number"), ("i", "I", "interval")),
        rows=(("a", -1.5, Interval(-2.0, 0.5)), ("b", Undefined("no documents"), Undefined("w"))),
    )  # fmt: skip
    finding = Finding(
        probe="p", version="1", question="?", claim="c.", status="reported", tables=(table,)
    )
    write_tables(Results(about={}, findings=(finding,), failures=()), None, tmp_path / "t")
    assert read(tmp_path / "t" / "p-t.csv") == [
        {"name": "a", "x": "-1.5", "x_undefined": "", "i_low": "-2.0", "i_high": "0.5",
         "i_undefined": ""},
        {"name": "b", "x": "", "x_undefined": "no documents", "i_low": "", "i_high": "",
         "i_undefined": "w"},
    ]  # fmt: skip


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_text_is_no_formula(tmp_path: Path, sign: str) -> None:
    trace = synthetic_trace(np.random.default_rng(0), documents=2)
    words = whole(trace, "words").assign(text=f"{sign}cmd|'/c calc'!A1")
    trace = replace_tables(trace, words=words)
    write_tables(Results(about={}, findings=(), failures=()), trace, tmp_path / "t")
    assert {row["text"] for row in read(tmp_path / "t" / WORDS)} == {f"'{sign}cmd|'/c calc'!A1"}
    assert harmless(-1.5) == -1.5
    assert harmless("plain") == "plain"


def test_files_are_named_apart_and_stay_in_the_directory(tmp_path: Path) -> None:
    def named(name: str) -> Table:
        return Table(name=name, title=name, columns=columns(("a", "A", "label")), rows=())

    findings = tuple(
        Finding(probe=probe, version="1", question="?", claim="c.", status="reported",
                tables=tuple(map(named, names)))
        for probe, names in (("../../x", ["a/b", "a:b", "A b"]), ("words", [""]))
    )  # fmt: skip
    files = write_tables(Results(about={}, findings=findings, failures=()), None, tmp_path / "t")
    assert len({path.name.casefold() for path in files}) == len(files) == 5
    assert {path.parent for path in files} == {tmp_path / "t"}


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--tables", "FULL"], "is not empty and not of tables; give another"),
        (["--tables", "FILE"], "is not empty and not of tables; give another"),
        (["--tables", "NEW", "--reanalyse"], "--tables writes no page: give it alone"),
    ],
)
def test_one_line_where_it_cannot(
    tiny_runs: Runs, tmp_path: Path, flags: list[str], line: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    places = {"FULL": "full", "FILE": "file", "NEW": "new"}
    given = [str(tmp_path / places[f]) if f in places else f for f in flags]
    done = auditkit("report", tiny_runs("bert", quick=True), *given)
    assert done.code == 2
    assert line in done.err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_run_without_its_trace_has_tables_alone(tiny_runs: Runs, tmp_path: Path) -> None:
    run = copytree(tiny_runs("bert", quick=True), tmp_path / "run")
    rmtree(run / "trace")
    done = auditkit("report", run, "--tables", tmp_path / "t")
    assert done.code == 0, done.err
    assert "the run has no trace: words are left out" in done.out
    assert not (tmp_path / "t" / WORDS).exists()
