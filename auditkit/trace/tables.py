"""The trace: what the models did to every token, as Parquet columns. The contract of the project.

Torch writes a trace once; probes read columns and never need a model again. A pruned token never
returns, so the whole keep mask of a document (layers × tokens) is one small integer per token, its
survival depth 0..L: a token is alive after the l-th layer (l = 1..L) iff depth >= l.

On disk, below a run directory:

    trace/about.json             `About`
    trace/shards/<number>/<table>.parquet   the tables of `TABLES`, a fixed number of documents each
    trace/measured/<probe>.parquet          what a probe's `measure` returned

Rows are keyed by value (`example_id`, `position`, `word`), never by row number. Spans are
half-open, in code points of the original text.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auditkit.errors import TraceError
from auditkit.text import one_of

SCHEMA_VERSION = 1

TABLES: Mapping[str, pa.Schema] = {
    # one row a document; `truncated`: it has more tokens than the model reads
    "examples": pa.schema(
        [
            ("example_id", pa.string()),
            ("text", pa.string()),
            ("label", pa.int32()),
            ("tokens", pa.int32()),  # what the models read, special tokens included
            ("truncated", pa.bool_()),
            ("words_cut", pa.int32()),  # words past what the models read; they are in no table
        ]
    ),
    # the user's columns (`--groups`), one row a document and column
    "groups": pa.schema(
        [("example_id", pa.string()), ("column", pa.string()), ("value", pa.string())]
    ),
    # arm: baseline | continued | unpruned | pruned | random; draw: 0, or that of a random draw
    "predictions": pa.schema(
        [
            ("example_id", pa.string()),
            ("arm", pa.string()),
            ("draw", pa.int16()),
            ("probs", pa.list_(pa.float32())),
            ("predicted", pa.int32()),
        ]
    ),
    # depth is that of the arm `pruned`; word: -1 for special tokens and pieces of no word
    "tokens": pa.schema(
        [
            ("example_id", pa.string()),
            ("position", pa.int32()),
            ("token_id", pa.int32()),
            ("char_start", pa.int32()),
            ("char_end", pa.int32()),
            ("word", pa.int32()),
            ("special", pa.bool_()),
            ("depth", pa.int8()),
        ]
    ),
    # survival depths under the arm `random`
    "random": pa.schema(
        [
            ("example_id", pa.string()),
            ("position", pa.int32()),
            ("draw", pa.int16()),
            ("depth", pa.int8()),
        ]
    ),
    # words with at least one piece that the model read; depth: the maximum over the pieces
    "words": pa.schema(
        [
            ("example_id", pa.string()),
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
            ("example_id", pa.string()),
            ("arm", pa.string()),
            ("layer", pa.int16()),
            ("tokens_in", pa.int32()),  # alive in the layer's attention
            ("tokens_out", pa.int32()),  # alive in its FFN
            ("macs_attention", pa.int64()),
            ("macs_ffn", pa.int64()),
        ]
    ),
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelAbout(_Frozen):
    """One model under audit. `rule` and `thresholds` are empty for a baseline.

    `original`: its weights come from a checkpoint of the original LTP implementation.
    """

    name: str
    sha256: str
    layout: str
    layers: int
    hidden_size: int
    heads: int
    intermediate_size: int
    max_length: int
    score_norm: str = ""
    protect_first: bool = True
    original: bool = False
    rule: str = ""
    thresholds: tuple[float, ...] = ()


class Refused(_Frozen):
    """An input row that was not audited. `row` counts the data rows of the file from 1."""

    row: int
    reason: str


class DatasetAbout(_Frozen):
    """The audited data: `rows_in == audited + len(refused)`."""

    name: str
    split: str
    sha256: str
    text_column: str
    label_column: str
    labels: tuple[str, ...]
    group_columns: tuple[str, ...] = ()
    rows_in: int
    audited: int
    refused: tuple[Refused, ...] = ()
    truncated: int = 0
    words_cut: int = 0
    """Words past the model's length in truncated documents; they are in no count."""


class AnnotatorAbout(_Frozen):
    """The spaCy pipeline that tagged the words."""

    name: str
    version: str
    source: str
    """`installed`, `path`, or `shipped` (the small fallback inside the package)."""
    accuracy: dict[str, float] = {}
    """As the pipeline's authors measured it; keys such as `upos`, `entity_f`, `name_f`."""
    entity_types_reliable: bool = True
    """False: the unit for entities is "name or not"."""
    advice: str = ""


