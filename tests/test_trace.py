import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from small_trace import DEPTHS, LAYERS, UNDRAWN, about, frames, in_memory, places, write

from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.trace import (
    ARMS,
    TABLES,
    ArmAbout,
    Trace,
    arm,
    conform,
    documents_schema,
    finish,
    finished_shards,
    keys,
    write_shard,
)
from auditkit.trace.caching import Question, answered, keep_measured
from auditkit.trace.shards import Stored
from auditkit.trace.writing import check_shards

IDS = sorted(DEPTHS)  # "B" before "a", "é" last


def every(tmp_path: Path, shards: int = 3) -> list[Trace]:
    """The same trace in memory, on a disk and behind a URL."""
    return [in_memory(), *(write(folder, shards) for folder in places(tmp_path))]


def complaint(error: pytest.ExceptionInfo[TraceError]) -> str:
    text = str(error.value)
    assert len(text.splitlines()) == 1
    return text


# --- documents


def test_documents_are_arrays_in_the_order_of_their_ids(tmp_path: Path) -> None:
    for trace in every(tmp_path):
        documents = trace.documents
        assert len(documents) == 7
        assert list(documents.ids) == IDS
        for row, example_id in enumerate(documents.ids):
            depths, place = DEPTHS[example_id], list(DEPTHS).index(example_id)
            assert documents.label[row] == place % 2
            assert (documents.tokens[row], documents.pieces[row]) == (len(depths), len(depths) - 1)
            assert bool(documents.truncated[row]) == (place == 3)
            assert documents.words_cut[row] == 4 * (place == 3)
            for layer in range(1, LAYERS + 1):
                kept = sum(depth >= layer for depth in depths[1:])
                assert documents.kept[row, layer - 1] == kept
                assert documents.special_kept[row, layer - 1] == (depths[0] >= layer)
            assert documents.group("kind")[row] == "xyz"[place % 3]
            assert documents.row_of(example_id) == row
        for name in ("label", "tokens", "words_cut", "pieces", "kept", "special_kept"):
            assert getattr(documents, name).dtype == np.int32
        assert documents is trace.documents


def test_answers_are_those_of_documents_with_every_draw(tmp_path: Path) -> None:
    for trace in every(tmp_path):
        pruned, random = trace.documents.answers("pruned"), trace.documents.answers("random")
        assert pruned is not None
        assert random is not None
        assert pruned.rows.tolist() == list(range(7))
        expected = [0.125 * list(DEPTHS).index(example_id) for example_id in IDS]
        assert pruned.probs[:, 0, 0].tolist() == expected
        assert (pruned.predicted.shape, pruned.probs.shape) == ((7, 1), (7, 1, 2))
        assert [IDS[row] for row in random.rows] == [i for i in IDS if i not in UNDRAWN]
        assert random.predicted.tolist() == [[1, 0]] * 5
        assert random.probs.tolist() == [[[0.5, 0.5], [0.25, 0.75]]] * 5
        assert [random.probs.dtype, random.predicted.dtype] == ["float32", "int32"]
        assert trace.documents.answers("continued") is None


def test_draws_on_different_documents_meet_where_both_were_run() -> None:
    documents = frames()["documents"].set_index("example_id")
    documents.loc["a", "predicted_random_1"] = None
    documents["probs_random_1"] = [
        None if i == "a" else p for i, p in documents["probs_random_1"].items()
    ]
    random = in_memory(documents=documents.reset_index()).documents.answers("random")
    assert random is not None
    assert [IDS[row] for row in random.rows] == ["B", "c", "f", "g"]
    assert random.predicted.tolist() == [[1, 0]] * 4


def test_macs_are_counted_for_two_arms() -> None:
    documents = in_memory().documents
    for name, factor in (("baseline", 100), ("pruned", 10)):
        macs = documents.macs(name)
        assert macs is not None
        assert macs.tolist() == [factor * len(DEPTHS[example_id]) for example_id in IDS]
        assert macs.dtype == np.int64
    assert documents.macs("random") is None


def test_nobody_changes_what_all_probes_read() -> None:
    documents = in_memory().documents
    answers = documents.answers("pruned")
    assert answers is not None
    group = documents.group("kind")
    for array in (documents.label, documents.ids, documents.kept, group, answers.probs):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_what_documents_do_not_have_is_named_with_what_they_have() -> None:
    documents = in_memory().documents
    with pytest.raises(TraceError, match="no group column 'knd'; did you mean kind"):
        documents.group("knd")
    with pytest.raises(TraceError, match="no document 'bb'; near it: a, b, c, f"):
        documents.row_of("bb")
    with pytest.raises(TraceError, match="no document 'zz'"):
        documents.row_of("zz")


