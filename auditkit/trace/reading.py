"""Reading a trace: `documents` whole, everything else shard by shard."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.trace.about import About
from auditkit.trace.caching import Owner, folds, keep, kept, measured
from auditkit.trace.documents import Documents
from auditkit.trace.folding import Merger
from auditkit.trace.shards import ROW, InMemory, Shards, Stored
from auditkit.trace.tables import conform, schemas, validate


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """Some documents of a run: what a step of `Trace.fold` sees."""

    rows: np.ndarray
    """(m,) int64, ascending: its documents, as rows of `documents`."""
    _shards: Shards
    _number: int

    @property
    def about(self) -> About:
        """What the trace holds."""
        return self._shards.about

    @property
    def documents(self) -> Documents:
        """All documents of the run, not of this shard alone."""
        return self._shards.documents

    def table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The shard's rows of a table, in the order in which they were recorded.

        Args:
            name: One of `TABLES`, but `texts`.
            columns: Its columns, and `document`, the row in `documents`; all of its own if None.

        Raises:
            TraceError: No such table or column, or a file that is not what was written.
        """
        wanted = self._shards.checked(name, columns)
        _refuse_texts(name)
        return self._shards.frame(self._number, name, wanted)


Step = Callable[[Shard], pd.DataFrame]


class Trace:
    """A recorded run, read lazily.

    Open one with `Trace.open(folder)`, or build one by hand with `Trace.of(about, tokens=…)`.
    """

    def __init__(
        self, shards: Shards, measured: Mapping[str, pd.DataFrame], owner: Owner | None = None
    ) -> None:
        self._shards, self._measured, self._owner = shards, dict(measured), owner

    @classmethod
    def of(cls, about: About, **tables: pd.DataFrame) -> "Trace":
        """A trace in memory, of one shard; its rows are counted into `about`.

        Args:
            about: What the tables are of.
            tables: By name, those not given have no rows; measured ones as `measured_<probe>`.

        Raises:
            TraceError: An unknown table, or one that breaks `validate`.
        """
        own = schemas(about)
        arrow = {name: schema.empty_table() for name, schema in own.items()}
        measured = {}
        for name, frame in tables.items():
            if name.startswith("measured_"):
                measured[name.removeprefix("measured_")] = frame
            else:
                arrow[name] = conform(name, frame, own.get(name))
                if name not in own:
                    raise TraceError(f"table {name}: the run named no column of it")
        validate(about, arrow)
        counts = {name: table.num_rows for name, table in arrow.items()}
        return cls(InMemory(about.model_copy(update={"counts": counts}), arrow), measured)

    @classmethod
    def open(cls, folder: Folder | Path | str) -> "Trace":
        """Open a run's `trace/`, on a disk or behind a URL.

        Raises:
            TraceError: No finished trace there, or one of another schema version.
        """
        return cls(Stored.open(Folder(folder)), {})

    @property
    def about(self) -> About:
        """What the trace holds."""
        return self._shards.about

    @property
    def documents(self) -> Documents:
        """The documents as arrays, in the order of their ids; read once."""
        return self._shards.documents

    def table(self, name: str) -> pd.DataFrame:
        """The table `documents`, whole; its rows are those of `trace.documents`.

        Raises:
            TraceError: Any other table.
        """
        if name != "documents":
            self._shards.checked(name, None)
            raise TraceError(
                f"table {name} is not read whole; trace.scan({name!r}, columns=…) gives it shard "
                "by shard, trace.fold(step, by=…) adds it up"
            )
        columns = [*self._shards.schemas[name].names, ROW]
        frame = pd.concat(self._scanned(name, columns, None), ignore_index=True)
        return frame.sort_values(ROW, kind="stable", ignore_index=True).drop(columns=ROW)

    def scan(
        self, name: str, columns: Sequence[str] | None = None, ids: Iterable[str] | None = None
    ) -> Iterator[pd.DataFrame]:
        """A table, shard by shard, its rows in the order in which they were recorded.

        Args:
            name: One of `TABLES`.
            columns: Its columns, and `document`, the row in `documents`; all of its own if None.
            ids: Only these documents; shards that hold none of them are not read. At least one
                frame comes, if need be without rows.

        Raises:
            TraceError: No such table, column or document; `texts` without `ids`; a file that is
                not what was written.
        """
        wanted = self._shards.checked(name, columns)
        if ids is None:
            _refuse_texts(name)
            return self._scanned(name, wanted, None)
        return self._scanned(name, wanted, np.unique(self.documents.rows_of(ids)))

    def fold(self, step: Step, by: Sequence[str]) -> pd.DataFrame:
        """What `step` says of every shard, merged; the same however the shards are cut.

        Args:
            step: Shard → frame of the key columns `by` and columns of numbers.
            by: If the first is `document`, the shards' frames are put together and sorted by
                document, stably; the other columns may be floats. Otherwise they must be integers
                and are added up by key, and the keys are sorted.

        Returns:
            The keys, text as categoricals of sorted categories, and the numbers.

        Raises:
            ProbeError: The step returned what cannot be merged.
            TraceError: A file that is not what was written.
        """
        owner, shards = self._owner, self._shards
        if owner is None or not isinstance(shards, Stored):
            return self._folded(step, by)
        key = owner.key(step, by, shards.fingerprint())
        if key is None:
            return self._folded(step, by)
        result = kept(folds(shards.folder, owner.probe), key)
        if result is None:
            result = self._folded(step, by)
            keep(folds(shards.folder, owner.probe), key, result)
        return result

    def _folded(self, step: Step, by: Sequence[str]) -> pd.DataFrame:
        merger = Merger(getattr(step, "__name__", type(step).__name__), by)
        for number in range(len(self._shards)):
            rows = np.flatnonzero(self.documents.shard == number)
            merger.add(step(Shard(rows, self._shards, number)), rows)
        return merger.result()

    def bound(self, probe: str, version: str, options: Mapping[str, Any], own: str = "") -> "Trace":
        """This trace as a probe gets it: folds are kept, and no other sees what it writes into it.

        Args:
            probe: The probe's name in the run.
            version: Its version.
            options: Its options; another version or other options fold anew.
            own: What it calls itself, and asks by for what it measured; "": the same.
        """
        len(self.documents)  # read once, for all probes
        shards = copy(self._shards)
        shards.about = self.about.model_copy(deep=True)
        return Trace(shards, self._measured, Owner(probe, version, options, own))

    def measured(self, probe: str) -> pd.DataFrame | None:
        """What the probe's `measure` returned in this run, or None if it measured nothing.

        Raises:
            TraceError: The file is not what was written.
        """
        if self._owner is not None and probe == self._owner.own:
            probe = self._owner.probe
        if (given := self._measured.get(probe)) is not None:
            return given.copy()
        return measured(self._shards.folder, probe) if isinstance(self._shards, Stored) else None

    def verify(self) -> None:
        """Read every file of a stored trace, the measured ones too.

        Raises:
            TraceError: One is gone, or is not what was written.
        """
        if isinstance(self._shards, Stored):
            self._shards.verify()
            for name in (self._shards.folder / "measured").names():
                measured(self._shards.folder, name.rpartition(".")[0])

    def validate(self) -> None:
        """Check what every reader relies on, in all shards.

        Raises:
            TraceError: With the table and the first offending value.
        """
        for number in range(len(self._shards)):
            shard = {
                n: self._shards.read(number, n, s.names) for n, s in self._shards.schemas.items()
            }
            validate(self.about, shard)
        len(self.documents)  # reads them all: none stands in two shards

    def _scanned(
        self, name: str, columns: Sequence[str], rows: np.ndarray | None
    ) -> Iterator[pd.DataFrame]:
        numbers: Sequence[int] = range(len(self._shards))
        if rows is not None:
            numbers = np.unique(self.documents.shard[rows]).tolist()
            if not numbers:
                yield self._shards.empty(name, columns)
        for number in numbers:
            yield self._shards.frame(number, name, columns, rows)


def _refuse_texts(name: str) -> None:
    if name == "texts":
        raise TraceError("table texts is read for documents that are named; give ids=")
