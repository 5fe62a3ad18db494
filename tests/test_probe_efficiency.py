from typing import Any

import contract
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from auditkit.finding import Finding, Interval, Undefined
from auditkit.plugin import BudgetAbout, Probe, discover, unmet
from auditkit.probes._budgets import budgets_table
from auditkit.probes._cost import COUNTED
from auditkit.probes.efficiency import Efficiency
from auditkit.report.charts import svg
from auditkit.testing import (
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
    with_depth,
)
from auditkit.trace import Trace

TRACES = contract_traces()


def make(seed: int = 0, **options: Any) -> Trace:
    return synthetic_trace(np.random.default_rng(seed), **options)


def analyse(trace: Trace) -> Finding:
    finding: Finding = Efficiency().analyse(trace, np.random.default_rng(0))
    return finding


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    finding = check_probe(Efficiency(), TRACES[name])
    assert (finding is None) == (name == "changed")


def test_it_comes_through_the_door_of_third_parties() -> None:
    probe = discover()["efficiency"].load()
    assert isinstance(probe, Probe)
    assert probe == Efficiency()


def test_macs_and_keep_rates_are_sums_over_documents() -> None:
    trace = make(3, documents=30)
    finding = analyse(trace)
    total = {"baseline": 0, "pruned": 0}
    rows = whole(trace, "costs").to_dict("records")
    for row in rows:
        total[row["arm"]] += row["macs_attention"] + row["macs_ffn"]
    ratio = finding.measurement("macs_ratio", arm="pruned")
    assert ratio.headline
    assert ratio.value == pytest.approx(total["baseline"] / total["pruned"])
    assert ratio.interval is not None
    assert ratio.interval.low < total["baseline"] / total["pruned"] < ratio.interval.high
    assert finding.table("saving").rows[0][1:3] == pytest.approx(
        (total["baseline"] / 30, total["pruned"] / 30)
    )
    table, tokens = finding.table("layers"), whole(trace, "tokens").to_dict("records")
    for place, layer in enumerate(range(1, trace.about.layers + 1)):
        own = [r for r in rows if (r["layer"], r["arm"]) == (layer, "pruned")]
        other = [r for r in rows if (r["layer"], r["arm"]) == (layer, "baseline")]
        for name in ("tokens_in", "tokens_out", "macs_attention", "macs_ffn"):
            assert table.column(name)[place] == pytest.approx(sum(r[name] for r in own) / 30)
        for name in ("attention", "ffn"):
            spent, before = (sum(r[f"macs_{name}"] for r in part) for part in (own, other))
            assert table.column(f"share_{name}")[place] == pytest.approx(spent / before)
        for name, special in (("keep_rate", False), ("special_keep_rate", True)):
            depths = [t["depth"] for t in tokens if t["special"] == special]
            found = finding.measurement(name, arm="pruned", layer=str(layer))
            assert found.value == pytest.approx(sum(d >= layer for d in depths) / len(depths))
            assert found.value == table.column(name)[place]


def test_groups_are_pruned_as_their_own_documents_are() -> None:
    trace = make(4, documents=60, classes=3)
    finding = analyse(trace)
    documents, layers = trace.table("documents"), trace.about.layers
    lengths = sorted(documents["tokens"])

    def expected(mine: pd.DataFrame) -> tuple[float, float]:
        alive = sum(sum(kept) for kept in mine["kept"])
        share = int(mine["macs_pruned"].sum()) / int(mine["macs_baseline"].sum())
        return alive / (layers * int(mine["pieces"].sum())), share

    def found(**at: str) -> tuple[float | None, ...]:
        names = ("keep_rate", "macs_share")
        return tuple(finding.measurement(name, arm="pruned", **at).value for name in names)

    assert found() == pytest.approx(expected(documents))
    for label in range(3):
        mine = documents[documents["label"] == label]
        assert found(**{"class": f"class {label}"}) == pytest.approx(expected(mine))
    table = finding.table("by_length")
    assert table.column("bucket") == ("all", "1", "2", "3", "4")
    low = 0
    for quartile in range(1, 5):
        high = np.quantile(lengths, quartile / 4)
        mine = documents[(documents["tokens"] > low) & (documents["tokens"] <= high)]
        assert found(bucket=str(quartile)) == pytest.approx(expected(mine))
        assert table.column("documents")[quartile] == len(mine)
        told = f"{mine['tokens'].min()}–{mine['tokens'].max()}"
        assert table.column("length")[quartile] == told
        low = high


