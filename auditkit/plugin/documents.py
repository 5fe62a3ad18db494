"""Documents as a report tells of them: what is left, which to show, and one layer by layer."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.finding import Example, Measurement, Segment, kind_of, segments, weighted
from auditkit.plugin.groups import class_name, classes_of
from auditkit.plugin.rows import measurement
from auditkit.plugin.sentences import figure
from auditkit.stats.estimates import document_mean
from auditkit.trace import NO_LABEL, About, Documents, Trace

RIGHT, LOST, WON, OTHERWISE, HARDEST, LONGEST = CHOICES = (
    "right with and without pruning", "right to wrong", "wrong to right",
    "answered otherwise", "pruned hardest", "longest",
)  # fmt: skip
"""Why a document is shown: what became of the answer of the baseline, or of the same weights
unpruned where there is none, or what is special about the document. Without labels nothing is said
of right and wrong; with them nothing of an answer that is merely another."""

NO_TOKENS = "The documents hold no tokens but special ones, so there is nothing to prune."
"""The claim of a probe on such documents."""

_SPAN = ["char_start", "char_end", "depth"]


def choose_documents(trace: Trace, size: int) -> list[tuple[str, str]]:
    """Example ids and why each is shown: class by class in turn, for the reason shown least so far.

    Args:
        trace: The run.
        size: How many documents, at most.
    """
    documents = trace.documents
    kept, before, now = _kept(documents, trace.about.layers), *_right(trace)
    fits = dict.fromkeys((RIGHT, LOST, WON, OTHERWISE), np.zeros(len(documents), dtype=bool))
    if trace.about.dataset.labelled:
        fits |= {RIGHT: before & now, LOST: before & ~now, WON: ~before & now}
    else:
        fits[OTHERWISE] = before != now
    classes = classes_of(documents) or [NO_LABEL]
    free = np.ones(len(documents), dtype=bool)
    chosen: list[tuple[str, str]] = []
    shown: Counter[str] = Counter()
    of_class: Counter[tuple[int, str]] = Counter()
    for slot in range(min(size, len(documents))):
        label = classes[slot % len(classes)]
        mine = free & (documents.label == label)
        pool = np.flatnonzero(mine if mine.any() else free)
        for why in sorted(CHOICES, key=lambda why: (of_class[label, why], shown[why])):
            row = _pick(pool[fits[why][pool]] if why in fits else pool, why, kept, documents.tokens)
            if row is not None:
                chosen.append((str(documents.ids[row]), why))
                shown[why] += 1
                of_class[label, why] += 1
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


def show_document(
    trace: Trace, example_id: str, title: str, attributions: Mapping[int, float] | None = None
) -> Example:
    """One document with its words' survival, and what every arm said of it.

    Args:
        trace: The run.
        example_id: Which document.
        title: Printed above it.
        attributions: Of its tokens by position, to be seen beside their survival; None: of none.

    Raises:
        TraceError: There is no such document.
    """
    about, documents = trace.about, trace.documents
    row = documents.row_of(example_id)
    gold = int(documents.label[row])
    said = {arm: _said(documents, arm, row) for arm in about.arms}
    facts = [
        (arm, f"{class_name(about.labels, one[0])} ({one[1]:.2f})")
        for arm, one in said.items()
        if one
    ]
    if documents.truncated[row]:
        facts.append(("truncated", "the text goes on past what the models read"))
    compared = [said[arm] for arm in _compared(about)]
    answers = [one[0] for one in compared if one]
    (text,) = next(trace.scan("texts", ["text"], ids=[example_id]))["text"]
    words = next(
        trace.scan("words", [*_SPAN, "upos", "is_stop", "entity"], ids=[example_id])
    ).itertuples(index=False)
    laid = [(word[:3], kind_of(*word[3:])) for word in words]
    tokens = next(
        trace.scan("tokens", [*_SPAN, "position", "token_id", "special"], ids=[example_id])
    ).sort_values("position")
    before: tuple[Segment, ...] = ()
    after: tuple[Segment, ...] = ()
    alive: tuple[int, ...] = ()
    if about.depths_of:  # else no layer is told of
        before, after = _special(tokens, about.special_tokens)
        alive = tuple(map(int, documents.kept[row] + documents.special_kept[row]))
    shown = segments(
        text,
        [span for span, _ in laid],
        tokens[_SPAN].itertuples(index=False, name=None),
        {span[0]: kind for span, kind in laid},
    )
    if attributions is not None:
        pieces = tokens[~tokens["special"]]
        ends = zip(pieces["char_end"].tolist(), pieces["position"].tolist(), strict=True)
        shown = weighted(shown, [(end, attributions.get(at, 0.0)) for end, at in ends])
    return Example(
        example_id=example_id,
        title=title,
        segments=shown,
        alive=alive,
        facts=tuple(facts),
        tokens=int(documents.tokens[row]),
        before=before,
        after=after,
        gold="" if gold == NO_LABEL else class_name(about.labels, gold),
        flipped=answers[0] != answers[1] if len(answers) == 2 else None,
        groups=tuple(
            (column, str(documents.group(column)[row])) for column in about.dataset.group_columns
        ),
    )


def _said(documents: Documents, arm: str, row: int) -> tuple[int, float] | None:
    """Class and probability that an arm's first draw gives a document; None: it was not asked."""
    answers = documents.answers(arm)
    if answers is None or row not in answers.rows:
        return None
    at = int(np.searchsorted(answers.rows, row))
    predicted = int(answers.predicted[at, 0])
    return predicted, float(answers.probs[at, 0, predicted])


