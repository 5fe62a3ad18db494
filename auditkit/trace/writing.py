"""Writing a trace, shard by shard, so that whatever a process left behind is known for what it is.

    trace/inputs.json                       what decides all of it; written first
    trace/about.json                        `About`; written last of all
    trace/shards/<number>/<table>.parquet   the tables of the run, some documents each
    trace/shards/<number>/shard.json        `Marker`; written when the tables are there
    trace/measured/<probe>.parquet          what a probe's `measure` returned; <probe>.key beside it
    trace/measured/<probe>.parts/           what there is of it while it is measured
    trace/folds/<probe>/<key>.parquet       what `Trace.fold` kept; <key>.sha256 beside it

A shard without its marker is not there. The marker holds the hashes of the tables, so that a file
that is torn or was edited is seen, on a local disk and in an object store alike; and which shard of
which inputs it is, so that a folder from elsewhere is not taken for it.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.trace.about import SCHEMA_VERSION, About
from auditkit.trace.tables import OPTIONAL, TABLES, conform

INPUTS, MARKER = "inputs.json", "shard.json"


class Marker(BaseModel):
    """What makes a shard finished: which one it is, and rows and SHA-256 of its tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    inputs: str
    """SHA-256 of the trace's `inputs.json` when it was written; of nothing where there was none."""
    rows: dict[str, int]
    sha256: dict[str, str]


def shard_folder(folder: Folder, number: int) -> Folder:
    """Where a shard of the trace in `folder` lies."""
    return folder / "shards" / f"{number:06d}"


def write_shard(
    folder: Folder,
    number: int,
    tables: Mapping[str, pd.DataFrame],
    schema_of_documents: pa.Schema,
) -> None:
    """Write one shard of all tables; it is there whole or not at all, whenever the process dies.

    Args:
        folder: The trace.
        number: From 0.
        tables: By name; those of `TABLES` not given have no rows, of `OPTIONAL` are not there.
        schema_of_documents: As `documents_schema` gives it.

    Raises:
        TraceError: A table that does not conform; nothing is written then.
    """
    arrow = {}
    there = {name: schema for name, schema in OPTIONAL.items() if name in tables}
    for name, fixed in {**TABLES, **there}.items():
        schema = schema_of_documents if name == "documents" else fixed
        empty = schema.empty_table()
        arrow[name] = conform(name, tables[name], schema) if name in tables else empty
    shard = shard_folder(folder, number)
    shard.remove(MARKER)
    hashes = {}
    for name, table in arrow.items():
        data = parquet(table)
        shard.write(f"{name}.parquet", data)
        hashes[name] = hashlib.sha256(data).hexdigest()
    rows = {name: table.num_rows for name, table in arrow.items()}
    marker = Marker(number=number, inputs=_inputs(folder), rows=rows, sha256=hashes)
    shard.write(MARKER, marker.model_dump_json(indent=1) + "\n")


def parquet(table: pa.Table) -> bytes:
    """The bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def finish(folder: Folder, about: About) -> About:
    """Write `about.json`, which says that the trace is whole, unless it says just that already.

    Returns:
        `about` with the rows counted.
    """
    counts = Counter(dict.fromkeys(TABLES, 0))
    for _, marker in markers(folder):
        counts.update(marker.rows)
    told = about.model_copy(update={"counts": dict(counts)})
    text = (told.model_dump_json(indent=1) + "\n").encode()
    if not folder.has("about.json") or folder.read("about.json") != text:
        folder.write("about.json", text)
    return told


def finished_shards(folder: Folder, verify: bool = True) -> set[int]:
    """Numbers of the shards that are there whole.

    Args:
        folder: The trace.
        verify: Read all files and leave out shards whose files are not those that were written.

    Raises:
        TraceError: The shards are of another schema version.
    """
    return {
        number
        for number, marker in markers(folder)
        if not verify or _intact(shard_folder(folder, number), marker)
    }


def check_shards(folder: Folder, count: int) -> None:
    """Make sure that no folder lies there that can be none of `count` shards.

    Raises:
        TraceError: One does.
    """
    known = {f"{number:06d}" for number in range(count)}
    for name in _numbered(folder):
        if name not in known:
            raise TraceError(
                f"{folder / 'shards' / name} is no shard of this run, which has {count}; remove it"
            )


def markers(folder: Folder) -> Iterator[tuple[int, Marker]]:
    """Number and marker of each finished shard, in order.

    Raises:
        TraceError: The shards are of another schema version.
    """
    inputs = _inputs(folder)
    for number in sorted({int(name) for name in _numbered(folder)}):
        shard = shard_folder(folder, number)
        try:
            marker = Marker.model_validate_json(shard.read(MARKER))
        except FileNotFoundError:
            if shard.has("examples.parquet"):
                raise TraceError(outdated(folder, 1)) from None
        except ValidationError:
            continue  # torn or edited: not there
        else:
            if (marker.number, marker.inputs) == (number, inputs):  # else it is from elsewhere
                yield number, marker


def outdated(folder: Folder, seen: object) -> str:
    """What to say of a trace of another schema version."""
    return (
        f"{folder}: a trace of schema version {seen}, this auditkit reads {SCHEMA_VERSION}; "
        "record it again with `auditkit run --overwrite`"
    )


def _numbered(folder: Folder) -> list[str]:
    return [name for name in (folder / "shards").names() if name.isdecimal()]


def _inputs(folder: Folder) -> str:
    held = folder.read(INPUTS) if folder.has(INPUTS) else b""
    return hashlib.sha256(held).hexdigest()


def _intact(shard: Folder, marker: Marker) -> bool:
    there = set(marker.rows)
    if set(marker.sha256) != there or there - set(OPTIONAL) != set(TABLES):
        return False
    for name, expected in marker.sha256.items():
        try:
            data = shard.read(f"{name}.parquet")
        except FileNotFoundError:
            return False
        if hashlib.sha256(data).hexdigest() != expected:
            return False
        if pq.read_metadata(pa.BufferReader(data)).num_rows != marker.rows[name]:
            return False
    return True
