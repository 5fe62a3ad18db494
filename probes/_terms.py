"""Domain terms: how they are found in class counts, and where they stand in the words."""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import BenchView

GLOSSARY = -1
"""The class of glossary terms: they are terms in every class."""

ANY_FOLD = -1
"""The fold of terms that are measured on all documents."""

DOMAIN = "domain terms"
KINDS = (DOMAIN, "other words")
"""What words of terms, and all others, are called."""

READS = ("example_id", "label", "lower")
"""The columns that `TermOf` reads."""

SHOWN_Z = 1.96
UNSEEN = 1e-9
"""Relative frequency in general English of a word that `wordfreq` does not know."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_POSSESSIVE = re.compile(r"['’]s$")
_PIECE = re.compile(r"\w+|[^\w\s]")

COLUMNS = ["term", "label", "source", "z", "weirdness", "fold"]


def term_list(bench: BenchView, *, top: int, min_count: int) -> pd.DataFrame:
    """The terms to audit: columns `COLUMNS`, the glossary last.

    With training words terms are found there. Without, each half of the audited documents is
    measured with the terms of the other half, so that no term is found and measured on one text;
    in half of the words half of `min_count` makes a term (a z needs no such scaling).
    """
    training = bench.training_words()
    if training is not None:
        found = [class_terms(training, ANY_FOLD, top=top, min_count=min_count)]
    else:
        halves = _counts(bench)
        found = [
            class_terms(halves[1 - fold], fold, top=top, min_count=_of_half(min_count))
            for fold in (0, 1)
        ]
    glossary = sorted({" ".join(term.lower().split()) for term in bench.glossary} - {""})
    found.append(
        pd.DataFrame(
            [(term, GLOSSARY, "glossary", np.nan, np.nan, ANY_FOLD) for term in glossary],
            columns=COLUMNS,
        )
    )
    frame = pd.concat([f for f in found if len(f)] or found[:1], ignore_index=True)
    return frame.astype({"label": "int64", "fold": "int64", "z": "float64", "weirdness": "float64"})


def cross_fitted(terms: pd.DataFrame, min_count: int) -> str:
    """What to bear in mind of terms that halves were measured with; "" where there are none."""
    if (terms["fold"] == ANY_FOLD).all():
        return ""
    return (
        "There were no training words: terms found on one half of the audited documents were "
        "measured on the other half. Half of the words hold half of the occurrences, so that "
        f"{_of_half(min_count)} in a class make a term there instead of {min_count}."
    )


def fold_of(example_id: str) -> int:
    """The half, 0 or 1, that a document belongs to: a function of its id alone."""
    return zlib.crc32(example_id.encode("utf-8", "surrogatepass")) & 1


def class_terms(counts: pd.DataFrame, fold: int, *, top: int, min_count: int) -> pd.DataFrame:
    """Words that mark each class: log-odds above chance, and rarer in general English.

    Args:
        counts: Columns label, lower, count.
        fold: What to write into the column `fold`.
        top: Terms per class at most, highest z first.
        min_count: Occurrences in the class below which a word is no term.

    Returns:
        Columns `COLUMNS`. Only alphabetic words of two letters and more that are no stop words.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
    from wordfreq import word_frequency

    table = counts.pivot_table(index="lower", columns="label", values="count", aggfunc="sum")
    table = table.fillna(0).sort_index()  # (words, classes)
    z = log_odds_z(table.to_numpy(dtype=np.float64))
    share = table / table.sum()
    rows = []
    for c, label in enumerate(table.columns):
        often = table[label].to_numpy() >= min_count
        taken = 0
        for i in np.lexsort((np.arange(len(table)), -z[:, c])):
            word = str(table.index[i])
            if taken == top or z[i, c] < SHOWN_Z:
                break
            if not often[i] or len(word) < 2 or not word.isalpha() or word in ENGLISH_STOP_WORDS:
                continue
            weirdness = float(share[label].iloc[i]) / word_frequency(word, "en", minimum=UNSEEN)
            if weirdness > 1:
                rows.append((word, int(label), "log_odds", float(z[i, c]), weirdness, fold))
                taken += 1
    return pd.DataFrame(rows, columns=COLUMNS)


def log_odds_z(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The z of every word's log-odds ratio, each class against all others together.

    Informative Dirichlet prior with the counts of the pooled corpus (Monroe, Colaresi & Quinn 2008,
    "Fightin' Words", equations 15, 16, 20 and 22). Where a class with the share s of all words uses
    a word as the others do, the log-odds has the variance of its binomial count carried through the
    logarithms, s(1−s)·3 / ((1+s)(2−s)) times the posterior variance that their z divides by: the
    prior counts as data there. z is divided by the root of that factor (.58, .51, .36, .26 at 2, 4,
    10, 20 classes of one size), so that its standard deviation is then 1. No smaller prior does
    that for rare words: at 20 occurrences in 20 classes none comes above .85.

    Args:
        counts: Occurrences (words, classes), every class with some.

    Returns:
        z (words, classes); zeros where there is one class only.
    """
    if counts.shape[1] < 2:
        return np.zeros(counts.shape)
    prior = counts.sum(axis=1, keepdims=True)  # (words, 1)
    inside = counts + prior
    outside = prior - counts + prior
    odds = np.log(inside / (inside.sum(axis=0) - inside))
    odds -= np.log(outside / (outside.sum(axis=0) - outside))
    share = counts.sum(axis=0) / counts.sum()  # (classes,)
    factor = 3 * share * (1 - share) / ((1 + share) * (2 - share))
    return np.asarray(odds / np.sqrt((1 / inside + 1 / outside) * factor))


def _of_half(min_count: int) -> int:
    """Occurrences in half of the words that stand for `min_count` in all of them."""
    return (min_count + 1) // 2


def _counts(bench: BenchView) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Columns label, lower, count of the words of either half of the audited documents."""
    documents = bench.documents
    counted: tuple[Counter[tuple[int, str]], ...] = (Counter(), Counter())
    for example_id, text in bench.texts(list(documents.ids)):
        label = int(documents.label[documents.row_of(example_id)])
        words = (_POSSESSIVE.sub("", word) for word in _WORD.findall(text.lower()))
        counted[fold_of(example_id)].update((label, word) for word in words)
    one, other = (
        pd.DataFrame(
            [(label, word, count) for (label, word), count in sorted(half.items())],
            columns=["label", "lower", "count"],
        )
        for half in counted
    )
    return one, other


@dataclass(frozen=True, slots=True)
class TermOf:
    """A rule for `word_cells`, which reads `READS`: the term that each word belongs to."""

    listed: tuple[tuple[str, int, int], ...]
    """Term, class and fold."""
    own: bool
    """Only terms of the class of the word's document, and of the glossary."""
    kinds: tuple[str, str] | None = None
    """What words of terms, and all others, are called; None: by the term, and ""."""

    @classmethod
    def of(cls, terms: pd.DataFrame, **options: Any) -> "TermOf":
        """The rule for a list with columns `COLUMNS`."""
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
            if of_fold in (fold, ANY_FOLD) and (not self.own or of_class in (label, GLOSSARY))
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
