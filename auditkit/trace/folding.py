"""Merging what a step said of each shard, so that nobody can tell how the shards were cut."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from auditkit.errors import ProbeError
from auditkit.text import listing
from auditkit.trace.shards import ROW


class Merger:
    """Takes the parts of a fold one by one; `result` merges them.

    Text keys are kept as numbers from the first part on, and sums are added up as parts come, so
    that the memory is that of the result and one more.

    Args:
        step: The step's name, for errors.
        by: The key columns.
    """

    def __init__(self, step: str, by: Sequence[str]) -> None:
        if not by:
            raise ProbeError(f"fold of {step}: by is empty; name a key column, such as {ROW}")
        self._where, self._by = f"fold of {step}", list(by)
        self._codes: dict[str, dict[str, int]] = {}
        self._numeric: dict[str, bool] = {}
        self._merged: dict[str, _Grown] = {}
        self._empty: pd.DataFrame | None = None
        self._columns: list[str] | None = None

    @property
    def _by_document(self) -> bool:
        return self._by[0] == ROW

    def add(self, part: Any, rows: np.ndarray) -> None:
        """Take what the step said of a shard whose documents are `rows`.

        Raises:
            ProbeError: It is no frame, or lacks a key, or its columns are not what can be merged.
        """
        values = self._checked(part, rows)
        if not len(part):
            self._empty = part[self._by + values]  # its types may be other ones than those of rows
            return
        for name, column in self._numbers(part, values).items():
            self._merged.setdefault(name, _Grown(column.dtype)).extend(column)
        if not self._by_document:
            self._add_up()

    def result(self) -> pd.DataFrame:
        """All parts as one frame; text keys are categoricals of sorted categories."""
        if not self._merged and self._empty is not None:
            values = [name for name in self._empty.columns if name not in self._by]
            empty = self._numbers(self._empty, values)
            merged = pd.DataFrame(empty | {name: empty[name].astype(np.int64) for name in values})
        else:
            merged = self._frame()
        for name, codes in self._codes.items():
            merged[name] = _categorical(merged[name].to_numpy(), codes)
        keys = self._by[:1] if self._by_document else self._by
        if len(keys) == 1 and merged[keys[0]].is_monotonic_increasing:
            return merged  # the data set's own order, most often: not copied once more
        return merged.sort_values(keys, kind="stable", ignore_index=True)

    def _frame(self) -> pd.DataFrame:
        """What was taken so far, without a copy."""
        return pd.DataFrame({n: grown.values for n, grown in self._merged.items()}, copy=False)

    def _numbers(self, part: pd.DataFrame, values: list[str]) -> dict[str, np.ndarray]:
        """Keys, as numbers, and values."""
        keys = {name: self._coded(name, part[name]) for name in self._by}
        return keys | {name: part[name].to_numpy() for name in values}

    def _add_up(self) -> None:
        """Rows of one key become their sum."""
        frame = self._frame()
        values = [name for name in frame.columns if name not in self._by]
        frame = frame.astype(dict.fromkeys(values, np.int64))
        sums = frame.groupby(self._by, as_index=False, sort=True)[values].sum()
        self._merged = {}
        for name in frame.columns:
            column = sums[name].to_numpy()
            self._merged[name] = _Grown(column.dtype)
            self._merged[name].extend(column)

    def _checked(self, part: Any, rows: np.ndarray) -> list[str]:
        """The names of the value columns."""
        if not isinstance(part, pd.DataFrame):
            raise ProbeError(
                f"{self._where}: the step returned {type(part).__name__}, expected a DataFrame"
            )
        columns = list(map(str, part.columns))
        for name in self._by:
            if name not in columns:
                raise ProbeError(
                    f"{self._where}: no key column {name!r}; the step returned {listing(columns)}"
                )
        if self._columns is not None and columns != self._columns:
            raise ProbeError(
                f"{self._where}: columns {listing(columns)} of one shard, "
                f"{listing(self._columns)} of another; return the same from each"
            )
        self._columns = columns
        values = [name for name in columns if name not in self._by]
        allowed = "iuf" if self._by_document else "iu"
        for name in values if len(part) else ():
            kind = getattr(part[name].dtype, "kind", "O")
            if kind not in allowed or not isinstance(part[name].dtype, np.dtype):
                raise ProbeError(f"{self._where}: {self._refused(name, part[name].dtype)}")
        if self._by_document and not np.isin(part[ROW].to_numpy(), rows).all():
            raise ProbeError(f"{self._where}: a document that is not of the shard")
        return values

    def _refused(self, name: str, dtype: object) -> str:
        if self._by_document:
            return f"column {name} is {dtype}, expected integers or floats"
        return (
            f"column {name} is {dtype}, expected integers (sums of floats depend on how the shards "
            f"are cut); add up floats by {ROW} first"
        )

    def _coded(self, name: str, key: pd.Series) -> np.ndarray:
        """A key column as numbers: itself, or provisional codes of its texts."""
        if key.isna().any():
            raise ProbeError(f"{self._where}: key column {name} has a missing value")
        if name == ROW:
            return key.to_numpy().astype(np.int32)
        coded = isinstance(key.dtype, pd.CategoricalDtype)
        dtype = key.cat.categories.dtype if coded else key.dtype
        kind = dtype.kind if isinstance(dtype, np.dtype) else "O"
        if kind == "f":
            self._refuse_key(name, dtype)
        if self._numeric.setdefault(name, kind in "iub") != (kind in "iub"):
            raise ProbeError(
                f"{self._where}: key column {name} is text of one shard, numbers of another"
            )
        if kind in "iub":
            return np.asarray(key)
        local, texts = (key.cat.codes, key.cat.categories) if coded else pd.factorize(key)
        known, codes = self._codes.setdefault(name, {}), np.zeros(len(texts), dtype=np.int64)
        for code in np.unique(local):
            if not isinstance(texts[code], str):
                self._refuse_key(name, type(texts[code]).__name__)
            codes[code] = known.setdefault(str(texts[code]), len(known))
        smallest = np.min_scalar_type(-len(known) or -1)
        rows: np.ndarray = codes.astype(smallest)[np.asarray(local)]
        return rows

    def _refuse_key(self, name: str, dtype: object) -> None:
        raise ProbeError(f"{self._where}: key column {name} is {dtype}, expected text or integers")


class _Grown:
    """A column that grows at its end, in one piece of memory that is rarely copied.

    Thousands of small arrays would leave holes in the heap that nothing large fits into.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._room, self._size = np.empty(0, dtype=dtype), 0

    def extend(self, values: np.ndarray) -> None:
        """Put `values` behind what is there; the type widens if they do not fit."""
        size, kind = self._size + len(values), np.result_type(self._room.dtype, values.dtype)
        if size > len(self._room) or kind != self._room.dtype:
            room = np.empty(max(size, 2 * self._size), dtype=kind)
            room[: self._size] = self._room[: self._size]
            self._room = room
        self._room[self._size : size] = values
        self._size = size

    @property
    def values(self) -> np.ndarray:
        """All that was put there."""
        return self._room[: self._size]


def _categorical(provisional: np.ndarray, codes: dict[str, int]) -> pd.Categorical:
    """Provisional codes as a categorical whose categories are sorted."""
    texts = sorted(codes)
    final = np.empty(len(texts), dtype=np.min_scalar_type(-max(1, len(texts))))
    final[[codes[text] for text in texts]] = np.arange(len(texts))
    categories = pd.Index(texts, dtype="str")
    return pd.Categorical.from_codes(final[provisional], categories=categories)
