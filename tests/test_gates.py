"""Gates: limits set beforehand, three-valued, and the exit codes that follow."""

from dataclasses import replace
from pathlib import Path

import pytest
import report_case
from command import assert_harmless, auditkit
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import SettingsError
from auditkit.files import Folder
from auditkit.finding import (
    GATES,
    Failure,
    Finding,
    GateResult,
    Interval,
    Measurement,
    announce,
    dumps,
    loads,
    read_announcement,
)  # fmt: skip
from auditkit.report.page import render_html
from auditkit.report.summary import render_markdown
from auditkit.run.directory import load, manifest_settings, write
from auditkit.run.gates import Gate, judge
from auditkit.run.progress import Clock
from auditkit.run.settings import load_settings, read_gates

ACCURACY = "performance.accuracy[arm=pruned]"


def measured(
    value: float | None, low: float = 0.0, high: float = 0.0, name: str = "accuracy"
) -> Measurement:
    """Without an interval where both bounds are 0."""
    there = value is not None and (low, high) != (0.0, 0.0)
    return Measurement(
        name=name, value=value, unit="share", n=100, n_clusters=100, at={"arm": "pruned"},
        interval=Interval(low, high) if there else None,
        no_interval=None if there or value is None else "all agree",
        undefined="no documents" if value is None else None,
    )  # fmt: skip


def found(*measurements: Measurement) -> list[Finding]:
    return [
        Finding(
            probe="performance", version="1", question="?", claim="It is.", status="reported",
            measurements=measurements,
        )
    ]  # fmt: skip


def outcome(limit: dict[str, object], *measurements: Measurement) -> GateResult:
    gate = Gate.model_validate({"address": ACCURACY, **limit})
    return judge([gate], found(*measurements))[0]


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        ({"at_least": 0.85}, "pass"),
        ({"at_least": 0.86}, "pass"),  # the bound keeps to it
        ({"at_least": 0.90}, "inconclusive"),
        ({"at_least": 0.95}, "fail"),
        ({"at_most": 0.95}, "pass"),
        ({"at_most": 0.90}, "inconclusive"),
        ({"at_most": 0.80}, "fail"),
        ({"at_least": 0.90, "on": "value"}, "pass"),
        ({"at_least": 0.91, "on": "value"}, "fail"),
    ],
)
def test_three_values_by_the_bound_and_two_by_the_value(
    limit: dict[str, object], status: str
) -> None:
    result = outcome(limit, measured(0.9, 0.86, 0.93))
    assert result.status == status
    assert result.value == 0.9
    assert result.reason


@pytest.mark.parametrize(
    ("measurements", "status", "reason"),
    [
        ((measured(0.9),), "inconclusive", "it has no interval: all agree"),
        ((measured(None),), "inconclusive", "it is undefined: no documents"),
        ((measured(0.9, 0.8, 1.0, "acuracy"),), "not_run", "near it: performance.acuracy"),
        ((), "not_run", "no such measurement"),
    ],
)
def test_what_is_not_there_never_passes(
    measurements: tuple[Measurement, ...], status: str, reason: str
) -> None:
    result = outcome({"at_least": 0.1}, *measurements)
    assert result.status == status
    assert reason in result.reason


def test_a_probe_that_was_not_run_is_named() -> None:
    (result,) = judge([Gate(address="performence.f1", at_least=0.5)], found(measured(0.9)))
    assert result.status == "not_run"
    assert "performence was not run" in result.reason
    assert "available: performance" in result.reason


def test_a_probe_that_broke_is_said_to_have_broken() -> None:
    broken = [Failure(probe="performance", distribution="y", error="z")]
    (result,) = judge([Gate(address=ACCURACY, at_least=0.5)], [], broken)
    assert (result.status, result.reason) == ("not_run", "the probe performance broke")


@settings(max_examples=20, deadline=None)
@given(st.floats(-9, 9, width=32), st.floats(0.001, 1), st.floats(-1e-6, 1e-6))
def test_a_run_and_its_results_are_decided_alike(value: float, half: float, beside: float) -> None:
    """Also where the limit is the bound as it is printed, and not quite as it was computed."""
    findings = found(measured(value, value - half, value + half))
    written = loads(dumps(replace(report_case.audit(), findings=tuple(findings)))).findings
    limit = float(f"{value - half + beside:.6g}")
    gates = [Gate(address=ACCURACY, at_least=limit), Gate(address=ACCURACY, at_most=limit)]
    assert judge(gates, findings) == judge(gates, written)


