"""Keeping what was folded, and what probes measured.

A fold's result lies in `trace/folds/<probe>/<key>.parquet`, its hash beside it. The key is made of
all that decides the result; whatever it cannot be made of is not kept. What a probe measured lies
in `trace/measured/<probe>.parquet`, and `<probe>.key` says of what question it is the answer; while
it is measured, what there is of it lies in `trace/measured/<probe>.parts/`.
"""

import dataclasses
import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from auditkit._version import __version__
from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.trace.writing import parquet

_PARTS = ".parts"

Part = Callable[[tuple[Any, ...], Callable[[], pd.DataFrame]], pd.DataFrame]
"""Given what decides a part of a measurement and what makes it: the part, made now or before."""


class _NotPlain(Exception):
    """A value that cannot be told from another by what it prints."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose folds are kept: a probe, its version and its options."""

    probe: str
    version: str
    options: Mapping[str, Any]
    own: str = ""
    """What the probe calls itself; "": as the run does."""

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


def kept(place: Folder, key: str) -> pd.DataFrame | None:
    """What `keep` kept; None if it kept nothing, or its file is not what was written."""
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


def keep(place: Folder, key: str, frame: pd.DataFrame) -> None:
    """Keep the result of a fold, or a part of a measurement, where the run may be written to."""
    data = parquet(pa.Table.from_pandas(frame, preserve_index=False))
    try:
        place.write(f"{key}.parquet", data)
        place.write(f"{key}.sha256", hashlib.sha256(data).hexdigest())
    except OSError:
        return  # in a run that can only be read it is made anew each time


def folds(folder: Folder, probe: str) -> Folder:
    """Where the folds of a probe are kept, of the trace in `folder`."""
    return folder / "folds" / probe


def part(
    folder: Folder, probe: str, decides: tuple[Any, ...], make: Callable[[], pd.DataFrame]
) -> pd.DataFrame:
    """A part of what a probe measures: kept, until the whole is, for a run that is cut off.

    Args:
        folder: The trace.
        probe: The probe's name.
        decides: All that decides the part: plain values, and functions of modules.
        make: Makes it, where it was not kept.
    """
    place = folder / "measured" / f"{probe}{_PARTS}"
    said = json.dumps([__version__, _plain(decides)], sort_keys=True)
    key = hashlib.sha256(said.encode()).hexdigest()
    found = kept(place, key)
    if found is None:
        found = make()
        keep(place, key, found)
    return found


class Question(BaseModel):
    """What a probe's measurement is the answer to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: str
    """SHA-256 of the probe's version and options."""
    given: dict[
        Literal["glossary", "lexicon", "swaps", "attribution_sample", "training"], str
    ]  # fmt: skip
    """SHA-256 of what it read of what a run gives it, by name, such as the glossary; "" of none."""


class _Key(Question):
    sha256: str
    """Of the table's file; "" where the probe returned no table."""


def answered(folder: Folder, probe: str) -> Question | None:
    """What the measurement that the trace in `folder` holds is the answer to.

    None where it holds none, or not what was written.
    """
    try:
        return _read(folder, probe)[0]
    except TraceError:
        return None


def measured(folder: Folder, probe: str) -> pd.DataFrame | None:
    """The table that a probe measured; None if it returned none, or measured nothing yet.

    Raises:
        TraceError: It is not what was written.
    """
    return _read(folder, probe)[1]


def keep_measured(
    folder: Folder, probe: str, question: Question, table: pd.DataFrame | None
) -> None:
    """Keep what a probe measured, or that it returned no table."""
    place, digest = folder / "measured", ""
    place.remove(f"{probe}.key")
    place.remove(f"{probe}.parquet")
    if table is not None:
        data = table.to_parquet(index=False)
        place.write(f"{probe}.parquet", data)
        digest = hashlib.sha256(data).hexdigest()
    key = _Key(**question.model_dump(), sha256=digest)
    place.write(f"{probe}.key", key.model_dump_json(indent=1) + "\n")
    place.remove(f"{probe}{_PARTS}")


def _read(folder: Folder, probe: str) -> tuple[Question | None, pd.DataFrame | None]:
    place, names = folder / "measured", (f"{probe}.key", f"{probe}.parquet")
    try:
        said, data = (place.read(name) if place.has(name) else b"" for name in names)
        key = _Key.model_validate_json(said) if said or data else None
    except (OSError, ValidationError):
        pass
    else:
        if key is None:
            return None, None
        if (hashlib.sha256(data).hexdigest() if data else "") == key.sha256:
            return key, pq.read_table(pa.BufferReader(data)).to_pandas() if data else None
    raise TraceError(
        f"{place}: what {probe} measured is not as it was written; `auditkit run` measures it again"
    )


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
