from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import contract
import numpy as np
import pandas as pd
import pytest
from claims import unfounded
from numpy.typing import NDArray
from scipy.stats import kendalltau, pearsonr, rankdata
from sklearn.metrics import roc_auc_score

from auditkit.finding import Finding
from auditkit.plugin import Probe, discover, unmet
from auditkit.probes._agreement import FAMILIES_MEET, METHODS_MEET, MODELS_MEET
from auditkit.probes._attribution import METHOD, METHODS, OTHER, SECOND, attributed_arms
from auditkit.probes.attribution_agreement import CAVEATS, AttributionAgreement
from auditkit.report.charts import svg
from auditkit.testing import (
    SyntheticBench,
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
    with_depth,
)
from auditkit.testing.traces import with_changed
from auditkit.trace import Trace

TRACES = contract_traces()


def measured(trace: Trace, **options: Any) -> Trace:
    frame = AttributionAgreement().measure(SyntheticBench(trace, **options))
    return replace_tables(trace, measured_attribution_agreement=frame)


def analyse(trace: Trace) -> Finding:
    probe = AttributionAgreement()
    finding: Finding = probe.analyse(trace, np.random.default_rng(0))
    return finding


@pytest.fixture(scope="module")
def trace() -> Trace:
    return synthetic_trace(np.random.default_rng(1), documents=60)


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    asked = AttributionAgreement()
    for trace in (TRACES[name], measured(TRACES[name])):
        assert check_probe(asked, trace) is not None


def test_it_comes_through_the_door_of_third_parties() -> None:
    assert isinstance(discover()["attribution_agreement"].load(), Probe)


def test_it_measures_every_method_on_both_models(trace: Trace) -> None:
    bench = SyntheticBench(trace, attribution_sample=10)
    frame = AttributionAgreement().measure(bench)
    assert bench.calls == [(arm, m) for arm in ("unpruned", "baseline") for m in METHODS]
    assert frame["example_id"].nunique() == 10
    alone = SyntheticBench(TRACES["no_baseline"])
    AttributionAgreement().measure(alone)
    assert {arm for arm, _ in alone.calls} == {"unpruned"}


def test_an_empty_sample_measures_nothing_and_is_not_applicable(trace: Trace) -> None:
    assert AttributionAgreement().measure(SyntheticBench(trace, attribution_sample=0)) is None
    finding = analyse(trace)
    assert finding.status == "not_applicable"
    assert "--attribution-sample" in finding.claim


def test_tau_is_the_mean_of_the_documents_without_special_tokens(trace: Trace) -> None:
    with_frame = measured(trace, attribution_sample=20)
    frame = with_frame.measured("attribution_agreement")
    assert frame is not None
    taus = []
    for _, own in frame[(frame["arm"] == "unpruned") & (frame["method"] == METHOD)].groupby(
        "example_id"
    ):
        both = own.merge(whole(trace, "tokens"), on=["example_id", "position"])
        both = both[~both["special"]]
        taus.append(kendalltau(both["depth"], both["attribution"].abs()).statistic)
    found = analyse(with_frame).measurement("kendall_tau", arm="unpruned", against=METHOD)
    assert found.value == pytest.approx(np.mean(taus))
    assert found.n == 20


Tokens = NDArray[np.float64]


def dealt(depth: Tokens, size: Tokens) -> Tokens:
    """The depths, the largest to the largest of `size`, one by one."""
    left, out = sorted(depth), np.empty_like(depth)
    for token in np.argsort(-size):
        out[token] = left.pop()
    return out


