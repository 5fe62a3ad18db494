"""The tables of a trace: their columns, and what every reader of them relies on.

Rows are keyed by value (`example_id`, `position`, `word`), never by row number. Spans are
half-open, in code points of the original text. A pruned token never returns, so the whole keep
mask of a document (layers × tokens) is one small integer per token, its survival depth 0..L: a
token is alive after the l-th layer (l = 1..L) iff depth >= l.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditkit.errors import TraceError
from auditkit.text import listing, one_of
from auditkit.trace.about import About
from auditkit.trace.arms import arm

_ID = ("example_id", pa.string())

TABLES: Mapping[str, pa.Schema] = {
    # one row a document, without its text; `documents_schema` adds groups and arms
    "documents": pa.schema(
        [
            _ID,
            ("label", pa.int32()),
            ("tokens", pa.int32()),  # what the models read, special tokens included
            ("truncated", pa.bool_()),  # it has more tokens than the models read
            ("words_cut", pa.int32()),  # words past what the models read; they are in no table
            ("pieces", pa.int32()),  # tokens that are not special
            ("kept", pa.list_(pa.int32())),  # pieces alive after layers 1..L
            ("special_kept", pa.list_(pa.int32())),  # special tokens alive after layers 1..L
        ]
    ),
    # only read for documents that are named
    "texts": pa.schema([_ID, ("text", pa.string())]),
    # depth is that of the arm `pruned`; word: -1 for special tokens and pieces of no word
    "tokens": pa.schema(
        [
            _ID,
            ("position", pa.int32()),
            ("token_id", pa.int32()),
            ("char_start", pa.int32()),
            ("char_end", pa.int32()),
            ("word", pa.int32()),
            ("special", pa.bool_()),
            ("depth", pa.int8()),
        ]
    ),
    # survival depths under the arms `random` and `repeat`
    "depths": pa.schema(
        [
            _ID,
            ("arm", pa.string()),
            ("draw", pa.int16()),
            ("position", pa.int32()),
            ("depth", pa.int8()),
        ]
    ),
    # words with at least one piece that the model read; depth: the maximum over the pieces
    "words": pa.schema(
        [
            _ID,
            ("word", pa.int32()),
            ("text", pa.string()),
            ("lower", pa.string()),
            ("char_start", pa.int32()),
            ("char_end", pa.int32()),
            ("upos", pa.string()),
            ("is_stop", pa.bool_()),
            ("entity", pa.string()),  # "" outside of entities
            ("pieces", pa.int16()),
            ("depth", pa.int8()),
        ]
    ),
    # counted MACs of one document in one layer (1..L); arm: baseline | pruned
    "costs": pa.schema(
        [
            _ID,
            ("arm", pa.string()),
            ("layer", pa.int16()),
            ("tokens_in", pa.int32()),  # alive in the layer's attention
            ("tokens_out", pa.int32()),  # alive in its FFN
            ("macs_attention", pa.int64()),
            ("macs_ffn", pa.int64()),
        ]
    ),
}

OPTIONAL: Mapping[str, pa.Schema] = {
    # what people marked as the reason for the label; only in a run with `--rationale-column`
    "rationales": pa.schema([_ID, ("char_start", pa.int32()), ("char_end", pa.int32())]),
}
"""Tables of some runs alone: others have no such table, and are as they were before there was."""

COSTED = ("baseline", "pruned")
"""Arms whose MACs are counted."""

_KEYS: Mapping[str, Sequence[str]] = {
    "documents": ("example_id",),
    "texts": ("example_id",),
    "tokens": ("example_id", "position"),
    "depths": ("example_id", "arm", "draw", "position"),
    "words": ("example_id", "word"),
    "costs": ("example_id", "arm", "layer"),
    "rationales": ("example_id", "char_start"),
}


def documents_schema(group_columns: Sequence[str], arm_keys: Sequence[str]) -> pa.Schema:
    """The columns of `documents` in a run with these groups and arms.

    Beside the fixed ones: `group:<column>`; of each arm `predicted_<key>` (class index) and
    `probs_<key>` (one a class), null where the arm was not run on the document; `macs_<arm>`.

    Args:
        group_columns: The user's columns (`--groups`).
        arm_keys: What `arms.keys` gives for the arms that were run, as `About.arm_keys`.
    """
    fields = list(TABLES["documents"])
    fields += [pa.field(f"group:{column}", pa.string()) for column in group_columns]
    for key in arm_keys:
        fields.append(pa.field(f"predicted_{key}", pa.int32()))
        fields.append(pa.field(f"probs_{key}", pa.list_(pa.float32())))
    fields += [pa.field(f"macs_{name}", pa.int64()) for name in COSTED]
    return pa.schema(fields)


def schemas(about: About) -> dict[str, pa.Schema]:
    """The columns of all tables in a run, by table."""
    own = documents_schema(about.dataset.group_columns, about.arm_keys)
    return {**TABLES, "documents": own, **(OPTIONAL if about.dataset.rationale_column else {})}


def conform(name: str, frame: pd.DataFrame, schema: pa.Schema | None = None) -> pa.Table:
    """`frame` as table `name`, with exactly its columns and types.

    Args:
        name: One of `TABLES` or `OPTIONAL`.
        frame: Its rows; columns in any order.
        schema: The table's own unless given (`documents` has columns of the run).

    Raises:
        TraceError: An unknown table, a missing or extra column, or a value that is missing or of
            another type.
    """
    known = {**TABLES, **OPTIONAL}
    if name not in known:
        raise TraceError(f"no table {name!r}; {one_of(known, name)}")
    schema = known[name] if schema is None else schema
    if set(frame.columns) != set(schema.names):
        raise TraceError(
            f"table {name}: columns {listing(sorted(map(str, frame.columns)), 40)}, "
            f"expected {listing(sorted(schema.names), 40)}"
        )
    try:
        table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    except (pa.ArrowException, UnicodeError, OverflowError) as error:
        raise TraceError(f"table {name}: {' '.join(str(error).split())}") from error
    for column in schema.names:
        if table[column].null_count and not column.startswith(("predicted_", "probs_")):
            raise TraceError(f"table {name}, column {column}: a value is missing")
    return table.replace_schema_metadata(None)


def validate(about: About, tables: Mapping[str, pa.Table]) -> None:
    """Check what every reader of a shard relies on, of all its tables.

    Keys are unique; every row is of a document of the shard; depths are 0..L; lists have one entry
    a layer, or one a class; an arm has a prediction where it has probabilities; rationales lie
    within their text, in order and apart.

    Raises:
        TraceError: With the table and the first offending value.
    """
    known = tables["documents"]["example_id"].cast(pa.string()).combine_chunks()
    for name in tables:
        key, table, ids = _KEYS[name], tables[name], tables[name]["example_id"].cast(pa.string())
        strangers = pc.invert(pc.is_in(ids, value_set=known))
        if pc.any(strangers).as_py():
            first = pc.min(ids.filter(strangers)).as_py()
            raise TraceError(f"table {name}: document {first!r} is not in documents")
        frame = table.select(key).to_pandas()
        repeated = frame[frame.duplicated()]
        if len(repeated):
            raise TraceError(f"table {name}: {repeated.iloc[0].to_dict()} stands twice")
        if "depth" in table.column_names:
            _check_depths(name, table["depth"], about.layers)
        if "arm" in table.column_names:
            for value in pc.unique(table["arm"]).to_pylist():
                arm(value)
    _check_documents(tables["documents"], about)
    if "rationales" in tables:
        _check_rationales(tables["rationales"].to_pandas(), tables["texts"].to_pandas())


def _check_rationales(marked: pd.DataFrame, texts: pd.DataFrame) -> None:
    """Spans are half-open, within the text, in order, and do not overlap."""
    lengths = dict(zip(texts["example_id"], texts["text"].str.len(), strict=True))
    length = np.array([lengths[one] for one in marked["example_id"]], dtype=np.int64)
    before = marked.groupby("example_id", sort=False, observed=True)["char_end"].shift(fill_value=0)
    start, end = marked["char_start"], marked["char_end"]
    for row in marked[(start < before) | (end <= start) | (end > length)].itertuples():
        raise TraceError(
            f"table rationales: document {row.example_id!r}, span {row.char_start} to "
            f"{row.char_end}: expected spans within the text, in order and apart"
        )


def _check_depths(name: str, depth: pa.ChunkedArray, layers: int) -> None:
    seen = pc.min_max(depth).as_py()
    for value in (seen["min"], seen["max"]):
        if value is not None and not 0 <= value <= layers:
            raise TraceError(f"table {name}: depth {value}, expected 0..{layers}")


def _check_documents(table: pa.Table, about: About) -> None:
    lengths = {"kept": about.layers, "special_kept": about.layers}
    lengths |= {f"probs_{key}": len(about.labels) for key in about.arm_keys}
    for column, length in lengths.items():
        for seen in pc.unique(pc.list_value_length(table[column])).to_pylist():
            if seen is not None and seen != length:
                raise TraceError(
                    f"table documents, column {column}: a list of {seen}, expected {length}"
                )
    for key in about.arm_keys:
        predicted, probs = table[f"predicted_{key}"], table[f"probs_{key}"]
        if not pc.is_null(predicted).equals(pc.is_null(probs)):
            raise TraceError(f"table documents: predicted_{key} without probs_{key}, or the latter")
