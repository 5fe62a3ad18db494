"""The run directory: what lies in it, and how it is written and read.

reports/<model>-<dataset>/
report.html  summary.md     for people
results.json                a function of models, data, settings and seed alone
gates.json                  limits, their hash, when they were read, whether before any results
anytime.json                bets of gates `on: anytime`; it outlives an overwritten run
timings.json                measured seconds, of the run's phases and of the models side by side
manifest.json               versions, all settings, hashes of the files above; written last
trace/
"""

import hashlib
import json
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from auditkit._version import __version__
from auditkit.bench.speed import Speed, read_speed
from auditkit.errors import SettingsError, TraceError
from auditkit.files import Folder
from auditkit.finding import GATES, Results, dumps, loads, read_announcement
from auditkit.report.rendering import PAGES, RESULTS, load_results
from auditkit.run.audit import Audit
from auditkit.run.betting import BETS
from auditkit.run.progress import Clock
from auditkit.trace.writing import INPUTS

TRACE = "trace"
TIMINGS = "timings.json"
MANIFEST = "manifest.json"

_PACKAGES = ("torch", "transformers", "tokenizers", "spacy", "captum", "numpy", "scipy", "pandas")


MOST_NAMED = 60
"""Characters of a run directory's name, of at most four bytes each: file systems take 255 bytes."""


def default_directory(model: str, dataset: str) -> Folder:
    """Where the run of a model on a data set lies unless told otherwise."""
    whole = f"{model}-{dataset}"
    name = re.sub(r"[^\w.-]+", "-", whole).strip("-.")[:MOST_NAMED]
    if name != whole:  # others may come to the same name
        name += f"-{hashlib.sha256(whole.encode()).hexdigest()[:6]}"
    return Folder(Path("reports") / name)


@contextmanager
def prepared(directory: Folder, *, overwrite: bool) -> Iterator[None]:
    """Hold `directory`, which is a run directory or becomes one, while the block writes into it.

    Args:
        directory: Of the run.
        overwrite: Empty it first.

    Raises:
        SettingsError: It is a file, holds something else, or another process writes into it.
    """
    _check(directory)
    with directory.held():
        if overwrite:
            _empty(directory)
        yield


def _check(directory: Folder) -> None:
    if Path(str(directory)).is_file():
        raise SettingsError(f"--out {directory} is a file; give a directory")
    trace = directory / TRACE
    if set(directory.names()) <= {TRACE, GATES, BETS} and not trace.names():
        return  # nothing there, or a run that was killed before its first file
    if not trace.has(INPUTS):
        raise SettingsError(f"{directory} is no run directory and not empty; give another --out")


def _empty(directory: Folder) -> None:
    """Remove all but the bets: what was bet stays bet, since a fresh start would be another look.

    What makes it a run directory goes last, so that whenever the process dies the same command can
    go on.
    """
    trace = directory / TRACE
    for folder, kept in ((directory, (BETS, TRACE)), (trace, (INPUTS,))):
        for name in folder.names():
            if name not in kept:
                folder.remove(name)
    directory.remove(TRACE)


def write(
    directory: Folder,
    results: Results,
    clock: Clock,
    speed: Speed | None,
    settings: Mapping[str, Any],
) -> Audit:
    """Write the run's files; the page shows what `results.json` holds, to the last digit.

    Args:
        directory: Of the run.
        results: What was found.
        clock: The seconds of the run's phases; gets those of the pages.
        speed: Measured times of the models, if any.
        settings: All settings of the run by key, for the manifest; with them `--config` repeats it.
    """
    directory.remove(MANIFEST)
    text, now = dumps(results), datetime.now(UTC).isoformat(timespec="seconds")
    directory.write(RESULTS, text)
    audit = Audit(
        results=loads(text),
        directory=directory,
        speed=speed,
        limits=read_announcement(directory),
        written=now,
        redacted=_redacted(settings),
        seconds=clock.seconds,
    )
    with clock("report"):
        pages = (audit.to_html(), audit.to_markdown())
    timings = {
        "unit": "seconds",
        "measured": {phase: round(seconds, 3) for phase, seconds in clock.seconds.items()},
        "speed": None if speed is None else speed.model_dump(mode="json"),
    }
    files = {
        **dict(zip(PAGES, pages, strict=True)),
        TIMINGS: json.dumps(timings, indent=1) + "\n",
    }
    for name, content in files.items():
        directory.write(name, content)
    manifest = _manifest({RESULTS: text, **files}, audit, settings)
    directory.write(MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return audit


def load(directory: str | Path) -> Audit:
    """The audit in a run directory; no model and no trace is opened.

    Raises:
        TraceError: No `results.json` there, or it is no audit.
    """
    place = Folder(directory)
    return Audit(
        results=load_results(directory),
        directory=place,
        speed=read_speed(place),
        limits=read_announcement(place),
        written=written(place),
        redacted=redacted(place),
    )


def manifest_settings(directory: Folder) -> Mapping[str, Any]:
    """All settings of a run by key, as its manifest holds them; none where there is no manifest."""
    settings = manifested(directory, "settings")
    return settings if isinstance(settings, dict) else {}


def redacted(directory: Folder) -> bool:
    """Whether the pages of a run leave out what is of the data set, as its manifest says."""
    return _redacted(manifest_settings(directory))


def _redacted(settings: Mapping[str, Any]) -> bool:
    return settings.get("redact") is True


def written(directory: Folder) -> str:
    """When a run was written, as its manifest says; "" where there is no manifest."""
    date = manifested(directory, "written")
    return date if isinstance(date, str) else ""


def manifested(directory: Folder, key: str) -> Any:
    """What a run's manifest says; None where that is not to be had."""
    try:
        return json.loads(directory.read(MANIFEST))[key]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def told_settings(directory: Folder) -> Mapping[str, Any]:
    """The settings that a run's `results.json` tells of; none where there is no such file.

    Raises:
        TraceError: It is no audit, or tells none.
    """
    if not directory.has(RESULTS):
        return {}
    settings = loads(directory.read(RESULTS)).about.get("settings")
    if not isinstance(settings, dict):
        raise TraceError(f"{directory / RESULTS} tells no settings; run `auditkit run` again")
    return settings


def _manifest(
    files: Mapping[str, str], audit: Audit, settings: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "auditkit": __version__,
        "written": audit.written,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "git_commit": _commit(),
        "settings": dict(settings),
        "gates": None if audit.limits is None else audit.limits.told,
        "files": {
            name: hashlib.sha256(content.encode("utf-8")).hexdigest()
            for name, content in sorted(files.items())
        },
    }


def _version(package: str) -> str:
    """Of an installed package; "" where it is not there, as saved predictions do without some."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _commit() -> str | None:
    """The commit of the directory that the audit was started in, if it is a checkout."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
