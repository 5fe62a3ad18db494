"""Domain terms: how they are found in class counts."""

import re
import zlib
from collections import Counter
from collections.abc import Callable, Container
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import About, BenchView
from auditkit.probes._measured import TERM

EVERY_CLASS = -1
"""The class of glossary terms that name none: they are terms in every class."""

GLOSSARY = "glossary"
"""The source of terms that the user supplied."""

ANY_FOLD = -1
"""The fold of terms that are measured on all documents."""

SHOWN_Z = 1.96
UNSEEN = 1e-9
"""Relative frequency in a language at large of a word that `wordfreq` does not know."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_POSSESSIVE = re.compile(r"['’]s$")

ONE_IN, FEWEST, MOST = 1000, 3, 10
"""Where nothing else is asked for: a term is one in so many words of its class, within these."""


def term_list(bench: BenchView, *, top: int, min_count: int | None) -> pd.DataFrame:
    """The terms to audit: columns `TERM`, the glossary last.

    With training words terms are found there. Without, each half of the audited documents is
    measured with the terms of the other half, so that no term is found and measured on one text.
    """
    terms_of = partial(
        class_terms, top=top, stop_words=bench.stop_words, language=bench.about.annotator.language
    )
    training = bench.training_words()
    if training is not None:
        found = [terms_of(training, ANY_FOLD, min_count=min_count)]
    else:
        halves = _counts(bench)
        found = [
            terms_of(halves[1 - fold], fold, min_count=min_count, share=0.5) for fold in (0, 1)
        ]
    given = {(" ".join(one.term.lower().split()), one.label) for one in bench.glossary}
    found.append(
        pd.DataFrame(
            [
                (term, EVERY_CLASS if label is None else label, GLOSSARY, np.nan, np.nan, ANY_FOLD)
                for term, label in sorted(given, key=lambda one: (one[0], one[1] or 0))
                if term
            ],
            columns=list(TERM),
        )
    )
    frame = pd.concat([f for f in found if len(f)] or found[:1], ignore_index=True)
    return frame.astype({"label": "int64", "fold": "int64", "z": "float64", "weirdness": "float64"})


def cross_fitted(terms: pd.DataFrame) -> str:
    """What to bear in mind of terms that halves were measured with; "" where there are none."""
    if (terms["fold"] == ANY_FOLD).all():
        return ""
    return (
        "There were no training words: terms found on one half of the audited documents were "
        "measured on the other half. Half of the words hold half of the occurrences, so that half "
        "as many make a term there."
    )


def known_texts(about: About) -> list[str]:
    """How many documents stand in the training file too; nothing where none does."""
    known = about.training_data.audited if about.training_data else 0
    told = (
        f"{known:,} of the {about.dataset.audited:,} documents stand in the training file too: "
        "terms were found in them and measured on them."
    )
    return [told] if known else []


def fold_of(example_id: str) -> int:
    """The half, 0 or 1, that a document belongs to: a function of its id alone."""
    return zlib.crc32(example_id.encode("utf-8", "surrogatepass")) & 1


def class_terms(
    counts: pd.DataFrame,
    fold: int,
    *,
    top: int,
    min_count: int | None,
    share: float = 1.0,
    stop_words: Container[str],
    language: str,
) -> pd.DataFrame:
    """Words that mark each class: log-odds above chance, and rarer in the language at large.

    The second is the weirdness of Ahmad, Gillam & Tostevin 1999.

    Args:
        counts: Columns label, lower, count.
        fold: What to write into the column `fold`.
        top: Terms per class at most, highest z first.
        min_count: Occurrences in the class, in all of the words, below which a word is no term;
            None: as many as `ONE_IN` says.
        share: Which share of all the words is counted here; of `min_count` it takes as much.
        stop_words: Words that are no terms.
        language: Its code; where `wordfreq` does not know it weirdness is NaN and decides nothing.

    Returns:
        Columns `TERM`. Only alphabetic words of two letters and more that are no stop words.
    """
    at_large = _frequency(language)
    table = counts.pivot_table(index="lower", columns="label", values="count", aggfunc="sum")
    table = table.fillna(0).sort_index()  # (words, classes)
    z = log_odds_z(table.to_numpy(dtype=np.float64))
    words = table.sum()
    frequency = table / words
    rows = []
    for c, label in enumerate(table.columns):
        scaled = np.clip(words[label] / share / ONE_IN, FEWEST, MOST)
        often = table[label].to_numpy() >= np.ceil((min_count or scaled) * share)
        taken = 0
        for i in np.lexsort((np.arange(len(table)), -z[:, c])):
            word = str(table.index[i])
            if taken == top or z[i, c] < SHOWN_Z:
                break
            if not often[i] or len(word) < 2 or not word.isalpha() or word in stop_words:
                continue
            weirdness = float(frequency[label].iloc[i]) / at_large(word)
            if not weirdness <= 1:  # NaN decides nothing
                rows.append((word, int(label), "log_odds", float(z[i, c]), weirdness, fold))
                taken += 1
    return pd.DataFrame(rows, columns=list(TERM))


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


def _frequency(language: str) -> Callable[[str], float]:
    """The relative frequency of a word in the language at large; NaN where it is not known."""
    from wordfreq import word_frequency

    try:
        word_frequency("a", language)
    except (LookupError, ValueError, ImportError):  # no such list, or no splitter of its words
        return lambda word: np.nan
    return lambda word: float(word_frequency(word, language, minimum=UNSEEN))


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
