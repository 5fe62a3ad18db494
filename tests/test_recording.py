"""Recording: what becomes of it when it is killed, damaged or repeated, and what it holds."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from recorded import GROUPS, SAMPLED, annotator, bench, contents, dataset, recorded

from auditkit import files
from auditkit.bench.opening import open_bench
from auditkit.bench.settings import ModelSettings
from auditkit.bench.subjects import Bench
from auditkit.data.annotate import Annotator, load_annotator
from auditkit.data.examples import load_dataset
from auditkit.data.settings import DataSettings
from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.record import recording
from auditkit.record.provenance import inputs
from auditkit.record.recording import record
from auditkit.record.settings import RecordingSettings
from auditkit.trace import ARMS, TABLES, Trace, finished_shards

DOCUMENTS, PART, SHARDS = 90, 20, 5
FILES = len(TABLES) + 1
"""Of a shard, its marker among them."""


@pytest.fixture(scope="module", autouse=True)
def small_shards() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "SHARD", PART)
        yield


@pytest.fixture(scope="module")
def models(model: Path) -> Bench:
    return bench(model)


@pytest.fixture(scope="module")
def finished(models: Bench, tiny_csv: str, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A recording that nothing happened to. Read-only."""
    folder = Folder(tmp_path_factory.mktemp("finished") / "trace")
    recorded(models, tiny_csv, folder).validate()
    assert len(contents(folder)) == 2 + SHARDS * FILES
    return folder


@pytest.fixture
def copied(finished: Folder, tmp_path: Path) -> Folder:
    return Folder(shutil.copytree(str(finished), tmp_path / "trace"))


def stamps(folder: Folder) -> dict[str, int]:
    """When each file was written."""
    root = Path(str(folder))
    return {
        str(path.relative_to(root)): path.stat().st_mtime_ns
        for path in root.rglob("*")
        if path.is_file()
    }


def test_rationales_are_recorded_where_a_column_was_given(
    models: Bench, finished: Folder, tiny_csv: str, tmp_path: Path
) -> None:
    """Astral characters before a mark shift nothing; all else is as without the column."""
    rows = pd.read_csv(tiny_csv, dtype=str, keep_default_na=False).head(45)
    rows["text"] = "\U0001f600 " + rows["text"]
    last = rows["text"].str.split().str[-1]
    rows["why"] = [json.dumps([[0, 1], [len(text) - len(word), len(text)]]) for text, word in
                   zip(rows["text"], last, strict=True)]  # fmt: skip
    rows.loc[::3, "why"] = ""
    rows["words"] = [json.dumps([word]) for word in rows["text"].str.split().str[1]]
    rows.to_csv(tmp_path / "marked.csv", index=False)

    def made(column: str | None, folder: str) -> Trace:
        settings = DataSettings(dataset=str(tmp_path / "marked.csv"), rationale_column=column)
        data = load_dataset(settings, label_names=models.labels)
        return record(models, data, annotator(), SAMPLED, Folder(tmp_path / folder))

    trace = made("why", "why")
    trace.validate()
    assert trace.about.dataset.rationale_column == "why"
    marks = pd.concat(trace.scan("rationales"))
    texts = pd.concat(trace.scan("texts", ids=trace.documents.ids)).set_index("example_id")["text"]
    found = {
        str(one): [texts[one][a:b] for a, b in own[["char_start", "char_end"]].to_numpy()]
        for one, own in marks.groupby("example_id")
    }
    wanted = {f"r{i + 1:06d}": ["\U0001f600", last[i]] for i in range(45) if i % 3}
    assert found == wanted
    plain = made(None, "plain")
    assert "rationales" not in plain.about.counts
    assert plain.about.counts == {k: v for k, v in trace.about.counts.items() if k != "rationales"}
    for name in TABLES:
        if name != "texts":  # which are read by name alone
            one, other = (pd.concat(each.scan(name)) for each in (trace, plain))
            pd.testing.assert_frame_equal(one, other)
    for column in ("words", None):
        with pytest.raises(TraceError, match="holds a run with dataset"):
            made(column, "why")
    assert "rationale" not in json.dumps(json.loads(finished.read("inputs.json"))["columns"])


