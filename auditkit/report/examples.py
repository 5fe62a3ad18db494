"""Documents as the page prints them, layer by layer."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from auditkit.finding import Example

_RIGHT = frozenset({"R", "AL"})
_STRONG = _RIGHT | {"L"}

RunState = Literal["kept", "now", "gone", "unread"]


@dataclass(frozen=True, slots=True)
class LayerView:
    """One or several consecutive layers that kept the same tokens."""

    label: str
    runs: tuple[tuple[tuple[str, ...], RunState], ...]
    """Neighbouring words of one state, with the space between them."""
    alive: int


@dataclass(frozen=True, slots=True)
class ExampleView:
    """A document, layer by layer; `characters` counts the whole text, shown or not."""

    example: Example
    direction: Literal["ltr", "rtl"]
    """In which its words follow each other: each stands apart and cannot say so itself."""
    layers: tuple[LayerView, ...]
    characters: int
    shown: int

    @property
    def cost(self) -> int:
        """Characters on the page."""
        return self.shown * len(self.layers)


def example_view(example: Example, longest: int) -> ExampleView:
    """Layer by layer; layers that dropped nothing more are told in one line with the one before."""
    segments: list[tuple[str, int | None]] = []
    room = longest
    for segment in example.segments:
        if room > 0:
            segments.append((segment.text[:room], segment.depth))
            room -= len(segment.text)
    layers: list[tuple[int, int]] = []  # first and last layer of a line
    for layer, alive in enumerate(example.alive, start=1):
        dropped = any(depth == layer - 1 for _, depth in segments)
        if layers and not dropped and alive == example.alive[layer - 2]:
            layers[-1] = (layers[-1][0], layer)
        else:
            layers.append((layer, layer))
    views = tuple(
        LayerView(
            f"Layer {first}" if first == last else f"Layers {first}–{last}",
            _runs(segments, first),
            example.alive[first - 1],
        )
        for first, last in layers
    )
    shown = sum(len(text) for text, _ in segments)
    return ExampleView(
        example, _direction(segments), views, sum(len(s.text) for s in example.segments), shown
    )


def _direction(segments: Sequence[tuple[str, int | None]]) -> Literal["ltr", "rtl"]:
    """That of the first letter which has one, as the Unicode bidirectional algorithm says (P2)."""
    kinds = (unicodedata.bidirectional(letter) for text, _ in segments for letter in text)
    return "rtl" if next((kind for kind in kinds if kind in _STRONG), "L") in _RIGHT else "ltr"


def _runs(
    segments: Sequence[tuple[str, int | None]], layer: int
) -> tuple[tuple[tuple[str, ...], RunState], ...]:
    """Neighbouring segments of one state at `layer` as one run; space goes with its neighbours."""
    states: list[RunState | None] = []
    for text, depth in segments:
        if depth is None:
            states.append("unread" if text.strip() else None)
        elif depth >= layer:
            states.append("kept")
        else:
            states.append("now" if depth == layer - 1 else "gone")
    around = [None, *states, None]
    filled = [
        state or (around[i] if around[i] == around[i + 2] and around[i] else "kept")
        for i, state in enumerate(states)
    ]
    pairs = zip(filled, (text for text, _ in segments), strict=True)
    return tuple(
        (tuple(text for _, text in run), state)
        for state, run in groupby(pairs, lambda pair: pair[0])
    )
