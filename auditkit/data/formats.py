"""A file → the columns of a data set: CSV, JSONL and Parquet.

Every value of a CSV is text, whatever it looks like: `NA`, `null` and `007` stay as they are
written.
"""

import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from auditkit.errors import DataError
from auditkit.text import fault, listing


@dataclass(frozen=True, slots=True)
class Source:
    """The columns of a data set, read when they are asked for."""

    name: str
    split: str
    """The split, or `all` for a file, which has none."""
    columns: tuple[str, ...]
    rows: int
    values: Callable[[str], list[object]]
    """All values of one column, in the order of the rows; None where there is none."""
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of integer columns that carry Hugging Face's ClassLabel: the names by integer."""


def read_text(path: Path) -> str:
    """A whole text file, without its byte order mark.

    Raises:
        DataError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.name}: byte {error.object[error.start]:#04x} at offset {error.start} is not "
            "UTF-8; save the file as UTF-8"
        ) from error
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read: {error.strerror}") from error


def read_table(path: Path) -> pa.Table:
    """A Parquet file as it is.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with pq.ParquetFile(path) as file:
            table: pa.Table = file.read()
            return table
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path.name}: not a readable Parquet file ({fault(error)}); "
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
        DataError: Two columns have one name, or the metadata cannot be read.
    """

    def values(column: str) -> list[object]:
        try:
            return list(table.column(column).to_pylist())
        except (UnicodeDecodeError, pa.ArrowException) as error:
            raise DataError(f"{name}, column {column!r}: cannot be read: {fault(error)}") from error

    columns = _distinct(name, table.column_names)
    return Source(name, split, columns, table.num_rows, values, _class_names(name, metadata))


def _read_csv(path: Path) -> Source:
    """RFC 4180: quoted fields may hold newlines. Blank lines between rows are no rows."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    limit = csv.field_size_limit(sys.maxsize)  # a text may be longer than the module's default
    try:
        records = [(reader.line_num, record) for record in reader if record]
    except csv.Error as error:
        raise DataError(f"{path.name}, line {reader.line_num}: not valid CSV: {error}") from error
    finally:
        csv.field_size_limit(limit)
    if not records:
        raise DataError(f"{path.name}: the file is empty; expected a header line and rows")
    header = _distinct(path.name, records[0][1])
    rows = [record for _, record in records[1:]]
    for line, record in records[1:]:
        if len(record) != len(header):
            raise DataError(
                f"{path.name}, line {line}: {len(record)} fields under {len(header)} columns; "
                "quote fields that hold commas"
            )
    return _from_rows(path.name, header, rows)


def _read_jsonl(path: Path) -> Source:
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
    header = tuple(dict.fromkeys(key for record in records for key in record))
    return _from_rows(path.name, header, [[record.get(k) for k in header] for record in records])


def _read_parquet(path: Path) -> Source:
    table = read_table(path)
    return from_table(path.name, "all", table, table.schema.metadata)


def _distinct(name: str, columns: Iterable[str]) -> tuple[str, ...]:
    header = tuple(columns)
    twice = [column for column, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(f"{name}: two columns are called {listing(twice)}; rename one")
    return header


def _from_rows(name: str, header: tuple[str, ...], rows: Sequence[Sequence[object]]) -> Source:
    def values(column: str) -> list[object]:
        index = header.index(column)
        return [row[index] for row in rows]

    return Source(name, "all", header, len(rows), values)


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
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise DataError(
            f"{name}: the schema metadata 'huggingface' cannot be read: {fault(error)}"
        ) from error


READERS: Mapping[str, Callable[[Path], Source]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}
"""By the suffix of a file's name, in lower case: its columns."""
