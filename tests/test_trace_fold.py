"""What is folded does not depend on how shards are cut, and is kept under all that decides it."""

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_trace import DEPTHS, LAYERS, UPOS, about, frames, in_memory, places, write

from auditkit.errors import ProbeError, TraceError
from auditkit.files import Folder
from auditkit.trace import Shard, Trace, documents_schema, finish, write_shard
from auditkit.trace import caching as module

IDS = sorted(DEPTHS)
numbers = count()
calls: list[int] = []
"""How many rows each call of a step saw."""


def by_category(shard: Shard) -> pd.DataFrame:
    """Of each document and part of speech: words, their layers, and a sum of floats."""
    words = shard.table("words", ["document", "upos", "depth"])
    calls.append(len(words))
    rows = words.assign(words=1, third=words["depth"] / 3)
    return rows.groupby(["document", "upos"])[["words", "depth", "third"]].sum().reset_index()


def by_depth(shard: Shard) -> pd.DataFrame:
    """How many words of each part of speech reach each depth."""
    words = shard.table("words", ["upos", "depth"])
    return words.assign(words=1).groupby(["upos", "depth"])[["words"]].sum().reset_index()


def told(frame: pd.DataFrame) -> bytes:
    """All that a frame says, types included."""
    assert isinstance(frame.index, pd.RangeIndex)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with pa.ipc.new_stream(sink := pa.BufferOutputStream(), table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def words(example_id: str) -> list[tuple[str, int]]:
    """Part of speech and depth of each word of a document."""
    return [(UPOS[p % 3], d) for p, d in enumerate(DEPTHS[example_id]) if p]


def test_documents_are_put_together_in_the_order_of_their_ids() -> None:
    found = in_memory().fold(by_category, by=["document", "upos"])
    expected = []
    for row, example_id in enumerate(IDS):
        for upos in sorted(UPOS):
            depths = [depth for own, depth in words(example_id) if own == upos]
            if depths:
                expected.append((row, upos, len(depths), sum(depths)))
    assert list(found.columns) == ["document", "upos", "words", "depth", "third"]
    counted = found[["document", "upos", "words", "depth"]].itertuples(index=False)
    assert [tuple(row) for row in counted] == expected
    assert found["third"].to_numpy() == pytest.approx([row[3] / 3 for row in expected])
    assert found.dtypes[["document", "third"]].tolist() == ["int32", "float64"]


def test_rows_are_added_up_by_key() -> None:
    found = in_memory().fold(by_depth, by=["upos", "depth"])
    every = [word for example_id in IDS for word in words(example_id)]
    assert [tuple(row) for row in found.itertuples(index=False)] == [
        (upos, depth, every.count((upos, depth))) for upos, depth in sorted(set(every))
    ]
    assert list(found["upos"].cat.categories) == sorted(UPOS)
    assert [found["upos"].cat.codes.dtype, found["words"].dtype] == ["int8", "int64"]


@settings(max_examples=12, deadline=None)
@given(order=st.permutations(list(DEPTHS)), shards=st.sampled_from([1, 2, 3, 7]))
def test_shards_and_the_order_of_documents_change_no_byte(order: list[str], shards: int) -> None:
    trace = write(Folder(f"memory://fold/{next(numbers)}"), shards, order)
    for step, by in ((by_category, ["document", "upos"]), (by_depth, ["upos", "depth"])):
        assert told(trace.fold(step, by)) == told(in_memory().fold(step, by))


def test_a_shard_knows_its_documents_and_those_of_the_run(tmp_path: Path) -> None:
    seen: list[int] = []

    def step(shard: Shard) -> pd.DataFrame:
        seen.extend(shard.rows)
        assert shard.rows.dtype == np.int64
        assert list(shard.rows) == sorted(shard.rows)
        assert set(shard.table("tokens", ["document"])["document"]) == set(shard.rows)
        assert list(shard.documents.ids) == IDS
        assert shard.about.layers == LAYERS
        assert "document" not in shard.table("words").columns
        return pd.DataFrame({"document": shard.rows, "label": shard.documents.label[shard.rows]})

    for folder in places(tmp_path):
        seen.clear()
        found = write(folder, 3).fold(step, by=["document"])
        assert sorted(seen) == list(range(7)) == list(found["document"])
        assert list(found["label"]) == list(in_memory().documents.label)


def test_what_a_shard_does_not_have_is_named() -> None:
    def ask(name: str, *columns: str) -> Callable[[Shard], pd.DataFrame]:
        return lambda shard: shard.table(name, columns)

    with pytest.raises(TraceError, match="no table 'wrods'; did you mean words"):
        in_memory().fold(ask("wrods"), by=["document"])
    with pytest.raises(TraceError, match="no column 'upso'; did you mean upos"):
        in_memory().fold(ask("words", "upso"), by=["document"])
    with pytest.raises(TraceError, match="give ids="):
        in_memory().fold(ask("texts", "text"), by=["document"])


def test_a_shard_without_rows_changes_nothing(tmp_path: Path) -> None:
    lonely = "a"  # one word; the other shards have none
    tables = frames()
    tables["words"] = tables["words"][tables["words"]["example_id"] == lonely]
    schema = documents_schema(["kind"], about().arm_keys)
    for step, by in ((by_category, ["document", "upos"]), (by_depth, ["upos", "depth"])):
        expected = in_memory(words=tables["words"]).fold(step, by)
        assert len(expected) == 1
        for folder in places(tmp_path / step.__name__):
            for number, example_id in enumerate(DEPTHS):
                mine = {n: t[t["example_id"] == example_id] for n, t in tables.items()}
                write_shard(folder, number, mine, schema)
            finish(folder, about())
            assert told(Trace.open(folder).fold(step, by)) == told(expected)


def test_a_fold_of_no_rows_has_the_columns(tmp_path: Path) -> None:
    for step, by in ((by_category, ["document", "upos"]), (by_depth, ["upos", "depth"])):
        found = in_memory(words=frames()["words"].iloc[:0]).fold(step, by)
        assert len(found) == 0
        assert set(by) < set(found.columns)


def frame_of(**columns: Any) -> Callable[[Shard], pd.DataFrame]:
    return lambda shard: pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("step", "by", "complaint"),
    [
        (lambda shard: 3, ["document"], "the step returned int, expected a DataFrame"),
        (frame_of(n=[1]), ["upos"], "no key column 'upos'; the step returned n"),
        (frame_of(n=[1]), [], "by is empty"),
        (frame_of(upos=["X"], n=[1.5]), ["upos"], "column n is float64, expected integers"),
        (frame_of(upos=["X"], n=["y"]), ["upos"], "column n is str, expected integers"),
        (frame_of(upos=["X"], n=[True]), ["upos"], "column n is bool, expected integers"),
        (frame_of(document=[0], n=["y"]), ["document"], "n is str, expected integers or floats"),
        (frame_of(document=[9], n=[1]), ["document"], "a document that is not of the shard"),
        (frame_of(upos=["X", None], n=[1, 1]), ["upos"], "key column upos has a missing value"),
        (frame_of(depth=[0.5], n=[1]), ["depth"], "key column depth is float64, expected text"),
        (frame_of(pair=[(1, 2)], n=[1]), ["pair"], "key column pair is tuple, expected text"),
    ],
)
def test_what_cannot_be_merged_is_an_error_of_one_line(
    step: Callable[[Shard], Any], by: list[str], complaint: str
) -> None:
    with pytest.raises(ProbeError, match=complaint) as error:
        in_memory().fold(step, by)
    assert str(error.value).startswith("fold of ")
    assert len(str(error.value).splitlines()) == 1


