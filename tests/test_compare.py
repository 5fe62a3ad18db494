"""`auditkit compare`: runs side by side, one decision, equal shares, what is left out and why."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import numpy as np
import pytest
from browser import DESK, PHONE, browser, overflow, show
from command import assert_harmless, auditkit

from auditkit.errors import SettingsError
from auditkit.finding import Cell, Interval, Table
from auditkit.plugin import columns
from auditkit.probes.stopword import STOP, Stopword
from auditkit.report.tables import table_view
from auditkit.run.beside import beside
from auditkit.run.comparison import compare
from auditkit.run.decision import TOGETHER, decided
from auditkit.run.equal_shares import at_equal_shares, at_shares
from auditkit.run.sides import Side, shared_documents, sides_of
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


def unsaid(results: dict[str, Any]) -> None:
    """Nothing that rests on a measurement: the one that is edited may have been it."""
    for finding in results["findings"]:
        finding.update(conclusions=[], cards=[], marks=[], verdict=None)


def of_other_data(results: dict[str, Any]) -> None:
    results["about"]["dataset"]["sha256"] = "0" * 64


def test_a_run_beside_itself_differs_in_nothing(tiny_runs: Runs) -> None:
    run = tiny_runs("bert", quick=True)
    found = compare([run, run])
    assert found.names == (run.name, f"{run.name} (2)")
    assert found.sentence == (
        f"{run.name} (2): the same documents, the same answers. "
        "No key figure is shown to differ from the first run's."
    )
    assert found.figures is not None
    assert set(found.figures.column("change")) == {0.0}
    assert "share 90 documents, which would count twice" in found.undecided
    paired = [row for row in found.figures.rows if str(row[-1]).startswith("paired over the same")]
    assert {str(row[0]).partition("[")[0] for row in paired} == {"performance.accuracy"}
    assert set(found.figures.column("p_adjusted")) == {1.0}
    assert found.without_shares == (
        f"{run.name} (2) and {run.name} sort no words alike at an equal share."
    )  # no probe that sorts words was run


def test_the_command_writes_a_page_and_its_numbers(tiny_runs: Runs, tmp_path: Path) -> None:
    run = tiny_runs("bert", quick=True)
    page = tmp_path / "new" / "two.html"
    done = auditkit("compare", run, tiny_runs("roberta", quick=True), run, "--out", page)
    assert done.code == 0, done.err
    assert done.out.splitlines()[-2:] == [str(page), str(page.with_suffix(".json"))]
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
        (["RUN", "RUN", "--name", "a"], "1 names for 2 runs; give every run a name of its own"),
        (["RUN", "RUN", "--name", "a", "--name", "a"], "give every run a name of its own"),
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


@pytest.mark.slow
def test_what_is_left_out_has_its_reason(tiny_runs: Runs, tmp_path: Path) -> None:
    run = tiny_runs("bert")

    def labels(results: dict[str, Any]) -> None:
        results["about"]["dataset"]["labels"] = ["x", "y"]

    def tags(results: dict[str, Any]) -> None:
        results["about"]["annotator"]["name"] = "other"

    def layers(results: dict[str, Any]) -> None:
        results["about"]["subjects"]["model"]["layers"] = 99

    def version(results: dict[str, Any]) -> None:
        results["findings"][0]["version"] = "0"

    def gone(results: dict[str, Any]) -> None:
        results["findings"] = results["findings"][1:]

    def basis(results: dict[str, Any]) -> None:
        for finding in results["findings"]:
            for m in finding["measurements"]:
                m["basis"] = m["basis"] and "kept after layer 99"

    def unit(results: dict[str, Any]) -> None:
        results["findings"][0]["measurements"][0]["unit"] = "sheep"

    def address(results: dict[str, Any]) -> None:
        unsaid(results)
        results["findings"][0]["measurements"][0]["name"] = "other"

    def undefined(results: dict[str, Any]) -> None:
        unsaid(results)
        m = results["findings"][0]["measurements"][0]
        m.update(value=None, interval=None, no_interval=None, undefined="for a reason")

    for change, line in (
        (labels, "the runs have other classes"),
        (tags, "words told apart by other pipelines: "),
        (layers, "the models have other numbers of layers: "),
        (version, "other versions of the probe: "),
        (gone, "the probe answered in one run only"),
        (basis, "other bases: kept after layer "),
        (unit, "other units: share, sheep"),
        (address, "measured in one run only"),
        (undefined, "undefined in one run: for a reason"),
    ):
        found = reasons(run, edited(run, tmp_path / change.__name__, change))
        assert any(why.startswith(line) for why in found), (line, found)
    assert not [why for why in reasons(run, run) if not why.startswith("undefined in one run: ")]


@pytest.mark.slow
def test_concordance_is_compared_where_rates_rest_on_other_layers(
    tiny_runs: Runs, tmp_path: Path
) -> None:
    run = tiny_runs("bert")

    def basis(results: dict[str, Any]) -> None:
        for finding in results["findings"]:
            for m in finding["measurements"]:
                m["basis"] = m["basis"] and "kept after layer 99"

    first, other = sides_of([run, edited(run, tmp_path / "other", basis)])
    names = {b.first.name for b in beside(first, other)[0] if b.probe == "pos_retention"
             and set(b.first.at) == {"arm", "category"}}  # fmt: skip
    assert names == {"concordance", "comparable", "odds_ratio", "depth", "depth_change", "z"}


def test_a_run_without_its_trace_has_no_decision_and_no_shares(
    tiny_runs: Runs, tmp_path: Path
) -> None:
    run = tiny_runs("bert", quick=True)
    bare, torn = (edited(run, tmp_path / name, of_other_data) for name in ("bare", "torn"))
    rmtree(bare / "trace")
    rmtree(torn / "trace" / "shards")
    found = compare([run, bare])
    assert found.decision is None
    assert found.undecided == "No decision over all: bare has no trace."
    assert found.without_shares == "bare has no trace."
    assert found.figures is not None
    assert set(found.figures.column("how")) == {"by the two intervals"}
    assert "torn has a trace that cannot be read (" in compare([run, torn]).undecided


def test_figures_that_differ_are_told_and_come_first(tiny_runs: Runs, tmp_path: Path) -> None:
    run = tiny_runs("bert", quick=True)

    def worse(results: dict[str, Any]) -> None:
        of_other_data(results)
        for finding in results["findings"]:
            for m in finding["measurements"]:
                if m["name"] == "accuracy" and m["at"]["arm"] == "unpruned":
                    m.update(value=0.1, interval={"low": 0.05, "high": 0.15})

    found = compare([run, edited(run, tmp_path / "worse", worse)])
    assert found.figures is not None
    assert found.figures.rows[0][0] == "performance.accuracy[arm=unpruned]"
    before = next(m for m in sides_of([run, run])[0].findings["performance"].measurements
                  if m.where == "accuracy[arm=unpruned]")  # fmt: skip
    assert (
        f"Beyond chance 1 of {len(found.figures.rows)} key figures differs from the first run's, "
        "most surely performance.accuracy[arm=unpruned] in worse: "
        f"{100 * (before.value or 0):.1f} % → 10.0 %." in found.sentence
    )


def side(name: str, trace: Trace, **options: Any) -> Side:
    about = trace.about.model_copy(update={"settings": {"options": options}})
    return Side(name, None, about, trace, "", "")  # type: ignore[arg-type]


def other_texts(trace: Trace) -> Trace:
    return replace_tables(trace, texts=whole(trace, "texts").assign(text="of another data set"))


def bounds_of(cell: Cell) -> tuple[float, float]:
    assert isinstance(cell, Interval)
    return cell.low, cell.high


def test_the_decision_over_all_by_hand() -> None:
    first = synthetic_trace(np.random.default_rng(0), documents=120)
    second = other_texts(synthetic_trace(np.random.default_rng(1), documents=60))
    found, why = decided([side("a", first), side("b", second)], None)
    assert found is not None
    assert why == ""
    counts = []
    for trace in (first, second):
        ours, base = trace.documents.answers("pruned"), trace.documents.answers("baseline")
        assert ours is not None
        assert base is not None
        right, before = (x.predicted[:, 0] == trace.documents.label for x in (ours, base))
        counts.append((int((~right & before).sum()), int((right & ~before).sum()), len(right)))
    lost, gained, n = np.sum(counts, axis=0)
    rows = {str(row[0]): row for row in found.table.rows}
    together = rows[TOGETHER]
    assert together[1] == n == 180
    assert together[2] == pytest.approx(100 * (gained - lost) / n)
    expected = tango_interval(int(lost), int(gained), int(n))
    assert bounds_of(together[3]) == pytest.approx([100 * bound for bound in expected])
    alone = [(g - b) / m for b, g, m in counts]
    worst = "ab"[int(np.argmin(alone))]
    bounds = [tango_interval(*one, 0.975) for one in counts]
    least = [100 * min(one[i] for one in bounds) for i in (0, 1)]
    assert bounds_of(rows[f"the largest loss: {worst}"][3]) == pytest.approx(least)
    assert f"Over all {n} documents together" in found.sentence
    assert f"{worst} does worst" in found.sentence


def test_the_margin_is_the_runs_own_or_said() -> None:
    first = synthetic_trace(np.random.default_rng(0), documents=60)
    second = other_texts(first)

    def told(one: float, other: float, margin: float | None = None) -> str:
        sides = [side("a", first, performance={"margin": one}),
                 side("b", second, performance={"margin": other})]  # fmt: skip
        found, _ = decided(sides, margin)
        assert found is not None
        return found.table.note

    assert told(0.02, 0.02).startswith("Accepted is a loss of 2 points. Together")
    assert told(0.02, 0.03).startswith(
        "Accepted is a loss of 1 point. The runs themselves accept other losses: a 2, b 3."
    )
    assert told(0.02, 0.03, 0.04).startswith("Accepted is a loss of 4 points. Together")


def test_nothing_is_decided_on_a_baseline_that_may_guess() -> None:
    guessing = synthetic_trace(np.random.default_rng(0), accuracy={"baseline": 0.5}, coupling=0)
    found, _ = decided(
        [side("a", guessing), side("b", other_texts(synthetic_trace(np.random.default_rng(1))))],
        0.9,
    )
    assert found is not None
    assert [row[-1] for row in found.table.rows] == [
        "inconclusive", "pass", "inconclusive", "inconclusive",
    ]  # fmt: skip
    assert "Nothing is decided on a: " in found.table.note


def test_documents_that_grow_are_known_by_id_and_text() -> None:
    trace = synthetic_trace(np.random.default_rng(0), documents=30)
    assert shared_documents(trace, trace) == 30
    assert shared_documents(trace, other_texts(trace)) == 0
    texts = whole(trace, "texts")
    texts.loc[:9, "text"] = "another"
    grown = replace_tables(trace, texts=texts)
    assert shared_documents(trace, grown) == 20
    found, why = decided([side("a", trace), side("b", grown)], 0.01)
    assert (found, why) == (
        None, "No decision over all: a and b share 20 documents, which would count twice.",
    )  # fmt: skip


def test_retention_at_an_equal_share_by_hand() -> None:
    trace = synthetic_trace(np.random.default_rng(2), documents=80)
    found = {(name, share): there
             for name, share, there in at_shares(Stopword().sorted_words(trace))}  # fmt: skip
    documents = trace.documents
    total = documents.pieces.sum()
    alive = [1.0, *(documents.kept.sum(0) / total)]
    words = whole(trace, "words")
    stops = words[words["is_stop"]]
    row = [documents.row_of(one) for one in stops["example_id"]]

    def kept(layer: int) -> tuple[float, float]:
        left = documents.pieces[row] if layer == 0 else documents.kept[row, layer - 1]
        chance = inclusion_probability(documents.pieces[row], left, stops["pieces"].to_numpy())
        return float((stops["depth"] >= layer).sum()), float(chance.sum())

    for share in (0.5,):
        after = next(layer for layer, there in enumerate(alive) if there <= share)
        weight = (alive[after - 1] - share) / (alive[after - 1] - alive[after])
        (k0, e0), (k1, e1) = kept(after - 1), kept(after)
        rate = ((1 - weight) * k0 + weight * k1) / len(stops)
        chance = ((1 - weight) * e0 + weight * e1) / len(stops)
        assert found[STOP, share].rate.value == pytest.approx(rate)
        assert found[STOP, share].lift.value == pytest.approx(rate / chance)


def test_a_share_that_no_layer_comes_down_to_is_left_out() -> None:
    trace = synthetic_trace(np.random.default_rng(3), documents=40, keep=0.95)
    shares = {share for _, share, _ in at_shares(Stopword().sorted_words(trace))}
    alive = trace.documents.kept.sum(0).min() / trace.documents.pieces.sum()
    assert shares == {share for share in (0.5, 0.25) if alive <= share}


def test_the_lift_at_an_equal_share_covers_and_finds_what_is_planted() -> None:
    """Random keeping at two rates is 1 at both shares; stop words kept less often are below."""
    seed, inside, below = 11, 0, 0
    rng = np.random.default_rng(seed)
    for _ in range(20):
        null = synthetic_trace(rng, documents=60, keep=0.6)
        for name, _, there in at_shares(Stopword().sorted_words(null)):
            low, high = there.lift.interval or (0.0, 9.0)
            inside += name == STOP and low <= 1 <= high
    assert inside >= 34, f"seed {seed}"  # of 40; 38 are expected, and fewer in 1 of 100 draws
    weights = dict.fromkeys(("DET", "ADP", "CCONJ", "AUX"), 0.3)
    planted = synthetic_trace(rng, documents=200, keep=0.6, weights=weights)
    for name, _, there in at_shares(Stopword().sorted_words(planted)):
        assert there.lift.interval is not None
        below += name == STOP and there.lift.interval[1] < 1
    assert below == 2


def test_the_runs_are_compared_at_equal_shares_by_what_their_probes_sort(
    tiny_runs: Runs, tmp_path: Path
) -> None:
    run = tiny_runs("bert")
    found, why = at_equal_shares(sides_of([run, run]))
    assert why == ""
    assert found is not None
    asked = set(zip(found.column("probe"), found.column("category"), strict=True))
    assert ("stopword", STOP) in asked
    assert ("stopword", "other words") not in asked  # one question once
    assert {probe for probe, _ in asked} >= {"pos_retention", "stopword"}
    assert {cell for cell in found.column("change") if isinstance(cell, float)} == {0.0}
    other = edited(run, tmp_path / "other", lambda r: r["about"]["annotator"].update(name="x"))
    none, why = at_equal_shares(sides_of([run, other]))
    assert (none, why) == (None, f"other and {run.name} sort no words alike at an equal share.")


def test_gates_stand_side_by_side(tiny_runs: Runs, tmp_path: Path) -> None:
    run = tiny_runs("bert", quick=True)
    gate = {
        "address": "efficiency.macs_ratio[arm=pruned]", "side": "at_least", "limit": 1.5,
        "on": "bound", "status": "fail", "value": 1.25, "interval": {"low": 1.2, "high": 1.3},
        "reason": "so",
    }  # fmt: skip
    gated = edited(run, tmp_path / "gated", lambda r: r.update(gates=[gate]))
    found = compare([run, gated]).gates
    assert found is not None
    assert found.rows == (
        (gate["address"], "no such gate", "fail: at least 1.5, seen 1.25 [1.20, 1.30]"),
    )
    assert compare([run, run]).gates is None


def test_what_the_runs_are_stands_first_with_what_differs_marked(
    tiny_runs: Runs, tmp_path: Path
) -> None:
    run = tiny_runs("bert", quick=True)
    other = edited(run, tmp_path / "x", lambda r: r["about"].update(seed=99))
    found = compare([run, other], names=["before", "after"])
    assert [column.title for column in found.overview.columns[1:3]] == ["before", "after"]
    assert found.overview.rows[0] == ("seed", "0", "99", "≠")
    assert {row[-1] for row in found.overview.rows[1:]} == {""}
    facts = set(found.overview.column("fact"))
    assert facts >= {"model", "data", "documents", "written", "word tags", "reference layer"}


def test_numbers_of_a_row_have_decimals_of_their_own() -> None:
    both = Table(
        name="t", title="", columns=columns(("a", "", "number"), ("b", "", "interval")),
        rows=((0.901, Interval(0.889, 0.91)), (1e6, Interval(9e5, 2e6))),
    )  # fmt: skip
    by_row, by_column = (
        [[cell.text for cell in row] for row in table_view(both, "t", by_row=by_row).rows]
        for by_row in (True, False)
    )
    assert by_row == [["0.901", "[0.889, 0.910]"], ["1,000,000", "[900,000, 2,000,000]"]]
    assert by_column == [["1", "[1, 1]"], by_row[1]]


def test_names_of_one_directory_are_told_apart(tiny_runs: Runs) -> None:
    run = tiny_runs("bert", quick=True)
    assert [one.name for one in sides_of([run, run])] == [run.name, f"{run.name} (2)"]
    with pytest.raises(SettingsError, match="1 run to compare"):
        sides_of([run])


def test_the_page_in_a_browser_however_hostile_the_names(tiny_runs: Runs, tmp_path: Path) -> None:
    run = tiny_runs("bert", quick=True)
    name = "<img src=x onerror=alert(1)>\x1b[2J\u202e"
    hostile = edited(run, tmp_path / "hostile", of_other_data)
    page = tmp_path / "page.html"
    done = auditkit("compare", run, hostile, "--name", "first", "--name", name, "--out", page)
    assert done.code == 0, done.err
    assert_harmless(done)
    with browser(tmp_path / "profile") as driver:
        for width in (DESK, PHONE):
            show(driver, page.as_uri(), width=width)
            driver.execute_script(
                "document.querySelectorAll('details').forEach(d => { d.open = true; })"
            )
            assert overflow(driver) == 0
            assert driver.execute_script("return document.images.length") == 0
            assert "onerror" in driver.find_element("tag name", "h1").text
        assert not driver.get_log("browser")
