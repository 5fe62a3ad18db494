"""Which texts a checkpoint learned from: hashes beside it, by which an audit sees what is new."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from auditkit.text import sha256

FILE = "trained_on.safetensors"


def write_texts(folder: Path, texts: Sequence[str]) -> None:
    """Leave the hashes of the texts in the folder of a checkpoint, 8 bytes each."""
    save_file({"texts": np.unique(_hashes(texts))}, folder / FILE)


def count_known(name: str, texts: Sequence[str]) -> int | None:
    """How many of the texts the checkpoint learned from; None where it does not say."""
    path = Path(name) / FILE
    if not path.is_file():
        return None
    try:
        known = load_file(path).get("texts")
    except (SafetensorError, OSError):
        return None
    if known is None or known.dtype != np.int64:
        return None
    return int(np.isin(_hashes(texts), known).sum())


def _hashes(texts: Sequence[str]) -> NDArray[np.int64]:
    digests = b"".join(sha256(text)[:8] for text in texts)
    return np.frombuffer(digests, dtype="<i8").astype(np.int64)
