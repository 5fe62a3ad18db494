"""`auditkit attest`: a statement, a bill and a record, each held against its published schema."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import finished_runs
import page_cases
import pytest
import report_case
import tiny
from command import audit, auditkit
from google.protobuf.json_format import ParseDict
from huggingface_hub import ModelCard
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult as Result
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as Message
from junitparser import JUnitXml
from schemas import ctrf_schema, packaged, problems

from auditkit.finding import Announcement, Results, dumps, loads
from auditkit.ltp.checkpoints import fingerprint
from auditkit.outputs.bom import bom
from auditkit.outputs.every_eval import record
from auditkit.outputs.statement import result, statement
from auditkit.trace.about import SAVED

GATES = finished_runs.gates()
AUDIT = loads(dumps(replace(report_case.audit(), gates=GATES)))
HOSTILE = loads(dumps(page_cases.hostile()[0]))
EVERY = [AUDIT, HOSTILE, loads(dumps(page_cases.no_baseline()[0]))]
CYCLONEDX = "cyclonedx/schema/_res"
LIMITS = Announcement(sha256="ab" * 32, read="2026-11-01T08:00:00+00:00", before_results=True,
                      gates=[])  # fmt: skip


def bill_problems(text: str) -> list[str]:
    """What CycloneDX's own schema says of a bill."""
    bill = json.loads(text)
    schema, *beside = (
        packaged("cyclonedx-python-lib", f"{CYCLONEDX}/{name}.SNAPSHOT.schema.json")
        for name in (f"bom-{bill['specVersion']}", "spdx", "jsf-0.82", "cryptography-defs")
    )
    assert schema["properties"]["specVersion"]["examples"] == [bill["specVersion"]]
    return problems(bill, schema, beside)


@pytest.mark.parametrize("audit", EVERY)
def test_the_statement_is_read_by_in_toto(audit: Results) -> None:
    told = json.loads(statement(audit, LIMITS, "cd" * 32))
    message = ParseDict(told, Message())  # raises on a key or a type that is not of the format
    Statement.copy_from_pb(message).validate()
    (subject,) = message.subject
    assert subject.digest["sha256"] == audit.about["subjects"]["model"]["sha256"]
    assert message.predicate_type == "https://in-toto.io/attestation/test-result/v0.1"
    inner = ParseDict(told["predicate"], Result())
    assert inner.configuration[0].digest["sha256"] == "cd" * 32
    assert inner.configuration[0].annotations["before_results"] is True
    tests = [*inner.passed_tests, *inner.warned_tests, *inner.failed_tests]
    assert len(tests) == len(audit.gates)


def test_what_is_not_decided_is_warned_of() -> None:
    told = json.loads(statement(AUDIT))["predicate"]
    assert told["result"] == "FAILED"
    assert told["passedTests"] == ["performance.accuracy[arm=pruned] at least 0.9"]
    assert told["failedTests"] == ["performance.change[class=World] at least -1"]
    assert told["warnedTests"] == [
        "performance.accuracy[arm=pruned] at least 0.91 (inconclusive)",
        "fairness.accuracy_gap[group=asia] at least 0.9 (not run)",
    ]
    assert told["configuration"] == []


@pytest.mark.parametrize(
    ("places", "broke", "expected"),
    [((0,), False, "PASSED"), ((0, 0), False, "PASSED"), ((0,), True, "WARNED"),
     ((), False, "WARNED"), ((0, 2), False, "WARNED"), ((0, 3), False, "WARNED"),
     ((3, 1), False, "FAILED"), ((1,), True, "FAILED")],
)  # fmt: skip
def test_only_gates_that_all_pass_are_passed(
    places: tuple[int, ...], broke: bool, expected: str
) -> None:
    failures = AUDIT.failures if broke else ()
    judged = tuple(GATES[place] for place in places)
    assert result(replace(AUDIT, gates=judged, failures=failures)) == expected


