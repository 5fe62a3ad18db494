"""Keeping what was folded: `trace/folds/<probe>/<key>.parquet`, its hash beside it.

The key is made of all that decides the result. Whatever it cannot be made of is not kept.
"""

import dataclasses
import hashlib
import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from auditkit._version import __version__
from auditkit.files import Folder
from auditkit.trace.writing import parquet


class _NotPlain(Exception):
    """A value that cannot be told from another by what it prints."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose folds are kept: a probe, its version and its options."""

    probe: str
    version: str
    options: Mapping[str, Any]

    def key(self, step: Any, by: Sequence[str], fingerprint: str) -> str | None:
        """What a fold's result is kept under; None if the step holds more than plain values.

        Args:
            step: A function of a module, `functools.partial` of one, or a frozen dataclass.
            by: The key columns.
            fingerprint: A hash of the trace.
        """
        try:
            said = [
                self.probe, self.version, _plain(self.options), __version__, _told(step), list(by),
                fingerprint,
            ]  # fmt: skip
        except _NotPlain:
            return None
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def kept(folder: Folder, probe: str, key: str) -> pd.DataFrame | None:
    """The result of an earlier fold; None if there is none, or its file is not what was written."""
    place = folder / "folds" / probe
    try:
        data, digest = place.read(f"{key}.parquet"), place.read(f"{key}.sha256")
    except OSError:
        return None
    if hashlib.sha256(data).hexdigest().encode() != digest:
        return None
    frame: pd.DataFrame = pq.read_table(pa.BufferReader(data)).to_pandas()
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            texts = pd.Index(sorted(frame[name].cat.categories), dtype="str")
            frame[name] = frame[name].cat.set_categories(texts)
    return frame


def keep(folder: Folder, probe: str, key: str, frame: pd.DataFrame) -> None:
    """Keep the result of a fold, where the run may be written to."""
    place = folder / "folds" / probe
    data = parquet(pa.Table.from_pandas(frame, preserve_index=False))
    try:
        place.write(f"{key}.parquet", data)
        place.write(f"{key}.sha256", hashlib.sha256(data).hexdigest())
    except OSError:
        return  # a run that can only be read is folded anew each time


def _told(step: Any) -> list[Any]:
    """All that decides what a step does: its name, its values and the source of its module."""
    if isinstance(step, partial):
        return [_told(step.func), _plain(step.args), _plain(step.keywords)]
    if inspect.isfunction(step):
        return [*_named(step), []]
    declared = getattr(type(step), "__dataclass_params__", None)
    if declared is not None and declared.frozen:
        values = {f.name: _plain(getattr(step, f.name)) for f in dataclasses.fields(step)}
        return [*_named(type(step)), values]
    raise _NotPlain


def _named(thing: Any) -> list[str]:
    if "<" in thing.__qualname__:  # made inside of a function, from values that nobody sees
        raise _NotPlain
    try:
        source = inspect.getsource(sys.modules[thing.__module__])
    except (OSError, TypeError, KeyError):
        raise _NotPlain from None
    return [thing.__module__, thing.__qualname__, source]


def _plain(value: Any) -> Any:
    """`value` as JSON; a step may hold another one."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, frozenset | set):
        return ["set", *sorted(map(str, map(_plain, value)))]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    return _told(value)
