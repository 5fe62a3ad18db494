"""The audit: record, measure, analyse, collect findings and failures, write the run directory.

reports/<model>-<dataset>/
report.html  summary.md     for people
results.json                a function of models, data, settings and seed alone
timings.json                measured seconds, of the run's phases and of the models side by side
manifest.json               versions, hashes of the files above; written last
trace/
"""

import hashlib
import json
import platform
import re
import shutil
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from auditkit._version import __version__
from auditkit.bench.speed import Speed, measure, read_speed
from auditkit.bench.subjects import Bench, open_bench
from auditkit.bench.view import ProbeBench, TrainingSource
from auditkit.data.annotate import load_annotator
from auditkit.data.examples import Dataset, load_dataset
from auditkit.errors import ProbeError, SettingsError
from auditkit.files import write_whole
from auditkit.finding.values import Audit, Failure, Finding, dumps, loads
from auditkit.ltp.inference import resolve_device
from auditkit.plugin.probe import Plugin, Probe, discover, not_applicable, unmet
from auditkit.record.recording import Recording, check_strict, record
from auditkit.report.charts import drawn
from auditkit.report.page import render_html, render_markdown
from auditkit.run.settings import Settings, load_settings, read_glossary
from auditkit.text import one_of
from auditkit.trace.tables import Trace

Progress = Callable[[str, int, int], None]
"""Told (what, done, total)."""

_NOT_DECIDING = frozenset(
    ["model", "baseline", "dataset", "data_dir", "out", "overwrite", "batch_tokens", "device",
     "strict", "speed_documents"]
)  # fmt: skip
"""Settings that decide no number in `results.json`: paths and speed."""

_PACKAGES = ("torch", "transformers", "tokenizers", "spacy", "captum", "numpy", "scipy", "pandas")

BROKEN = (Exception, SystemExit)
"""What a third party's probe may raise: anything but an interruption by the user."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished audit and where it lies."""

    audit: Audit
    directory: Path
    seconds: Mapping[str, float]
    speed: Speed | None
    """Measured times of the models; None where they were not measured."""


def audit(
    *,
    model: str | Path,
    dataset: str | Path,
    config: str | None = None,
    progress: Progress = lambda what, done, total: None,
    **settings: Any,
) -> Outcome:
    """Audit a pruned model against its baseline, as `auditkit run` does.

    Args:
        model: What `auditkit train` wrote, or a hub id.
        dataset: `agnews`, `imdb`, a hub id, or a .csv, .jsonl or .parquet file.
        config: A packaged configuration or the path of a YAML file.
        progress: Told (what, done, total) as it goes.
        settings: Any other field of `auditkit.run.settings.Settings`; they win over `config`.

    Raises:
        AuditError: Any input that cannot be used; nothing that looks finished is left behind.
    """
    flags = {"model": str(model), "dataset": str(dataset), **settings}
    return conduct(load_settings(config, flags), progress)


def conduct(settings: Settings, progress: Progress = lambda what, done, total: None) -> Outcome:
    """Run an audit from its settings and write the run directory.

    Raises:
        AuditError: Any input that cannot be used; nothing that looks finished is left behind.
    """
    clock = _Clock()
    plugins = chosen_probes(settings)
    probes = {p.name: p.load(settings.options.get(p.name)) for p in plugins}
    glossary = read_glossary(settings.glossary) if settings.glossary else ()
    with clock("open models"):
        bench = _open_bench(settings)
    with clock("read data"):
        dataset = _read_dataset(settings, bench)
        annotator = load_annotator(settings.spacy_model)
        if settings.strict:
            check_strict(bench, dataset)
    directory = settings.out or Path("reports") / _slug(f"{bench.pruned.about.name}-{dataset.name}")
    _prepare(directory, overwrite=settings.overwrite)
    root = directory / "trace"
    with clock("record"):
        trace = record(bench, dataset, annotator, _recording(settings), root, progress)
    training = TrainingSource(
        settings.dataset, dataset.split, dataset.text_column, dataset.label_column,
        settings.data_dir,
    )  # fmt: skip

    def view(name: str) -> ProbeBench:
        return ProbeBench(
            bench, trace, annotator, training, glossary=glossary,
            attribution_sample=settings.attribution_sample, progress=partial(progress, name),
            reopen=lambda dtype: _open_bench(settings.model_copy(update={"dtype": dtype})),
        )  # fmt: skip

    with clock("speed"):
        speed = _speed(settings, bench, trace, view("speed"), directory, progress)
    findings, failures = ask(plugins, probes, trace, view, settings, root, clock)
    about = {**trace.about.model_dump(mode="json"), "settings": _deciding(settings)}
    found = Audit(about=about, findings=findings, failures=failures)
    write(directory, found, clock, speed)
    return Outcome(found, directory, clock.seconds, speed)


