"""Trainings whose files were damaged while they waited: they end in the same weights or a line."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from toy_training import (
    Interruption,
    interrupting,
    make_backbone,
    recipe,
    record,
    same,
    teach,
    weights,
)

from auditkit.errors import SettingsError
from auditkit.files import Folder
from auditkit.ltp.training.outcome import Stage
from auditkit.ltp.training.seals import SEAL, is_whole, seal
from auditkit.ltp.training.settings import STAGES, TrainingSettings
from auditkit.ltp.training.sweep import sweep
from auditkit.ltp.training.trainer import Step
from auditkit.ltp.training.workspace import Workspace

Damage = Callable[[Path], object]


def flip(path: Path) -> None:
    """One bit in the middle."""
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    path.write_bytes(held)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def zero(path: Path) -> None:
    """As a power loss leaves what was not yet written."""
    path.write_bytes(bytes(path.stat().st_size))


@pytest.fixture(scope="module")
def choices(tmp_path_factory: pytest.TempPathFactory) -> TrainingSettings:
    short = (0.5, 0.5, 1.0)
    return replace(recipe(make_backbone(tmp_path_factory.mktemp("backbone"))), epochs=short)


@pytest.fixture(scope="module")
def trained(choices: TrainingSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read-only."""
    out = tmp_path_factory.mktemp("trained") / "out"
    teach(choices, out)
    return out


