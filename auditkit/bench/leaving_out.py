"""Leaving words out of what a classifier of transformers reads, whatever its tokenizer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auditkit.bench.attribution import Attribution
from auditkit.bench.stock import StockSubject, logits_of
from auditkit.bench.subjects import Encoded
from auditkit.errors import ProbeError

METHOD = "leave_one_out"


def without_each_word(
    subject: StockSubject,
    document: Encoded,
    words: NDArray[np.int64],
    target: Sequence[int],
    method: str = METHOD,
) -> Attribution:
    """What the logit of a class loses without a word, in equal parts to the pieces of the trace.

    The subject's own pieces of the word are masked; all others keep their positions.

    Args:
        subject: Asked with one word less each time.
        document: As the trace has it, n tokens.
        words: (n,) the word of each token; -1 of none, which is given NaN, or 0 if it is special.
        target: Indices of the model's classes that the class is made of.
        method: The only one that there is: gradients do not pass through int8.

    Raises:
        CheckpointError: What the model says is no number.
        ProbeError: Another method.
    """
    if method != METHOD:
        raise ProbeError(
            f"no attribution method {method!r} for {subject.about.name}, which drops no tokens; "
            f"there is {METHOD}"
        )
    (own,) = subject.reader.encode([document.text])
    owners = _owners(own, document, words)

    def logit(read: NDArray[np.bool_]) -> float:
        logits = logits_of(subject.model, own.token_ids, read)[list(target)].astype(np.float64)
        return float(np.logaddexp.reduce(logits))

    whole = logit(np.ones(len(owners), dtype=bool))
    values = np.where(document.special, 0.0, np.nan)
    for word in np.unique(words[words >= 0]).tolist():
        pieces = words == word
        values[pieces] = (whole - logit(owners != word)) / pieces.sum()
    return Attribution(values, float("nan"))


def _owners(own: Encoded, document: Encoded, words: NDArray[np.int64]) -> NDArray[np.int64]:
    """The word of each of the subject's own tokens: that of most of its characters; -1 of none."""
    of_character = np.full(len(document.text), -1)
    for (start, end), word in zip(document.spans, words, strict=True):
        of_character[start:end] = word
    owners = np.full(len(own.token_ids), -1)
    for at, (start, end) in enumerate(own.spans):
        inside = of_character[start:end]
        if (inside := inside[inside >= 0]).size:
            owners[at] = np.bincount(inside).argmax()
    return owners
