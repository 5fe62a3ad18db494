import csv
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tabular import load, write_csv, write_jsonl, write_parquet

from auditkit.errors import DataError


def test_the_three_kinds_of_file_give_the_same_examples(tmp_path: Path) -> None:
    rows = [("bad film", "neg"), ("good, really", "pos"), ("so\nso", "neg")]
    expected = load(write_csv(tmp_path / "a.csv", [("text", "label"), *rows]))
    objects = [{"text": t, "label": y} for t, y in rows]
    columns = {"text": [t for t, _ in rows], "label": [y for _, y in rows]}
    for name in (
        write_jsonl(tmp_path / "a.jsonl", objects),
        write_parquet(tmp_path / "a.parquet", columns),
    ):
        data = load(name)
        assert data.examples == expected.examples
        assert data.sha256 == expected.sha256
    assert [e.text for e in expected.examples] == [t for t, _ in rows]
    assert [e.example_id for e in expected.examples] == ["r000001", "r000002", "r000003"]
    assert expected.labels == ("neg", "pos")
    assert [e.label for e in expected.examples] == [0, 1, 0]
    assert (expected.name, expected.split, expected.rows_in) == ("a.csv", "all", 3)


def test_csv_keeps_what_looks_like_missing_or_a_number_as_text(tmp_path: Path) -> None:
    texts = ["NA", "null", "007", "nan", "1e5", "True", " padded "]
    name = write_csv(tmp_path / "a.csv", [("text", "label"), *[(t, "x") for t in texts]])
    assert [e.text for e in load(name).examples] == texts


def test_csv_takes_a_byte_order_mark_blank_lines_and_a_very_long_field(tmp_path: Path) -> None:
    long = "word " * 100_000
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f'text,label\r\n"{long}",1\r\n\r\n"a ""b""",0\r\n'.encode())
    assert [e.text for e in load(str(path)).examples] == [long, 'a "b"']
    assert csv.field_size_limit() == 131_072  # the process is left as it was


def test_jsonl_splits_at_newlines_alone_and_reads_keys_that_come_late(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    text = "line\u2028separator\x85and\x0cform feed"
    path.write_text(
        json.dumps({"text": text, "label": 1}, ensure_ascii=False)
        + "\n\n"
        + json.dumps({"label": 0, "place": "here", "text": "b"}),
        encoding="utf-8",
    )
    data = load(str(path), groups=("place",))
    assert [e.text for e in data.examples] == [text, "b"]
    assert [e.groups for e in data.examples] == [(), (("place", "here"),)]


def test_a_parquet_file_below_a_folder_with_an_equals_sign_gains_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "lang=en"
    folder.mkdir()
    name = write_parquet(folder / "a.parquet", {"text": ["a"], "label": [0]})
    with pytest.raises(DataError, match="no group column 'lang'"):
        load(name, groups=("lang",))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("a.csv", b"", "a.csv: the file is empty"),
        ("a.csv", b"text,label\n", "no rows"),
        ("a.csv", b"text,text,label\na,b,c\n", "two columns are called text"),
        ("a.csv", b"text,label\na,b\na,b,c\n", "line 3: 3 fields under 2 columns, split at commas"),
        ("a.csv", b"text;label\na;b\na;b;c\n", "line 3: 3 fields .* split at semicolons; quote"),
        ("a.csv", b"sep=;\ntext;label\na\n", "line 3: 1 fields under 2 columns"),
        (
            "a.tsv",
            b'text\tlabel\n"a\tb\nc\n',
            "a.tsv, line 3: 1 fields under 2 columns, split at tabs",
        ),
        ("a.csv.gz", b"text,label\na,b\n", "cannot be unpacked: BadGzipFile"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "a"}', mtime=0)[:-9], "cannot be unpacked"),
        ("a.csv", b'text,label\n"a"b,c\n', "line 2: not valid CSV"),
        ("a.csv", b"text,label\ncaf\xe9,1\n", "byte 0xe9 at offset 14 is not UTF-8"),
        ("a.csv", b"text,other\na,b\n", "looks like the label.*available: text, other"),
        ("a.csv", b"words,label\na,b\n", "looks like the text.*available: words, label"),
        ("a.csv", b"text,label\n ,x\nb,\n", "none of 2 rows.*1 × the text is empty; 1 × the label"),
        ("a.csv", b"example_id,text,label\n1,a,x\n1,b,y\n", "row 2.*id 1 also stands in row 1"),
        ("a.csv", b"example_id,text,label\n,a,x\n", "row 1.*no usable id"),
        ("a.jsonl", b"", "no rows"),
        ("a.jsonl", b'{"text": "a", "label": 1}\n{"text": \n', "line 2: not valid JSON"),
        ("a.jsonl", b"[1, 2]\n", "line 1: a JSON list; expected an object"),
        ("a.jsonl", b"[" * 100_000 + b"\n", "line 1: not valid JSON"),
        ("a.jsonl", b'{"text": "a", "label": 0.5}\n', "label 0.5 is no class"),
        ("a.jsonl", b'{"text": "a", "label": ["x"]}\n', "row 1, column 'label'.*is no class"),
        ("a.parquet", b"", "not a readable Parquet file"),
        ("a.parquet", b"PAR1 and nothing more", "not a readable Parquet file"),
    ],
)
def test_a_bad_file_is_one_clear_line(
    tmp_path: Path, file: str, content: bytes, message: str
) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load(str(tmp_path / file))
    assert "\n" not in str(caught.value)


