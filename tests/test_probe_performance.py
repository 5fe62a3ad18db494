from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.finding.values import Finding, Interval, Undefined
from auditkit.plugin.probe import Probe, discover
from auditkit.probes._budgets import budgets_table
from auditkit.probes.performance import (
    AS_MUCH_TRAINING,
    DRAWN,
    MORE_TRAINING,
    NO_NOISE_FLOOR,
    ONE_PAIR,
    Performance,
)
from auditkit.testing.traces import check_probe, contract_traces, replace_tables, synthetic_trace
from auditkit.trace.tables import BudgetAbout, Trace

TRACES = contract_traces()


def make(seed: int = 0, **options: Any) -> Trace:
    return synthetic_trace(np.random.default_rng(seed), **options)


def analyse(trace: Trace, **options: Any) -> Finding:
    finding: Finding = Performance(**options).analyse(trace, np.random.default_rng(0))
    return finding


@cache
def plain(documents: int) -> Trace:
    return make(documents=documents, draws=0)


def answered(right: dict[str, tuple[int, ...]]) -> Trace:
    """A trace of two classes where each arm is right in exactly the documents marked 1."""
    trace = plain(len(right["pruned"]))
    labels = trace.table("examples")["label"].to_numpy()
    rows = []
    for arm in trace.about.arms:
        for number, hit in enumerate(right[arm]):
            predicted = labels[number] if hit else 1 - labels[number]
            probs = [0.2, 0.8] if predicted else [0.8, 0.2]
            rows.append({"example_id": f"doc-{number:04d}", "arm": arm, "draw": 0,
                         "probs": probs, "predicted": predicted})  # fmt: skip
    return replace_tables(trace, predictions=pd.DataFrame(rows))


def planted(before: int, lost: int, gained: int, n: int = 1000) -> Trace:
    """Baseline right in `before` documents, the pruned model in `lost` less, `gained` more."""
    baseline = (1,) * before + (0,) * (n - before)
    pruned = (0,) * lost + (1,) * (before - lost + gained) + (0,) * (n - before - gained)
    return answered({"baseline": baseline, "unpruned": baseline, "pruned": pruned})


@pytest.mark.parametrize("name", TRACES)
def test_contract(name: str) -> None:
    assert check_probe(Performance(resamples=200), TRACES[name]) is not None


def test_it_comes_through_the_door_of_third_parties() -> None:
    probe = discover()["performance"].load({"margin": 0.02})
    assert isinstance(probe, Probe)
    assert probe == Performance(margin=0.02)


def test_a_planted_drop_is_claimed() -> None:
    finding = analyse(planted(900, lost=80, gained=10))
    assert finding.status == "fail"
    assert finding.claim.startswith("Pruning costs 7.0 points of accuracy (90.0 → 83.0 %, 95 %")
    assert "× fewer MACs: the loss exceeds the accepted 1 point." in finding.claim


def test_a_small_drop_within_a_wide_margin_passes() -> None:
    finding = analyse(planted(900, lost=30, gained=5), margin=0.05)
    assert finding.status == "pass"
    assert finding.claim.startswith("Pruning costs 2.5 points")
    assert finding.claim.endswith("a loss of more than the accepted 5 points is ruled out.")


def test_a_planted_improvement_is_claimed() -> None:
    finding = analyse(planted(800, lost=10, gained=80))
    assert finding.status == "pass"
    assert finding.claim.startswith("The pruned model gains 7.0 points of accuracy (80.0 → 87.0 %")
    assert finding.claim.endswith("better than the baseline.")


def test_no_difference_is_not_claimed_to_be_one() -> None:
    finding = analyse(planted(900, lost=20, gained=20))
    assert finding.status == "inconclusive"
    assert finding.claim.startswith("No difference in accuracy shown (90.0 → 90.0 %, 0.0 points,")
    needed = finding.measurement("documents_needed").value
    assert f"some {needed:,.0f} documents would decide" in finding.claim
    assert analyse(planted(900, lost=20, gained=20), margin=0.03).status == "pass"


