"""Words of a text with part of speech, stop word and entity; the sole home of spaCy.

    text → clean (escapes decoded, markup gone, headline true-cased) → spaCy → Word

What the model reads is never changed: words are tagged on a view of the text that knows for each of
its characters where it stands in the original. Spans are half-open, in code points of the original.
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.errors import AnnotationError
from auditkit.trace.tables import AnnotatorAbout

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

PREFERRED = "en_core_web_sm"
ADVICE = f"a more accurate pipeline: python -m spacy download {PREFERRED}"

_UNUSED = ["parser", "lemmatizer", "trainable_lemmatizer", "senter", "entity_linker", "textcat",
           "textcat_multilabel", "spancat"]  # fmt: skip
_FIGURES = ("pos_acc", "tag_acc", "ents_f", "upos_ewt", "upos_gum", "upos_pud", "entity_f",
            "name_f", "entity_f_news", "name_f_news")  # fmt: skip
_BATCH = 16  # parts; with _PART it bounds the memory that a batch takes

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
_LONG_RUN = re.compile(r"\S{500}(?=\S)")  # spaCy's tokenizer is quadratic in the length of a run
_PART = re.compile(r".{1,4000}(?=\s|\Z)", re.DOTALL)

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
class Word:
    """One word: what spaCy calls a token, if it is not white space."""

    text: str
    """The slice of the original text."""
    lower: str
    """What spaCy saw, in lower case: the lexical key (`'s` for `#39;s`)."""
    char_start: int
    char_end: int
    upos: str
    """Universal part of speech."""
    is_stop: bool
    entity: str
    """The entity's type; "" outside of entities."""


@dataclass(frozen=True, slots=True)
class CleanedView:
    """What spaCy sees of a text; `offsets[i]` is the original's span of `text[i]`.

    The spans are in order and do not overlap. Only white space may have an empty one.
    """

    text: str
    offsets: Sequence[tuple[int, int]]


