from dataclasses import replace
from typing import Any

import pytest
import report_hostile
from hypothesis import given
from hypothesis import strategies as st

from auditkit.finding import Example, Finding, Segment
from auditkit.report.layers import (
    LONGEST_DOCUMENT,
    MOST_CHARACTERS,
    MOST_STEPS,
    document_view,
    document_views,
    documents_of,
    rules,
)


def example(depths: tuple[int | None, ...], alive: tuple[int, ...], **changes: Any) -> Example:
    segments = tuple(Segment("abcdefgh"[i], depth) for i, depth in enumerate(depths))
    fields: dict[str, Any] = {"example_id": "x", "title": "X", **changes}
    return Example(segments=segments, alive=alive, **fields)


def finding(*examples: Example) -> Finding:
    return replace(report_hostile.layer_view(), examples=examples)


def test_every_word_stands_once_with_its_depth() -> None:
    view = document_view(example((0, 1, 2, None), (4, 3)))
    assert [(word.text, word.css) for word in view.words] == [
        ("a", "d0"), ("b", "d1"), ("c", "d2"), ("d", "unread"),
    ]  # fmt: skip


def test_white_space_has_no_state() -> None:
    view = document_view(replace(example((), (1,)), segments=(Segment(" \n", None),)))
    assert [(word.text, word.css) for word in view.words] == [(" \n", "")]


def test_a_bar_for_what_is_given_and_each_layer_and_the_first_half_is_chosen() -> None:
    view = document_view(example((0,), (20, 11, 10, 1, 0), tokens=20))
    assert [(bar.layer, bar.alive, bar.height) for bar in view.bars] == [
        (0, 20, 20), (1, 20, 20), (2, 11, 11), (3, 10, 10), (4, 1, 1), (5, 0, 0),
    ]  # fmt: skip
    assert [bar.layer for bar in view.bars if bar.chosen] == [3]


def test_where_half_of_the_tokens_stay_the_last_layer_is_chosen() -> None:
    view = document_view(example((1,), (20, 19), tokens=20))
    assert [bar.layer for bar in view.bars if bar.chosen] == [2]


def test_of_very_many_layers_those_that_drop_something_have_a_bar() -> None:
    alive = tuple(100 - layer // 3 for layer in range(1, 61))
    bars = document_view(example((1,), alive, tokens=100)).bars
    assert len(bars) == 21
    assert all(bar.layer % 3 == 0 for bar in bars)
    steep = document_view(example((1,), tuple(range(119, 19, -1)), tokens=120)).bars
    assert len(steep) == MOST_STEPS
    assert steep[0].layer == 0


def test_a_document_of_two_findings_is_shown_once_with_both_reasons() -> None:
    one, other = example((1,), (1,), title="lost"), example((1,), (1,), title="longest")
    third = example((1,), (1,), example_id="y")
    shown = documents_of([finding(one, third), finding(other, one)])
    assert [(e.example_id, e.title) for e in shown] == [("x", "lost; longest"), ("y", "X")]


def test_attributions_come_from_whichever_finding_has_them() -> None:
    plain = example((1, 1), (2,), title="lost")
    told = replace(
        plain,
        title="attributed",
        segments=(Segment("a", 1, attribution=-4.0), Segment("b", 1, attribution=1.0)),
    )
    (shown,) = documents_of([finding(plain), finding(told)])
    assert [word.weight for word in document_view(shown).words] == [4, 1]


def test_what_becomes_of_special_tokens_is_said() -> None:
    view = document_view(
        example((1,), (3, 2), before=(Segment("[CLS]", 2),), after=(Segment("[SEP]", 1),))
    )
    assert view.before == (("[CLS]", "always kept"),)
    assert view.after == (("[SEP]", "dropped in layer 2"),)


def test_a_reader_can_choose_by_class_changed_answers_and_groups() -> None:
    view = document_view(example((1,), (1,), gold="World", flipped=True, groups=(("r", "asia"),)))
    assert view.sorts == '{"answer": "changed", "class": "World", "r": "asia"}'
    assert document_view(example((1,), (1,))).sorts == "{}"


def test_long_documents_and_many_of_them_are_cut() -> None:
    long = replace(example((), (1,)), segments=(Segment("word " * 2000, 1),))
    view = document_view(long)
    assert (view.shown, view.characters) == (LONGEST_DOCUMENT, 10_000)
    many = [replace(long, example_id=str(i)) for i in range(60)]
    views = document_views(many)
    assert len(views) == MOST_CHARACTERS // LONGEST_DOCUMENT
    assert [view.number for view in views] == list(range(1, len(views) + 1))


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("so good", "ltr"),
        ("12, Хорошо", "ltr"),
        ("(1) نعم so", "rtl"),
        ("\u202e\u2067 yes", "ltr"),  # a mark of direction is no letter
        ("...", "ltr"),
        ("", "ltr"),
    ],
)
def test_words_follow_each_other_as_the_first_letter_says(text: str, direction: str) -> None:
    words = tuple(Segment(letter, 1) for letter in text)
    found = Example(example_id="x", title="X", segments=words, alive=(1,))
    assert document_view(found).direction == direction


@given(st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=8), st.integers(1, 5))
def test_the_whole_text_stands_in_order(depths: list[int | None], layers: int) -> None:
    capped = tuple(None if d is None else min(d, layers) for d in depths)
    view = document_view(example(capped, (1,) * layers))
    assert "".join(word.text for word in view.words) == "abcdefgh"[: len(capped)]
    assert sum(bar.chosen for bar in view.bars) == 1


def test_the_style_sheet_says_which_words_a_layer_drops() -> None:
    told = rules([document_view(example((0,), (3, 2, 1)))])
    assert ".document:has(.l1:checked) .d0 { color: var(--now)" in told
    assert ".document:has(.l3:checked) .d2 { color: var(--now)" in told
    assert ".document:has(.l3:checked) :is(.d0,.d1) { color: var(--gone)" in told
    assert ".l4" not in told
    assert "display: none" not in told  # of one document none is hidden
    assert "@media print" in told
