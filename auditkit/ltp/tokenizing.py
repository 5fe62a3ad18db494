"""Texts → token ids, each text tokenized no further than it is read."""

from collections.abc import Sequence

from tokenizers import Encoding
from transformers import PreTrainedTokenizerBase

from auditkit.ltp.tokenizers import encode

CHARACTERS = 64
"""Of a text that are looked at first, for each token that is read: of English 12 times as many."""


def tokenize(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int
) -> list[Encoding]:
    """The first `max_length` tokens of every text, special ones included.

    A text of megabytes is not tokenized to its end: its beginning is, and the whole only where the
    beginning does not fill `max_length`. `overflowing` of an encoding says that the text goes on.
    """
    most = CHARACTERS * max_length
    found = _encodings(tokenizer, [text[:most] for text in texts], max_length)
    short = [i for i, text in enumerate(texts) if len(text) > most and not found[i].overflowing]
    again = _encodings(tokenizer, [texts[i] for i in short], max_length) if short else []
    for index, encoding in zip(short, again, strict=True):
        found[index] = encoding
    return found


def _encodings(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int
) -> list[Encoding]:
    batch = encode(tokenizer, texts, truncation=True, max_length=max_length)
    encodings: list[Encoding] = list(batch.encodings or ())
    return encodings
