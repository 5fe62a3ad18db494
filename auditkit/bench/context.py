"""How far a text is tagged: as far as the models read it, and some way on.

A row of megabytes would take minutes to tag, of which hundreds of tokens are read.
"""

from collections.abc import Sequence

from auditkit.bench.subjects import Encoded
from auditkit.data.annotate import Annotator, Word

CONTEXT = 4000
"""Characters past what the models read that are tagged too: a tag depends on what follows."""
STRETCH = 100_000
"""Characters whose words are counted at once."""


def tagged(text: str, document: Encoded) -> str:
    """The beginning of `text` that is tagged: all of it unless `CONTEXT` ends before it does."""
    most = _end(document) + CONTEXT
    if not document.truncated or most >= len(text):
        return text
    blank = text.rfind(" ", most - CONTEXT // 2, most)  # so that no word is cut, if there is one
    return text[: blank if blank >= 0 else most]


def words_past(annotator: Annotator, text: str, words: Sequence[Word], document: Encoded) -> int:
    """How many words of `text` lie past what the models read; those not tagged are only counted.

    Args:
        annotator: What tagged `words`.
        text: The whole text.
        words: Those of the part that is tagged.
        document: What the models read of it.
    """
    if not document.truncated:
        return 0
    rest = text[len(tagged(text, document)) :]
    stretches = (rest[i : i + STRETCH] for i in range(0, len(rest), STRETCH))
    past = sum(word.char_start >= _end(document) for word in words)
    return past + sum(map(len, annotator.lexical_keys(stretches)))


def _end(document: Encoded) -> int:
    """Where the last token ends that the models read."""
    return max(end for _, end in document.spans)