@pytest.mark.parametrize("audit", EVERY)
def test_the_bill_is_valid_and_holds_every_number(audit: Results) -> None:
    text = bom(audit, None, "ef" * 32)
    assert bill_problems(text) == []
    card = json.loads(text)["metadata"]["component"]["modelCard"]
    metrics = card["quantitativeAnalysis"]["performanceMetrics"]
    wanted = [m for f in audit.findings for m in f.measurements if m.value is not None]
    assert [float(one["value"]) for one in metrics] == [m.value for m in wanted]
    for one, m in zip(metrics, wanted, strict=True):
        assert ("confidenceInterval" in one) == (m.interval is not None)
        assert one["type"].endswith(f".{m.name} ({m.unit})")
    assert bom(audit, None, "ef" * 32) == text
    assert bom(audit, None, "00" * 32) != text


def test_a_bill_that_lies_is_refused() -> None:
    bill = json.loads(bom(AUDIT))
    bill["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0] = {
        "value": 0.5
    }
    assert bill_problems(json.dumps(bill))


@pytest.mark.parametrize("audit", EVERY)
def test_the_record_is_valid_and_says_which_way_is_better(audit: Results) -> None:
    told = json.loads(record(audit, organization="A\x00B"))
    schema = packaged("every-eval-ever", "every_eval_ever/schemas/eval.schema.json")
    assert schema["version"] == told["schema_version"]
    assert problems(told, schema) == []
    wanted = [m for f in audit.findings for m in f.measurements if m.value is not None and m.better]
    results = told["evaluation_results"]
    assert [one["score_details"]["score"] for one in results] == [m.value for m in wanted]
    for one, m in zip(results, wanted, strict=True):
        assert one["metric_config"]["lower_is_better"] == (m.better == "lower")
        uncertainty = one["score_details"]["uncertainty"]
        assert uncertainty["num_samples"] == m.n_clusters
        if m.interval is not None:
            within = uncertainty["confidence_interval"]
            assert (within["lower"], within["upper"]) == (m.interval.low, m.interval.high)
    assert told["source_metadata"]["source_organization_name"] == "A�B"


def test_the_command_writes_all_three_beside_the_run(tmp_path: Path) -> None:
    run = finished_runs.run(tmp_path / "run", judged=GATES)
    done = auditkit("attest", run)
    assert done.code == 0, done.err
    names = ["statement.json", "bom.cdx.json", "every_eval_ever.json"]
    assert done.out.splitlines() == [
        "FAILED: 4 gates: 1 pass · 1 fail · 1 inconclusive · 1 not run",
        *(str(run / name) for name in names),
    ]
    (limits,) = json.loads((run / names[0]).read_text("utf-8"))["predicate"]["configuration"]
    file = (run / "gates.json").read_bytes()
    assert limits["digest"]["sha256"] == hashlib.sha256(file).hexdigest()
    assert limits["annotations"]["before_results"] is True
    bill = json.loads((run / names[1]).read_text("utf-8"))
    assert bill["metadata"]["timestamp"] == "2026-11-28T12:00:00+00:00"
    assert auditkit("attest", run, "--out", tmp_path / "new" / "x").code == 0
    again = {name: (tmp_path / "new" / "x" / name).read_bytes() for name in names}
    assert again == {name: (run / name).read_bytes() for name in names}


def test_without_gates_nothing_passed(tmp_path: Path) -> None:
    run = finished_runs.run(tmp_path / "run", replace(report_case.audit(), failures=()))
    assert auditkit("attest", run).out.startswith("WARNED: no gate was asked for\n")


