"""Where the shards of a trace are: in memory, on a disk or behind a URL; Arrow tables come out."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.text import one_of, said
from auditkit.trace.about import SCHEMA_VERSION, About
from auditkit.trace.documents import Documents, read_documents
from auditkit.trace.tables import schemas
from auditkit.trace.writing import Marker, markers, outdated, shard_folder

ROW = "document"
"""The extra column of every table: the row in `trace.documents`."""


class Shards(ABC):
    """The shards of one trace, in order, counted from 0."""

    def __init__(self, about: About) -> None:
        self.about = about
        self.schemas = schemas(about)

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, shard: int, name: str, columns: Sequence[str]) -> pa.Table:
        """Columns of one table; `example_id` is dictionary-encoded."""

    @cached_property
    def documents(self) -> Documents:
        """All documents, read once."""
        names = self.schemas["documents"].names
        parts = (self.read(shard, "documents", names) for shard in range(len(self)))
        return read_documents(self.about, parts)

    def checked(self, name: str, columns: Iterable[str] | None) -> list[str]:
        """The columns asked for; all of the table if None.

        Raises:
            TraceError: No such table, or no such column in it.
        """
        if name not in self.schemas:
            raise TraceError(f"no table {name!r}; {one_of(self.schemas, name)}")
        names = self.schemas[name].names
        if columns is None:
            return list(names)
        wanted = list(columns)
        for column in wanted:
            if column != ROW and column not in names:
                raise TraceError(
                    f"table {name}: no column {column!r}; {one_of([*names, ROW], column)}"
                )
        return wanted

    def frame(
        self, shard: int, name: str, columns: Sequence[str], rows: np.ndarray | None = None
    ) -> pd.DataFrame:
        """Columns of one shard's table, in the order in which they were recorded.

        Args:
            shard: Which shard.
            name: Which table.
            columns: Checked ones.
            rows: Documents to keep; all if None.
        """
        keyed = rows is not None or ROW in columns
        needed = [column for column in columns if column != ROW]
        extra = ["example_id"] if keyed and "example_id" not in needed else []
        table = self.read(shard, name, needed + extra)
        if keyed:
            table = table.append_column(ROW, self._rows(table["example_id"]))
        if rows is not None:
            table = table.filter(pc.is_in(table[ROW], value_set=pa.array(rows, pa.int32())))
        return _plain(table.select(columns))

    def empty(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        """No rows of a table."""
        table = self.schemas[name].empty_table().append_column(ROW, pa.array([], pa.int32()))
        return _plain(table.select(columns))

    def _rows(self, ids: pa.ChunkedArray) -> pa.Array:
        """int32, the documents' rows: each id is looked up once, not once a row."""
        coded = ids.combine_chunks()
        rows = self.documents.rows_of(coded.dictionary.to_pylist())
        return pa.array(rows, pa.int32()).take(coded.indices)


class InMemory(Shards):
    """One shard, as Arrow tables."""

    def __init__(self, about: About, tables: Mapping[str, pa.Table]) -> None:
        super().__init__(about)
        self._tables = {name: _coded(table) for name, table in tables.items()}

    def __len__(self) -> int:
        return 1

    def read(self, shard: int, name: str, columns: Sequence[str]) -> pa.Table:
        """Columns of one table; `example_id` is dictionary-encoded."""
        return self._tables[name].select(list(columns))


class Stored(Shards):
    """Shards as `write_shard` leaves them. Every file's hash is checked when it is read."""

    def __init__(self, about: About, folder: Folder) -> None:
        super().__init__(about)
        self.folder = folder

    @classmethod
    def open(cls, folder: Folder) -> "Stored":
        """Open the finished trace in `folder`.

        Raises:
            TraceError: There is none, or one of another schema version.
        """
        file, again = folder / "about.json", "run `auditkit run --overwrite`"
        try:
            told = json.loads(folder.read("about.json"))
            if isinstance(told, dict) and told.get("schema_version", 1) != SCHEMA_VERSION:
                raise TraceError(outdated(folder, told.get("schema_version", 1)))
            return cls(About.model_validate(told), folder)
        except FileNotFoundError:
            list(markers(folder))  # of another version?
            raise TraceError(
                f"{folder}: the trace is unfinished (no about.json); run `auditkit run` again, "
                "it goes on where it stopped"
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise TraceError(f"{file}: {where or 'all'}: {first['msg']}; {again}") from error
        except ValueError as error:
            raise TraceError(f"{file} is no JSON: {said(error)}; {again}") from error

    @cached_property
    def _markers(self) -> list[tuple[int, Marker]]:
        found = list(markers(self.folder))
        documents = sum(marker.rows.get("documents", 0) for _, marker in found)
        expected = self.about.counts.get("documents", 0)
        if not found or documents != expected:
            raise TraceError(
                f"{self.folder}: shards of {documents} documents, expected {expected}; "
                "run `auditkit run` again, it records what is missing"
            )
        return found

    def __len__(self) -> int:
        return len(self._markers)

    def read(self, shard: int, name: str, columns: Sequence[str]) -> pa.Table:
        """Columns of one table; `example_id` is dictionary-encoded.

        Raises:
            TraceError: The file is gone, or is not what was written.
        """
        place, file, data = self._file(shard, name)
        opened = pq.ParquetFile(pa.BufferReader(data), read_dictionary=["example_id"])
        lacking = set(columns) - set(opened.schema_arrow.names)
        if lacking:
            raise TraceError(_damaged(place, file, f"it has no column {min(lacking)}"))
        return opened.read(columns=list(columns), use_threads=False)

    def verify(self) -> None:
        """Read every file.

        Raises:
            TraceError: One is gone, or is not what was written.
        """
        for shard in range(len(self)):
            for name in self.schemas:
                self._file(shard, name)

    def _file(self, shard: int, name: str) -> tuple[Folder, str, bytes]:
        """Folder, name and bytes of a table of a shard."""
        number, marker = self._markers[shard]
        place, file = shard_folder(self.folder, number), f"{name}.parquet"
        try:
            data = place.read(file)
        except FileNotFoundError:
            raise TraceError(_damaged(place, file, "it is not there")) from None
        except OSError as error:
            raise TraceError(_damaged(place, file, said(error))) from error
        if hashlib.sha256(data).hexdigest() != marker.sha256.get(name):
            raise TraceError(_damaged(place, file, "it was changed after it was written"))
        return place, file, data

    def fingerprint(self) -> str:
        """A hash of all they hold."""
        digest = hashlib.sha256(self.about.model_dump_json().encode())
        for number, marker in self._markers:
            digest.update(f"{number} {marker.model_dump_json()}".encode())
        return digest.hexdigest()


def _damaged(place: Folder, file: str, why: str) -> str:
    return f"{place / file} cannot be read: {why}; `auditkit run` records it again"


def _coded(table: pa.Table) -> pa.Table:
    at = table.column_names.index("example_id")
    coded = table["example_id"].combine_chunks().dictionary_encode()
    return table.set_column(at, "example_id", coded)


def _plain(table: pa.Table) -> pd.DataFrame:
    """As pandas, with strings for what is dictionary-encoded."""
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, table[field.name].cast(field.type.value_type))
    frame: pd.DataFrame = table.to_pandas()
    return frame
