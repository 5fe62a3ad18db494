from functools import cache
from typing import Any

import contract
import numpy as np
import pytest

from auditkit.finding import ACCURACY, Finding, Interval, Undefined
from auditkit.plugin import ARMS, DECISION, Probe, arm, discover, unmet
from auditkit.probes._cost import at_macs
from auditkit.probes.performance import ONE_PAIR, Performance
from auditkit.stats.paired import mcnemar_exact, mcnemar_score, tango_interval
from auditkit.testing import (
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

TRACES = contract_traces()
AT = {"arm": "pruned", "against": "baseline"}


def make(seed: int = 0, **options: Any) -> Trace:
    return synthetic_trace(np.random.default_rng(seed), **options)


def analyse(trace: Trace, **options: Any) -> Finding:
    finding: Finding = Performance(**options).analyse(trace, np.random.default_rng(0))
    return finding


@cache
def plain(documents: int) -> Trace:
    return make(documents=documents, draws=0)


def right_of(trace: Trace, key: str) -> list[bool]:
    """Whether an arm is right, document by document."""
    rows = trace.table("documents").to_dict("records")
    return [bool(row[f"predicted_{key}"] == row["label"]) for row in rows]


def answered(right: dict[str, tuple[int, ...]]) -> Trace:
    """A trace of two classes where each arm is right in exactly the documents marked 1."""
    trace = plain(len(right["pruned"]))
    documents = trace.table("documents")
    for name, hits in right.items():
        predicted = [
            label if hit else 1 - label for label, hit in zip(documents["label"], hits, strict=True)
        ]
        documents[f"predicted_{name}"] = predicted
        documents[f"probs_{name}"] = [[0.2, 0.8] if p else [0.8, 0.2] for p in predicted]
    return replace_tables(trace, documents=documents)


def planted(before: int, lost: int, gained: int, n: int = 1000) -> Trace:
    """Baseline right in `before` documents, the pruned model in `lost` less, `gained` more."""
    baseline = (1,) * before + (0,) * (n - before)
    pruned = (0,) * lost + (1,) * (before - lost + gained) + (0,) * (n - before - gained)
    return answered({"baseline": baseline, "unpruned": baseline, "pruned": pruned})


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    probe, trace = Performance(resamples=100), TRACES[name]
    assert (check_probe(probe, trace) is None) == bool(unmet(probe, trace.about))


def test_it_comes_through_the_door_of_third_parties() -> None:
    probe = discover()["performance"].load({"margin": 0.02})
    assert isinstance(probe, Probe)
    assert probe == Performance(margin=0.02)


def test_accuracies_are_the_key_figures() -> None:
    finding = analyse(TRACES["full"], resamples=50)
    headlines = [m.where for m in finding.measurements if m.headline]
    assert headlines == [f"accuracy[arm={name}]" for name in TRACES["full"].about.arms]


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
    needed = finding.measurement("documents_needed", **AT).value
    assert f"some {needed:,.0f} documents would decide" in finding.claim
    assert analyse(planted(900, lost=20, gained=20), margin=0.03).status == "pass"


def test_two_models_that_never_differ_are_not_thereby_the_same() -> None:
    finding = analyse(planted(25, lost=0, gained=0, n=30))
    assert finding.status == "inconclusive"
    change = finding.measurement("accuracy_change", **AT)
    assert change.interval is not None
    assert change.interval.low < -10
    assert finding.table("differences").column("method")[0] == "Tango"


def test_differences_are_those_of_a_loop() -> None:
    trace = make(1, documents=120, draws=3, reseeded=True)
    finding = analyse(trace)

    def accuracy(name: str) -> float:
        keys = ["random_0", "random_1", "random_2"] if name == "random" else [name]
        return sum(sum(right_of(trace, key)) / 120 for key in keys) / len(keys)

    expected = [("pruned", "baseline"), ("pruned", "unpruned"), ("pruned", "random"),
                ("reseeded", "baseline"), ("unpruned", "baseline")]  # fmt: skip
    for name, other in expected:
        found = finding.measurement("accuracy_change", arm=name, against=other)
        assert found.value == pytest.approx(100 * (accuracy(name) - accuracy(other)))
        assert found.p is not None
    table = finding.table("differences")
    assert table.column("comparison") == tuple(f"{one} − {other}" for one, other in expected)
    assert table.column("effect") == tuple(arm(one).versus[other] for one, other in expected)
    for name in trace.about.arms:
        assert finding.measurement("accuracy", arm=name).value == pytest.approx(accuracy(name))
    told = trace.table("documents")
    same = sum(p == b for p, b in zip(told["predicted_pruned"], told["predicted_baseline"],
                                      strict=True))  # fmt: skip
    assert finding.measurement("label_loyalty", **AT).value == pytest.approx(same / 120)


def test_random_keeping_may_have_run_on_some_documents_alone() -> None:
    trace = make(2, documents=60, draws=2, accuracy={"pruned": 0.95, "random": 0.3})
    documents = trace.table("documents")
    for draw, some in enumerate((range(20, 50), range(10, 50))):
        for part in ("predicted", "probs"):
            column = documents[f"{part}_random_{draw}"].astype(object)
            documents[f"{part}_random_{draw}"] = [
                value if row in some else None for row, value in enumerate(column)
            ]
    finding = analyse(replace_tables(trace, documents=documents))
    change = finding.measurement("accuracy_change", arm="pruned", against="random")
    assert (change.n, finding.measurement("accuracy", arm="random").n) == (30, 30)
    right = {key: right_of(trace, key)[20:50] for key in ("pruned", "random_0", "random_1")}
    at_random = (sum(right["random_0"]) + sum(right["random_1"])) / 60
    assert change.value == pytest.approx(100 * (sum(right["pruned"]) / 30 - at_random))


def test_uncounted_macs_are_out_of_the_claim() -> None:
    trace = make(documents=30)
    assert "fewer MACs" in analyse(trace).claim
    uncounted = trace.table("documents").assign(macs_baseline=0)
    assert "MACs" not in analyse(replace_tables(trace, documents=uncounted)).claim


@pytest.mark.parametrize(
    ("whole_of", "pruned", "told"),
    [(210, 100, " at 2.1× fewer MACs"), (100, 100, " at about as many MACs"),
     (100, 125, " at 1.2× as many MACs")],
)  # fmt: skip
def test_macs_are_told_by_their_direction(whole_of: int, pruned: int, told: str) -> None:
    documents = plain(30).table("documents")
    trace = replace_tables(
        plain(30), documents=documents.assign(macs_baseline=whole_of, macs_pruned=pruned)
    )
    assert at_macs(trace.documents) == told


def test_a_model_that_drops_nothing_is_audited_the_same_way() -> None:
    trace = planted(900, lost=80, gained=10)
    about = trace.about
    runs = tuple(
        run.model_copy(update={"name": "changed"}) if run.name == "pruned" else run
        for run in about.runs
        if run.name != "unpruned"
    )
    documents = trace.table("documents").assign(macs_pruned=0)
    names = {f"{part}_pruned": f"{part}_changed" for part in ("predicted", "probs")}
    documents = documents.rename(columns=names).drop(
        columns=["predicted_unpruned", "probs_unpruned"]
    )
    trace = replace_tables(
        trace, about=about.model_copy(update={"runs": runs}), documents=documents
    )
    finding = analyse(trace)
    assert finding.claim.startswith("The change costs 7.0 points of accuracy (90.0 → 83.0 %, 95 %")
    assert finding.measurement("accuracy_change", arm="changed", against="baseline").value == (
        pytest.approx(-7.0)
    )


def test_a_repetition_is_counted_by_decisions_and_by_predictions() -> None:
    trace = make(5, documents=30, repeat=True)
    tokens, depths = whole(trace, "tokens"), whole(trace, "depths")
    layers, rng = trace.about.layers, np.random.default_rng(1)
    mine = (depths["arm"] == "repeat").to_numpy() & (rng.random(len(depths)) < 0.2)
    depths.loc[mine, "depth"] = rng.integers(0, layers + 1, int(mine.sum()), dtype=np.int8)
    documents = trace.table("documents")
    documents["predicted_repeat"] = [
        1 - said if row in (3, 8) else said
        for row, said in enumerate(documents["predicted_repeat"])
    ]
    finding = analyse(replace_tables(trace, documents=documents, depths=depths.sample(frac=1,
                      random_state=0)), resamples=50)  # fmt: skip
    again = {
        (row["example_id"], row["position"]): row["depth"]
        for row in depths.to_dict("records")
        if row["arm"] == "repeat"
    }
    decisions = changed = 0
    for row in tokens.to_dict("records"):
        other = again[row["example_id"], row["position"]]
        for layer in range(1, layers + 1):
            if not row["special"] and min(row["depth"], other) >= layer - 1:
                decisions += 1
                changed += (row["depth"] >= layer) != (other >= layer)
    at = {"arm": "repeat", "against": "pruned"}
    found = finding.measurement("changed_decisions", **at)
    assert changed > 0
    assert (found.n, found.n_clusters) == (decisions, 30)
    assert found.value == pytest.approx(changed / decisions)
    assert found.interval is not None
    predictions = finding.measurement("changed_predictions", **at)
    assert predictions.n == 30
    assert predictions.value == pytest.approx(2 / 30)
    assert finding.measurement("accuracy_change", **at).value is not None
    assert DECISION in finding.caveats
    assert not any("0 because" in caveat for caveat in finding.caveats)


def test_a_repetition_of_some_documents_speaks_of_those() -> None:
    trace = make(5, documents=30, repeat=True)
    documents, depths = trace.table("documents"), whole(trace, "depths")
    for part in ("predicted", "probs"):
        column = documents[f"{part}_repeat"].astype(object)
        documents[f"{part}_repeat"] = [v if row < 12 else None for row, v in enumerate(column)]
    some = depths["example_id"].isin(documents["example_id"][:12])
    depths = depths[some | (depths["arm"] != "repeat")]
    finding = analyse(replace_tables(trace, documents=documents, depths=depths), resamples=50)
    at = {"arm": "repeat", "against": "pruned"}
    decisions = finding.measurement("changed_decisions", **at)
    assert (decisions.value, decisions.n_clusters) == (0.0, 12)
    assert finding.measurement("accuracy_change", **at).n == 12
    said = f"in 0 of 12 predictions and in 0 of {decisions.n:,} keep decisions: that is 0 because"
    assert any(said in caveat for caveat in finding.caveats)


def test_without_a_baseline_it_reports_and_says_why() -> None:
    finding = analyse(TRACES["no_baseline"])
    assert finding.status == "reported"
    assert finding.claim.startswith("The pruned model's accuracy is 80.0 % (95 % interval 64.")
    assert TRACES["no_baseline"].about.no_baseline in finding.claim
    assert (finding.verdict, finding.cards, finding.marks) == (None, (), ())
    names = {m.where for m in finding.measurements}
    assert "accuracy_change[arm=pruned,against=unpruned]" in names
    assert not any("baseline" in name or "loyalty" in name for name in names)
    assert not {one.absent for one in ARMS if one.absent} & set(finding.caveats)
    assert ONE_PAIR in finding.caveats


def test_arms_bring_their_caveats_run_or_not() -> None:
    for name in ("full", "no_random", "continued", "floors"):
        run = set(TRACES[name].about.arms)
        expected = {one.present if one.name in run else one.absent for one in ARMS}
        told = set(analyse(TRACES[name], resamples=20).caveats)
        assert expected - {""} <= told
        other = {one.absent if one.name in run else one.present for one in ARMS}
        assert not (other - {""}) & told


def test_the_stair_has_no_step_for_what_tells_how_exact_numbers_are() -> None:
    trace = make(6, documents=60, draws=2, continued=True, reseeded=True, repeat=True)
    finding = analyse(trace)
    arms = finding.table("arms").column("arm")
    stair = next(chart for chart in finding.charts if chart.kind == "stair")
    assert arms[: stair.first] == ("baseline", "continued", "unpruned", "pruned", "random")
    assert set(arms[stair.first :]) == {"reseeded", "repeat"}


def test_the_control_for_more_training_stands_beside_the_others() -> None:
    trace = make(6, documents=150, draws=0, continued=True, accuracy={"continued": 0.97})
    finding = analyse(trace)
    right = {name: right_of(trace, name) for name in trace.about.arms}
    accuracy = finding.measurement("accuracy", arm="continued").value
    assert accuracy == sum(right["continued"]) / 150
    assert finding.table("arms").column("arm") == ("baseline", "continued", "unpruned", "pruned")
    for name, other in (("pruned", "continued"), ("continued", "baseline")):
        change = finding.measurement("accuracy_change", arm=name, against=other)
        gap = sum(a - b for a, b in zip(right[name], right[other], strict=True))
        assert change.value == pytest.approx(100 * gap / 150)
        assert change.interval is not None
    table = finding.table("differences")
    row = table.column("comparison").index("pruned − continued")
    pairs = list(zip(right["pruned"], right["continued"], strict=True))
    assert (table.column("lost")[row], table.column("gained")[row]) == (
        pairs.count((False, True)),
        pairs.count((True, False)),
    )


def test_a_class_without_documents_has_undefined_cells() -> None:
    names = ("a", "b", "never")
    trace = make(documents=30, classes=2)
    dataset = trace.about.dataset.model_copy(update={"labels": names})
    documents = trace.table("documents")
    for column in documents.columns[documents.columns.str.startswith("probs_")]:
        documents[column] = [[*p, 0.0] for p in documents[column]]
    trace = replace_tables(
        trace, about=trace.about.model_copy(update={"dataset": dataset}), documents=documents
    )
    finding = analyse(trace, resamples=200)
    assert finding.measurement("f1", arm="pruned", **{"class": "never"}).undefined is not None
    assert finding.measurement("macro_f1", arm="pruned").undefined is not None
    assert finding.measurement("weighted_f1", arm="pruned").value is not None
    report, right = finding.table("report"), sum(right_of(trace, "baseline")) / 30
    row = report.column("row").index("never")
    for rate in ("precision", "recall", "f1"):
        assert isinstance(report.column(f"{rate}_baseline")[row], Undefined)
    assert report.column("support")[row] == 0
    average = report.column("row").index("macro average")
    assert isinstance(report.column("recall_baseline")[average], Undefined)
    assert report.column("recall_baseline")[average + 1] == pytest.approx(right)
    changes = finding.table("class_changes")
    assert changes.column("documents") == (15, 15, 0)
    assert isinstance(changes.column("recall_change")[2], Undefined)
    assert len(finding.marks) == 3


def test_scores_of_a_class_are_those_of_a_loop() -> None:
    trace = make(7, documents=90, classes=3, draws=0)
    finding = analyse(trace, resamples=50)
    rows = trace.table("documents").to_dict("records")
    report = finding.table("report")
    assert report.column("row")[3:] == ("accuracy", "macro average", "weighted average")
    for number in range(3):
        said = [r for r in rows if r["predicted_pruned"] == number]
        gold = [r for r in rows if r["label"] == number]
        hits = sum(r["label"] == number for r in said)
        expected = (hits / len(said), hits / len(gold), 2 * hits / (len(said) + len(gold)))
        names = ("precision", "recall", "f1")
        cells = tuple(report.column(f"{name}_pruned")[number] for name in names)
        assert cells == pytest.approx(expected)
        at = {"arm": "pruned", "class": f"class {number}"}
        assert cells == tuple(finding.measurement(name, **at).value for name in names)
        assert report.column("support")[number] == len(gold)
    accuracy = finding.measurement("accuracy", arm="pruned").value
    assert report.column("f1_pruned")[3] == report.column("recall_pruned")[5] == accuracy
    for place, average in ((4, "macro"), (5, "weighted")):
        for name in ("precision", "recall", "f1"):
            found = finding.measurement(f"{average}_{name}", arm="pruned").value
            assert report.column(f"{name}_pruned")[place] == found


def test_changes_of_a_class_are_those_of_a_loop() -> None:
    trace = make(7, documents=90, classes=3, draws=0, accuracy={"pruned": 0.7})
    finding, label = analyse(trace, resamples=50), trace.table("documents")["label"]
    pairs = list(zip(label, right_of(trace, "baseline"), right_of(trace, "pruned"), strict=True))
    table = finding.table("class_changes")
    for c in range(3):
        mine = [(before, now) for gold, before, now in pairs if gold == c]
        lost, won = mine.count((True, False)), mine.count((False, True))
        assert (table.column("lost")[c], table.column("won")[c]) == (lost, won)
        found = finding.measurement("recall_change", **AT, **{"class": f"class {c}"})
        assert found.value == pytest.approx(100 * (won - lost) / len(mine))
        low, high = tango_interval(lost, won, len(mine))
        assert found.interval == Interval(100 * low, 100 * high)
        assert table.column("recall_change_p")[c] == mcnemar_score(lost, won)
        assert table.column("p_exact")[c] == mcnemar_exact(lost, won)
    assert (
        sum(int(str(n)) for n in table.column("lost"))
        == finding.table("differences").column("lost")[0]
    )


def test_the_first_screen_says_what_the_numbers_do() -> None:
    finding = analyse(planted(189, lost=5, gained=7, n=200))
    told = finding.verdict
    assert told is not None
    assert told.sentence == (
        "Not enough evidence to accept: a loss of more than 1 point of accuracy is not ruled out."
    )
    needed = finding.measurement("documents_needed", **AT).value
    assert told.detail == (
        "On these 200 documents the pruned model is 1.0 point better; for other documents like "
        "these anything from 2.7 worse to 4.9 better fits. "
        f"About {needed:,.0f} of them would decide. This speaks of this one pair of models."
    )
    assert told.margin == 1.0
    (card,) = finding.cards
    assert (card.title, card.value) == (ACCURACY, "94.5 → 95.5 %")
    assert card.note == "+1.0 point, paired 95 %: −2.7 to +4.9"
    assert [(mark.label, mark.whole) for mark in finding.marks] == [
        ("all documents", True), ("class 0", False), ("class 1", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lost", "gained", "margin", "sentence", "range_"),
    [
        (80, 10, 0.01, "Not acceptable: the loss of accuracy exceeds 1 point.",
         "points worse fits"),
        (30, 5, 0.05, "Acceptable on accuracy: a loss of more than 5 points is ruled out.",
         "points worse fits"),
        (10, 80, 0.01, "Acceptable on accuracy: a loss of more than 1 point is ruled out.",
         "points better fits"),
        (20, 20, 0.03, "Acceptable on accuracy: a loss of more than 3 points is ruled out.",
         "right as often as the baseline; for other documents like these anything from 1."),
    ],
)  # fmt: skip
def test_the_decision_opens_the_sentence(
    lost: int, gained: int, margin: float, sentence: str, range_: str
) -> None:
    told = analyse(planted(850, lost, gained), margin=margin).verdict
    assert told is not None
    assert told.sentence == sentence
    assert range_ in told.detail
    assert "would decide" not in told.detail


def test_beside_a_baseline_that_guesses_nothing_can_be_decided() -> None:
    told = analyse(planted(500, lost=5, gained=5)).verdict
    assert told is not None
    assert told.sentence == (
        "Nothing can be decided: the baseline is not shown to be right more often than whoever "
        "always says class 0 (50.0 %)."
    )
    assert "would decide" not in told.detail


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
        finding = Performance(resamples=100).analyse(
            planted(240, lost, gained, n=300), np.random.default_rng(int(rng.integers(2**31)))
        )
        claimed += not finding.claim.startswith("No difference")
    assert claimed / runs <= 0.08  # .05 and two standard errors of the simulation


def test_intervals_hold_their_values() -> None:
    finding = analyse(make(5, documents=200, classes=3, draws=2))
    for found in finding.measurements:
        if found.interval is not None and found.value is not None:
            assert found.interval.low <= found.value <= found.interval.high, found.where


@pytest.mark.parametrize(("noise", "change"), [(1e-7, 0.0), (1e-2, None)])
def test_scores_that_differ_by_rounding_alone_do_not_differ(
    noise: float, change: float | None
) -> None:
    trace = plain(1000)
    documents = trace.table("documents")
    probs = 0.1 + np.array(documents["probs_pruned"].tolist(), dtype=np.float64)
    sign = np.random.default_rng(1).choice([-1.0, 1.0], len(probs))
    documents["probs_pruned"] = list(probs)
    documents["probs_baseline"] = list(probs + noise * sign[:, None])
    documents["predicted_baseline"] = documents["predicted_pruned"]
    finding = analyse(replace_tables(trace, documents=documents), resamples=50)
    for name in ("brier_change", "log_loss_change"):
        found = finding.measurement(name, **AT)
        assert (found.value == 0.0) == (change == 0.0)
        assert (found.interval is None) == (change == 0.0)
