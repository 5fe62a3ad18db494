"""Several budgets from one baseline: made once, resumed, added to; and the control beside them."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from command import Done, audit, auditkit
from safetensors.torch import load_file
from toy_training import (
    HELD_OUT,
    NAMES,
    TRAINING,
    Interruption,
    interrupting,
    make_backbone,
    recipe,
    record,
    teach,
    weights,
)
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp.checkpoints import fingerprint, load_baseline
from auditkit.ltp.inference import evaluate
from auditkit.ltp.training.outcome import Stage
from auditkit.ltp.training.settings import TrainingSettings
from auditkit.ltp.training.stages import train
from auditkit.ltp.training.sweep import directory, sweep
from auditkit.ltp.training.trainer import Step
from auditkit.record.provenance import budgets
from auditkit.trace import Trace

SHARES = (0.7, 0.5)
FILES = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


def teach_all(
    settings: TrainingSettings,
    out: Path,
    shares: Sequence[float] = SHARES,
    *,
    resume: bool = False,
    **options: Any,
) -> dict[float, tuple[Stage, ...]]:
    def training(own: TrainingSettings, place: Path) -> tuple[Stage, ...]:
        return teach(own, place, resume=resume, **options)

    return sweep(settings, shares, out, training, resume=resume)


@pytest.fixture(scope="session")
def choices(tmp_path_factory: pytest.TempPathFactory) -> TrainingSettings:
    return recipe(make_backbone(tmp_path_factory.mktemp("backbone")))


@pytest.fixture(scope="session")
def quick(choices: TrainingSettings) -> TrainingSettings:
    """So short that nothing is learned."""
    return replace(choices, epochs=(0.2, 0.2, 0.2))


@pytest.fixture(scope="session")
def steps() -> list[Step]:
    """What the observer of the session's one uninterrupted sweep was told."""
    return []


@pytest.fixture(scope="session")
def swept(
    choices: TrainingSettings, tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> Path:
    """Read-only: tests that change it copy it."""
    out = tmp_path_factory.mktemp("swept") / "out"
    teach_all(replace(choices, continued=True), out, observer=steps.append)
    return out


@pytest.fixture
def copy(swept: Path, tmp_path: Path) -> Path:
    shutil.copytree(swept, tmp_path / "copy")
    return tmp_path / "copy"


def stamps(out: Path) -> dict[str, int]:
    """When each model was written."""
    return {str(p.relative_to(out)): p.stat().st_mtime_ns for p in out.rglob("*.safetensors")}


def no_seconds(budgets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in budget.items() if k != "seconds"} for budget in budgets]


def tensors(directory: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(directory / "model.safetensors")
    return found


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(v, other[n]) for n, v in one.items())


# --- a sweep ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_baseline_and_control_are_trained_once(swept: Path, steps: list[Step]) -> None:
    told: dict[str, list[int]] = {}
    for step in steps:
        told.setdefault(step.stage, []).append(step.step)
    once, twice = list(range(1, 37)), [*range(1, 25), *range(1, 25)]
    assert told == {
        "baseline": once, "soft": twice, "hard": twice, "continued": list(range(1, 49)),
    }  # fmt: skip
    first, second = (record(directory(swept, share))["stages"] for share in SHARES)
    assert [stage["given"] for stage in first] == ["", "", "", ""]
    assert [(stage["stage"], stage["given"], stage["steps"]) for stage in second] == [
        ("baseline", "share-0.70/baseline", 0), ("soft", "", 24), ("hard", "", 24),
        ("continued", "share-0.70/continued", 0),
    ]  # fmt: skip
    for number in (0, 3):
        for figure in ("accuracy", "macs_share", "keep_rates", "thresholds", "held_out"):
            assert first[number][figure] == second[number][figure]


@pytest.mark.slow
def test_every_budget_is_a_checkpoint_of_its_own(
    swept: Path, choices: TrainingSettings, tmp_path: Path
) -> None:
    assert {path.name for path in swept.iterdir()} == {"share-0.70", "share-0.50"}
    for share in SHARES:
        place = directory(swept, share)
        left = {str(p.relative_to(place)) for p in place.rglob("*") if p.is_file()}
        folders = {f"{name}/{file}" for name in ("baseline", "continued") for file in FILES}
        assert left == FILES | folders | {"training.json", "trained_on.safetensors"}
        for folder in ("baseline", "continued"):
            theirs = directory(swept, SHARES[0]) / folder
            assert fingerprint(str(place / folder)) == fingerprint(str(theirs))
            assert (
                not (place / folder / "model.safetensors").samefile(theirs / "model.safetensors")
                or share == SHARES[0]
            )
    alone = tmp_path / "alone"
    teach(choices, alone)
    assert equal(weights(alone), weights(directory(swept, 0.5)))