def test_all_shards_have_the_same_columns(tmp_path: Path) -> None:
    def step(shard: Shard) -> pd.DataFrame:
        return pd.DataFrame({"document": shard.rows, f"n{shard.rows[0]}": 1})

    with pytest.raises(ProbeError, match=r"columns document, n\d of one shard, .* of another"):
        write(Folder(tmp_path), 2).fold(step, by=["document"])


def test_keys_are_of_one_kind_in_all_shards(tmp_path: Path) -> None:
    def step(shard: Shard) -> pd.DataFrame:
        return pd.DataFrame({"key": [left.pop()], "n": 1})

    for number, keys in enumerate((["a", 1], [1, "a"])):
        left = list(keys)
        trace = write(Folder(tmp_path / str(number)), 2)
        with pytest.raises(ProbeError, match="key column key is text of one shard, numbers of an"):
            trace.fold(step, by=["key"])


# --- kept


@dataclass(frozen=True)
class Least:
    """Words of at least a depth, by document."""

    depth: int
    kinds: Sequence[str] = ("NOUN",)

    def __call__(self, shard: Shard) -> pd.DataFrame:
        found = shard.table("words", ["document", "upos", "depth"])
        calls.append(len(found))
        found = found[(found["depth"] >= self.depth) & found["upos"].isin(list(self.kinds))]
        return found.assign(words=1).groupby("document")[["words"]].sum().reset_index()


