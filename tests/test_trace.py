from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import TraceError
from auditkit.testing.traces import replace_tables, synthetic_trace
from auditkit.trace import tables as module
from auditkit.trace.tables import TABLES, Trace, conform, finished_shards, write_shard

LAYERS = 4


def make(**options: Any) -> Trace:
    return synthetic_trace(np.random.default_rng(0), documents=6, layers=LAYERS, **options)


def tables_of(trace: Trace) -> dict[str, pd.DataFrame]:
    return {name: trace.table(name) for name in TABLES}


def write(directory: Path, trace: Trace, shards: int = 2) -> None:
    """The whole run directory of `trace`, its documents dealt to `shards` shards in order."""
    ids = trace.table("examples")["example_id"].to_numpy()
    for number, mine in enumerate(np.array_split(ids, shards)):
        write_shard(
            directory,
            number,
            {n: t[t["example_id"].isin(mine)] for n, t in tables_of(trace).items()},
        )
    (directory / "about.json").write_text(trace.about.model_dump_json(), encoding="utf-8")


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), shards=st.integers(1, 6))
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, seed: int, shards: int
) -> None:
    before = synthetic_trace(np.random.default_rng(seed), documents=6, draws=2)
    directory = tmp_path_factory.mktemp("trace")
    write(directory, before, shards)
    after = Trace.open(directory)
    assert after.about == before.about
    for name in TABLES:
        pd.testing.assert_frame_equal(after.table(name), before.table(name))
        assert len(list(after.scan(name))) == shards
    module.validate(after)


def test_shards_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    trace = make()
    for number in (1_000_000, 999_999, 2):
        write_shard(tmp_path, number, {"examples": trace.table("examples").assign(label=number)})
    (tmp_path / "shards" / ".DS_Store").touch()
    (tmp_path / "about.json").write_text(trace.about.model_dump_json())
    assert finished_shards(tmp_path) == {2, 999_999, 1_000_000}
    labels = [int(shard["label"].iloc[0]) for shard in Trace.open(tmp_path).scan("examples")]
    assert labels == [2, 999_999, 1_000_000]


@pytest.mark.parametrize("dies_at", range(len(TABLES) + 1))
def test_a_shard_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    tables, written = tables_of(make()), 0
    whole = pq.write_table

    def dying(table: Any, where: Any, **options: Any) -> None:
        nonlocal written
        if written == dies_at:
            Path(where).write_bytes(b"PAR1 half a fi")
            raise KeyboardInterrupt
        written += 1
        whole(table, where, **options)

    def refuse(path: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pq, "write_table", dying)
        if dies_at == len(TABLES):  # all files are there, the shard has not its name yet
            patched.setattr(Path, "rename", refuse)
        with pytest.raises(KeyboardInterrupt):
            write_shard(tmp_path, 7, tables)
    assert written == dies_at
    assert finished_shards(tmp_path) == set()
    write_shard(tmp_path, 7, tables)
    assert finished_shards(tmp_path) == {7}
    assert {path.stem for path in (tmp_path / "shards" / "000007").iterdir()} == set(TABLES)


def test_a_table_that_does_not_conform_leaves_no_shard(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="table words"):
        write_shard(tmp_path, 0, {**tables_of(make()), "words": pd.DataFrame({"x": [1]})})
    assert finished_shards(tmp_path) == set()


@pytest.mark.parametrize(
    ("name", "column", "value", "complaint"),
    [
        ("tokens", "depth", 300, "table tokens: "),
        ("tokens", "depth", "deep", "table tokens: "),
        ("tokens", "depth", 1.5, "table tokens: "),
        ("tokens", "depth", None, "table tokens, column depth: a value is missing"),
        ("words", "entity", None, "table words, column entity: a value is missing"),
        ("examples", "text", "\ud800", "table examples: "),
        ("examples", "text", b"\xff", "table examples: "),
        ("examples", "extra", 1, "table examples: columns .*'extra'.*, expected .*'text'"),
    ],
)
def test_a_value_that_the_schema_does_not_know(
    name: str, column: str, value: object, complaint: str
) -> None:
    frame = make().table(name)
    plain = isinstance(value, int | float)
    values = pd.Series([value] * len(frame), dtype=None if plain else "object")
    frame = frame.drop(columns=column, errors="ignore").assign(**{column: values})
    with pytest.raises(TraceError, match=complaint):
        conform(name, frame)


def test_conform_orders_columns_and_narrows_types() -> None:
    frame = make().table("tokens")
    loose = frame[sorted(frame.columns)].astype({"depth": "int64", "position": "int64"})
    pd.testing.assert_frame_equal(conform("tokens", loose), frame)
    with pytest.raises(TraceError, match=r"columns .*, expected .*'depth'"):
        conform("tokens", frame.drop(columns="depth"))
    with pytest.raises(TraceError, match="no table 'tokns'; did you mean tokens"):
        conform("tokns", frame)


