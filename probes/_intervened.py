"""Terms kept, dropped or left unread, and random words of the same documents beside them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from auditkit.plugin import BenchView
from auditkit.probes._matching import TermOf
from auditkit.probes._measured import ANSWER, HOLDER
from auditkit.probes._others import digest

DOINGS = ("keep", "drop", "mask")
"""What is done to words, as `BenchView.intervene` has it."""

THE_TERMS = -1
"""The draw of what is done to the terms themselves; draws of random words count from 0."""


def interventions(
    bench: BenchView, terms: pd.DataFrame, *, top: int, most: int, draws: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the pruned model says where something is done to a document's terms, or to other words.

    Meant are the terms of a document's own class, and those of every class. All of a document's
    are kept, dropped or left unread at once; then, `draws` times, as many random words that are
    terms of no class.

    Args:
        bench: The models.
        terms: The term list.
        top: Found terms per class at most, highest z first; of the glossary all are taken.
        most: Documents at most: those whose ids have the lowest hashes.
        draws: Draws of random words, each from the document's id alone.

    Returns:
        Documents that hold such a term, with columns `HOLDER`; answers, with columns `ANSWER`, of
        those that were chosen and have enough other words.
    """
    meant = TermOf.of(_strongest(terms, top), own=True)
    any_term = TermOf.of(terms, own=False)
    held = [words.loc[meant(words) != ""].groupby("example_id").size() for words in _words(bench)]
    holders = pd.concat(held).rename("words").rename_axis("example_id").reset_index()[list(HOLDER)]
    chosen = sorted(holders["example_id"], key=lambda name: (digest(name), name))[:most]
    asked = [
        question
        for words, tokens in zip(
            _words(bench, chosen),
            bench.scan("tokens", ["example_id", "position", "word"], chosen),
            strict=True,
        )
        for question in _questions(
            words.assign(term=meant(words) != "", free=any_term(words) == ""),
            tokens, bench.about.seed, draws,
        )
    ]  # fmt: skip
    if not asked:
        return holders, pd.DataFrame(columns=list(ANSWER))
    answers = bench.intervene(str(bench.about.depths_of), pd.DataFrame(asked))
    documents = bench.documents
    gold = documents.label[documents.rows_of(answers["example_id"])]
    probs = np.stack(answers["probs"].to_list())
    return holders, answers.assign(p_gold=probs[np.arange(len(gold)), gold])[list(ANSWER)]


def as_many(sizes: Sequence[int], free: Mapping[int, int], rng: np.random.Generator) -> list[int]:
    """One random word for each of `sizes`, of as many pieces, or where none is left of the nearest.

    Args:
        sizes: Pieces of the words to stand beside.
        free: Pieces of the words to choose from, by word; at least as many as `sizes`.
        rng: Decides among those that do equally well.
    """
    left, chosen = [list(free)[at] for at in rng.permutation(len(free))], []
    for size in sorted(sizes, reverse=True):  # words of many pieces are rare: they choose first
        chosen.append(min(left, key=lambda word: abs(free[word] - size)))
        left.remove(chosen[-1])
    return chosen


def _strongest(terms: pd.DataFrame, top: int) -> pd.DataFrame:
    """The `top` found terms of each class, and all of the glossary."""
    given = terms["source"] == "glossary"
    ranked = terms[~given].sort_values(["z", "term"], ascending=[False, True])
    return pd.concat([ranked.groupby(["label", "fold"]).head(top), terms[given]])


def _words(bench: BenchView, ids: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
    """What `TermOf` reads of the words, shard by shard, and which word of its document each is."""
    for words in bench.scan("words", ["document", "example_id", "word", "lower"], ids):
        yield words.assign(label=bench.documents.label[words["document"]])


def _questions(
    words: pd.DataFrame, tokens: pd.DataFrame, seed: int, draws: int
) -> Iterator[dict[str, Any]]:
    """What to ask of a shard's documents, in the order of `ANSWER`'s do and draw.

    Args:
        words: With columns term and free: whether the word is one of the terms that are meant, and
            whether it may stand beside them.
        tokens: Of the same documents.
        seed: Of the run.
        draws: Draws of random words.
    """
    tokens_of = dict(iter(tokens.groupby("example_id")))
    for example_id, own in words.groupby("example_id"):
        places = {
            word: where.to_list()
            for word, where in tokens_of[example_id].groupby("word")["position"]
        }
        terms = own.loc[own["term"], "word"].to_list()
        free = {word: len(places[word]) for word in own.loc[own["free"], "word"]}
        if len(free) < len(terms):
            continue
        sizes = [len(places[word]) for word in terms]
        rngs = {d: np.random.default_rng([seed, d, digest(str(example_id))]) for d in range(draws)}
        meant = {THE_TERMS: terms, **{d: as_many(sizes, free, rng) for d, rng in rngs.items()}}
        for do in DOINGS:
            for draw, chosen in meant.items():
                where = sorted(place for word in chosen for place in places[word])
                yield {
                    "example_id": example_id, "do": do, "draw": draw, "positions": where,
                    "pieces": len(where),
                }  # fmt: skip
