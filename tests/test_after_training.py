"""What follows a training: an audit of documents that it has not seen, or going on with it."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from command import auditkit as command
from toy_training import Interruption, interrupting, make_backbone, recipe, teach

from auditkit.cli.training_table import audit_command

# --- the next step -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trained", "dataset", "audited"),
    [
        ("train", "agnews", ["--dataset", "agnews", "--split", "test"]),
        ("test", "agnews", ["--dataset", "agnews", "--split", "train"]),
        ("train", "someone/texts", ["--dataset", "someone/texts", "--split", "test"]),
        ("train[:50%]", "someone/texts", ["--dataset", "FILE"]),
        ("all", "agnews", ["--dataset", "FILE"]),
    ],
)
def test_the_next_step_audits_what_was_not_trained_on(
    trained: str, dataset: str, audited: list[str]
) -> None:
    line, _, why = audit_command("my ckpt", dataset, trained, {}).partition("; ")
    assert shlex.split(line) == ["auditkit", "run", "--model", "my ckpt", *audited]
    assert why == ("FILE: documents that it has not seen" if "FILE" in audited else "")


def test_the_next_step_says_where_the_data_lie() -> None:
    places = {"data_dir": "my data", "text_column": None, "labels": "a=b"}
    line = audit_command("ckpt", "agnews", "train", places)
    assert line.endswith("--split test --data-dir 'my data' --labels a=b")


@pytest.mark.parametrize("flags", [[], ["--sweep", "0.8,0.6"]])
def test_a_training_on_a_file_names_no_file_that_it_was_trained_on(
    flags: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditkit.cli.train.train_with_bars", lambda *given, **how: ())
    monkeypatch.setattr("auditkit.cli.train.tell_one", lambda *given: None)
    monkeypatch.setattr("auditkit.cli.train.tell_sweep", lambda *given: None)
    backbone = tiny.backbone("bert", tmp_path / "bert")
    data, out = tiny.train_csv(tmp_path / "train.csv", 60), tmp_path / "out"
    done = command("train", "--dataset", data, "--text-column", "text", "--backbone", backbone,
                   "--out", out, *flags)  # fmt: skip
    assert done.code == 0, done.err
    place = f"{out}/share-0.80" if flags else out
    asked = f"auditkit run --model {place} --dataset FILE --text-column text"
    assert done.out.splitlines()[-1].endswith(f": {asked}; FILE: documents that it has not seen")
    assert data not in done.out


# --- an unfinished training --------------------------------------------------------------------


def test_an_unfinished_training_is_no_checkpoint_yet(tmp_path: Path) -> None:
    backbone, out = make_backbone(tmp_path / "backbone"), tmp_path / "my out"
    short = replace(recipe(backbone), epochs=(1.0, 1.0, 1.0), save_steps=100)
    with pytest.raises(Interruption):
        teach(short, out, observer=interrupting("baseline", 11))
    (tmp_path / "d.csv").write_text("text,label\nbad,dull\n")
    for _ in range(2):  # looking changes nothing
        done = command("run", "--model", out, "--dataset", tmp_path / "d.csv")
        assert (done.code, done.out) == (2, "")
        assert done.complaint == (
            f"auditkit: {out}: its training is not finished (done: no stage; baseline at step 10 "
            f"of 12); go on with `auditkit train --out '{out}' --resume --dataset … --backbone …` "
            "and whatever else it was begun with"
        )
    with pytest.raises(Interruption):
        teach(short, out, resume=True, observer=interrupting("soft", 3))
    done = command("explain", "--model", out, "bad")
    assert done.code == 2
    assert "is not finished (done: baseline; soft at step 1 of 12); go on" in done.complaint


def test_an_unfinished_record_that_is_damaged_is_one_line(tmp_path: Path) -> None:
    place = tmp_path / ".training"
    place.mkdir()
    (place / "history.jsonl").write_text('{"stage": ["\\u001b[2J"], "step": {}, "seconds": 1}\n')
    done = command("explain", "--model", tmp_path, "bad")
    assert (done.code, "\x1b" in done.err) == (2, False)
    assert "is not finished (done: no stage; " in done.complaint
    (place / "settings.json").write_text("{")
    done = command("explain", "--model", tmp_path, "bad")
    assert (done.code, "settings.json cannot be read" in done.complaint) == (2, True)