def test_each_record_holds_all_budgets(swept: Path) -> None:
    budgets = record(directory(swept, 0.5))["sweep"]
    assert budgets == record(directory(swept, 0.7))["sweep"]
    assert len(budgets) == 2
    for share, budget in zip(SHARES, budgets, strict=True):
        found = record(directory(swept, share))
        baseline, soft, hard, _ = found["stages"]
        assert (
            budget
            == found["budget"]
            == {
                "target": share,
                "reached": hard["macs_share"],
                "met": abs(hard["macs_share"] - share) <= 0.03,
                "accuracy": hard["accuracy"],
                "baseline_accuracy": baseline["accuracy"],
                "held_out": 64,
                "seconds": soft["seconds"] + hard["seconds"],
            }
        )
        assert hard["macs_share"] == pytest.approx(share, abs=0.05)


@pytest.mark.slow
def test_a_sweep_interrupted_anywhere_ends_as_if_it_was_not(
    swept: Path, choices: TrainingSettings, tmp_path: Path
) -> None:
    out, settings = tmp_path / "out", replace(choices, continued=True)
    resume = False
    for stage, step in (("baseline", 11), ("hard", 15), ("continued", 30)):
        with pytest.raises(Interruption):
            teach_all(settings, out, resume=resume, observer=interrupting(stage, step))
        resume = True

    def between(own: TrainingSettings, place: Path) -> tuple[Stage, ...]:
        if own.target_macs_share == 0.5:
            raise Interruption
        return teach(own, place, resume=True)

    with pytest.raises(Interruption):
        sweep(settings, SHARES, out, between, resume=True)
    assert len(record(directory(out, 0.7))["sweep"]) == 1
    made = stamps(out)
    with pytest.raises(Interruption):
        teach_all(settings, out, resume=True, observer=interrupting("soft", 10))
    told: list[Step] = []
    teach_all(settings, out, resume=True, observer=told.append)
    assert {step.stage for step in told} == {"soft", "hard"}
    assert (told[0].stage, told[0].step) == ("soft", 9)
    assert made.items() <= stamps(out).items()
    for share in SHARES:
        one, other = directory(out, share), directory(swept, share)
        assert equal(weights(one), weights(other))
        assert equal(tensors(one / "continued"), tensors(other / "continued"))
        assert no_seconds(record(one)["sweep"]) == no_seconds(record(other)["sweep"])


def test_a_budget_is_added_later(copy: Path, choices: TrainingSettings) -> None:
    settings = replace(choices, continued=True)
    made, told = stamps(copy), list[Step]()
    stages = teach_all(settings, copy, (0.6, 0.7, 0.5), resume=True, observer=told.append)
    assert list(stages) == [0.6, 0.7, 0.5]
    assert {step.stage for step in told} == {"soft", "hard"}
    assert len(told) == 48
    assert made.items() <= stamps(copy).items()
    for share in (0.7, 0.6, 0.5):
        points = record(directory(copy, share))["sweep"]
        assert [point["target"] for point in points] == [0.7, 0.6, 0.5]
    assert teach_all(settings, copy, resume=True).keys() == {0.7, 0.5}
    assert len(record(directory(copy, 0.7))["sweep"]) == 3


def test_a_target_out_of_reach_is_said_to_be_missed(
    quick: TrainingSettings, tmp_path: Path
) -> None:
    teach(replace(quick, target_macs_share=0.05), tmp_path / "out")
    budget = record(tmp_path / "out")["budget"]
    assert budget["reached"] > 0.08
    assert budget["met"] is False


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((), "sweep is empty; expected shares"),
        ((0.5, 0.6, 0.501), "sweep is 0.5, 0.6, 0.501; expected shares that differ"),
        ((0.5, 1.5), "target-macs-share is 1.5; Input should be less than or equal to 1"),
    ],
)
def test_shares_that_cannot_be_are_refused_before_anything_is_made(
    shares: tuple[float, ...], said: str, quick: TrainingSettings, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=said):
        teach_all(quick, tmp_path / "out", shares)
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_taken_is_refused(
    swept: Path, quick: TrainingSettings, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="holds a sweep already; give --resume"):
        teach_all(quick, swept)
    with pytest.raises(SettingsError, match=r"begun with share-0\.70, which holds the baseline"):
        teach_all(quick, swept, (0.6, 0.5), resume=True)
    with pytest.raises(SettingsError, match=r"begun with epochs \[3\.0"):
        teach_all(replace(quick, continued=True), swept, resume=True)
    with pytest.raises(SettingsError, match="holds a training to one budget"):
        teach_all(quick, directory(swept, 0.7), resume=True)
    with pytest.raises(SettingsError, match="is not an empty directory"):
        teach(quick, swept)
    (tmp_path / "notes.txt").write_text("mine")
    for place in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(SettingsError, match="is not an empty directory"):
            teach_all(quick, place)
    assert (tmp_path / "notes.txt").read_text() == "mine"


