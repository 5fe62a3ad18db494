"""Letting probes measure and analyse; one that breaks costs the others nothing."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from auditkit.errors import ProbeError, SettingsError
from auditkit.files import Folder
from auditkit.finding import Failure, Finding, check_finding
from auditkit.plugin import (
    MeasuringProbe,
    Plugin,
    Probe,
    discover,
    in_order,
    not_applicable,
    unmet,
)
from auditkit.plugin.guard import TIMEOUT
from auditkit.plugin.own import beside, in_a_file, read_probe, told_options
from auditkit.plugin.probe import question_of
from auditkit.report.charts import drawn
from auditkit.run.progress import Clock, Progress, unseen
from auditkit.run.settings import ProbeSettings
from auditkit.signals import is_signal
from auditkit.text import cut, fault, one_of, shown
from auditkit.trace import Trace
from auditkit.trace.caching import Question, answered, keep_measured

if TYPE_CHECKING:  # an analysis needs no model library
    from auditkit.bench.view import ProbeBench


ASKED = "asked"
"""A file in the run directory while a third party's probe is asked; it holds the probe's name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A probe that is to answer, and where it comes from."""

    plugin: Plugin
    probe: Probe
    options: Mapping[str, Any]

    @property
    def version(self) -> str:
        """What decides its answers beside its options: its version, and of a file the bytes."""
        return self.probe.version + self.plugin.sha256


def chosen_probes(
    settings: ProbeSettings, extra: Sequence[Plugin] = ()
) -> tuple[list[Asked], tuple[Failure, ...]]:
    """The probes to ask, in the order in which they are told, and those that cannot be loaded.

    Args:
        settings: Which, by name or by file, and their options.
        extra: More of them, alone where the settings name none: `auditkit.plugin.own.handed_over`.

    Raises:
        ProbeError: One of them cannot be loaded with the options that it was given, the file of
            one cannot be run, or two have one name.
        SettingsError: One is not installed, there is no such file, or none is left.
    """
    installed, seconds = discover(), settings.probe_timeout
    files = {n: read_probe(n, seconds=seconds) for n in settings.probes or () if in_a_file(n)}
    found = beside(installed, [*files.values(), *extra])
    named = settings.probes or (() if extra else installed)
    names = [files[n].name if n in files else n for n in named]
    names += [plugin.name for plugin in extra]
    for name in (*names, *settings.without, *settings.options):
        if name not in found:
            raise SettingsError(f"no probe {name!r}; {one_of(found, name)}")
    wanted = [name for name in dict.fromkeys(names) if name not in settings.without]
    if not wanted:
        raise SettingsError(f"no probe is left to run; {one_of(found)}")
    probes, failures = {}, []
    for name in wanted:
        try:
            options = settings.options.get(name, {})
            probes[name] = found[name].load(options, seconds=seconds)
        except ProbeError as error:
            if options or name not in installed:  # whoever gave them can mend them
                raise
            failures.append(_failure(found[name], "load", error))
    asked = [
        Asked(found[name], probe, told_options(found[name], settings.options.get(name, {})))
        for name, probe in in_order(probes).items()
    ]
    return asked, tuple(failures)


def read_files(asked: Sequence[Asked]) -> dict[str, dict[str, dict[str, str]]]:
    """What an audit says of probes that were read from files; nothing where none was."""
    files = {
        one.plugin.name: {"from": one.plugin.distribution, "sha256": one.plugin.sha256}
        for one in asked
        if one.plugin.sha256
    }
    return {"probe_files": files} if files else {}


def ask(
    asked: Sequence[Asked],
    trace: Trace,
    clock: Clock,
    directory: Folder,
    measure: Callable[[Asked, Trace], None] = lambda one, trace: None,
    *,
    seconds: int = TIMEOUT,
    progress: Progress = unseen,
) -> tuple[tuple[Finding, ...], tuple[Failure, ...]]:
    """What every probe finds, or how it broke.

    Args:
        asked: The probes, in order.
        trace: What was recorded; every probe gets one of its own.
        clock: Gets the seconds of every probe.
        directory: Of the run; knows from one process to the next whom a process died with.
        measure: Lets a probe ask the models first; it may raise whatever the probe does.
        seconds: What a third party's probe may take to measure, and again to analyse.
        progress: Told when a probe is about to analyse.
    """
    findings: list[Finding] = []
    failures: list[Failure] = []
    died_with = directory.read(ASKED).decode() if directory.has(ASKED) else ""
    directory.remove(ASKED)
    for one in asked:
        name, moment = one.plugin.name, "measure"
        try:
            if name == died_with:
                raise ProbeError(
                    "the process ended while it was asked, in the run before; it was left out of "
                    "this one, and the next asks it again"
                )
            with _noted(one.plugin, directory), one.plugin.guarded(seconds):
                if lacking := unmet(one.probe, trace.about):
                    reason = f"the run lacks {'; '.join(lacking)}"
                    findings.append(_put(not_applicable(one.probe, reason), one, trace))
                    continue
                own = trace.bound(name, one.version, one.options, one.probe.name)
                with clock(f"measure {name}"):
                    measure(one, own)
            moment = "analyse"
            progress(f"analyse {name}", 0, 0)
            with (
                _noted(one.plugin, directory),
                one.plugin.guarded(seconds),
                clock(f"analyse {name}"),
            ):
                findings.append(_put(analyse(one, own), one, trace))
        except BaseException as error:  # a third party's code may raise anything
            if is_signal(error):
                raise
            failures.append(_failure(one.plugin, moment, error))
    return tuple(findings), tuple(failures)


def _put(finding: Finding, asked: Asked, trace: Trace) -> Finding:
    """The finding under the name and the question as the run has them."""
    question = question_of(asked.probe, trace.about)
    return replace(finding, probe=asked.plugin.name, question=question)


@contextmanager
def _noted(plugin: Plugin, directory: Folder) -> Iterator[None]:
    """Name a third party's probe in the run directory until the block ends, but not the process."""
    if plugin.built_in:
        yield
        return
    directory.write(ASKED, plugin.name)
    try:
        yield
    finally:
        directory.remove(ASKED)