def _open_bench(settings: Settings) -> Bench:
    return open_bench(
        settings.model,
        baseline=settings.baseline,
        device=settings.device,
        dtype=settings.dtype,
        batch_tokens=settings.batch_tokens,
        max_length=settings.max_length,
        score_norm=settings.score_norm,
    )


def _read_dataset(settings: Settings, bench: Bench) -> Dataset:
    return load_dataset(
        settings.dataset,
        split=settings.split,
        limit=settings.limit,
        seed=settings.seed,
        text_column=settings.text_column,
        label_column=settings.label_column,
        groups=settings.groups,
        data_dir=settings.data_dir,
        label_names=bench.labels,
    )


def _recording(settings: Settings) -> Recording:
    some = min(settings.random_draws, settings.random_documents) > 0
    return Recording(
        model=settings.model,
        seed=settings.seed,
        random_draws=settings.random_draws if some else 0,
        random_documents=settings.random_documents if some else 0,
        device=resolve_device(settings.device).partition(":")[0],
        dtype=settings.dtype,
    )


def _speed(
    settings: Settings,
    bench: Bench,
    trace: Trace,
    view: ProbeBench,
    directory: Path,
    progress: Progress,
) -> Speed | None:
    """Measured times, unless the run directory holds those of the same question."""
    earlier, wanted = read_speed(directory), settings.speed_documents
    if earlier and (earlier.requested, earlier.batch_tokens) == (wanted, settings.batch_tokens):
        return earlier
    sample = view.stratified_sample(wanted)
    if not sample:
        return earlier
    return measure(bench, trace, sample, wanted, partial(progress, "speed"))


def ask(
    plugins: Sequence[Plugin],
    probes: Mapping[str, Probe],
    trace: Trace,
    view: Callable[[str], ProbeBench],
    settings: Settings,
    root: Path,
    clock: "_Clock",
) -> tuple[tuple[Finding, ...], tuple[Failure, ...]]:
    """Let every probe measure and analyse; one that breaks costs the others nothing."""
    findings: list[Finding] = []
    failures: list[Failure] = []
    for plugin in plugins:
        probe = probes[plugin.name]
        with clock(f"measure {plugin.name}"):
            failure = _measure(plugin, probe, view(plugin.name), trace, settings, root)
        if failure is not None:
            failures.append(failure)
            continue
        with clock(f"analyse {plugin.name}"):
            answer = analyse(plugin, probe, trace)
        if isinstance(answer, Failure):
            failures.append(answer)
        else:
            findings.append(answer)
    return tuple(findings), tuple(failures)


def chosen_probes(settings: Settings) -> list[Plugin]:
    """The probes to run, in order.

    Raises:
        SettingsError: None is left.
    """
    found = discover()
    names = settings.probes or tuple(found)
    for name in (*names, *settings.without):
        if name not in found:
            raise SettingsError(f"no probe {name!r}; {one_of(found, name)}")
    chosen = [found[name] for name in dict.fromkeys(names) if name not in settings.without]
    if not chosen:
        raise SettingsError(f"no probe is left to run; {one_of(found)}")
    return chosen


def analyse(plugin: Plugin, probe: Probe, trace: Trace) -> Finding | Failure:
    """One probe's answer, or how it broke."""
    lacking = unmet(probe, trace)
    if lacking:
        return not_applicable(probe, f"the run lacks {'; '.join(lacking)}")
    rng = np.random.default_rng([trace.about.seed, zlib.crc32(probe.name.encode())])
    try:
        finding = probe.analyse(trace, rng)
        if not isinstance(finding, Finding) or finding.probe != probe.name:
            raise ProbeError(f"analyse returned {finding!r:.80}, expected its own Finding")
        dumps(finding)
        for chart in finding.charts:
            drawn(chart, finding.table(chart.table))
    except BROKEN as error:
        return _failure(plugin, "analyse", error)
    return finding