def changed(trace: Trace, name: str, frame: pd.DataFrame) -> Trace:
    return Trace.of(trace.about, **{**tables_of(trace), name: frame})


def stranger(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.replace({"example_id": {"doc-0001": "doc-9999"}})


@pytest.mark.parametrize("name", TABLES)
def test_rows_stand_once_and_belong_to_an_example(name: str) -> None:
    trace = make()
    twice = pd.concat([trace.table(name), trace.table(name).head(1)])
    with pytest.raises(TraceError, match=f"table {name}: .*doc-0000.* stands twice"):
        changed(trace, name, twice)
    if name != "examples":
        with pytest.raises(TraceError, match=f"table {name}: example 'doc-9999' is not in ex"):
            changed(trace, name, stranger(trace.table(name)))


@pytest.mark.parametrize("name", ["tokens", "random", "words"])
@pytest.mark.parametrize("depth", [-1, LAYERS + 1])
def test_depths_are_those_of_the_model(name: str, depth: int) -> None:
    trace = make()
    frame = trace.table(name).copy()
    frame.loc[3, "depth"] = depth
    with pytest.raises(TraceError, match=f"table {name}: depth {depth}, expected 0..{LAYERS}"):
        changed(trace, name, frame)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "the trace is unfinished"),
        (b"", "about.json: .*JSON"),
        (b"\xff\xfe", "about.json: "),
        (b"{}", "about.json: auditkit: Field required"),
        (b"[]", "about.json: "),
        ("version", "schema 99, this auditkit reads 1"),
    ],
)
def test_what_is_no_finished_trace_is_not_opened(
    tmp_path: Path, text: bytes | str | None, complaint: str
) -> None:
    if text == "version":
        other = make().about.model_copy(update={"schema_version": 99})
        text = other.model_dump_json().encode()
    if isinstance(text, bytes):
        (tmp_path / "about.json").write_bytes(text)
    with pytest.raises(TraceError, match=complaint) as told:
        Trace.open(tmp_path)
    assert "auditkit run" in str(told.value)
    assert len(str(told.value).splitlines()) == 1


def test_a_damaged_shard_is_an_error_of_one_line(tmp_path: Path) -> None:
    write(tmp_path, make())
    (tmp_path / "shards" / "000001" / "words.parquet").write_bytes(b"PAR1 half a fi")
    (tmp_path / "shards" / "000000" / "costs.parquet").unlink()
    opened = Trace.open(tmp_path)
    assert len(opened.table("tokens"))
    for name in ("words", "costs"):
        with pytest.raises(TraceError, match=rf"{name}\.parquet cannot be read: ") as told:
            opened.table(name)
        assert len(str(told.value).splitlines()) == 1


def test_a_trace_without_shards_says_so(tmp_path: Path) -> None:
    (tmp_path / "about.json").write_text(make().about.model_dump_json())
    with pytest.raises(TraceError, match="has no shards"):
        Trace.open(tmp_path).table("words")


def test_an_unknown_table_is_named_with_those_there_are() -> None:
    for ask in (make().table, lambda name: next(make().scan(name))):
        with pytest.raises(TraceError, match="no table 'wrods'; did you mean words"):
            ask("wrods")


def test_measured_tables_are_there_or_none(tmp_path: Path) -> None:
    trace = make()
    write(tmp_path, trace)
    frame = pd.DataFrame({"term": ["a"], "z": [2.5]})
    (tmp_path / "measured").mkdir()
    frame.to_parquet(tmp_path / "measured" / "domain_term.parquet")
    opened = Trace.open(tmp_path)
    for one in (opened, replace_tables(trace, measured_domain_term=frame)):
        found = one.measured("domain_term")
        assert found is not None
        pd.testing.assert_frame_equal(found, frame)
        assert one.measured("entity") is None


def test_predictions_are_those_of_one_arm_and_draw() -> None:
    trace = make(draws=2)
    for arm, draw in (("pruned", 0), ("random", 1)):
        found = trace.predictions(arm, draw)
        assert list(found.index) == list(trace.table("examples")["example_id"])
        for row in trace.table("predictions").to_dict("records"):
            if (row["arm"], row["draw"]) == (arm, draw):
                assert found.loc[row["example_id"], "predicted"] == row["predicted"]


def test_arms_are_those_that_were_run() -> None:
    assert make().about.arms == ("baseline", "unpruned", "pruned", "random")
    assert make(baseline=False, draws=0).about.arms == ("unpruned", "pruned")
    assert make(continued=True).about.arms[:2] == ("baseline", "continued")


def test_no_two_classes_have_one_name() -> None:
    assert make(classes=2, labels=("a", "b")).about.labels == ("a", "b")
    hostile = make(classes=4, labels=("a", "1: a", "a", "")).about.labels
    assert hostile == ("0: a", "1: 1: a", "2: a", "3: ")
