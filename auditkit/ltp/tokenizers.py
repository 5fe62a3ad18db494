"""The tokenizer beside a checkpoint: there, fast, of the model's vocabulary, and tried.

A tokenizer is a program in JSON: its rules may make megabytes of a letter, leave nothing of any
text, or send its engine of regular expressions into a panic. What can be told from the file is told
before it runs, the rest by running it on text that it should know.
"""

import math
import os
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING, AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from auditkit.errors import CheckpointError
from auditkit.ltp.hub import located
from auditkit.ltp.stored import cause, check_regular, read_json, shown

VOCABULARIES = (
    ("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"),
    ("sentencepiece.bpe.model",), ("spiece.model",), ("tokenizer.model",),
)  # fmt: skip
"""Files that hold a vocabulary; without one of these transformers makes up a tokenizer."""

MOST_GROWTH = 10_000
"""Characters that the rules of a tokenizer may make of one."""

MOST_PIECES = 16
"""Tokens that it may make of a character: a byte of four is one each."""

MOST_SPECIAL = 16
"""Tokens that it may put around any text."""

SMALLEST = 0.5
"""Share of a model's token ids that its tokenizer has at least."""


def has_tokenizer(name: str) -> bool:
    """Whether a tokenizer's vocabulary lies in a directory."""
    return any(all(Path(name, file).is_file() for file in files) for files in VOCABULARIES)


def load_tokenizer(name: str, vocab_size: int | None = None) -> PreTrainedTokenizerBase:
    """The fast tokenizer beside a checkpoint.

    Args:
        name: Directory or hub id.
        vocab_size: The number of token ids that the model has; None: whatever.

    Raises:
        CheckpointError: There is none, it knows no character offsets, gives token ids that the
            model does not have, is none of the model's size, or cannot read text.
    """
    path = located(name)
    check_regular(name, path)
    if not has_tokenizer(str(path)):
        known = ", ".join(" and ".join(files) for files in VOCABULARIES)
        raise CheckpointError(
            f"{name}: no tokenizer; put the tokenizer.json of the model that it was trained from "
            f"beside it (looked for: {known}); a checkpoint of the original gets one from "
            "`auditkit convert` with --tokenizer DIR"
        )
    _check_files(name, path)
    with _told(f"{name}: the tokenizer cannot be read"):
        tokenizer = AutoTokenizer.from_pretrained(
            path, config=_kind(name, path), use_fast=True, trust_remote_code=False
        )
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"{name}: {type(tokenizer).__name__} knows no character offsets; save a fast tokenizer "
            "(tokenizer.json) beside the model"
        )
    _check_vocabulary(name, tokenizer, vocab_size)
    _try(name, tokenizer, vocab_size)
    return tokenizer


def _kind(name: str, path: Path) -> Any:
    """The configuration by which transformers finds the class of a tokenizer, sizes left out."""
    kind = "roberta"
    if (path / "config.json").exists():
        kind = read_json(name, path / "config.json").get("model_type", kind)
    known = isinstance(kind, str) and kind in CONFIG_MAPPING
    return AutoConfig.for_model(kind if known else "roberta")


def _check_files(name: str, path: Path) -> None:
    """What can be told of a tokenizer from its files.

    Raises:
        CheckpointError: They are damaged, or would not read a text alike twice, or in bounds.
    """
    for file in ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"):
        if (path / file).exists():
            read_json(name, path / file)
    if (path / "tokenizer_config.json").exists():
        longest = read_json(name, path / "tokenizer_config.json").get("model_max_length")
        if longest is not None and not _is_length(longest):
            raise CheckpointError(
                f"{name}: model_max_length is {shown(longest)} in tokenizer_config.json, expected "
                "a whole number from 1"
            )
    if not (path / "tokenizer.json").exists():
        return
    rules = read_json(name, path / "tokenizer.json")
    model = rules.get("model")
    if isinstance(model, dict) and model.get("dropout") not in (None, 0):
        raise CheckpointError(
            f"{name}: tokenizer.json has a dropout of {shown(model['dropout'])}, expected null: it "
            "would read the same text differently each time"
        )
    growth = math.prod(_growth(rules.get(part)) for part in ("normalizer", "pre_tokenizer"))
    if growth > MOST_GROWTH:
        raise CheckpointError(
            f"{name}: the rules of tokenizer.json may make {growth:.3g} characters of one, "
            f"expected at most {MOST_GROWTH}; it is damaged: copy it again"
        )


