"""What lies in a checkpoint's folder: JSON, and tensors by name.

Files are hostile: only regular ones are opened, JSON up to a size and a depth; no name leads out of
the folder, no pickle gives more than tensors, and what would inflate is not read.
"""

import json
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from auditkit.errors import CheckpointError
from auditkit.text import cut, is_unicode, listing, one_line

MOST_BYTES = 64 << 20
"""Of a JSON file: a tokenizer of 500,000 pieces takes a third of it."""
DEEPEST = 32
"""Levels of a JSON file."""
MOST_BUDGETS = 1000
"""Of a sweep, in `training.json`."""

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Where the weights are looked for, in this order; each may be an index of several files."""


def shown(value: object) -> str:
    """A value in an error: one line, not too long."""
    text = value if isinstance(value, str) and value.isidentifier() else repr(value)
    return cut(text, 80)


def cause(error: BaseException) -> str:
    """What an error of a library says: one line, not too long."""
    return cut(one_line(str(error)) or type(error).__name__, 160)


def check_regular(name: str, path: Path) -> None:
    """Make sure that all that lies directly in a checkpoint's folder are files and folders.

    A pipe or a device would be read without end, by us or by a library that finds it there.

    Raises:
        CheckpointError: Something else lies there.
    """
    for entry in sorted(path.iterdir()):
        if entry.exists() and not entry.is_file() and not entry.is_dir():
            raise CheckpointError(
                f"{name}: {shown(entry.name)} is a pipe or a device, expected a regular file"
            )


def read_json(name: str, path: Path) -> dict[str, Any]:
    """A JSON object, not larger or deeper than those of checkpoints are.

    Args:
        name: The checkpoint, for errors.
        path: Of the file.

    Raises:
        CheckpointError: There is none, or it is no such object.
    """
    here = f"{name}: {path.name}"
    if not path.is_file():
        held = listing((entry.name for entry in sorted(path.parent.iterdir())), 8)
        what = "is no regular file" if path.exists() else "is missing"
        raise CheckpointError(f"{here} {what}; the directory holds: {held}")
    if path.stat().st_size > MOST_BYTES:
        raise CheckpointError(
            f"{here} has {path.stat().st_size >> 20} MB, expected at most {MOST_BYTES >> 20}"
        )
    try:
        text = path.read_text(encoding="utf-8")
        value = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{here} cannot be read ({cause(error)}); it is damaged: copy it again"
        ) from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{here} holds {shown(value)}, expected a JSON object")
    if _is_deeper(value, DEEPEST):
        raise CheckpointError(f"{here} nests more than {DEEPEST} levels; it is damaged")
    if "\\u" in text and not is_unicode(json.dumps(value, ensure_ascii=False)):
        raise CheckpointError(f"{here} holds half a surrogate pair, which is no text")
    return value


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in parts)


def training_record(name: str) -> dict[str, Any] | None:
    """`training.json` beside a local checkpoint, if `auditkit train` made it.

    Raises:
        CheckpointError: There is one that cannot be read, or tells of more budgets than any
            sweep has.
    """
    path = Path(name) / "training.json"
    if not path.exists():
        return None
    record = read_json(name, path)
    budgets = record.get("sweep")
    if isinstance(budgets, list) and len(budgets) > MOST_BUDGETS:
        raise CheckpointError(
            f"{name}: training.json tells of {len(budgets)} budgets, expected at most "
            f"{MOST_BUDGETS}; it is not as `auditkit train` wrote it: copy it again"
        )
    return record


def read_tensors(name: str, path: Path) -> dict[str, Tensor]:
    """The state dict in a checkpoint's folder.

    Raises:
        CheckpointError: There is none, it cannot be read, or is no mapping of names to tensors.
    """
    for file in WEIGHTS:
        if (path / file).is_file():
            return _read_file(name, path / file)
        index = path / f"{file}.index.json"
        if index.exists():
            return _read_shards(name, index)
    held = listing((entry.name for entry in sorted(path.iterdir())), 8)
    raise CheckpointError(
        f"{name}: no weights; expected {' or '.join(WEIGHTS)}; the directory holds: {held}"
    )


def _read_shards(name: str, index: Path) -> dict[str, Tensor]:
    """Each weight from the file that the index names, all of them in its folder."""
    places = read_json(name, index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(v, str) for v in places.values()):
        raise CheckpointError(
            f"{name}: {index.name} has no weight_map of names to files; copy it again"
        )
    state: dict[str, Tensor] = {}
    for file in sorted(set(places.values())):
        if Path(file).name != file or not (index.parent / file).is_file():
            raise CheckpointError(
                f"{name}: {index.name} names {shown(file)}, expected a file beside it"
            )
        held = _read_file(name, index.parent / file)
        for key in sorted(key for key, place in places.items() if place == file):
            if key not in held:
                raise CheckpointError(
                    f"{name}: the weight {shown(key)} is not in {file}, where {index.name} has it"
                )
            state[key] = held[key]
    return state


def _read_file(name: str, path: Path) -> dict[str, Tensor]:
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except Exception as error:
        raise CheckpointError(
            f"{name}: {path.name} cannot be read as tensors ({cause(error)}); it is damaged, or "
            "holds more than weights: copy it again, or save the state_dict alone"
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise CheckpointError(
            f"{name}: {path.name} holds a {type(state).__name__}, expected a mapping of names to "
            "tensors; save the model's state_dict"
        )
    return dict(state)


def _unpickled(path: Path) -> Any:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("it is compressed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on how it was pickled
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # it goes on about how to run the pickle all the same
        raise ValueError("no pickle of tensors alone") from error
