"""Retention of runs at equal shares of tokens alive, whatever their layers and thresholds.

A rate after the reference layer depends on how much was dropped by then. Between the two layers
that have a share of all pieces alive above and below the asked one, what is kept of a document is
taken in proportion: rates stay ratios of document sums.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import word_cells
from auditkit.stats.cells import WordCells
from auditkit.stats.estimates import Estimate
from auditkit.stats.inclusion import inclusion_probability
from auditkit.stats.rates import ratio_of_sums
from auditkit.trace import Trace

SHARES = (0.5, 0.25)
"""Of all pieces alive."""
STOP, NAMED = "stop words", "words of entities"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AtShare:
    """A category where a share of all pieces is alive."""

    rate: Estimate
    lift: Estimate
    """Over random keeping of as many pieces a document."""


def upos(words: pd.DataFrame) -> NDArray[Any]:
    """A rule for `word_cells`: parts of speech."""
    return words["upos"].to_numpy(dtype=object)


def stop_word(words: pd.DataFrame) -> NDArray[Any]:
    """A rule for `word_cells`: stop words."""
    return np.where(words["is_stop"], STOP, "").astype(object)


def of_entity(words: pd.DataFrame) -> NDArray[Any]:
    """A rule for `word_cells`: words inside of entities."""
    return np.where(words["entity"] != "", NAMED, "").astype(object)


RULES = ((upos, "upos"), (stop_word, "is_stop"), (of_entity, "entity"))


def at_shares(trace: Trace) -> Mapping[tuple[str, float], AtShare]:
    """By category and share of pieces alive; shares that no layer comes down to are left out."""
    return {
        (name, share): found
        for rule, column in RULES
        for name, share, found in _of_rule(word_cells(trace, rule, [column], others=False))
    }


def _of_rule(cells: WordCells) -> Iterator[tuple[str, float, AtShare]]:
    alive = np.concatenate([[1.0], cells.kept.sum(0) / max(1, int(cells.total.sum()))])  # (L + 1,)
    for share in SHARES:
        after = int(np.argmax(alive <= share))
        if alive[after] > share:
            continue  # no layer comes down to it
        weight = (alive[after - 1] - share) / (alive[after - 1] - alive[after])
        before = _kept(cells, after - 1)
        kept, chance, there = (
            (1 - weight) * one + weight * other
            for one, other in zip(before, _kept(cells, after), strict=True)
        )
        for c, name in enumerate(cells.names):
            rate = ratio_of_sums(kept[:, c], there[:, c], bounds=(0, 1))
            lift = ratio_of_sums(kept[:, c], chance[:, c], bounds=(0, np.inf))
            yield name, share, AtShare(rate, lift)


def _kept(cells: WordCells, layer: int) -> tuple[Floats, Floats, Floats]:
    """Words kept after a layer, expected by chance, and there, (documents, C) each; 0: before."""
    inside = cells.category >= 0
    document, size = cells.document[inside].astype(np.int64), len(cells.names)
    words, depth = cells.words[inside].astype(np.float64), cells.depth[inside]
    pieces = cells.total if layer == 0 else cells.kept[:, layer - 1]
    chance = inclusion_probability(cells.total[document], pieces[document], cells.pieces[inside])
    at, documents = document * size + cells.category[inside], len(cells.total)
    first, second, third = (
        np.bincount(at, w, documents * size).astype(np.float64).reshape(documents, size)
        for w in (words * (depth >= layer), words * chance, words)
    )
    return first, second, third
