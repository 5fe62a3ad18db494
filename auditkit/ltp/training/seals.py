"""Seals: hashes of a folder's files, by which it is seen to hold what was written into it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from auditkit.files import write_whole

SEAL = "sha256.json"


def hashes(folder: Path) -> dict[str, str]:
    """sha256 of all files in the folder and below it, by name; what is hidden is left out."""
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    shown = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    return {name.as_posix(): _sha256(folder / name) for name in shown}


def changed(folder: Path, written: Mapping[str, str]) -> str | None:
    """The first file that is gone, or does not have the hash that it was written with."""
    for name, sha256 in written.items():
        path = folder / name
        if not path.is_file() or _sha256(path) != sha256:
            return name
    return None


def seal(folder: Path) -> None:
    """Say that the folder is finished: nothing is written into it after that."""
    (folder / SEAL).unlink(missing_ok=True)
    write_whole(folder / SEAL, json.dumps(hashes(folder)))


def is_whole(folder: Path) -> bool:
    """Whether the folder was sealed, and none of its files is gone or changed."""
    try:
        written = json.loads((folder / SEAL).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(written, dict) and bool(written) and changed(folder, written) is None


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