def test_two_models_that_never_differ_are_not_thereby_the_same() -> None:
    finding = analyse(planted(25, lost=0, gained=0, n=30))
    assert finding.status == "inconclusive"
    change = finding.measurement("accuracy_change", arm="pruned", slice="vs baseline")
    assert change.interval is not None
    assert change.interval.low < -10
    assert finding.table("differences").column("method")[0] == "Tango"


def test_differences_are_those_of_a_loop() -> None:
    trace = make(1, documents=120, draws=3)
    finding = analyse(trace)
    gold = dict(trace.table("examples")[["example_id", "label"]].to_numpy().tolist())
    right: dict[tuple[str, int], dict[str, bool]] = {}
    for row in trace.table("predictions").to_dict("records"):
        hits = right.setdefault((row["arm"], row["draw"]), {})
        hits[row["example_id"]] = row["predicted"] == gold[row["example_id"]]

    def accuracy(arm: str) -> float:
        draws = [hits for (name, _), hits in right.items() if name == arm]
        return sum(sum(hits.values()) / 120 for hits in draws) / len(draws)

    for name, other in [("pruned", "baseline"), ("pruned", "unpruned"), ("unpruned", "baseline"),
                        ("pruned", "random")]:  # fmt: skip
        found = finding.measurement("accuracy_change", arm=name, slice=f"vs {other}")
        assert found.value == pytest.approx(100 * (accuracy(name) - accuracy(other)))
        assert found.p is not None
    for arm in trace.about.arms:
        assert finding.measurement("accuracy", arm=arm).value == pytest.approx(accuracy(arm))
    same = [
        trace.predictions("pruned")["predicted"][i] == trace.predictions("baseline")["predicted"][i]
        for i in gold
    ]
    loyalty = finding.measurement("label_loyalty", arm="pruned")
    assert loyalty.value == pytest.approx(sum(same) / 120)


def test_random_keeping_may_have_run_on_some_documents_alone() -> None:
    trace = make(2, documents=60, draws=2, accuracy={"pruned": 0.95, "random": 0.3})
    predictions, ids = trace.table("predictions"), trace.table("examples")["example_id"]
    some = (predictions["arm"] != "random") | predictions["example_id"].isin(ids[20:50])
    finding = analyse(replace_tables(trace, predictions=predictions[some]))
    change = finding.measurement("accuracy_change", arm="pruned", slice="vs random")
    assert (change.n, finding.measurement("accuracy", arm="random").n) == (30, 30)
    gold = trace.table("examples").set_index("example_id")["label"][ids[20:50]]
    right = (trace.predictions("pruned")["predicted"][ids[20:50]] == gold).mean()
    at_random = np.mean([
        (trace.predictions("random", draw)["predicted"][ids[20:50]] == gold).mean()
        for draw in (0, 1)
    ])  # fmt: skip
    assert change.value == pytest.approx(100 * (right - at_random))


def test_macs_and_keep_rates_are_sums_over_documents() -> None:
    trace = make(3, documents=30)
    finding = analyse(trace)
    total = {"baseline": 0, "pruned": 0}
    by_layer: dict[int, list[float]] = {}
    for row in trace.table("costs").to_dict("records"):
        total[row["arm"]] += row["macs_attention"] + row["macs_ffn"]
        if row["arm"] == "pruned":
            by_layer.setdefault(row["layer"], []).append(row["tokens_out"])
    ratio = finding.measurement("macs_ratio", arm="pruned")
    assert ratio.value == pytest.approx(total["baseline"] / total["pruned"])
    assert ratio.interval is not None
    assert ratio.interval.low < ratio.value < ratio.interval.high  # type: ignore[operator]
    table = finding.table("cost")
    tokens = trace.table("tokens")
    for layer, out, keep in zip(
        *map(table.column, ("layer", "tokens_out", "keep_rate")), strict=True
    ):
        assert out == pytest.approx(np.mean(by_layer[int(str(layer))]))
        depths = [
            d for d, special in zip(tokens["depth"], tokens["special"], strict=True) if not special
        ]
        assert keep == pytest.approx(sum(d >= layer for d in depths) / len(depths))


