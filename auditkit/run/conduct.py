"""The audit from its settings to its run directory: record, measure, analyse, write."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.bench.given import Supplied
from auditkit.bench.order import check_bench
from auditkit.bench.settings import ModelSettings
from auditkit.bench.speed import Speed, read_speed
from auditkit.bench.speed import measure as measure_speed
from auditkit.bench.subjects import Bench
from auditkit.bench.view import ProbeBench
from auditkit.data.annotate import load_annotator
from auditkit.data.examples import load_dataset
from auditkit.data.glossary import read_glossary, with_classes
from auditkit.data.lexicon import read_lexicon
from auditkit.data.swaps import read_swaps
from auditkit.data.training import about_training, load_training
from auditkit.files import Folder
from auditkit.finding import Results, announce
from auditkit.plugin import Plugin, Probe
from auditkit.plugin.own import handed_over
from auditkit.record.recording import check_strict, record
from auditkit.report.rendering import RESULTS
from auditkit.run.asking import Asked, ask, chosen_probes, measure, read_files
from auditkit.run.audit import Audit
from auditkit.run.betting import bet
from auditkit.run.directory import TRACE, default_directory, prepared, write
from auditkit.run.gates import judge
from auditkit.run.progress import Clock, Progress, unseen
from auditkit.run.settings import Settings, load_settings
from auditkit.trace import Trace
from auditkit.trace.caching import part

if TYPE_CHECKING:  # saved predictions need no model library
    from auditkit.bench.dropper import Chosen, Dropper


def audit(
    *,
    model: str | Path | None = None,
    dataset: str | Path | None = None,
    config: str | None = None,
    probes: Sequence[str | Probe] = (),
    dropper: "str | Dropper | None" = None,
    progress: Progress = unseen,
    **settings: Any,
) -> Audit:
    """Audit a pruned or otherwise changed model against its baseline, as `auditkit run` does.

    Args:
        model: What `auditkit train` wrote, any sequence classifier, or a hub id; None where
            `predictions` names a file of saved ones.
        dataset: `agnews`, `imdb`, a hub id, or a .csv, .tsv, .jsonl or .parquet file; None as
            `model`.
        config: A packaged configuration or the path of a YAML file.
        probes: Which answer, by name, by file (`own/digits.py:Digits`), or as objects of yours;
            none: all that are installed.
        dropper: Another method that drops tokens from the model: a file's class, or an object.
        progress: Told (what, done, total) as it goes; total is 0 while it is not known.
        settings: Any other key of `configs/default.yaml`; they win over `config`.

    Raises:
        AuditError: Any input that cannot be used; nothing that looks finished is left behind.
    """
    named = {"model": model, "dataset": dataset}
    flags = {key: str(value) for key, value in named.items() if value is not None} | settings
    flags["probes"] = tuple(name for name in probes if isinstance(name, str))
    own = [handed_over(probe) for probe in probes if not isinstance(probe, str)]
    chosen = None
    if isinstance(dropper, str):
        flags["dropper"] = dropper
    elif dropper is not None:
        from auditkit.bench.dropper import handed

        chosen = handed(dropper)
    loaded = load_settings(config, flags)
    if loaded.models.predictions is None:
        from auditkit.ltp.checkpoints import quiet

        quiet()
    return conduct(loaded, progress, own, chosen)


def conduct(
    settings: Settings,
    progress: Progress = unseen,
    extra: Sequence[Plugin] = (),
    chosen: "Chosen | None" = None,
) -> Audit:
    """Run an audit from its settings and write the run directory.

    Args:
        settings: Of the run.
        progress: Told (what, done, total) as it goes; total is 0 while it is not known.
        extra: Probes to ask beside those that the settings name: `auditkit.plugin.own.handed_over`.
        chosen: Another method to drop tokens with, where it is an object. A manifest repeats
            neither.

    Raises:
        AuditError: Any input that cannot be used; nothing that looks finished is left behind.
    """
    clock, probing = Clock(), settings.probing
    asked, unloaded = chosen_probes(probing, extra)
    entries = read_glossary(probing.glossary) if probing.glossary else ()
    lexicon, swaps = read_lexicon(probing.lexicon), read_swaps(probing.swaps)
    progress("open models", 0, 0)
    with clock("open models"):
        bench = _opened(settings.models, chosen)
    progress("read data", 0, 0)
    with clock("read data"):
        seed = settings.recording.seed
        dataset = load_dataset(settings.data, seed=seed, label_names=bench.labels)
        glossary = with_classes(entries, dataset.matching)
        training = load_training(settings.data, bench.labels)
        annotator = load_annotator(settings.data.spacy_model)
        if settings.data.strict:
            check_strict(bench, dataset)
        bench = bench.grouped(dataset.matching.classes)
        check_bench(bench, dataset, seed)
    directory = default_directory(bench.model.about.name, dataset.name)
    if settings.out is not None:
        directory = Folder(settings.out)
    with prepared(directory, overwrite=settings.overwrite):
        limits = [gate.model_dump(mode="json", exclude_none=True) for gate in settings.gates]
        announce(directory, limits, before_results=not directory.has(RESULTS))
        recorded = directory / TRACE
        progress("prepare recording", 0, 0)
        with clock("record"):
            told = about_training(training, dataset) if training else None
            trace = record(
                bench, dataset, annotator, settings.recording, recorded, progress, training=told
            )

        supplied = Supplied(glossary, lexicon, swaps, probing.attribution_sample, training)

        def view(name: str, trace: Trace) -> ProbeBench:
            return ProbeBench(
                bench,
                trace,
                annotator,
                settings.data,
                supplied,
                progress=partial(progress, name),
                part=partial(part, recorded, name),
            )

        def measured(one: Asked, own: Trace) -> None:
            measure(one, view(one.plugin.name, own), recorded, progress)

        with clock("speed"):
            speed = _speed(settings, bench, trace, view("speed", trace), directory, progress)
        seconds = probing.probe_timeout
        findings, broken = ask(
            asked, trace, clock, directory, measured, seconds=seconds, progress=progress
        )
        failures = unloaded + broken
        decided = settings.deciding() | read_files(asked)
        about = {**trace.about.model_dump(mode="json"), "settings": decided}
        progress("judge gates", 0, 0)
        gates = judge(settings.gates, findings, failures, bet(settings.gates, trace, directory))
        results = Results(about=about, findings=findings, failures=failures, gates=gates)
        progress("draw the page", 0, 0)
        return write(directory, results, clock, speed, settings.flat())


def _opened(models: ModelSettings, chosen: "Chosen | None") -> Bench:
    """The bench; of saved predictions without any model library."""
    if models.predictions is not None:
        from auditkit.bench.saved import open_saved

        return open_saved(models)
    from auditkit.bench.opening import open_bench

    return open_bench(models, chosen)


def _speed(
    settings: Settings,
    bench: Bench,
    trace: Trace,
    view: ProbeBench,
    directory: Folder,
    progress: Progress,
) -> Speed | None:
    """Measured times, unless the run directory holds those of the same question."""
    if not bench.model.timed:
        return None
    earlier, wanted = read_speed(directory), settings.speed_documents
    asked = (wanted, settings.models.batch_tokens)
    if earlier and (earlier.requested, earlier.batch_tokens) == asked:
        return earlier
    sample = view.stratified_sample(wanted)
    if not sample:
        return earlier
    progress(what := "time the models", 0, 0)
    return measure_speed(bench, trace, sample, wanted, partial(progress, what))
