"""Opening classifiers that drop no tokens: the model under audit, and what it is compared with."""

import hashlib
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from auditkit.bench.quantized import in_int8
from auditkit.bench.reader import TokenReader, checked_length
from auditkit.bench.settings import ModelSettings, display
from auditkit.bench.stock import StockSubject, load_stock, logits_of, positions, sizes
from auditkit.bench.subjects import Bench, Reader, Subject
from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp.checkpoints import fingerprint
from auditkit.ltp.inference import resolve_device
from auditkit.ltp.tokenizers import load_tokenizer
from auditkit.trace import ModelAbout


def open_pair(settings: ModelSettings, dtype: torch.dtype) -> Bench:
    """Open a classifier of transformers, its baseline, and a baseline of another seed if given.

    Each reads texts with its own tokenizer, up to its own length.

    Raises:
        CheckpointError: One of them cannot be opened, or has other classes.
        SettingsError: There is no baseline, or a setting that does not go with such models.
    """
    baseline = settings.baseline or (settings.model if settings.quantize else None)
    if baseline is None:
        raise SettingsError(
            f"{settings.model} drops no tokens, so that only a change can be audited: give the "
            "model before the change with --baseline DIR, or --quantize int8"
        )
    return open_stock(settings, dtype, baseline)


def open_stock(settings: ModelSettings, dtype: torch.dtype, baseline: str) -> Bench:
    """The same, compared with `baseline`."""
    device = _device(settings)
    if settings.score_norm is not None:
        raise SettingsError("--score-norm is for checkpoints of the original LTP; leave it out")
    first, labels = _subject(settings, settings.model, dtype, device)
    opened = partial(_subject, settings, dtype=dtype, device=device, like=(first.reader, labels))
    subjects: dict[str, Subject] = {
        "model": _quantised(first) if settings.quantize else first,
        "baseline": first if baseline == settings.model else opened(baseline)[0],
    }
    absent = {"reseeded": "--reseeded was not given"}
    if settings.reseeded is not None:
        subjects["reseeded"] = opened(settings.reseeded)[0]
        absent = {}
    return Bench(subjects, absent, labels, settings)


def in_order(
    name: str, own: Sequence[str], labels: Sequence[str], model: str
) -> tuple[tuple[int, ...], ...]:
    """Where each of `labels` stands among a model's own classes.

    Args:
        name: The checkpoint, for errors.
        own: Its classes.
        labels: Those of the model under audit.
        model: What errors call that one.

    Raises:
        CheckpointError: They are not the same classes.
    """
    if sorted(own) != sorted(labels):
        raise CheckpointError(
            f"{name}: its classes are {', '.join(own)}, the {model}'s {', '.join(labels)}; "
            "give the baseline that was trained on the same classes, or name them alike in both "
            "config.json (id2label)"
        )
    return tuple((own.index(label),) for label in labels)


def _device(settings: ModelSettings) -> str:
    """Where the models run: what is quantised runs on a CPU, and its baseline beside it."""
    if settings.quantize is None:
        return resolve_device(settings.device)
    if settings.device not in ("auto", "cpu"):
        raise SettingsError(
            f"--device is {settings.device}; a model of --quantize int8 runs on the CPU alone"
        )
    if settings.dtype != "float32":
        raise SettingsError(
            f"--dtype is {settings.dtype}; --quantize int8 starts from float32: leave --dtype out"
        )
    return "cpu"


def _subject(
    settings: ModelSettings,
    name: str,
    dtype: torch.dtype,
    device: str,
    like: tuple[Reader, tuple[str, ...]] | None = None,
) -> tuple[StockSubject, tuple[str, ...]]:
    """A checkpoint as a subject, and its own classes.

    Args:
        settings: Of all models.
        name: Where it lies.
        dtype: Of its weights.
        device: What it runs on.
        like: How the model under audit reads, and its classes; None: this is that model.
    """
    model, own = load_stock(name, dtype)
    classes = in_order(name, own, like[1] if like else own, "model under audit")
    tokenizer = load_tokenizer(name, model.config.vocab_size)
    longest = positions(model)
    usual = min(longest, tokenizer.model_max_length)
    length = checked_length(name, tokenizer, settings.max_length, usual, longest)
    reader: Reader = TokenReader(tokenizer, length)
    if like and (reader.rules(), length) == (like[0].rules(), like[0].max_length):
        reader = like[0]
    model.to(torch.device(device))  # type: ignore[arg-type]
    document = reader.encode(["one"])[0]
    try:
        logits_of(model, document.token_ids, np.ones(len(document.token_ids), dtype=bool))
    except CheckpointError as error:
        raise CheckpointError(f"{name}: {error}") from error
    about = ModelAbout(
        name=display(name),
        sha256=fingerprint(name),
        layout=str(model.config.model_type),
        max_length=length,
        **sizes(model),
    )
    return StockSubject(about, classes, reader, model), own


def _quantised(subject: StockSubject) -> StockSubject:
    model, done = in_int8(subject.model)
    about = subject.about.model_copy(
        update={
            "name": f"{subject.about.name} (int8)",
            "sha256": hashlib.sha256(f"{subject.about.sha256} {done}".encode()).hexdigest(),
            "layout": f"{subject.about.layout}, {done}",
        }
    )
    return StockSubject(about, subject.classes, subject.reader, model)
