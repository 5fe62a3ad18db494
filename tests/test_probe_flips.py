from typing import Any

import contract
import numpy as np
import pandas as pd
import pytest

from auditkit.finding import Finding
from auditkit.plugin import unmet
from auditkit.probes._pairs import AGREED, KINDS, LOST, OTHERWISE, WON
from auditkit.probes._weak_spots import halves
from auditkit.probes.flips import Flips
from auditkit.testing import check_probe, contract_traces, replace_tables, synthetic_trace
from auditkit.trace import Trace

TRACES = contract_traces()


def analysed(trace: Trace, **options: Any) -> Finding:
    finding: Finding = Flips(resamples=200, **options).analyse(trace, np.random.default_rng(0))
    return finding


def said(trace: Trace, **predicted: np.ndarray) -> Trace:
    """The trace with other predictions by arm, more or less sure."""
    documents = trace.table("documents")
    classes, changed = len(trace.about.labels), dict[str, Any]()
    for arm, classes_of in predicted.items():
        sure = np.random.default_rng(len(arm)).uniform(0.6, 0.95, len(documents))
        probs = [
            np.where(np.arange(classes) == c, p, (1 - p) / (classes - 1)).astype(np.float32)
            for c, p in zip(classes_of, sure, strict=True)
        ]
        changed[f"predicted_{arm}"] = classes_of.astype(np.int32)
        changed[f"probs_{arm}"] = pd.Series(probs, index=documents.index, dtype=object)
    return replace_tables(trace, documents=documents.assign(**changed))


@pytest.fixture(scope="module")
def trace() -> Trace:
    return synthetic_trace(np.random.default_rng(2), documents=600, classes=3, reseeded=True)


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    finding = check_probe(Flips(resamples=100), TRACES[name])
    assert (finding is None) == bool(unmet(Flips(), TRACES[name].about))


def test_kinds_by_hand(trace: Trace) -> None:
    finding = analysed(trace)
    documents = trace.table("documents")
    gold, now, before = (documents[c] for c in ("label", "predicted_pruned", "predicted_baseline"))
    expected = {
        LOST: (before == gold) & (now != gold), WON: (before != gold) & (now == gold),
        OTHERWISE: (before != gold) & (now != gold) & (now != before), AGREED: now == before,
    }  # fmt: skip
    at = {"arm": "pruned", "against": "baseline"}
    for kind, who in expected.items():
        share = finding.measurement("share", category=kind, **at)
        assert share.value == pytest.approx(who.mean())
    total = sum(finding.measurement("share", category=k, **at).value or 0 for k in KINDS)
    assert total == pytest.approx(1.0)
    lost, won, other = (int(expected[kind].sum()) for kind in KINDS[:3])
    assert f"{lost} lost, {won} won, {other} answered wrongly in another way" in finding.claim


def test_confidence_by_hand(trace: Trace) -> None:
    table = analysed(trace).table("confidence")
    documents = trace.table("documents")
    changed = documents[documents["predicted_pruned"] != documents["predicted_baseline"]]
    expected = sorted(
        (max(before), max(now))
        for before, now in zip(changed["probs_baseline"], changed["probs_pruned"], strict=True)
    )
    moved = [row for row in table.rows if row[0] != AGREED]
    assert len(table.rows) == 300
    found = sorted((float(str(row[1])), float(str(row[2]))) for row in moved)
    assert np.allclose(found, expected, atol=1e-6)


def test_examples_are_documents_whose_answer_changed(trace: Trace) -> None:
    documents = trace.table("documents").set_index("example_id")
    shown = analysed(trace, examples=7).examples
    assert len(shown) == 7
    assert {one.title for one in shown} == set(KINDS[:3])
    for one in shown:
        row = documents.loc[one.example_id]
        assert row["predicted_pruned"] != row["predicted_baseline"]


def test_no_flips_at_all(trace: Trace) -> None:
    same = trace.table("documents")["predicted_baseline"].to_numpy()
    finding = analysed(said(trace, pruned=same, baseline=same, reseeded=same))
    assert finding.claim.startswith("0.0 % of the answers are others")
    assert finding.measurement("churn_ratio", arm="pruned", against="reseeded").undefined
    assert not finding.examples
    odds = [m for m in finding.measurements if m.name == "odds_ratio"]
    assert odds
    assert all(m.undefined for m in odds)


def test_damage_is_told_from_noise(trace: Trace) -> None:
    rng = np.random.default_rng(3)
    gold = trace.table("documents")["label"].to_numpy()

    def noisy(share: float) -> np.ndarray:
        return np.where(rng.random(600) < share, (gold + 1) % 3, gold)

    base, other = noisy(0.02), noisy(0.02)
    harmed = np.where(rng.random(600) < 0.25, (gold + 2) % 3, noisy(0.02))
    told = analysed(said(trace, pruned=harmed, baseline=base, reseeded=other)).claim
    assert "confidence in the gold class falls farther than noise explains: damage" in told
    noise = analysed(said(trace, pruned=noisy(0.02), baseline=base, reseeded=other)).claim
    assert "no fall of confidence in the gold class is shown beyond that of noise" in noise


def test_without_a_floor_nothing_is_said_of_noise() -> None:
    trace = synthetic_trace(np.random.default_rng(2), documents=300, classes=3)
    gold = trace.table("documents")["label"].to_numpy()
    worse = np.where(np.arange(300) % 3 == 0, (gold + 1) % 3, gold)
    claim = analysed(said(trace, pruned=worse, baseline=gold)).claim
    assert "more documents lost than gained confidence in the gold class" in claim
    assert "noise" not in claim
    assert "damage" not in claim


def test_a_group_whose_answers_change_is_enriched_and_a_weak_spot(trace: Trace) -> None:
    documents = trace.table("documents")
    gold = documents["label"].to_numpy()
    where = np.arange(600) % 6 == 0
    rng = np.random.default_rng(4)
    now = np.where(where & (rng.random(600) < 0.5), (gold + 1) % 3, gold)
    documents = documents.assign(**{"group:source": np.where(where, "hurt", "spared")})
    finding = analysed(said(replace_tables(trace, documents=documents), pruned=now, baseline=gold))
    odds = finding.measurement("odds_ratio", arm="pruned", against="baseline", column="source",
                               group="hurt")  # fmt: skip
    assert odds.interval is not None
    assert odds.interval.low > 1
    assert "lose more answers on the other: " in finding.claim
    assert "source: hurt" in finding.claim


def test_slices_are_hardly_ever_claimed_where_none_is_weak(trace: Trace) -> None:
    gold = trace.table("documents")["label"].to_numpy()
    rng, claimed = np.random.default_rng(6), 0
    for _ in range(6):
        now = np.where(rng.random(600) < 0.15, (gold + 1) % 3, gold)
        claimed += "lose more answers on the other: " in analysed(
            said(trace, pruned=now, baseline=gold)
        ).claim  # fmt: skip
    assert claimed <= 1


def test_halves_follow_from_the_ids_alone() -> None:
    ids = [f"doc-{i}" for i in range(500)]
    one = halves(ids)
    assert (halves(ids[::-1]) == one[::-1]).all()
    assert 0.4 < one.mean() < 0.6
