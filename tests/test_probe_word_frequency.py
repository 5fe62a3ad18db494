from typing import Any

import contract
import numpy as np
import pytest

from auditkit.finding import Finding, Undefined
from auditkit.plugin import unmet
from auditkit.probes._reader_words import NUMBER, YEAR, reader_words
from auditkit.probes.word_frequency import WordFrequency
from auditkit.stats.cells import reference_layer
from auditkit.testing import (
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

TRACES = contract_traces()


def analysed(trace: Trace, **options: Any) -> Finding:
    probe = WordFrequency(**options)
    finding: Finding = probe.analyse(trace, np.random.default_rng(0))
    return finding


def named(trace: Trace) -> Trace:
    """The trace, its nouns being one word and its adpositions another."""
    words = whole(trace, "words")
    for upos, word in (("NOUN", "oil"), ("DET", "the")):
        words.loc[words["upos"] == upos, ["text", "lower"]] = word
    return replace_tables(trace, words=words)


@pytest.fixture(scope="module")
def trace() -> Trace:
    drawn = synthetic_trace(
        np.random.default_rng(1), documents=200, weights={"NOUN": 6.0, "DET": 0.15}
    )
    return named(drawn)


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    finding = check_probe(WordFrequency(), TRACES[name])
    assert (finding is None) == bool(unmet(WordFrequency(), TRACES[name].about))


def test_counts_by_hand(trace: Trace) -> None:
    layer = reference_layer(trace.documents.pieces, trace.documents.kept)
    words = whole(trace, "words")
    words["reader"] = reader_words(words["lower"])
    words = words[words["reader"] != ""]
    label = dict(zip(trace.documents.ids, trace.documents.label, strict=True))
    answers = trace.documents.answers("pruned")
    assert answers is not None
    said = dict(zip(trace.documents.ids, answers.predicted[:, 0], strict=True))
    finding = analysed(trace)
    for at, mine in (
        ({}, words),
        ({"class": trace.about.labels[0]}, words[words["example_id"].map(label) == 0]),
        (
            {"group": "errors"},
            words[[label[one] != said[one] for one in words["example_id"]]],
        ),
    ):
        oil = mine[mine["reader"] == "oil"]
        found = finding.measurement("retention", arm="pruned", term="oil", **at)
        assert found.n == len(oil)
        assert found.value == pytest.approx((oil["depth"] >= layer).mean())
        share = finding.measurement("share", arm="pruned", term="oil", **at)
        assert share.value == pytest.approx(len(oil) / len(mine))
        kept = finding.measurement("kept_share", arm="pruned", term="oil", **at)
        alive = mine["depth"] >= layer
        assert kept.value == pytest.approx((oil["depth"] >= layer).sum() / alive.sum())


def test_words_kept_above_and_below_chance_are_named(trace: Trace) -> None:
    finding = analysed(trace)
    kept, dropped = finding.claim.split("less often")
    assert "“oil”" in kept
    assert "“the”" in dropped
    high = finding.measurement("lift", arm="pruned", term="oil")
    low = finding.measurement("lift", arm="pruned", term="the")
    assert high.interval is not None
    assert low.interval is not None
    assert low.interval.high < 1 < high.interval.low
    assert high.p_adjusted is not None
    assert high.p_adjusted < 0.05


@pytest.mark.slow
def test_without_a_preference_hardly_a_word_is_named() -> None:
    seed, called, tested = 11, 0, 0
    for number in range(30):
        rng = np.random.default_rng([seed, number])
        finding = analysed(synthetic_trace(rng, documents=80))
        for m in finding.measurements:
            if m.name == "lift" and m.p_adjusted is not None:
                called, tested = called + (m.p_adjusted < 0.05), tested + 1
    assert tested > 300, f"seed {seed}"
    assert called <= 0.03 * tested, f"seed {seed}: {called} of {tested}"


def test_words_as_a_reader_knows_them() -> None:
    asked = ["Oil", "2004", "1,500", "$3.5", "3rd", "'s", "—", "u.s.", "straße", "mp3", "-"]
    assert reader_words(asked) == [
        "oil", YEAR, NUMBER, NUMBER, NUMBER, "", "", "u.s.", "strasse", "mp3", "",
    ]  # fmt: skip


def test_words_that_are_asked_for_are_told_of_wherever_they_occur(trace: Trace) -> None:
    counts = whole(trace, "words")["lower"].value_counts()
    rare = next(word for word in map(str, counts.index[::-1]) if word.isalpha())
    told = analysed(trace, words=(rare.upper(), "never"), top=1)
    terms = set(told.table("words").column("term"))
    assert rare in terms
    assert "never" not in terms
    few = analysed(trace, top=1)
    assert len(few.table("words").rows) < len(analysed(trace).table("words").rows)


def test_only_the_most_frequent_words_are_counted(trace: Trace) -> None:
    finding = analysed(trace, most=3)
    assert any("Rarer words" in caveat for caveat in finding.caveats)
    assert len(set(finding.table("words").column("term"))) == 3


def test_a_cloud_a_class_and_size(trace: Trace) -> None:
    finding = analysed(trace)
    clouds = [chart for chart in finding.charts if chart.kind == "cloud"]
    assert len(clouds) == 2 * len(trace.about.labels)
    table = finding.table("cloud_1")
    counts = [cell for cell in table.column("kept") if isinstance(cell, int)]
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == len(table.rows) <= 60


def test_documents_of_punctuation_are_not_applicable(trace: Trace) -> None:
    words = whole(trace, "words").assign(lower="—")
    assert analysed(replace_tables(trace, words=words)).status == "not_applicable"


def test_one_document_of_a_class_gives_reasons() -> None:
    finding = analysed(TRACES["one_document"])
    lifts = finding.table("words").column("lift")
    assert lifts
    assert all(isinstance(cell, Undefined) for cell in lifts)
    assert "none occurs often enough" in finding.claim
