"""Where domain terms stand in the words of a run."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.probes._terms import ANY_FOLD, EVERY_CLASS, fold_of

DOMAIN = "domain terms"
KINDS = (DOMAIN, "other words")
"""What words of terms, and all others, are called."""

READS = ("example_id", "label", "lower")
"""The columns that `TermOf` reads."""

_PIECE = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class TermOf:
    """A rule for `word_cells`, which reads `READS`: the term that each word belongs to."""

    listed: tuple[tuple[str, int, int], ...]
    """Term, class and fold."""
    own: bool
    """Only terms of the class of the word's document, and of every class."""
    kinds: tuple[str, str] | None = None
    """What words of terms, and all others, are called; None: by the term, and ""."""

    @classmethod
    def of(cls, terms: pd.DataFrame, **options: Any) -> "TermOf":
        """The rule for a list with columns `TERM`."""
        rows = terms[["term", "label", "fold"]].itertuples(index=False)
        return cls(tuple((str(t), int(label), int(fold)) for t, label, fold in rows), **options)

    def __call__(self, words: pd.DataFrame) -> NDArray[np.object_]:
        """The category of each word."""
        lower = words["lower"].to_numpy(dtype=object)
        document, ids = words["example_id"].factorize()
        fold = np.array([fold_of(str(i)) for i in ids], dtype=np.int64)[document]
        label = words["label"].to_numpy() if self.own else np.zeros(len(words), dtype=np.int64)
        found = np.full(len(words), "", dtype=object)
        for half in (0, 1):
            for value in np.unique(label[fold == half]):
                mine = np.flatnonzero((fold == half) & (label == value))
                found[mine] = match(lower[mine], document[mine], self._terms(half, int(value)))
        if self.kinds is None:
            return found
        return np.where(found != "", *self.kinds).astype(object)

    def _terms(self, fold: int, label: int) -> list[str]:
        return [
            term
            for term, of_class, of_fold in self.listed
            if of_fold in (fold, ANY_FOLD) and (not self.own or of_class in (label, EVERY_CLASS))
        ]


def match(
    lower: NDArray[np.object_], document: NDArray[np.int64], terms: Iterable[str]
) -> NDArray[np.object_]:
    """The term that each word belongs to, "" for none.

    Args:
        lower: Words in the order of the text (words,).
        document: Document of each word (words,): no term reaches from one into the next.
        terms: Words and phrases, in lower case. Where two stand on one word the longer one counts.
    """
    phrases: dict[tuple[str, ...], str] = {}
    for term in terms:
        for parts in (tuple(term.split()), tuple(_PIECE.findall(term))):
            if parts:
                phrases.setdefault(parts, term)
    single = {parts[0]: term for parts, term in phrases.items() if len(parts) == 1}
    found = np.array([single.get(word, "") for word in lower], dtype=object)
    longer = sorted((p for p in phrases if len(p) > 1), key=lambda p: (len(p), p))
    if longer:
        starts = _positions(lower, {p[0] for p in longer})
        for parts in longer:
            for start in starts.get(parts[0], ()):
                end = start + len(parts)
                whole = tuple(lower[start:end]) == parts
                if whole and document[start] == document[end - 1]:
                    found[start:end] = phrases[parts]
    return found


def _positions(
    lower: Sequence[str] | NDArray[np.object_], wanted: set[str]
) -> dict[str, list[int]]:
    """Where each wanted word stands."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(lower):
        if word in wanted:
            places.setdefault(word, []).append(place)
    return places
