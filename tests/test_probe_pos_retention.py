from typing import Any

import numpy as np
import pytest
from counted import reference_of

from auditkit.finding import Finding, Undefined
from auditkit.plugin import LOST, Probe, tag_name
from auditkit.probes._by_class import claim_by_class
from auditkit.probes._in_classes import InClass
from auditkit.probes.pos_retention import PosRetention
from auditkit.stats.estimates import Estimate
from auditkit.testing import (
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
    with_depth,
)
from auditkit.trace import Trace


def trace_of(**options: Any) -> Trace:
    return synthetic_trace(np.random.default_rng(0), documents=200, **options)


def analysed(trace: Trace) -> Finding:
    finding: Finding = PosRetention().analyse(trace, np.random.default_rng(1))
    return finding


@pytest.mark.parametrize(("name", "trace"), contract_traces().items())
def test_contract(name: str, trace: Trace) -> None:
    assert isinstance(PosRetention(), Probe)
    finding = check_probe(PosRetention(), trace)
    assert (finding is None) == (name in ("no_words", "changed"))


def test_planted_effects_and_their_opposites_make_opposite_claims() -> None:
    more = analysed(trace_of(weights={"PROPN": 4.0})).claim
    assert "pruning keeps proper nouns (PROPN) longer than other words" in more
    less = analysed(trace_of(weights={"PROPN": 0.2})).claim
    assert "drops proper nouns (PROPN) sooner" in less
    assert ": proper nouns (PROPN) outlive " in more
    none = analysed(trace_of()).claim
    assert none.startswith("No difference shown")
    assert "95 % interval" in none


def test_words_of_content_that_are_dropped_soonest_are_a_concern() -> None:
    for weight, concerns in (({"VERB": 0.2, "PUNCT": 0.1}, ["Verbs (VERB) outlive"]),
                             ({"PUNCT": 0.1}, [])):  # fmt: skip
        finding = analysed(trace_of(weights=weight))
        told = [one for one in finding.conclusions if one.concern]
        assert [" ".join(one.sentence.split()[:3]) for one in told] == concerns
        assert {one.topic for one in told} <= {LOST}
        assert any("Punctuation (PUNCT) outlives" in one.sentence for one in finding.conclusions)
        (share,) = (m for m in finding.measurements
                    if m.where == "concordance[arm=pruned,category=VERB]")  # fmt: skip
        for one in told:
            assert share.value is not None
            assert f"{100 * share.value:.1f} %" in one.sentence


def test_the_picture_has_content_pronouns_and_punctuation_under_plain_names() -> None:
    finding = analysed(trace_of())
    assert {mark.label for mark in finding.marks} == {
        "nouns (NOUN)", "verbs (VERB)", "adjectives (ADJ)", "proper nouns (PROPN)",
        "numerals (NUM)", "punctuation (PUNCT)",
    }  # fmt: skip
    for mark in finding.marks:
        assert f"category={mark.label.split('(')[1][:-1]}]" in mark.measurement


def test_by_class_counted_by_hand() -> None:
    trace = trace_of(classes=3)
    finding = analysed(trace)
    words, documents = whole(trace, "words"), trace.documents
    label = dict(zip(documents.ids, documents.label, strict=True))
    table, reference = finding.table("by_class"), reference_of(trace)
    assert table.title.endswith(f"after layer {reference}")
    seen = 0
    tag = {tag_name(upos): upos for upos in set(words["upos"])}
    for shown, name, n, kept, share, _, kept_share, *_, rate, depth in table.rows:
        upos = tag[str(shown)]
        own = np.array([f"class {label[e]}" == name for e in words["example_id"]])
        mine = own & (words["upos"] == upos).to_numpy()
        alive = (words["depth"] >= reference).to_numpy()
        assert n == mine.sum()
        assert kept == (mine & alive).sum()
        assert share == pytest.approx(mine.sum() / own.sum())
        assert kept_share == pytest.approx((mine & alive).sum() / (own & alive).sum())
        assert rate == pytest.approx(alive[mine].mean())
        assert depth == pytest.approx(words["depth"][mine].mean())
        m = finding.measurement("retention", arm="pruned", **{"class": name}, category=upos)
        assert (m.value, m.n) == (rate, n)
        assert m.n_clusters == words["example_id"][mine].nunique()
        seen += mine.sum()
    assert seen == len(words)