def test_uncounted_macs_are_undefined_and_out_of_the_claim() -> None:
    trace = make(documents=30)
    costs = trace.table("costs")
    finding = analyse(replace_tables(trace, costs=costs[costs["arm"] == "pruned"]))
    assert finding.measurement("macs_ratio", arm="pruned").undefined is not None
    assert "MACs" not in finding.claim
    assert isinstance(finding.table("cost").column("share_ffn")[0], Undefined)
    assert isinstance(finding.table("cost").column("macs_ffn")[0], float)


def test_without_a_baseline_it_reports_and_says_why() -> None:
    finding = analyse(TRACES["no_baseline"])
    assert finding.status == "reported"
    assert finding.claim.startswith("The pruned model's accuracy is 80.0 % (95 % interval 65.")
    assert TRACES["no_baseline"].about.no_baseline in finding.claim
    names = {m.address() for m in finding.measurements}
    assert "accuracy_change[arm=pruned,slice=vs unpruned]" in names
    assert not any("baseline" in name or "loyalty" in name for name in names)
    assert not {NO_NOISE_FLOOR, MORE_TRAINING} & set(finding.caveats)
    assert ONE_PAIR in finding.caveats


def test_what_confounds_is_printed() -> None:
    assert {ONE_PAIR, NO_NOISE_FLOOR, MORE_TRAINING, DRAWN} <= set(analyse(TRACES["full"]).caveats)
    assert DRAWN not in analyse(TRACES["no_random"]).caveats


def test_the_control_for_more_training_stands_beside_the_others() -> None:
    trace = make(6, documents=150, draws=0, continued=True, accuracy={"continued": 0.97})
    finding = analyse(trace)
    gold = trace.table("examples")["label"].to_numpy()

    def right(arm: str) -> list[bool]:
        told = trace.predictions(arm)["predicted"].to_numpy()
        return [bool(said == label) for said, label in zip(told, gold, strict=True)]

    assert finding.measurement("accuracy", arm="continued").value == sum(right("continued")) / 150
    assert finding.table("arms").column("arm") == ("baseline", "continued", "unpruned", "pruned")
    for arm, other in (("pruned", "continued"), ("continued", "baseline")):
        change = finding.measurement("accuracy_change", arm=arm, slice=f"vs {other}")
        gap = sum(a - b for a, b in zip(right(arm), right(other), strict=True))
        assert change.value == pytest.approx(100 * gap / 150)
        assert change.interval is not None
    rows = {row[0]: row for row in finding.table("differences").rows}
    pairs = list(zip(right("pruned"), right("continued"), strict=True))
    assert rows["pruned − continued"][6:8] == (
        pairs.count((False, True)),
        pairs.count((True, False)),
    )
    assert AS_MUCH_TRAINING in finding.caveats
    assert MORE_TRAINING not in finding.caveats
    assert AS_MUCH_TRAINING not in analyse(make(documents=30)).caveats


def swept(*points: tuple[float, float, float], audited: float = 0.5, n: int = 200) -> Finding:
    """The finding of a model from a sweep with these targets, shares reached and accuracies."""
    sweep = tuple(
        BudgetAbout(target=target, reached=reached, accuracy=accuracy, baseline_accuracy=0.9,
                    held_out=n, audited=target == audited)
        for target, reached, accuracy in points
    )  # fmt: skip
    trace = make(documents=30, draws=0)
    about = trace.about.model_copy(update={"sweep": sweep})
    finding = check_probe(Performance(resamples=100), replace_tables(trace, about=about))
    assert finding is not None
    return finding