def by_hand(depth: Tokens, size: Tokens, position: Tokens) -> dict[str, float]:
    """All four statistics of one document of a model of 4 layers, of sizes without ties."""
    areas = [roc_auc_score(depth >= layer, size) for layer in (1, 2, 3, 4)
             if 0 < sum(depth >= layer) < len(depth)]  # fmt: skip
    kept = set(np.flatnonzero(depth == 4))
    best, chance = set(np.argsort(-size)[: len(kept)]), len(kept) / len(depth)
    inner = slice(1, -1)  # the ends have a term of their own, which leaves nothing of them
    free = [
        rank[inner] - np.polyval(np.polyfit(position[inner], rank[inner], 2), position[inner])
        for rank in (rankdata(depth), rankdata(size))
    ]
    return {
        "kendall_tau": kendalltau(depth, size).statistic,
        "auroc": np.mean(areas),
        "corrected_precision": (len(kept & best) / len(kept) - chance) / (1 - chance),
        "partial_spearman": pearsonr(*free).statistic,
    }


def test_every_comparison_by_hand() -> None:
    """Which depths are set against which sizes; the control is draw 0 of `random` alone."""
    trace = synthetic_trace(
        np.random.default_rng(3), documents=25, draws=3, repeat=True, words=(10, 24)
    )
    with_frame = measured(trace)
    frame = with_frame.measured("attribution_agreement")
    assert frame is not None
    size = frame.set_index(["example_id", "arm", "method", "position"])["attribution"]
    others = whole(trace, "depths").set_index(["example_id", "arm", "draw", "position"])["depth"]
    size, others = size.abs().sort_index(), others.sort_index()
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for example_id, own in whole(trace, "tokens").groupby("example_id"):
        position = own["position"][~own["special"]].to_numpy(dtype=float)
        depth = own["depth"][~own["special"]].to_numpy(dtype=float)
        random = others[example_id, "random", 0][position].to_numpy(dtype=float)
        sizes = {
            (arm, method): size[example_id, arm, method][position].to_numpy()
            for arm in ("unpruned", "baseline")
            for method in METHODS
        }
        pairs = {key: (depth, of) for key, of in sizes.items()}
        for arm in ("unpruned", "baseline"):
            pairs[arm, METHODS_MEET] = dealt(depth, sizes[arm, METHOD]), sizes[arm, SECOND]
            pairs[arm, FAMILIES_MEET] = dealt(depth, sizes[arm, METHOD]), sizes[arm, OTHER]
        pairs["baseline", MODELS_MEET] = (
            dealt(depth, sizes["unpruned", METHOD]), sizes["baseline", METHOD],
        )  # fmt: skip
        for method in (METHOD, OTHER):
            pairs["random", method] = random, sizes["unpruned", method]
        for key, pair in pairs.items():
            found.setdefault(key, []).append(by_hand(*pair, position))
    finding = analyse(with_frame)
    assert len(found) == 13
    assert len(finding.measurements) == 13 * 4 + 2  # and two of convergence
    for (arm, against), scores in found.items():
        for name in scores[0]:
            m = finding.measurement(name, arm=arm, against=against)
            assert m.value == pytest.approx(np.mean([score[name] for score in scores]))
            assert (m.n, m.n_clusters) == (25, 25)


@pytest.mark.parametrize(
    ("truth", "claim"),
    [
        (0.6, "Tokens that live longer have larger attributions"),
        (-2.0, "Tokens that live longer have smaller attributions"),
        (0.0, "No agreement shown"),
    ],
)
def test_claims_follow_what_was_planted(trace: Trace, truth: float, claim: str) -> None:
    shifted = SyntheticBench(trace, truth=abs(truth))
    frame = AttributionAgreement().measure(shifted)
    if truth < 0:  # the largest become the smallest
        frame["attribution"] = 10 - frame["attribution"].abs()
    finding = analyse(replace_tables(trace, measured_attribution_agreement=frame))
    assert finding.claim.startswith(claim)
    assert "95 % interval" in finding.claim
    control = finding.measurement("kendall_tau", arm="random", against=METHOD)
    assert control.interval is not None
    assert control.interval.low < 0.02 < 0.1 + control.interval.high


