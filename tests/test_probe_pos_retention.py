import numpy as np
import pytest

from auditkit.finding.values import Finding
from auditkit.plugin.probe import Probe
from auditkit.plugin.retention import survival_of
from auditkit.probes.pos_retention import PosRetention
from auditkit.testing.traces import check_probe, contract_traces, replace_tables, synthetic_trace
from auditkit.trace.tables import Trace


def trace_of(**options: object) -> Trace:
    return synthetic_trace(np.random.default_rng(0), documents=200, **options)  # type: ignore[arg-type]


def analysed(trace: Trace) -> Finding:
    finding: Finding = PosRetention(resamples=500).analyse(trace, np.random.default_rng(1))
    return finding


@pytest.mark.parametrize(("name", "trace"), contract_traces().items())
def test_contract(name: str, trace: Trace) -> None:
    assert isinstance(PosRetention(), Probe)
    finding = check_probe(PosRetention(resamples=100), trace)
    assert (finding is None) == (name == "no_words")


def test_planted_effects_and_their_opposites_make_opposite_claims() -> None:
    more = analysed(trace_of(weights={"PROPN": 4.0})).claim
    assert "more often PROPN (lift" in more
    less = analysed(trace_of(weights={"PROPN": 0.2})).claim
    assert "less often PROPN (lift" in less or "(least PROPN, lift" in less
    assert "95 % interval" in more
    none = analysed(trace_of()).claim
    assert none.startswith("No difference shown")
    assert "95 % interval" in none


def test_by_class_counted_by_hand() -> None:
    trace = trace_of(classes=3)
    finding = analysed(trace)
    words, examples = trace.table("words"), trace.table("examples")
    label = dict(zip(examples["example_id"], examples["label"], strict=True))
    table, reference = finding.table("by_class"), survival_of(trace).reference
    assert table.title.endswith(f"after layer {reference}")
    seen = 0
    for upos, name, n, share, kept, kept_share, rate, depth in table.rows:
        own = np.array([f"class {label[e]}" == name for e in words["example_id"]])
        mine = own & (words["upos"] == upos).to_numpy()
        alive = (words["depth"] >= reference).to_numpy()
        assert n == mine.sum()
        assert kept == (mine & alive).sum()
        assert share == pytest.approx(mine.sum() / own.sum())
        assert kept_share == pytest.approx((mine & alive).sum() / (own & alive).sum())
        assert rate == pytest.approx(alive[mine].mean())
        assert depth == pytest.approx(words["depth"][mine].mean())
        seen += mine.sum()
    assert seen == len(words)


def test_words_without_a_tag_have_no_row_and_only_such_words_are_not_applicable() -> None:
    trace = trace_of()
    words = trace.table("words")
    untagged = words.assign(upos=words["upos"].where(words["upos"] != "NOUN", ""))
    finding = analysed(replace_tables(trace, words=untagged))
    assert "NOUN" not in finding.table("retention").column("category")
    nothing = analysed(replace_tables(trace, words=words.assign(upos="")))
    assert nothing.status == "not_applicable"
    assert "part of speech" in nothing.claim
