"""A data set's name → its columns: CSV, JSONL and Parquet files, local copies, the hub.

Nothing is known here about texts and labels; `auditkit.data.examples` reads the columns as
examples. Every value of a CSV is text, whatever it looks like: `NA`, `null` and `007` stay as they
are written.
"""

import csv
import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from auditkit.errors import DataError
from auditkit.text import listing, one_of

KNOWN: Mapping[str, tuple[str, str]] = {
    "agnews": ("ag_news", "fancyzhx/ag_news"),
    "imdb": ("imdb", "stanfordnlp/imdb"),
}
"""Short names: the folder of a local copy (`<data dir>/<folder>/<split>.parquet`), the hub's id."""

ENVIRONMENT = "AUDITKIT_DATA"
"""The environment variable that stands for `--data-dir`."""

HUB_TIMEOUT = 10.0
"""Seconds to wait for the hub's first answer; its own client would retry for half a minute."""

LOCAL_WAYS = f"--data-dir DIR or {ENVIRONMENT}=DIR with a local copy, or a .csv, .jsonl or .parquet"


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


def open_source(name: str, *, split: str | None = None, data_dir: Path | None = None) -> Source:
    """Find and open a data set.

    Args:
        name: A name in `KNOWN`, a hub id (`OWNER/NAME`), or a path to a .csv, .jsonl or .parquet.
        split: None is `test`. A file has no splits: `train` and `all` stand for the file itself.
        data_dir: Where local copies of the known data sets are; default: `AUDITKIT_DATA`.

    Raises:
        DataError: The name is unknown or the hub out of reach, the file cannot be read, has no rows
            or two columns of one name.
    """
    path = Path(name)
    if path.suffix.lower() in _READERS:
        source = _open_file(path, split)
    elif name in KNOWN:
        source = _open_known(name, split or "test", _data_directory(data_dir))
    elif _is_there(path):
        kind = "a directory" if path.is_dir() else "a file of another kind"
        raise DataError(f"data set {name!r} is {kind}; give a file: {one_of(_READERS)}")
    elif re.fullmatch(r"[\w.-]+/[\w.-]+", name, flags=re.ASCII):
        source = _open_hub(name, name, split or "test")
    else:
        raise DataError(
            f"unknown data set {name!r}; {one_of(KNOWN, name)}, OWNER/NAME of the hub, "
            "or the path of a .csv, .jsonl or .parquet file"
        )
    if not source.rows:
        raise DataError(f"{name}: no rows; expected at least one row with a text and a label")
    return source


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


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than a path can be, or below a folder that is closed to us
        return False


def _open_file(path: Path, split: str | None) -> Source:
    if split not in (None, "train", "all"):
        raise DataError(
            f"split {split!r} of {path.name}: a file has no splits; leave out --split, "
            "or give the file that holds the split"
        )
    if not _is_there(path):
        raise DataError(f"data file {str(path)!r} not found; check the path (from {Path.cwd()})")
    return _READERS[path.suffix.lower()](path)


def _data_directory(given: Path | None) -> Path | None:
    value = given or os.environ.get(ENVIRONMENT)
    if not value:
        return None
    directory = Path(value)
    if not directory.is_dir():
        flag = "--data-dir" if given else ENVIRONMENT
        raise DataError(f"{flag} {value}: no such directory; give the one that holds ag_news/, …")
    return directory


def _open_known(name: str, split: str, data_dir: Path | None) -> Source:
    folder, hub_id = KNOWN[name]
    if data_dir is None or not (data_dir / folder).is_dir():
        return _open_hub(name, hub_id, split)
    splits = {path.stem: path for path in (data_dir / folder).glob("*.parquet")}
    if split not in splits:
        raise DataError(f"{name} in {data_dir / folder}: no split {split!r}; {one_of(splits)}")
    table = _read_parquet_table(splits[split])
    return _from_table(name, split, table, table.schema.metadata)


def _open_hub(name: str, hub_id: str, split: str) -> Source:
    _check_hub(name, hub_id)
    import datasets  # here, because it takes a second and only the hub needs it

    try:
        found = datasets.load_dataset(hub_id, split=split)
    except Exception as error:
        raise DataError(
            f"data set {hub_id}, split {split!r}, cannot be loaded: {_first_line(error)}; "
            f"other ways: {LOCAL_WAYS} file"
        ) from error
    table = found.with_format("arrow")[:]
    return _from_table(name, split, table, found.features.arrow_schema.metadata)


def _check_hub(name: str, hub_id: str) -> None:
    """Ask the hub once, because its client retries for long where there is no network."""
    from huggingface_hub import HfApi, is_offline_mode
    from huggingface_hub.errors import RepositoryNotFoundError

    if is_offline_mode():
        return  # the library then looks into its cache at once
    try:
        HfApi().dataset_info(hub_id, timeout=HUB_TIMEOUT)
    except RepositoryNotFoundError as error:
        raise DataError(
            f"data set {hub_id!r} is not on the hub, or not open to you; "
            f"{one_of(KNOWN, name)}, or the path of a file"
        ) from error
    except Exception as error:
        raise DataError(
            f"data set {name!r}: the hub cannot be reached ({_first_line(error)}); other ways: "
            f"{LOCAL_WAYS} file; HF_HUB_OFFLINE=1 reads what was downloaded before"
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


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
    table = _read_parquet_table(path)
    return _from_table(path.name, "all", table, table.schema.metadata)


def _read_parquet_table(path: Path) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            table: pa.Table = file.read()
            return table
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path.name}: not a readable Parquet file ({_first_line(error)}); "
            "it may be truncated: copy it again"
        ) from error


_READERS: Mapping[str, Callable[[Path], Source]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}


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


def _from_table(
    name: str, split: str, table: pa.Table, metadata: Mapping[bytes, bytes] | None
) -> Source:
    def values(column: str) -> list[object]:
        try:
            return list(table.column(column).to_pylist())
        except (UnicodeDecodeError, pa.ArrowException) as error:
            raise DataError(
                f"{name}, column {column!r}: cannot be read: {_first_line(error)}"
            ) from error

    columns = _distinct(name, table.column_names)
    return Source(name, split, columns, table.num_rows, values, _class_names(name, metadata))


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
            f"{name}: the schema metadata 'huggingface' cannot be read: {_first_line(error)}"
        ) from error
