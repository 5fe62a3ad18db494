"""Recordings of tiny checkpoints, without the probes and the page of a run."""

from functools import cache
from pathlib import Path
from typing import Any

from auditkit.bench.opening import open_bench
from auditkit.bench.settings import ModelSettings
from auditkit.bench.subjects import Bench
from auditkit.data.annotate import Annotator, load_annotator
from auditkit.data.examples import Dataset, load_dataset
from auditkit.data.settings import DataSettings
from auditkit.files import Folder
from auditkit.record.recording import Progress, record
from auditkit.record.settings import RecordingSettings
from auditkit.trace import Trace

GROUPS = ("source", "season")

SAMPLED = RecordingSettings(random_draws=2, random_documents=60, repeat_documents=30)
"""Of 90 documents."""


@cache
def annotator() -> Annotator:
    return load_annotator(None)


@cache
def bench(model: Path, **settings: Any) -> Bench:
    return open_bench(ModelSettings(model=str(model), **settings))


def dataset(csv: str, asked: Bench) -> Dataset:
    return load_dataset(DataSettings(dataset=csv, groups=GROUPS), label_names=asked.labels)


def recorded(
    asked: Bench,
    csv: str,
    folder: Folder,
    settings: RecordingSettings = SAMPLED,
    progress: Progress = lambda what, done, total: None,
) -> Trace:
    return record(asked, dataset(csv, asked), annotator(), settings, folder, progress)


def contents(folder: Folder) -> dict[str, bytes]:
    """All files of a recording, by name."""
    found = {name: folder.read(name) for name in ("about.json", "inputs.json")}
    for number in (folder / "shards").names():
        place = folder / "shards" / number
        found |= {f"{number}/{name}": place.read(name) for name in place.names()}
    return found
