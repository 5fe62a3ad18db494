"""Texts as the tokens of a fast tokenizer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from auditkit.bench.subjects import Encoded
from auditkit.errors import SettingsError
from auditkit.ltp.tokenizing import tokenize

_TOKENIZING = ("truncation_side", "split_special_tokens")
"""Settings of a tokenizer that are handed to its engine with every text."""


def checked_length(name: str, tokenizer: Any, asked: int | None, usual: int, longest: int) -> int:
    """Tokens that are read of a document, special ones included.

    Args:
        name: The checkpoint, for errors.
        tokenizer: Its own.
        asked: By the user; None: nothing.
        usual: Where nothing was asked for.
        longest: That the model can read.

    Raises:
        SettingsError: It is less than one piece with its special tokens, or more than the longest.
    """
    length = usual if asked is None else asked
    shortest = tokenizer.num_special_tokens_to_add() + 1
    if not shortest <= length <= longest:
        raise SettingsError(
            f"--max-length is {length}; {name} reads {shortest} to {longest} tokens a document"
        )
    return int(length)


@dataclass(frozen=True, slots=True, eq=False)
class TokenReader:
    """Implements `Reader` by the tokenizer beside a checkpoint."""

    tokenizer: Any
    max_length: int

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Texts as tokens, cut at `max_length`."""
        return [
            Encoded(
                token_ids=found.ids,
                spans=found.offsets,
                special=np.array(found.special_tokens_mask, dtype=bool),
                truncated=bool(found.overflowing),
                text=text,
            )
            for text, found in zip(
                texts, tokenize(self.tokenizer, texts, self.max_length), strict=True
            )
        ]

    @property
    def special_tokens(self) -> dict[str, str]:
        """Names of the tokenizer's special tokens, by token id."""
        ids, names = self.tokenizer.all_special_ids, self.tokenizer.all_special_tokens
        return {str(token): str(name) for token, name in sorted(zip(ids, names, strict=True))}

    def rules(self) -> dict[str, Any]:
        """What the tokenizer does to a text, but for its length, as plain JSON."""
        state: dict[str, Any] = json.loads(self.tokenizer.backend_tokenizer.to_str())
        kept = {key: part for key, part in state.items() if key not in ("truncation", "padding")}
        return kept | {name: getattr(self.tokenizer, name) for name in _TOKENIZING}
