"""The bench: one checkpoint pair, opened for an audit, and everything that is asked of its arms.

Arms: `baseline` (fine-tuned, never pruned), `continued` (the baseline trained on for as long as the
pruned model), `unpruned` (the LTP weights, pruning off), `pruned` (the same with hard masks),
`random` (the same number of tokens kept, chosen at random).
"""

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp import LTPForSequenceClassification, checkpoints
from auditkit.ltp.cost import Cost, count
from auditkit.ltp.inference import BATCH_TOKENS, Result, resolve_device, run
from auditkit.ltp.pruning import permute_depths
from auditkit.trace.tables import ModelAbout

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class Encoded:
    """One document as the models read it."""

    token_ids: list[int]
    spans: list[tuple[int, int]]
    """Half-open, in code points of the text; (0, 0) for special tokens."""
    special: np.ndarray
    """(n,) bool"""
    truncated: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What one arm says of one document."""

    probs: np.ndarray
    """(C,) float32, in the checkpoint's class order."""
    depths: np.ndarray
    """(n,) int8 survival depths."""
    lengths: np.ndarray
    """(L + 1,) tokens alive before the first layer and after each layer's decision."""

    @property
    def predicted(self) -> int:
        """Class index; the lowest of equals."""
        return int(self.probs.argmax())


@dataclass(frozen=True, slots=True)
class Subject:
    """One model under audit."""

    model: LTPForSequenceClassification
    about: ModelAbout
    class_order: tuple[int, ...]
    """Where each of the bench's classes stands among the model's own."""


