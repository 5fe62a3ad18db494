"""Letting probes measure and analyse; one that breaks costs the others nothing."""

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from auditkit.errors import ProbeError, SettingsError
from auditkit.files import Folder
from auditkit.finding import Failure, Finding, dumps
from auditkit.plugin import (
    MeasuringProbe,
    Plugin,
    Probe,
    discover,
    in_order,
    not_applicable,
    unmet,
)
from auditkit.report.charts import drawn
from auditkit.run.progress import Clock
from auditkit.run.settings import ProbeSettings
from auditkit.text import cut, fault, one_of
from auditkit.trace import Trace
from auditkit.trace.caching import Question, answered, keep_measured

if TYPE_CHECKING:  # an analysis needs no model library
    from auditkit.bench.view import ProbeBench

BROKEN = (Exception, SystemExit)
"""What a third party's probe may raise: anything but an interruption by the user."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A probe that is to answer, and where it comes from."""

    plugin: Plugin
    probe: Probe
    options: Mapping[str, Any]


def chosen_probes(settings: ProbeSettings) -> list[Asked]:
    """The probes to ask, in the order in which they are told.

    Raises:
        ProbeError: One of them cannot be loaded with its options.
        SettingsError: One is not installed, or none is left.
    """
    found = discover()
    names = settings.probes or tuple(found)
    for name in (*names, *settings.without):
        if name not in found:
            raise SettingsError(f"no probe {name!r}; {one_of(found, name)}")
    options = {name: settings.options.get(name, {}) for name in names}
    probes = [found[name].load(options[name]) for name in options if name not in settings.without]
    if not probes:
        raise SettingsError(f"no probe is left to run; {one_of(found)}")
    return [Asked(found[p.name], p, options[p.name]) for p in in_order(probes)]


def ask(
    asked: Sequence[Asked],
    trace: Trace,
    clock: Clock,
    measure: Callable[[Asked], None] = lambda one: None,
) -> tuple[tuple[Finding, ...], tuple[Failure, ...]]:
    """What every probe finds, or how it broke.

    Args:
        asked: The probes, in order.
        trace: What was recorded.
        clock: Gets the seconds of every probe.
        measure: Lets a probe ask the models first; it may raise whatever the probe does.
    """
    findings: list[Finding] = []
    failures: list[Failure] = []
    for one in asked:
        name, lacking = one.probe.name, unmet(one.probe, trace.about)
        if lacking:
            reason = f"the run lacks {'; '.join(lacking)}"
            findings.append(not_applicable(one.probe, reason))
            continue
        moment = "measure"
        try:
            with clock(f"measure {name}"):
                measure(one)
            moment = "analyse"
            with clock(f"analyse {name}"):
                findings.append(analyse(one, trace))
        except BROKEN as error:
            failures.append(
                Failure(
                    probe=name,
                    distribution=one.plugin.distribution,
                    error=f"{moment}: {cut(fault(error), 500)}",
                )
            )
    return tuple(findings), tuple(failures)


def analyse(asked: Asked, trace: Trace) -> Finding:
    """One probe's answer, which can be written as JSON and drawn.

    Raises:
        ProbeError: What it returned is not its finding, or holds what cannot be written or drawn.
    """
    probe = asked.probe
    rng = np.random.default_rng([trace.about.seed, zlib.crc32(probe.name.encode())])
    finding = probe.analyse(trace.bound(probe.name, probe.version, asked.options), rng)
    if not isinstance(finding, Finding) or finding.probe != probe.name:
        raise ProbeError(f"analyse returned {finding!r:.80}, expected its own Finding")
    dumps(finding)
    for chart in finding.charts:
        drawn(chart, finding.table(chart.table))
    return finding


def measure(asked: Asked, view: "ProbeBench", trace: Folder) -> None:
    """Let a probe that wants to ask the models, unless the trace holds the answer to its question.

    Args:
        asked: The probe.
        view: What it may ask.
        trace: Where its answer is kept.

    Raises:
        ProbeError: It returned something else than a table.
    """
    probe = asked.probe
    if not isinstance(probe, MeasuringProbe):
        return
    question = {
        "version": probe.version,
        "options": asked.options,
        "attribution_sample": view.attribution_sample,
        "glossary": list(view.glossary),
    }
    key = hashlib.sha256(json.dumps(question, sort_keys=True, default=str).encode()).hexdigest()
    earlier = answered(trace, probe.name)
    if (
        earlier
        and earlier.asked == key
        and (earlier.training is None or earlier.training == view.training_sha256())
    ):
        return
    table = probe.measure(view)
    if table is not None and not isinstance(table, pd.DataFrame):
        kind = type(table).__name__
        raise ProbeError(f"measure returned {kind}, expected a DataFrame or None")
    training = view.training_sha256() if view.rests_on_training else None
    keep_measured(trace, probe.name, Question(asked=key, training=training), table)
