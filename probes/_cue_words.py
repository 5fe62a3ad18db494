"""Superficial cues: which words they are."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

STOP, PUNCTUATION, FIRST, LAST, SOURCE = CATEGORIES = (
    "stop words", "punctuation", "first words", "last words", "sources",
)  # fmt: skip


def cues_of(words: pd.DataFrame, edge: int, sources: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """Which words of a document are which cue, (n,) each; a word may be several.

    Args:
        words: In the order of the text: text, is_stop, upos.
        edge: How many count as the first, and as the last.
        sources: Words that name where a text comes from, as they are written.
    """
    text = words["text"].tolist()
    signs = np.array([not any(sign.isalnum() for sign in word) for word in text], dtype=bool)
    place = np.cumsum(~signs)  # of words that are no signs, from 1
    count = int(place[-1]) if len(place) else 0
    named = np.isin(np.array(text, dtype=object), list(sources))
    return {
        STOP: words["is_stop"].to_numpy(dtype=bool) & ~signs,
        PUNCTUATION: signs,
        FIRST: ~signs & (place <= edge),
        LAST: ~signs & (place > count - edge),
        SOURCE: named,
    }
