"""Words as a reader knows them: whatever their case, numbers and years grouped, no punctuation."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import Shard

NUMBER, YEAR = "(number)", "(year)"

_YEAR = re.compile(r"(1[5-9]|20)\d\d")
_NUMBER = re.compile(r"[+\-−]?[$€£]?\d[\d.,:/\-]*(st|nd|rd|th|s|%)?")


def reader_words(lower: Iterable[str]) -> list[str]:
    """Each word as it is counted; "" for one without a letter or digit."""
    known: dict[str, str] = {}
    return [known.setdefault(word, _word(word)) for word in lower]


def _word(lower: str) -> str:
    word = lower.casefold()
    if not any(sign.isalnum() for sign in word) or word[0] in "'’":  # the 's of a possessive
        return ""
    if _YEAR.fullmatch(word):
        return YEAR
    return NUMBER if _NUMBER.fullmatch(word) else word


@dataclass(frozen=True, slots=True)
class CountTerms:
    """A step of `Trace.fold`: how often each word occurs."""

    def __call__(self, shard: Shard) -> pd.DataFrame:
        """Columns term and words."""
        terms = pd.Series(reader_words(shard.table("words", ["lower"])["lower"]), dtype=object)
        counts = terms[terms != ""].value_counts(sort=False)
        return pd.DataFrame(
            {"term": counts.index.astype(object), "words": counts.to_numpy(dtype=np.int64)}
        )


@dataclass(frozen=True, slots=True)
class ReaderWord:
    """A rule for `word_cells`: each word's own, if it is one that is told of."""

    told: tuple[str, ...]

    def __call__(self, words: pd.DataFrame) -> NDArray[Any]:
        """The category of each word."""
        told = frozenset(self.told)
        found = [word if word in told else "" for word in reader_words(words["lower"])]
        return np.array(found, dtype=object)