def test_short_documents_that_are_spared_are_told_of() -> None:
    trace = make(5, documents=80, words=(5, 40))
    documents, layers = trace.table("documents"), trace.about.layers
    short = documents["tokens"] <= np.quantile(documents["tokens"], 0.25)
    documents["kept"] = [
        [pieces] * layers if spared else [pieces // 2] * layers
        for pieces, spared in zip(documents["pieces"], short, strict=True)
    ]
    finding = analyse(replace_tables(trace, documents=documents))
    assert finding.measurement("keep_rate", arm="pruned", bucket="1").value == 1.0
    last = finding.measurement("keep_rate", arm="pruned", bucket="4").value
    assert last is not None
    assert last == pytest.approx(0.5, abs=0.02)
    low, high = documents["tokens"].min(), documents["tokens"][short].max()
    assert "is 100.0 % (no interval: all documents agree" in finding.claim
    assert f"in documents of {low}–{high} tokens and {100 * last:.1f} % (95 %" in finding.claim


def test_documents_of_one_length_are_one_quartile() -> None:
    trace = make(documents=30, words=(1, 1))
    finding = analyse(trace)
    tokens = trace.table("documents")["tokens"].to_list()
    for bucket in finding.table("by_length").column("length")[1:]:
        low, high = map(int, str(bucket).split("–"))
        assert low <= high
    sizes = finding.table("by_length").column("documents")
    assert sizes[0] == sum(int(str(size)) for size in sizes[1:]) == len(tokens)


def test_uncounted_macs_are_undefined_and_keep_rates_are_not() -> None:
    trace = make(documents=30)
    costs = whole(trace, "costs")
    documents = trace.table("documents").assign(macs_baseline=0)
    half = replace_tables(trace, documents=documents, costs=costs[costs["arm"] == "pruned"])
    for cut in (half, replace_tables(half, costs=costs[:0])):
        finding = check_probe(Efficiency(), cut)
        assert finding is not None
        assert finding.measurement("macs_ratio", arm="pruned").undefined is not None
        assert finding.claim.startswith("MACs: the trace holds no counted MACs")
        assert isinstance(finding.table("layers").column("share_ffn")[0], Undefined)
        assert finding.measurement("keep_rate", arm="pruned", layer="1").value is not None
    assert isinstance(analyse(half).table("layers").column("macs_ffn")[0], float)


def test_nothing_pruned_and_all_pruned_are_told_in_full() -> None:
    trace = make(documents=40)
    for depth, rate in ((0, 0.0), (4, 1.0)):
        finding = analyse(with_depth(trace, depth))
        found = finding.measurement("keep_rate", arm="pruned", layer="2")
        assert (found.value, found.interval) == (rate, None)
        pieces = trace.table("documents")["pieces"].mean()
        said = f"of {pieces:.1f} tokens that a document has on average, {pieces * rate:.1f} outlive"
        assert said in finding.claim
    assert COUNTED in finding.caveats


def test_thresholds_stand_beside_those_of_the_stages() -> None:
    trace = make(documents=30)
    final = trace.about.model.thresholds
    assert finding_columns(trace) == ("layer", "threshold")
    stages = [
        {"stage": "baseline", "thresholds": [0.0] * 4},
        {"stage": "soft", "thresholds": [0.1, 0.2, 0.3, 0.4]},
        {"stage": "hard", "thresholds": list(final)},
        {"stage": "odd", "thresholds": [0.1]},
    ]
    about = trace.about.model_copy(update={"training": {"stages": stages}})
    trained = replace_tables(trace, about=about)
    assert finding_columns(trained) == ("layer", "threshold", "after_soft", "after_hard")
    table = analyse(trained).table("thresholds")
    assert table.column("threshold") == final
    assert table.column("after_soft") == (0.1, 0.2, 0.3, 0.4)


def finding_columns(trace: Trace) -> tuple[str, ...]:
    return tuple(column.name for column in analyse(trace).table("thresholds").columns)


def test_the_way_of_the_thresholds_is_drawn_where_it_is_known() -> None:
    trace = TRACES["full"]
    steps = [
        {"step": 5, "thresholds": [0.1, 0.2, 0.3, 0.4]},
        {"step": 10, "thresholds": [0.2, 0.3, 0.4, 0.5]},
        {"step": 15, "thresholds": [0.2]},  # of another model: left out
    ]
    about = trace.about.model_copy(update={"training": {"stages": [], "thresholds": steps}})
    finding = analyse(replace_tables(trace, about=about))
    assert [row[:2] for row in finding.table("threshold_path").rows] == [
        (step, str(layer)) for step in (5, 10) for layer in (1, 2, 3, 4)
    ]
    assert [v for *_, v in finding.table("threshold_path").rows] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.2, 0.3, 0.4, 0.5]
    )
    assert any(chart.name == "threshold_path" for chart in finding.charts)
    assert "threshold_path" not in {table.name for table in analyse(trace).tables}


