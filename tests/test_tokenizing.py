"""A text is tokenized and tagged no further than it is read."""

from unittest.mock import Mock

import pytest
import tiny
from transformers import PreTrainedTokenizerFast

from auditkit.bench.context import CONTEXT, tagged, words_past
from auditkit.bench.subjects import Encoded
from auditkit.data.annotate import Annotator, load_annotator
from auditkit.ltp.tokenizing import CHARACTERS, tokenize

TEXT = " ".join(text for text, _ in tiny.sentences(200, seed=4))


@pytest.fixture(scope="module", params=["bert", "roberta"])
def tokenizer(request: pytest.FixtureRequest) -> PreTrainedTokenizerFast:
    made = {"bert": tiny._word_pieces, "roberta": tiny._byte_pairs}
    return made[request.param]()


@pytest.fixture(scope="module")
def annotator() -> Annotator:
    return load_annotator()


@pytest.mark.parametrize(
    "text",
    ["", "roses", TEXT[:200], TEXT, " " * 20_000 + "roses and hedges", "é" * 3000, "roses " * 5000],
)
def test_the_tokens_are_those_of_the_whole_text(
    tokenizer: PreTrainedTokenizerFast, text: str
) -> None:
    whole = tokenizer([text, "two"], truncation=True, max_length=24).encodings
    assert whole is not None
    for found, expected in zip(tokenize(tokenizer, [text, "two"], 24), whole, strict=True):
        assert found.ids == expected.ids
        assert found.special_tokens_mask == expected.special_tokens_mask
        assert bool(found.overflowing) == bool(expected.overflowing)
        if text[:1] != "é":  # one word of which the beginning is looked at
            assert found.offsets == expected.offsets


def test_of_a_long_text_only_the_beginning_is_tokenized() -> None:
    real, seen = tiny._word_pieces(), list[int]()

    def watched(texts: list[str], **options: object) -> object:
        seen.extend(map(len, texts))
        return real(texts, **options)

    long = TEXT * 100
    tokenize(Mock(side_effect=watched), [long, "two"], 24)
    assert seen == [24 * CHARACTERS, 3]


def document(end: int, *, truncated: bool = True) -> Encoded:
    return Encoded([1, 2], [(0, end - 1), (end - 1, end)], Mock(), truncated)


def test_a_text_is_tagged_as_far_as_it_is_read_and_some_way_on() -> None:
    for text in (TEXT, "!" * 20_000):
        shown = tagged(text, document(100))
        assert text.startswith(shown)
        assert 100 + CONTEXT // 2 <= len(shown) <= 100 + CONTEXT
        assert tagged(text, document(100, truncated=False)) == text
        assert tagged(text, document(len(text) - CONTEXT)) == text
    assert TEXT[len(tagged(TEXT, document(100)))] == " "  # no word is cut


def test_words_past_what_is_read_are_counted_whether_they_are_tagged_or_not(
    annotator: Annotator,
) -> None:
    (words,) = annotator.annotate([TEXT])
    for end in (100, 5000, len(TEXT) - CONTEXT - 1, len(TEXT) - 50):
        read = document(end)
        (shown,) = annotator.annotate([tagged(TEXT, read)])
        expected = sum(word.char_start >= end for word in words)
        assert words_past(annotator, TEXT, shown, read) == expected
    assert words_past(annotator, TEXT, words, document(9, truncated=False)) == 0