def test_a_trace_without_documents_has_arrays_of_none() -> None:
    empty = {name: frame.iloc[:0] for name, frame in frames().items()}
    documents = in_memory(**empty).documents
    assert (len(documents), documents.kept.shape) == (0, (0, LAYERS))
    answers = documents.answers("random")
    assert answers is not None
    assert answers.probs.shape == (0, 2, 2)


# --- table and scan


def test_the_table_documents_is_whole_and_in_the_order_of_the_arrays(tmp_path: Path) -> None:
    first, *others = every(tmp_path)
    table = first.table("documents")
    assert list(table.columns) == documents_schema(["kind"], about().arm_keys).names
    assert list(table["example_id"]) == IDS
    assert table["kept"].map(list).tolist() == first.documents.kept.tolist()
    for other in others:
        pd.testing.assert_frame_equal(other.table("documents"), table)


@pytest.mark.parametrize("name", [name for name in TABLES if name != "documents"])
def test_other_tables_are_not_read_whole(name: str) -> None:
    with pytest.raises(TraceError, match=rf"table {name} is not read whole; .*scan.*fold"):
        in_memory().table(name)


def test_a_scan_gives_the_rows_as_they_were_recorded(tmp_path: Path) -> None:
    expected = frames()
    for trace in every(tmp_path)[1:]:
        for name in ("documents", "tokens", "words", "depths", "costs"):
            found = list(trace.scan(name))
            assert len(found) == 3
            for number, frame in enumerate(found):
                mine = expected[name]["example_id"].isin(list(DEPTHS)[number::3])
                schema = documents_schema(["kind"], about().arm_keys)
                schema = schema if name == "documents" else TABLES[name]
                like = conform(name, expected[name][mine], schema).to_pandas()
                pd.testing.assert_frame_equal(frame, like)


def test_a_scan_gives_the_columns_that_were_asked_for(tmp_path: Path) -> None:
    tokens = frames()["tokens"]
    for trace in every(tmp_path):
        found = pd.concat(trace.scan("tokens", ["depth", "document", "example_id"]))
        assert list(found.columns) == ["depth", "document", "example_id"]
        assert found["document"].dtype == np.int32
        assert [IDS[row] for row in found["document"]] == list(found["example_id"])
        assert sorted(zip(found["example_id"], found["depth"], strict=True)) == sorted(
            zip(tokens["example_id"], tokens["depth"], strict=True)
        )
        alone = pd.concat(trace.scan("words", ["document"]))
        assert len(alone) == sum(len(depths) - 1 for depths in DEPTHS.values())


def test_a_scan_for_some_documents_leaves_other_shards_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Stored.read
    for trace in every(tmp_path)[1:]:
        assert len(trace.documents) == 7
        seen: list[int] = []

        def watched(
            self: Stored, shard: int, name: str, columns: Any, seen: list[int] = seen
        ) -> pa.Table:
            seen.append(shard)
            return read(self, shard, name, columns)

        monkeypatch.setattr(Stored, "read", watched)
        wanted = ["f", "g"]  # fourth and first document: both in the first of three shards
        (texts,) = trace.scan("texts", ids=wanted)
        assert sorted(texts["text"]) == ["the text of f", "the text of g"]
        assert seen == [0]
        (tokens,) = trace.scan("tokens", ["position"], ids=["b"])
        assert tokens["position"].tolist() == [0, 1, 2]
        assert seen == [0, 1]
        (none,) = trace.scan("words", ["text", "document"], ids=[])
        assert (list(none.columns), len(none)) == (["text", "document"], 0)
        assert seen == [0, 1]
        with pytest.raises(TraceError, match="no document 'q'"):
            trace.scan("tokens", ids=["a", "q"])


def test_texts_are_only_read_for_documents_that_are_named() -> None:
    with pytest.raises(TraceError, match="give ids="):
        in_memory().scan("texts")


def test_what_there_is_not_is_named_with_what_there_is() -> None:
    trace = in_memory()
    for ask in (trace.table, trace.scan):
        with pytest.raises(TraceError, match="no table 'wrods'; did you mean words"):
            ask("wrods")
    with pytest.raises(TraceError, match="table words: no column 'upso'; did you mean upos"):
        trace.scan("words", ["upso"])
    with pytest.raises(TraceError, match="table documents: no column 'group:knd'; did you mean gr"):
        trace.scan("documents", ["group:knd"])


