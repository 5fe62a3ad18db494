import numpy as np
import pytest
from counted import reference_of

from auditkit.finding import Finding
from auditkit.plugin import Probe
from auditkit.probes.stopword import Stopword
from auditkit.testing import (
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

STOP = ("DET", "ADP", "CCONJ", "AUX")


def trace_of(weight: float = 1.0) -> Trace:
    weights = dict.fromkeys(STOP, weight)
    return synthetic_trace(np.random.default_rng(0), documents=200, weights=weights)


def analysed(trace: Trace, **options: int) -> Finding:
    finding: Finding = Stopword(**options).analyse(trace, np.random.default_rng(1))
    return finding


@pytest.mark.parametrize(("name", "trace"), contract_traces().items())
def test_contract(name: str, trace: Trace) -> None:
    assert isinstance(Stopword(), Probe)
    finding = check_probe(Stopword(), trace)
    assert (finding is None) == (name in ("no_words", "changed"))


@pytest.mark.parametrize(
    ("weight", "claim"),
    [
        (4.0, "Stop words are kept longer than other words"),
        (0.25, "Stop words are dropped sooner than other words"),
        (1.0, "No difference shown"),
    ],
)
def test_claim_follows_the_planted_effect(weight: float, claim: str) -> None:
    finding = analysed(trace_of(weight))
    assert finding.claim.startswith(claim)
    lift = finding.measurement("lift", arm="pruned", category="stop words")
    assert lift.interval is not None
    assert f"{lift.interval.low:.2f} to {lift.interval.high:.2f}" in finding.claim


def test_rates_by_hand() -> None:
    trace = trace_of(0.5)
    words, reference = whole(trace, "words"), reference_of(trace)
    finding = analysed(trace)
    assert f"after layer {reference} of 4" in finding.claim
    for name, mine in (("stop words", words["is_stop"]), ("other words", ~words["is_stop"])):
        m = finding.measurement("retention", arm="pruned", category=name)
        assert m.value == pytest.approx((words["depth"][mine] >= reference).mean())
        assert m.n == mine.sum()
        assert m.n_clusters == words["example_id"][mine].nunique()


def test_most_kept_and_most_dropped_are_the_ends_of_the_ranking() -> None:
    trace = synthetic_trace(
        np.random.default_rng(0), documents=200, weights={"DET": 0.1, "AUX": 9.0}
    )
    finding = analysed(trace)
    dropped, kept = finding.table("most_dropped"), finding.table("most_kept")
    assert dropped.column("term")[0] == "the"
    assert kept.column("term")[0] == "is"
    assert not set(dropped.column("term")) & set(kept.column("term"))
    words = whole(trace, "words")
    for table, term in ((dropped, "the"), (kept, "is")):
        mine = words["lower"] == term
        rate = (words["depth"][mine] >= reference_of(trace)).mean()
        assert table.column("words")[0] == mine.sum()
        assert table.column("documents")[0] == words["example_id"][mine].nunique()
        assert table.column("retention")[0] == pytest.approx(rate)
        assert finding.measurement("retention", arm="pruned", term=term).n == mine.sum()
    assert analysed(trace, top=1).table("most_kept").column("term") == ("is",)
    assert analysed(trace, min_count=10**6).table("most_kept").rows == ()


def test_negations_stand_apart() -> None:
    trace = trace_of()
    words = whole(trace, "words")
    lower = words["lower"].replace({"of": "not", "won": "n't"})
    finding = analysed(replace_tables(trace, words=words.assign(lower=lower)))
    n, t = (words["lower"] == "of").sum(), (words["lower"] == "won").sum()
    shown = finding.table("negations")
    counts = dict(zip(shown.column("term"), shown.column("words"), strict=True))
    assert counts == {"all negations": n + t, "not": n, "n't": t}
    for name in ("most_dropped", "most_kept"):
        assert "not" not in finding.table(name).column("term")


def test_negations_are_told_apart_in_english_alone() -> None:
    trace = trace_of()
    annotator = trace.about.annotator.model_copy(update={"language": "es"})
    words = whole(trace, "words")
    spanish = replace_tables(
        trace,
        about=trace.about.model_copy(update={"annotator": annotator}),
        words=words.assign(lower=words["lower"].replace({"of": "no"})),
    )
    finding = analysed(spanish)
    assert "negations" not in {table.name for table in finding.tables}
    listed = {
        t for name in ("most_dropped", "most_kept") for t in finding.table(name).column("term")
    }
    assert "no" in listed
    assert "negations apart" not in finding.table("most_kept").title
    assert any("(es)" in caveat for caveat in finding.caveats)
    assert not any("a table of their own" in caveat for caveat in finding.caveats)


def test_no_stop_words_is_not_applicable() -> None:
    trace = trace_of()
    finding = analysed(replace_tables(trace, words=whole(trace, "words").assign(is_stop=False)))
    assert finding.status == "not_applicable"
    assert "no stop words" in finding.claim
