"""The view of a text that its words are tagged on.

text → escapes decoded, markup gone → headline true-cased → CleanedView

What the model reads is never changed: the view knows for each of its characters where it stands in
the original.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape

_NUMBER = r"#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6})"
_NAME = r"(?:quot|apos|amp|lt|gt|nbsp|hellip|[mn]dash|[lr][sd]quo)"
# In AG News a space stands where an escape's "&" stood: " #39;s" was "&#39;s".
_ESCAPE = re.compile(
    rf"(?: (?!&))?(&(?:amp;)*(?:{_NUMBER}|[A-Za-z]{{2,8}}[0-9]{{0,2}});"
    rf"|(?:amp;)*{_NUMBER};|(?<![^\W_])(?:amp;)*{_NAME};)"
)
_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|body|br|center|code|div|em|font|h[1-6]|head|hr|html|i|img|ins|li"
    r"|ol|p|pre|q|s|script|small|span|strike|strong|style|sub|sup|table|tbody|td|th|tr|tt|u|ul)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
# Backslashes stand for spaces in AG News; control characters and lone surrogates are no text.
_BLANK = re.compile(r"[\\\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Scripts without spaces between words: Thai, Lao, Tibetan, Myanmar, Khmer, kana and Han.
_UNSPACED = (
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u30ff\u3400-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
_PARTING = re.compile(rf"(?<=\S)(?={_UNSPACED})|(?<={_UNSPACED})(?=\S)")
_LONG_RUN = re.compile(r"\S{500}(?=\S)")  # spaCy's tokenizer is quadratic in the length of a run

_LETTERS = re.compile(r"[^\W\d_]+")
_AGENCY = re.compile(r"\(\w[^()]{0,40}\)|\s--?\s")
_NAMED = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+")
# What stays lower-case inside a headline in Title Case, and the letters after an apostrophe.
_MINOR = frozenset(
    re.findall(
        r"\w+",
        """a about above across after against amid among an and around as at before behind below
        between beyond but by down during for from if in into is it its like near nor of off on onto
        or out over past per so since than that the through till to toward towards under until up
        upon v via vs with within without yet d ll m n re s t ve""",
    )
)
_HEADLINE_WORDS = 2


@dataclass(frozen=True, slots=True)
class CleanedView:
    """What spaCy sees of a text; `offsets[i]` is the original's span of `text[i]`.

    The spans are in order and do not overlap. Only white space may have an empty one.
    """

    text: str
    offsets: Sequence[tuple[int, int]]


def clean(text: str, common: frozenset[str] = frozenset(), *, spaced: bool = False) -> CleanedView:
    """The view of `text` to be tagged.

    Escapes (`#39;`, `&amp;lt;`, `#151;`) become the one character that they stand for; a tag of
    HTML, a backslash, a control character and a lone surrogate become a space; endless runs
    without a space are broken. Then a leading headline is true-cased.

    Args:
        text: Anything.
        common: Lower-case words that are rarely names, for `truecase`; empty leaves the case alone.
        spaced: Whether whoever splits the view into words looks for spaces alone: letters of
            scripts without spaces are then parted, each a word of its own.
    """
    view = CleanedView(text, [(i, i + 1) for i in range(len(text))])
    for edits in (_escapes, _tags, _blanks, *([_partings] if spaced else []), _breaks):
        view = _edited(view, edits(view.text))
    return CleanedView(truecase(view.text, common), view.offsets) if common else view


def truecase(text: str, common: frozenset[str]) -> str:
    """`text` with the words of a leading headline in lower case, where they are common words.

    The headline is the leading span in which every word is capitalised or minor ("of"). It counts
    as one if at least two of its major words, and half of them, are common: in `common`, or in
    lower case in the rest of the text. Words that the rest capitalises in mid-sentence are names
    and stay, as do abbreviations, unless the headline shouts. The length stays the same.
    """
    words, end = _headline(text)
    rest = {match.group() for match in _LETTERS.finditer(text, end)}
    named = set(_NAMED.findall(text, end))
    capitals = [w.group() for w in words if len(w.group()) > 2 and w.group()[0].isupper()]
    major = [word for word in capitals if word.lower() not in _MINOR]
    known = {word for word in major if word.lower() in common or word.lower() in rest} - named
    if len(known) < _HEADLINE_WORDS or 2 * len(known) < len(major):
        return text
    shouts = sum(word.isupper() for word in major) > 0.7 * len(major)
    pieces, done = [], 0
    for match in words:
        word = match.group()
        minor = len(word) > 1 and word.lower() in _MINOR
        if (minor or word in known) and (shouts or word[1:].islower()):
            pieces += [text[done : match.start()], word.lower()]
            done = match.end()
    return "".join([*pieces, text[done:]])


def _escapes(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _ESCAPE.finditer(text):
        name = match[1][:-1].rpartition(";")[2].removeprefix("&")  # "&amp;#36;" -> "#36"
        character = unescape(f"&{name};")
        if len(character) == 1:
            yield match.start(), match.start(1), ""
            yield match.start(1), match.end(), character


def _tags(text: str) -> Iterator[tuple[int, int, str]]:
    return ((match.start(), match.end(), " ") for match in _TAG.finditer(text))


def _blanks(text: str) -> Iterator[tuple[int, int, str]]:
    return ((match.start(), match.end(), " ") for match in _BLANK.finditer(text))


def _partings(text: str) -> Iterator[tuple[int, int, str]]:
    places = (match.start() for match in _PARTING.finditer(text))
    return ((at, at, " ") for at in places if not unicodedata.category(text[at]).startswith("M"))


def _breaks(text: str) -> Iterator[tuple[int, int, str]]:
    return ((match.end(), match.end(), " ") for match in _LONG_RUN.finditer(text))


def _edited(view: CleanedView, edits: Iterable[tuple[int, int, str]]) -> CleanedView:
    """`view` after ordered edits (start, end, replacement of at most one character)."""
    pieces: list[str] = []
    offsets: list[tuple[int, int]] = []
    done = 0
    for start, end, character in edits:
        pieces += [view.text[done:start], character]
        offsets += view.offsets[done:start]
        if character:
            first = view.offsets[start][0]
            offsets.append((first, view.offsets[end - 1][1] if end > start else first))
        done = end
    if not done:
        return view
    return CleanedView("".join([*pieces, view.text[done:]]), [*offsets, *view.offsets[done:]])


def _headline(text: str) -> tuple[list[re.Match[str]], int]:
    """The words of the leading capitalised span, and where the span ends."""
    agency = _AGENCY.search(text)
    limit = agency.start() if agency else len(text)
    words: list[re.Match[str]] = []
    for match in _LETTERS.finditer(text, 0, limit):
        word = match.group()
        if word.islower() and word not in _MINOR:
            break
        words.append(match)
    return words, words[-1].end() if words else 0
