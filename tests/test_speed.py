"""Measured time: what is timed, where it is kept, and what the page says of it."""

import json
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import report_case
import tiny
from command import auditkit as command
from pydantic import ValidationError

import auditkit
from auditkit.bench.speed import ROUNDS, Speed, alternate, read_speed
from auditkit.finding import Results
from auditkit.report import page as report
from auditkit.report.summary import render_markdown
from auditkit.run import conduct
from auditkit.trace import Trace

Checkpoints = Callable[[str], Path]
Runs = Callable[..., Path]


def page(times: Speed | None) -> str:
    html = report.render_html(report_case.audit(), times)
    first = html[html.index('<article id="speed"') :]
    more = html[html.index('id="times-more"') :] if times else ""
    return first[: first.index("</article>")] + more.partition("</details>")[0]


def quick(model: Path, csv: str, out: Path, *flags: str) -> Path:
    done = command("run", "--model", model, "--dataset", csv, "--out", out, *tiny.QUICK, *flags)
    assert done.code == 0, done.err
    return out


def test_variants_take_turns_and_the_first_round_only_warms_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, calls, turns = [0.0], list[str](), list[tuple[int, int]]()
    monkeypatch.setattr("auditkit.bench.speed.time.perf_counter", lambda: now[0])

    def work(name: str) -> None:
        calls.append(name)
        now[0] += {"a": 1.0, "b": 10.0}[name] * (1 + calls.count(name))

    variants = {"a": lambda: work("a"), "b": lambda: work("b")}
    seconds = alternate(variants, 3, lambda done, total: turns.append((done, total)))
    assert "".join(calls) == "abbaabba"
    assert seconds == {"a": [3.0, 4.0, 5.0], "b": [30.0, 40.0, 50.0]}
    assert turns == [(n, 8) for n in range(1, 9)]


def test_what_goes_before_a_turn_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = [0.0], list[str]()
    monkeypatch.setattr("auditkit.bench.speed.time.perf_counter", lambda: now[0])

    def work(name: str, seconds: float) -> None:
        calls.append(name)
        now[0] += seconds

    variants = {"a": lambda: work("a", 1.0), "b": lambda: work("b", 2.0)}
    seconds = alternate(variants, 2, before_turn=lambda name: work(name.upper(), 5.0))
    assert "".join(calls) == "AaBbBbAaAaBb"
    assert seconds == {"a": [1.0, 1.0], "b": [2.0, 2.0]}


def test_the_ratio_is_taken_within_each_round() -> None:
    times = report_case.speed()
    assert times.ratios == pytest.approx((2.0, 1.5, 4.0, 2.2, 2.0))
    assert times.seconds == {"baseline": (2.0, 3.0, 2.0, 4.4, 2.4),
                             "pruned": (1.0, 2.0, 0.5, 2.0, 1.2)}  # fmt: skip
    assert times.sentence() == (
        "The baseline model took 2.00 times as long as the pruned model "
        "(median over 5 rounds, from 1.50 to 4.00)."
    )


def test_rounds_that_do_not_agree_are_said_to() -> None:
    told = report_case.speed(rounds=((1.0, 2.0), (3.0, 2.0)), against="unpruned").sentence()
    assert told.startswith("The unpruned model took 1.00 times as long")
    assert "from 0.50 to 1.50; the rounds do not agree on which is faster" in told
    slower = report_case.speed(rounds=((1.0, 2.0), (1.0, 4.0))).sentence()
    assert "took 0.38 times as long" in slower
    assert "agree" not in slower