def test_a_fail_survives_holm_or_is_none() -> None:
    near = Gate(address=ACCURACY, at_least=0.931)  # just beyond the bound: p just under .025
    alone = judge([near], found(measured(0.9, 0.86, 0.93)))
    assert alone[0].status == "fail"
    other = Gate(address="performance.f1[arm=pruned]", at_least=0.5)
    both = found(measured(0.9, 0.86, 0.93), measured(0.9, 0.86, 0.93, "f1"))
    first, second = judge([near, other], both)
    assert (first.status, second.status) == ("inconclusive", "pass")
    assert "Holm" in first.reason
    far = near.model_copy(update={"at_least": 0.99})
    assert judge([far, other], both)[0].status == "fail"


@settings(max_examples=30, deadline=None)
@given(
    value=st.floats(0.1, 0.9), half=st.floats(0.01, 0.09), limit=st.floats(0, 1),
    side=st.sampled_from(["at_least", "at_most"]),
)  # fmt: skip
def test_one_gate_follows_its_interval_alone(
    value: float, half: float, limit: float, side: str
) -> None:
    m = measured(value, value - half, value + half)
    status = outcome({side: limit}, m).status
    inside = value - half <= limit <= value + half
    kept = limit <= value if side == "at_least" else limit >= value
    if abs(abs(limit - value) - half) > 1e-9:
        assert status == ("inconclusive" if inside else "pass" if kept else "fail")


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ({"address": ACCURACY}, "at_least or at_most"),
        ({"address": ACCURACY, "at_least": 0, "at_most": 1}, "one of the two"),
        ({"address": ACCURACY + ".low", "at_least": 0}, "names the field 'low'"),
        ({"address": "accuracy", "at_least": 0}, "address"),
        ({"address": ACCURACY, "at_lest": 0}, "did you mean at_least"),
        ({"address": ACCURACY, "at_least": float("nan")}, "finite"),
        ({"address": "fairness.max_gap", "at_most": 0.1, "on": "value"}, "maximum"),
        ({"address": "fairness.gap_worst", "at_most": 0.1, "on": "value"}, "maximum"),
        ({"address": "speed.seconds[arm=pruned]", "at_most": 3}, "measured time is no measurement"),
        ({"address": ACCURACY, "at_least": 0, "on": "time"}, "bound"),
    ],
)
def test_gates_that_mean_nothing_are_refused_before_a_run(
    gate: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(None, {"model": "m", "dataset": "d", "gates": [gate]})


LIMITS = [{"address": ACCURACY, "at_least": 0.9}]


def test_limits_are_written_down_with_hash_and_first_time(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    first = announce(folder, LIMITS, before_results=True)
    assert first is not None
    assert (first.gates, first.before_results) == (LIMITS, True)
    assert announce(folder, LIMITS, before_results=False) == read_announcement(folder) == first
    moved = announce(folder, [{**LIMITS[0], "at_least": 0.8}], before_results=False)
    assert moved is not None
    assert (moved.sha256 != first.sha256, moved.before_results) == (True, False)
    assert announce(folder, (), before_results=False) is None
    assert read_announcement(folder) is None
    folder.write(GATES, "{")
    assert read_announcement(folder) is None


@pytest.mark.parametrize(
    ("before", "told"), [(True, "before this run had any results"), (False, "not set beforehand")]
)
def test_the_pages_say_whether_limits_came_first(before: bool, told: str, tmp_path: Path) -> None:
    audit = replace(report_case.audit(), gates=(outcome({"at_least": 0.9}, measured(0.9)),))
    (tmp_path / "results.json").write_text(dumps(audit), encoding="utf-8")

    def pages() -> tuple[str, str]:
        found = load(tmp_path)
        return found.to_html(), found.to_markdown()

    assert all("is not recorded" in page for page in pages())
    limits = announce(Folder(tmp_path), LIMITS, before_results=before)
    assert limits is not None
    for page in pages():
        assert told in page
        assert limits.read in page


def test_both_pages_show_every_gate_and_escape_it() -> None:
    hostile = GateResult(
        address='p.m[class="<b>|x"]', side="at_least", limit=0.5, on="bound", status="not_run",
        reason="<script>alert(1)</script> near",
    )  # fmt: skip
    audit = replace(report_case.audit(), gates=(hostile,))
    html, markdown = render_html(audit), render_markdown(audit)
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert" not in html + markdown
    assert "at least 0.5" in html
    assert "not run" in html
    assert "| — | not run |" in markdown
    assert "No gate was asked for" in render_html(report_case.audit())


def run_directory(tmp_path: Path, *, broken: bool = False) -> Path:
    """A finished run of hand-made results."""
    m = measured(0.9, 0.86, 0.93)
    failures = (Failure(probe="x", distribution="y", error="z"),) if broken else ()
    audit = replace(report_case.audit(), findings=tuple(found(m)), failures=failures)
    (tmp_path / "results.json").write_text(dumps(audit), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("limits", "code", "told"),
    [
        (["at_least: 0.8"], 0, "gate pass"),
        (["at_least: 0.8", "at_least: 0.9"], 4, "gate inconclusive"),
        (["at_least: 0.9", "at_least: 0.99"], 1, "gate fail"),
        (["at_least: 0.8, address: performance.other"], 4, "gate not run"),
        (["at_least: 0.91, on: value"], 1, "by the value alone"),
        (["at_least: 0.89, on: bound", "at_most: 0.91, on: value"], 4, "gate pass"),
        (["at_lest: 0.8"], 2, ""),
    ],
)
def test_exit_codes_from_the_shell(tmp_path: Path, limits: list[str], code: int, told: str) -> None:
    directory, file = run_directory(tmp_path), tmp_path / "gates.yaml"
    lines = [
        f"- {{{limit}}}" if "address" in limit else f"- {{address: '{ACCURACY}', {limit}}}"
        for limit in limits
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    done = auditkit("gate", directory, "--gates", file)
    assert done.code == code
    assert told in done.out
    assert bool(done.err) == (code == 2)
    assert_harmless(done)


def test_a_broken_probe_of_the_run_is_not_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "gates.yaml"
    directory = run_directory(tmp_path, broken=True)
    for limit, code in ((0.8, 3), (0.9, 3), (0.99, 1)):
        file.write_text(f"- {{address: '{ACCURACY}', at_least: {limit}}}", encoding="utf-8")
        assert auditkit("gate", directory, "--gates", file).code == code


def test_a_fail_comes_before_a_broken_probe_and_that_before_what_is_not_decided() -> None:
    fail, unsure, fine = (
        GateResult(address="p.m", side="at_least", limit=0, on="bound", status=s, reason="r")
        for s in ("fail", "inconclusive", "pass")
    )  # fmt: skip
    broken = (Failure(probe="x", distribution="y", error="z"),)
    for gates, failures, code in (
        ((), (), 0), ((fine,), (), 0), ((fine, unsure), (), 4), ((unsure,), broken, 3),
        ((fail,), broken, 1), ((), broken, 3),
    ):  # fmt: skip
        assert replace(report_case.audit(), gates=gates, failures=failures).exit_code == code


def test_the_whole_configuration_is_printed_and_reads_back(tmp_path: Path) -> None:
    file = tmp_path / "gates.yaml"
    file.write_text(f"[{{address: '{ACCURACY}', at_least: 0.9}}]")
    flags = ("--model", "m", "--dataset", "dä.csv", "--gates", file, "--limit", "7")
    done = auditkit("run", *flags, "--print-config")
    assert done.code == 0
    (tmp_path / "all.yaml").write_text(done.out, encoding="utf-8")
    settings = load_settings(str(tmp_path / "all.yaml"), {})
    assert settings.data.dataset == "dä.csv"
    assert settings.data.limit == 7
    assert settings.gates == (Gate(address=ACCURACY, at_least=0.9),)
    again = auditkit("run", "--config", tmp_path / "all.yaml", "--print-config")
    assert again.out == done.out


def test_a_file_of_gates_may_be_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(f"dtype: float32\ngates: [{{address: '{ACCURACY}', at_most: 1}}]\n")
    assert read_gates(str(file)) == (Gate(address=ACCURACY, at_most=1.0),)
    file.write_text(f"dtipe: float32\ngates: [{{address: '{ACCURACY}', at_most: 1}}]\n")
    with pytest.raises(SettingsError, match="no such key; did you mean dtype"):
        read_gates(str(file))
    for text in ("[]", "dtype: float32", "3"):
        file.write_text(text)
        with pytest.raises(SettingsError, match="no gates"):
            read_gates(str(file))
    with pytest.raises(SettingsError, match="no file"):
        read_gates(str(tmp_path / "nowhere.yaml"))


def test_a_manifest_repeats_its_run_and_outlives_another_analysis(tmp_path: Path) -> None:
    flags = {"model": "m", "dataset": "d.csv", "limit": 7, "out": str(tmp_path),
             "gates": [{"address": ACCURACY, "at_least": 0.9, "on": "value"}]}  # fmt: skip
    settings, place = load_settings(None, flags), Folder(tmp_path)
    write(place, report_case.audit(), Clock(), None, settings.flat())
    assert load_settings(str(tmp_path / "manifest.json"), {}) == settings
    assert load_settings(str(tmp_path / "manifest.json"), {"seed": 3}).recording.seed == 3
    assert manifest_settings(place) == settings.flat()
    for text in ("{", "[]", "{}"):
        place.write("manifest.json", text)
        assert manifest_settings(place) == {}