# --- on disk


def test_about_is_written_with_the_rows_counted(tmp_path: Path) -> None:
    for trace in every(tmp_path):
        expected = {name: len(frame) for name, frame in frames().items()}
        assert trace.about.counts == expected
        assert trace.about.model_copy(update={"counts": {}}) == about()
        trace.validate()


def test_shards_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    schema = documents_schema(["kind"], about().arm_keys)
    for folder in places(tmp_path):
        for number, example_id in ((1_000_000, "a"), (999_999, "b"), (2, "g")):
            part = {n: t[t["example_id"] == example_id] for n, t in frames().items()}
            write_shard(folder, number, part, schema)
        folder.write("shards/.DS_Store", "")
        finish(folder, about())
        assert finished_shards(folder) == {2, 999_999, 1_000_000}
        found = [frame["example_id"].iloc[0] for frame in Trace.open(folder).scan("tokens")]
        assert found == ["g", "b", "a"]


@pytest.mark.parametrize("dies_at", range(len(TABLES) + 1))
def test_a_shard_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    schema = documents_schema(["kind"], about().arm_keys)
    write_whole, left = Folder.write, [0]

    def dying(self: Folder, name: str, data: bytes | str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        write_whole(self, name, data)

    for folder in places(tmp_path):
        for again in (False, True):  # in an empty folder, and over a finished shard
            left[0] = dies_at
            with monkeypatch.context() as patched:
                patched.setattr(Folder, "write", dying)
                with pytest.raises(KeyboardInterrupt):
                    write_shard(folder, 7, frames(), schema)
            assert finished_shards(folder) == set()
            write_shard(folder, 7, frames(), schema)
            assert finished_shards(folder) == {7}, again
        names = set((folder / "shards" / "000007").names())
        assert names == {"shard.json", *(f"{name}.parquet" for name in TABLES)}


def test_a_table_that_does_not_conform_leaves_no_shard(tmp_path: Path) -> None:
    schema = documents_schema(["kind"], about().arm_keys)
    for folder in places(tmp_path):
        with pytest.raises(TraceError, match="table words"):
            write_shard(folder, 0, {**frames(), "words": pd.DataFrame({"x": [1]})}, schema)
        assert folder.names() == []


@pytest.mark.parametrize("damage", ["torn", "edited", "gone"])
def test_a_shard_that_is_not_what_was_written_is_seen(tmp_path: Path, damage: str) -> None:
    schema = documents_schema(["kind"], about().arm_keys)
    for folder in places(tmp_path):
        write(folder, 3)
        shard = folder / "shards" / "000001"
        data = shard.read("words.parquet")
        if damage == "gone":
            shard.remove("words.parquet")
        else:
            torn = data[: len(data) // 2]
            other = (folder / "shards" / "000000").read("words.parquet")
            shard.write("words.parquet", torn if damage == "torn" else other)
        assert finished_shards(folder) == {0, 2}
        assert finished_shards(folder, verify=False) == {0, 1, 2}
        opened = Trace.open(folder)
        assert len(list(opened.scan("tokens"))) == 3
        why = "it is not there" if damage == "gone" else "it was changed after it was written"
        with pytest.raises(
            TraceError, match=rf"1/words\.parquet cannot be read: {why}; .*run"
        ) as told:
            list(opened.scan("words", ["text"]))
        assert complaint(told)
        mine = list(DEPTHS)[1::3]
        part = {n: t[t["example_id"].isin(mine)] for n, t in frames().items()}
        write_shard(folder, 1, part, schema)
        assert finished_shards(folder) == {0, 1, 2}
        assert len(list(Trace.open(folder).scan("words"))) == 3


@pytest.mark.parametrize("damage", ["gone", "torn"])
def test_a_shard_whose_marker_is_lost_is_missed(tmp_path: Path, damage: str) -> None:
    for folder in places(tmp_path):
        write(folder, 3)
        shard = folder / "shards" / "000002"
        if damage == "gone":
            shard.remove("shard.json")
        else:
            shard.write("shard.json", shard.read("shard.json")[:40])
        assert finished_shards(folder) == {0, 1}
        trace = Trace.open(folder)
        with pytest.raises(TraceError, match="shards of 5 documents, expected 7; run") as told:
            list(trace.scan("words"))
        assert complaint(told)
        with pytest.raises(TraceError, match="shards of 5 documents"):
            len(trace.documents)


def _copied(folder: Folder, source: Folder) -> None:
    for name in source.names():
        folder.write(name, source.read(name))


def test_a_shard_from_elsewhere_is_not_taken_for_one(tmp_path: Path) -> None:
    """Of another place, or of the same place in a trace of other inputs."""
    for number, folder in enumerate(places(tmp_path)):
        other = Folder(tmp_path / f"other{number}")
        for place, said in ((folder, "{}"), (other, "[]")):
            place.write("inputs.json", said)
            write(place, 3)
        shards = folder / "shards"
        _copied(shards / "000001", shards / "000000")
        assert finished_shards(folder) == {0, 2}
        _copied(shards / "000001", other / "shards" / "000001")
        assert finished_shards(folder) == {0, 2}
        with pytest.raises(TraceError, match="expected 7; run"):
            len(Trace.open(folder).documents)
        folder.write("inputs.json", "[]")  # nor does a trace of other inputs become this one
        assert finished_shards(folder) == {1}


@pytest.mark.parametrize("name", ["000003", "1000000", "1", "0000001"])
def test_a_folder_that_can_be_no_shard_is_named(tmp_path: Path, name: str) -> None:
    for folder in places(tmp_path):
        write(folder, 3)
        (folder / "shards").write(".DS_Store", "")
        check_shards(folder, 3)
        _copied(folder / "shards" / name, folder / "shards" / "000002")
        with pytest.raises(TraceError, match=f"shards/{name} is no shard of this run, which has 3"):
            check_shards(folder, 3)
        assert finished_shards(folder) == {0, 1, 2}


def test_a_marker_that_counts_other_rows_than_the_tables_is_none(tmp_path: Path) -> None:
    for folder in places(tmp_path):
        write(folder, 3)
        shard = folder / "shards" / "000001"
        marker = json.loads(shard.read("shard.json"))
        for name in TABLES:
            rows = {**marker["rows"], name: marker["rows"][name] + 1}
            shard.write("shard.json", json.dumps(marker | {"rows": rows}))
            assert finished_shards(folder) == {0, 2}


def test_a_trace_of_version_1_is_to_be_recorded_again(tmp_path: Path) -> None:
    for folder in places(tmp_path):
        (folder / "shards" / "000000").write("examples.parquet", b"PAR1")
        for ask in (Trace.open, finished_shards):
            with pytest.raises(TraceError, match=r"version 1, .*reads 2; .*run --over") as told:
                ask(folder)
            assert complaint(told)
        folder.write("about.json", json.dumps({"schema_version": 1, "model": {}}))
        with pytest.raises(TraceError, match=r"version 1, .*reads 2; .*run --overwrite") as told:
            Trace.open(folder)
        assert complaint(told)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "the trace is unfinished"),
        (b"", "about.json is no JSON: "),
        (b"\xff\xfe", "about.json is no JSON: "),
        (b'{"schema_version": 2}', "about.json: auditkit: Field required"),
        (b"{}", "schema version 1, this auditkit reads 2"),
        (b"[]", "about.json: all: "),
        (b'{"schema_version": 99}', "schema version 99, this auditkit reads 2"),
    ],
)
def test_what_is_no_finished_trace_is_not_opened(
    tmp_path: Path, text: bytes | None, expected: str
) -> None:
    for folder in places(tmp_path):
        if text is not None:
            folder.write("about.json", text)
        with pytest.raises(TraceError, match=expected) as told:
            Trace.open(folder)
        assert "auditkit run" in complaint(told)


