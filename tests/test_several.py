"""A data set of several files: a folder, a pattern, URLs."""

import gzip
import json
from pathlib import Path

import fsspec
import pandas as pd
import pytest
import tiny

from auditkit.data.examples import load_dataset
from auditkit.data.settings import DataSettings
from auditkit.data.sources import open_source
from auditkit.errors import DataError

ROWS = [{"text": text, "label": label} for text, label in tiny.sentences(30, seed=4)]
CUTS = ((0, 7), (7, 8), (8, 30))


def written(home: Path, kind: str) -> Path:
    """The rows in three files, whose names are in their order."""
    home.mkdir()
    for number, (start, end) in enumerate(CUTS):
        frame = pd.DataFrame(ROWS[start:end])
        path = home / f"part-{number}.{kind}"
        if kind == "csv":
            frame.to_csv(path, index=False)
        elif kind == "parquet":
            frame.to_parquet(path)
        else:
            lines = "".join(json.dumps(row) + "\n" for row in ROWS[start:end]).encode()
            path.write_bytes(gzip.compress(lines) if kind.endswith("gz") else lines)
    return home


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "jsonl.gz"])
def test_files_are_read_one_after_the_other(kind: str, tmp_path: Path) -> None:
    home = written(tmp_path / "news", kind)
    (home / ".hidden").write_text("no data")
    for name in (str(home), f"{home}/", f"{home}/part-*.{kind}", f"{tmp_path}/**/part-?.{kind}"):
        source = open_source(name)
        assert source.rows == 30
        assert source.values("text") == [row["text"] for row in ROWS]
        assert source.values("label") == [row["label"] for row in ROWS]
        assert "/" not in source.name.replace("**/", "")
    whole = tmp_path / "whole.csv"
    pd.DataFrame(ROWS).to_csv(whole, index=False)
    one = load_dataset(DataSettings(dataset=str(whole)))
    several = load_dataset(DataSettings(dataset=str(home)))
    assert several.examples == one.examples
    assert several.sha256 == one.sha256
    assert (several.name, several.split) == ("news", "all")


def test_files_behind_a_url_are_read_as_files_are(tmp_path: Path) -> None:
    home = written(tmp_path / "news", "parquet")
    system = fsspec.filesystem("memory")
    for path in home.iterdir():
        system.pipe_file(f"/several/{path.name}", path.read_bytes())
    for name, count in (("part-*.parquet", 30), ("part-2.parquet", 22)):
        source = open_source(f"memory://several/{name}")
        assert source.rows == count
        assert source.values("text") == [row["text"] for row in ROWS[30 - count :]]
        assert source.name == name


def refused(name: str, **settings: str) -> str:
    with pytest.raises(DataError) as error:
        open_source(name, **settings)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_cannot_be_one_data_set_is_one_line(tmp_path: Path) -> None:
    assert "no files there" in refused(f"{tmp_path}/gone-*.csv")
    (tmp_path / "empty").mkdir()
    assert "no files there" in refused(str(tmp_path / "empty"))
    assert "gone.csv" in refused("memory://several/gone.csv")
    assert "fsspec needs" in refused("nosuch://host/data.csv")
    home = written(tmp_path / "news", "csv")
    assert "a file has no splits" in refused(str(home), split="test")
    (home / "part-3.csv").write_text("text,klass\nhello,Garden\n")
    assert "part-0.csv has no column 'klass', which part-3.csv has" in refused(str(home))
    (home / "part-3.csv").unlink()
    (home / "readme.md").write_text("what it is")
    assert "readme.md is a file of another kind" in refused(str(home))
    (home / "readme.md").unlink()
    (home / "part-4.jsonl").write_text("{}")
    assert "are of two kinds; give files of one" in refused(str(home))


def test_a_folder_is_audited(model: Path, tmp_path: Path) -> None:
    from command import audit

    home = written(tmp_path / "news", "jsonl")
    flags = ("--probe", "performance", "--random-draws", "1", "--speed-documents", "0")
    done = audit(tmp_path / "run", *flags, model=model, dataset=home)
    assert done.code == 0, done.err
    told = json.loads((tmp_path / "run" / "results.json").read_text())["about"]["dataset"]
    assert (told["name"], told["audited"]) == ("news", 30)
