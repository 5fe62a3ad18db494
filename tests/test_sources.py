import csv
import json
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
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"text,label\n", "no rows"),
        ("a.csv", b"text,text,label\na,b,c\n", "two columns are called text"),
        ("a.csv", b"text,label\na,b\na,b,c\n", "line 3: 3 fields under 2 columns"),
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


# --- names -------------------------------------------------------------------------------------


def test_names_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("x")
    (tmp_path / "d.csv").mkdir()
    (tmp_path / "d.parquet").mkdir()
    for name, message in (
        ("agnewz", "unknown data set 'agnewz'; did you mean agnews. available: agnews, imdb"),
        (str(tmp_path / "none.csv"), "not found"),
        (str(tmp_path / "a.tsv"), "another kind.*.csv, .jsonl, .parquet"),
        (str(tmp_path), "is a directory"),
        (str(tmp_path / "d.csv"), "d.csv: cannot be read: Is a directory"),
        (str(tmp_path / "d.parquet"), "not a readable Parquet file"),
        ("", "is a directory"),
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
    assert [(r.row, r.reason) for r in data.refused] == [(2, "the label is missing")]
