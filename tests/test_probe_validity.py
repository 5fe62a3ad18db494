"""Is the audited model the deployed one: planted faults are named, and numbers counted by hand."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import contract
import numpy as np
import probing
import pytest
from command import auditkit as command
from numpy.typing import NDArray

import auditkit
from auditkit.finding import Finding, Undefined
from auditkit.plugin import Probe, discover, unmet
from auditkit.probes._calls import calls
from auditkit.probes.validity import Validity
from auditkit.stats.paired import answers_difference
from auditkit.stats.rates import ratio_of_sums
from auditkit.testing import (
    SyntheticBench,
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

TRACES = contract_traces()
QUICK = Validity(documents=60)
MODEL, MASKS = "the checkpoint's forward", "masks in padded attention"

measured = partial(probing.measured, QUICK)
analysed = partial(probing.analysed, QUICK)

Padding = Callable[[str, str, int, int], tuple[int, Sequence[int], Sequence[int]] | None]


@pytest.fixture(scope="module")
def trace() -> Trace:
    return synthetic_trace(np.random.default_rng(4), documents=120, classes=2)


def depths_of(trace: Trace) -> dict[str, list[int]]:
    tokens = whole(trace, "tokens").sort_values(["example_id", "position"])
    return {str(one): own.tolist() for one, own in tokens.groupby("example_id")["depth"]}


def predicted(trace: Trace, example_id: str) -> int:
    answers = trace.documents.answers("pruned")
    assert answers is not None
    return int(answers.predicted[trace.documents.row_of(example_id), 0])


def with_rule(trace: Trace, **changes: Any) -> Trace:
    model = trace.about.model.model_copy(update=changes)
    subjects = trace.about.subjects | {"model": model}
    return replace_tables(trace, trace.about.model_copy(update={"subjects": subjects}))


def padding_dependent(trace: Trace, form: str, from_spare: int = 40) -> Padding:
    """Every third document loses all of its tokens, and its class, to that much padding."""
    depths = depths_of(trace)

    def padding(example_id: str, how: str, batch: int, spare: int) -> Any:
        if how != form or spare < from_spare or int(example_id[-4:]) % 3:
            return None
        own = depths[example_id]
        return 1 - predicted(trace, example_id), [0] * len(own), [0] * len(own)

    return padding


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    for trace in (TRACES[name], measured(TRACES[name])):
        finding = check_probe(QUICK, trace)
        assert (finding is None) == bool(unmet(QUICK, trace.about))
        assert finding is None or finding.status in ("reported", "not_applicable")


def test_it_comes_through_the_door_of_third_parties() -> None:
    assert isinstance(discover()["validity"].load({"documents": 3, "epsilon": 0.1}), Probe)


def test_a_sound_model_says_so(trace: Trace) -> None:
    finding = analysed(measured(trace))
    assert finding.status == "reported"
    assert finding.claim.startswith(
        "The model answers as audited in 7 of 7 ways of calling it, its own padded calls among "
        "them: no document has another prediction or survival depth (0 of 60, 95 % interval 0.0 to "
        "6.0 %); no dropped token comes back (0 of "
    )
    table = finding.table("calls")
    for row in table.rows:
        told = dict(zip((c.name for c in table.columns), row, strict=True))
        assert told["changed_predictions"] == told["changed_depths"] == told["largest_change"] == 0
        assert (told["type"] == MASKS) == (told["returned"] == 0)
        assert told["type"] == MASKS or isinstance(told["returned"], Undefined)


@pytest.mark.parametrize(("form", "name"), [("model", MODEL), ("masks", MASKS)])
def test_a_model_that_depends_on_padding_is_named(trace: Trace, form: str, name: str) -> None:
    run = measured(trace, padding=padding_dependent(trace, form))
    finding = analysed(run)
    hit = sum(int(one[-4:]) % 3 == 0 for one in measured_ids(run))
    call = {"model": "64 tokens more", "masks": "64 tokens more, on the left"}[form]
    at = {"arm": "pruned", "type": name, "perturbation": call}
    assert finding.measurement("changed_predictions", **at).value == hit / 60
    assert finding.measurement("changed_depths", **at).value == hit / 60
    assert finding.measurement("beyond_rounding", **at).value == hit / 60
    assert finding.claim.startswith(
        "Called otherwise than the audit calls it, this model is not the one that was audited: by "
        f"{name}, {call}, {100 * hit / 60:.1f} % ("
    )
    assert "nothing differs in 6 of 7 ways of calling" in finding.claim
    quiet = finding.measurement("changed_predictions", arm="pruned", type=name,
                                perturbation="padded batches")  # fmt: skip
    assert quiet.value == 0


def measured_ids(trace: Trace) -> list[str]:
    frame = trace.measured("validity")
    assert frame is not None
    return sorted(set(frame["example_id"]))


def test_scores_divided_by_the_padded_length_are_told(trace: Trace) -> None:
    original = with_rule(trace, score_norm="padded:128", original=True)
    named = [one.name for one in calls(original.about, 64) if one.form == "masks"]
    assert named == [
        "padded batches", "64 tokens more, on the left", "one at a time", "padded to 128",
    ]  # fmt: skip
    finding = analysed(measured(original, padding=padding_dependent(original, "masks")))
    assert "this model, whose scores are divided by the padded length, is not the" in finding.claim
    assert any("The audit divides by 128" in told for told in finding.caveats)


def test_what_rounding_explains_is_no_fault(trace: Trace) -> None:
    """One token, whose score lies at the threshold, is kept under masks; another one far off is."""
    depths = depths_of(trace)
    bounds = np.array(trace.about.model.thresholds)
    place = {one: own.index(min(own[1:-1]), 1) for one, own in depths.items()}

    def near(one: str, factor: float, by: float) -> tuple[int, list[int], NDArray[np.float64]]:
        own = np.array(depths[one])
        layers = np.arange(len(bounds))[:, None]
        scores = factor * bounds[:, None] * np.where(own > layers, 2.0, 0.5) * (own >= layers)
        layer = int(own[place[one]])
        if layer < len(bounds):
            scores[layer, place[one]] = bounds[layer] * (1 - by)
        return predicted(trace, one), own.tolist(), scores

    def kept(one: str, form: str, batch: int, spare: int) -> Any:
        own = list(depths[one])
        own[place[one]] = min(own[place[one]] + 1, len(bounds))
        return (predicted(trace, one), own, [0] * len(own)) if form == "masks" else None

    at = {"arm": "pruned", "type": MASKS, "perturbation": "padded batches"}
    found = [
        analysed(measured(trace, padding=kept, scores=partial(near, by=by))) for by in (1e-6, 0.3)
    ]
    for finding, beyond in zip(found, (False, True), strict=True):
        changed = finding.measurement("changed_depths", **at).value
        assert changed is not None
        assert changed > 0.9
        explained = finding.measurement("beyond_rounding", **at).value
        assert explained == (changed if beyond else 0)
    assert "in the other 2 rounding decides otherwise: of up to " in found[0].claim
    assert found[1].claim.startswith("Called otherwise than the audit calls it, this model is not")


def test_a_token_that_comes_back_is_counted(trace: Trace) -> None:
    depths = depths_of(trace)

    def comes_back(one: str, form: str, batch: int, spare: int) -> Any:
        own = depths[one]
        back = [int(at == 1 and int(one[-4:]) % 2) for at in range(len(own))]
        return predicted(trace, one), own, back

    run = measured(trace, padding=comes_back)
    finding, ids = analysed(run), measured_ids(run)
    hit, tokens = sum(int(one[-4:]) % 2 for one in ids), sum(len(depths[one]) for one in ids)
    assert f"; dropped tokens come back ({hit} of {tokens:,} tokens under masks); " in finding.claim
    at = {"arm": "pruned", "type": MASKS, "perturbation": "padded batches"}
    assert finding.measurement("returned", **at).value == hit / 60


def test_documents_that_hang_on_thresholds_are_counted(trace: Trace) -> None:
    """Higher thresholds turn one answer in four, and drop the second token after no layer."""
    depths = depths_of(trace)
    bounds = np.array(trace.about.model.thresholds)

    def scores(one: str, factor: float) -> Any:
        if factor <= 1 or int(one[-4:]) % 4:
            return None
        own = [0 if at == 1 else depth for at, depth in enumerate(depths[one])]
        return 1 - predicted(trace, one), own, np.ones((len(bounds), len(own)))

    run = measured(trace, scores=scores)
    finding, ids = analysed(run), measured_ids(run)
    hit = [one for one in ids if int(one[-4:]) % 4 == 0]
    changed = [one for one in hit if depths[one][1] > 0]
    for level, wanted in (("1.01", len(hit)), ("1.05", len(hit)), ("0.99", 0), ("0.95", 0)):
        at = {"arm": "pruned", "level": level}
        assert finding.measurement("moved_predictions", **at).value == wanted / 60
        depth = finding.measurement("moved_depths", **at).value
        assert depth == (len(changed) / 60 if wanted else 0)
        special = whole(run, "tokens").query("not special").groupby("example_id").size()
        lost = sum(depths[one][1] for one in changed) / (4 * special[ids].sum())
        kept = finding.measurement("moved_keep_rate", **at).value
        assert kept == pytest.approx(-100 * lost if wanted else 0)
    told = f"thresholds higher by as much change the prediction of {100 * len(hit) / 60:.1f} % ("
    assert told in finding.claim


def test_margins_by_hand(trace: Trace) -> None:
    """Scores at random about the bound: every decision looked at in a loop."""
    rng = np.random.default_rng(1)
    bounds = np.array(trace.about.model.thresholds)
    depths = depths_of(trace)
    given = {
        one: bounds[:, None] * rng.uniform(0.9, 1.1, (len(bounds), len(own)))
        * (np.array(own) >= np.arange(len(bounds))[:, None])
        for one, own in depths.items()
    }  # fmt: skip

    def scores(one: str, factor: float) -> Any:
        return predicted(trace, one), depths[one], given[one]

    run = measured(trace, scores=scores)
    finding, ids = analysed(run), measured_ids(run)
    tokens = whole(trace, "tokens").set_index(["example_id", "position"])["special"]
    for layer, level in ((1, "0.01"), (3, "0.01"), (None, "0.001"), (None, "0.05")):
        layers = range(len(bounds)) if layer is None else [layer - 1]
        near, every = np.zeros(60), np.zeros(60)
        for number, one in enumerate(ids):
            for at in layers:
                for position, score in enumerate(given[one][at]):
                    if tokens[one, position] or score == 0:
                        continue
                    every[number] += 1
                    near[number] += abs(score - bounds[at]) / bounds[at] <= float(level)
        place: dict[str, Any] = {"arm": "pruned", "level": level}
        found = finding.measurement("near_threshold", **place | ({"layer": layer} if layer else {}))
        wanted = ratio_of_sums(near, every, bounds=(0, 1))
        assert (found.value, found.n) == (wanted.value, every.sum())
        assert found.interval is not None
        assert (found.interval.low, found.interval.high) == wanted.interval


def test_topk_has_no_threshold(trace: Trace) -> None:
    run = measured(with_rule(trace, rule="topk: 0.5 of the tokens at the last layer"))
    frame = run.measured("validity")
    assert frame is not None
    assert not any("thresholds times" in call for call in frame["call"])
    finding = analysed(run)
    assert "cannot be told (the rule topk compares scores with each other" in finding.claim
    assert {t.name for t in finding.tables} == {"calls", "by_keep_rate"}
    beyond = finding.measurement(
        "beyond_rounding", arm="pruned", type=MODEL, perturbation="one at a time"
    )
    assert beyond.value is None


# --- dose and response -----------------------------------------------------------------------


def lossy(seed: int, along: float) -> Trace:
    """A run whose pruned model errs more (`along` > 0) or less in documents pruned hard."""
    rng = np.random.default_rng(seed)
    trace = synthetic_trace(rng, documents=400, classes=2, accuracy={"baseline": 0.9})
    documents = trace.table("documents")
    rate = documents["kept"].map(sum) / (documents["pieces"] * trace.about.layers)
    rank = rate.rank(pct=True)
    lost = rng.random(400) < np.where(along > 0, 1 - rank, rank) * abs(along)
    wrong = documents["predicted_baseline"].where(~lost, 1 - documents["label"])
    told = documents.assign(predicted_pruned=wrong)
    return replace_tables(trace, documents=told)


def test_more_is_lost_where_more_is_dropped_and_the_opposite() -> None:
    finding = analysed(lossy(1, 0.5))
    assert "ocuments that are pruned harder lose more accuracy against the base" in finding.claim
    assert "ocuments that are pruned harder lose less" in analysed(lossy(2, -0.5)).claim
    even = synthetic_trace(np.random.default_rng(7), documents=400, accuracy={"pruned": 0.8})
    assert "o trend shown of the accuracy lost against the baseline" in analysed(even).claim


def test_fifths_by_hand() -> None:
    trace = lossy(1, 0.5)
    finding, documents = analysed(trace), trace.documents
    rate = documents.kept.sum(1) / (documents.pieces * trace.about.layers)
    right = {
        arm: documents.answers(arm).predicted[:, 0] == documents.label  # type: ignore[union-attr]
        for arm in ("pruned", "baseline")
    }
    edges = np.quantile(rate, [0.2, 0.4, 0.6, 0.8])
    for fifth in range(1, 6):
        who = np.array([1 + sum(edge < value for edge in edges) == fifth for value in rate])
        at = {"arm": "pruned", "against": "baseline", "bucket": str(fifth)}
        wanted = answers_difference(right["pruned"][who], right["baseline"][who])
        found = finding.measurement("accuracy_change", **at)
        assert found.value == pytest.approx(100 * wanted.delta)
        assert found.n == who.sum()
        assert found.interval is not None
        assert found.interval.low == pytest.approx(100 * wanted.interval[0])
    change = right["pruned"].astype(float) - right["baseline"]
    slope = np.polyfit(rate, change, 1)[0]
    trend = finding.measurement("accuracy_trend", arm="pruned", against="baseline")
    assert trend.value == pytest.approx(10 * slope)


def test_without_a_baseline_its_own_weights_stand_there() -> None:
    trace = synthetic_trace(np.random.default_rng(3), documents=400, baseline=False)
    finding = analysed(trace)
    assert "against the same weights unpruned" in finding.claim
    assert finding.measurement("accuracy_trend", arm="pruned", against="unpruned").value is not None


def test_nothing_is_asked_of_no_documents(trace: Trace) -> None:
    assert Validity(documents=0).measure(SyntheticBench(trace)) is None
    finding: Finding = Validity(documents=0).analyse(trace, np.random.default_rng(0))
    assert finding.claim.startswith("This run called no document otherwise; no ")
    assert [table.name for table in finding.tables] == ["by_keep_rate"]


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["bert", "roberta"])
def test_a_real_model_is_called_in_every_way(
    layout: str, tiny_checkpoint: Callable[[str], Path], tiny_csv: str, tmp_path: Path
) -> None:
    claims = []
    for tokens in ("300", "7168"):
        done = command(
            "run", "--model", tiny_checkpoint(layout), "--dataset", tiny_csv, "--probe", "validity",
            "--out", tmp_path / tokens, "--random-draws", "0", "--speed-documents", "0",
            "--repeat-documents", "0", "--batch-tokens", tokens,
        )  # fmt: skip
        assert (done.code, done.err) == (0, "")
        finding = auditkit.load(tmp_path / tokens).finding("validity")
        claims.append(finding.claim)
        assert "ways of calling it, its own padded calls among them: no document" in finding.claim
        assert "; no dropped token comes back (0 of " in finding.claim
        for m in finding.measurements:
            if m.at.get("type") not in (None, MASKS) and m.name.startswith("changed_"):
                assert (m.value, m.n) == (0, 90)
        assert finding.measurement("near_threshold", arm="pruned", level="0.1").value
    assert claims[0] == claims[1]
