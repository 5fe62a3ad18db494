from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import contract
import numpy as np
import pandas as pd
import pytest
from command import auditkit as command
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

import auditkit
from auditkit.finding import Finding, Undefined
from auditkit.plugin import Probe, discover
from auditkit.probes.precision import Precision
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


def half(trace: Trace) -> Trace:
    return replace_tables(trace, about=trace.about.model_copy(update={"dtype": "bfloat16"}))


def asked(trace: Trace, exact: pd.DataFrame | None = None) -> Trace:
    """A run in bfloat16, and what float32 said; by default the same."""
    trace = half(trace)
    measured = exact if exact is not None else Precision().measure(SyntheticBench(trace))
    assert measured is not None
    return replace_tables(trace, about=trace.about, measured_precision=measured)


def analyse(trace: Trace) -> Finding:
    finding: Finding = Precision().analyse(trace, np.random.default_rng(0))
    return finding


@cache
def plain() -> Trace:
    return half(synthetic_trace(np.random.default_rng(1), documents=60, layers=3, draws=0))


def shifted(trace: Trace, rate: float, seed: int = 0) -> pd.DataFrame:
    """What float32 said, with the share `rate` of depths and of predictions another one."""
    rng = np.random.default_rng(seed)
    measured = Precision().measure(SyntheticBench(trace))
    assert measured is not None
    layers, classes = trace.about.layers, len(trace.about.labels)

    def other(values: list[int], choices: int) -> list[int]:
        moved = rng.random(len(values)) < rate
        new = (np.array(values) + rng.integers(1, choices, len(values))) % choices
        return [int(v) for v in np.where(moved, new, values)]

    changed: pd.DataFrame = measured.assign(
        depths=[other(depths, layers + 1) for depths in measured["depths"]],
        predicted=other(measured["predicted"].tolist(), classes),
    )
    return changed


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    in_float32 = check_probe(Precision(), TRACES[name])
    assert in_float32 is not None
    assert in_float32.status == "not_applicable"
    assert in_float32.claim == "Not applicable: the run computed in float32."
    same = check_probe(Precision(), asked(TRACES[name]))
    assert same is not None
    assert same.status == "reported"
    changed = check_probe(Precision(), asked(TRACES[name], shifted(half(TRACES[name]), 0.2)))
    assert changed is not None


def test_it_comes_through_the_door_of_third_parties() -> None:
    assert isinstance(discover()["precision"].load({"documents": 3}), Probe)


def test_nothing_is_asked_where_there_is_nothing_to_compare() -> None:
    assert Precision().measure(SyntheticBench(TRACES["full"])) is None
    bench = SyntheticBench(plain())
    assert Precision(documents=0).measure(bench) is None
    assert analyse(plain()).claim == (
        "Not applicable: this run asked about no documents in float32."
    )
    measured = Precision(documents=7).measure(bench)
    assert measured is not None
    assert measured.groupby("arm")["example_id"].nunique().to_dict() == {
        "pruned": 7, "unpruned": 7, "baseline": 7,
    }  # fmt: skip


def test_floors_controls_of_training_and_draws_are_not_asked() -> None:
    trace = half(
        synthetic_trace(
            np.random.default_rng(2), documents=20, draws=2, continued=True, reseeded=True,
            repeat=True,
        )
    )  # fmt: skip
    assert {"continued", "reseeded", "random", "repeat"} < set(trace.about.arms)
    measured = Precision(documents=5).measure(SyntheticBench(trace))
    assert measured is not None
    assert measured["arm"].value_counts().to_dict() == {"baseline": 5, "unpruned": 5, "pruned": 5}