# --- a baseline that is there already --------------------------------------------------------


def given(settings: TrainingSettings, baseline: Path, **changes: Any) -> TrainingSettings:
    return replace(settings, backbone=None, baseline=str(baseline), **changes)


def rename(stock: Path, *names: str) -> None:
    config = json.loads((stock / "config.json").read_text())
    config["id2label"] = {str(i): name for i, name in enumerate(names)}
    config["label2id"] = {name: i for i, name in enumerate(names)}
    (stock / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("names", [("dull", "fine"), ("LABEL_0", "LABEL_1")])
def test_a_stock_classifier_is_pruned(
    names: tuple[str, str], copy: Path, quick: TrainingSettings, tmp_path: Path
) -> None:
    stock = tmp_path / "stock"
    (directory(copy, 0.7) / "baseline").rename(stock)
    rename(stock, *names)
    before = fingerprint(str(stock))
    stages = teach(given(quick, stock), tmp_path / "out")
    name = f"{tmp_path.name}/stock"
    assert (stages[0].given, stages[0].steps, stages[0].documents) == (name, 0, 0)
    settings = record(tmp_path / "out")["settings"]
    assert (settings["backbone"], settings["baseline"]) == (None, name)
    assert settings["baseline_sha256"] == before == fingerprint(str(stock))
    assert equal(tensors(tmp_path / "out" / "baseline"), tensors(stock))
    config = json.loads((tmp_path / "out" / "baseline" / "config.json").read_text())
    assert config["id2label"] == {"0": "dull", "1": "fine"}
    rename(stock, "dull", "fine", "new")
    with pytest.raises(SettingsError, match="begun with baseline_sha256"):
        teach(given(quick, stock), tmp_path / "out", resume=True)


@pytest.mark.slow
def test_a_sweep_from_a_given_baseline_trains_none(
    swept: Path, quick: TrainingSettings, tmp_path: Path
) -> None:
    told: list[Step] = []
    stages = teach_all(given(quick, directory(swept, 0.7)), tmp_path / "out", observer=told.append)
    assert {step.stage for step in told} == {"soft", "hard"}
    assert {s[0].given for s in stages.values()} == {"share-0.70/baseline"}
    for share in SHARES:
        baseline = directory(tmp_path / "out", share) / "baseline"
        assert equal(tensors(baseline), tensors(directory(swept, 0.5) / "baseline"))


def test_a_baseline_that_will_not_do_leaves_nothing_behind(
    copy: Path, quick: TrainingSettings, tmp_path: Path
) -> None:
    out, checkpoint = tmp_path / "out", directory(copy, 0.7)
    shutil.copytree(checkpoint / "baseline", tmp_path / "other")
    rename(tmp_path / "other", "fine", "dull")
    with pytest.raises(CheckpointError, match="its classes are fine, dull, those of the data dull"):
        teach(given(quick, tmp_path / "other"), out)
    with pytest.raises(SettingsError, match="max-length is 33; expected at most 32"):
        teach(given(quick, checkpoint, max_length=33), out)
    with pytest.raises(CheckpointError, match="no such directory"):
        teach(given(quick, tmp_path / "nowhere"), out)
    shutil.rmtree(checkpoint / "baseline")
    with pytest.raises(CheckpointError, match="a pruned model; give the baseline"):
        teach(given(quick, checkpoint), out)
    assert not out.exists()
    with pytest.raises(SettingsError, match="backbone is None; expected a checkpoint, or a base"):
        TrainingSettings()


# --- the control -----------------------------------------------------------------------------


def test_the_control_is_a_stock_classifier(swept: Path) -> None:
    place = directory(swept, 0.7)
    stage = record(place)["stages"][3]
    assert (stage["stage"], stage["steps"], stage["documents"]) == ("continued", 48, 768)
    assert (stage["macs_share"], stage["thresholds"], stage["offset"]) == (1.0, [0, 0, 0], None)
    assert not equal(tensors(place / "continued"), tensors(place / "baseline"))
    stock: Any = AutoModelForSequenceClassification.from_pretrained(place / "continued")
    assert stock.config.model_type == "bert"
    tokenizer: Any = AutoTokenizer.from_pretrained(place / "continued")
    model = load_baseline(str(place / "continued"))
    seen = evaluate(
        model, tokenizer(list(HELD_OUT.texts))["input_ids"], HELD_OUT.labels, pruning="off"
    )
    assert seen.accuracy == stage["accuracy"]


def test_the_control_starts_from_the_baseline(
    swept: Path, quick: TrainingSettings, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    teach(given(quick, directory(swept, 0.7), continued=True, learning_rate=1e-12), out)
    before, after = tensors(out / "baseline"), tensors(out / "continued")
    assert all(torch.allclose(value, after[name], atol=1e-6) for name, value in before.items())


@pytest.mark.slow
@pytest.mark.parametrize("distill", [0.0, 1.0])
def test_the_control_learns_from_what_the_pruned_model_learns_from(
    distill: float, swept: Path, choices: TrainingSettings, tmp_path: Path
) -> None:
    """Trained on swapped labels both unlearn the task, unless the baseline teaches them."""
    settings = given(choices, directory(swept, 0.7), continued=True, distill=distill)
    swapped = replace(TRAINING, labels=[1 - label for label in TRAINING.labels])
    stages = train(settings, swapped, HELD_OUT, NAMES, tmp_path / "out")
    right = [stage.accuracy > 0.5 for stage in stages]
    assert right == [True, distill == 1, distill == 1, distill == 1]


@pytest.mark.slow
def test_the_control_is_taken_only_from_a_training_that_made_the_same(
    swept: Path, choices: TrainingSettings, tmp_path: Path
) -> None:
    settings = given(choices, directory(swept, 0.5), continued=True, epochs=(3.0, 0.2, 0.2))
    stages = teach(settings, tmp_path / "fewer")
    assert (stages[3].given, stages[3].steps) == ("", 6)
    fewer = train(
        replace(settings, epochs=(3.0, 2.0, 2.0), target_macs_share=0.9),
        replace(TRAINING, texts=TRAINING.texts[:64], labels=TRAINING.labels[:64]),
        HELD_OUT, NAMES, tmp_path / "other",
    )  # fmt: skip
    assert (fewer[3].given, fewer[3].steps) == ("", 16)


def test_without_the_flag_there_is_no_control(quick: TrainingSettings, tmp_path: Path) -> None:
    stages = teach(quick, tmp_path / "out")
    assert [stage.stage for stage in stages] == ["baseline", "soft", "hard"]
    assert not (tmp_path / "out" / "continued").exists()
    assert asdict(stages[2])["held_out"] == 64


# --- from the prompt to the report -----------------------------------------------------------


@pytest.fixture(scope="session")
def sold(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A sweep of the tiny task with its control, and what the command said of it."""
    root = tmp_path_factory.mktemp("sold")
    done = auditkit(
        "train", "--dataset", tiny.train_csv(root / "train.csv"),
        "--backbone", tiny.backbone("bert", root / "backbone"), "--out", root / "out",
        "--epochs", "2,1,1", "--learning-rate", "3e-3", "--batch-size", "16",
        "--max-length", "72", "--sweep", "0.7,0.05", "--continued",
    )  # fmt: skip
    assert done.code == 0, done.err
    return root / "out", done


@pytest.mark.slow
def test_the_command_tells_all_budgets_and_what_was_missed(sold: tuple[Path, Done]) -> None:
    out, done = sold
    budgets = record(directory(out, 0.7))["sweep"]
    control = record(directory(out, 0.7))["stages"][3]
    lines = {line.split()[1]: line.split() for line in done.out.splitlines() if "│" in line}
    before = budgets[0]["baseline_accuracy"]
    assert lines["baseline"][3:10:2] == ["—", "1.000", "1.00×", f"{before:.4f}"]
    assert lines["continued"][9] == f"{control['accuracy']:.4f}"
    for budget in budgets:
        row = lines[f"share-{budget['target']:.2f}"]
        assert row[5:10:2] == [
            f"{budget['reached']:.3f}", f"{1 / budget['reached']:.2f}×", f"{budget['accuracy']:.4f}"
        ]  # fmt: skip
        change = f"{(budget['accuracy'] - before) * 100:+.1f}".replace("-", "−")
        assert row[11] == change
        missed = f"target missed: {budget['reached']:.3f} of the baseline's MACs"
        assert (missed in done.out) is not budget["met"]
    assert budgets[1]["met"] is False


@pytest.mark.slow
def test_the_report_shows_the_sweep_and_the_control(
    sold: tuple[Path, Done], data: str, tmp_path: Path
) -> None:
    out, _ = sold
    model = directory(out, 0.7)
    done = audit(
        tmp_path / "run", "--probe", "efficiency", "--random-draws", "0", model=model, dataset=data
    )
    assert done.code == 0, done.err
    trace = Trace.open(tmp_path / "run" / "trace")
    assert trace.about.arms == ("baseline", "continued", "unpruned", "pruned", "repeat")
    assert trace.about.subjects["continued"].name == "share-0.70/continued"
    assert [(b.target, b.audited) for b in trace.about.sweep] == [(0.7, True), (0.05, False)]
    control = load_baseline(str(model / "continued"))
    tokenizer: Any = AutoTokenizer.from_pretrained(model)
    said = trace.table("documents").set_index("example_id")["probs_continued"]
    (texts,) = trace.scan("texts", ids=said.index)
    for text, probs in zip(texts["text"], said[texts["example_id"]], strict=True):
        with torch.no_grad():
            ids = tokenizer(text, truncation=True, max_length=72, return_tensors="pt")
            logits = control(ids["input_ids"], ids["attention_mask"], pruning="off").logits
        assert logits is not None
        assert probs.tolist() == pytest.approx(torch.softmax(logits[0], 0).tolist(), abs=1e-5)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Budgets trained from this baseline" in page
    assert "so pruned − continued is free of that" in page
    assert str(out.parent) not in (tmp_path / "run" / "results.json").read_text()


@pytest.mark.parametrize(
    "sweep",
    [
        None, "many", [1], [{}], {"target": 0.5}, [{"target": 0.5}],
        [{"target": 0.5, "reached": "much", "accuracy": 1, "baseline_accuracy": 1, "held_out": 9}],
        [{"target": 0.5, "reached": 2.0, "accuracy": 1, "baseline_accuracy": 1, "held_out": 9}],
        [{"target": 0.5, "reached": 0.5, "accuracy": 1, "baseline_accuracy": 1, "held_out": 0}],
    ],
)  # fmt: skip
def test_a_record_that_is_not_a_sweeps_is_none(sweep: Any, tmp_path: Path) -> None:
    written = {"settings": {"target_macs_share": 0.5}, "sweep": sweep}
    (tmp_path / "training.json").write_text(json.dumps(written))
    assert budgets(str(tmp_path)) == ()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--sweep", "0.8,0.6", "--lambda", "0.1"], "--sweep and --lambda exclude each other"),
        (["--sweep", "0.8", "--target-macs-share", "0.5"], "--target-macs-share and --sweep exclu"),
        (["--lambda", "0.1", "--target-macs-share", "0.5"], "share and --lambda exclude each othe"),
        (["--baseline", "b"], "--backbone and --baseline exclude each other"),
        (["--sweep", "0.8;0.6"], "--sweep is '0.8;0.6'; expected shares: 0.8,0.6,0.4"),
        (["--epochs", "1,2"], "--epochs is '1,2'; expected one number, or three"),
    ],
)
def test_flags_that_do_not_go_together_are_one_line(flags: list[str], said: str) -> None:
    done = auditkit("train", "--dataset", "agnews", "--backbone", "b", "--out", "o", *flags)
    assert done.code == 2
    assert said in done.complaint
    assert not Path("o").exists()


def test_a_training_needs_a_backbone_or_a_baseline(data: str, tmp_path: Path) -> None:
    done = auditkit("train", "--dataset", data, "--out", tmp_path / "out")
    assert (done.code, "backbone is None; expected a checkpoint" in done.complaint) == (2, True)
    done = auditkit("train", "--dataset", data, "--out", tmp_path / "out", "--baseline", tmp_path)
    assert (done.code, "config.json is missing" in done.complaint) == (2, True)
