"""Which baselines fit a pruned model, and which do not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from command import audit
from command import auditkit as command
from safetensors.torch import load_file, save_file

from auditkit.bench.subjects import open_bench
from auditkit.errors import CheckpointError, SettingsError

TEXTS = ["the goalkeeper saved it", "a pot of soup, salt and thyme", "rain"]


@pytest.fixture
def pair(tmp_path: Path, tiny_checkpoint: Callable[[str], Path]) -> Path:
    shutil.copytree(tiny_checkpoint("bert"), tmp_path / "ckpt")
    return tmp_path / "ckpt"


def change(directory: Path, **values: object) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_baseline_with_its_classes_in_another_order_gives_the_same_answers(pair: Path) -> None:
    before = open_bench(str(pair))
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
    after = open_bench(str(pair))
    assert after.labels == before.labels
    for a, b in zip(expected, after.answer("baseline", after.encode(TEXTS)), strict=True):
        assert np.allclose(a.probs, b.probs, atol=1e-6)


def test_a_baseline_of_other_classes(pair: Path) -> None:
    names = json.loads((pair / "baseline" / "config.json").read_text())["id2label"]
    other = {key: f"other {name}" for key, name in names.items()}
    change(pair / "baseline", id2label=other, label2id={v: int(k) for k, v in other.items()})
    with pytest.raises(CheckpointError, match="its classes are other"):
        open_bench(str(pair))


def test_a_baseline_of_another_size(pair: Path) -> None:
    config = json.loads((pair / "baseline" / "config.json").read_text())
    layers = config["num_hidden_layers"] - 1
    change(pair / "baseline", num_hidden_layers=layers)
    with pytest.raises(CheckpointError, match=f"{layers} layers .* was pruned from"):
        open_bench(str(pair))


def test_a_baseline_of_another_vocabulary(pair: Path) -> None:
    path = pair / "baseline" / "tokenizer.json"
    raw = json.loads(path.read_text())
    vocabulary = raw["model"]["vocab"]
    first, second = [word for word in vocabulary if word.isalpha()][:2]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    path.write_text(json.dumps(raw))
    with pytest.raises(CheckpointError, match="another vocabulary"):
        open_bench(str(pair))


@pytest.mark.parametrize("device", ["meta", "gpu", "", "cpu:x"])
def test_a_device_that_is_none(pair: Path, device: str) -> None:
    with pytest.raises(SettingsError, match="expected auto, cpu, cuda"):
        open_bench(str(pair), device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there(pair: Path) -> None:
    with pytest.raises(SettingsError, match="not here; available: cpu"):
        open_bench(str(pair), device="cuda")


def lacking(word: str) -> Callable[..., torch.Tensor]:
    def product(*_: object, **__: object) -> torch.Tensor:
        raise RuntimeError(f"addmm_impl_cpu_ {word}\nException raised from somewhere")

    return product


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_without_support_is_one_clear_line(
    dtype: str, pair: Path, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.nn.functional, "linear", lacking("not implemented for 'Half'"))
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
    bench = open_bench(str(pair), dtype=dtype)
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
