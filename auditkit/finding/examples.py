"""Documents shown with what was kept of them, layer by layer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from auditkit.finding.numbers import STRICT

Span = tuple[int, int, int]
"""Start and end in the text, half-open, and survival depth."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of an example's text and how long it survived."""

    __pydantic_config__: ClassVar[object] = STRICT

    text: str
    depth: int | None
    """Survival depth 0..L of the word, or of a piece of no word; None: white space, or not read."""
    kind: str = ""
    """Of a word: `stop word`, `entity`, or its part of speech (`NOUN`); empty where not known."""
    attribution: float | None = None
    """How much it speaks for the answer, in any unit that is the same in the whole example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A document shown with what was kept of it, layer by layer."""

    __pydantic_config__: ClassVar[object] = STRICT

    example_id: str
    title: str
    segments: tuple[Segment, ...]
    alive: tuple[int, ...]
    """Number of tokens alive after layers 1..L, special tokens included."""
    facts: tuple[tuple[str, str], ...] = ()
    """Label and value pairs printed beside it: predictions, …"""
    tokens: int | None = None
    """Tokens that the model read, special ones included; None: not told."""
    before: tuple[Segment, ...] = ()
    """Special tokens in front of the text, by name."""
    after: tuple[Segment, ...] = ()
    """Those behind it, or between its pieces."""
    gold: str = ""
    """Its true class; empty where that is not known."""
    flipped: bool | None = None
    """Whether the answer is another than that of what it is compared with; None: not known."""
    groups: tuple[tuple[str, str], ...] = ()
    """Group columns of the data and their values."""


def kind_of(upos: str, is_stop: bool, entity: str) -> str:
    """What a word is, as `Segment.kind` says it: the first that holds."""
    return "stop word" if is_stop else "entity" if entity else upos


def segments(
    text: str,
    words: Iterable[Span],
    pieces: Iterable[Span] = (),
    kinds: Mapping[int, str] | None = None,
) -> tuple[Segment, ...]:
    """The whole text in order: words with their depth, all between them with that of its pieces.

    Args:
        text: The document.
        words: Start, end and survival depth of each word, in any order.
        pieces: The same of each token that was read, whether or not it belongs to a word.
        kinds: `Segment.kind` of words, by where they start; None: of none.
    """
    told = kinds or {}
    laid, read = sorted(words), sorted(pieces, key=lambda span: (span[0], -span[2]))
    found: list[Segment] = []
    for begin, end, depth in _laid(laid, 0, len(text)):
        if depth is not None:
            part = text[begin:end]
            found.append(Segment(part, depth if part.strip() else None, told.get(begin, "")))
            continue
        for start, stop, own in _laid(read, begin, end):
            part = text[start:stop]
            found.append(Segment(part, own if part.strip() else None))
    return tuple(found)


def weighted(shown: Iterable[Segment], pieces: Iterable[tuple[int, float]]) -> tuple[Segment, ...]:
    """The segments of a text, each with the sum of the attributions of the pieces that lie in it.

    Args:
        shown: As `segments` returns them.
        pieces: Where each ends in the text, and its attribution.
    """
    left = sorted(pieces)
    found, end = [], 0
    for segment in shown:
        begin, end = end, end + len(segment.text)
        inside = [amount for stop, amount in left if begin < stop <= end]
        found.append(replace(segment, attribution=sum(inside)) if inside else segment)
    return tuple(found)


def _laid(spans: Iterable[Span], begin: int, end: int) -> Iterator[tuple[int, int, int | None]]:
    """All of the text from `begin` to `end`: ordered spans where they lie, None between them."""
    for start, stop, depth in spans:
        first, last = max(start, begin), min(stop, end)
        if first < last:
            if begin < first:
                yield begin, first, None
            yield first, last, depth
            begin = last
    if begin < end:
        yield begin, end, None