class Bench:
    """The models of one audit and their tokenizer."""

    def __init__(
        self,
        pruned: Subject,
        baseline: Subject | None,
        no_baseline: str,
        tokenizer: Any,
        labels: tuple[str, ...],
        max_length: int,
        batch_tokens: int,
        continued: Subject | None = None,
    ) -> None:
        self.pruned, self.baseline, self.no_baseline = pruned, baseline, no_baseline
        self.continued = continued
        self.tokenizer, self.labels = tokenizer, labels
        self.max_length, self.batch_tokens = max_length, batch_tokens

    @property
    def arms(self) -> tuple[str, ...]:
        """All arms but `random`."""
        present = {"baseline": self.baseline, "continued": self.continued}
        return (*(arm for arm, there in present.items() if there), "unpruned", "pruned")

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Tokenize documents, cutting them at the audit's length."""
        batch = self.tokenizer(
            list(texts),
            truncation=True,
            max_length=self.max_length,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        return [
            Encoded(
                token_ids=batch["input_ids"][i],
                spans=[(int(a), int(b)) for a, b in batch["offset_mapping"][i]],
                special=np.array(batch["special_tokens_mask"][i], dtype=bool),
                truncated=bool(batch.encodings[i].overflowing),
            )
            for i in range(len(texts))
        ]

    def vocabulary(self) -> dict[str, Any]:
        """What the tokenizer does to a text, but for its length, as plain JSON."""
        state: dict[str, Any] = json.loads(self.tokenizer.backend_tokenizer.to_str())
        return {key: part for key, part in state.items() if key not in ("truncation", "padding")}

    def answer(
        self,
        arm: str,
        documents: Sequence[Encoded],
        *,
        depths: Sequence[np.ndarray] | None = None,
        on_batch: Callable[[int], None] = lambda documents: None,
    ) -> list[Answer]:
        """Ask one arm about documents; `depths` are what the arm `random` follows.

        Args:
            arm: `baseline`, `continued`, `unpruned`, `pruned` or `random`.
            documents: As `encode` gives them.
            depths: Survival depths by document, for `random`.
            on_batch: Told the number of documents after every batch.
        """
        subject = self.subject(arm)
        answers: list[Answer | None] = [None] * len(documents)
        results: Iterator[Result] = run(
            subject.model,
            [document.token_ids for document in documents],
            batch_tokens=self.batch_tokens,
            pruning="hard" if arm in ("pruned", "random") else "off",
            depths=depths,
        )
        for result in results:
            probs = result.probs[:, list(subject.class_order)]
            for row, index in enumerate(result.indices):
                answers[index] = Answer(probs[row], result.depths[row], result.lengths[:, row])
            on_batch(len(result.indices))
        return [answer for answer in answers if answer is not None]

    def subject(self, arm: str) -> Subject:
        """The model behind an arm.

        Raises:
            CheckpointError: The arm `baseline` or `continued`, and there is none.
        """
        if arm == "continued" and self.continued is None:
            raise CheckpointError("the checkpoint has no folder continued/")
        if arm == "baseline" and self.baseline is None:
            raise CheckpointError(f"no baseline: {self.no_baseline}")
        other = {"baseline": self.baseline, "continued": self.continued}.get(arm)
        return other or self.pruned

    def cost(self, arm: str, answers: Sequence[Answer]) -> Cost:
        """Counted MACs of documents, (L, B) for attention and FFN."""
        lengths = np.stack([answer.lengths for answer in answers], axis=1)
        return count(self.subject(arm).model.config, lengths)

    def attribute(self, arm: str, document: Encoded, target: int, method: str) -> Any:
        """`auditkit.bench.attribution.attribute` for a class of the bench."""
        from auditkit.bench.attribution import attribute

        subject = self.subject(arm)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Captum's advice to its own callers
            return attribute(
                subject.model,
                document.token_ids,
                document.special.tolist(),
                subject.class_order[target],
                method,
            )


def random_depths(document: Encoded, depths: np.ndarray, seed: Sequence[int]) -> np.ndarray:
    """The random control of one document and draw, whatever else is audited."""
    return permute_depths(depths, document.special, np.random.default_rng(list(seed)))


def open_bench(
    model: str,
    *,
    baseline: str | None = None,
    device: str = "auto",
    dtype: str = "float32",
    batch_tokens: int = BATCH_TOKENS,
    max_length: int | None = None,
    score_norm: str | None = None,
) -> Bench:
    """Open a checkpoint, its baseline, and `MODEL/continued` where it is.

    Args:
        model: Directory or hub id of an LTP checkpoint; a directory of the original's.
        baseline: Directory or hub id of a stock classifier; None: `MODEL/baseline` where it is.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        dtype: `float32`, `bfloat16` or `float16`.
        batch_tokens: Padded tokens a batch; no number depends on it.
        max_length: Tokens a document; None: what the checkpoint was trained on.
        score_norm: Of a checkpoint of the original implementation; None: its recipe's.

    Raises:
        CheckpointError: One of them cannot be opened, or they do not fit each other.
        SettingsError: A device that is not there, or a length that the model does not read.
    """
    where = resolve_device(device)
    kind = DTYPES[dtype]
    ltp = checkpoints.load_ltp(model, dtype=kind, score_norm=score_norm)
    tokenizer = checkpoints.load_tokenizer(model, ltp.config.vocab_size)
    longest = ltp.config.max_tokens
    usual = min(longest, tokenizer.model_max_length, ltp.config.padded_length or longest)
    length = usual if max_length is None else max_length
    shortest = tokenizer.num_special_tokens_to_add() + 1
    if not shortest <= length <= longest:
        raise SettingsError(
            f"--max-length is {length}; {model} reads {shortest} to {longest} tokens a document"
        )
    labels = ltp.config.labels
    pruned = _subject(model, ltp, labels, where, length)
    path = baseline
    if path is None and (Path(model) / "baseline").is_dir():
        path = str(Path(model) / "baseline")

    def beside(path: str) -> Subject:
        stock = checkpoints.load_baseline(path, dtype=kind)
        _check_pair(model, ltp, tokenizer, path, stock, length)
        return _subject(path, stock, labels, where, length)

    other = None if path is None else beside(path)
    control = Path(model) / "continued"
    return Bench(
        pruned,
        other,
        "" if other else f"{Path(model).name} has no folder baseline/ and --baseline was not given",
        tokenizer,
        labels,
        length,
        batch_tokens,
        beside(str(control)) if control.is_dir() else None,
    )


def _subject(
    name: str,
    model: LTPForSequenceClassification,
    labels: tuple[str, ...],
    device: str,
    max_length: int,
) -> Subject:
    config = model.config
    own = config.labels
    if sorted(own) != sorted(labels):
        raise CheckpointError(
            f"{name}: its classes are {', '.join(own)}, the pruned model's {', '.join(labels)}; "
            "give the baseline that was trained on the same classes, or name them alike in both "
            "config.json (id2label)"
        )
    model.to(device).requires_grad_(False)
    about = ModelAbout(
        name=_display(name),
        sha256=checkpoints.fingerprint(name),
        layout=config.layout,
        layers=config.num_hidden_layers,
        hidden_size=config.hidden_size,
        heads=config.num_attention_heads,
        intermediate_size=config.intermediate_size,
        max_length=max_length,
        score_norm="" if config.pruning == "off" else config.score_norm,
        protect_first=config.protect_first,
        original=config.original,
        rule=config.rule_in_words,
        thresholds=tuple(model.thresholds.tolist()) if config.rule_in_words == "absolute" else (),
    )
    return Subject(model, about, tuple(own.index(label) for label in labels))


def _display(name: str) -> str:
    """A name for reports that tells no machine's paths."""
    path = Path(name)
    if not path.is_dir():
        return name
    resolved = path.resolve()
    if resolved.name in ("baseline", "continued"):
        return f"{resolved.parent.name}/{resolved.name}"
    return resolved.name


def _check_pair(
    model: str,
    ltp: LTPForSequenceClassification,
    tokenizer: Any,
    path: str,
    stock: LTPForSequenceClassification,
    length: int,
) -> None:
    """All arms read the same token ids, and a MACs ratio compares models of one shape."""
    theirs, ours = _shape(stock), _shape(ltp)
    if theirs != ours:
        raise CheckpointError(
            f"{path}: {theirs}; {model} has {ours}; give the baseline that it was pruned from"
        )
    if stock.config.vocab_size != ltp.config.vocab_size:
        raise CheckpointError(
            f"{path}: {stock.config.vocab_size} token ids, {model} has {ltp.config.vocab_size}; "
            "all arms read the same tokens: give the baseline that the model was pruned from"
        )
    if stock.config.max_tokens < length:
        raise CheckpointError(
            f"{path}: reads {stock.config.max_tokens} tokens, the audit {length}; "
            f"give --max-length {stock.config.max_tokens}"
        )
    own = (Path(path) / "tokenizer.json").is_file()
    if own and checkpoints.load_tokenizer(path).get_vocab() != tokenizer.get_vocab():
        raise CheckpointError(
            f"{path}: another vocabulary than {model}'s; all arms read the same tokens: "
            "give the baseline that the model was pruned from"
        )


def _shape(model: LTPForSequenceClassification) -> str:
    config = model.config
    return (
        f"{config.num_hidden_layers} layers of {config.hidden_size} with "
        f"{config.num_attention_heads} heads and an FFN of {config.intermediate_size}"
    )