Share = Annotated[float, Field(ge=0, le=1)]


class BudgetAbout(_Frozen):
    """One budget of the sweep that the model under audit comes from, measured in training."""

    target: Share
    """MACs over the baseline's, as asked for."""
    reached: Share
    accuracy: Share
    baseline_accuracy: Share
    held_out: int = Field(ge=1)
    """Held-out documents, on which share and accuracies were measured."""
    audited: bool
    """Whether it is the model under audit."""


class About(_Frozen):
    """`about.json`: what the trace holds. A function of models, data, settings and seed alone."""

    schema_version: int = SCHEMA_VERSION
    auditkit: str
    model: ModelAbout
    baseline: ModelAbout | None = None
    no_baseline: str = ""
    """Why there is no baseline."""
    continued: ModelAbout | None = None
    """The baseline trained on for as long as the pruned model."""
    dataset: DatasetAbout
    annotator: AnnotatorAbout
    training: dict[str, Any] | None = None
    """The summary that `auditkit train` left beside the checkpoint."""
    sweep: tuple[BudgetAbout, ...] = ()
    """All budgets that were trained from the same baseline, where there was a sweep."""
    seed: int
    dtype: str
    device: str
    random_draws: int = 0
    random_documents: int = 0
    settings: dict[str, Any] = {}

    @property
    def layers(self) -> int:
        """L, the number of layers."""
        return self.model.layers

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names by class index; all numbered where two are the same, so that none are."""
        names = self.dataset.labels
        if len(set(names)) == len(names):
            return names
        return tuple(f"{index}: {name}" for index, name in enumerate(names))

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that were run."""
        present = (
            ("baseline", self.baseline is not None),
            ("continued", self.continued is not None),
            ("unpruned", True),
            ("pruned", True),
            ("random", self.random_draws > 0),
        )
        return tuple(name for name, there in present if there)


class Trace:
    """A recorded run, read lazily, one table at a time.

    Open one with `Trace.open(directory)`, or build one by hand with `Trace.of(about, tokens=…)`.
    """

    def __init__(self, about: About, tables: Mapping[str, pd.DataFrame], root: Path | None) -> None:
        self.about = about
        self._tables = dict(tables)
        self._root = root

    @classmethod
    def of(cls, about: About, **tables: pd.DataFrame) -> "Trace":
        """A trace in memory; tables not given are empty, measured ones are `measured_<probe>`.

        Raises:
            TraceError: An unknown table, or one that breaks `validate`.
        """
        frames = {name: schema.empty_table().to_pandas() for name, schema in TABLES.items()}
        for name, frame in tables.items():
            frames[name] = frame if name.startswith("measured_") else conform(name, frame)
        trace = cls(about, frames, None)
        validate(trace)
        return trace

    @classmethod
    def open(cls, directory: Path) -> "Trace":
        """Open `directory` (a run's `trace/`).

        Raises:
            TraceError: No finished trace there, or one of another schema version.
        """
        path = directory / "about.json"
        if not path.is_file():
            raise TraceError(
                f"{directory}: the trace is unfinished (no about.json); run `auditkit run` again, "
                "it goes on where it stopped"
            )
        try:
            about = About.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise TraceError(
                f"{path}: {where}: {first['msg']}; run `auditkit run` again"
            ) from error
        if about.schema_version != SCHEMA_VERSION:
            raise TraceError(
                f"{path}: schema {about.schema_version}, this auditkit reads {SCHEMA_VERSION}; "
                "run `auditkit run --overwrite` again"
            )
        return cls(about, {}, directory)

    def table(self, name: str) -> pd.DataFrame:
        """One table, whole, in the order of the documents. Treat it as read-only.

        Raises:
            TraceError: As `scan`.
        """
        if name not in self._tables:
            self._tables[name] = pd.concat(list(self.scan(name)), ignore_index=True)
        return self._tables[name]

    def scan(self, name: str) -> Iterator[pd.DataFrame]:
        """One table, shard by shard: for probes that stream.

        Raises:
            TraceError: An unknown table, or one that cannot be read from disk.
        """
        if name not in TABLES:
            raise TraceError(f"no table {name!r}; {one_of(TABLES, name)}")
        if self._root is None:
            yield self._tables[name]
            return
        shards = finished_shards(self._root)
        if not shards:
            raise TraceError(f"{self._root}: the trace has no shards; run `auditkit run` again")
        for number in sorted(shards):
            table = _read(_shard(self._root, number) / f"{name}.parquet", TABLES[name])
            yield table.to_pandas()

    def predictions(self, arm: str, draw: int = 0) -> pd.DataFrame:
        """Columns `probs` and `predicted` of one arm, indexed by example_id, in document order."""
        frame = self.table("predictions")
        mine = frame[(frame["arm"] == arm) & (frame["draw"] == draw)]
        return mine.set_index("example_id")[["probs", "predicted"]]

    def measured(self, probe: str) -> pd.DataFrame | None:
        """What the probe's `measure` returned in this run, or None if it measured nothing."""
        key = f"measured_{probe}"
        if key not in self._tables and self._root is not None:
            path = self._root / "measured" / f"{probe}.parquet"
            if path.is_file():
                self._tables[key] = _read(path).to_pandas()
        return self._tables.get(key)