@pytest.mark.parametrize(
    ("layout", "family"),
    [("distilbert", "transformer encoder"), (SAVED, None)],
)
def test_a_bill_says_of_a_model_what_is_known(layout: str, family: str | None) -> None:
    about: dict[str, Any] = report_case.about()
    kept = [run for run in about["runs"] if run["name"] in ("baseline", "pruned")]
    about["runs"] = [run | {"name": "changed" if run["name"] == "pruned" else run["name"]}
                     for run in kept]  # fmt: skip
    about["subjects"]["model"]["layout"] = layout
    card = json.loads(bom(replace(report_case.audit(), about=about)))
    told = card["metadata"]["component"]["modelCard"]["modelParameters"]
    assert told.get("architectureFamily") == family
    told = json.loads(bom(AUDIT))["metadata"]["component"]["modelCard"]["modelParameters"]
    assert told["architectureFamily"] == "transformer encoder with learned token pruning"


def test_a_model_that_was_only_named_is_not_attested(tmp_path: Path) -> None:
    about: dict[str, Any] = report_case.about()
    name = "someone/model"
    about["subjects"]["model"] |= {
        "name": name,
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
    }
    run = finished_runs.run(tmp_path / "run", replace(report_case.audit(), about=about))
    done = auditkit("attest", run)
    assert (done.code, "its weights have no SHA-256" in done.complaint) == (2, True)
    bill = json.loads(bom(replace(report_case.audit(), about=about)))
    assert "hashes" not in bill["metadata"]["component"]
    assert all("hashes" in one for one in bill["components"])
    assert not (run / "statement.json").exists()


def test_the_digest_can_be_taken_in_a_shell(tmp_path: Path) -> None:
    """As docs/ci.md has it."""
    docs = (Path(__file__).parent.parent / "docs" / "ci.md").read_text("utf-8")
    command = docs.partition("```sh\n")[2].partition("```")[0]
    for name in ("model.safetensors", "config.json", "b.bin", "x.index.json", "README.md"):
        (tmp_path / name).write_bytes(name.encode() * 1000)
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[0] == fingerprint(str(tmp_path))


@pytest.mark.slow
def test_a_real_run_is_told_to_all(
    tiny_checkpoint: Callable[[str], Path], tiny_csv: str, tmp_path: Path
) -> None:
    """Recorded, judged by gates that were set beforehand, and then told without any model."""
    checkpoint, run, gates = tmp_path / "ckpt", tmp_path / "run", tmp_path / "gates.yaml"
    shutil.copytree(tiny_checkpoint("bert"), checkpoint)
    gates.write_text(
        "- address: performance.accuracy[arm=pruned]\n  at_least: 0.0\n  on: value\n"
        "- address: nobody.knows[arm=pruned]\n  at_least: 1\n"
    )
    done = audit(run, "--gates", gates, *tiny.QUICK, model=checkpoint, dataset=tiny_csv)
    assert done.code == 4, done.err
    files = ("--junit", run / "audit.xml", "--ctrf", run / "audit.json")
    assert auditkit("export", run, *files).code == 0
    judged, _ = JUnitXml.fromfile(str(run / "audit.xml"))
    passed, skipped = judged
    assert (passed.is_passed, skipped.is_skipped) == (True, True)
    assert not problems(json.loads((run / "audit.json").read_text("utf-8")), ctrf_schema())
    assert auditkit("attest", run).out.startswith("WARNED: 2 gates: 1 pass · 1 not run\n")
    statement = json.loads((run / "statement.json").read_text("utf-8"))
    assert statement["subject"][0]["digest"]["sha256"] == fingerprint(str(checkpoint))
    assert bill_problems((run / "bom.cdx.json").read_text("utf-8")) == []
    assert auditkit("card", checkpoint, run).code == 0
    assert ModelCard.load(checkpoint / "README.md").data.to_dict()["model-index"]
    assert fingerprint(str(checkpoint)) == statement["subject"][0]["digest"]["sha256"]
    again = audit(run, "--gates", gates, *tiny.QUICK, model=checkpoint, dataset=tiny_csv)
    assert again.code == 4, again.err  # files beside the run's own do not stand in its way
