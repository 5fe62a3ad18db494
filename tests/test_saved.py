"""Audits of saved predictions: no model, no model library, and files that are at fault."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command import auditkit
from conftest import ROOT

from auditkit.bench.saved import open_saved
from auditkit.run.settings import load_settings

CLASSES = ("World", "Sport")
ANSWERED = {"performance", "fairness", "flips", "calibration"}


def predictions(count: int = 80, *, seeds: bool = False) -> list[dict[str, Any]]:
    """Rows of a file; a baseline that knows its classes, and another that is less sure."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        gold = number % 2
        row: dict[str, Any] = {
            "id": f"d{number}",
            "text": f"Anna {('voted', 'scored')[gold]} in Oslo on day {number}.",
            "label": CLASSES[gold],
            "region": ("north", "south")[number // 2 % 2],
        }
        for arm, spread in (("baseline", 0.1), ("changed", 0.4), ("reseeded", 0.2)):
            if arm != "reseeded" or seeds:
                right = round(min(1.0, max(0.0, 0.8 + rng.normal(0, spread))), 3)
                probs = (right, 1 - right) if gold == 0 else (1 - right, right)
                row |= {f"{arm}:{name}": p for name, p in zip(CLASSES, probs, strict=True)}
        rows.append(row)
    return rows


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A file of the kind that its name says."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return path


BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "tokenizers", "captum", "datasets"):
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
from auditkit.cli import main
main()
"""


def test_an_audit_needs_no_model_library(tmp_path: Path) -> None:
    file = written(tmp_path / "saved.csv", predictions(seeds=True))
    out = tmp_path / "run"
    command = [sys.executable, "-c", BLOCKED, "run", "--predictions", str(file), "--out", str(out),
               "--groups", "region"]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((out / "results.json").read_text())
    assert not told["failures"]
    status = {f["probe"]: f["status"] for f in told["findings"]}
    assert {name for name, one in status.items() if one != "not_applicable"} == ANSWERED
    claims = {f["probe"]: f["claim"] for f in told["findings"]}
    assert claims["robustness"] == (
        "Not applicable: the run lacks models that can be asked (it is of saved predictions)."
    )
    assert [run["name"] for run in told["about"]["runs"]] == ["baseline", "reseeded", "changed"]
    rows = predictions(seeds=True)
    right = [max(CLASSES, key=lambda name: row[f"changed:{name}"]) == row["label"] for row in rows]
    again = load_settings(str(out / "manifest.json"), {})
    assert again.models.predictions == again.data.dataset == str(file)
    performance = next(f for f in told["findings"] if f["probe"] == "performance")
    (accuracy,) = [
        m["value"]
        for m in performance["measurements"]
        if m["name"] == "accuracy" and m["at"] == {"arm": "changed"}
    ]
    assert accuracy == pytest.approx(np.mean(right), abs=1e-5)
    regions = {m["at"].get("group") for f in told["findings"] for m in f["measurements"]}
    assert {"north", "south"} <= regions
    assert "prun" not in (out / "summary.md").read_text().partition("| probe |")[0].lower()


def run(file: Path, out: Path, *flags: str) -> Any:
    return auditkit(
        "run", "--predictions", file, "--out", out, "--probe", "performance", *flags
    )  # fmt: skip


def test_all_kinds_of_files_say_the_same(tmp_path: Path) -> None:
    hashes = []
    for kind in ("csv", "jsonl", "parquet"):
        file = written(tmp_path / f"saved.{kind}", predictions(24, seeds=True))
        bench = open_saved(load_settings(None, {"predictions": file}).models)
        assert bench.arms == ("baseline", "reseeded", "changed")
        assert bench.labels == CLASSES
        hashes.append([subject.about.sha256 for subject in bench.subjects.values()])
    assert hashes[0] == hashes[1] == hashes[2]
    assert len(set(hashes[0])) == 3


def without(key: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != key} for row in predictions(8)]


def with_value(key: str, value: Any, row: int = 2) -> list[dict[str, Any]]:
    rows = predictions(8)
    rows[row] = rows[row] | {key: value}
    return rows


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (without("id"), "no column id; every saved prediction has one; available: text, label"),
        (without("text"), "no column looks like the text"),
        (without("label"), "no column looks like the label"),
        (without("changed:World"), "1 columns changed:CLASS, expected one for each of two"),
        (with_value("id", "d0"), "row 3, column 'id': id d0 also stands in row 1"),
        (with_value("id", ""), "row 3, column 'id': no id; give every row its own"),
        (with_value("changed:World", "nan"), "row 3 (id d2), column 'changed:World': 'nan', "),
        (with_value("changed:World", "-0.4"), "'-0.4', expected a probability from 0 to 1"),
        (with_value("baseline:Sport", "high"), "high', expected a probability from 0"),
        (with_value("changed:World", "0.2", 0), "the probabilities of changed add up to"),
        (with_value("label", "Moon"), "the model has no class Moon"),
    ],
)  # fmt: skip
def test_an_error_is_one_line(rows: list[dict[str, Any]], expected: str, tmp_path: Path) -> None:
    done = run(written(tmp_path / "saved.csv", rows), tmp_path / "run")
    assert done.code == 2
    assert expected in done.complaint
    assert not (tmp_path / "run" / "results.json").exists()


def test_a_class_that_one_arm_lacks_is_named(tmp_path: Path) -> None:
    rows = [row | {"changed:Tech": 0.0} for row in predictions(4)]
    done = run(written(tmp_path / "saved.csv", rows), tmp_path / "run")
    assert "no column baseline:Tech, which another arm has" in done.complaint


@pytest.mark.parametrize("flag", ["model", "baseline", "dataset"])
def test_models_and_data_are_not_named_beside_it(flag: str, tmp_path: Path) -> None:
    file = written(tmp_path / "saved.csv", predictions(4))
    done = run(file, tmp_path / "run", f"--{flag}", "elsewhere")
    assert done.code == 2
    assert f"it stands for models and data; leave {flag} out" in done.complaint
