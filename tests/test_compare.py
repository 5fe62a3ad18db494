"""`auditkit compare`: runs side by side, one decision, equal shares, what is left out and why."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import numpy as np
import pytest
from browser import DESK, PHONE, browser, overflow, show
from command import auditkit

from auditkit.finding import Cell, Interval
from auditkit.run.comparison import compare
from auditkit.run.decision import TOGETHER, WORST, decided
from auditkit.run.equal_shares import STOP, at_shares
from auditkit.stats.inclusion import inclusion_probability
from auditkit.stats.paired import tango_interval
from auditkit.testing import replace_tables, synthetic_trace, whole
from auditkit.trace import Trace

Runs = Callable[..., Path]


def edited(run: Path, to: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of a run whose results say something else."""
    copytree(run, to)
    results = json.loads((to / "results.json").read_text())
    change(results)
    (to / "results.json").write_text(json.dumps(results))
    return to


def of_other_data(results: dict[str, Any]) -> None:
    results["about"]["dataset"]["sha256"] = "0" * 64


def test_a_run_beside_itself_differs_in_nothing(tiny_runs: Runs) -> None:
    run = tiny_runs("bert", quick=True)
    found = compare([run, run])
    assert found.names == (run.name, f"{run.name} (2)")
    assert found.sentence == "No key figure is shown to differ from the first run's."
    assert found.figures is not None
    assert set(found.figures.column("change")) == {0.0}
    assert "same documents" in found.undecided
    paired = [row for row in found.figures.rows if str(row[-1]).startswith("paired over the same")]
    assert {str(row[0]).partition("[")[0] for row in paired} == {"performance.accuracy"}
    assert found.shares is not None
    changes = found.shares.column("change")
    assert {cell for cell in changes if isinstance(cell, float)} <= {0.0}


def test_the_command_writes_a_page_and_its_numbers(tiny_runs: Runs, tmp_path: Path) -> None:
    run = tiny_runs("bert", quick=True)
    page = tmp_path / "new" / "two.html"
    done = auditkit("compare", run, tiny_runs("roberta", quick=True), run, "--out", page)
    assert done.code == 0, done.err
    assert f"comparison: {page}" in done.out
    text = page.read_text(encoding="utf-8")
    assert "Content-Security-Policy" in text
    assert "<script" not in text
    numbers = json.loads(page.with_suffix(".json").read_text())
    assert len(numbers["names"]) == 3
    assert numbers["overview"]["rows"]
    again = auditkit("compare", run, tiny_runs("roberta", quick=True), run, "--out", page)
    assert again.code == 0
    assert text == page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["RUN"], "1 run to compare; give two directories and more"),
        (["RUN", "nowhere"], "nowhere: no results.json; give a directory that `auditkit run` wro"),
        (["RUN", "RUN", "--out", "page.pdf"], "--out is page.pdf; expected the name of an .html"),
        (["RUN", "OLD"], "results.json has schema 1, this auditkit reads"),
    ],
)
def test_what_cannot_be_compared_at_all_is_one_line(
    tiny_runs: Runs, tmp_path: Path, arguments: list[str], line: str
) -> None:
    run = tiny_runs("bert", quick=True)
    old = edited(run, tmp_path / "old", lambda r: r.update(schema_version=1))
    given = {"RUN": str(run), "OLD": str(old)}
    done = auditkit("compare", *[given.get(a, a) for a in arguments])
    assert done.code == 2
    assert line in done.err
    assert len(done.err.strip().splitlines()) == 1


def reasons(first: Path, other: Path) -> set[str]:
    return set(map(str, compare([first, other]).left_out.column("why")))


def test_what_is_left_out_has_its_reason(tiny_runs: Runs, tmp_path: Path) -> None:
    run = tiny_runs("bert")

    def labels(results: dict[str, Any]) -> None:
        results["about"]["dataset"]["labels"] = ["x", "y"]

    def tags(results: dict[str, Any]) -> None:
        results["about"]["annotator"]["name"] = "other"

    def version(results: dict[str, Any]) -> None:
        results["findings"][0]["version"] = "0"

    def gone(results: dict[str, Any]) -> None:
        results["findings"] = results["findings"][1:]

    def layer(results: dict[str, Any]) -> None:
        for finding in results["findings"]:
            for m in finding["measurements"]:
                m["basis"] = m["basis"] and "kept after layer 99"

    def undefined(results: dict[str, Any]) -> None:
        m = results["findings"][0]["measurements"][0]
        m.update(value=None, interval=None, no_interval=None, undefined="for a reason")

    for change, line in (
        (labels, "the runs have other classes"),
        (tags, "words of other pipelines: "),
        (version, "another version of the probe"),
        (gone, "the probe answered in one run only"),
        (layer, "another basis: kept after layer "),
        (undefined, "undefined in one run: for a reason"),
    ):
        found = reasons(run, edited(run, tmp_path / change.__name__, change))
        assert any(why.startswith(line) for why in found), (line, found)


