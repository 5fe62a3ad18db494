"""Running a model over many documents: batches of one token budget, sorted by length."""

import platform
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp.cost import macs_share
from auditkit.ltp.modeling import LTPForSequenceClassification, LTPOutput

BATCH_TOKENS = 7168
"""Padded tokens a batch, unless told otherwise. The more, the less each of them costs, until
what a layer makes of them (MiniLM's queries, keys, values) outgrows what `_keep_memory` covers."""


@dataclass(frozen=True, slots=True)
class Result:
    """The outputs of one batch, on the CPU."""

    indices: np.ndarray
    """(B,) which documents."""
    probs: np.ndarray
    """(B, C) float32"""
    logits: np.ndarray
    """(B, C) float32"""
    lengths: np.ndarray
    """(L + 1, B) tokens alive before the first layer and after each layer's decision."""
    depths: list[np.ndarray]
    """Survival depths of each document's own tokens, int8."""
    scores: list[np.ndarray] | None = None
    """Of each document (L, n) importance scores: 0 where a token is not alive, NaN in layers that
    cannot prune. None: they were not asked for."""


def plan(lengths: Sequence[int], batch_tokens: int) -> list[np.ndarray]:
    """Batches of document indices: the longest first, at most `batch_tokens` padded tokens each.

    A document longer than the budget gets a batch of its own.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    batches: list[np.ndarray] = []
    start = 0
    while start < len(order):
        size = max(1, batch_tokens // max(1, lengths[order[start]]))
        batches.append(order[start : start + size])
        start += size
    return batches


def pad(rows: Sequence[Sequence[int] | np.ndarray], fill: int, device: torch.device) -> Tensor:
    """(B, T) of rows of different lengths, filled up on the right."""
    out = np.full((len(rows), max(map(len, rows))), fill, dtype=np.int64)
    for target, row in zip(out, rows, strict=True):
        target[: len(row)] = row
    return torch.from_numpy(out).to(device)


@torch.inference_mode()
def run(
    model: LTPForSequenceClassification,
    token_ids: Sequence[Sequence[int]],
    *,
    batch_tokens: int = BATCH_TOKENS,
    pruning: str,
    depths: Sequence[np.ndarray] | None = None,
    read: Sequence[np.ndarray] | None = None,
    output_scores: bool = False,
    **masks: Sequence[np.ndarray],
) -> Iterator[Result]:
    """Classify documents, batch by batch.

    Args:
        model: In evaluation mode, on its device.
        token_ids: Each document's tokens, special ones included.
        batch_tokens: Padded tokens per batch; results do not depend on it.
        pruning: `off` or `hard`.
        depths: Survival depths to follow instead of deciding.
        read: Which tokens of a document are read, bool, the first among them; the others keep their
            positions, and have depth 0. None: all.
        output_scores: Return importance scores as well.
        masks: `force_keep` and `force_drop` by document.

    Raises:
        CheckpointError: What the model says is no number.
        SettingsError: The device cannot compute in the model's precision.
    """
    device = model.device
    _keep_memory()
    fill = model.config.pad_token_id or 0
    for indices in plan([len(ids) for ids in token_ids], batch_tokens):
        rows = [token_ids[i] for i in indices]
        sizes = [len(row) for row in rows]
        extra: dict[str, Any] = {"output_scores": True} if output_scores else {}
        extra |= {
            name: pad([values[i] for i in indices], 0, device) for name, values in masks.items()
        }
        there = [np.ones(n, dtype=np.int64) for n in sizes]
        if read is not None:
            there = [read[i].astype(np.int64) for i in indices]
        if depths is not None:
            extra["depth"] = pad([depths[i] for i in indices], 0, device)
        with _supported(model):
            output: LTPOutput = model(
                pad(rows, fill, device),
                pad(there, 0, device),
                pruning=pruning,
                **extra,
            )
        assert output.logits is not None
        assert output.depth is not None
        assert output.lengths is not None
        logits = output.logits.float()
        if not logits.isfinite().all():
            raise CheckpointError(
                "the model's answers are not numbers; its weights are damaged, its training ran "
                "away, or half precision is too narrow for them: train it anew, or give --dtype "
                "float32"
            )
        depth = output.depth.cpu().numpy()
        scores = None
        if output.scores is not None:
            scored = output.scores.cpu().numpy()
            scores = [scored[:, place, :n] for place, n in enumerate(sizes)]
        yield Result(
            indices=indices,
            probs=torch.softmax(logits, -1).cpu().numpy(),
            logits=logits.cpu().numpy(),
            lengths=output.lengths.numpy(),
            depths=[row[:n] for row, n in zip(depth, sizes, strict=True)],
            scores=scores,
        )


@cache
def _keep_memory() -> None:
    """Have the C library keep the memory that a layer frees, for the next one.

    glibc hands blocks back to the system, which then gives them anew page by page, zeroed (on a CPU
    4 to 6 % of a pass went into that). It keeps as much as twice the largest block that it has
    seen freed, of at most 32 MiB: so it is shown one. Elsewhere this does nothing.
    """
    torch.empty((32 << 20) - 4096, dtype=torch.uint8)


@contextmanager
def _supported(model: LTPForSequenceClassification) -> Iterator[None]:
    """One line for an operation that the device does not have in half precision."""
    try:
        yield
    except RuntimeError as error:
        dtype = model.head.dense.weight.dtype  # `model.dtype` is that of the thresholds
        first = str(error).partition("\n")[0]
        if dtype == torch.float32 or not re.search(r"not.(implemented|supported)", first, re.I):
            raise
        raise SettingsError(
            f"{model.device} cannot compute in {str(dtype).removeprefix('torch.')} "
            f"({first[:160]}); give --dtype float32, or another --device"
        ) from error


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a model does on labelled documents."""

    accuracy: float
    macs_share: float
    keep_rates: tuple[float, ...]
    """Share of all tokens alive after layers 1..L, special tokens included."""
    documents: int


def evaluate(
    model: LTPForSequenceClassification,
    token_ids: Sequence[Sequence[int]],
    labels: Sequence[int],
    *,
    pruning: str,
    batch_tokens: int = BATCH_TOKENS,
) -> Evaluation:
    """Accuracy and counted cost on labelled documents."""
    was_training = model.training
    model.eval()
    right = 0
    lengths = []
    gold = np.asarray(labels)
    for result in run(model, token_ids, batch_tokens=batch_tokens, pruning=pruning):
        right += int((result.logits.argmax(1) == gold[result.indices]).sum())
        lengths.append(result.lengths)
    model.train(was_training)
    alive = np.concatenate(lengths, axis=1)
    return Evaluation(
        accuracy=right / len(gold),
        macs_share=macs_share(model.config, alive),
        keep_rates=tuple(float(n) for n in alive[1:].sum(1) / alive[0].sum()),
        documents=len(gold),
    )


def hardware(device: torch.device) -> tuple[str, int]:
    """A device by name, and the number of CPU threads that torch uses."""
    chip = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return f"{device} ({chip})", torch.get_num_threads()


def resolve_device(name: str) -> str:
    """`auto` as the GPU where there is one; else the name, checked.

    Raises:
        SettingsError: The device is unknown or not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    there = "cpu, cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"(cpu|cuda|mps|xpu)(:\d+)?", name):
        raise SettingsError(f"device is {name!r}; expected auto, cpu, cuda or cuda:NUMBER")
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise SettingsError(f"device is {name!r}, which is not here; available: {there}") from error
    return name
