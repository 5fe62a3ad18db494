import contract
import numpy as np
import pandas as pd
import probing
import pytest
from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate
from sklearn.metrics import accuracy_score

from auditkit.data.lexicon import read_lexicon
from auditkit.finding import Finding, Undefined
from auditkit.plugin import unmet
from auditkit.probes._groups import GroupOf, several
from auditkit.probes.fairness import Fairness
from auditkit.run.gates import Gate, judge
from auditkit.testing import (
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

TRACES = contract_traces()
LEXICON = read_lexicon("identity_en")


def analysed(trace: Trace) -> Finding:
    return probing.analysed(Fairness(resamples=300), trace)


def grouped(trace: Trace, values: list[str]) -> Trace:
    """The trace with these values in its group column."""
    documents = trace.table("documents").assign(**{"group:source": values})
    return replace_tables(trace, documents=documents)


def harmed(trace: Trace, who: np.ndarray, share: float, seed: int = 0) -> Trace:
    """The pruned model gets a share of these documents wrong that the baseline gets right."""
    documents = trace.table("documents")
    rng = np.random.default_rng(seed)
    hit = who & (rng.random(len(documents)) < share)
    classes = len(trace.about.labels)
    wrong = (documents["label"] + 1) % classes
    probs = [np.eye(classes, dtype=np.float32)[w] if h else p
             for w, h, p in zip(wrong, hit, documents["probs_pruned"], strict=True)]  # fmt: skip
    return replace_tables(
        trace,
        documents=documents.assign(
            predicted_pruned=np.where(hit, wrong, documents["predicted_pruned"]).astype(np.int32),
            probs_pruned=pd.Series(probs, index=documents.index, dtype=object),
            predicted_baseline=np.where(hit, documents["label"], documents["predicted_baseline"])
            .astype(np.int32),
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def trace() -> Trace:
    return synthetic_trace(np.random.default_rng(5), documents=400, classes=2)


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    trace = probing.measured(Fairness(), TRACES[name], lexicon=LEXICON)
    finding = check_probe(Fairness(resamples=100), trace)
    assert (finding is None) == bool(unmet(Fairness(), trace.about))


def test_a_harmed_group_is_named_and_no_other(trace: Trace) -> None:
    values = np.where(np.arange(400) % 5 == 0, "few", "many")
    finding = analysed(harmed(grouped(trace, list(values)), values == "few", 0.5))
    assert "1 loses more accuracy to pruning than all documents do: source: few (" in finding.claim
    gap = finding.measurement("accuracy_gap", arm="pruned", against="baseline", column="source",
                              group="few")  # fmt: skip
    assert gap.interval is not None
    assert gap.interval.low > 0
    assert gap.level == 0.975
    assert "many (" not in finding.claim
    size = f"{gap.value:.1f} points of accuracy lost beyond what all documents lose: source: few ("
    assert [one.concern for one in finding.conclusions] == ["serious"] * 3
    assert finding.conclusions[0].sentence.startswith(size)
    assert finding.conclusions[0].measurements == (gap.where,)


def test_the_gap_of_a_group_can_be_gated(trace: Trace) -> None:
    values = np.where(np.arange(400) % 5 == 0, "few", "many")
    finding = analysed(harmed(grouped(trace, list(values)), values == "few", 0.5))
    address = "fairness.accuracy_gap[arm=pruned,against=baseline,column=source,group={}]"
    limits = (("few", 2.0), ("few", 90.0), ("many", 2.0), ("none", 2.0))
    gates = [Gate(address=address.format(one), at_most=limit) for one, limit in limits]
    judged = judge(gates, [finding])
    assert [one.status for one in judged] == ["fail", "pass", "pass", "not_run"]


def test_false_positives_of_a_group_are_named(trace: Trace) -> None:
    values = np.where(np.arange(400) % 8 < 2, "spoken of", "others")
    who = (values == "spoken of") & (trace.documents.label == 0)
    finding = analysed(harmed(grouped(trace, list(values)), who, 0.6))
    told = finding.claim.split("false positives rise more than over all documents for ")[1]
    assert told.startswith("source: spoken of (class class 1: ")
    assert "no group is shown to gain more false negatives" in finding.claim


def test_rates_by_group_are_those_of_fairlearn(trace: Trace) -> None:
    values = [("a", "b", "c")[i % 3] for i in range(400)]
    trace = grouped(trace, values)
    documents = trace.table("documents")
    finding = analysed(trace)
    metrics = {"accuracy": accuracy_score, "false_positive": false_positive_rate,
               "false_negative": false_negative_rate}  # fmt: skip
    by_arm = {
        arm: MetricFrame(metrics=metrics, y_true=documents["label"],
                         y_pred=documents[f"predicted_{arm}"], sensitive_features=values)
        for arm in ("pruned", "baseline")
    }  # fmt: skip
    at = {"arm": "pruned", "against": "baseline", "column": "source"}
    for name in "abc":
        for arm, frame in by_arm.items():
            accuracy = finding.measurement("accuracy", arm=arm, column="source", group=name)
            assert accuracy.value == pytest.approx(frame.by_group["accuracy"][name])
        for rate in ("false_positive", "false_negative"):
            rises = {g: by_arm["pruned"].by_group[rate][g] - by_arm["baseline"].by_group[rate][g]
                     for g in "abc"}  # fmt: skip
            over_all = by_arm["pruned"].overall[rate] - by_arm["baseline"].overall[rate]
            key = {**at, "class": "class 1", "group": name}
            change = finding.measurement(f"{rate}_change", **key).value
            assert change == pytest.approx(100 * rises[name])
            gap = finding.measurement(f"{rate}_gap", **key).value
            assert gap == pytest.approx(100 * (rises[name] - over_all))


def test_a_document_is_in_every_group_that_its_cell_names(trace: Trace) -> None:
    values = ["x; y" if i % 2 else '["y", "z <b>"]' for i in range(400)]
    finding = analysed(grouped(trace, values))
    rows = {
        row[0] for row in finding.table("accuracy_gaps").rows if str(row[0]).startswith("source: ")
    }
    assert rows == {"source: x", "source: z <b>"}
    left = {row[1]: row[3] for row in finding.table("left_out").rows if row[0] == "source"}
    assert left == {"y": "all documents are in it"}
    assert several("[not json; b") == ["[not json", "b"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (["same"] * 400, "all documents are in it"),
        ([f"v{i}" for i in range(400)], "fewer than 30 documents"),
        ([""] * 400, None),
        ([""] * 399 + ["</script>\u202e|"], "fewer than 30 documents"),
    ],
)
def test_columns_that_tell_nothing(trace: Trace, values: list[str], why: str | None) -> None:
    finding = analysed(grouped(trace, values))
    assert "Group fairness is not measurable on this data set: " in finding.claim
    names = [str(row[0]) for row in finding.table("accuracy_gaps").rows]
    assert not any(name.startswith("source: ") for name in names)
    left = [table for table in finding.tables if table.name == "left_out"]
    told = {row[3] for table in left for row in table.rows if row[0] == "source"}
    assert (why in told) if why else not told


def test_who_is_spoken_of_is_a_group_and_its_words_are_followed() -> None:
    trace = synthetic_trace(np.random.default_rng(1), documents=300)
    words = whole(trace, "words")
    ours = words["lower"] == "market"
    assert ours.any()
    terms = (LEXICON[0]._replace(term="market", group="traders", category="trade"),)
    finding = analysed(probing.measured(Fairness(), trace, lexicon=terms))
    holders = words[ours]["example_id"].nunique()
    row = next(r for r in finding.table("by_group").rows if r[1] == "traders")
    assert row[:4] == ("identity terms", "traders", "baseline", holders)
    kept = finding.measurement("concordance", arm="pruned", category="trade")
    assert kept.n == int(ours.sum())
    assert "not measurable" not in finding.claim


def test_terms_are_words_and_phrases() -> None:
    words = pd.DataFrame(
        {"example_id": ["d"] * 4, "lower": ["native", "americans", "and", "women"]}
    )
    rule = GroupOf((("native americans", "native"), ("women", "women"), ("american", "x")))
    assert list(rule(words)) == ["native", "native", "", "women"]


def test_few_documents_of_a_class_have_no_area(trace: Trace) -> None:
    finding = analysed(grouped(trace, ["a" if i % 10 == 0 else "b" for i in range(400)]))
    told = {row[2] for row in finding.table("areas").rows}
    assert "a" in told  # with the others there are enough
    kinds = {row[3] for row in finding.table("areas").rows if row[2] == "a"}
    assert "in the group" not in kinds


def test_a_run_without_a_lexicon_or_tags_has_no_such_groups() -> None:
    trace = synthetic_trace(np.random.default_rng(5), documents=140, tagged=False)
    finding = analysed(trace)
    told = {str(row[0]).split(": ")[0] for row in finding.table("accuracy_gaps").rows}
    assert told == {"all documents", "source", "gold class", "document length"}
    assert isinstance(finding.table("accuracy_gaps").rows[0][3], Undefined)


def test_without_an_effect_hardly_an_audit_names_a_group(trace: Trace) -> None:
    """The share over 4,000 draws of the statistics is in docs/coverage.md."""
    documents = trace.table("documents")
    rng, named = np.random.default_rng(9), 0
    label = documents["label"].to_numpy()
    for _ in range(20):
        said = {
            f"predicted_{arm}": np.where(rng.random(400) < right, label, 1 - label).astype(np.int32)
            for arm, right in (("baseline", 0.9), ("pruned", 0.85))
        }
        finding = analysed(replace_tables(trace, documents=documents.assign(**said)))
        named += "more accuracy to pruning than all documents do: " in finding.claim
        named += "rise more" in finding.claim
    assert named <= 3
