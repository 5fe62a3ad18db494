"""The lexicon that ships, and what a user's own must be."""

from collections import Counter
from pathlib import Path

import pytest

from auditkit.data.lexicon import read_lexicon
from auditkit.errors import DataError

CATEGORIES = {"gender", "religion", "origin", "age", "disability", "sexual orientation"}


def test_the_one_that_ships_has_twenty_terms_and_more_of_each_category() -> None:
    terms = read_lexicon("identity_en")
    counts = Counter(one.category for one in terms)
    assert set(counts) == CATEGORIES
    assert min(counts.values()) >= 20
    assert all(one.term == one.term.lower() for one in terms)
    assert len({one.term for one in terms}) == len(terms)


def test_one_of_a_users_own(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("categories: {role: {nurses: [Nurse, 'head  nurse'], doctors: [doctor]}}")
    found = [tuple(one) for one in read_lexicon(str(file))]
    assert found == [
        ("nurse", "nurses", "role"), ("head nurse", "nurses", "role"),
        ("doctor", "doctors", "role"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[1, 2]", "no `categories`"),
        ("categories: {}", "no `categories`"),
        ("categories: {religion: {}}", "category 'religion': expected groups"),
        ("categories: {religion: [a]}", "category 'religion': expected groups"),
        ("categories: {religion: {muslims: []}}", "group 'muslims' has no list of terms"),
        ("categories: {a: {b: [no, 7]}}", "group 'b' holds False; a term is text"),
        ("categories: {a: {b: [x], c: [X]}}", "'x' stands in 'b' and in 'c'"),
        ("categories: {a: {b: [' ']}}", "group 'b' holds ' '"),
        ("categories: {a: &x [b], c: *x}", "not valid YAML: aliases are not read"),
        ("categories: {a", "not valid YAML"),
        ("categories: !!python/object/apply:os.system [echo]", "not valid YAML"),
    ],
)
def test_what_is_no_lexicon_is_one_clear_line(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(DataError) as raised:
        read_lexicon(str(file))
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


def test_one_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(DataError, match=r"no lexicon 'none\.yaml'.*identity_en"):
        read_lexicon("none.yaml")
