"""The benchmark of the analyses: its traces agree with themselves, its figures with each other."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from auditkit.trace import Trace

FOLDER = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        return importlib.import_module("analyses")


@pytest.fixture(scope="module")
def trace(benchmark: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """700 documents, two blocks of a recording's size, in three shards."""
    place = tmp_path_factory.mktemp("made") / "trace"
    benchmark.make(place, 700, 3)
    return Trace.open(place)


def test_its_traces_are_traces(benchmark: ModuleType, trace: Trace) -> None:
    trace.validate()
    about = trace.about
    assert about.arms == ("baseline", "unpruned", "pruned", "random", "repeat")
    for name, size in (("random", 700), ("repeat", 256), ("pruned", 700)):
        run, answers = about.arm(name), trace.documents.answers(name)
        assert run is not None
        assert answers is not None
        assert run.documents == len(answers.rows) == size
        assert np.array_equal(answers.probs.argmax(axis=2), answers.predicted)
    assert about.counts["documents"] == 700
    assert 24 < about.counts["words"] / 700 < 26
    assert trace.measured("domain_term") is not None


def test_its_tables_agree(trace: Trace) -> None:
    table = trace.table("documents").set_index("example_id")
    tokens, words = (pd.concat(trace.scan(name)) for name in ("tokens", "words"))
    costs = pd.concat(trace.scan("costs"))
    texts = pd.concat(trace.scan("texts", ids=table.index)).set_index("example_id")["text"]
    by_id = {str(key): part for key, part in tokens.groupby("example_id", sort=False)}
    for example_id in table.index[::23]:
        row, own = table.loc[example_id], by_id[example_id]
        inner = own[~own["special"]]
        assert (row["tokens"], row["pieces"]) == (len(own), len(inner))
        for layer in range(1, trace.about.layers + 1):
            assert row["kept"][layer - 1] == (inner["depth"] >= layer).sum()
            outer = own[own["special"]]
            assert row["special_kept"][layer - 1] == (outer["depth"] >= layer).sum()
        of_words: list[Any] = list(words[words["example_id"] == example_id].itertuples())
        for word in of_words:
            mine = inner[inner["word"] == word.word]
            assert texts[example_id][word.char_start : word.char_end] == word.text
            assert (word.pieces, word.depth) == (len(mine), mine["depth"].max())
            assert mine["char_start"].min() == word.char_start
            assert mine["char_end"].max() == word.char_end
        for arm in ("baseline", "pruned"):
            spent = costs[(costs["example_id"] == example_id) & (costs["arm"] == arm)]
            assert row[f"macs_{arm}"] == spent["macs_attention"].sum() + spent["macs_ffn"].sum()
            if arm == "pruned":
                alive = np.add(row["kept"], row["special_kept"])
                assert spent["tokens_out"].tolist() == alive.tolist()


def test_random_keeping_keeps_as_many(trace: Trace) -> None:
    key = ["example_id", "position"]
    tokens = pd.concat(trace.scan("tokens", [*key, "special", "depth"]))
    depths = pd.concat(trace.scan("depths")).merge(tokens, on=key, suffixes=("", "_pruned"))
    again, drawn = (depths[depths["arm"] == arm] for arm in ("repeat", "random"))
    assert (again["depth"] == again["depth_pruned"]).all()
    assert (drawn["depth"] != drawn["depth_pruned"]).mean() > 0.3
    special = drawn[drawn["special"]]
    assert (special["depth"] == special["depth_pruned"]).all()
    for layer in range(1, trace.about.layers + 1):
        kept = (drawn[["depth", "depth_pruned"]] >= layer).groupby(
            [drawn["example_id"], drawn["draw"]]
        )
        sums = kept.sum()
        assert (sums["depth"] == sums["depth_pruned"]).all()


def test_growth_is_what_more_documents_take(benchmark: ModuleType) -> None:
    few = benchmark.Analysed(100, {}, {}, before=5_000, after=6_000)
    many = benchmark.Analysed(600, {}, {}, before=5_500, after=9_000)
    assert benchmark.growth([few, many]) == 3_000 / 500
    assert benchmark.growth([few]) is None


@pytest.mark.slow
def test_its_figures_fit_each_other(tmp_path: Path) -> None:
    out = tmp_path / "analyses.json"
    done = subprocess.run(
        [sys.executable, FOLDER / "analyses.py", "--documents", "900,300", "--shards", "1,3",
         "--json", out],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(out.read_text(encoding="utf-8"))
    few, many = told["analyses"]
    assert (few["documents"], many["documents"]) == (300, 900)
    assert told["growth"] == (many["after"] - few["after"]) / 600
    assert (told["identical"], told["shards"]) == (True, [1, 3])
    assert {*few["statuses"], "report"} >= few["seconds"].keys() >= {"performance", "report"}
    for row in (few, many):
        assert 0 < row["before"] < row["after"]
    assert "results of 2,000 documents in 1, 3 shards: identical" in done.stdout