def test_agreement_between_them_is_one_where_methods_and_models_are_the_same(trace: Trace) -> None:
    class Same(SyntheticBench):
        def attributed(self, arm: str, method: str, example_ids: Sequence[str]) -> pd.DataFrame:
            return super().attributed("unpruned", METHOD, example_ids)

    frame = AttributionAgreement().measure(Same(trace))
    finding = analyse(replace_tables(trace, measured_attribution_agreement=frame))
    for arm, against in [
        ("unpruned", METHODS_MEET), ("baseline", FAMILIES_MEET), ("baseline", MODELS_MEET),
    ]:  # fmt: skip
        for name in ("auroc", "corrected_precision"):
            assert finding.measurement(name, arm=arm, against=against).value == pytest.approx(1.0)


def test_poor_convergence_warns_and_is_counted(trace: Trace) -> None:
    frame = AttributionAgreement().measure(SyntheticBench(trace))
    ids = sorted(frame["example_id"].unique())
    poor = (frame["arm"] == "baseline") & (frame["method"] == METHOD)
    frame.loc[poor & (frame["example_id"] == ids[0]), "convergence"] = 0.051
    frame.loc[poor & frame["example_id"].isin(ids[1:4]), "convergence"] = np.nan
    finding = analyse(replace_tables(trace, measured_attribution_agreement=frame))
    assert finding.status == "warn"
    assert finding.table("convergence").column("missed") == (0, 4)
    assert finding.measurement("converged", arm="baseline").value == pytest.approx(56 / 60)
    assert any("baseline" in caveat and "converge" in caveat for caveat in finding.caveats)
    assert analyse(measured(trace)).status == "reported"


def test_an_attribution_that_is_not_finite_leaves_its_document_out(trace: Trace) -> None:
    frame = AttributionAgreement().measure(SyntheticBench(trace))
    frame.loc[frame["example_id"] == "doc-0003", "attribution"] = np.inf
    finding = analyse(replace_tables(trace, measured_attribution_agreement=frame))
    assert finding.measurement("kendall_tau", arm="unpruned", against=METHOD).n == 59
    assert "Documents left out, because an attribution is not finite: 1." in finding.caveats


def test_documents_without_a_value_are_counted_by_reason(trace: Trace) -> None:
    finding = analyse(measured(with_depth(trace, 4)))
    tau = finding.measurement("kendall_tau", arm="unpruned", against=METHOD)
    assert tau.undefined == "no documents"
    rows = finding.table("left_out").rows
    assert ("survival: unpruned, integrated_gradients", "Kendall's τ-b",
            "every token has the same survival depth", 60) in rows  # fmt: skip


def test_the_caveats_are_printed_with_the_number_of_documents(trace: Trace) -> None:
    finding = analyse(measured(trace))
    assert set(CAVEATS) <= set(finding.caveats)
    assert finding.caveats[0].startswith("Attributions of 60 documents")
    for name in ("Jain and Wallace 2019", "Wiegreffe and Pinter 2019", "Krishna et al. 2022"):
        assert any(name in caveat for caveat in finding.caveats)
    assert any("first look" in caveat for caveat in finding.caveats)


def test_too_few_documents_for_an_interval_say_nothing_of_a_direction(trace: Trace) -> None:
    finding = analyse(measured(trace, attribution_sample=12, truth=0.9))
    rho = finding.measurement("partial_spearman", arm="unpruned", against=METHOD)
    assert rho.value is not None
    assert rho.value > 0.3
    assert rho.interval is None
    assert finding.claim.startswith(
        "Whether tokens that live longer have larger attributions cannot be said (mean Spearman "
        f"correlation given position {rho.value:.2f}, no interval: too few documents (12, "
    )


def test_the_claim_rests_on_what_position_leaves(trace: Trace) -> None:
    """Depth and attribution favour the two ends alike, and have nothing else in common."""
    tokens, rng = whole(trace, "tokens"), np.random.default_rng(4)
    inner = tokens[~tokens["special"]].groupby("example_id")["position"]
    bounds = tokens["example_id"].map(inner.min()), tokens["example_id"].map(inner.max())
    end = (tokens["position"] == bounds[0]) | (tokens["position"] == bounds[1])
    depth = np.where(end | tokens["special"], 4, rng.integers(0, 4, len(tokens)))
    favoured = replace_tables(trace, tokens=tokens.assign(depth=depth.astype(np.int8)))
    frame = AttributionAgreement().measure(SyntheticBench(favoured, truth=0.0))
    ends = set(zip(tokens["example_id"][end], tokens["position"][end], strict=True))
    at_end = [key in ends for key in zip(frame["example_id"], frame["position"], strict=True)]
    frame["attribution"] += 5.0 * np.array(at_end)
    finding = analyse(replace_tables(favoured, measured_attribution_agreement=frame))
    tau = finding.measurement("kendall_tau", arm="unpruned", against=METHOD)
    assert tau.interval is not None
    assert tau.interval.low > 0
    assert finding.claim.startswith("No agreement shown between survival and attribution (mean ")


