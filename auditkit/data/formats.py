"""A file → the columns of a data set: JSONL and Parquet, and what all kinds have in common."""

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from auditkit.errors import DataError
from auditkit.files import regular
from auditkit.text import cut, fault, listing

MOST_UNPACKED = 2**30
"""Bytes that a packed file may hold: one of a megabyte may hold a thousand times as much."""


@dataclass(frozen=True, slots=True)
class Source:
    """The columns of a data set, read when they are asked for."""

    name: str
    split: str
    """The split, or `all` for a file, which has none."""
    columns: tuple[str, ...]
    """Their names, each once; a column without a name cannot be asked for."""
    rows: int
    values: Callable[[str], list[object]]
    """All values of one column, in the order of the rows; None where there is none. `DataError`
    where they cannot be read, or two columns have that name."""
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of integer columns that carry Hugging Face's ClassLabel: the names by integer."""


def read_text(path: Path) -> str:
    """A whole text file, without its byte order mark; one that ends in `.gz` is unpacked.

    Raises:
        DataError: It cannot be read, is no regular file, holds too much, or is not UTF-8.
    """
    try:
        packed = path.suffix.lower() == ".gz"
        with (gzip.open if packed else open)(regular(path), "rb") as file:
            held = file.read(MOST_UNPACKED + 1 if packed else -1)
        text = held.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.name}: byte {error.object[error.start]:#04x} at offset {error.start} is not "
            "UTF-8; save the file as UTF-8"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path.name}: cannot be unpacked: {fault(error)}; copy it again"
        ) from error
    except OSError as error:
        raise DataError(f"{cut(path.name, 80)}: cannot be read: {error.strerror}") from error
    if packed and len(held) > MOST_UNPACKED:
        raise DataError(
            f"{path.name}: unpacks to more than {MOST_UNPACKED:,} bytes; unpack it, and give that"
        )
    return text


def read_table(path: Path) -> pa.Table:
    """A Parquet file as it is.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with pq.ParquetFile(regular(path)) as file:
            table: pa.Table = file.read()
            return table
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{cut(path.name, 80)}: not a readable Parquet file ({fault(error)}); "
            "it may be truncated: copy it again"
        ) from error


def from_table(
    name: str, split: str, table: pa.Table, metadata: Mapping[bytes, bytes] | None
) -> Source:
    """The columns of an Arrow table.

    Args:
        name: What errors call it.
        split: The split that it holds, or `all`.
        table: The rows; a column is converted when it is asked for.
        metadata: Of the schema; ClassLabel names are in what Hugging Face `datasets` writes there.

    Raises:
        DataError: The metadata cannot be read.
    """

    def values(column: str) -> list[object]:
        try:
            return list(table.column(columns.index(column)).to_pylist())
        except Exception as error:  # dates out of range, twin fields, text that is not UTF-8, …
            raise DataError(f"{name}, column {column!r}: cannot be read: {fault(error)}") from error

    columns: list[str] = table.column_names
    return _source(name, split, columns, table.num_rows, values, _class_names(name, metadata))


def from_rows(name: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Source:
    """The columns of a file without splits, from its rows, each as long as the header."""

    def values(column: str) -> list[object]:
        index = header.index(column)
        return [row[index] for row in rows]

    return _source(name, "all", header, len(rows), values)


def _source(
    name: str,
    split: str,
    header: Sequence[str],
    rows: int,
    values: Callable[[str], list[object]],
    class_names: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Source:
    """A data set of these columns, of which those without a name and twins may stay unused."""
    count = Counter(header)

    def distinct(column: str) -> list[object]:
        if count[column] > 1:
            raise DataError(f"{name}: two columns are called {listing([column])}; rename one")
        return values(column)

    columns = tuple(column for column in count if column.strip())
    return Source(name, split, columns, rows, distinct, class_names)


def read_jsonl(path: Path) -> Source:
    """One JSON object a line. The columns are all keys; blank lines are no rows."""
    records: list[dict[str, Any]] = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):  # not at U+2028
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path.name}, line {number}: not valid JSON: {error}") from error
        if not isinstance(record, dict):
            raise DataError(
                f"{path.name}, line {number}: a JSON {type(record).__name__}; expected an object "
                'such as {"text": …, "label": …}'
            )
        records.append(record)
    header = list(dict.fromkeys(key for record in records for key in record))
    return from_rows(path.name, header, [[record.get(k) for k in header] for record in records])


def read_parquet(path: Path) -> Source:
    """The columns of a Parquet file."""
    table = read_table(path)
    return from_table(path.name, "all", table, table.schema.metadata)


def _class_names(name: str, metadata: Mapping[bytes, bytes] | None) -> dict[str, tuple[str, ...]]:
    """ClassLabel names from the schema metadata that Hugging Face `datasets` writes."""
    try:
        features = json.loads((metadata or {}).get(b"huggingface", b"{}"))
        features = features.get("info", {}).get("features", {})
        return {
            column: tuple(str(n) for n in feature["names"])
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{name}: the schema metadata 'huggingface' cannot be read: {fault(error)}"
        ) from error