def test_a_truncated_parquet_file(tmp_path: Path) -> None:
    path = Path(write_parquet(tmp_path / "a.parquet", {"text": ["a"] * 999, "label": [0] * 999}))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="may be truncated"):
        load(str(path))


def test_parquet_with_repeated_columns_or_broken_metadata(tmp_path: Path) -> None:
    table = pa.table([["a"], ["b"], [0]], names=["text", "text", "label"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="two columns are called text"):
        load(str(tmp_path / "a.parquet"))
    table = pa.table([["a"], ["b"], ["c"], [0]], names=["text", "note", "note", "label"])
    pq.write_table(table, tmp_path / "a.parquet")
    assert load(str(tmp_path / "a.parquet")).examples[0].text == "a"
    for broken in (
        "{",
        '{"info": []}',
        '{"info": {"features": {"label": {"_type":"ClassLabel"}}}}',
    ):
        table = pa.table({"text": ["a"], "label": [0]})
        pq.write_table(
            table.replace_schema_metadata({"huggingface": broken}), tmp_path / "b.parquet"
        )
        with pytest.raises(DataError, match="metadata 'huggingface' cannot be read"):
            load(str(tmp_path / "b.parquet"))


def test_parquet_whose_text_is_not_utf8(tmp_path: Path) -> None:
    broken = pa.array([b"caf\xe9"], pa.binary()).view(pa.string())
    name = write_parquet(tmp_path / "a.parquet", {"text": broken, "label": [0]})
    with pytest.raises(DataError, match="column 'text': cannot be read"):
        load(name)


# --- fields and delimiters ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a.csv", 'text,label\n"one, two; three",x\nfour,y\n'),
        ("a.csv", 'label;text\nx;"one, two; three"\ny;four\n'),
        ("a.csv", "label\ttext\nx\tone, two; three\ny\tfour\n"),
        ("a.csv", "label|text\nx|one, two; three\ny|four\n"),
        ("a.csv", 'sep=;\nlabel;text\nx;"one, two; three"\ny;four\n'),
        ("a.csv", 'sep=|\r\nlabel|text\r\nx|"one, two; three"\r\ny|four\r\n'),
        ("a.tsv", "\tlabel\ttext\n0\tx\tone, two; three\n1\ty\tfour\n"),
        ("a.TSV", 'label\ttext\nx\t"one, two; three"\ny\t"four"\n'),
        # several delimiters stand in the header: that of most columns
        ("a.csv", "label;text;a,b\nx;one, two;0\n"),
        ("a.tsv", "label\ttext\ta,b\nx\tone, two\t0\n"),
    ],
)  # fmt: skip
def test_the_delimiter_is_seen(tmp_path: Path, file: str, content: str) -> None:
    (tmp_path / file).write_bytes(content.encode())
    texts = [e.text for e in load(str(tmp_path / file)).examples]
    assert texts in (["one, two; three", "four"], ["one, two"])
    packed = tmp_path / f"{file}.gz"
    packed.write_bytes(gzip.compress(content.encode()))
    assert [e.text for e in load(str(packed)).examples] == texts


def test_a_quotation_mark_between_tabs_swallows_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('text\tlabel\n"so he said\tx\nand "then" she\ty\n"all of it\tx\nend"\ty\n')
    texts = [e.text for e in load(str(path)).examples]
    assert texts == ['"so he said', 'and "then" she', '"all of it', 'end"']
    path.write_text('text\tlabel\n"a\tx\nb"\ty\n')  # as a CSV it would be one row
    assert [e.text for e in load(str(path)).examples] == ['"a', 'b"']
    path.write_text('text\tlabel\n"a\tb\tc\nd ""e"""\tx\n"f"\ty\n')  # quoted as in a CSV
    assert [e.text for e in load(str(path)).examples] == ['a\tb\tc\nd "e"', "f"]


