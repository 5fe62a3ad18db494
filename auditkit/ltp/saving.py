"""Writing checkpoints: one of the original implementation as ours, a baseline as a stock one."""

import shutil
from pathlib import Path

from transformers import AutoModelForSequenceClassification

from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp.checkpoints import load_ltp
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.naming import stock_configuration, to_stock
from auditkit.ltp.original import MODEL_TYPE
from auditkit.ltp.reading import read_declared
from auditkit.ltp.tokenizers import has_tokenizer, load_tokenizer


def convert(
    name: str, out: Path, *, score_norm: str | None = None, tokenizer: str | None = None
) -> LTPForSequenceClassification:
    """Write a checkpoint of the original implementation as one of ours, and return it.

    Args:
        name: Directory of the original checkpoint.
        out: Directory to write; complete when it appears.
        score_norm: As in `load_ltp`.
        tokenizer: Directory or hub id of the tokenizer; None: the one beside the original, if any.

    Raises:
        CheckpointError: It is no original checkpoint, cannot be opened, or the tokenizer does not
            fit it.
        SettingsError: There is something at `out`.
    """
    if not out.name:
        raise SettingsError(f"--out is {str(out)!r}, expected the name of a new directory")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"--out {out} is there and not empty; give another --out")
    _, raw = read_declared(name)
    if raw.get("model_type") != MODEL_TYPE:
        raise CheckpointError(
            f"{name}: model_type is {raw.get('model_type')!r}, expected 'ltp', a checkpoint "
            "of the original implementation; `auditkit train` prunes a stock one"
        )
    model = load_ltp(name, score_norm=score_norm)
    source = tokenizer or (name if has_tokenizer(name) else None)
    words = None if source is None else load_tokenizer(source, model.config.vocab_size)
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(partial)
    if words is not None:
        words.save_pretrained(partial)
    partial.replace(out)
    return model


def save_stock(model: LTPForSequenceClassification, directory: Path) -> None:
    """Save an unpruned model as the stock classifier of its layout, which anybody can open."""
    stock = AutoModelForSequenceClassification.from_config(  # type: ignore[no-untyped-call]
        stock_configuration(model.config)
    )
    stock.load_state_dict(to_stock(model), strict=True)
    stock.save_pretrained(directory)
