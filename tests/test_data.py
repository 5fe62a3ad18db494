import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabular import load, write_csv, write_jsonl, write_parquet

from auditkit.data.examples import Dataset
from auditkit.errors import DataError


def classes(data: Dataset) -> list[str]:
    return [data.labels[example.label] for example in data.examples]


# --- rows --------------------------------------------------------------------------------------


def test_refused_rows_are_counted_and_listed(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "fine", "label": "x"},
        {"text": "", "label": "x"},
        {"text": " \t\u3000\n", "label": "x"},
        {"text": None, "label": "x"},
        {"text": 5, "label": "x"},
        {"text": "a", "label": None},
        {"text": "a", "label": "  "},
        {"text": "a", "label": math.nan},
        {"text": "a \ud800 b", "label": "x"},
        {"text": "a", "label": "x\udfff"},
        {"text": "a", "label": "x", "place": "\ud800"},
        {"text": "nul \x00 </script>", "label": "x"},
    ]
    data = load(write_jsonl(tmp_path / "a.jsonl", rows), groups=("place",))
    assert {r.row: r.reason for r in data.refused} == {
        2: "the text is empty",
        3: "the text is empty",
        4: "the text is missing",
        5: "the text is not a string but int",
        6: "the label is missing",
        7: "the label is missing",
        8: "the label is missing",
        9: "the text is not valid Unicode (a lone surrogate)",
        10: "the label is not valid Unicode (a lone surrogate)",
        11: "the group is not valid Unicode (a lone surrogate)",
    }
    assert [e.example_id for e in data.examples] == ["r000001", "r000012"]
    assert data.rows_in == 12


def test_columns_are_found_whatever_their_case_or_named(tmp_path: Path) -> None:
    rows = [(" Label", "Sentence", "a,\u202eb\n<c>"), ("x", "first", "second")]
    name = write_csv(tmp_path / "a.csv", rows)
    assert load(name).examples[0].text == "first"
    assert load(name, text_column="a,\u202eb\n<c>").examples[0].text == "second"
    with pytest.raises(DataError, match="no text column 'sentence'; did you mean Sentence"):
        load(name, text_column="sentence")
    with pytest.raises(DataError, match="'Sentence' cannot be both"):
        load(name, label_column="Sentence")
    with pytest.raises(DataError, match="no group column"):
        load(name, groups=("region",))


def test_columns_are_listed_on_one_printable_line(tmp_path: Path) -> None:
    header = ["a\nb", "\u202e", "x" * 999, *(f"c{i}" for i in range(50))]
    with pytest.raises(DataError) as caught:
        load(write_csv(tmp_path / "a.csv", [header, ["1"] * len(header)]))
    message = str(caught.value)
    assert message.isprintable()
    assert r"'a\nb', '\u202e'" in message
    assert message.endswith("… 33 more")
    assert len(message) < 400


def test_groups_are_text_and_missing_ones_are_left_out(tmp_path: Path) -> None:
    columns = {"text": ["a", "b"], "label": [0, 1], "age": [30, None], "who": [" he ", ""]}
    name = write_parquet(tmp_path / "a.parquet", columns)
    data = load(name, groups=("who", "age"))
    assert data.group_columns == ("who", "age")
    assert data.examples[0].groups == (("who", "he"), ("age", "30"))
    assert data.examples[1].groups == ()


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("example_id", ["b", "a"], ["b", "a"]),
        ("id", ["7", "8"], ["7", "8"]),
        ("id", ["7", "7"], ["r000001", "r000002"]),
        ("id", ["7", ""], ["r000001", "r000002"]),
        ("number", ["7", "8"], ["r000001", "r000002"]),
    ],
)
def test_example_ids(tmp_path: Path, column: str, values: list[str], expected: list[str]) -> None:
    rows = [(column, "text", "label"), (values[0], "a", "x"), (values[1], "b", "y")]
    data = load(write_csv(tmp_path / "a.csv", rows))
    assert [e.example_id for e in data.examples] == expected


# --- labels ------------------------------------------------------------------------------------


def labelled(path: Path, labels: Sequence[Any], names: list[str] | None = None) -> str:
    texts = [f"text {i}" for i in range(len(labels))]
    return write_parquet(path / "data.parquet", {"text": texts, "label": list(labels)}, names)


@pytest.mark.parametrize(
    ("labels", "names", "expected", "first"),
    [
        ([1, 0], ["World", "Sports"], ("World", "Sports"), 1),
        ([1, 1], ["a", "b", "c"], ("a", "b", "c"), 1),  # a class without a row stays
        ([10, 9, 2], None, ("2", "9", "10"), 2),
        ([2.0, None, 1.0], None, ("1", "2"), 1),
        (["b", "A", "B ", "a"], None, ("A", "b"), 1),  # case and blanks make no class
        ([True, False], None, ("false", "true"), 1),
    ],
)
def test_labels_of_the_data(
    tmp_path: Path,
    labels: list[Any],
    names: list[str] | None,
    expected: tuple[str, ...],
    first: int,
) -> None:
    data = load(labelled(tmp_path, labels, names))
    assert data.labels == expected
    assert data.examples[0].label == first