def nouns(words: pd.DataFrame) -> pd.Series:
    return words["upos"] == "NOUN"


def verbs(words: pd.DataFrame) -> pd.Series:
    return words["upos"] == "VERB"


@dataclass(frozen=True, slots=True)
class Ruled:
    """Words that a rule picks, by document and kind; kinds that do not occur are declared too."""

    rule: Callable[[pd.DataFrame], pd.Series]

    def __call__(self, shard: Shard) -> pd.DataFrame:
        words = shard.table("words", ["document", "upos"])
        calls.append(len(words))
        kinds = pd.Categorical(words["upos"], categories=["X", *reversed(UPOS)])
        return words.assign(upos=kinds, n=1)[self.rule(words)]


def of_depth(shard: Shard, depth: int) -> pd.DataFrame:
    return Least(depth)(shard)


def bound(folder: Folder, version: str = "1", **options: Any) -> Trace:
    return Trace.open(folder).bound("probe", version, options)


def asked(trace: Trace, step: Any, by: Sequence[str] = ("document",)) -> int:
    """How many shards were asked for a fold."""
    calls.clear()
    trace.fold(step, by)
    return len(calls)


@pytest.mark.parametrize(
    "step", [by_category, Least(2), functools.partial(of_depth, depth=2)], ids=["f", "d", "p"]
)
def test_what_was_folded_is_kept(tmp_path: Path, step: Any) -> None:
    by = ["document", "upos"] if step is by_category else ["document"]
    for folder in places(tmp_path):
        expected = write(folder, 3).fold(step, by)
        assert not folder.has("folds")
        assert asked(bound(folder), step, by) == 3
        names = (folder / "folds" / "probe").names()
        assert [len(name.partition(".")[0]) for name in names] == [64, 64]
        assert asked(bound(folder), step, by) == 0
        kept = bound(folder).fold(step, by)
        pd.testing.assert_frame_equal(kept, expected)
        assert told(kept) == told(expected)


def test_texts_are_kept_with_their_categories(tmp_path: Path) -> None:
    for folder in places(tmp_path):
        write(folder, 2, IDS[::-1])
        first = bound(folder).fold(by_depth, by=["upos", "depth"])
        again = bound(folder).fold(by_depth, by=["upos", "depth"])
        assert told(first) == told(again)
        assert again["upos"].cat.codes.dtype == np.int8
        assert list(again["upos"].cat.categories) == sorted(UPOS)


def test_a_fold_of_no_rows_is_kept_as_it_was(tmp_path: Path) -> None:
    schema = documents_schema(["kind"], about().arm_keys)
    for folder in places(tmp_path):
        write_shard(folder, 0, {**frames(), "words": frames()["words"].iloc[:0]}, schema)
        finish(folder, about())
        for step, by in ((by_category, ["document", "upos"]), (by_depth, ["upos", "depth"])):
            first, again = bound(folder).fold(step, by), bound(folder).fold(step, by)
            assert len(first) == 0
            pd.testing.assert_frame_equal(again, first)


def test_another_question_is_folded_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in places(tmp_path):
        write(folder, 2)
        by = ["document", "upos"]
        assert asked(bound(folder, cut=1), by_category, by) == 2
        assert asked(bound(folder, cut=1), by_category, by) == 0
        for other in (bound(folder, cut=2), bound(folder, "2", cut=1), bound(folder, cut=1.0)):
            assert asked(other, by_category, by) == 2
        assert asked(bound(folder, cut=1).bound("other", "1", {"cut": 1}), by_category, by) == 2
        assert asked(bound(folder, cut=1), by_category, [*by, "words"]) == 2
        assert asked(bound(folder), Least(1)) == 2
        assert asked(bound(folder), Least(2)) == 2
        assert asked(bound(folder), Least(2, ("VERB",))) == 2
        assert asked(bound(folder), Least(1)) == 0
        with monkeypatch.context() as patched:
            patched.setattr(module, "__version__", "99")
            assert asked(bound(folder), Least(1)) == 2