def _failure(plugin: Plugin, moment: str, error: BaseException) -> Failure:
    return Failure(
        probe=plugin.name,
        distribution=plugin.distribution,
        error=f"{moment}: {cut(fault(error), 500)}",
    )


def analyse(asked: Asked, trace: Trace) -> Finding:
    """One probe's answer, which can be written as JSON, read again, and drawn.

    Args:
        asked: The probe.
        trace: Its own.

    Raises:
        ProbeError: What it returned is not its finding, or holds what cannot be written or drawn.
    """
    name = asked.plugin.name
    rng = np.random.default_rng([trace.about.seed, zlib.crc32(name.encode())])
    finding = asked.probe.analyse(trace, rng)
    if type(finding) is not Finding or finding.probe != asked.probe.name:
        raise ProbeError(f"analyse returned {shown(finding)}, expected its own Finding")
    check_finding(finding)
    for chart in finding.charts:
        drawn(chart, finding.table(chart.table))
    return finding


def measure(asked: Asked, view: "ProbeBench", trace: Folder, progress: Progress = unseen) -> None:
    """Let a probe that wants to ask the models, unless the trace holds the answer to its question.

    Args:
        asked: The probe.
        view: What it may ask.
        trace: Where its answer is kept.
        progress: Told when it is about to ask.

    Raises:
        ProbeError: It returned something else than a table.
    """
    probe, name = asked.probe, asked.plugin.name
    if not isinstance(probe, MeasuringProbe):
        return
    question = {
        "version": asked.version,
        "options": asked.options,
    }
    key = hashlib.sha256(json.dumps(question, sort_keys=True, default=str).encode()).hexdigest()
    earlier = answered(trace, name)
    given = view.given
    if (
        earlier
        and earlier.asked == key
        and all(given.sha256(name) == value for name, value in earlier.given.items())
    ):
        return
    progress(name, 0, 0)
    table = probe.measure(view)
    if table is not None and not isinstance(table, pd.DataFrame):
        kind = type(table).__name__
        raise ProbeError(f"measure returned {kind}, expected a DataFrame or None")
    read = {name: given.sha256(name) for name in sorted(given.read)}
    keep_measured(trace, name, Question(asked=key, given=read), table)
