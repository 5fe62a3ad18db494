"""One text, layer by layer: what the pruned model drops, and what both models say."""

from dataclasses import dataclass

import numpy as np

from auditkit.bench.context import tagged
from auditkit.bench.ltp_subject import ltp_subject
from auditkit.bench.reader import TokenReader
from auditkit.bench.subjects import Answer, Bench
from auditkit.data.annotate import Annotator, align
from auditkit.errors import DataError
from auditkit.finding import Example, Segment, kind_of, segments


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one arm says."""

    arm: str
    label: str
    probability: float
    probabilities: dict[str, float]
    """By class name."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A text with what was kept of it."""

    example: Example
    tokens: int
    """What the models read, special tokens included."""
    truncated: bool
    predictions: tuple[Prediction, ...]
    macs_share: float
    """Counted MACs over those of the unpruned model."""


def explain(bench: Bench, annotator: Annotator, text: str) -> Explanation:
    """Ask all arms about one text.

    Raises:
        DataError: The text holds nothing but white space, or a lone surrogate.
        TraceError: The model drops no tokens.
    """
    subject = ltp_subject(bench, "pruned")
    reader = bench.reader
    assert isinstance(reader, TokenReader)  # that of an LTP checkpoint
    if not text.strip():
        raise DataError("the text is empty; expected at least one word")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise DataError("the text is not valid Unicode (a lone surrogate); give it as UTF-8")
    document = bench.encode([text])[0]
    arms = [arm for arm in ("baseline", "unpruned", "pruned") if arm in bench.arms]
    answers = {arm: bench.answer(arm, [document])[0] for arm in arms}
    words = next(iter(annotator.annotate([tagged(text, document)])))
    depth_of: dict[int, int] = {}
    depths = answers["pruned"].depths
    for word, depth in zip(align(words, document.spans), depths, strict=True):
        if word >= 0:
            depth_of[word] = max(depth_of.get(word, 0), int(depth))
    first = int(document.special.argmin())  # there is a piece: the text is not empty
    special = [
        Segment(
            str(reader.tokenizer.convert_ids_to_tokens(document.token_ids[at])), int(depths[at])
        )
        for at in np.flatnonzero(document.special)
    ]
    predictions = tuple(_prediction(bench, arm, answer) for arm, answer in answers.items())
    pruned, unpruned = (
        int(subject.cost(answers[arm].lengths[:, None]).total.sum())
        for arm in ("pruned", "unpruned")
    )
    return Explanation(
        example=Example(
            example_id="text",
            title="What the model reads, layer by layer",
            segments=segments(
                text,
                [(words[i].char_start, words[i].char_end, d) for i, d in depth_of.items()],
                [(*span, int(d)) for span, d in zip(document.spans, depths, strict=True)],
                {word.char_start: kind_of(word.upos, word.is_stop, word.entity) for word in words},
            ),
            alive=tuple(int(n) for n in answers["pruned"].lengths[1:]),
            facts=tuple((p.arm, f"{p.label} ({p.probability:.3f})") for p in predictions),
            tokens=len(document.token_ids),
            before=tuple(special[:first]),
            after=tuple(special[first:]),
        ),
        tokens=len(document.token_ids),
        truncated=document.truncated,
        predictions=predictions,
        macs_share=pruned / unpruned,
    )


def _prediction(bench: Bench, arm: str, answer: Answer) -> Prediction:
    probabilities = dict(zip(bench.labels, map(float, answer.probs), strict=True))
    label = bench.labels[answer.predicted]
    return Prediction(arm, label, probabilities[label], probabilities)
