"""Documents shown with what was kept of them, layer by layer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from auditkit.finding.numbers import STRICT


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of an example's text and how long it survived."""

    __pydantic_config__: ClassVar = STRICT

    text: str
    depth: int | None
    """Survival depth 0..L of the words in it; None: white space, or past the model's length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A document shown with what was kept of it, layer by layer."""

    __pydantic_config__: ClassVar = STRICT

    example_id: str
    title: str
    segments: tuple[Segment, ...]
    alive: tuple[int, ...]
    """Number of tokens alive after layers 1..L, special tokens included."""
    facts: tuple[tuple[str, str], ...] = ()
    """Label and value pairs printed under it: gold label, predictions, …"""


def segments(text: str, words: Iterable[tuple[int, int, int]]) -> tuple[Segment, ...]:
    """The whole text in order: words with their depth, all between them without.

    Args:
        text: The document.
        words: Start, end and survival depth of each word, in any order.
    """
    found: list[Segment] = []
    end = 0
    for start, stop, depth in sorted(words):
        begin = max(start, end)
        if stop <= begin:
            continue
        if begin > end:
            found.append(Segment(text[end:begin], None))
        found.append(Segment(text[begin:stop], depth))
        end = stop
    if end < len(text):
        found.append(Segment(text[end:], None))
    return tuple(found)