@pytest.mark.parametrize(
    "content",
    [
        "text,label,,,\na,x,,,\n",
        ",text,label,\n0,a,x,\n",
        "text,label,note,note\na,x,1,2\n",
    ],
)
def test_columns_that_are_not_used_need_no_name_of_their_own(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    assert [(e.text, e.label) for e in load(str(path)).examples] == [("a", 0)]
    with pytest.raises(DataError, match="no group column ' '"):
        load(str(path), groups=(" ",))


def test_what_is_unpacked_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"text,label\n" + b"a,x\n" * 100))
    assert load(str(tmp_path / "a.csv.gz")).rows_in == 100
    monkeypatch.setattr("auditkit.data.formats.MOST_UNPACKED", 400)
    with pytest.raises(DataError, match="unpacks to more than 400 bytes; unpack it"):
        load(str(tmp_path / "a.csv.gz"))


def test_several_columns_make_one_text(tmp_path: Path) -> None:
    rows = [
        {"title": "Rates", "body": "They rose.", "label": "x"},
        {"title": "", "body": "No title.", "label": "x"},
        {"title": "No body", "body": None, "label": "y"},
        {"title": " ", "body": None, "label": "y"},
        {"title": "Number", "body": 5, "label": "y"},
        {"label": "y"},
    ]
    name = write_jsonl(tmp_path / "a.jsonl", rows)
    data = load(name, text_column="title, body")
    assert [e.text for e in data.examples] == ["Rates\nThey rose.", "No title.", "No body"]
    assert data.text_column == "title + body"
    assert {r.row: r.reason for r in data.refused} == {
        4: "the text is empty",
        5: "the text is not a string but int",
        6: "the text is missing",
    }
    with pytest.raises(DataError, match="no text column 'bodies'; did you mean body"):
        load(name, text_column="title,bodies")
    with pytest.raises(DataError, match="'label' cannot be both text and label"):
        load(name, text_column="title,label")
    own = write_csv(tmp_path / "own.csv", [("title,body", "title", "body", "label"), "abcx"])
    assert load(own, text_column="title,body").examples[0].text == "a"


@pytest.mark.parametrize(
    "pair",
    [
        ("premise", "hypothesis"), ("question1", "question2"), ("sentence1", "sentence2"),
        ("Sentence_A", "Sentence_B"), ("text 1", "text 2"), ("question", "sentence"),
        ("text", "text_pair"),
    ],
)  # fmt: skip
def test_half_of_a_pair_is_never_audited_without_a_word(
    tmp_path: Path, pair: tuple[str, str]
) -> None:
    first, second = pair
    name = write_csv(tmp_path / "a.csv", [(first, second, "label"), ("a", "b", "x")])
    for column in (None, first, second):
        with pytest.raises(DataError, match=f"are a pair of texts.*--text-column {first},{second}"):
            load(name, text_column=column)
    assert load(name, text_column=f"{first},{second}").examples[0].text == "a\nb"


def test_one_of_a_pair_beside_another_text_is_no_half(tmp_path: Path) -> None:
    rows = [("text", "question1", "question2", "b", "label"), ("t", "a", "b", "c", "x")]
    assert load(write_csv(tmp_path / "a.csv", rows)).examples[0].text == "t"
    alone = [("text1", "label"), ("t", "x")]
    assert load(write_csv(tmp_path / "a.csv", alone), text_column="text1").examples[0].text == "t"


# --- what no user means -------------------------------------------------------------------------