def test_a_model_without_thresholds_shows_none() -> None:
    trace = make(documents=30)
    model = trace.about.model.model_copy(update={"thresholds": (), "rule": "top k"})
    about = trace.about.model_copy(update={"subjects": {**trace.about.subjects, "model": model}})
    tables = analyse(replace_tables(trace, about=about)).tables
    assert "thresholds" not in {table.name for table in tables}


def swept(*points: tuple[float, float, float], audited: float = 0.5, n: int = 200) -> Finding:
    """The finding of a model from a sweep with these targets, shares reached and accuracies."""
    sweep = tuple(
        BudgetAbout(target=target, reached=reached, accuracy=accuracy, baseline_accuracy=0.9,
                    held_out=n, audited=target == audited)
        for target, reached, accuracy in points
    )  # fmt: skip
    trace = make(documents=30, draws=0)
    about = trace.about.model_copy(update={"sweep": sweep})
    finding = check_probe(Efficiency(), replace_tables(trace, about=about))
    assert finding is not None
    return finding


def test_budgets_of_the_sweep_are_shown_with_their_intervals() -> None:
    finding = swept((0.7, 0.71, 0.905), (0.5, 0.49, 0.88))
    table = finding.table("budgets")
    assert "held-out training documents" in table.title
    assert "not on the audited data" in table.note
    assert table.column("model") == ("the baseline", "another budget", "this checkpoint")
    assert table.column("change") == pytest.approx((0.0, 0.5, -2.0))
    assert table.column("reached") == (1.0, 0.71, 0.49)
    assert finding.measurement("held_out_accuracy", arm="baseline", level="1.0").value == 0.9
    for level, p in (("0.7", 0.905), ("0.5", 0.88)):
        found = finding.measurement("held_out_accuracy", arm="pruned", level=level)
        assert isinstance(found.interval, Interval)
        assert found.value == pytest.approx(p)
        exact = proportion_confint(round(200 * p), 200, method="beta")
        assert (found.interval.low, found.interval.high) == pytest.approx(exact)
    (chart,) = (chart for chart in finding.charts if chart.table == "budgets")
    assert (chart.x, chart.y, chart.interval, chart.reference) == (
        "reached", "held_out_accuracy", "held_out_accuracy_interval", 0.9,
    )  # fmt: skip
    picture = svg(chart, table, prefix="p")
    assert all(f">{told}</text>" in picture for told in ("0.7", "0.5", "1.0"))


@given(
    st.lists(
        st.tuples(st.sampled_from([0.2, 0.4, 0.6]), st.sampled_from([0.5, 0.7, 0.9])),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_a_budget_is_pareto_optimal_unless_another_beats_it(
    found: list[tuple[float, float]],
) -> None:
    budgets = [
        BudgetAbout(target=0.5, reached=share, accuracy=accuracy, baseline_accuracy=0.9,
                    held_out=100, audited=False)
        for share, accuracy in found
    ]  # fmt: skip
    beside = [(1.0, 0.9), *found]
    for (share, accuracy), said in zip(
        beside, budgets_table(budgets, "pruned").table.column("undominated"), strict=True
    ):
        cheaper = any(s < share and a >= accuracy for s, a in beside)
        better = any(s <= share and a > accuracy for s, a in beside)
        assert said == ("no" if cheaper or better else "yes")


def test_a_model_that_drops_no_tokens_saves_nothing_by_it() -> None:
    told = unmet(Efficiency(), TRACES["changed"].about)
    assert told == ["a model under audit that drops tokens"]


def test_without_a_sweep_no_budgets_are_shown() -> None:
    finding = analyse(make(documents=30, draws=0))
    assert "budgets" not in {table.name for table in finding.tables}
    assert "budgets" not in {chart.name for chart in finding.charts}
