"""`auditkit gate RUN --against RUN`, and its exit codes from a shell."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from command import auditkit
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.report.rendering import load_results
from auditkit.run.regression import regressions
from auditkit.stats.estimates import Estimate, difference_of
from auditkit.stats.paired import tango_interval

ACCURACY = "performance.accuracy[arm=pruned]"
Runs = Callable[..., Path]


@pytest.mark.parametrize(("k", "n", "j", "m"), [(80, 100, 70, 90), (3, 50, 9, 60)])
def test_the_difference_of_two_intervals_is_newcombes(k: int, n: int, j: int, m: int) -> None:
    one, other = (
        Estimate(a / b, b, proportion_confint(a, b, method="wilson")) for a, b in ((k, n), (j, m))
    )
    expected = confint_proportions_2indep(k, n, j, m, method="newcomb")
    assert difference_of(one, other).interval == pytest.approx(expected, abs=1e-6)
    assert difference_of(one, other).n == min(n, m)


def test_a_difference_of_what_is_missing_has_the_reason() -> None:
    whole = Estimate(0.5, 9, (0.4, 0.6))
    bare, none = Estimate(0.4, 8, why_not="all agree"), Estimate(None, 0, why_not="no documents")
    assert difference_of(whole, bare) == Estimate(0.5 - 0.4, 8, why_not="all agree")
    assert difference_of(none, whole) == Estimate(None, 0, why_not="no documents")


def changed(run: Path, to: Path, **values: float) -> Path:
    """A copy of a run whose key figures have other values, of other documents, by name."""
    copytree(run, to)
    results = json.loads((to / "results.json").read_text())
    results["about"]["dataset"]["sha256"] = "0" * 64
    for finding in results["findings"]:
        for m in finding["measurements"]:
            if m["headline"] and m["name"] in values and m["at"].get("arm") == "pruned":
                by = values[m["name"]] - m["value"]
                m["value"] += by
                m["interval"] = {side: bound + by for side, bound in m["interval"].items()}
    (to / "results.json").write_text(json.dumps(results))
    return to


def test_the_same_documents_are_compared_in_pairs(tiny_runs: Runs) -> None:
    run = tiny_runs("bert", quick=True)
    here = (load_results(run), Folder(run))
    results = {result.address: result for result in regressions(here, here)}
    low, high = tango_interval(0, 0, 90)
    interval = results[ACCURACY].interval
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert "paired over the same 90 documents" in results[ACCURACY].reason
    assert results[ACCURACY].status == "inconclusive"  # 90 cannot rule out a loss of one point
    (sure,) = (r for r in regressions(here, here, 0.2) if r.address == ACCURACY)
    assert (sure.status, sure.limit) == ("pass", -0.2)


def test_other_documents_are_compared_by_their_intervals(tiny_runs: Runs, tmp_path: Path) -> None:
    run = tiny_runs("bert", quick=True)
    old = changed(run, tmp_path / "old", accuracy=1.3)
    (worse,) = (
        r for r in regressions((load_results(run), Folder(run)), (load_results(old), Folder(old)))
        if r.address == ACCURACY
    )  # fmt: skip
    assert worse.status == "fail"
    assert "by the two intervals" in worse.reason


def test_runs_that_share_nothing_are_an_error(tiny_runs: Runs, tmp_path: Path) -> None:
    run = tiny_runs("bert", quick=True)
    old = changed(run, tmp_path / "old")
    results = json.loads((old / "results.json").read_text())
    results["findings"] = []
    (old / "results.json").write_text(json.dumps(results))
    with pytest.raises(TraceError, match=r"in common; here: performance.*; there: none"):
        regressions((load_results(run), Folder(run)), (load_results(old), Folder(old)))


def test_nothing_to_hold_a_run_against_is_an_error(tiny_runs: Runs) -> None:
    done = auditkit("gate", tiny_runs("bert", quick=True))
    assert done.code == 2
    assert "give --gates or --against" in done.complaint


@pytest.mark.slow
def test_every_exit_code_from_a_shell(tiny_runs: Runs, tmp_path: Path) -> None:
    run = tiny_runs("bert", quick=True)
    old, broken = changed(run, tmp_path / "old", accuracy=1.3), tmp_path / "broken"
    copytree(run, broken)
    results = json.loads((broken / "results.json").read_text())
    results["failures"] = [{"probe": "x", "distribution": "y", "error": "z"}]
    (broken / "results.json").write_text(json.dumps(results))
    gates = tmp_path / "gates.yaml"
    gates.write_text(f"- {{address: '{ACCURACY}', at_least: 0.1}}")
    asked = {
        0: [run, "--gates", gates],
        1: [run, "--against", old],
        2: [tmp_path, "--against", old],
        3: [broken, "--gates", gates],
        4: [run, "--against", run],
    }
    script = "\n".join(
        f'"{sys.executable}" -m auditkit gate {" ".join(map(str, flags))}; echo "code $?"'
        for flags in asked.values()
    )
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    codes = [int(line.split()[1]) for line in done.stdout.splitlines() if line[:5] == "code "]
    assert codes == list(asked), done.stdout + done.stderr
    assert done.stderr.count("\n") == 1  # the line of code 2
