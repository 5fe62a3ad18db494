import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scraps import TEXTS

from auditkit.data.cleaning import CleanedView, clean, truecase

COMMON = frozenset(
    [
        "again",
        "as",
        "fall",
        "justice",
        "oil",
        "press",
        "prices",
        "rise",
        "sell",
        "stocks",
        "traders",
    ]
)


# ------------------------------------------------------------------ the view


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("Oracle #39;s", "Oracle's"),
        ("Oracle&#39;s", "Oracle's"),
        ("He said  quot;no quot; twice", 'He said "no" twice'),
        ("S amp;P and Marsh  amp; Sons", "S&P and Marsh & Sons"),
        ("Fish &amp; chips", "Fish & chips"),
        ("about  #36;5 a litre", "about $5 a litre"),
        ("&amp;#36;5", "$5"),
        ("&amp;amp;lt;", "<"),
        ("late  #151; again", "late — again"),
        ("1 &lt; 2", "1 < 2"),
        ("&lt;b&gt;Prices&lt;/b&gt;", " Prices "),
        ("one<br /><br />two", "one  two"),
        ('see &lt;A HREF="http://x.example/a?b"&gt;ABC.O&lt;/A&gt; now', "see  ABC.O  now"),
        ("&amp;lt;p&amp;gt;x", " x"),
        ("the <IBM> ticker", "the <IBM> ticker"),
        ("a <b", "a <b"),
        ("small\\band of\\$5", "small band of $5"),
        ("a\0b\x1bc", "a b c"),
        ("a\ud800b\udfff", "a b "),
        ("tab\tline\nend", "tab\tline\nend"),
        # not escapes
        ("AT&T; and alt; salt; &unknown; R&D;", "AT&T; and alt; salt; &unknown; R&D;"),
        ("item #39 is sold", "item #39 is sold"),
        ("&#99999999; &fjlig;", "&#99999999; &fjlig;"),
        ("", ""),
    ],
)
def test_the_view_decodes_what_is_broken_and_nothing_else(text: str, view: str) -> None:
    assert clean(text).text == view


def test_a_decoded_character_stands_for_its_whole_escape() -> None:
    text = "Oracle #39;s"
    view = clean(text)
    assert text[slice(*view.offsets[view.text.index("'")])] == "#39;"
    assert view.offsets[view.text.index("s")] == (11, 12)
    text = "x &amp;quot;y"
    view = clean(text)
    assert view.text == 'x "y'
    assert text[slice(*view.offsets[2])] == "&amp;quot;"


def test_endless_words_are_broken_at_no_cost_in_characters() -> None:
    view = clean("a" * 1234)
    assert view.text.replace(" ", "") == "a" * 1234
    assert max(map(len, view.text.split())) == 500
    assert [start for start, end in view.offsets if start == end] == [500, 1000]


def check_monotone(view: CleanedView, length: int) -> None:
    assert len(view.text) == len(view.offsets)
    at = 0
    for character, (start, end) in zip(view.text, view.offsets, strict=True):
        assert at <= start <= end <= length
        assert start < end or character.isspace()
        at = end


@given(TEXTS, st.booleans())
def test_every_character_of_the_view_maps_back_in_order(text: str, spaced: bool) -> None:
    check_monotone(clean(text, COMMON, spaced=spaced), len(text))


@given(st.text("aé.北ひไ่ီကཀ", max_size=20))
def test_letters_of_scripts_without_spaces_are_parted_and_marks_stay_with_them(text: str) -> None:
    view = clean(text, spaced=True).text
    assert view.replace(" ", "") == text
    for before, after in pairwise(view):
        mark = unicodedata.category(after).startswith("M")
        assert (before != " ") if mark else ({before, after} <= {*"aé."} or " " in before + after)
    assert clean(text).text == text


@given(TEXTS)
def test_truecasing_changes_nothing_but_case(text: str) -> None:
    cased = truecase(text, COMMON)
    assert len(cased) == len(text)
    assert all(a in (b, b.lower()) for a, b in zip(cased, text, strict=True))


# ------------------------------------------------------------------ headlines


@pytest.mark.parametrize(
    ("text", "cased"),
    [
        (
            "Oil Prices Fall Again in Oslo Traders in Norway said they would sell.",
            "oil prices fall again in Oslo traders in Norway said they would sell.",
        ),
        (
            "OIL PRICES FALL AGAIN Traders said they would sell.",
            "oil prices fall again traders said they would sell.",
        ),
        # a name in the rest of the text is a name in its headline
        (
            "Justice Press Stocks Rise Again (AP) - Shares of Justice Press rose.",
            "Justice Press stocks rise again (AP) - Shares of Justice Press rose.",
        ),
        # the agency ends the headline
        ("Oil Prices Fall (Press) - Traders Sell", "oil prices fall (Press) - Traders Sell"),
        # abbreviations and words with inner capitals stay
        ("OIL Prices Fall as iRobot Stocks Rise", "OIL prices fall as iRobot stocks rise"),
        # the rest of the text shows what is common
        ("Zorbs Bounce Again as zorbs bounce", "zorbs bounce again as zorbs bounce"),
        # no headlines
        ("Oil prices fall again as Traders Sell.", None),
        ("Jane Doe Smith and John Roe Justice Court met.", None),
        ("the Oil Prices Fall Again", "the oil prices fall again"),
        ("we Saw Oil Prices Fall Again", None),
        ("", None),
    ],
)
def test_the_leading_headline_and_nothing_else_is_truecased(text: str, cased: str | None) -> None:
    assert truecase(text, COMMON) == (cased if cased is not None else text)


def test_without_a_lexicon_the_case_stays() -> None:
    text = "Zorbs Bounce Again as zorbs bounce again"
    assert clean(text).text == text