@pytest.mark.parametrize(
    "changes",
    [
        {"rounds": ()},
        {"rounds": ((1.0, 0.0),)},
        {"rounds": ((1.0, float("nan")),)},
        {"rounds": ((1.0,),)},
        {"against": "<b>"},
        {"documents": 0},
        {"surprise": 1},
    ],
)
def test_times_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        report_case.speed(**changes)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "1", '{"speed": null}', '{"speed": 3}', "[" * 100_000,
     '{"unit": "seconds", "measured": {}}', '{"speed": {"against": "baseline"}}', "\ud800"],
)  # fmt: skip
def test_a_file_of_timings_that_holds_none(text: str, tmp_path: Path) -> None:
    assert read_speed(tmp_path) is None
    (tmp_path / "timings.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert read_speed(tmp_path) is None


def test_times_stand_in_a_block_of_their_own() -> None:
    block = page(report_case.speed())
    assert "Is it faster on this machine?" in block
    assert report_case.speed().sentence() in block
    for label, value in (("Device", "cpu (x86_64)"), ("CPU threads", "2"), ("dtype", "float32"),
                         ("torch", "2.13.0"), ("Tokens a batch, at most", "8,192"),
                         ("Documents, a sample stratified by class", "256"),
                         ("Tokens in these documents", "12,800")):  # fmt: skip
        assert f"<dt>{label}</dt><dd>{value}</dd>" in block
    cells = block[block.index("<tbody>") : block.index("</tbody>")]
    for median in (2.4, 1.2):  # seconds, documents and tokens a second
        assert f">{median:.2f}<" in cells
        assert f">{256 / median:.0f}<" in cells
        assert f">{12_800 / median:,.0f}<" in cells
    assert "[2.00, 4.40]" in cells
    assert "1.99" not in cells  # counted MACs are never in a table of times
    assert "are 1.99 times the pruned model’s" in block


def test_what_was_not_measured_is_said_not_to_be() -> None:
    block = page(None)
    assert "Time was not measured in this run" in block
    assert "<table" not in block


def test_the_summary_has_one_line() -> None:
    audit = Results(about=report_case.about(), findings=(), failures=())
    lines = render_markdown(audit, report_case.speed()).splitlines()
    (line,) = [line for line in lines if line.startswith("Measured time")]
    assert line.endswith(report_case.speed().sentence())
    assert "(cpu (x86\\_64), float32, 256 documents)" in line
    assert "Measured time: not measured." in render_markdown(audit).splitlines()


def test_a_hostile_device_name_is_text() -> None:
    wild = "</script><img src=x onerror=alert(1)>\x00 | `x`"
    assert "<img" not in page(report_case.speed(device=wild, dtype=wild, torch=wild, date=wild))
    audit = Results(about=report_case.about(), findings=(), failures=())
    text = render_markdown(audit, report_case.speed(device=wild))
    assert "<img" not in text
    assert "\x00" not in text


def test_a_run_measures_both_models_and_keeps_times_out_of_its_results(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    run = tiny_runs("bert", quick=True)
    times = read_speed(run)
    assert times is not None
    assert (times.against, len(times.rounds), times.documents) == ("baseline", ROUNDS, 90)
    documents = Trace.open(run / "trace").documents
    assert times.tokens == documents.tokens.sum()
    baseline, pruned = documents.macs("baseline"), documents.macs("pruned")
    assert baseline is not None
    assert pruned is not None
    assert times.macs_ratio == pytest.approx(baseline.sum() / pruned.sum())
    html = (run / "report.html").read_text(encoding="utf-8")
    assert times.sentence() in html
    seconds = json.loads((run / "timings.json").read_text())["measured"]
    spent = sum(map(sum, times.rounds))
    assert spent <= seconds["speed"]
    unmeasured = quick(tiny_checkpoint("bert"), tiny_csv, tmp_path / "0", "--speed-documents", "0")
    assert read_speed(unmeasured) is None
    assert "not measured" in (unmeasured / "summary.md").read_text(encoding="utf-8")
    some = quick(tiny_checkpoint("bert"), tiny_csv, tmp_path / "7", "--speed-documents", "7")
    assert (read_speed(some) or times).documents == 7
    for other in (unmeasured, some):
        assert (other / "results.json").read_bytes() == (run / "results.json").read_bytes()


@pytest.mark.slow
def test_an_earlier_measurement_is_kept_until_another_is_asked_for(
    tiny_runs: Runs, tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run = shutil.copytree(tiny_runs("bert", quick=True), tmp_path / "run")
    before = read_speed(run)
    assert before is not None
    with monkeypatch.context() as patch:
        patch.setattr(
            conduct, "measure_speed", lambda *_: pytest.fail("the models were timed again")
        )
        for flags in ((), ("--speed-documents", "0"), ("--without", "performance")):
            quick(tiny_checkpoint("bert"), tiny_csv, run, *flags)
            assert read_speed(run) == before
            assert before.sentence() in (run / "report.html").read_text(encoding="utf-8")
    assert before.sentence() in auditkit.load(run).to_html()
    for flags in (("--speed-documents", "9"), ("--batch-tokens", "64")):
        quick(tiny_checkpoint("bert"), tiny_csv, run, *flags)
        after = read_speed(run)
        assert after is not None
        assert (after.documents, after.batch_tokens) == ((9, 7168) if "9" in flags else (90, 64))
    (run / "timings.json").write_text("{")
    quick(tiny_checkpoint("bert"), tiny_csv, run)
    assert read_speed(run) is not None


def test_without_a_baseline_the_unpruned_model_is_timed(
    tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    alone = shutil.copytree(tiny_checkpoint("bert"), tmp_path / "alone")
    shutil.rmtree(alone / "baseline")
    seen: list[tuple[str, int, int]] = []
    outcome = auditkit.audit(
        model=alone, dataset=tiny_csv, out=tmp_path / "run", probes=("performance",),
        random_draws=0, speed_documents=6,
        progress=lambda what, done, total: seen.append((what, done, total)),
    )  # fmt: skip
    assert outcome.speed is not None
    assert outcome.speed.against == "unpruned"
    assert outcome.speed == read_speed(tmp_path / "run")
    turns = 2 * (ROUNDS + 1)
    told = [(done, total) for what, done, total in seen if what == "time the models" and total]
    assert told == [(6 * n, 6 * turns) for n in range(1, turns + 1)]
    assert statistics.median(outcome.speed.ratios) > 0
