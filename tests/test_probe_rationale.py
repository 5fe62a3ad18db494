from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import probing
import pytest
from claims import unfounded
from scipy.stats import hypergeom
from sklearn.metrics import average_precision_score, roc_auc_score

from auditkit.finding import Finding, Interval
from auditkit.plugin import Estimate, Probe, discover, unmet
from auditkit.probes._attribution import METHODS
from auditkit.probes._faith import set_layers
from auditkit.probes._marks import overlapping
from auditkit.probes._ranked import Beside
from auditkit.probes._rationale_claims import claim_of_rationales
from auditkit.probes.rationale import Rationale
from auditkit.stats.cells import reference_layer
from auditkit.testing import (
    SyntheticBench,
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
    with_depth,
)
from auditkit.trace import Trace

TRACES = contract_traces()

measured = partial(probing.measured, Rationale())
analysed = partial(probing.analysed, Rationale())


def planted(marks_kept: float, seed: int = 0, documents: int = 160, **options: Any) -> Trace:
    rng = np.random.default_rng(seed)
    return synthetic_trace(
        rng, documents=documents, rationales=0.9, marks_kept=marks_kept, **options
    )


@pytest.fixture(scope="module")
def trace() -> Trace:
    return planted(0.0)


@pytest.mark.parametrize("name", TRACES)
def test_contract(name: str) -> None:
    for trace in (TRACES[name], measured(TRACES[name])):
        finding = check_probe(Rationale(), trace)
        assert (finding is None) == bool(unmet(Rationale(), trace.about)) == (name != "rationales")


def test_contract_where_depths_are_extreme(trace: Trace) -> None:
    for depth in (0, 4):
        finding = check_probe(Rationale(), measured(with_depth(trace, depth)))
        assert finding is not None
        assert finding.claim == "Not applicable: after no layer is a part of the tokens kept."


def test_it_comes_through_the_door_of_third_parties() -> None:
    assert isinstance(discover()["rationale"].load(), Probe)
    lacking = unmet(Rationale(), TRACES["full"].about)
    assert lacking == ["documents with a rationale that people marked (--rationale-column)"]


@pytest.mark.parametrize(
    ("marks_kept", "said", "others", "beside"),
    [
        (4.0, "agree with what people marked more than as many random", "they agree more than",
         "survival agrees with them more than |attribution|"),
        (-4.0, "agree with what people marked less than as many random", "they agree less than",
         "survival agrees with them less than |attribution|"),
        (0.0, "are not shown to agree with what people marked", "no difference is shown",
         "no difference shown between survival and |attribution|"),
    ],
)  # fmt: skip
def test_what_was_planted_is_named(marks_kept: float, said: str, others: str, beside: str) -> None:
    trace = planted(marks_kept)
    layer = reference_layer(trace.documents.pieces, trace.documents.kept)
    finding = analysed(measured(trace, truth=0.0))
    assert finding.claim.startswith(f"The tokens kept after layer {layer} {said}")
    assert f"; after layers 1, 3, 4 {others}" in finding.claim
    assert f"; {beside}" in finding.claim
    assert not unfounded(finding)
    found = finding.measurement("f1_difference", arm="pruned", layer=str(layer))
    assert found.interval is not None
    assert (found.interval.low > 0) == (marks_kept > 0)
    assert (found.interval.high < 0) == (marks_kept < 0)
    area = finding.measurement("auroc", arm="pruned").value
    assert area is not None
    assert np.sign(round(area - 0.5, 1)) == np.sign(marks_kept)
    (conclusion,) = finding.conclusions
    assert f"{conclusion.sentence[:-1]};" in finding.claim


def test_attributions_that_follow_the_marks_are_told_from_survival(trace: Trace) -> None:
    frame = Rationale().measure(SyntheticBench(trace))
    assert frame is not None
    tokens = whole(trace, "tokens")
    rows = trace.documents.rows_of(tokens["example_id"])
    marks = whole(trace, "rationales")
    spans = marks.assign(document=trace.documents.rows_of(marks["example_id"]))
    inside = tokens[overlapping(tokens.assign(document=rows), spans)]
    key = set(zip(inside["example_id"], inside["position"], strict=True))
    hit = [at in key for at in zip(frame["example_id"], frame["position"], strict=True)]
    frame["attribution"] = frame["attribution"].abs() + 9.0 * np.array(hit)
    finding = analysed(replace_tables(trace, measured_rationale=frame))
    assert "survival agrees with them less than |attribution|" in finding.claim
    for method in METHODS:
        assert finding.measurement("auprc", arm="unpruned", type=method).value == 1
        assert finding.measurement("auroc", arm="unpruned", type=method).value == 1