@pytest.mark.parametrize(
    ("labels", "names", "model", "expected"),
    [
        # by name, in the model's order and spelling
        ([0, 1], ["neg", "pos"], ["POS", " Neg"], [" Neg", "POS"]),
        (["spam", "ham"], None, ["ham", "other", "spam"], ["spam", "ham"]),
        ([0, 1], ["neg", "pos"], ["LABEL_1", "pos", "neg"], ["neg", "pos"]),
        ([2, 1], None, ["1", "2"], ["2", "1"]),
        # by index, where one side has no names
        ([0, 2], None, ["a", "b", "c"], ["a", "c"]),
        ([0, 1], None, ["LABEL_0", "LABEL_1"], ["LABEL_0", "LABEL_1"]),
        ([1, 0], ["neg", "pos"], ["LABEL_0", "LABEL_1"], ["pos", "neg"]),
        ([1, 0], ["1", "2"], ["LABEL_0", "LABEL_1"], ["2", "1"]),
        # a class that no row has is the data's own business
        ([0, 0], ["neg", "unused"], ["neg", "pos"], ["neg", "neg"]),
    ],
)
def test_labels_are_matched_with_the_model(
    tmp_path: Path,
    labels: list[Any],
    names: list[str] | None,
    model: list[str],
    expected: list[str],
) -> None:
    data = load(labelled(tmp_path, labels, names), label_names=model)
    assert classes(data) == expected


@pytest.mark.parametrize(
    ("labels", "names", "model", "stranger"),
    [
        ([0, 1], ["neg", "pos"], ["World", "Sports"], "neg"),
        (["a", "b"], None, ["LABEL_0", "LABEL_1"], "a"),  # the alphabet is no order of classes
        ([1, 2], None, ["neg", "pos"], "1"),  # 1..2 for two classes counted from 0
        ([0, 1], None, ["1", "2"], "0"),  # both have numbers, and they differ
        ([0, 1], ["neg", "pos"], ["LABEL_0", "LABEL_1", "LABEL_2"], "neg"),
        ([-1, 1], None, ["neg", "pos"], "-1"),  # for and against: no row lacks its label
    ],
)
def test_labels_that_cannot_be_matched_show_both_lists(
    tmp_path: Path, labels: list[Any], names: list[str] | None, model: list[str], stranger: str
) -> None:
    with pytest.raises(DataError) as caught:
        load(labelled(tmp_path, labels, names), label_names=model)
    message = str(caught.value)
    assert f"the model has no class {stranger};" in message
    assert f"classes of the model: {', '.join(model)};" in message
    own = names or sorted({str(label) for label in labels})
    assert f"classes of the data: {', '.join(own)};" in message


def test_a_label_outside_of_its_own_names_and_classes_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 2, column 'label': label 2; expected 0..1: neg, pos"):
        load(labelled(tmp_path, [0, 2], ["neg", "pos"]))
    with pytest.raises(DataError, match="two classes have one name: pos, POS"):
        load(labelled(tmp_path, [0], ["pos", "POS"]))
    with pytest.raises(DataError, match="the model: two classes have one name: x, X"):
        load(labelled(tmp_path, [0]), label_names=["x", "X"])


# --- limit -------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    labels=st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=60).filter(any),
    limit=st.integers(1, 70),
    seed=st.integers(0, 3),
)
def test_a_limit_keeps_the_shares_the_order_and_the_account(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str], limit: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("limit") / "a.csv"
    rows = [("text", "label"), *[(f"text {i}", y) for i, y in enumerate(labels)]]
    name = write_csv(path, rows)
    data = load(name, limit=limit, seed=seed)
    usable = Counter(filter(None, labels))
    total = sum(usable.values())
    assert len(data.examples) == min(limit, total)
    assert data.rows_in == len(data.examples) + len(data.refused)
    assert len(data.refused) == labels.count("")
    assert [e.example_id for e in data.examples] == sorted(e.example_id for e in data.examples)
    kept = Counter(classes(data))
    for label, count in usable.items():  # the quota rule: the share, rounded down or up
        share = min(limit, total) * count / total
        assert math.floor(share) <= kept[label] <= math.ceil(share)
    assert load(name, limit=limit, seed=seed) == data


def test_the_seed_draws_another_sample_and_the_largest_remainder_wins(tmp_path: Path) -> None:
    labels = ["a"] * 50 + ["b"] * 30 + ["c"] * 20
    name = labelled(tmp_path, labels)
    one, two = (load(name, limit=13, seed=seed) for seed in (0, 1))
    assert one.sha256 != two.sha256
    # shares 6.5, 3.9, 2.6: three places are left over after 6 + 3 + 2; b and c have more of one
    assert Counter(classes(one)) == Counter(classes(two)) == {"a": 6, "b": 4, "c": 3}


def test_the_hash_follows_what_is_used_and_nothing_else(tmp_path: Path) -> None:
    def hashed(rows: list[tuple[str, ...]], **options: Any) -> str:
        return load(write_csv(tmp_path / "a.csv", rows), **options).sha256

    base = hashed([("text", "label", "z"), ("a", "x", "1"), ("b", "y", "2")])
    assert hashed([("label", "z", "text"), ("x", "9", "a"), ("y", "8", "b")]) == base
    others = [
        hashed([("text", "label", "z"), ("a", "x", "1"), ("B", "y", "2")]),
        hashed([("text", "label", "z"), ("b", "y", "2"), ("a", "x", "1")]),
        hashed([("text", "label", "id"), ("a", "x", "1"), ("b", "y", "2")]),
        hashed([("text", "label", "z"), ("a", "x", "1"), ("b", "y", "2")], groups=("z",)),
        hashed([("text", "label"), ("a", "x"), ("b", "y")], label_names=["y", "x"]),
    ]
    assert len({base, *others}) == 6


# --- real data ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_real_data_sets(shared_data: Path) -> None:
    news = load("agnews", data_dir=shared_data)
    assert (news.rows_in, len(news.examples), news.refused) == (7600, 7600, ())
    assert news.labels == ("World", "Sports", "Business", "Sci/Tech")
    assert set(Counter(e.label for e in news.examples).values()) == {1900}
    films = load("imdb", split="train", data_dir=shared_data, limit=1000)
    assert Counter(classes(films)) == {"neg": 500, "pos": 500}