def test_a_special_file_is_not_waited_for(tmp_path: Path) -> None:
    for name in ("a.csv", "a.tsv.gz", "a.jsonl", "a.parquet"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(DataError, match="a pipe or a device; give a regular file"):
            load(str(tmp_path / name))
        (tmp_path / f"zero-{name}").symlink_to("/dev/zero")
        with pytest.raises(DataError, match="a pipe or a device; give a regular file"):
            load(str(tmp_path / f"zero-{name}"))


@pytest.mark.parametrize("kind", ["timestamp", "duration", "twins"])
def test_parquet_that_cannot_be_spelt_out(tmp_path: Path, kind: str) -> None:
    column = {
        "timestamp": pa.array([2**62], pa.timestamp("us")),
        "duration": pa.array([2**62], pa.duration("ms")),
        "twins": pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
    }[kind]
    name = write_parquet(tmp_path / "a.parquet", {"text": ["a"], "label": [0], "x": column})
    assert load(name).rows_in == 1
    for settings in ({"groups": ("x",)}, {"label_column": "x"}, {"text_column": "x"}):
        with pytest.raises(DataError, match=r"column 'x'.*cannot be read"):
            load(name, **settings)
    name = write_parquet(tmp_path / "b.parquet", {"text": ["a"], "label": [0], "id": column})
    assert load(name).examples[0].example_id == "r000001"


def test_parquet_whose_metadata_nests_without_end(tmp_path: Path) -> None:
    table = pa.table({"text": ["a"], "label": [0]})
    deep = '{"info":' * 10_000 + "{}" + "}" * 10_000
    pq.write_table(table.replace_schema_metadata({"huggingface": deep}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="metadata 'huggingface' cannot be read: RecursionError"):
        load(str(tmp_path / "a.parquet"))


# --- names -------------------------------------------------------------------------------------


def test_names_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_text("x")
    (tmp_path / "d.csv").mkdir()
    (tmp_path / "d.parquet").mkdir()
    for name, message in (
        ("agnewz", "unknown data set 'agnewz'; did you mean agnews. available: agnews, imdb"),
        (str(tmp_path / "none.csv"), "not found"),
        (str(tmp_path / "a.xls"), "another kind.*.csv, .csv.gz, .jsonl, .jsonl.gz, .parquet, .tsv"),
        (str(tmp_path), "a.xls is a file of another kind; give data files alone"),
        (str(tmp_path / "d.csv"), "no files there"),
        (f"{tmp_path}/*.tsv", "no files there"),
        ("a\nb", r"unknown data set 'a\\nb'"),
        ("x" * 5000, "unknown data set"),
        ("x" * 5000 + ".csv", "not found"),
    ):
        with pytest.raises(DataError, match=message):
            load(name)


def test_a_file_has_no_splits(tmp_path: Path) -> None:
    name = write_csv(tmp_path / "a.csv", [("text", "label"), ("a", "x")])
    assert {load(name, split=s).split for s in (None, "train", "all")} == {"all"}
    with pytest.raises(DataError, match=r"split 'test' of a\.csv: a file has no splits"):
        load(name, split="test")


def test_local_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "imdb").mkdir()
    write_parquet(tmp_path / "imdb" / "test.parquet", {"text": ["a"], "label": [1]}, ["neg", "pos"])
    data = load("imdb", data_dir=tmp_path)
    assert (data.name, data.split, data.labels) == ("imdb", "test", ("neg", "pos"))
    monkeypatch.setenv("AUDITKIT_DATA", str(tmp_path))
    assert load("imdb", split="test") == data
    with pytest.raises(DataError, match="no split 'train'; available: test"):
        load("imdb", split="train")
    with pytest.raises(DataError, match=r"--data-dir .*nowhere: no such directory"):
        load("imdb", data_dir=tmp_path / "nowhere")


def test_the_hub_offline_names_the_local_ways() -> None:
    with pytest.raises(DataError, match=r"--data-dir DIR or AUDITKIT_DATA=DIR.*\.parquet file"):
        load("agnews")
    with pytest.raises(DataError, match="somebody/something"):
        load("somebody/something")


def test_a_hub_out_of_reach_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def refuse(*args: Any, timeout: float, **kwargs: Any) -> None:
        assert timeout <= 10
        raise ConnectionRefusedError("no route\nto anywhere")

    monkeypatch.setattr(huggingface_hub, "is_offline_mode", lambda: False)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", refuse)
    with pytest.raises(DataError, match=r"cannot be reached .ConnectionRefusedError: no route."):
        load("imdb")


def test_a_data_set_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    rows = {"text": ["a", "b", "c"], "label": [1, -1, 0]}
    calls = []

    def answer(name: str, **options: Any) -> datasets.Dataset:
        calls.append((name, options))
        return datasets.Dataset.from_dict(rows, features=features)

    monkeypatch.setattr(datasets, "load_dataset", answer)
    data = load("owner/name", split="validation")
    assert calls == [("owner/name", {"split": "validation"})]  # above all no trust_remote_code
    assert (data.name, data.split, data.labels) == ("owner/name", "validation", ("no", "yes"))
    assert [e.label for e in data.examples] == [1, 0]
    assert [(r.row, r.reason) for r in data.refused] == [(2, "the label is -1: not labelled")]