def test_a_trace_is_opened_by_path_string_or_folder(tmp_path: Path) -> None:
    write(Folder(tmp_path), 2)
    for place in (tmp_path, str(tmp_path), Folder(tmp_path)):
        assert list(Trace.open(place).documents.ids) == IDS


QUESTION = Question(asked="a", given={"training": "t"})


def test_measured_tables_are_there_or_none(tmp_path: Path) -> None:
    frame = pd.DataFrame({"term": ["a"], "z": [2.5]})
    for folder in places(tmp_path):
        trace = write(folder, 1)
        assert answered(folder, "domain_term") is None
        keep_measured(folder, "domain_term", QUESTION, frame)
        keep_measured(folder, "precision", QUESTION, None)
        found = trace.measured("domain_term")
        assert found is not None
        pd.testing.assert_frame_equal(found, frame)
        assert trace.measured("precision") is None
        assert trace.measured("entity") is None
        for name in ("domain_term", "precision"):
            known = answered(folder, name)
            assert known is not None
            assert (known.asked, known.given) == ("a", {"training": "t"})
        trace.verify()
    given = in_memory(measured_domain_term=frame)
    own = given.measured("domain_term")
    assert own is not None
    pd.testing.assert_frame_equal(own, frame)
    assert given.measured("entity") is None


