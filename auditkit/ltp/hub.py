"""Where a checkpoint lies: a local directory, or the local copy of a model of the hub."""

import re
from pathlib import Path
from threading import Thread

import huggingface_hub
from huggingface_hub import constants, snapshot_download

from auditkit.errors import CheckpointError
from auditkit.text import cut, said

PATIENCE = 5.0
"""Seconds that the hub has to answer; a name that is not resolved gets as long."""

_FILES = ("*.json", "*.txt", "*.model", "*.safetensors")
"""What is fetched: configuration, tokenizer, weights; pickled weights where there are no others."""

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)


def located(name: str) -> Path:
    """The directory of a checkpoint, fetched from the hub if `name` is no directory here.

    Raises:
        CheckpointError: There is no such directory, and no such model that can be reached.
    """
    path = Path(name)
    try:
        if name and path.is_dir():
            return path
        there = not name or path.exists()
    except (OSError, ValueError) as error:  # a name that no file system takes
        raise CheckpointError(f"{cut(name, 80)}: no path of a directory: {said(error)}") from error
    if there or not _HUB_ID.fullmatch(name) or name.startswith((".", "/", "~")):
        raise CheckpointError(
            f"{name}: no such directory; give a checkpoint directory or a hub id (owner/name)"
        )
    local = constants.HF_HUB_OFFLINE or not _hub_answers()
    try:
        copy = Path(_fetched(name, [*_FILES], local))
        if not any(copy.glob("*.safetensors")):
            copy = Path(_fetched(name, [*_FILES, "*.bin"], local))
    except Exception as error:
        raise CheckpointError(
            f"{name}: neither a local directory nor a hub model that can be reached from here; "
            "without a network give the path of a downloaded copy"
        ) from error
    return copy


def _fetched(name: str, files: list[str], local: bool) -> str:
    copy: str = snapshot_download(
        name, allow_patterns=files, etag_timeout=PATIENCE, local_files_only=local
    )
    return copy


def _hub_answers() -> bool:
    """Whether the hub says anything at all, asked once: its own client asks again and again."""
    answers = []

    def ask() -> None:
        try:
            huggingface_hub.get_session().head(constants.ENDPOINT, timeout=PATIENCE)
        except Exception:  # noqa: BLE001 (whatever it is, nobody answered)
            return
        answers.append(True)

    asking = Thread(target=ask, daemon=True)  # looking a name up knows no time limit
    asking.start()
    asking.join(PATIENCE)
    return bool(answers)
