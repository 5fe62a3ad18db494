"""The three stages on a toy task that is learned in seconds, interrupted and resumed."""

import json
import math
import shutil
import signal
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_training import (
    HELD_OUT,
    NAMES,
    TRAINING,
    Interruption,
    interrupting,
    launch,
    make_backbone,
    recipe,
    record,
    same,
    teach,
    toy,
    weights,
)
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertForSequenceClassification,
)

from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.checkpoints import load_baseline, load_ltp
from auditkit.ltp.inference import evaluate
from auditkit.ltp.training.outcome import Stage
from auditkit.ltp.training.settings import STAGES, TrainingSettings
from auditkit.ltp.training.stages import train
from auditkit.ltp.training.trainer import Step


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="session")
def choices(backbone: Path) -> TrainingSettings:
    return recipe(backbone)


@pytest.fixture(scope="session")
def steps() -> list[Step]:
    """What the observer of the session's one uninterrupted training was told."""
    return []


@pytest.fixture(scope="session")
def trained(
    choices: TrainingSettings, tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> Path:
    out = tmp_path_factory.mktemp("trained") / "out"
    teach(choices, out, observer=steps.append)
    return out


# --- one training ----------------------------------------------------------------------------


def test_every_stage_learns_and_the_budget_is_met(trained: Path) -> None:
    stages = record(trained)["stages"]
    assert [stage["stage"] for stage in stages] == list(STAGES)
    assert [stage["documents"] for stage in stages] == [576, 384, 384]
    assert [stage["steps"] for stage in stages] == [36, 24, 24]
    assert all(stage["accuracy"] > 0.9 for stage in stages)
    assert stages[0]["macs_share"] == 1.0
    assert stages[2]["macs_share"] == pytest.approx(0.5, abs=0.05)
    assert stages[0]["thresholds"] == [0.0, 0.0, 0.0]
    assert stages[1]["lam"] is not None
    rates = stages[2]["keep_rates"]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.6


def test_the_record_is_complete(
    trained: Path, choices: TrainingSettings, steps: list[Step]
) -> None:
    found = record(trained)
    assert found["schema_version"] == 1
    expected = json.loads(json.dumps(asdict(choices))) | {
        "rows": 192, "held_out_rows": 64, "labels": list(NAMES),
        "backbone": "/".join(Path(str(choices.backbone)).parts[-2:]),  # tells no machine's folders
    }  # fmt: skip
    assert found["settings"].items() >= expected.items()
    assert any("offset" in said for said in found["deviations"])
    for name, total in zip(STAGES, (36, 24, 24), strict=True):
        told = [step for step in steps if step.stage == name]
        assert [step.step for step in told] == list(range(1, total + 1))
        assert {step.steps for step in told} == {total}
        lines = [line for line in found["history"] if line["stage"] == name]
        kept = [s for s in told if s.step % 10 == 0 or s.step in (1, total)]
        assert [line["step"] for line in lines] == [step.step for step in kept]
        for line, step in zip(lines, kept, strict=True):
            assert line.items() >= json.loads(json.dumps(asdict(step))).items()
            assert np.isfinite(line["loss"])
        seconds = [line["seconds"] for line in lines]
        assert seconds == sorted(seconds)
    soft = [step for step in steps if step.stage == "soft"]
    moves = np.abs(np.diff([step.thresholds for step in soft], axis=0)).max(1)
    assert (moves > 0).all()
    tokens = np.mean([len(text.split()) + 2 for text in TRAINING.texts])
    rate = choices.threshold_lr / tokens
    assert 0.5 < moves.max() / rate < 1.05  # Adam's steps are as long as its rate
    saved = json.loads((trained / "config.json").read_text())
    assert saved["temperature"] == pytest.approx(choices.temperature / tokens)
    assert all(step.lam is not None for step in soft)
    hard = [step for step in steps if step.stage == "hard"]
    assert len({step.thresholds for step in hard}) == 1
    assert all(step.lam is None for step in hard)
    left = {str(path.relative_to(trained)) for path in trained.rglob("*")}
    files = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert left == files | {f"baseline/{file}" for file in files} | {
        "baseline",
        "training.json",
        "trained_on.safetensors",
    }


def test_what_it_leaves_opens_by_the_auto_classes(trained: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(trained)
    assert type(model) is LTPForSequenceClassification
    assert model.config.pruning == "hard"
    assert model.config.id2label == {0: "dull", 1: "fine"}
    assert model.thresholds.tolist() == record(trained)["stages"][2]["thresholds"]
    stock: Any = AutoModelForSequenceClassification.from_pretrained(trained / "baseline")
    assert type(stock) is BertForSequenceClassification
    assert stock.config.id2label == {0: "dull", 1: "fine"}
    for directory in (trained, trained / "baseline"):
        tokenizer = AutoTokenizer.from_pretrained(directory)
        assert tokenizer("good w3")["input_ids"] == [2, 38, 8, 3]


def test_the_held_out_figures_are_those_of_what_was_saved(trained: Path) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(trained)
    ids = tokenizer(list(HELD_OUT.texts))["input_ids"]
    stages = record(trained)["stages"]
    for stage, model in (
        (stages[0], load_baseline(str(trained / "baseline"))),
        (stages[2], load_ltp(str(trained))),
    ):
        seen = evaluate(model, ids, HELD_OUT.labels, pruning=model.config.pruning)
        assert seen.accuracy == stage["accuracy"]
        assert seen.macs_share == stage["macs_share"]
        assert list(seen.keep_rates) == stage["keep_rates"]


def test_the_same_seed_gives_the_same_bits(
    trained: Path, choices: TrainingSettings, tmp_path: Path
) -> None:
    teach(choices, tmp_path / "again")
    same(tmp_path / "again", trained)


def test_without_a_target_training_is_the_papers(choices: TrainingSettings, tmp_path: Path) -> None:
    told: list[Step] = []
    settings = replace(
        choices, target_macs_share=None, lam=0.02, distill=0.0, epochs=(0.2, 0.3, 0.1),
        final_threshold=0.03,
    )  # fmt: skip
    stages = teach(settings, tmp_path / "out", observer=told.append)
    soft = [step for step in told if step.stage == "soft"]
    assert {step.lam for step in soft} == {0.02}
    np.testing.assert_allclose(soft[0].thresholds, [0.0, 0.01, 0.02], atol=5e-3)
    assert [stage.offset for stage in stages] == [None, None, None]
    assert stages[2].thresholds == stages[1].thresholds
    assert record(tmp_path / "out")["deviations"] == [
        "[CLS] / <s> is never dropped",
        "scores are divided by the document's own length",
        "no dropout on attention probabilities",
        "the masks' temperature and the thresholds' learning rate scale with the mean score",
    ]


@pytest.mark.slow
def test_thresholds_that_fell_below_zero_are_binarised_to_zero(
    choices: TrainingSettings, tmp_path: Path
) -> None:
    told: list[Step] = []
    settings = replace(
        choices, target_macs_share=None, lam=0.0, final_threshold=-0.1, epochs=(0.5, 0.5, 0.1)
    )
    stages = teach(settings, tmp_path / "out", observer=told.append)
    last = [step.thresholds for step in told if step.stage == "soft"][-1]
    assert min(last) < 0
    assert stages[1].thresholds == tuple(max(value, 0.0) for value in last)


@pytest.mark.slow
def test_half_precision_trains(choices: TrainingSettings, tmp_path: Path) -> None:
    stages = teach(replace(choices, bf16=True, epochs=(0.2, 0.2, 0.2)), tmp_path / "out")
    assert all(np.isfinite(stage.accuracy) for stage in stages)
    assert all(value.dtype == torch.float32 for value in weights(tmp_path / "out").values())


# --- refusals --------------------------------------------------------------------------------


def test_a_second_training_into_the_same_place_is_refused(
    trained: Path, choices: TrainingSettings
) -> None:
    with pytest.raises(SettingsError, match="holds a training already; give --resume"):
        teach(choices, trained)


def test_resuming_a_finished_training_returns_its_stages(
    trained: Path, choices: TrainingSettings
) -> None:
    told: list[Stage] = []
    before = weights(trained)
    (trained / ".training").mkdir()  # as if it had died while it cleared up
    stages = teach(choices, trained, resume=True, on_stage=told.append)
    assert tuple(told) == stages
    assert json.loads(json.dumps([asdict(stage) for stage in stages])) == record(trained)["stages"]
    assert all(torch.equal(value, before[name]) for name, value in weights(trained).items())
    assert not (trained / ".training").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"seed": 8}, "seed 7, now it is 8"), ({"epochs": (3.0, 2.0, 1.0)}, "epochs .*3.0, 2.0, 2.0")],
)
def test_resuming_with_other_settings_is_refused(
    trained: Path, choices: TrainingSettings, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        teach(replace(choices, **changes), trained, resume=True)


def test_resuming_with_other_data_is_refused(trained: Path, choices: TrainingSettings) -> None:
    other = toy(192, seed=3)
    with pytest.raises(SettingsError, match="begun with documents_sha256"):
        train(choices, other, HELD_OUT, NAMES, trained, resume=True)
    with pytest.raises(SettingsError, match="begun with labels"):
        train(choices, TRAINING, HELD_OUT, ("no", "yes"), trained, resume=True)


def test_a_place_that_holds_something_else_is_refused(
    choices: TrainingSettings, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for place in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(SettingsError, match="is not an empty directory; give another --out"):
            teach(choices, place)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_finished_training_knows_its_backbone_where_it_lies_now(
    trained: Path, choices: TrainingSettings, backbone: Path, tmp_path: Path
) -> None:
    moved = tmp_path / backbone.parent.name / backbone.name
    shutil.copytree(backbone, moved)
    stages = teach(replace(choices, backbone=str(moved)), trained, resume=True)
    assert [stage.stage for stage in stages] == list(STAGES)
    config = moved / "config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(SettingsError, match="backbone_sha256"):
        teach(replace(choices, backbone=str(moved)), trained, resume=True)


def test_a_backbone_that_cannot_serve_leaves_nothing_behind(
    choices: TrainingSettings, backbone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(CheckpointError, match="no such directory"):
        teach(replace(choices, backbone=str(tmp_path / "nowhere")), out)
    broken = tmp_path / "broken"
    shutil.copytree(backbone, broken)
    (broken / "model.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(CheckpointError, match="cannot be read as tensors"):
        teach(replace(choices, backbone=str(broken)), out)
    with pytest.raises(SettingsError, match="max-length is 33; expected at most 32"):
        teach(replace(choices, max_length=33), out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": (1.0, 0.0, 1.0)}, r"epochs is \(1.0, 0.0, 1.0\); .* greater than 0"),
        ({"epochs": (1.0, math.inf, 1.0)}, "epochs is .* less than or equal to 1000"),
        ({"epochs": (1.0, math.nan, 1.0)}, "epochs is .*"),
        ({"epochs": (1.0, 1.0)}, "epochs is .*required"),
        (
            {"target_macs_share": 0.01},
            "target-macs-share is 0.01; .* greater than or equal to 0.05",
        ),
        ({"target_macs_share": math.nan}, "target-macs-share is nan; expected a finite number"),
        ({"lam": -1.0}, "lambda is -1.0; .* greater than or equal to 0"),
        ({"lam": math.inf}, "lambda is inf; expected a finite number"),
        ({"learning_rate": 1e308}, r"learning-rate is 1e\+308; .* less than or equal to 1"),
        ({"batch_size": 10**20}, "batch-size is 10+; .* less than or equal to 65536"),
        ({"seed": -1}, "seed is -1; .* greater than or equal to 0"),
        ({"seed": 2**32}, "seed is 4294967296; .* less than or equal to 2147483647"),
        ({"baseline": ""}, "baseline is ''; .*at least 1 character"),
        ({"backbone": "a\0"}, "backbone is 'a.x00'; holds NUL"),
        ({"max_length": 4}, "max-length is 4"),
        ({"batch_size": 0}, "batch-size is 0"),
        ({"learning_rate": 0.0}, "learning-rate is 0.0"),
        ({"distill": 1.5}, "distill is 1.5"),
        ({"save_steps": 0}, "save-steps is 0"),
    ],
)
def test_settings_out_of_their_range_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        TrainingSettings(**{"backbone": "b"} | changes)


# --- interruptions ---------------------------------------------------------------------------


@pytest.mark.slow
def test_a_training_interrupted_in_every_stage_ends_as_if_it_was_not(
    trained: Path, choices: TrainingSettings, tmp_path: Path
) -> None:
    """Before the first checkpoint, in the middle, in a later epoch, and at the last step."""
    out = tmp_path / "out"
    resume = False
    for stage, step in (
        ("baseline", 2), ("baseline", 11), ("baseline", 30), ("soft", 3), ("soft", 10),
        ("soft", 18), ("soft", 24), ("hard", 1), ("hard", 15),
    ):  # fmt: skip
        with pytest.raises(Interruption):
            teach(choices, out, resume=resume, observer=interrupting(stage, step))
        assert not (out / "training.json").exists()
        resume = True
    with pytest.raises(SettingsError, match="holds a training already; give --resume"):
        teach(choices, out)
    teach(choices, out, resume=True)
    same(out, trained)


@pytest.mark.slow
def test_half_written_files_of_a_killed_training_do_no_harm(
    trained: Path, choices: TrainingSettings, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / ".training").mkdir(parents=True)  # killed before it wrote its settings
    with pytest.raises(Interruption):
        teach(choices, out, observer=interrupting("soft", 14))
    steps = out / ".training" / "soft-steps"
    newest = max(steps.iterdir(), key=lambda p: int(p.name.rpartition("-")[2]))
    assert newest.name == "checkpoint-12"
    state = newest / "trainer_state.json"
    state.write_text(state.read_text()[:100])
    with (out / ".training" / "history.jsonl").open("a") as handle:
        handle.write('{"stage": "soft", "st')
    (out / ".training" / "soft-partial").mkdir()
    teach(choices, out, resume=True)
    same(out, trained)


@pytest.mark.slow
def test_a_training_killed_in_every_stage_ends_as_if_it_was_not(
    trained: Path, choices: TrainingSettings, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    history = out / ".training" / "history.jsonl"
    for stage in STAGES:
        process = launch(choices, out)
        deadline = time.monotonic() + 120
        while f'"stage": "{stage}", "step": 10,' not in (
            history.read_text() if history.exists() else ""
        ):
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (out / ".training" / stage).exists()
        assert list((out / ".training" / f"{stage}-steps").iterdir())
    assert launch(choices, out).wait(timeout=120) == 0
    same(out, trained)