def _is_length(value: object) -> bool:
    whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    return whole and value >= 1  # type: ignore[operator]


def _growth(rule: object) -> float:
    """How many characters a rule makes of one, at most, as far as it says so."""
    if not isinstance(rule, Mapping):
        return 1
    parts = [*_listed(rule.get("normalizers")), *_listed(rule.get("pretokenizers"))]
    grown = math.prod(min(_growth(part), 1e9) for part in parts)
    if rule.get("type") in ("ByteLevel", "Precompiled"):
        grown *= 2
    for key in ("content", "prepend"):
        if isinstance(text := rule.get(key), str):
            pattern = rule.get("pattern")
            replaced = pattern.get("String") if isinstance(pattern, Mapping) else None
            grown *= max(1, len(text) / len(replaced)) if replaced else 1 + len(text)
    return min(grown, 1e9)


def _listed(parts: object) -> Sequence[object]:
    return parts if isinstance(parts, list) else ()


def _check_vocabulary(
    name: str, tokenizer: PreTrainedTokenizerBase, vocab_size: int | None
) -> None:
    pieces = tokenizer.get_vocab()
    if tokenizer.unk_token is not None and tokenizer.unk_token not in pieces:
        raise CheckpointError(
            f"{name}: the tokenizer's word for the unknown, {shown(tokenizer.unk_token)}, is not "
            "in its vocabulary; it is damaged: copy it again"
        )
    highest = max(pieces.values(), default=0)
    if vocab_size is not None and highest >= vocab_size:
        raise CheckpointError(
            f"{name}: the tokenizer's ids go up to {highest}, the model's to {vocab_size - 1}; "
            "give the tokenizer that the model was trained with, or resize the model's embeddings "
            "to the tokens added"
        )
    if vocab_size is not None and len(pieces) < SMALLEST * vocab_size:
        raise CheckpointError(
            f"{name}: the tokenizer has {len(pieces)} tokens, the model {vocab_size}; give the "
            "tokenizer that the model was trained with"
        )


def _try(name: str, tokenizer: PreTrainedTokenizerBase, vocab_size: int | None) -> None:
    """Have it read its own words, what it cannot know, and what makes patterns go astray."""
    added = tokenizer.get_added_vocab()
    words = [piece.strip("#▁Ġ") for piece in sorted(tokenizer.get_vocab()) if piece not in added]
    own = " ".join(words[:: max(1, len(words) // 64)])
    texts = [own, string.printable, "\ue000 \U0001f331 é ß 你好 ﷺ", "a" * 64 + "!"]
    try:
        read = encode(tokenizer, texts, return_special_tokens_mask=True, verbose=False)
        special = tokenizer.num_special_tokens_to_add()
    except CheckpointError as error:
        raise CheckpointError(f"{name}: {error}") from error
    rows, masks = read["input_ids"], read["special_tokens_mask"]
    if vocab_size is not None and (highest := max(map(max, filter(None, rows)))) >= vocab_size:
        raise CheckpointError(
            f"{name}: the tokenizer gives the id {highest}, the model's go up to {vocab_size - 1}; "
            "give the tokenizer that the model was trained with"
        )
    for text, row in zip(texts, rows, strict=True):
        if special > MOST_SPECIAL or len(row) - special > MOST_PIECES * len(text):
            raise CheckpointError(
                f"{name}: the tokenizer makes {len(row)} tokens of {len(text)} characters, "
                f"{special} of them for any text; it is damaged: copy it again"
            )
    unknown = tokenizer.get_vocab().get(tokenizer.unk_token)
    if all(mask or token == unknown for token, mask in zip(rows[0], masks[0], strict=True)):
        raise CheckpointError(
            f"{name}: the tokenizer reads none of its own words; it is damaged: copy it again"
        )


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], **options: Any) -> Any:
    """Token ids of texts, and what else the options ask the tokenizer for, by text.

    Raises:
        CheckpointError: The tokenizer breaks on one of them.
    """
    with _told("the tokenizer breaks on a text"):
        return tokenizer(list(texts), **options)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """One line for whatever a tokenizer does, a panic of its engine among it.

    A panic is no `Exception`, and is also printed: standard error is closed to it.
    """
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise CheckpointError(
                f"{what} ({cause(error)}); give the tokenizer that the model was trained with"
            ) from error
        raise
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
