"""Documents as a report tells of them: what is left, which to show, and one layer by layer."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from auditkit.finding import Example, Measurement, segments
from auditkit.plugin.groups import class_name
from auditkit.plugin.rows import measurement
from auditkit.plugin.sentences import figure
from auditkit.stats.estimates import document_mean
from auditkit.trace import Documents, Trace

HARDEST, LONGEST = "pruned hardest: the fewest layers per token", "longest: the most tokens"

RIGHT: Mapping[str, tuple[bool, bool]] = {
    "right before and after": (True, True),
    "flipped from right to wrong": (True, False),
    "flipped from wrong to right": (False, True),
}
"""Whether what a model is compared with is right, and whether the model under audit is."""

CHOICES = (*RIGHT, HARDEST, LONGEST)
"""Why a document is shown."""

NO_TOKENS = "The documents hold no tokens but special ones, so there is nothing to prune."
"""The claim of a probe on such documents."""


def choose_documents(trace: Trace, size: int) -> list[tuple[str, str]]:
    """Example ids and why each is shown, class by class in turn, every reason in every class.

    Args:
        trace: The run.
        size: How many documents, at most.
    """
    documents = trace.documents
    kept, right = _kept(documents, trace.about.layers), _right(trace)
    classes = np.unique(documents.label)
    free = np.ones(len(documents), dtype=bool)
    chosen = []
    for slot in range(min(size, len(documents))):
        mine = free & (documents.label == classes[slot % len(classes)])
        pool = np.flatnonzero(mine if mine.any() else free)
        first = slot % len(classes) + slot // len(classes)  # every class meets every reason
        for turn in range(len(CHOICES)):
            why = CHOICES[(first + turn) % len(CHOICES)]
            row = _pick(pool, why, kept, documents.tokens, right)
            if row is not None:
                chosen.append((str(documents.ids[row]), why))
                free[row] = False
                break
    return chosen


def tokens_left(documents: Documents) -> str:
    """How many tokens a document has on average, and how many outlive all layers, as a clause.

    Such as `of 21.6 tokens that a document has on average, 3.2 outlive all 6 layers`.
    """
    layers = documents.kept.shape[1]
    every = "the layer" if layers == 1 else f"all {layers} layers"
    before, after = float(documents.pieces.mean()), float(documents.kept[:, -1].mean())
    return (
        f"of {figure(before, 1)} tokens that a document has on average, {figure(after, 1)} "
        f"outlive {every}"
    )


def token_counts(documents: Documents, at: Mapping[str, str | None]) -> list[Measurement]:
    """The numbers that `tokens_left` says, as measurements: tokens before, and after all layers."""
    counts = {"tokens": documents.pieces, "tokens_left": documents.kept[:, -1]}
    place = {key: value for key, value in at.items() if value is not None}
    return [
        measurement(name, document_mean(number.astype(np.float64)), "tokens", at=place)
        for name, number in counts.items()
    ]


def show_document(trace: Trace, example_id: str, title: str) -> Example:
    """One document with its words' survival, and what every arm said of it.

    Args:
        trace: The run.
        example_id: Which document.
        title: Printed above it.

    Raises:
        TraceError: There is no such document.
    """
    documents, labels = trace.documents, trace.about.labels
    row = documents.row_of(example_id)
    facts = [("gold label", class_name(labels, int(documents.label[row])))]
    for arm in trace.about.arms:
        answers = documents.answers(arm)
        if answers is not None and row in answers.rows:
            at = int(np.searchsorted(answers.rows, row))
            predicted = int(answers.predicted[at, 0])
            probability = float(answers.probs[at, 0, predicted])
            facts.append((arm, f"{class_name(labels, predicted)} ({probability:.2f})"))
    facts.append(("tokens", str(documents.tokens[row])))
    if documents.truncated[row]:
        facts.append(("truncated", "the text goes on past what the models read"))
    (text,) = next(trace.scan("texts", ["text"], ids=[example_id]))["text"]
    words, pieces = (
        next(trace.scan(table, ["char_start", "char_end", "depth"], ids=[example_id]))
        for table in ("words", "tokens")
    )
    alive = documents.kept[row] + documents.special_kept[row]
    return Example(
        example_id=example_id,
        title=title,
        segments=segments(
            text,
            words.itertuples(index=False, name=None),
            pieces.itertuples(index=False, name=None),
        ),
        alive=tuple(map(int, alive)),
        facts=tuple(facts),
    )


def _kept(documents: Documents, layers: int) -> NDArray[np.float64]:
    """Mean depth over L of each document's pieces (n,); 1 where it has none."""
    outlived = documents.kept.sum(axis=1, dtype=np.int64) / layers
    pieces = documents.pieces
    share: NDArray[np.float64] = np.ones(len(documents))
    np.divide(outlived, pieces, out=share, where=pieces > 0)
    return share


def _right(trace: Trace) -> NDArray[np.int8]:
    """(n, 2): whether each side of `RIGHT` is right, 1 or 0; -1 where it was not asked."""
    about, documents = trace.about, trace.documents
    found = np.full((len(documents), 2), -1, dtype=np.int8)
    others = about.in_role("reference") or about.unpruned
    for side, arms in enumerate((others, about.in_role("audited"))):
        answers = documents.answers(arms[0]) if arms else None
        if answers is not None:
            hits = answers.predicted[:, 0] == documents.label[answers.rows]
            found[answers.rows, side] = hits
    return found


def _pick(
    pool: NDArray[np.int64],
    why: str,
    kept: NDArray[np.float64],
    tokens: NDArray[np.int64],
    right: NDArray[np.int8],
) -> int | None:
    """The row of `pool` that shows `why` best, the first of equals; None if none does.

    Of those that are right, or flipped, the one that is pruned as hard as most of them.
    """
    if why in RIGHT:
        pool = pool[(right[pool] == RIGHT[why]).all(axis=1)]
        if len(pool) == 0:
            return None
    mine = kept[pool]
    score = {HARDEST: mine, LONGEST: -tokens[pool]}.get(why, np.abs(mine - np.median(mine)))
    return int(pool[score.argmin()])