def conform(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with exactly the columns and types of table `name`.

    Raises:
        TraceError: An unknown table, a missing or extra column, or a value that is missing or of
            another type.
    """
    if name not in TABLES:
        raise TraceError(f"no table {name!r}; {one_of(TABLES, name)}")
    schema = TABLES[name]
    if set(frame.columns) != set(schema.names):
        raise TraceError(
            f"table {name}: columns {sorted(frame.columns)}, expected {sorted(schema.names)}"
        )
    try:
        table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    except (pa.ArrowException, UnicodeError, OverflowError) as error:
        raise TraceError(f"table {name}: {error}") from error
    for column in schema.names:
        if table[column].null_count:
            raise TraceError(f"table {name}, column {column}: a value is missing")
    conformed: pd.DataFrame = table.to_pandas()
    return conformed


def validate(trace: Trace) -> None:
    """Check what every reader relies on: keys are unique, references resolve, depths are 0..L.

    Raises:
        TraceError: With the table and the first offending value.
    """
    keys = {
        "examples": ["example_id"],
        "groups": ["example_id", "column"],
        "predictions": ["example_id", "arm", "draw"],
        "tokens": ["example_id", "position"],
        "random": ["example_id", "position", "draw"],
        "words": ["example_id", "word"],
        "costs": ["example_id", "arm", "layer"],
    }
    known = set(trace.table("examples")["example_id"])
    for name, key in keys.items():
        frame = trace.table(name)
        repeated = frame[frame.duplicated(key)]
        if len(repeated):
            raise TraceError(f"table {name}: {repeated.iloc[0][key].to_dict()} stands twice")
        strangers = set(frame["example_id"]) - known
        if strangers:
            raise TraceError(f"table {name}: example {min(strangers)!r} is not in examples")
        if "depth" in frame and len(frame):
            low, high = frame["depth"].min(), frame["depth"].max()
            if low < 0 or high > trace.about.layers:
                raise TraceError(
                    f"table {name}: depth {low if low < 0 else high}, "
                    f"expected 0..{trace.about.layers}"
                )


def write_shard(directory: Path, number: int, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write one shard of all tables; it is there whole or not at all, whenever the process dies.

    Raises:
        TraceError: A table that does not conform.
    """
    shard = _shard(directory, number)
    partial = directory / "partial" / f"{number:06d}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, schema in TABLES.items():
        frame = conform(name, tables.get(name, schema.empty_table().to_pandas()))
        table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
        pq.write_table(table, partial / f"{name}.parquet", compression="zstd")
    shard.parent.mkdir(exist_ok=True)
    partial.rename(shard)
    shutil.rmtree(partial.parent, ignore_errors=True)


def finished_shards(directory: Path) -> set[int]:
    """Numbers of the shards that are there whole."""
    return {int(path.name) for path in directory.glob("shards/*") if path.name.isdecimal()}


def _shard(directory: Path, number: int) -> Path:
    return directory / "shards" / f"{number:06d}"


def _read(path: Path, schema: pa.Schema | None = None) -> pa.Table:
    try:
        return pq.read_table(path, schema=schema)
    except (pa.ArrowException, OSError) as error:
        raise TraceError(
            f"{path} cannot be read: {' '.join(str(error).split())}; "
            "record it anew with `auditkit run --overwrite`"
        ) from error