def test_the_claim_names_what_stands_beside_as_what_it_is(trace: Trace) -> None:
    finding = analyse(measured(trace))
    methods, families, models = (
        finding.measurement("partial_spearman", arm=arm, against=against).value
        for arm, against in (
            ("unpruned", METHODS_MEET), ("unpruned", FAMILIES_MEET), ("baseline", MODELS_MEET),
        )
    )  # fmt: skip
    assert finding.claim.endswith(
        f"; between gradient methods on the same weights it is {methods:.2f}; "
        f"between the two families on the same weights it is {families:.2f}; "
        f"between models by the same method it is {models:.2f}."
    )
    alone = analyse(measured(TRACES["no_baseline"]))
    assert "between gradient methods" in alone.claim
    assert "between models" not in alone.claim


@pytest.mark.parametrize(
    ("truth", "other", "said"),
    [
        (0.6, 0.6, "says the same"),
        (0.6, -0.6, "says otherwise: smaller attributions"),
        (0.6, 0.0, "says otherwise: no agreement shown"),
        (0.0, 0.0, "says the same"),
    ],
)
def test_the_claim_says_whether_the_family_without_gradients_agrees(
    trace: Trace, truth: float, other: float, said: str
) -> None:
    bench = SyntheticBench(trace, attribution_sample=32, truth=abs(truth))
    frame = AttributionAgreement().measure(bench)
    theirs = AttributionAgreement().measure(replace(bench, truth=abs(other), seed=1))
    out = frame["method"] == OTHER
    frame.loc[out, "attribution"] = theirs.loc[out, "attribution"]
    for rows, sign in ((~out, truth), (out, other)):
        if sign < 0:  # the largest become the smallest
            frame.loc[rows, "attribution"] = 10 - frame.loc[rows, "attribution"].abs()
    finding = analyse(replace_tables(trace, measured_attribution_agreement=frame))
    rho = finding.measurement("partial_spearman", arm="unpruned", against=OTHER)
    assert rho.value is not None
    assert rho.interval is not None
    assert (
        f"; leaving words out, which is no gradient, {said} "
        f"({rho.value:.2f}, 95 % interval {rho.interval.low:.2f} to {rho.interval.high:.2f});"
    ).replace("-", "−") in finding.claim
    assert not unfounded(finding)


def test_tables_say_of_which_family_attributions_are(trace: Trace) -> None:
    table = analyse(measured(trace, attribution_sample=2)).table("agreement")
    families = dict(zip(table.column("comparison"), table.column("family"), strict=True))
    assert families["survival: baseline, input_x_gradient"] == "gradient"
    assert families["survival: unpruned, leave_one_out"] == "leave-one-out"
    assert families["between families: unpruned"] == "gradient and leave-one-out"
    assert families["between methods: unpruned"] == "gradient"


def test_what_was_measured_without_a_method_is_not_analysed(trace: Trace) -> None:
    frame = AttributionAgreement().measure(SyntheticBench(trace))
    old = frame[frame["method"] != OTHER]
    finding = analyse(replace_tables(trace, measured_attribution_agreement=old))
    assert finding.status == "not_applicable"
    assert "no attributions by leave_one_out" in finding.claim
    assert "auditkit run" in finding.claim