def _gone(folder: Folder, name: str) -> None:
    folder.remove(name)


def _emptied(folder: Folder, name: str) -> None:
    folder.write(name, b"")


def _cut(folder: Folder, name: str) -> None:
    folder.write(name, folder.read(name)[:-10])


def _flipped(folder: Folder, name: str) -> None:
    data = bytearray(folder.read(name))
    data[len(data) // 2] ^= 1
    folder.write(name, bytes(data))


damages = pytest.mark.parametrize("damage", [_gone, _emptied, _cut, _flipped])


@damages
@pytest.mark.parametrize("file", ["domain_term.parquet", "domain_term.key", "precision.key"])
def test_a_measurement_that_is_not_what_was_written_is_no_answer(
    tmp_path: Path, file: str, damage: Callable[[Folder, str], None]
) -> None:
    name = file.partition(".")[0]
    for folder in places(tmp_path):
        write(folder, 1)
        keep_measured(folder, "domain_term", QUESTION, pd.DataFrame({"term": ["a"], "z": [2.5]}))
        keep_measured(folder, "precision", QUESTION, None)
        damage(folder, f"measured/{file}")
        assert answered(folder, name) is None
        if name == "domain_term" or damage not in (_gone, _emptied):  # as if never measured
            trace = Trace.open(folder)
            for ask in (trace.verify, partial(trace.measured, name)):
                with pytest.raises(TraceError, match=f"what {name} measured is not as it") as told:
                    ask()
                assert complaint(told)
        keep_measured(folder, name, QUESTION, None)
        assert answered(folder, name) is not None
        Trace.open(folder).verify()


@damages
def test_verifying_reads_every_file_of_every_shard(
    tmp_path: Path, damage: Callable[[Folder, str], None]
) -> None:
    for name in TABLES:
        folder = Folder(tmp_path / name)
        write(folder, 2).verify()
        damage(folder, f"shards/000001/{name}.parquet")
        with pytest.raises(TraceError, match=rf"1/{name}\.parquet cannot be read") as told:
            Trace.open(folder).verify()
        assert complaint(told)


# --- schemas and validation


@pytest.mark.parametrize(
    ("name", "column", "value", "expected"),
    [
        ("tokens", "depth", 300, "table tokens: "),
        ("tokens", "depth", "deep", "table tokens: "),
        ("tokens", "depth", 1.5, "table tokens: "),
        ("tokens", "depth", None, "table tokens, column depth: a value is missing"),
        ("words", "entity", None, "table words, column entity: a value is missing"),
        ("documents", "group:kind", None, "table documents, column group:kind: a value is missing"),
        ("texts", "text", "\ud800", "table texts: "),
        ("texts", "text", b"\xff", "table texts: "),
        ("texts", "extra", 1, "table texts: columns .*extra.*, expected .*text"),
    ],
)
def test_a_value_that_the_schema_does_not_know(
    name: str, column: str, value: object, expected: str
) -> None:
    frame = frames()[name]
    plain = isinstance(value, int | float)
    values = pd.Series([value] * len(frame), dtype=None if plain else "object")
    frame = frame.drop(columns=column, errors="ignore").assign(**{column: values})
    with pytest.raises(TraceError, match=expected) as told:
        in_memory(**{name: frame})
    assert complaint(told)


def test_conform_orders_columns_and_narrows_types() -> None:
    frame = frames()["tokens"]
    table = conform("tokens", frame[sorted(frame.columns)])
    assert table.schema == TABLES["tokens"]
    assert table["depth"].to_pylist() == frame["depth"].tolist()
    with pytest.raises(TraceError, match=r"columns .*, expected .*depth"):
        conform("tokens", frame.drop(columns="depth"))
    with pytest.raises(TraceError, match="no table 'tokns'; did you mean tokens"):
        conform("tokns", frame)


COSTS = pd.DataFrame(
    [("a", "pruned", layer, 2, 1, 10, 10) for layer in (1, 2, 3)], columns=TABLES["costs"].names
)


@pytest.mark.parametrize("name", TABLES)
def test_rows_stand_once_and_belong_to_a_document(name: str) -> None:
    frame = COSTS if name == "costs" else frames()[name]
    in_memory(**{name: frame})
    first = frame["example_id"].iloc[0]
    twice = pd.concat([frame, frame.head(1)], ignore_index=True)
    with pytest.raises(TraceError, match=f"table {name}: .*{first!r}.* stands twice"):
        in_memory(**{name: twice})
    stranger = frame.replace({"example_id": {first: "zz"}})
    table = "texts" if name == "documents" else name  # then it is the texts that nobody knows
    missing = first if name == "documents" else "zz"
    with pytest.raises(TraceError, match=f"table {table}: document '{missing}' is not in docum"):
        in_memory(**{name: stranger})


def test_a_document_lies_in_one_shard(tmp_path: Path) -> None:
    schema = documents_schema(["kind"], about().arm_keys)
    for folder in places(tmp_path):
        write(folder, 1)
        write_shard(folder, 1, {n: t[t["example_id"] == "c"] for n, t in frames().items()}, schema)
        finish(folder, about())
        with pytest.raises(TraceError, match="document 'c' stands twice"):
            Trace.open(folder).validate()


@pytest.mark.parametrize("name", ["tokens", "depths", "words"])
@pytest.mark.parametrize("depth", [-1, LAYERS + 1])
def test_depths_are_those_of_the_model(name: str, depth: int) -> None:
    frame = frames()[name]
    frame.loc[3, "depth"] = depth
    with pytest.raises(TraceError, match=f"table {name}: depth {depth}, expected 0..{LAYERS}"):
        in_memory(**{name: frame})


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("kept", [1, 0], "column kept: a list of 2, expected 3"),
        ("special_kept", [1, 1, 0, 0], "column special_kept: a list of 4, expected 3"),
        ("probs_baseline", [1.0], "column probs_baseline: a list of 1, expected 2"),
        ("probs_random_1", None, "predicted_random_1 without probs_random_1"),
    ],
)
def test_lists_have_one_entry_a_layer_or_one_a_class(
    column: str, value: object, expected: str
) -> None:
    documents = frames()["documents"]
    documents[column] = [value, *documents[column].tolist()[1:]]
    with pytest.raises(TraceError, match=re.escape(expected)):
        in_memory(documents=documents)


