import numpy as np
import pytest

from auditkit.finding.values import Finding
from auditkit.plugin.probe import Probe
from auditkit.plugin.retention import survival_of
from auditkit.probes.stopword import Stopword
from auditkit.testing.traces import check_probe, contract_traces, replace_tables, synthetic_trace
from auditkit.trace.tables import Trace

STOP = ("DET", "ADP", "CCONJ", "AUX")


def trace_of(weight: float = 1.0) -> Trace:
    weights = dict.fromkeys(STOP, weight)
    return synthetic_trace(np.random.default_rng(0), documents=200, weights=weights)


def analysed(trace: Trace, **options: int) -> Finding:
    finding: Finding = Stopword(resamples=500, **options).analyse(trace, np.random.default_rng(1))
    return finding


@pytest.mark.parametrize(("name", "trace"), contract_traces().items())
def test_contract(name: str, trace: Trace) -> None:
    assert isinstance(Stopword(), Probe)
    finding = check_probe(Stopword(resamples=100), trace)
    assert (finding is None) == (name == "no_words")


@pytest.mark.parametrize(
    ("weight", "claim"),
    [
        (4.0, "Stop words are kept more often than at random"),
        (0.25, "Stop words are kept less often than at random"),
        (1.0, "No difference shown"),
    ],
)
def test_claim_follows_the_planted_effect(weight: float, claim: str) -> None:
    finding = analysed(trace_of(weight))
    assert finding.claim.startswith(claim)
    lift = finding.measurement("lift", arm="pruned", slice="stop words")
    assert lift.interval is not None
    assert f"{lift.interval.low:.2f} to {lift.interval.high:.2f}" in finding.claim


def test_rates_by_hand() -> None:
    trace = trace_of(0.5)
    words, reference = trace.table("words"), survival_of(trace).reference
    finding = analysed(trace)
    assert f"after layer {reference} of 4" in finding.claim
    for name, mine in (("stop words", words["is_stop"]), ("other words", ~words["is_stop"])):
        m = finding.measurement("retention", arm="pruned", slice=name)
        assert m.value == pytest.approx((words["depth"][mine] >= reference).mean())
        assert m.n == mine.sum()


def test_most_kept_and_most_dropped_are_the_ends_of_the_ranking() -> None:
    trace = synthetic_trace(
        np.random.default_rng(0), documents=200, weights={"DET": 0.1, "AUX": 9.0}
    )
    finding = analysed(trace)
    dropped, kept = finding.table("most_dropped"), finding.table("most_kept")
    assert dropped.column("term")[0] == "the"
    assert kept.column("term")[0] == "is"
    assert not set(dropped.column("term")) & set(kept.column("term"))
    count = (trace.table("words")["lower"] == "the").sum()
    assert dropped.column("words")[0] == count
    assert analysed(trace, top=1).table("most_kept").column("term") == ("is",)
    assert analysed(trace, min_count=10**6).table("most_kept").rows == ()


def test_negations_stand_apart() -> None:
    trace = trace_of()
    words = trace.table("words")
    lower = words["lower"].replace({"of": "not", "won": "n't"})
    finding = analysed(replace_tables(trace, words=words.assign(lower=lower)))
    n, t = (words["lower"] == "of").sum(), (words["lower"] == "won").sum()
    shown = finding.table("negations")
    counts = dict(zip(shown.column("term"), shown.column("words"), strict=True))
    assert counts == {"all negations": n + t, "not": n, "n't": t}
    for name in ("most_dropped", "most_kept"):
        assert "not" not in finding.table(name).column("term")


def test_no_stop_words_is_not_applicable() -> None:
    trace = trace_of()
    finding = analysed(replace_tables(trace, words=trace.table("words").assign(is_stop=False)))
    assert finding.status == "not_applicable"
    assert "no stop words" in finding.claim
