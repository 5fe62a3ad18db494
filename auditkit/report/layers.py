"""Documents as the page shows them: each once, with every word's survival depth.

Which words a layer still reads follows from depth and layer alone, so the style sheet tells it: a
chooser of layers is a row of radio buttons, and no script is needed.
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from auditkit.finding import Example, Finding, Segment

LONGEST_DOCUMENT = 3000
"""Characters of one document."""
MOST_CHARACTERS = 50_000
"""Of all documents on a page, whose words take some five times as many bytes."""
MOST_STEPS = 25
"""Bars of a chooser of layers."""
_HEIGHTS = 20
"""Steps of a bar's height."""
_PAPER = (0.0, 0.12, 0.24, 0.4, 0.6)
"""How dark a word is shaded on paper, from those that leave first to those that stay."""

_RIGHT = frozenset({"R", "AL"})
_STRONG = _RIGHT | {"L"}
_KINDS = {
    "entity": "ke", "stop word": "ks", "NOUN": "kn", "PROPN": "kn", "VERB": "kv", "AUX": "kv",
    "ADJ": "ka", "ADV": "ka",
}  # fmt: skip
"""Classes of words by what they are, for a reader who wants them coloured."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One choice of a layer."""

    layer: int
    """0: what the model is given."""
    alive: int
    height: int
    """Of `_HEIGHTS`."""
    chosen: bool


