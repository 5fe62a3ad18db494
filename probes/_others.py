"""Words of a document beside as many others of as many pieces: the control of taking them away.

What becomes of a prediction without some words says little by itself: any words taken away move it.
So as many other words of the same document go in another pass, piece for piece, drawn anew in each
draw; where there are more of the words than of such others, as many of both are drawn.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import BenchView
from auditkit.text import sha256

SIDES = CHOSEN, OTHERS = ("chosen", "others")
"""The words that are asked about, and those in their stead."""


@dataclass(frozen=True, slots=True)
class DocumentWords:
    """The words of one document that the models read."""

    example_id: str
    words: pd.DataFrame
    """The asked columns of the table `words`, and pieces."""
    positions: tuple[tuple[int, ...], ...]
    """Token positions of each word."""

    def positions_of(self, rows: NDArray[np.int64]) -> list[int]:
        """Token positions of some words, by row."""
        return sorted(at for row in rows for at in self.positions[row])


def documents_words(
    bench: BenchView, example_ids: Sequence[str], columns: Sequence[str]
) -> Iterator[DocumentWords]:
    """Words with the positions of their pieces, document by document."""
    own = ["example_id", "word", "pieces"]
    wanted = [*own, *(column for column in columns if column not in own)]
    words = bench.scan("words", wanted, example_ids)
    tokens = bench.scan("tokens", ["example_id", "word", "position"], example_ids)
    for of_shard, pieces in zip(words, tokens, strict=True):
        inside = pieces[pieces["word"] >= 0]
        places: dict[tuple[str, int], list[int]] = {}
        for at in zip(inside["example_id"], inside["word"], inside["position"], strict=True):
            places.setdefault(at[:2], []).append(at[2])
        for example_id, mine in of_shard.groupby("example_id", sort=True):
            told = tuple(tuple(places[str(example_id), word]) for word in mine["word"])
            yield DocumentWords(str(example_id), mine.reset_index(drop=True), told)


def beside(
    pieces: NDArray[np.int64], chosen: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of chosen words, and as many rows of others with the same numbers of pieces.

    Args:
        pieces: Of each word (n,).
        chosen: Which words are asked about (n,).
        rng: Draws among those of which there are more.
    """
    mine, theirs = [], []
    for size in np.unique(pieces[chosen]):
        here, there = (np.flatnonzero((pieces == size) & side) for side in (chosen, ~chosen))
        count = min(len(here), len(there))
        mine.append(np.sort(rng.permutation(here)[:count]))
        theirs.append(np.sort(rng.permutation(there)[:count]))
    none = np.zeros(0, dtype=np.int64)
    return np.concatenate([none, *mine]), np.concatenate([none, *theirs])


def digest(example_id: str) -> int:
    """A document's hash: 64 bits of its id."""
    return int.from_bytes(sha256(example_id)[:8])


def generator(seed: int, example_id: str, what: str) -> np.random.Generator:
    """Of one document and question: nothing else that is asked changes what is drawn."""
    told = (zlib.crc32(text.encode("utf-8", "surrogatepass")) for text in (example_id, what))
    return np.random.default_rng([seed, *told])


def asked_once(
    bench: BenchView, arms: Sequence[str], questions: pd.DataFrame
) -> Iterator[pd.DataFrame]:
    """`bench.intervene`, arm by arm, where equal questions are put once.

    Yields:
        The same rows for each arm, with columns arm, predicted and probs.
    """
    keys = list(
        zip(
            questions["example_id"],
            questions["do"],
            map(tuple, questions["positions"]),
            strict=True,
        )
    )
    first: dict[tuple[Any, ...], int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    once = questions.iloc[list(first.values())][["example_id", "do", "positions"]]
    place = {key: at for at, key in enumerate(first)}
    bench.expect(len(arms) * len(once))
    for arm in arms:
        said = bench.intervene(arm, once.reset_index(drop=True))
        answers = said[["predicted", "probs"]].iloc[[place[key] for key in keys]]
        yield questions.assign(
            arm=arm, predicted=answers["predicted"].to_numpy(), probs=answers["probs"].to_numpy()
        )