def words_attributed(trace: Trace, shared: float) -> Finding:
    """Of two models whose attributions of words have as much in common."""
    rng = np.random.default_rng(0)
    tokens = whole(trace, "tokens")[["example_id", "position"]]
    common = rng.normal(size=len(tokens))
    frames = [
        tokens.assign(
            arm=arm, method=OTHER, convergence=np.nan,
            attribution=shared * common + (1 - shared) * rng.normal(size=len(tokens)),
        )
        for arm in ("changed", "baseline")
    ]  # fmt: skip
    measured = pd.concat(frames, ignore_index=True)
    return analyse(replace_tables(trace, measured_attribution_agreement=measured))


def test_of_a_model_that_drops_no_tokens_the_words_of_both_are_compared(trace: Trace) -> None:
    changed = with_changed(trace)
    assert unmet(AttributionAgreement(), changed.about) == []
    assert attributed_arms(changed.about) == ("changed", "baseline")
    assert attributed_arms(trace.about) == ("unpruned", "baseline")
    same, near, apart = (words_attributed(changed, shared) for shared in (1.0, 0.9, 0.0))
    at = {"arm": "changed", "against": "baseline"}
    assert same.measurement("partial_spearman", **at).value == pytest.approx(1)
    assert same.measurement("same_largest", **at).value == 1
    assert near.claim.startswith("Words that matter more to one model matter more to the other")
    assert apart.claim.startswith("No agreement shown between the models")
    assert abs(apart.measurement("partial_spearman", **at).value or 0) < 0.2


def test_the_table_counts_the_documents_that_were_compared(trace: Trace) -> None:
    finding = analyse(measured(with_depth(trace, 4)))
    assert set(finding.table("agreement").column("documents")) == {60}


def test_the_documents_that_agree_least_and_most_are_shown_with_their_attributions() -> None:
    trace = synthetic_trace(np.random.default_rng(5), documents=12)
    with_frame = measured(trace)
    frame = with_frame.measured("attribution_agreement")
    assert frame is not None
    own = frame[(frame["arm"] == "unpruned") & (frame["method"] == METHOD)]
    finding = analyse(with_frame)
    rhos = {}
    for example_id, of in own.merge(whole(trace, "tokens"), on=["example_id", "position"]).groupby(
        "example_id"
    ):
        inner = of[~of["special"]].sort_values("position")
        depth, size, position = (
            inner[name].to_numpy(dtype=float) for name in ("depth", "attribution", "position")
        )
        if len(set(depth)) > 1:
            rhos[example_id] = by_hand(depth, np.abs(size), position)["partial_spearman"]
    least, most = finding.examples
    assert least.example_id == min(rhos, key=lambda one: rhos[one])
    assert most.example_id == max(rhos, key=lambda one: rhos[one])
    assert f"agree least: correlation {rhos[least.example_id]:.2f}".replace("-", "−") in least.title
    tokens = whole(trace, "tokens").set_index(["example_id", "position"])
    amounts = own[own["example_id"] == most.example_id].set_index("position")["attribution"]
    end = 0
    for segment in most.segments:
        begin, end = end, end + len(segment.text)
        inside = [
            amount
            for position, amount in amounts.items()
            if not tokens.loc[(most.example_id, position), "special"]
            and begin < tokens.loc[(most.example_id, position), "char_end"] <= end
        ]
        assert segment.attribution == (pytest.approx(sum(inside)) if inside else None)
    assert any(segment.attribution for segment in most.segments)


def test_the_picture_shows_the_weights_under_audit_beside_chance_and_other_methods() -> None:
    trace = synthetic_trace(np.random.default_rng(3), documents=25, draws=3, words=(10, 24))
    finding = analyse(measured(trace))
    (chart,), table = finding.charts, finding.table("agreement")
    assert (chart.color, chart.first) == ("part", 7)
    assert table.column("part")[:7] == (
        *["survival"] * 3, *["random keeping"] * 2, *["between attributions"] * 2,
    )  # fmt: skip
    assert not any("baseline" in str(name) for name in table.column("comparison")[:7])
    picture = svg(chart, table, prefix="p")
    assert "control: random" in picture
    assert "baseline" not in picture