@given(rate=st.sampled_from([0.0, 0.02, 0.3, 1.0]), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_decisions_by_hand(rate: float, seed: int) -> None:
    """Layer by layer, with a loop: who enters alive in both, and who is kept in only one."""
    trace = plain()
    exact = shifted(trace, rate, seed)
    finding = analyse(asked(trace, exact))
    theirs = exact[exact["arm"] == "pruned"].set_index("example_id")["depths"]
    tokens = whole(trace, "tokens")
    changed = np.zeros((60, 3))
    every = np.zeros((60, 3))
    for number, (example_id, group) in enumerate(tokens.groupby("example_id", sort=False)):
        for ours, other, special in zip(
            group["depth"], theirs[str(example_id)], group["special"], strict=True
        ):
            for layer in (1, 2, 3):
                if special or ours < layer - 1 or other < layer - 1:
                    continue
                every[number, layer - 1] += 1
                changed[number, layer - 1] += (ours >= layer) != (other >= layer)
    table = finding.table("decisions")
    assert [row[:3] for row in table.rows] == [
        *((str(n + 1), every[:, n].sum(), changed[:, n].sum()) for n in range(3)),
        ("all", every.sum(), changed.sum()),
    ]
    for n, at in enumerate(({"layer": 1}, {"layer": 2}, {"layer": 3}, {})):
        k, of = (changed[:, n], every[:, n]) if at else (changed.sum(1), every.sum(1))
        wanted = ratio_of_sums(k, of, bounds=(0, 1))
        found = finding.measurement("changed_decisions", arm="pruned", **at)
        assert found.value == wanted.value
        assert found.n == of.sum()
        assert found.n_clusters == (of > 0).sum()
        seen = None if found.interval is None else (found.interval.low, found.interval.high)
        assert seen == wanted.interval
    documents = finding.measurement("changed_documents", arm="pruned")
    assert documents.value == (changed.sum(1) > 0).mean()


def test_predictions_by_hand() -> None:
    trace = plain()
    exact = shifted(trace, 0.15)
    finding = analyse(asked(trace, exact))
    for arm in ("pruned", "unpruned", "baseline"):
        answers = trace.documents.answers(arm)
        assert answers is not None
        flips = sum(
            answers.predicted[trace.documents.row_of(row["example_id"]), 0] != row["predicted"]
            for row in exact[exact["arm"] == arm].to_dict("records")
        )
        assert flips > 0
        found = finding.measurement("changed_predictions", arm=arm)
        assert found.value == flips / 60
        bounds = binomtest(flips, 60).proportion_ci(method="exact")
        assert found.interval is not None
        assert (found.interval.low, found.interval.high) == pytest.approx((bounds.low, bounds.high))


def test_the_claim_follows_what_was_planted() -> None:
    same = analyse(asked(plain())).claim
    assert same.startswith(
        "In bfloat16 against float32, no document has a changed keep decision (95 % interval 0.0 "
        "to 6.0 %) and 0.0 % (95 % interval 0.0 to 6.0 %) of the predictions of the pruned model "
    )
    finding = analyse(asked(plain(), shifted(plain(), 0.1)))
    found = finding.measurement("changed_decisions", arm="pruned")
    assert found.value is not None
    assert found.interval is not None
    low, high = found.interval.low, found.interval.high
    assert finding.claim.startswith(
        f"In bfloat16 against float32, {100 * found.value:.2f} % "
        f"(95 % interval {100 * low:.2f} to {100 * high:.2f} %) of the keep decisions and "
    )
    assert finding.claim.endswith("of the pruned model change, on 60 documents.")


def test_of_a_model_that_drops_no_tokens_only_predictions_can_change() -> None:
    trace = half(TRACES["changed"])
    exact = shifted(trace, 0.5)
    assert sorted(set(exact["arm"])) == ["baseline", "changed"]
    finding = analyse(asked(trace, exact))
    answers = trace.documents.answers("changed")
    assert answers is not None
    said = exact[exact["arm"] == "changed"].set_index("example_id")["predicted"]
    flips = (answers.predicted[:, 0] != said[trace.documents.ids]).sum()
    share = finding.measurement("changed_predictions", arm="changed")
    assert share.value == flips / 24 > 0
    assert finding.claim.startswith(f"In bfloat16 against float32, {100 * flips / 24:.1f} % (")
    assert finding.claim.endswith(
        "of the predictions of the changed model change, on 24 documents."
    )
    assert [table.name for table in finding.tables] == ["predictions"]


def test_too_few_documents_leave_the_share_undefined() -> None:
    trace = half(synthetic_trace(np.random.default_rng(0), documents=3))
    finding = analyse(asked(trace))
    assert "the share of changed keep decisions is undefined (too few" in finding.claim
    assert isinstance(finding.table("decisions").rows[-1][3], Undefined)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_run_in_half_precision_asks_the_models_in_float32_too(
    dtype: str, tiny_runs: Callable[..., Path], tiny_checkpoint: Callable[[str], Path],
    tiny_csv: str, tmp_path: Path,
) -> None:  # fmt: skip
    """Every document is asked, so float32 must say what a run in float32 recorded."""
    flags: dict[str, Any] = {"--dtype": dtype, "--random-draws": "2", "--random-documents": "60",
                             "--speed-documents": "0"}  # fmt: skip
    run = tmp_path / "run"
    done = command(
        "run", "--model", tiny_checkpoint("bert"), "--dataset", tiny_csv, "--out", run,
        "--probe", "precision", *(part for pair in flags.items() for part in pair),
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    exact = Trace.open(tiny_runs("bert", quick=True) / "trace")
    measured = Trace.open(run / "trace").measured("precision")
    assert measured is not None
    for arm in ("pruned", "unpruned", "baseline"):
        mine = measured[measured["arm"] == arm].set_index("example_id")["predicted"]
        answers = exact.documents.answers(arm)
        assert answers is not None
        assert mine[exact.documents.ids].tolist() == answers.predicted[:, 0].tolist()
    depths = measured[measured["arm"] == "pruned"].set_index("example_id")["depths"]
    for example_id, own in whole(exact, "tokens").groupby("example_id"):
        assert list(depths[example_id]) == own["depth"].tolist()
    finding = auditkit.load(run).finding("precision")
    share = finding.measurement("changed_decisions", arm="pruned")
    assert share.value is not None
    assert 0 <= share.value < 0.1
    assert share.n > 500
    assert finding.claim.startswith(f"In {dtype} against float32, ")
