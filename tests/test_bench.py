"""Which baselines fit a pruned model, and which do not."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from command import audit
from command import auditkit as command
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from auditkit.bench import ltp_subject
from auditkit.bench.opening import open_bench
from auditkit.bench.settings import ModelSettings
from auditkit.bench.subjects import Bench
from auditkit.errors import CheckpointError, SettingsError, TraceError
from auditkit.ltp.inference import Result
from auditkit.trace import Arm, arms_of

beside = pytest.mark.parametrize("role", ["baseline", "continued", "reseeded"])

TEXTS = ["the goalkeeper saved it", "a pot of soup, salt and thyme", "rain"]


@pytest.fixture
def pair(tmp_path: Path, tiny_checkpoint: Callable[[str], Path]) -> Path:
    shutil.copytree(tiny_checkpoint("bert"), tmp_path / "ckpt")
    return tmp_path / "ckpt"


def opened(pair: Path, **settings: Any) -> Bench:
    return open_bench(ModelSettings(model=str(pair), **settings))


def place(pair: Path, role: str) -> None:
    """A copy of the baseline in the part of another one."""
    if role != "baseline":
        shutil.copytree(pair / "baseline", pair / role)


def change(directory: Path, **values: object) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.slow
def test_a_baseline_with_its_classes_in_another_order_gives_the_same_answers(pair: Path) -> None:
    before = opened(pair)
    expected = before.answer("baseline", before.encode(TEXTS))
    baseline = pair / "baseline"
    names = json.loads((baseline / "config.json").read_text())["id2label"]
    order = list(reversed(range(len(names))))
    change(
        baseline,
        id2label={str(i): names[str(j)] for i, j in enumerate(order)},
        label2id={names[str(j)]: i for i, j in enumerate(order)},
    )
    weights = load_file(baseline / "model.safetensors")
    for key in ("classifier.weight", "classifier.bias"):
        weights[key] = weights[key][order].contiguous()
    save_file(weights, baseline / "model.safetensors", metadata={"format": "pt"})
    after = opened(pair)
    assert after.labels == before.labels
    for a, b in zip(expected, after.answer("baseline", after.encode(TEXTS)), strict=True):
        assert np.allclose(a.probs, b.probs, atol=1e-6)


@beside
def test_one_beside_it_of_other_classes(role: str, pair: Path) -> None:
    place(pair, role)
    names = json.loads((pair / role / "config.json").read_text())["id2label"]
    other = {key: f"other {name}" for key, name in names.items()}
    change(pair / role, id2label=other, label2id={v: int(k) for k, v in other.items()})
    with pytest.raises(CheckpointError, match=f"{role}: its classes are other"):
        opened(pair)


@beside
def test_one_beside_it_of_another_size(role: str, pair: Path) -> None:
    place(pair, role)
    config = json.loads((pair / role / "config.json").read_text())
    layers = config["num_hidden_layers"] - 1
    change(pair / role, num_hidden_layers=layers)
    weights = pair / role / "model.safetensors"
    kept = {k: v for k, v in load_file(weights).items() if f".layer.{layers}." not in k}
    save_file(kept, weights, {"format": "pt"})
    with pytest.raises(CheckpointError, match=f"{layers} layers .* was pruned from"):
        opened(pair)


@beside
def test_one_beside_it_of_another_vocabulary(role: str, pair: Path) -> None:
    place(pair, role)
    path = pair / role / "tokenizer.json"
    raw = json.loads(path.read_text())
    vocabulary = raw["model"]["vocab"]
    first, second = [word for word in vocabulary if word.isalpha()][:2]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    path.write_text(json.dumps(raw))
    with pytest.raises(CheckpointError, match="another vocabulary"):
        opened(pair)


# --- arms ---------------------------------------------------------------------------------------


def test_what_lies_beside_a_checkpoint_is_opened(pair: Path) -> None:
    alone = opened(pair)
    assert list(alone.subjects) == ["model", "baseline"]
    assert alone.absent == {
        "continued": "ckpt has no folder continued/",
        "reseeded": "ckpt has no folder reseeded/ and --reseeded was not given",
    }
    assert alone.arms == ("baseline", "unpruned", "pruned")
    with pytest.raises(CheckpointError, match="no reseeded: ckpt has no folder reseeded/ and --"):
        alone.answer("reseeded", alone.encode(TEXTS))
    place(pair, "continued")
    place(pair, "reseeded")
    bench = opened(pair)
    assert list(bench.subjects) == ["model", "baseline", "continued", "reseeded"]
    assert bench.absent == {}
    assert bench.arms == ("baseline", "continued", "reseeded", "unpruned", "pruned")
    assert bench.subjects["reseeded"].about.name == "ckpt/reseeded"
    shutil.rmtree(pair / "baseline")
    assert opened(pair).absent == {
        "baseline": "ckpt has no folder baseline/ and --baseline was not given"
    }


def test_a_baseline_of_another_seed_may_lie_elsewhere(pair: Path, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(pair / "baseline", tmp_path / "second")
    weights = load_file(elsewhere / "model.safetensors")
    weights["classifier.bias"] += torch.arange(3.0)
    save_file(weights, elsewhere / "model.safetensors", metadata={"format": "pt"})
    bench = opened(pair, reseeded=str(elsewhere))
    documents = bench.encode(TEXTS)
    answers = {arm: bench.answer(arm, documents) for arm in ("baseline", "reseeded")}
    for first, second in zip(answers["baseline"], answers["reseeded"], strict=True):
        raised = np.log(second.probs) - np.log(first.probs)
        assert np.allclose(raised - raised[0], [0, 1, 2], atol=1e-4)
    with pytest.raises(CheckpointError, match=r"\./gone: no such directory"):
        opened(pair, reseeded="./gone")


@pytest.mark.parametrize("arm", arms_of("ltp"), ids=lambda arm: arm.name)
def test_an_arm_is_answered_as_the_table_says(
    arm: Arm, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(pair, "continued")
    place(pair, "reseeded")
    bench = opened(pair, batch_tokens=64)
    asked: list[tuple[object, dict[str, Any]]] = []

    def engine(model: object, token_ids: object, **options: Any) -> Iterator[Result]:
        asked.append((model, options))
        return iter(())

    padded = ModuleType("auditkit.ltp.padded")
    monkeypatch.setattr(padded, "run_padded", engine, raising=False)
    monkeypatch.setitem(sys.modules, "auditkit.ltp.padded", padded)
    monkeypatch.setattr(ltp_subject, "run", engine)
    bench.answer(arm.name, bench.encode(TEXTS), depths=None)
    pruning = {"off": "off", "hard": "hard", "follow": "hard"}[arm.pruning]
    options = {"batch_tokens": 64, "pruning": pruning, "depths": None}
    expected = {} if arm.name == "repeat" else options
    assert asked == [(ltp_subject.ltp_subject(bench, arm.name).model, expected)]


def test_the_pruned_model_run_again_says_the_same(pair: Path) -> None:
    bench = opened(pair)
    documents = bench.encode(TEXTS)
    again = bench.answer("repeat", documents)
    for first, second in zip(bench.answer("pruned", documents), again, strict=True):
        assert np.allclose(first.probs, second.probs, atol=1e-5)
        assert np.array_equal(first.depths, second.depths)
        assert np.array_equal(first.lengths, second.lengths)


def test_an_arm_that_is_none(pair: Path) -> None:
    bench = opened(pair)
    with pytest.raises(TraceError, match="no arm 'prunned'; did you mean pruned"):
        bench.answer("prunned", bench.encode(TEXTS))


# --- devices ------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["meta", "gpu", "", "cpu:x"])
def test_a_device_that_is_none(device: str) -> None:
    with pytest.raises(ValidationError, match="expected auto, cpu, cuda"):
        ModelSettings(model="m", device=device)
    done = command("explain", "--model", "m", "--device", device, TEXTS[0])
    assert done.code == 2
    assert done.complaint.startswith("auditkit: flags -> device: expected auto, cpu, cuda or cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there(pair: Path) -> None:
    with pytest.raises(SettingsError, match="not here; available: cpu"):
        opened(pair, device="cuda")


def lacking(word: str, there: torch.dtype | None = None) -> Callable[..., torch.Tensor]:
    """A product that a device does not have, in any precision but one."""
    real = torch.nn.functional.linear

    def product(x: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        if x.dtype == there:
            return real(x, *more)
        raise RuntimeError(f"addmm_impl_cpu_ {word}\nException raised from somewhere")

    return product


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_without_support_is_one_clear_line(
    dtype: str, pair: Path, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = lacking("not implemented for 'Half'", there=torch.float32)
    monkeypatch.setattr(torch.nn.functional, "linear", product)
    done = audit(tmp_path / "run", "--dtype", dtype, "--device", "cpu", model=pair, dataset=data)
    assert done.code == 2
    assert done.complaint == (
        f"auditkit: cpu cannot compute in {dtype} (addmm_impl_cpu_ not implemented for 'Half'); "
        "give --dtype float32, or another --device"
    )
    done = command("explain", "--model", pair, "--dtype", dtype, "--device", "cpu", TEXTS[0])
    assert (done.code, "give --dtype float32" in done.complaint) == (2, True)


@pytest.mark.parametrize(
    ("dtype", "said"), [("float32", "not implemented for 'Half'"), ("bfloat16", "out of memory")]
)
def test_another_failure_is_not_taken_for_it(
    dtype: str, said: str, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = opened(pair, dtype=dtype)
    monkeypatch.setattr(torch.nn.functional, "linear", lacking(said))
    with pytest.raises(RuntimeError, match=said):
        bench.answer("pruned", bench.encode(TEXTS))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_checkpoint_whose_threshold_is_no_number(
    value: float, pair: Path, data: str, tmp_path: Path
) -> None:
    weights = load_file(pair / "model.safetensors")
    weights["thresholds"][1] = value
    save_file(weights, pair / "model.safetensors", metadata={"format": "pt"})
    done = audit(tmp_path / "run", model=pair, dataset=data)
    assert done.code == 2
    assert f"the threshold of layer 2 is {value}, expected a finite number" in done.complaint
    assert not (tmp_path / "run").exists()
