"""`auditkit export`: a finished run as tests, and in MLflow."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import finished_runs
import pytest
import report_case
from command import auditkit
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped
from schemas import ctrf_schema, packaged, problems

from auditkit.finding import Results, dumps, loads, parse_address
from auditkit.outputs.cases import cases
from auditkit.outputs.ctrf import ctrf
from auditkit.outputs.junit import junit
from auditkit.outputs.tracking import NAMES, metrics

AUDIT = loads(dumps(replace(report_case.audit(), gates=finished_runs.gates())))
KINDS = {"pass": None, "fail": Failure, "broke": Error}


def test_junit_has_every_gate_and_probe_under_its_own_word() -> None:
    document = JUnitXml.fromstring(junit(AUDIT))
    statuses = [g.status for g in AUDIT.gates] + [f.status for f in AUDIT.findings] + ["broke"]
    told = [case for suite in document for case in suite]
    assert len(told) == len(statuses)
    for case, status in zip(told, statuses, strict=True):
        kind = KINDS.get(status, Skipped)
        assert [type(result) for result in case.result] == ([kind] if kind else [])
    assert (document.tests, document.failures, document.errors, document.skipped) == (
        len(told), statuses.count("fail"), 1,
        len(told) - statuses.count("fail") - statuses.count("pass") - 1,
    )  # fmt: skip
    for suite in document:
        assert suite.tests == len(list(suite))


def test_what_is_not_decided_says_what_it_is() -> None:
    told = {case.told: case.status for case in cases(AUDIT) if case.suite == "gates"}
    assert list(told.values()) == ["pass", "fail", "inconclusive", "not run"]
    open_one = "accuracy, pruned: expected at least 0.91, seen 0.913 [0.907, 0.919]; the 95 %"
    assert any(text.startswith(open_one) for text in told)
    root = ElementTree.fromstring(junit(AUDIT))
    skipped = root.findall("testsuite[@name='auditkit.gates']/testcase/skipped")
    assert [one.get("type") for one in skipped] == ["inconclusive", "not run"]
    assert skipped[0].get("message", "").startswith("inconclusive: accuracy, pruned: expected at")


def test_ctrf_counts_and_validates() -> None:
    document = json.loads(ctrf(AUDIT))
    tests, summary = document["results"]["tests"], document["results"]["summary"]
    assert [t["status"] for t in tests[:4]] == ["passed", "failed", "other", "skipped"]
    assert [t["rawStatus"] for t in tests[:4]] == ["pass", "fail", "inconclusive", "not run"]
    assert tests[1]["labels"] == {"limit": -1.0, "value": -2.1, "low": -2.6, "high": -1.6}
    assert "value" not in tests[3]["labels"]
    assert tests[-1]["status"] == "failed"
    assert tests[-1]["rawStatus"] == "broke"
    assert summary["tests"] == len(tests) == len(AUDIT.gates) + len(AUDIT.findings) + 1
    for status in ("passed", "failed", "skipped", "pending", "other"):
        assert summary[status] == sum(t["status"] == status for t in tests)
    assert not problems(document, ctrf_schema())


@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)]
)
def test_a_schema_that_is_not_there_fails_where_all_must_hold(
    ci: str, outcome: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr("schemas.FETCHED", Path("nowhere"))
    with pytest.raises(outcome, match="make schemas"):
        ctrf_schema()
    with pytest.raises(outcome, match="make venv"):
        packaged("no-such-package", "x.json")


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=20).map(lambda text: text + "\x00\x1b]]>\ufffe<&\"'"))
def test_hostile_texts_are_text(wild: str) -> None:
    reason = finished_runs.gate("fail", reason=wild, address=wild or "x")
    audit = Results(about={}, findings=(), failures=(), gates=(reason,))
    (case,) = [case for suite in JUnitXml.fromstring(junit(audit)) for case in suite]
    message = str(case.result[0].message)
    assert "\ufffd\ufffd]]>\ufffd<&\"'" in message
    assert json.loads(ctrf(audit))["results"]["tests"][0]["status"] == "failed"


def test_the_command_writes_what_was_asked_for(tmp_path: Path) -> None:
    run = finished_runs.run(tmp_path / "run", judged=finished_runs.gates())
    done = auditkit(
        "export", run, "--junit", tmp_path / "ci" / "a.xml", "--ctrf", tmp_path / "b.json"
    )
    assert done.code == 0, done.err
    assert done.out.splitlines() == [str(tmp_path / "ci" / "a.xml"), str(tmp_path / "b.json")]
    assert (tmp_path / "ci" / "a.xml").read_text("utf-8") == junit(AUDIT)
    summary = json.loads((tmp_path / "b.json").read_text("utf-8"))["results"]["summary"]
    assert summary["start"] == summary["stop"] == 1_795_867_200_000  # 2026-11-28 12:00 UTC


def test_a_redacted_run_is_told_redacted(tmp_path: Path) -> None:
    hidden = report_case.audit().failures[0].error.partition(": ")[2]
    for redact in (False, True):
        run = finished_runs.run(tmp_path / str(redact), redact=redact)
        assert auditkit("export", run, "--junit", tmp_path / "a.xml").code == 0
        (error,) = ElementTree.parse(tmp_path / "a.xml").getroot().iter("error")
        told = error.get("message", "")
        assert ("script" in told) is not redact
    assert "script" in hidden


def test_what_cannot_be_exported_is_said_in_one_line(tmp_path: Path) -> None:
    run = finished_runs.run(tmp_path / "run")
    done = auditkit("export", run)
    assert (done.code, "nothing to write" in done.complaint) == (2, True)
    assert "no results.json" in auditkit("export", tmp_path, "--junit", "x").complaint
    (run / "results.json").write_text((run / "results.json").read_text() + " ")
    changed = auditkit("export", run, "--junit", tmp_path / "x.xml")
    assert (changed.code, "was changed since the run" in changed.complaint) == (2, True)
    assert not (tmp_path / "x.xml").exists()


def test_without_mlflow_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_runs.run(tmp_path / "run")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert "MLFLOW_TRACKING_URI" in auditkit("export", run, "--mlflow").complaint
    monkeypatch.setitem(sys.modules, "mlflow", None)
    done = auditkit("export", run, "--mlflow", "sqlite:///x.db")
    assert (done.code, "pip install 'auditkit[mlflow]'" in done.complaint) == (2, True)


def test_names_in_mlflow_are_distinct_and_lead_to_addresses() -> None:
    told = metrics(AUDIT)
    assert told["performance.accuracy/arm-pruned"] == ("performance.accuracy[arm=pruned]", 0.9132)
    assert told["performance.accuracy/arm-pruned/low"][0].endswith("[arm=pruned].low")
    assert len({name.casefold() for name in told}) == len(told)
    assert all(len(name) <= 250 and "//" not in name for name in told)
    known = {f.probe for f in AUDIT.findings}
    assert {parse_address(address).probe for address, _ in told.values()} <= known
    wanted = [m for f in AUDIT.findings for m in f.measurements if m.value is not None]
    assert len(told) == len(wanted) + 2 * sum(m.interval is not None for m in wanted)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # sqlalchemy and alembic warn of mlflow's own use of them
def test_mlflow_keeps_numbers_tables_and_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    run = finished_runs.run(tmp_path / "news", judged=finished_runs.gates())
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri)
    client.create_experiment("audits", artifact_location=(tmp_path / "kept").as_uri())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "audits")
    done = auditkit("export", run, "--mlflow", uri)
    assert done.code == 0, done.err
    found = client.get_run(done.out.split()[2])
    assert (found.info.run_name, found.info.status) == ("news", "FINISHED")
    assert found.data.metrics == {name: value for name, (_, value) in metrics(AUDIT).items()}
    assert found.data.tags["auditkit.checkpoint_sha256"] == "3f" * 32
    assert (
        found.data.tags["auditkit.gates"] == "4 gates: 1 pass · 1 fail · 1 inconclusive · 1 not run"
    )
    held = Path(client.download_artifacts(found.info.run_id, ""))
    assert (held / "report.html").read_bytes() == (run / "report.html").read_bytes()
    names = json.loads((held / NAMES).read_text("utf-8"))
    assert names == {name: address for name, (address, _) in metrics(AUDIT).items()}
    assert len(list((held / "tables").glob("*.csv"))) == sum(len(f.tables) for f in AUDIT.findings)
    refused = auditkit("export", run, "--mlflow", "nowhere://at/all")
    assert (refused.code, "MLflow refused" in refused.complaint) == (2, True)
