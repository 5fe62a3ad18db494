"""Whether texts are in the language of a pipeline, by hand and on real data."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from foreign import SENTENCES
from hypothesis import given
from hypothesis import strategies as st

from auditkit.data import annotate
from auditkit.data.annotate import Annotator, load_annotator
from auditkit.data.language import Language, language_fit, language_of, misfit, script

ENGLISH = Language("en", "English", frozenset({"the", "of"}), frozenset({"LATIN"}), 0.3)
LONG = ["the", "of", *"abcdef"]
"""Eight words, two of them stop words: a quarter is more than a third of .3."""
FOREIGN = list("abcdefgh")


@pytest.fixture(scope="module")
def annotator() -> Annotator:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(annotate, "PREFERRED", "no_such_pipeline")
        return load_annotator()


def lacking(annotator: Annotator, texts: Sequence[str]) -> str:
    """Why texts get no tags; "" where they get them."""
    about = annotator.suited({str(i): text for i, text in enumerate(texts)}).about
    assert about.lacks.keys() in (set(), {"pos", "stop_words", "entities"})
    (reason,) = set(about.lacks.values()) or {""}
    return reason


# ------------------------------------------------------------------ the rule


def test_shares_by_hand() -> None:
    fit = language_fit(ENGLISH, [LONG, ["of", "1", "!"], [], FOREIGN, ["мир"]])
    assert fit.documents == 5
    assert (fit.told, fit.foreign) == (3, 2)  # LONG; FOREIGN and the one in another script
    assert fit.script_share == (11 + 2 + 8) / 24
    assert fit.stop_share == 3 / 18
    assert fit.stop_share_at_large == 0.3


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ([LONG], ""),
        ([], ""),
        ([["1", "!"], []], ""),  # without a letter nothing tells
        ([["мир"] * 9], "0.0 % of their letters are LATIN"),
        ([["xy"] * 9], "0.0 % of their words are English stop words, which make up 30.0 %"),
        ([["xy"] * 3], "0.0 % of their words are English stop words"),  # all together tell
        ([LONG] * 27 + [FOREIGN] * 3, ""),
        ([LONG] * 27 + [FOREIGN] * 4, "4 of 31 documents looked at read like another language"),
        ([LONG] * 7 + [FOREIGN] * 2, ""),  # two may happen
        ([LONG] * 7 + [FOREIGN] * 3, "3 of 10 documents"),
    ],
)
def test_texts_that_do_not_fit_say_why(texts: list[list[str]], why: str) -> None:
    found = misfit(ENGLISH, language_fit(ENGLISH, texts))
    assert found.startswith(why)
    assert bool(found) == bool(why)


@given(st.lists(st.lists(st.sampled_from(["the", "cat", "мир", "7"]), max_size=12), max_size=9))
def test_order_changes_nothing_and_repetition_no_share(texts: list[list[str]]) -> None:
    fit = language_fit(ENGLISH, texts)
    assert fit == language_fit(ENGLISH, texts[::-1])
    twice = language_fit(ENGLISH, texts * 2)
    assert (twice.script_share, twice.stop_share) == (fit.script_share, fit.stop_share)
    assert (twice.told, twice.foreign) == (2 * fit.told, 2 * fit.foreign)
    assert 0 <= fit.foreign <= fit.told <= fit.documents


def test_a_language_is_known_by_its_stop_words() -> None:
    import importlib

    def known(code: str) -> Language:
        words = importlib.import_module(f"spacy.lang.{code}.stop_words").STOP_WORDS
        return language_of(code if code == "en" else "xx", code, words)  # one list is read fast

    scripts = {code: set(known(code).scripts) for code in ("en", "ru", "ar", "ko", "zh")}
    assert scripts == {
        "en": {"LATIN"}, "ru": {"CYRILLIC"}, "ar": {"ARABIC"}, "ko": {"HANGUL"},
        "zh": {"CJK"},
    }  # fmt: skip
    assert not known("zh").spaced
    assert known("ko").spaced
    assert known("en").stop_share == pytest.approx(0.502, abs=0.01)
    unknown = language_of("xx", "MultiLanguage", [])
    assert unknown == Language("xx", "MultiLanguage", frozenset(), frozenset(), None)
    assert unknown.spaced
    fit = language_fit(unknown, [["мир"] * 9, LONG])
    assert (fit.told, misfit(unknown, fit)) == (0, "")


def test_scripts_have_their_unicode_names() -> None:
    assert [script(letter) for letter in "aéяع北ひ한"] == [
        "LATIN", "LATIN", "CYRILLIC", "ARABIC", "CJK", "HIRAGANA", "HANGUL",
    ]  # fmt: skip


# ------------------------------------------------------------------ an English pipeline


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_texts_in_another_language_get_no_tags(annotator: Annotator, language: str) -> None:
    texts = SENTENCES[language]
    reason = lacking(annotator, texts)
    assert reason.startswith("the texts are not in English, the language of the spaCy pipeline")
    assert "give --spacy-model NAME" in reason
    suited = annotator.suited({text: text for text in texts})
    for text, words in zip(texts, suited.annotate(texts), strict=True):
        assert {(w.upos, w.is_stop, w.entity) for w in words} == {("", False, "")}
        assert "".join(w.text for w in words) == "".join(text.split())
        assert len(words) > 5


def test_the_sample_depends_on_ids_alone(annotator: Annotator) -> None:
    texts = {f"id{i}": " ".join(["the cat"] * (i % 9)) for i in range(1500)}
    turned = dict(reversed(texts.items()))
    fit = annotator.suited(texts).about.fit
    assert fit is not None
    assert fit == annotator.suited(turned).about.fit
    assert fit.documents == annotate.LOOKED_AT


def test_a_few_texts_in_another_language_are_told_and_many_leave_no_tags(
    annotator: Annotator,
) -> None:
    english = ["The court said on Monday that it will hear the case again in the spring."] * 90
    for count, reason in ((9, ""), (11, "11 of 101 documents looked at read like another")):
        texts = {str(i): t for i, t in enumerate(english + list(SENTENCES["de"][:1]) * count)}
        about = annotator.suited(texts).about
        assert bool(about.lacks) == bool(reason)
        assert reason in "".join(set(about.lacks.values()))
        assert about.reading.startswith(f"{count} of {90 + count} texts")


@pytest.mark.parametrize(
    ("name", "english"),
    [
        ("ag_news", True), ("imdb", True), ("hatexplain", True), ("hatecheck", True),
        ("banking77", True), ("germeval2018", False),
    ],
)  # fmt: skip
def test_real_texts(annotator: Annotator, shared_data: Path, name: str, english: bool) -> None:
    import pandas as pd

    texts = pd.read_parquet(shared_data / name / "test.parquet")["text"][::10].head(300)
    about = annotator.suited({str(i): text for i, text in enumerate(texts)}).about
    assert about.fit is not None
    assert about.fit.stop_share is not None
    assert bool(about.tags) == english
    assert (about.fit.stop_share > 0.3) == english
    assert (about.fit.foreign < 0.03 * about.fit.told) == english