# --- going on ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", [0, 1, 1 + FILES - 1, 1 + FILES, 1 + 2 * FILES + 3, 1 + SHARDS * FILES]
)
def test_a_recording_that_was_killed_goes_on(
    written: int, models: Bench, tiny_csv: str, finished: Folder, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Killed when so many files were there, and the next was half written."""
    folder, left, replace = Folder(tmp_path / "trace"), [written], files._replace

    def dying(path: Path, data: bytes) -> None:
        if left[0] == 0:
            path.with_name(path.name + ".partial").write_bytes(data[: len(data) // 2])
            raise KeyboardInterrupt
        left[0] -= 1
        replace(path, data)

    monkeypatch.setattr(files, "_replace", dying)
    with pytest.raises(KeyboardInterrupt):
        recorded(models, tiny_csv, folder)
    monkeypatch.undo()
    monkeypatch.setattr(recording, "SHARD", PART)
    before = stamps(folder)
    whole = max(written - 1, 0) // FILES
    assert finished_shards(folder) == set(range(whole))
    with pytest.raises(TraceError, match="unfinished"):
        Trace.open(folder)
    recorded(models, tiny_csv, folder)
    assert contents(folder) == contents(finished)
    kept = [name for name in before if name.startswith("shards/") and int(name[7:13]) < whole]
    assert len(kept) == whole * FILES
    assert {name: stamps(folder)[name] for name in kept} == {name: before[name] for name in kept}


def test_a_finished_recording_is_opened_and_not_written(
    models: Bench, tiny_csv: str, copied: Folder
) -> None:
    before = stamps(copied)
    again = recorded(models, tiny_csv, copied)
    assert stamps(copied) == before
    assert len(again.documents) == DOCUMENTS


def torn(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def edited(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("damage", [torn, edited, Path.unlink])
@pytest.mark.parametrize("name", [*(f"{table}.parquet" for table in TABLES), "shard.json"])
def test_what_is_damaged_is_recorded_again(
    name: str, damage: Callable[[Path], None], models: Bench, tiny_csv: str, finished: Folder,
    copied: Folder,
) -> None:  # fmt: skip
    before = stamps(copied)
    damage(Path(str(copied), "shards", "000003", name))
    assert finished_shards(copied) == {0, 1, 2, 4}
    trace = recorded(models, tiny_csv, copied)
    assert contents(copied) == contents(finished)
    after = stamps(copied)
    changed = {file for file in before if after[file] != before[file]}
    assert changed == {f"shards/000003/{file}" for file in (finished / "shards/000003").names()}
    trace.validate()


def test_a_shard_that_is_gone_is_recorded_again(
    models: Bench, tiny_csv: str, finished: Folder, copied: Folder
) -> None:
    copied.remove("shards/000001")
    (copied / "shards" / "000003").remove("shard.json")
    assert len(recorded(models, tiny_csv, copied).documents) == DOCUMENTS
    assert contents(copied) == contents(finished)


def test_a_shard_of_another_recording_is_not_taken_for_one(
    models: Bench, tiny_csv: str, finished: Folder, copied: Folder, tmp_path: Path
) -> None:
    other = Folder(tmp_path / "other")
    recorded(models, tiny_csv, other, SAMPLED.model_copy(update={"seed": 1}))
    for number, source in (
        ("000001", copied / "shards/000000"),
        ("000002", other / "shards/000002"),
    ):
        copied.remove(f"shards/{number}")
        shutil.copytree(str(source), str(copied / "shards" / number))
    recorded(models, tiny_csv, copied)
    assert contents(copied) == contents(finished)
    shutil.copytree(str(other / "shards/000004"), str(copied / "shards/000005"))
    with pytest.raises(TraceError, match="shards/000005 is no shard of this run, which has 5; rem"):
        recorded(models, tiny_csv, copied)


def claiming_less(file: Path) -> None:
    about = json.loads(file.read_text())
    file.write_text(json.dumps(about | {"counts": {"documents": 70}, "labels": ["a", "b"]}))


@pytest.mark.parametrize(
    "damage",
    [torn, edited, Path.unlink, Path.touch, lambda file: file.write_text(""), claiming_less],
)
def test_what_the_trace_holds_is_told_again(
    damage: Callable[[Path], None], models: Bench, tiny_csv: str, finished: Folder, copied: Folder
) -> None:
    damage(Path(str(copied), "about.json"))
    recorded(models, tiny_csv, copied)
    assert contents(copied) == contents(finished)


def test_behind_a_url_it_is_the_same(models: Bench, tiny_csv: str, finished: Folder) -> None:
    folder = Folder("memory://recording/run/trace")
    trace = recorded(models, tiny_csv, folder)
    assert contents(folder) == contents(finished)
    assert trace.documents.ids.tolist() == Trace.open(finished).documents.ids.tolist()
    place = folder / "shards" / "000001"
    place.write("texts.parquet", place.read("texts.parquet")[:-1])
    recorded(models, tiny_csv, folder)
    assert contents(folder) == contents(finished)


def test_a_trace_of_the_first_version_is_not_gone_on_with(
    models: Bench, tiny_csv: str, copied: Folder
) -> None:
    told = json.loads(copied.read("inputs.json"))
    del told["schema_version"]
    copied.write("inputs.json", json.dumps(told))
    before = stamps(copied)
    with pytest.raises(TraceError) as refused:
        recorded(models, tiny_csv, copied)
    assert str(refused.value) == (
        f"{copied}: a trace of schema version 1, this auditkit reads 2; record it again with "
        "`auditkit run --overwrite`"
    )
    assert stamps(copied) == before


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"seed": 1}, "seed 0, this one has 1"),
        ({"random_draws": 3}, "random_draws 2, this one has 3"),
        ({"random_draws": 0}, "random_draws 2, this one has 0"),
        ({"repeat_documents": 31}, "repeat_documents 30, this one has 31"),
    ],
)
def test_other_inputs_are_not_mixed_in(
    settings: dict[str, int], named: str, models: Bench, tiny_csv: str, copied: Folder
) -> None:
    before, other = stamps(copied), SAMPLED.model_copy(update=settings)
    with pytest.raises(TraceError, match=f"holds a run with {named}; give --overwrite"):
        recorded(models, tiny_csv, copied, other)
    assert stamps(copied) == before


@pytest.mark.parametrize(
    ("torn", "said"),
    [
        (b"", "is no JSON"), (b"{", "is no JSON"), (b"\xff\xfe", "is no JSON"),
        (b"[" * 9999, "is no JSON"), (b"[]", "names no inputs"), (b"7", "names no inputs"),
        (b"{}", "a trace of schema version 1"),
        (b'{"schema_version": 2}', "by an auditkit that did not note auditkit"),
    ],
)  # fmt: skip
def test_inputs_that_cannot_be_read(
    torn: bytes, said: str, models: Bench, tiny_csv: str, copied: Folder
) -> None:
    copied.write("inputs.json", torn)
    with pytest.raises(TraceError, match=rf"{said}.*--overwrite") as told:
        recorded(models, tiny_csv, copied)
    assert len(str(told.value).splitlines()) == 1


# --- what decides a trace ----------------------------------------------------------------------


def decided(asked: Bench, csv: str, words: Annotator | None = None) -> dict[str, Any]:
    return inputs(asked, dataset(csv, asked), words or annotator(), SAMPLED)


def differing(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    assert one.keys() == other.keys()
    return {name for name in one if one[name] != other[name]}


def test_inputs_are_plain_json_and_the_same_each_time(model: Path, tiny_csv: str) -> None:
    one = decided(open_bench(ModelSettings(model=str(model))), tiny_csv, load_annotator(None))
    assert one == json.loads(json.dumps(one))
    assert one == decided(bench(model), tiny_csv)


@pytest.mark.parametrize(
    ("name", "value"), [("truncation_side", "left"), ("split_special_tokens", True)]
)
def test_settings_beside_the_tokenizers_engine_are_inputs(
    name: str, value: object, model: Path, tiny_csv: str, tmp_path: Path
) -> None:
    path = shutil.copytree(model, tmp_path / model.name)
    file = path / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {name: value}))
    changed = open_bench(ModelSettings(model=str(path)))
    (text,) = [example.text for example in dataset(tiny_csv, changed).examples][-2:-1]
    if name == "truncation_side":  # it does change what is read
        assert changed.encode([text])[0].token_ids != bench(model).encode([text])[0].token_ids
    assert differing(decided(changed, tiny_csv), decided(bench(model), tiny_csv)) == {"tokenizer"}


def test_weights_of_the_spacy_pipeline_are_inputs(
    models: Bench, tiny_csv: str, tmp_path: Path
) -> None:
    """A pipeline that was trained on, under the name and version that it had."""
    shipped = load_annotator(None)._nlp.path
    one, moved, other = (shutil.copytree(shipped, tmp_path / name / "pipeline") for name in "abc")
    edited(max(other.rglob("*"), key=lambda path: path.stat().st_size))
    words, same = load_annotator(str(one)), load_annotator(str(moved))
    assert decided(models, tiny_csv, words) == decided(models, tiny_csv, same)
    changed = decided(models, tiny_csv, load_annotator(str(other)))
    assert differing(changed, decided(models, tiny_csv, words)) == {"annotator"}


@pytest.mark.parametrize("batch_tokens", [64, 100000])
def test_no_byte_depends_on_the_batch_size(
    batch_tokens: int, model: Path, tiny_csv: str, finished: Folder, tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "trace")
    recorded(bench(model, batch_tokens=batch_tokens), tiny_csv, folder)
    assert contents(folder) == contents(finished)


def test_progress_goes_up_to_all_documents(models: Bench, tiny_csv: str, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    folder, data = Folder(tmp_path / "trace"), dataset(tiny_csv, models)
    record(models, data, annotator(), SAMPLED, folder, lambda *told: seen.append(told))
    assert {(what, total) for what, _, total in seen} == {("record documents", DOCUMENTS)}
    done = [number for _, number, _ in seen]
    assert done == sorted(done)
    assert (done[-1], len(set(done)) > SHARDS) == (DOCUMENTS, True)


# --- arms --------------------------------------------------------------------------------------


def test_about_tells_which_arms_were_run(models: Bench, finished: Folder) -> None:
    about = Trace.open(finished).about
    told = [(run.name, run.subject, run.documents, run.draws) for run in about.runs]
    assert told == [
        ("baseline", "baseline", DOCUMENTS, 1),
        ("unpruned", "model", DOCUMENTS, 1),
        ("pruned", "model", DOCUMENTS, 1),
        ("random", "model", 60, 2),
        ("repeat", "model", 30, 1),
    ]
    assert set(about.subjects) == set(models.subjects) == {"model", "baseline"}
    assert set(about.absent) == {"continued", "reseeded"}
    assert about.absent["continued"].endswith("has no folder continued/")
    assert (about.dataset.audited, about.dataset.truncated) == (DOCUMENTS, 1)
    counted = {name: sum(len(part) for part in _scan(finished, name)) for name in TABLES}
    assert about.counts == counted
    assert min(counted.values()) >= DOCUMENTS


def _scan(folder: Folder, name: str) -> Iterator[pd.DataFrame]:
    trace = Trace.open(folder)
    return trace.scan(name, ids=trace.documents.ids if name == "texts" else None)


@pytest.mark.parametrize(
    ("settings", "absent"),
    [
        ({"random_draws": 0}, {"random": "--random-draws or --random-documents is 0"}),
        ({"random_documents": 0}, {"random": "--random-draws or --random-documents is 0"}),
        ({"repeat_documents": 0}, {"repeat": "--repeat-documents is 0"}),
    ],
)
def test_an_arm_that_is_not_asked_for(
    settings: dict[str, int], absent: dict[str, str], models: Bench, tiny_csv: str, tmp_path: Path
) -> None:
    asked = SAMPLED.model_copy(update=settings)
    trace = recorded(models, tiny_csv, Folder(tmp_path / "trace"), asked)
    (name,) = absent
    assert trace.about.absent[name] == absent[name]
    assert trace.about.arm(name) is None
    assert trace.documents.answers(name) is None
    assert name not in set(pd.concat(trace.scan("depths", ["arm"]))["arm"])


def test_arms_that_are_sampled_are_run_on_each_class_by_its_share(finished: Folder) -> None:
    documents = Trace.open(finished).documents
    shares = Counter(documents.label.tolist())
    for name, size in (("random", 60), ("repeat", 30)):
        answers = documents.answers(name)
        assert answers is not None
        assert len(answers.rows) == size
        drawn = Counter(documents.label[answers.rows].tolist())
        for label, count in shares.items():
            assert abs(drawn[label] - size * count / DOCUMENTS) < 1
    table = Trace.open(finished).table("documents").set_index("example_id")
    for column in ("predicted_repeat", "probs_repeat"):
        assert table[column].notna().sum() == 30
    assert table["probs_pruned"].notna().all()


def test_the_repeated_arm_says_what_the_pruned_one_says(finished: Folder) -> None:
    trace = Trace.open(finished)
    again, pruned = trace.documents.answers("repeat"), trace.documents.answers("pruned")
    assert again is not None
    assert pruned is not None
    np.testing.assert_allclose(again.probs, pruned.probs[again.rows], atol=1e-5)
    assert np.array_equal(again.predicted, pruned.predicted[again.rows])
    depths = pd.concat(trace.scan("depths"))
    own = pd.concat(trace.scan("tokens", ["example_id", "position", "depth"]))
    found = depths[depths["arm"] == "repeat"].merge(own, on=["example_id", "position"])
    assert len(found) == trace.documents.tokens[again.rows].sum()
    assert set(found["draw"]) == {0}
    assert (found["depth_x"] == found["depth_y"]).mean() > 0.99


def test_beside_baselines_of_other_seeds(
    model: Path, finished: Folder, tiny_csv: str, tmp_path: Path
) -> None:
    path = shutil.copytree(model, tmp_path / model.name)
    shutil.copytree(path / "baseline", path / "reseeded")
    shutil.copytree(path / "baseline", path / "continued")
    trace = recorded(bench(path), tiny_csv, Folder(tmp_path / "trace"))
    sampled = {"random", "repeat"}
    assert trace.about.arms == tuple(arm.name for arm in ARMS if arm.name != "changed")
    assert trace.about.absent == {}
    for run in trace.about.runs:
        assert run.subject in trace.about.subjects
        assert (run.documents == DOCUMENTS) == (run.name not in sampled)
    before, now = Trace.open(finished).documents, trace.documents
    for name in ("baseline", "continued", "reseeded"):
        expected, seen = before.answers("baseline"), now.answers(name)
        assert expected is not None
        assert seen is not None
        assert np.array_equal(seen.probs, expected.probs)


# --- the table documents -----------------------------------------------------------------------


def test_documents_count_what_the_other_tables_hold(
    models: Bench, tiny_csv: str, finished: Folder
) -> None:
    trace = Trace.open(finished)
    table = trace.table("documents").set_index("example_id")
    data = dataset(tiny_csv, models)
    assert sorted(table.index) == sorted(example.example_id for example in data.examples)
    tokens = {str(k): g for k, g in pd.concat(trace.scan("tokens")).groupby("example_id")}
    costs = pd.concat(trace.scan("costs"))
    texts = pd.concat(_scan(finished, "texts")).set_index("example_id")["text"]
    for example in data.examples:
        row, own = table.loc[example.example_id], tokens[example.example_id]
        assert row["label"] == example.label
        assert row["tokens"] == len(own)
        rows: list[Any] = list(own.itertuples())
        assert row["pieces"] == sum(not token.special for token in rows)
        for layer in range(1, trace.about.layers + 1):
            alive = [token for token in rows if token.depth >= layer]
            assert row["kept"][layer - 1] == sum(not token.special for token in alive)
            assert row["special_kept"][layer - 1] == sum(bool(token.special) for token in alive)
        for column in GROUPS:
            assert row[f"group:{column}"] == dict(example.groups).get(column, "")
        for arm in ("baseline", "pruned"):
            mine = costs[(costs["example_id"] == example.example_id) & (costs["arm"] == arm)]
            assert row[f"macs_{arm}"] == mine["macs_attention"].sum() + mine["macs_ffn"].sum()
        assert texts[example.example_id] == example.text
    assert "" in set(table["group:season"])


def test_draws_depend_on_the_document_and_not_on_what_else_is_audited(
    models: Bench, tiny_csv: str, finished: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "SHARD", 512)
    every = RecordingSettings(random_draws=2, random_documents=DOCUMENTS, repeat_documents=0)
    trace = recorded(models, tiny_csv, Folder(tmp_path / "trace"), every)
    key = ["example_id", "draw", "position"]
    some = pd.concat(Trace.open(finished).scan("depths"))
    some = some[some["arm"] == "random"]
    both = some.merge(pd.concat(trace.scan("depths")), on=key)
    assert len(both) == len(some)
    assert (both["depth_x"] == both["depth_y"]).all()
