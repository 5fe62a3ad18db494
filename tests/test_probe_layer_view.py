from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.finding import Finding, Segment, segments
from auditkit.plugin import Probe, discover
from auditkit.probes.layer_view import LayerView
from auditkit.testing import (
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

TRACES = contract_traces()


def make(seed: int = 0, **options: Any) -> Trace:
    return synthetic_trace(np.random.default_rng(seed), **options)


def analyse(trace: Trace, **options: Any) -> Finding:
    finding: Finding = LayerView(**options).analyse(trace, np.random.default_rng(0))
    return finding


@pytest.mark.parametrize("name", TRACES)
def test_contract(name: str) -> None:
    found = check_probe(LayerView(), TRACES[name])
    assert (found is None) == (name == "changed")  # nothing is dropped there


def test_it_comes_through_the_door_of_third_parties() -> None:
    assert isinstance(discover()["layer_view"].load({"examples": 3}), Probe)


@pytest.mark.parametrize("name", sorted(TRACES.keys() - {"changed"}))
def test_segments_are_the_text_and_words_carry_their_depth(name: str) -> None:
    trace = TRACES[name]
    texts = whole(trace, "texts").set_index("example_id")["text"]
    words, tokens = whole(trace, "words"), whole(trace, "tokens")
    for example in analyse(trace).examples:
        assert "".join(s.text for s in example.segments) == texts[example.example_id]
        own = words[words["example_id"] == example.example_id]
        read = tokens[tokens["example_id"] == example.example_id]
        depth = read["depth"]
        if own.empty:  # then all that was read are pieces of no word
            own = read[~read["special"]]
            starts, ends = own["char_start"], own["char_end"]
            text = texts[example.example_id]
            own = own.assign(text=[text[a:b] for a, b in zip(starts, ends, strict=True)])
        shown = [(s.text, s.depth) for s in example.segments if s.depth is not None]
        assert shown == list(zip(own["text"], own["depth"], strict=True))
        assert example.alive == tuple(
            sum(1 for d in depth if d >= layer) for layer in range(1, trace.about.layers + 1)
        )


def test_what_was_read_and_belongs_to_no_word_has_the_depth_of_its_pieces() -> None:
    text = "<b> so\\ good</b>"
    words, tokens = [(4, 6, 2), (8, 12, 1)], [
        (0, 1, 0), (1, 2, 3), (2, 3, 1), (3, 6, 2), (6, 7, 1), (7, 12, 1), (12, 14, 0), (12, 14, 2),
    ]  # fmt: skip
    shown = [(s.text, s.depth) for s in segments(text, words, tokens)]
    assert shown == [
        ("<", 0), ("b", 3), (">", 1), (" ", None), ("so", 2), ("\\", 1), (" ", None), ("good", 1),
        ("</", 2),  # of two pieces of the same characters the longer-lived counts
        ("b>", None),  # past what the model reads
    ]  # fmt: skip


SPANS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 3)), max_size=6)


@given(st.text("ab <", max_size=12), SPANS, SPANS)
def test_every_character_read_has_a_depth(
    text: str, words: list[tuple[int, int, int]], pieces: list[tuple[int, int, int]]
) -> None:
    found = segments(text, words, pieces)
    assert "".join(s.text for s in found) == text
    read = {i for start, end, _ in [*words, *pieces] for i in range(start, end)}
    at = 0
    for segment in found:
        for i in range(at, at + len(segment.text)):
            assert (segment.depth is not None) == (i in read) or text[i] == " "
        at += len(segment.text)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 12)] * 2), max_size=6), st.text(max_size=12))
