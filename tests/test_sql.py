"""docs/sql.md: its questions, put to a run by DuckDB, and one of them answered by hand."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from conftest import ROOT
from pages import blocks

from auditkit.trace import Trace

VIEWS, CHANGED, CLASSES, BESIDE, HOLES, SAVED = range(6)


@pytest.fixture(scope="module")
def run(tiny_runs: Callable[..., Path]) -> Path:
    return tiny_runs("bert", quick=True)


@pytest.fixture(scope="module")
def answers(run: Path) -> list[pd.DataFrame]:
    texts = blocks(ROOT / "docs" / "sql.md", "sql")
    assert len(texts) == 6
    with duckdb.connect() as connection:
        return [
            found.df() if (found := connection.sql(text.replace("reports/news", str(run))))
            is not None else pd.DataFrame()
            for text in texts
        ]  # fmt: skip


def test_each_question_has_an_answer(answers: list[pd.DataFrame]) -> None:
    assert list(answers[CHANGED].columns) == [
        "example_id", "predicted_unpruned", "predicted_pruned", "first_dropped",
    ]  # fmt: skip
    for which in (CLASSES, BESIDE, HOLES, SAVED):
        assert len(answers[which]) > 0
        assert not answers[which].isna().any().any()


def test_the_longest_hole_is_that_of_the_trace(answers: list[pd.DataFrame], run: Path) -> None:
    trace = Trace.open(run / "trace")
    words = pd.concat(trace.scan("words", ["example_id", "word", "depth"]))
    half = trace.about.layers / 2
    longest = {}
    for one, own in words.sort_values(["example_id", "word"]).groupby("example_id"):
        width, most, before = 0, 0, None
        for word, depth in zip(own["word"], own["depth"], strict=True):
            gone = depth < half
            width = (width + 1 if before == word - 1 else 1) if gone else 0
            before, most = word, max(most, width)
        longest[one] = most
    told = answers[HOLES]
    assert told["longest"].tolist() == sorted(longest.values(), reverse=True)[: len(told)]
    for one, width in zip(told["example_id"], told["longest"], strict=True):
        assert longest[one] == width


def test_the_spread_between_classes_is_that_of_the_trace(
    answers: list[pd.DataFrame], run: Path
) -> None:
    trace = Trace.open(run / "trace")
    words = pd.concat(trace.scan("words", ["example_id", "lower", "depth"]))
    labels = dict(zip(trace.documents.ids, trace.documents.label, strict=True))
    words["label"] = words["example_id"].map(labels)
    first = answers[CLASSES].iloc[0]
    own = words[words["lower"] == first["lower"]].groupby("label")
    means = own["depth"].mean()[own["example_id"].nunique() >= 5]
    assert first["spread"] == pytest.approx(means.max() - means.min())
    assert means[first["lives_in"]] == means.max()
    assert means[first["dies_in"]] == means.min()