def by_hand(trace: Trace) -> dict[str, tuple[pd.DataFrame, np.ndarray]]:
    """Tokens and whether each is marked, of the documents that can be used, letter by letter."""
    marks, tokens = whole(trace, "rationales"), whole(trace, "tokens")
    letters: dict[str, set[int]] = {}
    for example_id, start, end in marks.to_numpy():
        letters.setdefault(str(example_id), set()).update(range(start, end))
    found = {}
    for one, own in tokens[~tokens["special"]].groupby("example_id"):
        marked = np.array(
            [bool(letters.get(str(one), set()) & set(range(start, end)))
             for start, end in own[["char_start", "char_end"]].to_numpy()]
        )  # fmt: skip
        if 0 < marked.sum() < len(own):
            found[str(one)] = (own, marked)
    return found


def test_numbers_by_hand() -> None:
    trace = planted(1.0, documents=60, classes=3)
    finding, documents = analysed(measured(trace)), by_hand(trace)
    for layer in set_layers(trace.documents):
        values: dict[str, list[float]] = {}
        by_class: dict[str, list[float]] = {}
        for one, (own, marked) in documents.items():
            kept = (own["depth"] >= layer).to_numpy()
            n, k, r = len(own), int(kept.sum()), int(marked.sum())
            if not 0 < k < n:
                continue
            hits, x = int((kept & marked).sum()), np.arange(min(k, r) + 1)
            chance = hypergeom(n, r, k).pmf(x)
            numbers = {
                "f1": 2 * hits / (k + r), "f1_chance": float(chance @ (2 * x / (k + r))),
                "iou": hits / (k + r - hits), "iou_chance": float(chance @ (x / (k + r - x))),
            }  # fmt: skip
            for measure in ("f1", "iou"):
                numbers[f"{measure}_difference"] = numbers[measure] - numbers[f"{measure}_chance"]
            for name, value in numbers.items():
                values.setdefault(name, []).append(value)
            label = trace.about.labels[trace.documents.label[trace.documents.row_of(one)]]
            by_class.setdefault(label, []).append(numbers["f1"])
        for name, own_values in values.items():
            m = finding.measurement(name, arm="pruned", layer=str(layer))
            assert m.value == pytest.approx(np.mean(own_values))
            assert m.n == len(own_values)
        if layer == reference_layer(trace.documents.pieces, trace.documents.kept):
            for label, own_values in by_class.items():
                at = {"arm": "pruned", "layer": str(layer), "class": label}
                m = finding.measurement("f1", **at)
                assert m.value == pytest.approx(np.mean(own_values))
                assert m.n == len(own_values)
    precision = [average_precision_score(m, own["depth"]) for own, m in documents.values()]
    area = [roc_auc_score(m, own["depth"]) for own, m in documents.values()]
    assert finding.measurement("auprc", arm="pruned").value == pytest.approx(np.mean(precision))
    assert finding.measurement("auroc", arm="pruned").value == pytest.approx(np.mean(area))


def test_survival_and_attribution_are_compared_at_the_same_counts() -> None:
    trace = measured(planted(1.0, documents=60))
    frame = trace.measured("rationale")
    assert frame is not None
    assert set(frame["arm"]) == {"unpruned"}
    sizes = frame.set_index(["example_id", "method", "position"])["attribution"].abs().sort_index()
    finding, documents = analysed(trace), by_hand(trace)
    assert set(frame["example_id"]) == set(documents)
    for method in METHODS:
        raw, changes = [], []
        for one, (own, marked) in documents.items():
            size = sizes[one, method][own["position"]].to_numpy()
            depth = own["depth"].to_numpy()
            dealt = np.empty_like(depth)
            dealt[np.argsort(-size)] = np.sort(depth)[::-1]
            raw.append(average_precision_score(marked, size))
            changes.append(
                average_precision_score(marked, depth) - average_precision_score(marked, dealt)
            )
        m = finding.measurement("auprc", arm="unpruned", type=method)
        assert m.value == pytest.approx(np.mean(raw))
        m = finding.measurement("auprc_change", arm="pruned", against=method)
        assert m.value == pytest.approx(np.mean(changes))
        assert m.n == len(documents)


def test_documents_and_marks_left_out_are_counted() -> None:
    trace = planted(0.0, documents=80)
    marks, texts = whole(trace, "rationales"), whole(trace, "texts").set_index("example_id")["text"]
    tokens = whole(trace, "tokens")
    ends = tokens[~tokens["special"]].groupby("example_id")["char_end"].max()
    cut = [one for one in ends.index if ends[one] < len(texts[one])]
    assert cut
    whole_text, beyond = "doc-0000", cut[0]
    marks = marks[~marks["example_id"].isin([whole_text, *cut])]
    more = pd.DataFrame(
        [(whole_text, 0, len(texts[whole_text])), (beyond, ends[beyond] + 1, len(texts[beyond])),
         (cut[1], 0, len(texts[cut[1]]))],
        columns=marks.columns,
    )  # fmt: skip
    trace = replace_tables(trace, rationales=pd.concat([marks, more]))
    finding = analysed(trace)
    used = marks["example_id"].nunique()
    assert finding.caveats[0].startswith(
        f"Documents with a rationale: {used + 3}. Left out: 1 of which no token that the models "
    )
    assert (
        f"2 of {len(marks) + 3} marked spans reach past what the models read, in 2 documents"
        in (finding.caveats[1])
    )
    assert "Attributions were not asked for" in finding.caveats[2]
    assert finding.measurement("auprc", arm="pruned").n <= used