class Annotator:
    """A loaded spaCy pipeline; get one from `load_annotator`."""

    def __init__(self, nlp: "Language", about: AnnotatorAbout) -> None:
        self.about = about
        self._nlp = nlp
        self._common = _lexicon() if nlp.lang == "en" else frozenset[str]()

    def annotate(self, texts: Iterable[str]) -> Iterator[tuple[Word, ...]]:
        """The words of every text, in order, streaming. White space and markup are no words."""
        words: list[Word] = []
        for doc, (text, view, start, last) in self._nlp.pipe(
            self._parts(texts), as_tuples=True, batch_size=_BATCH
        ):
            words += _words(doc, text, view.offsets[start : start + len(doc.text)])
            if last:
                yield tuple(words)
                words = []

    def lexical_keys(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """Every text's words as their `lower` alone: many times faster, since nothing is tagged."""
        keys: list[str] = []
        for part, (_, _, _, last) in self._parts(texts):
            keys += [token.lower_ for token in self._nlp.make_doc(part) if not token.is_space]
            if last:
                yield keys
                keys = []

    def _parts(
        self, texts: Iterable[str]
    ) -> Iterator[tuple[str, tuple[str, CleanedView, int, bool]]]:
        """Every text's view in parts that spaCy can take; the last part of a text is marked."""
        for text in texts:
            view = clean(text, self._common)
            ends = [match.end() for match in _PART.finditer(view.text)] or [0]
            for start, end in zip([0, *ends], ends, strict=False):
                yield view.text[start:end], (text, view, start, end == ends[-1])


def load_annotator(spacy_model: str | None = None) -> Annotator:
    """Load the named pipeline; without a name `en_core_web_sm`, else the one that ships.

    Args:
        spacy_model: An installed pipeline, or the path of one. A path brings data alone: nothing
            but factories that are installed already is run.

    Raises:
        AnnotationError: spaCy cannot load it, or it tags no parts of speech.
    """
    import spacy

    name = spacy_model if spacy_model is not None else PREFERRED
    source = "path"
    if _installed(name):
        source = "installed"
    elif spacy_model is None:
        name, source = str(_data() / "pipeline"), "shipped"
    try:
        # Versions that do not match are told in `about.advice`.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nlp = spacy.load(name, exclude=_UNUSED)
            tagged = any(token.pos_ for token in nlp("The cat sat on the mat."))
    except Exception as error:  # what a broken pipeline raises is anybody's guess
        reason = next(iter(str(error).splitlines()), "")[:200] or type(error).__name__
        raise AnnotationError(f"spaCy cannot load {name!r}: {reason}; {_remedy()}") from error
    if not tagged:
        raise AnnotationError(
            f"the spaCy pipeline {name!r} tags no parts of speech (it has "
            f"{', '.join(nlp.pipe_names) or 'no components'}); {_remedy()}"
        )
    return Annotator(nlp, _about(nlp, source))


def clean(text: str, common: frozenset[str] = frozenset()) -> CleanedView:
    """The view of `text` to be tagged.

    Escapes (`#39;`, `&amp;lt;`, `#151;`) become the one character that they stand for; a tag of
    HTML, a backslash, a control character and a lone surrogate become a space; endless runs
    without a space are broken. Then a leading headline is true-cased.

    Args:
        text: Anything.
        common: Lower-case words that are rarely names, for `truecase`; empty leaves the case alone.
    """
    view = CleanedView(text, [(i, i + 1) for i in range(len(text))])
    for edits in (_escapes, _tags, _blanks, _breaks):
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


def align(words: Sequence[Word], spans: Sequence[tuple[int, int]]) -> list[int]:
    """The index of the word that each tokenizer piece belongs to: the one it overlaps most.

    Args:
        words: Words of a text, in order.
        spans: (char_start, char_end) of each piece in the original text, in order but for special
            tokens. Spans may repeat (a character split into bytes) and include a leading space.

    Returns:
        One index a span; the first word on ties, -1 for empty spans and pieces of no word.
    """
    owners, at = [], 0
    for start, end in spans:
        owner, most = -1, 0
        if start < end:
            while at > 0 and words[at - 1].char_end > start:
                at -= 1
            while at < len(words) and words[at].char_end <= start:
                at += 1
            for index in range(at, len(words)):
                if words[index].char_start >= end:
                    break
                overlap = min(end, words[index].char_end) - max(start, words[index].char_start)
                if overlap > most:
                    owner, most = index, overlap
        owners.append(owner)
    return owners


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


def _words(doc: "Doc", text: str, offsets: Sequence[tuple[int, int]]) -> Iterator[Word]:
    for token in doc:
        if token.is_space:
            continue
        start, end = offsets[token.idx][0], offsets[token.idx + len(token) - 1][1]
        yield Word(
            text=text[start:end],
            lower=token.lower_,
            char_start=start,
            char_end=end,
            upos=token.pos_,
            is_stop=token.is_stop,
            entity=token.ent_type_,
        )


def _about(nlp: "Language", source: str) -> AnnotatorAbout:
    from spacy.about import __version__
    from spacy.util import is_compatible_version

    meta: Mapping[str, Any] = nlp.meta
    measured = meta.get("performance")
    figures = measured if isinstance(measured, Mapping) else {}
    advice = [ADVICE] if source == "shipped" else []
    made_for = str(meta.get("spacy_version", ""))
    if is_compatible_version(__version__, made_for) is False:  # None: not a version range
        advice.append(f"the pipeline was made for spaCy {made_for}, and {__version__} is installed")
    return AnnotatorAbout(
        name=f"{meta['lang']}_{meta['name']}",
        version=str(meta["version"]),
        source=source,
        accuracy={
            key: round(float(figures[key]), 4)
            for key in _FIGURES
            if isinstance(figures.get(key), int | float) and 0 <= figures[key] <= 1
        },
        entity_types_reliable=source != "shipped",
        advice="; ".join(advice),
    )


def _installed(name: str) -> bool:
    from spacy.util import is_package

    return bool(name) and is_package(name)


def _remedy() -> str:
    default = PREFERRED if _installed(PREFERRED) else "the pipeline that ships with auditkit"
    return (
        "give --spacy-model the name or path of a spaCy pipeline with a tagger "
        f"(`python -m spacy download {PREFERRED}`), or leave it out to use {default}"
    )


def _data() -> Path:
    return Path(str(files("auditkit") / "data_files" / "annotator"))


@cache
def _lexicon() -> frozenset[str]:
    return frozenset((_data() / "truecase_lexicon.txt").read_text(encoding="utf-8").split())
