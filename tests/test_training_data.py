"""Texts beside the audited ones: how they are read, what is told of them, what is found in them."""

from pathlib import Path

import pytest
import tiny
from command import audit as run
from tabular import load, write_csv, write_jsonl

import auditkit
from auditkit.data.examples import Dataset
from auditkit.data.settings import DataSettings
from auditkit.data.training import about_training, load_training
from auditkit.errors import DataError
from auditkit.finding import Finding

NAMES = ("World", "Sports")
AUDITED = [("text", "label"), ("Talks end", "World"), ("Cup final", "sports"), ("Rain", "World")]
TRAINED = [("label", "content", "x"), ("sports", "Rain", "1"), ("World", "Cup final", "2"),
           ("World", "Cup final", "3"), ("World", "", "4")]  # fmt: skip


def given(folder: Path, file: str) -> tuple[Dataset, Dataset | None]:
    """The audited data, and the training file beside them."""
    dataset = write_csv(folder / "audited.csv", AUDITED)
    audited = load(dataset, label_names=NAMES)
    chosen = DataSettings.model_validate({"dataset": dataset, "training_data": file})
    return audited, load_training(chosen, NAMES)


def test_columns_are_found_labels_matched_and_rows_refused(tmp_path: Path) -> None:
    audited, training = given(tmp_path, write_csv(tmp_path / "train.csv", TRAINED))
    assert training is not None
    assert [(e.text, e.label) for e in training.examples] == [
        ("Rain", 1), ("Cup final", 0), ("Cup final", 0),
    ]  # fmt: skip
    told = about_training(training, audited)
    assert (told.name, told.rows_in, told.refused, told.audited) == ("train.csv", 4, 1, 2)
    assert (told.text_column, told.label_column) == ("content", "label")
    assert told.sha256 == training.sha256
    assert told.reading == (
        "Training texts: train.csv, 4 rows in = 3 used + 1 refused; 2 of the audited documents are "
        "among them."
    )


def test_without_a_file_there_is_none(tmp_path: Path) -> None:
    dataset = write_csv(tmp_path / "audited.csv", AUDITED)
    settings = DataSettings(dataset=dataset)
    assert load_training(settings, NAMES) is None


def test_labels_that_are_merged_are_merged_in_the_file_too(tmp_path: Path) -> None:
    rows = [{"text": "Rain", "label": "cup"}, {"text": "Sun", "label": "sports"},
            {"text": "Fog", "label": "World"}]  # fmt: skip
    audited = [("text", "label"), ("a", "cup"), ("b", "sports"), ("c", "World")]
    dataset = write_csv(tmp_path / "audited.csv", audited)
    settings = DataSettings.model_validate(
        {"dataset": dataset, "labels": "Sports=sports+cup",
         "training_data": write_jsonl(tmp_path / "train.jsonl", rows)}
    )  # fmt: skip
    training = load_training(settings, NAMES)
    assert training is not None
    assert [e.label for e in training.examples] == [1, 1, 0]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (None, "--training-data: data file '.*gone.csv' not found"),
        ([("text", "label"), ("a", "Politics")], "--training-data: .*no class Politics"),
        (
            [("words", "label"), ("a", "World")],
            "--training-data: gone.csv: no column looks like th",
        ),
        ([("text", "label"), ("", "World")], "--training-data: gone.csv: none of 1 rows is usable"),
    ],
)
def test_a_file_that_cannot_be_used(
    rows: list[tuple[str, str]] | None, line: str, tmp_path: Path
) -> None:
    path = tmp_path / "gone.csv"
    if rows is not None:
        write_csv(path, rows)
    with pytest.raises(DataError, match=line) as told:
        given(tmp_path, str(path))
    assert "\n" not in str(told.value)


# --- in a run


def found(folder: Path) -> Finding:
    return auditkit.load(folder).finding("domain_term")


def test_terms_are_found_in_the_file_and_found_again_when_it_changes(
    model: Path, data: str, tmp_path: Path
) -> None:
    """The tiny checkpoint has learned that nouns tell the classes apart."""
    folder = tmp_path / "run"

    def audited(file: str) -> str:
        flags = ("--probe", "domain_term", "--random-draws", "0", "--training-data", file)
        done = run(folder, *flags, "--speed-documents", "0", model=model, dataset=data)
        assert (done.code, done.err) == (0, "")
        return done.out

    said = audited(tiny.train_csv(tmp_path / "train.csv"))
    about, first = auditkit.load(folder).about, found(folder)
    assert about["training_data"]["name"] == "train.csv"
    assert about["training_data"]["audited"] == 0
    assert about["settings"]["training_data"] == "train.csv"
    assert (
        about["training_data"]["sha256"] in (folder / "trace/measured/domain_term.key").read_text()
    )
    assert "Training texts: train.csv" in said
    assert "Training texts" in (folder / "report.html").read_text()
    assert "roses" in first.table("terms").column("term")
    m = first.measurement("accuracy_change", arm="pruned", perturbation="mask",
                          category="domain terms", against="random words")  # fmt: skip
    assert m.value is not None
    assert m.value < -20
    results = (folder / "results.json").read_bytes()
    audited(tiny.train_csv(tmp_path / "train.csv"))
    assert (folder / "results.json").read_bytes() == results
    said = audited(data)
    assert "30 of the audited documents are among them" in " ".join(said.split())
    again = found(folder)
    assert again.table("terms") != first.table("terms")
    assert any("30 of the 30 documents stand in the training file" in c for c in again.caveats)