def test_too_few_documents_are_not_asked_about(trace: Trace) -> None:
    for bench in (
        SyntheticBench(trace, attribution_sample=29),
        SyntheticBench(planted(0.0, documents=20)),
    ):
        assert Rationale().measure(bench) is None
        assert bench.calls == []
    frame = Rationale().measure(SyntheticBench(trace, attribution_sample=30))
    assert frame is not None
    assert frame["example_id"].nunique() == 30
    assert set(frame["example_id"]) <= set(by_hand(trace))


def test_few_documents_make_no_claim() -> None:
    finding = analysed(planted(4.0, documents=20))
    assert "cannot be compared with what people marked" in finding.claim
    assert "too few documents (" in finding.claim


def test_an_attribution_that_is_not_finite_leaves_its_document_out(trace: Trace) -> None:
    frame = Rationale().measure(SyntheticBench(trace))
    assert frame is not None
    first = frame["example_id"][0]
    frame.loc[frame["example_id"] == first, "attribution"] = np.nan
    finding = analysed(replace_tables(trace, measured_rationale=frame))
    assert "Documents left out, because an attribution is not finite: 1." in finding.caveats
    found = finding.measurement("auprc_change", arm="pruned", against=METHODS[0])
    assert found.n == frame["example_id"].nunique() - 1


def test_rationales_that_mark_nothing_that_is_read_are_not_applicable(trace: Trace) -> None:
    marks, texts = whole(trace, "rationales"), whole(trace, "texts").set_index("example_id")["text"]
    everything = marks.drop_duplicates("example_id").assign(char_start=0)
    everything["char_end"] = everything["example_id"].map(texts.str.len())
    finding = check_probe(Rationale(), replace_tables(trace, rationales=everything))
    assert finding is not None
    assert finding.status == "not_applicable"


def test_spans_of_other_documents_and_beside_a_token_mark_nothing() -> None:
    tokens = pd.DataFrame(
        [(0, 0, 3), (0, 3, 5), (0, 5, 5), (1, 0, 3), (2, 4, 6), (2, 0, 4)],
        columns=["document", "char_start", "char_end"],
    )
    spans = pd.DataFrame([(0, 3, 4), (0, 4, 9), (2, 4, 5)], columns=tokens.columns)
    assert overlapping(tokens, spans).tolist() == [False, True, False, False, True, False]
    assert not overlapping(tokens, spans[:0]).any()
    assert overlapping(tokens[:0], spans).tolist() == []


def test_what_correction_takes_away_is_said() -> None:
    found = Estimate(0.02, 90, (0.001, 0.039), p=0.04, p_adjusted=0.08)
    row = Beside(METHODS[0], 90, Estimate(0.4, 90), Estimate(0.38, 90), found)
    claim = claim_of_rationales([], [row, replace(row, change=replace(found, p=None))])
    assert "no difference shown between survival and |attribution|" in claim
    assert "95 % interval 0.001 to 0.039, not after correction for 1 test; 90 documents)" in claim
    tiny = Estimate(0.0001, 9000, (0.00004, 0.00016), p=0.001, p_adjusted=0.003)
    claim = claim_of_rationales([], [replace(row, change=tiny)])
    assert "difference 0.00010, 95 % interval 0.00004 to 0.00016; 90 documents)" in claim


def false_claims(draws: range) -> float:
    """How often a pruner that knows no rationales is said to agree more or less, or attributions
    are said to differ from it."""
    wrong = 0
    for seed in draws:
        trace = planted(0.0, seed=seed, documents=60, words=(6, 14), draws=0, baseline=False)
        wrong += "are not shown to agree" not in analysed(trace).claim
    return wrong / len(draws)


@pytest.mark.slow
def test_a_pruner_without_a_preference_is_rarely_said_to_have_one() -> None:
    assert false_claims(range(200)) <= 0.06


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_pruner_without_a_preference_is_rarely_said_to_have_one_in_4000_runs() -> None:
    assert false_claims(range(1000, 5000)) <= 0.06


def test_intervals_that_are_called_hold_what_is_said() -> None:
    finding: Finding = analysed(measured(planted(4.0)))
    for m in finding.measurements:
        if m.p_adjusted is not None:
            assert isinstance(m.interval, Interval)
            if m.p_adjusted < 0.05:
                assert not m.interval.low <= 0 <= m.interval.high


@pytest.mark.slow
def test_hatexplain_is_read_whole(shared_data: Path) -> None:
    """Rationales of real data: none is refused, and only the two toxic classes have them."""
    from tabular import load

    path = shared_data / "hatexplain" / "test.parquet"
    if not path.is_file():
        pytest.skip("no hatexplain at ../shared/data")
    data = load(str(path), rationale_column="rationale")
    assert len(data.refused) == 0
    marked = {data.labels[e.label] for e in data.examples if e.rationale}
    assert marked == {"hatespeech", "offensive"}
    assert sum(bool(e.rationale) for e in data.examples) > 1000