def _measure(
    plugin: Plugin, probe: Probe, view: ProbeBench, trace: Trace, settings: Settings, root: Path
) -> Failure | None:
    """Let the probe ask the models, unless the trace holds its answer to the same question."""
    if unmet(probe, trace):
        return None
    path = root / "measured" / f"{plugin.name}.parquet"
    question = {
        "version": probe.version,
        "options": settings.options.get(plugin.name, {}),
        "attribution_sample": settings.attribution_sample,
        "glossary": list(view.glossary),
    }
    key = hashlib.sha256(json.dumps(question, sort_keys=True, default=str).encode()).hexdigest()
    asked = path.with_suffix(".key")
    if asked.is_file() and asked.read_text(encoding="utf-8") == key:
        return None
    try:
        table = probe.measure(view)
        if table is not None and not isinstance(table, pd.DataFrame):
            kind = type(table).__name__
            raise ProbeError(f"measure returned {kind}, expected a DataFrame or None")
        path.parent.mkdir(exist_ok=True)
        asked.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        if table is not None:
            partial = path.with_suffix(".partial")
            table.to_parquet(partial, index=False)
            partial.replace(path)
        write_whole(asked, key)
    except BROKEN as error:
        return _failure(plugin, "measure", error)
    return None


def _failure(plugin: Plugin, moment: str, error: BaseException) -> Failure:
    message = " ".join(str(error).split())[:500]
    return Failure(
        probe=plugin.name,
        distribution=plugin.distribution,
        error=f"{moment}: {type(error).__name__}: {message}",
    )


def _deciding(settings: Settings) -> dict[str, Any]:
    """The settings that decide the numbers."""
    dumped = settings.model_dump(mode="json")
    kept = {key: value for key, value in dumped.items() if key not in _NOT_DECIDING}
    kept["glossary"] = settings.glossary.name if settings.glossary else None
    kept["spacy_model"] = Path(settings.spacy_model).name if settings.spacy_model else None
    return kept


def _slug(name: str) -> str:
    """A folder name: letters, digits, dot, dash and underscore."""
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-.") or "audit"


def _prepare(directory: Path, *, overwrite: bool) -> None:
    """Make sure that `directory` is a run directory or may become one."""
    if directory.exists() and not directory.is_dir():
        raise SettingsError(f"--out {directory} is a file; give a directory")
    begun = (path for path in directory.rglob("*") if path.is_file() and path.suffix != ".partial")
    if not any(begun):  # nothing there, or a run that was killed before its first file
        return
    if not (directory / "trace" / "inputs.json").is_file():
        raise SettingsError(f"{directory} is no run directory and not empty; give another --out")
    if overwrite:
        shutil.rmtree(directory)


def write(directory: Path, audit: Audit, clock: "_Clock", speed: Speed | None) -> None:
    """Write the run's files; the page shows what `results.json` holds, to the last digit."""
    manifest = directory / "manifest.json"
    manifest.unlink(missing_ok=True)
    text = dumps(audit)
    printed = loads(text)
    with clock("report"):
        files = {
            "results.json": text,
            "report.html": render_html(printed, speed),
            "summary.md": render_markdown(printed, speed),
        }
    measured = {phase: round(seconds, 3) for phase, seconds in clock.seconds.items()}
    timings = {
        "unit": "seconds",
        "measured": measured,
        "speed": None if speed is None else speed.model_dump(mode="json"),
    }
    files["timings.json"] = json.dumps(timings, indent=1) + "\n"
    for name, content in files.items():
        write_whole(directory / name, content)
    write_whole(manifest, json.dumps(_manifest(files), indent=1) + "\n")


def _manifest(files: Mapping[str, str]) -> dict[str, Any]:
    return {
        "auditkit": __version__,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in _PACKAGES},
        "git_commit": _commit(),
        "files": {
            name: hashlib.sha256(content.encode("utf-8")).hexdigest()
            for name, content in sorted(files.items())
        },
    }


def _commit() -> str | None:
    """The commit of the directory that the audit was started in, if it is a checkout."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


class _Clock:
    """Measured seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start