def test_by_class_has_the_most_frequent_tags_first() -> None:
    trace = trace_of(classes=3)
    table, count = (
        analysed(trace).table("by_class"),
        whole(trace, "words")["upos"].value_counts().to_dict(),
    )
    shown = [str(name).split("(")[1][:-1] for name in table.column("category")]
    assert sorted(shown, key=lambda tag: -count[tag]) == shown
    assert table.column("class")[:3] == ("class 0", "class 1", "class 2")


def test_a_class_of_which_nothing_is_kept_has_no_shares_of_what_is_kept() -> None:
    table = analysed(with_depth(trace_of(), 0)).table("by_class")
    assert set(table.column("kept")) == set(table.column("retention")) == {0}
    assert set(table.column("kept_share")) == {Undefined("no word of the class is kept")}


def test_words_without_a_tag_have_no_row_and_only_such_words_are_not_applicable() -> None:
    trace = trace_of()
    words = whole(trace, "words")
    untagged = words.assign(upos=words["upos"].where(words["upos"] != "NOUN", ""))
    finding = analysed(replace_tables(trace, words=untagged))
    assert tag_name("NOUN") not in finding.table("retention").column("category")
    nothing = analysed(replace_tables(trace, words=words.assign(upos="")))
    assert nothing.status == "not_applicable"
    assert "part of speech" in nothing.claim


def by_class_of(nouns: float) -> Finding:
    """Nouns of the first class alone turned into proper nouns with a probability."""
    trace = trace_of(classes=2)
    words, label = whole(trace, "words"), trace.documents
    first = dict(zip(label.ids, label.label == 0, strict=True))
    rng = np.random.default_rng(5)
    turned = words["example_id"].map(first).to_numpy() & (words["upos"] == "NOUN").to_numpy()
    turned &= rng.random(len(words)) < nouns
    return analysed(
        replace_tables(trace, words=words.assign(upos=words["upos"].mask(turned, "PROPN")))
    )


def test_what_a_class_has_more_of_is_claimed_and_only_that() -> None:
    finding = by_class_of(0.7)
    assert "class 0 has more proper nouns (PROPN)" in finding.claim
    assert "class 1 has more nouns (NOUN)" in finding.claim
    change = finding.measurement(
        "kept_share_change", arm="pruned", **{"class": "class 0"}, category="PROPN"
    )
    assert change.interval is not None
    assert change.interval.low > 0
    assert change.p_adjusted is not None
    assert change.p_adjusted < 0.05
    assert "has more" not in by_class_of(0.0).claim


def test_a_claim_is_one_line_whatever_a_class_is_called() -> None:
    row = InClass("PRO\nPN", "Wo\nrld", 9, 9, *[Estimate(0.5, 60, (0.4, 0.6), p=0.001)] * 5)
    assert claim_by_class([row]).startswith("Of what is kept, beside the other classes, Wo rld has")
    assert "\n" not in claim_by_class([row])


def test_the_difference_between_classes_by_hand() -> None:
    trace = trace_of(classes=3)
    finding, words, documents = analysed(trace), whole(trace, "words"), trace.documents
    label = dict(zip(documents.ids, documents.label, strict=True))
    kept = words[words["depth"] >= reference_of(trace)]
    mine = kept["example_id"].map(label) == 1
    share = (kept["upos"] == "NOUN").groupby(mine).mean()
    found = finding.measurement(
        "kept_share_change", arm="pruned", **{"class": "class 1"}, category="NOUN"
    )
    assert found.value == pytest.approx(share[True] - share[False])


def test_preference_by_class_is_that_of_its_own_documents() -> None:
    trace = trace_of(classes=2, weights={"NOUN": 4.0})
    finding = analysed(trace)
    table = finding.table("by_class_preference")
    assert set(table.column("class")) == {"class 0", "class 1"}
    for name in ("class 0", "class 1"):
        found = finding.measurement("concordance", arm="pruned", **{"class": name}, category="NOUN")
        assert found.interval is not None
        assert found.interval.low > 0.5
        assert found.n_clusters <= int((trace.documents.label == int(name[-1])).sum())


def test_many_classes_have_no_table_of_preferences() -> None:
    finding = analysed(trace_of(classes=15))
    assert "by_class_preference" not in {table.name for table in finding.tables}
