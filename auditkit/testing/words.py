"""Documents made by chance from a small vocabulary, and pruned without a model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

HIDDEN, INTERMEDIATE = 64, 256
"""Sizes of the model that the costs are counted for."""


class Word(NamedTuple):
    """A word of the vocabulary, and its number of pieces."""

    text: str
    upos: str
    is_stop: bool
    entity: str
    pieces: int


VOCABULARY = (
    Word("the", "DET", True, "", 1),
    Word("of", "ADP", True, "", 1),
    Word("and", "CCONJ", True, "", 1),
    Word("is", "AUX", True, "", 1),
    Word("restaurant", "NOUN", False, "", 1),
    Word("market", "NOUN", False, "", 1),
    Word("semiconductor", "NOUN", False, "", 3),
    Word("goalkeeper", "NOUN", False, "", 2),
    Word("returning", "VERB", False, "", 2),
    Word("won", "VERB", False, "", 1),
    Word("best", "ADJ", False, "", 1),
    Word("unprofitable", "ADJ", False, "", 3),
    Word("Berlin", "PROPN", False, "GPE", 1),
    Word("Ng", "PROPN", False, "PERSON", 1),
    Word("Kowalczyk", "PROPN", False, "PERSON", 3),
    Word("42", "NUM", False, "CARDINAL", 1),
    Word(",", "PUNCT", False, "", 1),
    Word(".", "PUNCT", False, "", 1),
)
"""The words of synthetic documents."""


@dataclass
class Document:
    """One document's text, and the rows of its tokens and words."""

    text: str
    tokens: list[dict[str, Any]]
    words: list[dict[str, Any]]


def make_document(
    rng: np.random.Generator,
    example_id: str,
    words: tuple[int, int],
    *,
    truncated: bool,
    tagged: bool,
) -> Document:
    """A document without depths. Position 0 and the last are special, as [CLS] and [SEP]."""
    chosen = [
        VOCABULARY[i]
        for i in rng.integers(len(VOCABULARY), size=rng.integers(*words, endpoint=True))
    ]
    document = Document("", [_token(example_id, 0, 101, (0, 0))], [])
    for number, word in enumerate(chosen):
        start = len(document.text) + (number > 0)
        document.text += (" " if number else "") + word.text
        cuts = [start + len(word.text) * piece // word.pieces for piece in range(word.pieces + 1)]
        for span in pairwise(cuts):
            position = len(document.tokens)
            token = _token(example_id, position, 1000 + position, span, number if tagged else -1)
            document.tokens.append(token)
        if tagged:
            document.words.append(
                {"example_id": example_id, "word": number, "text": word.text,
                 "lower": word.text.lower(), "char_start": start, "char_end": cuts[-1],
                 "upos": word.upos, "is_stop": word.is_stop, "entity": word.entity,
                 "pieces": word.pieces}
            )  # fmt: skip
    end = len(document.text)
    document.tokens.append(_token(example_id, len(document.tokens), 102, (end, end)))
    if truncated:
        document.text += " and what no model read"
    return document


def _token(
    example_id: str, position: int, token_id: int, span: tuple[int, int], word: int | None = None
) -> dict[str, Any]:
    return {"example_id": example_id, "position": position, "token_id": token_id,
            "char_start": span[0], "char_end": span[1], "word": -1 if word is None else word,
            "special": word is None}  # fmt: skip


def prune(
    rng: np.random.Generator,
    document: Document,
    layers: int,
    keep: float,
    weights: Mapping[str, float],
) -> None:
    """Give every token and word its depth: layer by layer, the pieces of the longest lives stay."""
    tokens = document.tokens
    upos = {word["word"]: word["upos"] for word in document.words}
    pieces = [t for t in tokens if not t["special"]]
    odds = np.array([weights.get(upos.get(t["word"], ""), 1.0) for t in pieces])
    order = np.argsort(np.log(odds) + rng.gumbel(size=len(pieces)))[::-1]  # longest life first
    depth = np.zeros(len(pieces), dtype=np.int64)
    alive = len(pieces)
    for _ in range(layers):
        alive = min(alive, int(alive * keep + rng.random()))
        depth[order[:alive]] += 1
    for token, own in zip(pieces, depth, strict=True):
        token["depth"] = int(own)
    tokens[0]["depth"] = layers
    tokens[-1]["depth"] = int(rng.integers(layers + 1))
    for word in document.words:
        word["depth"] = max(t["depth"] for t in pieces if t["word"] == word["word"])


def shuffled(rng: np.random.Generator, document: Document, draw: int) -> list[dict[str, Any]]:
    """The arm `random`: the depths of the pieces dealt anew, so that counts per layer match."""
    depths = [t["depth"] for t in document.tokens]
    pieces = [i for i, t in enumerate(document.tokens) if not t["special"]]
    for target, source in zip(pieces, rng.permutation(pieces), strict=True):
        depths[target] = document.tokens[source]["depth"]
    return [
        {"example_id": t["example_id"], "arm": "random", "draw": draw, "position": t["position"],
         "depth": depth}
        for t, depth in zip(document.tokens, depths, strict=True)
    ]  # fmt: skip


def marked(
    rng: np.random.Generator, document: Document, layers: int, marks_kept: float
) -> list[dict[str, Any]]:
    """Up to a third of the words of a text, as people mark them; words that no model read too."""
    words = [match.span() for match in re.finditer(r"\S+", document.text)]
    depth = [
        max((t["depth"] for t in document.tokens if start <= t["char_start"] < end), default=0)
        for start, end in words
    ]
    order = np.argsort(-marks_kept * np.array(depth) / layers - rng.gumbel(size=len(words)))
    count = int(rng.integers(1, max(2, len(words) // 3 + 1)))
    example_id = document.tokens[0]["example_id"]
    return [
        {"example_id": example_id, "char_start": words[at][0], "char_end": words[at][1]}
        for at in sorted(order[:count])
    ]


def cost_rows(example_id: str, depth: np.ndarray, layers: int) -> list[dict[str, Any]]:
    """Counted MACs: attention on what enters a layer, FFN on what its decision left."""
    rows = []
    for arm in ("baseline", "pruned"):
        for layer in range(1, layers + 1):
            whole = len(depth)
            entering = whole if arm == "baseline" else int((depth >= layer - 1).sum())
            leaving = whole if arm == "baseline" else int((depth >= layer).sum())
            rows.append(
                {"example_id": example_id, "arm": arm, "layer": layer,
                 "tokens_in": entering, "tokens_out": leaving,
                 "macs_attention": 2 * HIDDEN * entering**2 + 4 * HIDDEN**2 * entering,
                 "macs_ffn": 2 * HIDDEN * INTERMEDIATE * leaving}
            )  # fmt: skip
    return rows
