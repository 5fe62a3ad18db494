"""Recording: bench × documents → the trace, shard by shard, resumable.

A shard is a fixed run of documents in the data set's order, written whole or not at all. Whatever
the process was doing when it died, the same call goes on with the first shard that is missing.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from auditkit._version import __version__
from auditkit.bench.subjects import Bench
from auditkit.data.annotate import Annotator
from auditkit.data.examples import Dataset, stratified
from auditkit.errors import DataError, ProbeError, TraceError
from auditkit.files import write_whole
from auditkit.finding.values import to_json
from auditkit.ltp.checkpoints import training_record
from auditkit.record.part import RandomControl, Shard
from auditkit.trace.tables import (
    About,
    BudgetAbout,
    DatasetAbout,
    Trace,
    finished_shards,
    write_shard,
)

SHARD = 512
"""Documents a shard."""

Progress = Callable[[str, int, int], None]
"""Told (what, documents done, documents in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a trace depends on besides models, data and annotator."""

    model: str
    seed: int = 0
    random_draws: int = 3
    random_documents: int = 2000
    device: str = "cpu"
    dtype: str = "float32"


def record(
    bench: Bench,
    dataset: Dataset,
    annotator: Annotator,
    recording: Recording,
    directory: Path,
    progress: Progress = lambda what, done, total: None,
) -> Trace:
    """Record `dataset` into `directory`, or go on with it, or open what is there already.

    Raises:
        TraceError: `directory` holds a trace of other inputs.
    """
    _claim(directory, _inputs(bench, dataset, annotator, recording))
    if not (directory / "about.json").is_file():
        sampled = _sampled(dataset, recording)
        done, total = finished_shards(directory), len(dataset.examples)
        for number, start in enumerate(range(0, len(dataset.examples), SHARD)):
            part = dataset.examples[start : start + SHARD]
            if number not in done:
                inside = [i for i in range(len(part)) if start + i in sampled]
                control = RandomControl(recording.seed, recording.random_draws, inside)
                shard = Shard(bench, annotator, part, control)
                advance = partial(_advance, progress, start, total)
                write_shard(directory, number, shard.tables(advance))
            progress("documents", start + len(part), total)
        _finish(directory, bench, dataset, annotator, recording)
    else:
        _retell(directory, recording.model)
    return Trace.open(directory)


def check_strict(bench: Bench, dataset: Dataset) -> None:
    """Make sure that every row is audited, and whole.

    Raises:
        DataError: A row was refused, or is longer than the model reads.
    """
    if dataset.refused:
        first = dataset.refused[0]
        raise DataError(
            f"--strict: {len(dataset.refused)} rows refused, the first is row {first.row} "
            f"({first.reason}); mend them, or leave --strict out"
        )
    for start in range(0, len(dataset.examples), SHARD):
        part = dataset.examples[start : start + SHARD]
        for example, document in zip(part, bench.encode([e.text for e in part]), strict=True):
            if document.truncated:
                raise DataError(
                    f"--strict: {example.example_id} is longer than the {bench.max_length} tokens "
                    "that the model reads; shorten it, or leave --strict out"
                )


def _advance(progress: Progress, start: int, total: int, done: int) -> None:
    progress("documents", start + done, total)


def _inputs(
    bench: Bench, dataset: Dataset, annotator: Annotator, recording: Recording
) -> dict[str, Any]:
    """All that decides what a trace holds: equal inputs, equal trace."""
    choices = {k: v for k, v in asdict(recording).items() if k != "model"}
    return {
        "auditkit": __version__,
        "model": bench.pruned.about.sha256,
        "score_norm": bench.pruned.about.score_norm,
        "baseline": bench.baseline.about.sha256 if bench.baseline else None,
        "continued": bench.continued.about.sha256 if bench.continued else None,
        "tokenizer": _sha256(bench.vocabulary()),
        "max_length": bench.max_length,
        "dataset": dataset.sha256,
        "columns": [dataset.text_column, dataset.label_column, *dataset.group_columns],
        "refused": _sha256([row.model_dump() for row in dataset.refused]),
        "dataset_name": f"{dataset.name} {dataset.split}",
        "annotator": f"{annotator.about.name} {annotator.about.version}",
        **choices,
    }


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _claim(directory: Path, inputs: Mapping[str, Any]) -> None:
    """Make `directory` the home of these inputs, or check that it is."""
    path = directory / "inputs.json"
    if path.is_file():
        seen = json.loads(path.read_text(encoding="utf-8"))
        for name, value in inputs.items():
            if seen.get(name) != value:
                raise TraceError(
                    f"{directory.parent} holds a run with {name} {seen.get(name)!r}, this one has "
                    f"{value!r}; give --overwrite to start anew, or another --out"
                )
        return
    directory.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(dict(inputs), indent=1) + "\n")


def _sampled(dataset: Dataset, recording: Recording) -> frozenset[int]:
    """Which documents the arm `random` is run on: a stratified sample, seeded."""
    if recording.random_draws == 0:
        return frozenset()
    coded = {index: example.label for index, example in enumerate(dataset.examples)}
    rng = np.random.default_rng([recording.seed, 2])
    return frozenset(stratified(coded, recording.random_documents, rng))


def _finish(
    directory: Path, bench: Bench, dataset: Dataset, annotator: Annotator, recording: Recording
) -> None:
    """Write `about.json`, which says that the trace is whole."""
    examples = pd.concat(
        pd.read_parquet(path, columns=["truncated", "words_cut"])
        for path in sorted((directory / "shards").glob("*/examples.parquet"))
    )
    about = About(
        auditkit=__version__,
        model=bench.pruned.about,
        baseline=bench.baseline.about if bench.baseline else None,
        no_baseline=bench.no_baseline,
        continued=bench.continued.about if bench.continued else None,
        dataset=DatasetAbout(
            name=dataset.name,
            split=dataset.split,
            sha256=dataset.sha256,
            text_column=dataset.text_column,
            label_column=dataset.label_column,
            labels=bench.labels,
            group_columns=dataset.group_columns,
            rows_in=dataset.rows_in,
            audited=len(dataset.examples),
            refused=dataset.refused,
            truncated=int(examples["truncated"].sum()),
            words_cut=int(examples["words_cut"].sum()),
        ),
        annotator=annotator.about,
        training=_training_summary(recording.model),
        sweep=_sweep(recording.model),
        seed=recording.seed,
        dtype=recording.dtype,
        device=recording.device,
        random_draws=recording.random_draws,
        random_documents=min(recording.random_documents, len(dataset.examples)),
    )
    write_whole(directory / "about.json", about.model_dump_json(indent=1) + "\n")


def _retell(directory: Path, model: str) -> None:
    """Bring up to date what a whole trace tells of training: the sweep may have grown since."""
    about = Trace.open(directory).about
    now = {"training": _training_summary(model), "sweep": _sweep(model)}
    told = about.model_copy(update=now)
    if told != about:
        write_whole(directory / "about.json", told.model_dump_json(indent=1) + "\n")


def _training_summary(model: str) -> dict[str, Any] | None:
    """What `auditkit train` recorded beside the checkpoint, without times and machine paths."""
    record = training_record(model)
    if record is None:
        return None
    try:
        settings = {k: v for k, v in record["settings"].items() if k not in ("backbone", "device")}
        backbone = record["settings"]["backbone"]
        settings["backbone"] = None if backbone is None else Path(str(backbone)).name
        stages = [{k: v for k, v in s.items() if k != "seconds"} for s in record["stages"]]
        summary = {"settings": settings, "deviations": record["deviations"], "stages": stages}
        to_json(summary)
    except (LookupError, TypeError, AttributeError, ProbeError):
        return None  # not as `auditkit train` writes it
    return summary


def _sweep(model: str) -> tuple[BudgetAbout, ...]:
    """The budgets that `auditkit train --sweep` recorded beside the checkpoint, its own marked."""
    record = training_record(model) or {}
    known = set(BudgetAbout.model_fields)
    try:
        own = record["settings"]["target_macs_share"]
        return tuple(
            BudgetAbout.model_validate(
                {k: v for k, v in budget.items() if k in known}
                | {"audited": budget["target"] == own}
            )
            for budget in record["sweep"]
        )
    except (LookupError, TypeError, AttributeError, ValueError):
        return ()  # there was none, or it is not as `auditkit train` writes it