def test_a_run_without_its_trace_has_no_decision_and_no_shares(
    tiny_runs: Runs, tmp_path: Path
) -> None:
    run = tiny_runs("bert", quick=True)
    bare = edited(run, tmp_path / "bare", of_other_data)
    rmtree(bare / "trace")
    found = compare([run, bare])
    assert found.decision is None
    assert found.undecided == "No decision over all: bare has no trace."
    assert "the trace of a run is not there" in found.without_shares
    assert found.figures is not None
    assert set(found.figures.column("how")) == {"by the two intervals"}


def other_data(trace: Trace) -> Trace:
    data = trace.about.dataset.model_copy(update={"sha256": "1" * 64})
    return replace_tables(trace, about=trace.about.model_copy(update={"dataset": data}))


def bounds_of(cell: Cell) -> tuple[float, float]:
    assert isinstance(cell, Interval)
    return cell.low, cell.high


def test_the_decision_over_all_by_hand() -> None:
    first = synthetic_trace(np.random.default_rng(0), documents=120)
    second = other_data(synthetic_trace(np.random.default_rng(1), documents=60))
    found, why = decided([("a", first), ("b", second)], 0.01)
    assert found is not None
    assert why == ""
    lost = gained = 0
    alone = []
    for trace in (first, second):
        ours, base = trace.documents.answers("pruned"), trace.documents.answers("baseline")
        assert ours is not None
        assert base is not None
        right, before = (x.predicted[:, 0] == trace.documents.label for x in (ours, base))
        mine = (int((~right & before).sum()), int((right & ~before).sum()))
        alone.append((*mine, len(right)))
        lost, gained = lost + mine[0], gained + mine[1]
    rows = {row[0]: row for row in found.table.rows}
    low, high = tango_interval(lost, gained, 180)
    together = rows[TOGETHER]
    assert together[1] == 180
    assert together[2] == pytest.approx(100 * (gained - lost) / 180)
    assert bounds_of(together[3]) == pytest.approx((100 * low, 100 * high))
    bounds = [tango_interval(*one, 0.975) for one in alone]
    worst = rows[WORST]
    least = tuple(100 * min(one[side] for one in bounds) for side in (0, 1))
    assert bounds_of(worst[3]) == pytest.approx(least)
    assert f"Over all {180} documents together" in found.sentence


def test_the_pooled_interval_covers_where_data_sets_differ() -> None:
    """Losses of 12 and of 2 in 100; documents weigh alike."""
    seed, n, covered = 4, (50, 300), 0
    rng = np.random.default_rng(seed)
    truth = (50 * -0.06 + 300 * -0.01) / 350
    for _ in range(600):
        lost = rng.binomial(n, (0.12, 0.02)).sum()
        gained = rng.binomial(n, (0.06, 0.01)).sum()
        low, high = tango_interval(int(lost), int(gained), 350)
        covered += low <= truth <= high
    assert covered / 600 >= 0.93, f"seed {seed}"


def test_retention_at_an_equal_share_by_hand() -> None:
    trace = synthetic_trace(np.random.default_rng(2), documents=80)
    found = at_shares(trace)
    documents = trace.documents
    total = documents.pieces.sum()
    alive = [1.0, *(documents.kept.sum(0) / total)]
    after = next(layer for layer, share in enumerate(alive) if share <= 0.5)
    weight = (alive[after - 1] - 0.5) / (alive[after - 1] - alive[after])
    words = whole(trace, "words")
    stops = words[words["is_stop"]]
    row = [documents.row_of(one) for one in stops["example_id"]]

    def kept(layer: int) -> tuple[float, float]:
        left = documents.pieces[row] if layer == 0 else documents.kept[row, layer - 1]
        chance = inclusion_probability(documents.pieces[row], left, stops["pieces"].to_numpy())
        return float((stops["depth"] >= layer).sum()), float(chance.sum())

    (k0, e0), (k1, e1) = kept(after - 1), kept(after)
    rate = ((1 - weight) * k0 + weight * k1) / len(stops)
    chance = ((1 - weight) * e0 + weight * e1) / len(stops)
    assert found[STOP, 0.5].rate.value == pytest.approx(rate)
    assert found[STOP, 0.5].lift.value == pytest.approx(rate / chance)


def test_a_share_that_no_layer_comes_down_to_is_left_out() -> None:
    trace = synthetic_trace(np.random.default_rng(3), documents=40, keep=0.95)
    shares = {share for _, share in at_shares(trace)}
    alive = trace.documents.kept.sum(0).min() / trace.documents.pieces.sum()
    assert shares == {share for share in (0.5, 0.25) if alive <= share}


def test_the_page_in_a_browser_however_hostile_the_names(tiny_runs: Runs, tmp_path: Path) -> None:
    run = tiny_runs("bert", quick=True)
    hostile = edited(run, tmp_path / "<img src=x onerror=alert(1)>", of_other_data)
    page = tmp_path / "page.html"
    done = auditkit("compare", run, hostile, "--out", page)
    assert done.code == 0, done.err
    with browser(tmp_path / "profile") as driver:
        for width in (DESK, PHONE):
            show(driver, page.as_uri(), width=width)
            assert overflow(driver) == 0
            assert driver.execute_script("return document.images.length") == 0
            assert "onerror" in driver.find_element("tag name", "h1").text