def test_arms_of_rows_are_known() -> None:
    with pytest.raises(TraceError, match="no arm 'randm'; did you mean random"):
        in_memory(depths=frames()["depths"].assign(arm="randm"))


# --- arms and about


def test_arms_are_told_apart() -> None:
    assert [one.name for one in ARMS] == [
        "baseline", "continued", "reseeded", "unpruned", "pruned", "changed", "random", "repeat",
    ]  # fmt: skip
    assert [one.name for one in ARMS if one.drawn] == ["random"]
    assert arm("pruned").pruning == "hard"
    with pytest.raises(TraceError, match="no arm 'prund'; did you mean pruned"):
        arm("prund")
    for one in ARMS:
        assert set(one.versus) <= {other.name for other in ARMS} - {one.name}


def test_keys_of_an_arm_are_its_draws_where_it_is_drawn() -> None:
    assert keys("random", 3) == ("random_0", "random_1", "random_2")
    assert keys("random", 0) == ()
    assert keys("pruned", 1) == ("pruned",)
    assert about().arm_keys == ("baseline", "pruned", "random_0", "random_1")


def test_about_tells_what_was_run_and_why_not() -> None:
    told = about()
    assert told.arms == ("baseline", "pruned", "random")
    assert told.arm("random") == ArmAbout(name="random", subject="model", documents=5, draws=2)
    assert told.arm("continued") is None
    assert told.baseline == told.model
    assert (told.no_baseline, told.layers) == ("", LAYERS)
    without = told.model_copy(
        update={"subjects": {"model": told.model}, "absent": {"baseline": "none was given"}}
    )
    assert (without.baseline, without.no_baseline) == (None, "none was given")


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("a", "b"), ("a", "b")), (("a", "1: a", "a", ""), ("0: a", "1: 1: a", "2: a", "3: "))],
)
def test_no_two_classes_have_one_name(names: tuple[str, ...], expected: tuple[str, ...]) -> None:
    dataset = about().dataset.model_copy(update={"labels": names})
    assert about().model_copy(update={"dataset": dataset}).labels == expected
