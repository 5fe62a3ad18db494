"""Texts as they may come: with slips of the pen, other case, other signs, words more or less.

Each way keeps what a text says. What it does follows from the document's id, so that no document
changes what is done to another.
"""

import re
from collections.abc import Callable, Mapping

import numpy as np

Rng = np.random.Generator
Change = Callable[[str, Rng], str]

SHARE = 0.1
"""Of the words that can be changed; one at least."""

_WORD = re.compile(r"[^\W\d_]{4,}")
_LETTER = re.compile(r"[aceopxyACEHKMOPTX]")
_ALIKE = dict(
    zip(
        "aceopxyACEHKMOPTX",
        "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0410\u0421\u0415\u041d\u041a\u041c\u041e\u0420\u0422\u0425",
        strict=True,
    )
)
"""Latin letters and the Cyrillic ones that look like them."""
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {
    key: row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    for row in _ROWS
    for at, key in enumerate(row)
}
"""The keys beside a key."""
_SHORT = {
    "is not": "isn't", "are not": "aren't", "was not": "wasn't", "were not": "weren't",
    "do not": "don't", "does not": "doesn't", "did not": "didn't", "will not": "won't",
    "would not": "wouldn't", "could not": "couldn't", "should not": "shouldn't",
    "has not": "hasn't", "have not": "haven't", "had not": "hadn't", "cannot": "can't",
}  # fmt: skip
_LONG = {short: long for long, short in _SHORT.items()}
_NEGATED = re.compile("|".join(map(re.escape, {**_SHORT, **_LONG})), re.IGNORECASE)
_BEFORE = ("For what it is worth, ", "To put it briefly: ", "Just to say it, ")
_AFTER = (" That is all there is to say.", " So much for that.", " And that was it.")


def _in_words(text: str, rng: Rng, change: Callable[[str, Rng], str]) -> str:
    """A share of the longer words changed, one by one."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    count = max(1, round(SHARE * len(words)))
    chosen = sorted(rng.permutation(len(words))[:count], reverse=True)
    for at in chosen:
        start, end = words[at].span()
        text = text[:start] + change(text[start:end], rng) + text[end:]
    return text


def _swapped(word: str, rng: Rng) -> str:
    at = int(rng.integers(1, len(word) - 1))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _dropped(word: str, rng: Rng) -> str:
    at = int(rng.integers(1, len(word)))
    return word[:at] + word[at + 1 :]


def _doubled(word: str, rng: Rng) -> str:
    at = int(rng.integers(1, len(word)))
    return word[:at] + word[at] + word[at:]


def _beside(word: str, rng: Rng) -> str:
    at = int(rng.integers(1, len(word)))
    keys = _BESIDE.get(word[at], word[at])
    return word[:at] + keys[int(rng.integers(len(keys)))] + word[at + 1 :]


def _look_alike(word: str, rng: Rng) -> str:
    return _LETTER.sub(lambda found: _ALIKE[found[0]], word)


def _negations(text: str, rng: Rng) -> str:
    def other(found: re.Match[str]) -> str:
        word = found[0].lower()
        turned = _SHORT.get(word) or _LONG[word]
        return turned.capitalize() if found[0][0].isupper() else turned

    return _NEGATED.sub(other, text)


def _half(text: str, rng: Rng) -> str:
    words = text.split()
    return " ".join(words[: max(1, (3 * len(words)) // 4)])


PERTURBATIONS: Mapping[str, Change] = {
    "letters swapped": lambda text, rng: _in_words(text, rng, _swapped),
    "letters left out": lambda text, rng: _in_words(text, rng, _dropped),
    "letters doubled": lambda text, rng: _in_words(text, rng, _doubled),
    "keys beside": lambda text, rng: _in_words(text, rng, _beside),
    "look-alike letters": lambda text, rng: _in_words(text, rng, _look_alike),
    "lower case": lambda text, rng: text.lower(),
    "upper case": lambda text, rng: text.upper(),
    "title case": lambda text, rng: re.sub(r"\b[^\W\d_]", lambda m: m[0].upper(), text),
    "negations written otherwise": _negations,
    "neutral words before": lambda text, rng: _BEFORE[int(rng.integers(len(_BEFORE)))] + text,
    "neutral words after": lambda text, rng: text + _AFTER[int(rng.integers(len(_AFTER)))],
    "wider spaces": lambda text, rng: re.sub(r" ", "  ", text),
    "no punctuation": lambda text, rng: " ".join(re.sub(r"[^\w\s]|_", " ", text).split()),
    "the last quarter cut": _half,
}