@dataclass(frozen=True, slots=True)
class WordView:
    """A stretch of text; `css` is "" for white space."""

    text: str
    css: str = ""
    weight: int = 0
    """Its attribution, 0 to 4 of the largest of the document."""


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document that can be read at every layer."""

    number: int
    """From 1 on the page."""
    example: Example
    direction: Literal["ltr", "rtl"]
    """In which its words follow each other: each stands apart and cannot say so itself."""
    words: tuple[WordView, ...]
    before: tuple[tuple[str, str], ...]
    """Special tokens in front, each with what becomes of it."""
    after: tuple[tuple[str, str], ...]
    bars: tuple[Bar, ...]
    characters: int
    """Of the whole text."""
    shown: int

    @property
    def sorts(self) -> str:
        """What a reader may choose it by, as JSON: class, changed answer, groups."""
        example = self.example
        told = {"class": example.gold} if example.gold else {}
        if example.flipped is not None:
            told["answer"] = "changed" if example.flipped else "unchanged"
        return json.dumps(told | dict(example.groups), sort_keys=True)

    @property
    def layers(self) -> int:
        """L."""
        return len(self.example.alive)


def documents_of(findings: Iterable[Finding]) -> list[Example]:
    """The documents that findings show, each once, with all reasons why."""
    found: dict[str, list[Example]] = {}
    for example in (example for finding in findings for example in finding.examples):
        found.setdefault(example.example_id, []).append(example)
    return [
        replace(
            alike[0],
            title="; ".join(dict.fromkeys(example.title for example in alike)),
            segments=next(filter(_attributed, alike), alike[0]).segments,
        )
        for alike in found.values()
    ]


def _attributed(example: Example) -> bool:
    return any(segment.attribution is not None for segment in example.segments)


def document_views(examples: Sequence[Example]) -> list[DocumentView]:
    """As many of the documents as a page has room for."""
    views: list[DocumentView] = []
    room = MOST_CHARACTERS
    for example in examples:
        view = document_view(example, len(views) + 1)
        room -= view.shown
        if room < 0:
            break
        views.append(view)
    return views


def document_view(example: Example, number: int = 1) -> DocumentView:
    """One document; a text that is longer than `LONGEST_DOCUMENT` is cut."""
    shown: list[Segment] = []
    room = LONGEST_DOCUMENT
    for segment in example.segments:
        if room > 0:
            shown.append(replace(segment, text=segment.text[:room]))
            room -= len(segment.text)
    layers = len(example.alive)
    largest = max((abs(s.attribution) for s in shown if s.attribution is not None), default=0.0)
    return DocumentView(
        number=number,
        example=example,
        direction=_direction(shown),
        words=tuple(_word(segment, largest) for segment in shown),
        before=tuple(_fate(token, layers) for token in example.before),
        after=tuple(_fate(token, layers) for token in example.after),
        bars=tuple(_bars(example)),
        characters=sum(len(segment.text) for segment in example.segments),
        shown=sum(len(segment.text) for segment in shown),
    )


def _word(segment: Segment, largest: float) -> WordView:
    if segment.depth is None:
        return WordView(segment.text, "unread" if segment.text.strip() else "")
    css = " ".join(filter(None, (f"d{segment.depth}", _KINDS.get(segment.kind, ""))))
    weight = abs(segment.attribution or 0.0) / largest if largest else 0.0
    return WordView(segment.text, css, round(4 * weight))


def _fate(token: Segment, layers: int) -> tuple[str, str]:
    depth = layers if token.depth is None else token.depth
    return token.text, "always kept" if depth >= layers else f"dropped in layer {depth + 1}"


def _bars(example: Example) -> Iterator[Bar]:
    """What the model is given, and each layer; of very many those that drop tokens."""
    counts = [example.tokens or max(example.alive, default=0), *example.alive]
    steps = list(range(len(counts)))
    if len(steps) > MOST_STEPS:
        steps = [layer for layer in steps if layer == 0 or counts[layer] < counts[layer - 1]]
        steps = [steps[i * len(steps) // MOST_STEPS] for i in range(min(len(steps), MOST_STEPS))]
    largest = max(*counts, 1)
    half = [layer for layer in steps if 2 * counts[layer] <= counts[0]]
    chosen = half[0] if half else steps[-1]
    for layer in steps:
        alive = counts[layer]
        height = max(1, round(_HEIGHTS * alive / largest)) if alive else 0
        yield Bar(layer, alive, height, layer == chosen)


def _direction(segments: Sequence[Segment]) -> Literal["ltr", "rtl"]:
    """That of the first letter which has one, as the Unicode bidirectional algorithm says (P2)."""
    kinds = (unicodedata.bidirectional(letter) for one in segments for letter in one.text)
    return "rtl" if next((kind for kind in kinds if kind in _STRONG), "L") in _RIGHT else "ltr"


def rules(views: Sequence[DocumentView]) -> str:
    """The part of the style sheet that depends on how many layers and documents there are.

    At layer l a word of depth l − 1 is dropped, one of a lower depth was dropped before.
    """
    layers = max((view.layers for view in views), default=0)
    heights = [f".h{step} {{ height: {step / _HEIGHTS:.0%}; }}" for step in range(_HEIGHTS + 1)]
    screen = []  # on paper no layer is chosen
    for layer in range(1, layers + 1):
        at = f".document:has(.l{layer}:checked)"
        screen.append(
            f"{at} .d{layer - 1} {{ color: var(--now); text-decoration: line-through 2px; }}"
        )
        if layer > 1:
            gone = ",".join(f".d{depth}" for depth in range(layer - 1))
            screen.append(f"{at} :is({gone}) {{ color: var(--gone); font-weight: 400; }}")
    hidden = [f".reader:has(.k{view.number}:checked) .n{view.number}" for view in views]
    if len(views) > 1:
        screen.append(f".reader .document:not({', '.join(hidden)}) {{ display: none; }}")
    shades = [
        f".d{depth} {{ background: color-mix(in srgb, var(--c1) {share:.0%}, transparent); }}"
        for depth in range(layers + 1)
        for share in [_PAPER[min(len(_PAPER) - 1, depth * len(_PAPER) // (layers + 1))]]
    ]
    media = [("screen", screen), ("print", shades)]
    lines = [*heights, *(f"@media {name} {{ {' '.join(found)} }}" for name, found in media)]
    return "\n".join(lines) + "\n"