def _special(
    tokens: pd.DataFrame, names: Mapping[str, str]
) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Special tokens in front of the first piece, and the others, in the order of `tokens`."""
    sides: tuple[list[Segment], list[Segment]] = ([], [])
    behind = False
    columns = (tokens[name].tolist() for name in ("special", "token_id", "depth"))
    for special, token_id, depth in zip(*columns, strict=True):
        if special:
            sides[behind].append(Segment(names.get(str(token_id), "special token"), depth))
        behind |= not special
    return tuple(sides[0]), tuple(sides[1])


def _compared(about: About) -> tuple[str, ...]:
    """The arm that the one under audit is compared with, and the latter."""
    others = about.in_role("reference") or about.unpruned
    return (*others[:1], *about.in_role("audited"))


def _kept(documents: Documents, layers: int) -> NDArray[np.float64]:
    """Mean depth over L of each document's pieces (n,); 1 where it has none."""
    outlived = documents.kept.sum(axis=1, dtype=np.int64) / layers
    pieces = documents.pieces
    share: NDArray[np.float64] = np.ones(len(documents))
    np.divide(outlived, pieces, out=share, where=pieces > 0)
    return share


def _right(trace: Trace) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether what the model under audit is compared with is right, and whether it is (n,) each.

    Neither where one of them did not answer.
    """
    documents = trace.documents
    sides = [documents.answers(arm) for arm in _compared(trace.about)]
    nobody = np.zeros(len(documents), dtype=bool)
    if len(sides) < 2 or sides[0] is None or sides[1] is None:
        return nobody, nobody
    both, *_ = np.intersect1d(sides[0].rows, sides[1].rows, return_indices=True)
    before, now = nobody.copy(), nobody.copy()
    for found, side in ((before, sides[0]), (now, sides[1])):
        found[side.rows] = side.predicted[:, 0] == documents.label[side.rows]
        found &= np.isin(np.arange(len(documents)), both)
    return before, now


def _pick(
    pool: NDArray[np.int64],
    why: str,
    kept: NDArray[np.float64],
    tokens: NDArray[np.int32],
) -> int | None:
    """The row of `pool` that shows `why` best, the first of equals; None if there is none."""
    if len(pool) == 0:
        return None
    if why == LONGEST:
        return int(pool[tokens[pool].argmax()])
    mine = kept[pool]
    score = mine if why == HARDEST else np.abs(mine - np.median(mine))
    return int(pool[score.argmin()])
