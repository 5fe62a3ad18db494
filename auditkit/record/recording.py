"""Recording: bench × documents → the trace, shard by shard, resumable.

A shard is a fixed run of documents in the data set's order, there whole or not at all. Whatever the
process was doing when it died, and whatever became of a file since, the same call records what is
missing and nothing else.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from auditkit._version import __version__
from auditkit.bench.subjects import Bench
from auditkit.data.annotate import Annotator
from auditkit.data.examples import Dataset
from auditkit.errors import DataError, SettingsError
from auditkit.files import Folder
from auditkit.record.plan import Plan, plan_arms
from auditkit.record.provenance import budgets, claim, inputs, training_summary
from auditkit.record.recorder import Lot, Recorder, record_in_turn
from auditkit.record.settings import RecordingSettings
from auditkit.trace import (
    About,
    BudgetAbout,
    DatasetAbout,
    Trace,
    TrainingAbout,
    finish,
    finished_shards,
)
from auditkit.trace.shards import Stored
from auditkit.trace.writing import check_shards

SHARD = 512
"""Documents a shard."""

STEP = "record documents"
"""What progress calls it."""

Progress = Callable[[str, int, int], None]
"""Told (what, documents done, documents in all)."""


def record(
    bench: Bench,
    dataset: Dataset,
    annotator: Annotator,
    settings: RecordingSettings,
    folder: Folder,
    progress: Progress = lambda what, done, total: None,
    *,
    training: TrainingAbout | None = None,
) -> Trace:
    """Record `dataset` into `folder`, or go on with it, or open what is there already.

    `training` is told of, and decides nothing that is recorded.

    Raises:
        TraceError: `folder` holds a trace of other inputs, of another schema version, or a shard
            that can be none of this data set.
    """
    claim(folder, inputs(bench, dataset, annotator, settings))
    annotator = annotator.suited({one.example_id: one.text for one in dataset.examples})
    plan = plan_arms(bench, dataset, settings)
    total = len(dataset.examples)
    check_shards(folder, math.ceil(total / SHARD))
    done = finished_shards(folder)
    lots = [
        Lot(number, dataset.examples[start : start + SHARD])
        for number, start in enumerate(range(0, total, SHARD))
    ]
    left = [lot for lot in lots if lot.number not in done]
    known = total - sum(len(lot.examples) for lot in left)
    recorder = Recorder(bench, annotator, plan, folder)

    def on_documents(count: int) -> None:
        progress(STEP, known + count, total)

    on_documents(0)
    _record(recorder, left, settings, on_documents)
    finish(folder, _about(folder, bench, dataset, annotator, plan, training))
    return Trace.open(folder)


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
    most = bench.reader.max_length
    for start in range(0, len(dataset.examples), SHARD):
        part = dataset.examples[start : start + SHARD]
        for example, document in zip(part, bench.read(part), strict=True):
            if document.truncated:
                raise DataError(
                    f"--strict: {example.example_id} is longer than the {most} tokens "
                    "that the model reads; shorten it, or leave --strict out"
                )


def _record(
    recorder: Recorder,
    lots: Sequence[Lot],
    settings: RecordingSettings,
    on_documents: Callable[[int], None],
) -> None:
    """Record lots here, in several processes, or on a Ray cluster, as the settings say."""
    bench, folder = recorder.bench, recorder.folder
    alone = not bench.model.askable or not folder.shared  # saved predictions, or what is in memory
    if settings.ray is not None and lots:
        if alone:
            raise SettingsError(
                f"--ray {settings.ray}: saved predictions and folders in memory are recorded here; "
                "leave it out"
            )
        from auditkit.record.on_ray import record_on_ray

        gpu = bench.device == "cuda"
        record_on_ray(
            recorder.recipe, lots, settings.ray, settings.workers, on_documents, gpu=gpu
        )  # fmt: skip
    elif not alone and (count := min(settings.workers or 1, len(lots))) > 1:
        from auditkit.record.workers import record_in_processes

        record_in_processes(recorder.recipe, lots, count, on_documents)
    else:
        record_in_turn(recorder, lots, on_documents)


def _trained(
    bench: Bench, dataset: Dataset
) -> tuple[int | None, dict[str, Any] | None, tuple[BudgetAbout, ...]]:
    """What the checkpoint tells of its training: `DatasetAbout.trained_on`, summary and sweep."""
    if not bench.model.askable:
        return None, None, ()
    from auditkit.ltp.trained_on import count_known

    model = bench.settings.model
    texts = [example.text for example in dataset.examples]
    return count_known(model, texts), training_summary(model), budgets(model)


def _about(
    folder: Folder,
    bench: Bench,
    dataset: Dataset,
    annotator: Annotator,
    plan: Plan,
    training: TrainingAbout | None,
) -> About:
    """What the trace holds; what is told of training may have changed since it was recorded."""
    known, summary, sweep = _trained(bench, dataset)
    about = About(
        auditkit=__version__,
        subjects={name: subject.about for name, subject in bench.subjects.items()},
        runs=plan.runs,
        absent=dict(plan.absent),
        counts={"documents": len(dataset.examples)},
        dataset=DatasetAbout(
            name=dataset.name,
            split=dataset.split,
            sha256=dataset.sha256,
            text_column=dataset.text_column,
            label_column=dataset.label_column,
            labels=dataset.labels,
            matched=dataset.matching.told,
            classes=dataset.matching.classes,
            group_columns=dataset.group_columns,
            rationale_column=dataset.rationale_column,
            rows_in=dataset.rows_in,
            audited=len(dataset.examples),
            refused=dataset.refused,
            trained_on=known,
        ),
        training_data=training,
        training=summary,
        sweep=sweep,
        annotator=annotator.about,
        special_tokens=bench.reader.special_tokens,
        seed=plan.seed,
        dtype=bench.settings.dtype,
        device=bench.device,
    )
    documents = Stored(about, folder).documents
    cut = {
        "truncated": int(documents.truncated.sum()),
        "words_cut": int(documents.words_cut.sum()),
    }
    return about.model_copy(update={"dataset": about.dataset.model_copy(update=cut)})
