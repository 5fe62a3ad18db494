"""A second baseline, of the next seed: made once, resumed, and of the recipe of the first."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from command import auditkit
from safetensors.torch import load_file
from toy_training import (
    HELD_OUT,
    Interruption,
    interrupting,
    make_backbone,
    recipe,
    record,
    teach,
    weights,
)
from transformers import AutoTokenizer

from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp.checkpoints import fingerprint, load_baseline
from auditkit.ltp.inference import evaluate
from auditkit.ltp.training.outcome import Stage
from auditkit.ltp.training.settings import TrainingSettings
from auditkit.ltp.training.sweep import directory, sweep
from auditkit.ltp.training.trainer import Step


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("reseeded") / "encoder")


@pytest.fixture(scope="module")
def quick(backbone: Path) -> TrainingSettings:
    """So short that nothing is learned."""
    return replace(recipe(backbone), epochs=(0.5, 0.2, 0.2))


@pytest.fixture(scope="module")
def plain(quick: TrainingSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without a second baseline; read-only."""
    out = tmp_path_factory.mktemp("plain") / "out"
    teach(quick, out)
    return out


@pytest.fixture(scope="module")
def trained(quick: TrainingSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With one; read-only."""
    out = tmp_path_factory.mktemp("trained") / "out"
    teach(replace(quick, reseeded=True), out)
    return out


def equal(one: Path, other: Path) -> bool:
    """Whether two models have the same weights, bit by bit."""
    ours, theirs = (load_file(place / "model.safetensors") for place in (one, other))
    return ours.keys() == theirs.keys() and all(torch.equal(v, theirs[n]) for n, v in ours.items())


def given(settings: TrainingSettings, baseline: Path, **changes: Any) -> TrainingSettings:
    return replace(settings, backbone=None, baseline=str(baseline), reseeded=True, **changes)


@pytest.mark.slow
def test_it_is_the_baseline_of_the_next_seed(
    trained: Path, quick: TrainingSettings, tmp_path: Path
) -> None:
    teach(replace(quick, seed=quick.seed + 1), tmp_path / "next")
    assert equal(trained / "reseeded", tmp_path / "next" / "baseline")
    assert not equal(trained / "reseeded", trained / "baseline")
    ours, theirs = (load_file(trained / n / "model.safetensors") for n in ("reseeded", "baseline"))
    assert not torch.allclose(ours["classifier.weight"], theirs["classifier.weight"], atol=1e-2)


@pytest.mark.slow
def test_asking_for_it_changes_nothing_else(trained: Path, plain: Path) -> None:
    ours, theirs = weights(trained), weights(plain)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert not (plain / "reseeded").exists()
    assert [stage["stage"] for stage in record(plain)["stages"]] == ["baseline", "soft", "hard"]


def test_its_figures_are_those_of_what_was_saved(trained: Path) -> None:
    found = record(trained)
    baseline, _, _, stage = found["stages"]
    assert found["settings"]["reseeded"] is True
    assert stage["stage"] == "reseeded"
    for figure in ("steps", "documents", "macs_share", "thresholds", "held_out", "given"):
        assert stage[figure] == baseline[figure]
    tokenizer: Any = AutoTokenizer.from_pretrained(trained / "reseeded")
    ids = tokenizer(list(HELD_OUT.texts))["input_ids"]
    model = load_baseline(str(trained / "reseeded"))
    assert evaluate(model, ids, HELD_OUT.labels, pruning="off").accuracy == stage["accuracy"]


@pytest.mark.slow
def test_interrupted_it_ends_as_if_it_was_not(
    trained: Path, quick: TrainingSettings, tmp_path: Path
) -> None:
    out, settings = tmp_path / "out", replace(quick, reseeded=True)
    with pytest.raises(Interruption):
        teach(settings, out, observer=interrupting("reseeded", 5))
    assert not (out / "training.json").exists()
    with pytest.raises(SettingsError, match="begun with reseeded True, now it is False"):
        teach(quick, out, resume=True)
    told: list[Step] = []
    teach(settings, out, resume=True, observer=told.append)
    assert [(step.stage, step.step) for step in told] == [("reseeded", 5), ("reseeded", 6)]
    assert equal(out / "reseeded", trained / "reseeded")


def test_a_sweep_trains_it_once(trained: Path, quick: TrainingSettings, tmp_path: Path) -> None:
    told: list[Step] = []

    def training(own: TrainingSettings, place: Path) -> tuple[Stage, ...]:
        return teach(own, place, observer=told.append)

    settings = replace(quick, reseeded=True, continued=True)
    done = sweep(settings, (0.7, 0.5), tmp_path / "out", training)
    assert [step.step for step in told if step.stage == "reseeded"] == [1, 2, 3, 4, 5, 6]
    for share, source in ((0.7, ""), (0.5, "share-0.70/reseeded")):
        place = directory(tmp_path / "out", share)
        assert [(s.stage, s.given) for s in done[share]][4] == ("reseeded", source)
        assert fingerprint(str(place / "reseeded")) == fingerprint(str(trained / "reseeded"))


@pytest.mark.slow
def test_a_sweep_from_a_given_baseline_makes_its_controls_once(
    trained: Path, plain: Path, quick: TrainingSettings, tmp_path: Path
) -> None:
    shutil.copytree(plain / "baseline", tmp_path / "stock")
    told: list[Step] = []

    def training(own: TrainingSettings, place: Path) -> tuple[Stage, ...]:
        return teach(own, place, observer=told.append)

    settings = replace(given(quick, tmp_path / "stock"), backbone=quick.backbone, continued=True)
    done = sweep(settings, (0.7, 0.5), tmp_path / "out", training)
    steps = [(step.stage, step.step) for step in told if step.stage in ("continued", "reseeded")]
    assert len(steps) == len(set(steps)) == 12
    assert [s.given for s in done[0.7]] == [f"{tmp_path.name}/stock", "", "", "", ""]
    controls = ["share-0.70/continued", "share-0.70/reseeded"]
    assert [s.given for s in done[0.5]] == [f"{tmp_path.name}/stock", "", "", *controls]
    assert equal(tmp_path / "out" / "share-0.50" / "reseeded", trained / "reseeded")
    (tmp_path / "out" / "share-0.60").mkdir()
    other = replace(settings, target_macs_share=0.6, baseline=str(trained / "reseeded"))
    stages = teach(other, tmp_path / "out" / "share-0.60")
    assert [s.given for s in stages[3:]] == ["", ""]


# --- beside a baseline that is there already -------------------------------------------------


@pytest.mark.slow
def test_the_record_of_a_given_baseline_names_its_encoder(
    trained: Path,
    plain: Path,
    quick: TrainingSettings,
    backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(backbone.parent.parent)  # a record tells a path's last two parts
    stages = teach(given(quick, plain), tmp_path / "out")
    assert (stages[0].given, stages[3].given, stages[3].steps) == ("out/baseline", "", 6)
    assert equal(tmp_path / "out" / "reseeded", trained / "reseeded")
    assert record(tmp_path / "out")["settings"]["backbone"] == f"{backbone.parent.name}/encoder"
    stages = teach(given(quick, trained), tmp_path / "taken")
    assert (stages[3].given, stages[3].steps) == ("out/reseeded", 0)
    assert equal(tmp_path / "taken" / "reseeded", trained / "reseeded")


def test_without_a_record_the_encoder_is_named(
    trained: Path, plain: Path, quick: TrainingSettings, tmp_path: Path
) -> None:
    shutil.copytree(plain / "baseline", tmp_path / "stock")
    settings = given(quick, tmp_path / "stock")
    with pytest.raises(SettingsError, match=r"^--reseeded needs --backbone.*no training\.json"):
        teach(settings, tmp_path / "out")
    with pytest.raises(CheckpointError, match="no such directory"):
        teach(replace(settings, backbone=str(tmp_path / "nowhere")), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    stages = teach(replace(settings, backbone=quick.backbone), tmp_path / "out")
    assert (stages[0].given, stages[3].given) == (f"{tmp_path.name}/stock", "")
    assert equal(tmp_path / "out" / "reseeded", trained / "reseeded")


def test_an_encoder_that_is_not_what_it_was_will_not_do(
    plain: Path,
    quick: TrainingSettings,
    backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"{backbone.parent.name}/encoder"
    said = f"--reseeded needs --backbone.* names {name}, "
    with pytest.raises(SettingsError, match=said + "which cannot be opened from here"):
        teach(given(quick, plain), tmp_path / "out")
    shutil.copytree(backbone, name)
    (Path(name) / "config.json").write_text((backbone / "config.json").read_text() + "\n")
    with pytest.raises(SettingsError, match=said + "where another one lies by now"):
        teach(given(quick, plain), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_size": 8}, "batch_size is 8, and .*/baseline was trained with 16"),
        ({"seed": 8}, "seed is 8, and .*/baseline was trained with 7"),
        ({"epochs": (0.6, 0.2, 0.2)}, "epochs of the baseline is 0.6, and .* with 0.5; --reseeded"),
    ],
)
def test_it_repeats_the_recipe_of_a_given_baseline_or_is_refused(
    changes: dict[str, Any], said: str, plain: Path, quick: TrainingSettings, tmp_path: Path
) -> None:
    settings = replace(given(quick, plain), backbone=quick.backbone)
    with pytest.raises(SettingsError, match=said):
        teach(replace(settings, **changes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- from the prompt -------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_tells_it(tmp_path: Path) -> None:
    rows, encoder = tiny.train_csv(tmp_path / "train.csv"), tiny.backbone("bert", tmp_path / "b")
    flags: tuple[Any, ...] = (
        "train", "--dataset", rows, "--backbone", encoder, "--epochs", "0.3,0.1,0.1",
        "--max-length", "72", "--reseeded",
    )  # fmt: skip
    for out, more in (("one", ()), ("two", ("--baseline", tmp_path / "one"))):
        done = auditkit(*flags, "--out", tmp_path / out, *more)
        assert done.code == 0, done.err
        stage = record(tmp_path / out)["stages"][3]
        assert f"reseeded: held-out accuracy {stage['accuracy']:.4f}" in done.err
        lines = {line.split()[1]: line.split() for line in done.out.splitlines() if "│" in line}
        assert lines["reseeded"][3:6:2] == [f"{stage['accuracy']:.4f}", "1.00×"]
        assert stage["given"] == ("one/reseeded" if more else "")