def test_budgets_of_the_sweep_are_shown_with_their_intervals() -> None:
    finding = swept((0.7, 0.71, 0.905), (0.5, 0.49, 0.88))
    table = finding.table("budgets")
    assert "held-out training documents" in table.title
    assert "not on the audited data" in table.note
    assert table.column("model") == ("another budget", "this checkpoint")
    assert table.column("change") == pytest.approx((0.5, -2.0))
    for accuracy, interval in zip(table.column("accuracy"), table.column("interval"), strict=True):
        assert isinstance(interval, Interval)
        p, z = float(str(accuracy)), 1.959964
        middle = (p + z * z / 400) / (1 + z * z / 200)
        half = z / (1 + z * z / 200) * (p * (1 - p) / 200 + z * z / 160000) ** 0.5
        assert (interval.low, interval.high) == pytest.approx((middle - half, middle + half))
    (chart,) = (chart for chart in finding.charts if chart.table == "budgets")
    assert (chart.x, chart.y, chart.interval, chart.reference) == (
        "reached", "accuracy", "interval", 0.9,
    )  # fmt: skip


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
    for (share, accuracy), said in zip(
        found, budgets_table(budgets).column("undominated"), strict=True
    ):
        cheaper = any(s < share and a >= accuracy for s, a in found)
        better = any(s <= share and a > accuracy for s, a in found)
        assert said == ("no" if cheaper or better else "yes")


def test_without_a_sweep_no_budgets_are_shown() -> None:
    finding = analyse(plain(30))
    assert "budgets" not in {table.name for table in finding.tables}
    assert "budgets" not in {chart.name for chart in finding.charts}


def test_a_class_without_documents_has_undefined_cells() -> None:
    trace = make(documents=30, classes=2, labels=("a", "b", "never"))
    predictions = trace.table("predictions").copy()
    predictions["probs"] = predictions["probs"].map(lambda p: np.append(p, np.float32(0)))
    trace = replace_tables(trace, predictions=predictions)
    finding = analyse(trace, resamples=200)
    assert finding.measurement("f1", arm="pruned", slice="never").undefined is not None
    assert finding.measurement("macro_f1", arm="pruned").undefined is not None
    assert finding.measurement("weighted_f1", arm="pruned").value is not None
    row = finding.table("classes").rows[2]
    assert row[:2] == ("baseline", "never")
    assert isinstance(row[2], Undefined)
    assert isinstance(row[3], Undefined)
    assert row[-1] == 0


def test_confusion_rows_sum_to_the_documents_of_the_class() -> None:
    trace = make(documents=33, classes=3, draws=2)
    table = analyse(trace, resamples=200).table("confusion")
    for row in table.rows:
        assert sum(float(str(cell)) for cell in row[2:]) == pytest.approx(11)


@pytest.mark.slow
def test_the_claim_of_an_effect_is_rarely_made_without_one() -> None:
    """Two models of equal accuracy: an effect is claimed in some 5 % of audits."""
    runs, claimed = 300, 0
    rng = np.random.default_rng(4)
    for _ in range(runs):
        kind = rng.choice(3, 300, p=[0.06, 0.06, 0.88])
        lost, gained = int((kind == 0).sum()), int((kind == 1).sum())
        finding = Performance(resamples=400).analyse(
            planted(240, lost, gained, n=300), np.random.default_rng(int(rng.integers(2**31)))
        )
        claimed += not finding.claim.startswith("No difference")
    assert claimed / runs <= 0.08  # .05 and two standard errors of the simulation


def test_intervals_hold_their_values() -> None:
    finding = analyse(make(5, documents=200, classes=3, draws=2))
    for found in finding.measurements:
        if isinstance(found.interval, Interval) and found.value is not None:
            assert found.interval.low <= found.value <= found.interval.high, found.address()
