"""Small data files for tests."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from auditkit.data.examples import Dataset, load_dataset
from auditkit.data.settings import DataSettings


def load(
    name: str, *, seed: int = 0, label_names: Sequence[str] | None = None, **settings: Any
) -> Dataset:
    """The data set `name` with `settings` of `DataSettings`."""
    chosen = DataSettings(dataset=name, **settings)
    return load_dataset(chosen, seed=seed, label_names=label_names)


def write_csv(path: Path, rows: Sequence[Sequence[str]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def write_jsonl(path: Path, rows: Sequence[Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def write_parquet(path: Path, columns: dict[str, Any], names: list[str] | None = None) -> str:
    table = pa.table(columns)
    if names is not None:
        features = {"label": {"names": names, "_type": "ClassLabel"}}
        info = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": info})
    pq.write_table(table, path)
    return str(path)