@pytest.fixture(scope="module")
def begun(choices: TrainingSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Interrupted in the hard stage, past its second checkpoint. Read-only."""
    out = tmp_path_factory.mktemp("begun") / "out"
    with pytest.raises(Interruption):
        teach(choices, out, observer=interrupting("hard", 10))
    return out


@pytest.fixture
def out(begun: Path, tmp_path: Path) -> Path:
    return shutil.copytree(begun, tmp_path / "out")


# --- what an interrupted training has ---------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("optimizer.pt", Path.unlink),
        ("optimizer.pt", empty),
        ("scheduler.pt", Path.unlink),
        ("rng_state.pth", Path.unlink),
        ("rng_state.pth", flip),
        ("model.safetensors", flip),
        ("trainer_state.json", cut),
        (SEAL, empty),
        (SEAL, Path.unlink),
    ],
)
def test_a_damaged_checkpoint_is_gone_back_behind(file: str, damage: Damage, out: Path) -> None:
    work = Workspace(out, {})
    steps = work.steps("hard")
    assert work.last_checkpoint("hard") == steps / "checkpoint-8"
    damage(steps / "checkpoint-8" / file)
    assert work.last_checkpoint("hard") == steps / "checkpoint-4"
    assert not (steps / "checkpoint-8").exists()


@pytest.mark.slow
def test_what_went_on_from_the_checkpoint_before_is_the_same(
    out: Path, choices: TrainingSettings, trained: Path
) -> None:
    (out / ".training" / "hard-steps" / "checkpoint-8" / "optimizer.pt").unlink()
    told: list[Step] = []
    teach(choices, out, resume=True, observer=told.append)
    assert (told[0].stage, told[0].step) == ("hard", 5)
    same(out, trained)


def test_without_a_whole_checkpoint_the_stage_begins_anew(
    out: Path, choices: TrainingSettings, trained: Path
) -> None:
    for name in ("checkpoint-4", "checkpoint-8"):
        flip(out / ".training" / "hard-steps" / name / "optimizer.pt")
    told: list[Step] = []
    teach(choices, out, resume=True, observer=told.append)
    assert (told[0].stage, told[0].step) == ("hard", 1)
    same(out, trained)


@pytest.mark.parametrize(
    ("stage", "file", "damage"),
    [
        ("baseline", "model.safetensors", flip),
        ("soft", "model.safetensors", flip),
        ("soft", "model.safetensors", Path.unlink),
        ("soft", "stage.json", empty),
        ("soft", "config.json", cut),
        ("soft", SEAL, zero),
    ],
)
def test_a_damaged_stage_goes_and_what_came_of_it(
    stage: str, file: str, damage: Damage, out: Path
) -> None:
    work = Workspace(out, {})
    work.mend(STAGES)
    assert [name for name in STAGES if work.is_done(name)] == ["baseline", "soft"]
    assert work.steps("hard").exists()
    damage(work.directory(stage) / file)
    work.mend(STAGES)
    assert [name for name in STAGES if work.is_done(name)] == list(STAGES[: STAGES.index(stage)])
    assert not work.steps("hard").exists()


@pytest.mark.parametrize("stage", ["baseline", pytest.param("soft", marks=pytest.mark.slow)])
def test_a_damaged_stage_is_made_again(
    stage: str, out: Path, choices: TrainingSettings, trained: Path
) -> None:
    flip(out / ".training" / stage / "model.safetensors")
    told: list[Step] = []
    teach(choices, out, resume=True, observer=told.append)
    again = STAGES[STAGES.index(stage) :]
    assert list(dict.fromkeys(step.stage for step in told)) == list(again)
    assert told[0].step == 1
    same(out, trained)


@pytest.mark.parametrize("damage", [empty, cut, zero])
def test_choices_that_are_damaged_are_one_line(
    damage: Damage, out: Path, choices: TrainingSettings
) -> None:
    damage(out / ".training" / "settings.json")
    with pytest.raises(SettingsError, match="remove the directory and train again") as told:
        teach(choices, out, resume=True)
    assert len(str(told.value).splitlines()) == 1


def test_stages_of_unknown_choices_are_not_gone_on_with(
    out: Path, choices: TrainingSettings
) -> None:
    (out / ".training" / "settings.json").unlink()
    with pytest.raises(SettingsError, match="is not an empty directory"):
        teach(choices, out, resume=True)


@pytest.mark.parametrize(
    "damage", [empty, cut, zero, Path.unlink, lambda path: path.write_bytes(b"3\n{}\n\xff\n[]")]
)
def test_a_damaged_history_costs_no_more_than_its_lines(
    damage: Damage, out: Path, choices: TrainingSettings, trained: Path
) -> None:
    damage(out / ".training" / "history.jsonl")
    teach(choices, out, resume=True)
    assert all(
        (a == b).all()
        for a, b in zip(weights(out).values(), weights(trained).values(), strict=True)
    )
    kept = record(out)["history"]
    assert [line["step"] for line in kept if line["stage"] == "hard"][-2:] == [10, 12]


def test_a_training_has_one_process(out: Path, choices: TrainingSettings, trained: Path) -> None:
    with Folder(out / ".training").held(), pytest.raises(SettingsError, match="being written by"):
        teach(choices, out, resume=True)
    teach(choices, out, resume=True)
    assert not (out / ".training").exists()
    same(out, trained)


# --- what a finished training has -------------------------------------------------------------


@pytest.mark.parametrize(
    "file", ["model.safetensors", "config.json", "tokenizer.json", "baseline/model.safetensors"]
)
@pytest.mark.parametrize("damage", [Path.unlink, flip])
def test_a_finished_training_that_is_damaged_is_not_called_finished(
    file: str, damage: Damage, trained: Path, choices: TrainingSettings, tmp_path: Path
) -> None:
    out = shutil.copytree(trained, tmp_path / "out")
    assert len(teach(choices, out, resume=True)) == 3
    damage(out / file)
    with pytest.raises(SettingsError, match=f"{file} is gone, or not what was trained; copy it"):
        teach(choices, out, resume=True)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "{}", "\0\0\0\0", '{"settings": 1}', '{"settings": {}}',
        '{"settings": {}, "stages": [1]}', '{"settings": {}, "stages": [], "files": [1]}',
    ],
)  # fmt: skip
def test_a_record_that_is_damaged_is_one_line(
    text: str, trained: Path, choices: TrainingSettings, tmp_path: Path
) -> None:
    out = shutil.copytree(trained, tmp_path / "share-0.50")
    (out / "training.json").write_text(text)

    def training(own: TrainingSettings, place: Path) -> tuple[Stage, ...]:
        return teach(own, place, resume=True)

    with pytest.raises(SettingsError, match="remove the directory and train again") as alone:
        training(choices, out)
    with pytest.raises(SettingsError) as in_a_sweep:
        sweep(choices, [0.5], tmp_path, training, resume=True)
    assert str(in_a_sweep.value) == str(alone.value)
    assert len(str(alone.value).splitlines()) == 1


# --- seals ------------------------------------------------------------------------------------


def test_a_seal_holds_what_was_written_and_no_more(tmp_path: Path) -> None:
    assert not is_whole(tmp_path)
    seal(tmp_path)
    assert not is_whole(tmp_path)  # of nothing
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text("b")
    seal(tmp_path)
    assert is_whole(tmp_path)
    (tmp_path / ".DS_Store").write_text("a file manager's")
    assert is_whole(tmp_path)
    assert list(json.loads((tmp_path / SEAL).read_text())) == ["a/b"]