def test_a_step_may_hold_a_rule(tmp_path: Path) -> None:
    for folder in places(tmp_path):
        write(folder, 3)
        for rule in (nouns, verbs):
            found = bound(folder).fold(Ruled(rule), by=["document", "upos"])
            assert told(found) == told(in_memory().fold(Ruled(rule), by=["document", "upos"]))
            assert list(found["upos"].cat.categories) == ["NOUN" if rule is nouns else "VERB"]
            assert asked(bound(folder), Ruled(rule), ["document", "upos"]) == 0
        hidden = Ruled(lambda words: words["upos"] == "ADJ")
        for _ in range(2):
            assert asked(bound(folder), hidden, ["document", "upos"]) == 3


def test_a_changed_source_is_folded_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in places(tmp_path):
        write(folder, 2)
        assert asked(bound(folder), Least(1)) == 2
        with monkeypatch.context() as patched:
            patched.setattr(inspect, "getsource", lambda told: "# another text")
            assert asked(bound(folder), Least(1)) == 2
            assert asked(bound(folder), Least(1)) == 0
        assert asked(bound(folder), Least(1)) == 0


def test_changed_shards_are_folded_anew(tmp_path: Path) -> None:
    schema = documents_schema(["kind"], about().arm_keys)
    for folder in places(tmp_path):
        write(folder, 2)
        step = Least(1, ("VERB",))
        before = bound(folder).fold(step, by=["document"])
        tables = {n: t[t["example_id"].isin(list(DEPTHS)[1::2])] for n, t in frames().items()}
        tables["words"] = tables["words"].assign(depth=0)
        write_shard(folder, 1, tables, schema)
        finish(folder, about())
        assert asked(bound(folder), step) == 2
        after = bound(folder).fold(step, by=["document"])
        assert after["words"].sum() < before["words"].sum()


@pytest.mark.parametrize("damage", ["torn", "empty", "one byte"])
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: str) -> None:
    for folder in places(tmp_path):
        expected = write(folder, 2).fold(Least(1), by=["document"])
        bound(folder).fold(Least(1), by=["document"])
        kept = folder / "folds" / "probe"
        (file, _) = kept.names()
        whole = kept.read(file)
        flipped = whole[:40] + bytes([whole[40] ^ 1]) + whole[41:]
        kept.write(file, {"torn": whole[:-20], "empty": b"", "one byte": flipped}[damage])
        calls.clear()
        assert told(bound(folder).fold(Least(1), by=["document"])) == told(expected)
        assert len(calls) == 2
        assert kept.read(file) == whole


def test_a_step_that_holds_more_than_values_is_not_kept(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    write(folder, 2)

    def inside(shard: Shard) -> pd.DataFrame:
        return Least(1)(shard)

    class Loose:
        def __call__(self, shard: Shard) -> pd.DataFrame:
            return Least(1)(shard)

    steps = (
        inside, lambda shard: Least(1)(shard), Loose(), functools.partial(inside),
        functools.partial(of_depth, depth=np.int64(1)), Least(1, np.array(["NOUN"])),  # type: ignore[arg-type]
    )  # fmt: skip
    for step in steps:
        for _ in range(2):
            assert asked(bound(folder), step) == 2
    assert asked(bound(folder, out=Path("x")), Least(1)) == 2
    assert not folder.has("folds")


def test_a_step_whose_source_is_not_there_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    write(folder, 2)
    monkeypatch.delitem(sys.modules, __name__)
    for _ in range(2):
        assert asked(bound(folder), Least(1)) == 2
    assert not folder.has("folds")


def test_a_run_that_cannot_be_written_to_is_folded_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    expected = write(folder, 2).fold(Least(1), by=["document"])

    def refuse(self: Folder, name: str, data: bytes | str) -> None:
        raise PermissionError(name)

    monkeypatch.setattr(Folder, "write", refuse)
    assert told(bound(folder).fold(Least(1), by=["document"])) == told(expected)


def test_a_trace_in_memory_keeps_nothing() -> None:
    trace = in_memory().bound("probe", "1", {})
    assert [asked(trace, Least(1)), asked(trace, Least(1))] == [1, 1]
