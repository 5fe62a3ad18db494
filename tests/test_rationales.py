"""Rationales of a data set: read, checked, hashed, recorded."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabular import load, write_csv, write_jsonl, write_parquet

from auditkit.data.rationales import Spans, spans_of
from auditkit.errors import DataError, TraceError
from auditkit.testing import contract_traces, replace_tables, resharded, synthetic_trace, whole
from auditkit.trace import Trace

TEXT = "a 😀 café_ole cafe\u0301 caf cafe, cafe!"


@pytest.mark.parametrize(
    ("cell", "spans"),
    [
        (None, ()), (float("nan"), ()), ("", ()), (" \n", ()), ("null", ()), ("[]", ()), ([], ()),
        ("[[2, 3]]", ((2, 3),)),  # an astral character is one code point
        ([[2, 3]], ((2, 3),)),
        ("[[0, 1], [2, 3]]", ((0, 1), (2, 3))),
        ("[[2, 4], [0, 3]]", ((0, 3),)),  # overlapping, in any order, white space at the end
        ("[[1, 4]]", ((2, 3),)),
        ("[[0, 2], [2, 3]]", ((0, 1), (2, 3))),
        (f"[[0, {len(TEXT)}]]", ((0, len(TEXT)),)),
        ('["a"]', ((0, 1),)),
        (["😀", "a"], ((0, 1), (2, 3))),
        ('["\\ud83d\\ude00"]', ((2, 3),)),
        ('["caf"]', ((19, 22),)),  # not the beginning of longer words
        ('["cafe"]', ((23, 27), (29, 33))),  # every occurrence, but not before a combining mark
        ('["cafe, cafe"]', ((23, 33),)),
        ('["!"]', ((33, 34),)),  # a sign is a word of its own wherever it stands
    ],
)  # fmt: skip
def test_what_a_cell_marks(cell: object, spans: Spans) -> None:
    assert spans_of(cell, TEXT) == spans


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("[[0, 1]", "is not JSON, seen"),
        ("very long " * 99, "is not JSON, seen"),
        ("[" * 100_000, "is not JSON"),
        ("[[0, 1" + "0" * 5000 + "]]", "is not JSON"),
        ("{}", "is no list but dict"),
        ("5", "is no list but int"),
        ('"a"', "is no list but str"),
        ("true", "is no list but bool"),
        (b"[]", "is no list but bytes"),
        ("[5]", "span 5 is no pair"),
        ("[null]", "span None is no pair"),
        ("[[]]", "is no pair"),
        ("[[1, 2, 3]]", "is no pair"),
        ("[[0.0, 1.0]]", "is no pair"),
        ("[[false, true]]", "is no pair"),
        ('[["0", "1"]]', "is no pair"),
        ("[[0, 1], 7]", "span 7 is no pair"),
        ('[[0, 1], "a"]', "mixes words and spans"),
        ("[[3, 3]]", "is empty: its start must be below its end"),
        ("[[4, 3]]", "is empty"),
        ("[[-1, 3]]", "starts before the text"),
        (f"[[0, {len(TEXT) + 1}]]", f"ends beyond the text, which has {len(TEXT)} characters"),
        (f"[[{10**30}, {10**31}]]", "ends beyond the text"),
        ("[[1, 2]]", "holds white space alone"),
        ('["tea"]', "word 'tea' is not in the text"),
        ('["Cafe"]', "word 'Cafe' is not in the text as a word of its own"),
        ('["ole"]', "word 'ole' is not in the text"),
        ('["\\ud800"]', r"word '\\ud800' is not in the text"),
        ('["a\\nb\\u202e"]', r"word 'a\\nb\\u202e' is not in the text"),
        ('[" "]', "has an empty word"),
        ("\ud800", "is not valid Unicode"),
    ],
)
def test_a_cell_that_does_not_fit_its_text_is_refused(cell: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as told:
        spans_of(cell, TEXT)
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 250


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 99) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


@given(JSON | st.text(max_size=9), st.text(max_size=9), st.booleans())
def test_any_cell_is_spans_of_its_text_or_a_reason(cell: Any, text: str, dumped: bool) -> None:
    try:
        spans = spans_of(json.dumps(cell) if dumped else cell, text)
    except ValueError as error:
        assert str(error).isprintable()  # noqa: PT017
        return
    ends = [0, *(end for span in spans for end in span)]
    assert ends == sorted(ends)
    assert all(start < end <= len(text) for start, end in spans)
    assert all(text[start:end].strip() == text[start:end] for start, end in spans)


ROWS: list[dict[str, Any]] = [
    {"text": "the 😀 best", "label": "x", "why\u202e\n": [[4, 5]]},
    {"text": "the best", "label": "y", "why\u202e\n": ["best"]},
    {"text": "the best", "label": "y", "why\u202e\n": []},
    {"text": "the best", "label": "y"},
    {"text": "the best", "label": "y", "why\u202e\n": "[[0, 9]]"},
    {"text": "", "label": "y", "why\u202e\n": "[[0, 9]]"},
]
COLUMN = "why\u202e\n"


def test_rows_whose_rationale_does_not_fit_are_refused_and_listed(tmp_path: Path) -> None:
    data = load(write_jsonl(tmp_path / "a.jsonl", ROWS), rationale_column=COLUMN)
    assert [e.rationale for e in data.examples] == [((4, 5),), ((4, 8),), (), ()]
    assert {r.row: r.reason for r in data.refused} == {
        5: "the rationale's span [0, 9] ends beyond the text, which has 8 characters",
        6: "the text is empty",
    }
    assert data.rationale_column == COLUMN
    assert data.rows_in == 6


def test_cells_of_every_kind_of_file_are_read(tmp_path: Path) -> None:
    texts, cells = ["good\r\nday", "bad day"], ["[[6, 9]]", '["bad"]']
    columns = {"text": texts, "label": ["x", "y"], "why": cells}
    rows = [tuple(columns), *zip(*columns.values(), strict=True)]
    spans = [((6, 9),), ((0, 3),)]  # a newline is not read as another one, which would shift them
    for name in (
        write_csv(tmp_path / "a.csv", rows),
        write_parquet(tmp_path / "a.parquet", columns),
    ):
        assert [e.rationale for e in load(name, rationale_column="why").examples] == spans
    nested = pa.array([[[6, 9]], None], pa.list_(pa.list_(pa.int64())))
    name = write_parquet(tmp_path / "b.parquet", {**columns, "why": nested})
    assert [e.rationale for e in load(name, rationale_column="why").examples] == [spans[0], ()]


def test_joined_texts_are_marked_as_they_are_audited(tmp_path: Path) -> None:
    rows = [("a", "b", "label", "why"), ("one", "two", "x", "[[4, 7]]"), ("x", "y", "y", "[]")]
    name = write_csv(tmp_path / "a.csv", rows)
    (first, _) = load(name, text_column="a,b", rationale_column="why").examples
    assert [first.text[start:end] for start, end in first.rationale] == ["two"]


def test_a_column_without_any_rationale_is_one_line_of_error(tmp_path: Path) -> None:
    name = write_jsonl(tmp_path / "a.jsonl", ROWS[2:4])
    for column, words in (
        (COLUMN, "no rationale in column .*, in none of 2 usable rows"),
        ("text", "'text' cannot be both rationale and text or label"),
        ("label", "cannot be both"),
        ("wy", "no rationale column 'wy'"),
    ):
        with pytest.raises(DataError, match=words) as told:
            load(name, rationale_column=column)
        assert len(str(told.value).splitlines()) == 1


def test_many_reasons_are_cut_short(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": "x", "why": [[0, end]]} for end in range(2, 99)]
    with pytest.raises(DataError, match=r"none of 97 rows is usable .*; … 94 more\)") as told:
        load(write_jsonl(tmp_path / "a.jsonl", rows), rationale_column="why")
    assert len(str(told.value)) < 1200


def test_the_hash_covers_them_and_is_what_it_was_without(tmp_path: Path) -> None:
    name = write_jsonl(tmp_path / "a.jsonl", [r | {"other": ["the"]} for r in ROWS[:2]])
    plain, one, two = (
        load(name, rationale_column=column).sha256 for column in (None, COLUMN, "other")
    )
    assert len({plain, one, two}) == 3
    assert plain == load(write_jsonl(tmp_path / "b.jsonl", [
        {"text": r["text"], "label": r["label"]} for r in ROWS[:2]])).sha256  # fmt: skip
    told = [["r000001", "the 😀 best", 0, []], ["r000002", "the best", 1, []]]
    by_hand = json.dumps(["x", "y"]) + "".join(map(json.dumps, told))  # as before there were any
    assert plain == hashlib.sha256(by_hand.encode()).hexdigest()


# --- the trace ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trace() -> Trace:
    return contract_traces()["rationales"]


def test_only_a_run_with_a_column_has_the_table(trace: Trace) -> None:
    plain = synthetic_trace(np.random.default_rng(0), documents=4)
    assert "rationales" not in plain.about.counts
    assert trace.about.counts["rationales"] == len(whole(trace, "rationales")) > 20
    for other in (plain, resharded(plain, 2)):
        with pytest.raises(TraceError, match="no table 'rationales'"):
            next(other.scan("rationales"))
    with pytest.raises(TraceError, match="the run named no column of it"):
        replace_tables(plain, rationales=whole(trace, "rationales")[:0])
    other = resharded(trace, 3)
    other.validate()
    other.verify()
    assert other.about.counts == trace.about.counts
    assert whole(other, "rationales").equals(whole(trace, "rationales"))
    assert "rationales" not in resharded(plain, 2).about.counts


def test_a_torn_table_is_seen(trace: Trace) -> None:
    other = resharded(trace, 1)
    folder: Any = other._shards.folder  # type: ignore[attr-defined]
    (folder / "shards" / "000000").write("rationales.parquet", b"torn")
    with pytest.raises(TraceError, match=r"rationales\.parquet cannot be read"):
        other.verify()


@pytest.mark.parametrize(
    "change",
    [{"char_end": 10_000}, {"char_start": -1}, {"char_end": 0}, {"example_id": "doc-9999"}],
)
def test_what_lies_outside_of_its_text_is_no_trace(trace: Trace, change: dict[str, Any]) -> None:
    marks = whole(trace, "rationales")
    marks.loc[marks.index[3], list(change)] = list(change.values())
    with pytest.raises(TraceError, match="table rationales: "):
        replace_tables(trace, rationales=marks)


def test_spans_that_overlap_are_no_trace(trace: Trace) -> None:
    marks = whole(trace, "rationales")
    first = marks[marks["example_id"] == marks["example_id"][0]]
    again = pd.concat([marks, first.assign(char_start=first["char_start"] + 1)])
    with pytest.raises(TraceError, match="in order and apart"):
        replace_tables(trace, rationales=again)