def test_any_spans_give_back_the_text(spans: list[tuple[int, int]], text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    trace = make(documents=1)
    rows = [
        {"example_id": "doc-0000", "word": number, "text": "w", "lower": "w", "upos": "X",
         "char_start": min(span), "char_end": min(max(span), len(text)), "is_stop": False,
         "entity": "", "pieces": 1, "depth": 1}
        for number, span in enumerate(spans)
    ]  # fmt: skip
    words = pd.DataFrame(rows) if rows else whole(trace, "words").head(0)
    trace = replace_tables(trace, texts=whole(trace, "texts").assign(text=text), words=words)
    (example,) = analyse(trace).examples
    assert "".join(s.text for s in example.segments) == text


def test_examples_are_balanced_over_classes_and_reasons() -> None:
    trace = make(1, documents=200, classes=4)
    finding = analyse(trace)
    assert len({e.example_id for e in finding.examples}) == 8
    rows = [trace.documents.row_of(e.example_id) for e in finding.examples]
    assert sorted(trace.documents.label[rows]) == [0, 0, 1, 1, 2, 2, 3, 3]
    titles = [e.title for e in finding.examples]
    reasons = {
        "right with and without pruning", "right to wrong", "wrong to right",
        "pruned hardest", "longest",
    }  # fmt: skip
    assert set(titles) == reasons
    assert max(titles.count(title) for title in reasons) <= 3  # where a class has no turned one
    pruned, baseline = (trace.documents.answers(arm) for arm in ("pruned", "baseline"))
    assert pruned is not None
    assert baseline is not None
    sides = {
        "right with and without pruning": (True, True), "right to wrong": (True, False),
        "wrong to right": (False, True),
    }  # fmt: skip
    for row, example in zip(rows, finding.examples, strict=True):
        if example.title in sides:
            gold = trace.documents.label[row]
            right = (baseline.predicted[row, 0] == gold, pruned.predicted[row, 0] == gold)
            assert right == sides[example.title]


def test_the_hardest_pruned_and_the_longest_are_shown() -> None:
    trace = make(2, documents=40, classes=1, keep=0.6)  # of one class, no answer is wrong
    tokens = whole(trace, "tokens")
    kept = tokens[~tokens["special"]].groupby("example_id")["depth"].mean()
    examples = analyse(trace, examples=4).examples
    titles = [e.title for e in examples]
    right = "right with and without pruning"
    assert titles == [right, "pruned hardest", "longest", right]
    hardest = [kept[e.example_id] for e in examples if e.title == "pruned hardest"]
    assert min(hardest) == kept.min()
    longest = [trace.documents.row_of(e.example_id) for e in examples if e.title == "longest"]
    assert trace.documents.tokens[longest].max() == trace.documents.tokens.max()


def test_facts_name_every_arm_and_truncation() -> None:
    trace = make(3, documents=10, labels=("bad", "good"))
    examples = {e.example_id: e for e in analyse(trace, examples=10).examples}
    facts = dict(examples["doc-0009"].facts)
    assert "truncated" in facts
    assert "truncated" not in dict(examples["doc-0000"].facts)
    assert examples["doc-0009"].gold == "good"
    row = trace.documents.row_of("doc-0009")
    for arm in trace.about.arms:
        answers = trace.documents.answers(arm)
        assert answers is not None
        name = ("bad", "good")[int(answers.predicted[row, 0])]
        assert facts[arm] == f"{name} ({answers.probs[row, 0].max():.2f})"


def test_examples_carry_what_documents_are_told_apart_by() -> None:
    trace = make(3, documents=30, labels=("bad", "good"))
    tokens = whole(trace, "tokens")
    pruned, baseline = (trace.documents.answers(arm) for arm in ("pruned", "baseline"))
    assert pruned is not None
    assert baseline is not None
    examples = analyse(trace, examples=30).examples
    for example in examples:
        row = trace.documents.row_of(example.example_id)
        own = tokens[tokens["example_id"] == example.example_id].set_index("position")
        assert example.tokens == len(own)
        assert example.before == (Segment("special token", own["depth"][0]),)
        assert example.after == (Segment("special token", own["depth"][len(own) - 1]),)
        assert example.flipped == (pruned.predicted[row, 0] != baseline.predicted[row, 0])
        assert example.groups == (("source", trace.documents.group("source")[row]),)
    assert {example.flipped for example in examples} == {True, False}


def test_special_tokens_have_the_names_of_the_tokenizer() -> None:
    trace = make(3, documents=1)
    named = trace.about.model_copy(update={"special_tokens": {"101": "[CLS]", "102": "<b>"}})
    (example,) = analyse(replace_tables(trace, about=named)).examples
    assert [one.text for one in (*example.before, *example.after)] == ["[CLS]", "<b>"]


def test_words_carry_their_kind() -> None:
    trace = make(3, documents=8)
    words = whole(trace, "words")
    seen = set()
    for example in analyse(trace).examples:
        own = words[words["example_id"] == example.example_id]
        wanted = [
            "stop word" if stop else "entity" if entity else upos
            for stop, entity, upos in zip(own["is_stop"], own["entity"], own["upos"], strict=True)
        ]
        assert [s.kind for s in example.segments if s.depth is not None] == wanted
        assert {s.kind for s in example.segments if s.depth is None} <= {""}
        seen |= set(wanted)
    assert {"stop word", "NOUN"} <= seen


def test_the_claim_is_what_outlives_all_layers() -> None:
    trace = make(4, documents=50)
    tokens = whole(trace, "tokens")
    depth = tokens[~tokens["special"]]["depth"]
    claim = analyse(trace).claim
    before, after = len(depth) / 50, (depth >= 4).sum() / 50
    assert f"Of {before:.1f} tokens that a document has on average, {after:.1f} outlive" in claim
    assert f"({100 * after / before:.1f} %, 95 % interval " in claim


def test_documents_of_which_only_special_tokens_are_left_are_counted() -> None:
    trace = make(5, documents=60, keep=0.4, words=(3, 8))
    tokens = whole(trace, "tokens")
    deepest = tokens[~tokens["special"]].groupby("example_id")["depth"].max()
    emptied = (deepest < trace.about.layers).mean()
    assert 0 < emptied < 1
    finding = analyse(trace)
    found = finding.measurement("emptied", arm="pruned", layer="4")
    assert found.value == pytest.approx(emptied)
    assert found.interval is not None
    assert (
        f"nothing but special tokens is left after the last layer in {100 * emptied:.1f} % of the "
        f"documents (95 % interval {100 * found.interval.low:.1f} to "
        f"{100 * found.interval.high:.1f})"
    ) in finding.claim


def test_nothing_kept_and_everything_kept_are_said() -> None:
    assert "0.0 outlive all 4 layers (0.0 %" in analyse(TRACES["all_pruned"]).claim
    assert "(100.0 %" in analyse(TRACES["nothing_pruned"]).claim


def test_without_pieces_there_is_nothing_to_prune() -> None:
    trace = TRACES["one_document"]
    tokens = whole(trace, "tokens")
    documents = trace.table("documents").assign(pieces=0, kept=pd.Series([[0] * 4]))
    empty = replace_tables(
        trace, tokens=tokens[tokens["special"]], words=whole(trace, "words").head(0),
        documents=documents,
    )  # fmt: skip
    assert "nothing to prune" in analyse(empty).claim


def test_no_examples_can_be_asked_for() -> None:
    assert analyse(TRACES["full"], examples=0).examples == ()
