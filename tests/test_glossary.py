"""The user's domain terms: what a file may hold, and which classes its terms are of."""

import os
from pathlib import Path

import pytest

from auditkit.data.classes import Matching
from auditkit.data.glossary import read_glossary, with_classes
from auditkit.errors import DataError
from auditkit.plugin import GlossaryTerm
from auditkit.trace import Class

NEWS = Matching("name", (Class("World", ("world",), (0,)), Class("Sci/Tech", ("3", "4"), (1,))))


def test_a_glossary_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "terms.txt"
    path.write_text(
        "\ufeff# finance\n rate  hike \n\nRate Hike\n  # more\nbond\n", encoding="utf-8"
    )
    assert read_glossary(path) == (("rate hike", ""), ("bond", ""))


def test_a_glossary_with_columns(tmp_path: Path) -> None:
    path = tmp_path / "terms.csv"
    path.write_text('source,term\nx,"bond, junk"\ny,#tag\nz,\n')
    assert read_glossary(path) == (("bond, junk", ""), ("#tag", ""))
    (tmp_path / "terms.tsv").write_text("source\tterm\nx\tbond, junk\n")
    assert read_glossary(tmp_path / "terms.tsv") == (("bond, junk", ""),)
    (tmp_path / "terms.jsonl").write_text('{"term": "rate"}\n{"source": "x"}\n')
    assert read_glossary(tmp_path / "terms.jsonl") == (("rate", ""),)


def test_a_column_says_of_which_class_a_term_is(tmp_path: Path) -> None:
    path = tmp_path / "terms.csv"
    path.write_text("term,class\nbond, WORLD\nBond,world\nbond,4\nchip,\n")
    entries = read_glossary(path)
    assert entries == (("bond", "WORLD"), ("bond", "4"), ("chip", ""))
    assert with_classes(entries, NEWS) == (
        GlossaryTerm("bond", 0), GlossaryTerm("bond", 1), GlossaryTerm("chip", None),
    )  # fmt: skip
    with pytest.raises(DataError) as told:
        with_classes((("bond", "Sport"),), NEWS)
    assert str(told.value) == (
        "glossary: bond is of the class Sport, which the data do not have; available: World, "
        "Sci/Tech"
    )


def test_a_special_file_is_no_glossary(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    for path in (tmp_path / "a.txt", Path("/dev/zero")):
        with pytest.raises(DataError, match="a pipe or a device; give a regular file"):
            read_glossary(path)
    for path in (Path("a\0b.txt"), Path("\ud800")):
        with pytest.raises(DataError, match="no file can have that name"):
            read_glossary(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "a.txt: no terms"),
        ("a.txt", b"# only\n \n", "a.txt: no terms"),
        ("a.txt", b"\xff\n", "not UTF-8"),
        ("a.csv", b"word\nx\n", "no column 'term'; available: word"),
        ("a.csv", b"term\n", "no rows"),
        ("a.csv", b"term,x\n ,y\n", "no terms"),
        ("none.txt", None, "none.txt: cannot be read"),
        ("none.csv", None, "not found"),
    ],
)
def test_a_bad_glossary(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_glossary(tmp_path / name)
