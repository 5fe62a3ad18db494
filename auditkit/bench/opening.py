"""Opening the models of an audit, and whether they fit each other."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from auditkit.bench.ltp_subject import LTPSubject
from auditkit.bench.pair import in_order, open_pair
from auditkit.bench.reader import TokenReader, checked_length
from auditkit.bench.settings import BESIDE, ModelSettings, display
from auditkit.bench.subjects import Bench, Reader
from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp import LTPConfig, LTPForSequenceClassification, checkpoints
from auditkit.ltp.inference import resolve_device
from auditkit.ltp.original import MODEL_TYPE
from auditkit.ltp.reading import read_declared
from auditkit.ltp.tokenizers import load_tokenizer
from auditkit.trace import ModelAbout

if TYPE_CHECKING:
    from auditkit.bench.dropper import Chosen

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


LTP = (LTPConfig.model_type, MODEL_TYPE)
"""What `config.json` calls a model that drops tokens."""


def open_bench(settings: ModelSettings, chosen: "Chosen | None" = None) -> Bench:
    """Open a checkpoint and the models beside it: of an LTP checkpoint the unpruned ones.

    Args:
        settings: Which, and what they run on.
        chosen: Another method to drop tokens with, where it is no file that the settings name.

    Raises:
        CheckpointError: One of them cannot be opened, they do not fit each other, or the training
            of the first is not finished.
        SettingsError: A device that is not there, or a length that the model does not read.
    """
    place = Path(settings.model)
    if (place / ".training").is_dir() and not (place / "training.json").exists():
        from auditkit.ltp.training.unfinished import unfinished  # the Trainer is slow to import

        raise CheckpointError(unfinished(place))
    kind, dropping = DTYPES[settings.dtype], chosen is not None or settings.dropper is not None
    if read_declared(settings.model)[1].get("model_type") not in LTP:
        if not dropping:
            return open_pair(settings, kind)
        from auditkit.bench.dropping import open_dropping

        return open_dropping(settings, kind, chosen)
    for flag, refused in (("--quantize", bool(settings.quantize)), ("--dropper", dropping)):
        if refused:
            raise SettingsError(
                f"{flag}: {settings.model} drops tokens, and is audited as it is; give a "
                f"classifier that drops none, or leave {flag} out"
            )
    where = resolve_device(settings.device)
    model = checkpoints.load_ltp(settings.model, dtype=kind, score_norm=settings.score_norm)
    tokenizer = load_tokenizer(settings.model, model.config.vocab_size)
    length = _length(settings, model, tokenizer)
    labels = model.config.labels
    reader = TokenReader(tokenizer, length)
    subjects = {"model": _subject(settings.model, model, labels, where, reader)}
    absent = {}
    for name in BESIDE:
        path = _beside(settings, name)
        if path is None:
            given = f" and --{name} was not given" if name in ModelSettings.model_fields else ""
            absent[name] = f"{Path(settings.model).name} has no folder {name}/{given}"
            continue
        stock = checkpoints.load_baseline(path, dtype=kind)
        _check_pair(settings.model, model, tokenizer, path, stock, length)
        subjects[name] = _subject(path, stock, labels, where, reader)
    return Bench(subjects, absent, labels, settings)


def _length(settings: ModelSettings, model: LTPForSequenceClassification, tokenizer: Any) -> int:
    """Tokens a document: those asked for, checked, or what the checkpoint was trained on."""
    longest = model.config.max_tokens
    usual = min(longest, tokenizer.model_max_length, model.config.padded_length or longest)
    return checked_length(settings.model, tokenizer, settings.max_length, usual, longest)


def _beside(settings: ModelSettings, name: str) -> str | None:
    """Where an unpruned subject lies, if anywhere."""
    given: str | None = getattr(settings, name, None)
    folder = Path(settings.model) / name
    return given or (str(folder) if folder.is_dir() else None)


def _subject(
    name: str,
    model: LTPForSequenceClassification,
    labels: tuple[str, ...],
    device: str,
    reader: Reader,
) -> LTPSubject:
    config = model.config
    own = config.labels
    classes = in_order(name, own, labels, "pruned model")
    model.to(device).requires_grad_(False)
    about = ModelAbout(
        name=display(name),
        sha256=checkpoints.fingerprint(name),
        layout=config.layout,
        layers=config.num_hidden_layers,
        hidden_size=config.hidden_size,
        heads=config.num_attention_heads,
        intermediate_size=config.intermediate_size,
        max_length=reader.max_length,
        score_norm="" if config.pruning == "off" else config.score_norm,
        protect_first=config.protect_first,
        original=config.original,
        rule=config.rule_in_words,
        thresholds=tuple(model.thresholds.tolist()) if config.rule_in_words == "absolute" else (),
    )
    return LTPSubject(about, classes, reader, model)


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
    if own and load_tokenizer(path).get_vocab() != tokenizer.get_vocab():
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
