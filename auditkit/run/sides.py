"""Finished runs as sides of a comparison: what was found, and the trace where it is there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditkit.errors import SettingsError, TraceError
from auditkit.files import Folder
from auditkit.finding import Address, Finding, Measurement, Results
from auditkit.report.overview import about_of
from auditkit.report.rendering import load_results
from auditkit.run.differences import opened
from auditkit.run.directory import written
from auditkit.text import said
from auditkit.trace import About, Trace


@dataclass(frozen=True)
class Side:
    """One of the runs."""

    name: str
    audit: Results
    about: About
    trace: Trace | None
    no_trace: str
    """Why there is none; "" where there is one."""
    written: str
    """When, as its manifest says; "" where that is not there."""

    @property
    def findings(self) -> Mapping[str, Finding]:
        """By probe."""
        return {finding.probe: finding for finding in self.audit.findings}

    @property
    def tagged_by(self) -> str:
        """The pipeline of its words."""
        return f"{self.about.annotator.name} {self.about.annotator.version}"

    @property
    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """What probes of the run were given, by probe."""
        return self.about.settings.get("options") or {}

    @property
    def margin(self) -> float | None:
        """The loss of accuracy that the run was told to accept; None: it was not told."""
        given = [options["margin"] for options in self.options.values() if "margin" in options]
        return float(given[0]) if given else None

    def numbers(self) -> dict[str, tuple[str, Measurement]]:
        """Probe and measurement by address."""
        return {
            str(Address(f.probe, m.name, m.at)): (f.probe, m)
            for f in self.audit.findings
            for m in f.measurements
        }


def sides_of(directories: Sequence[str | Path], names: Sequence[str] = ()) -> list[Side]:
    """The runs, in order.

    Args:
        directories: Of two runs and more.
        names: What they are called; by default as their directories are, with a number where two
            are called alike.

    Raises:
        SettingsError: Fewer than two, or not one name for each.
        TraceError: One holds no finished run of this version.
    """
    if len(directories) < 2:
        raise SettingsError(f"{len(directories)} run to compare; give two directories and more")
    if names and (len(names) != len(directories) or len(set(names)) < len(names)):
        raise SettingsError(
            f"{len(names)} names for {len(directories)} runs; give every run a name of its own"
        )
    called = names or _called(directories)
    return [_side(name, where) for name, where in zip(called, directories, strict=True)]


def _called(directories: Sequence[str | Path]) -> list[str]:
    seen: Counter[str] = Counter()
    names = []
    for directory in directories:
        name = Path(directory).resolve().name
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _side(name: str, directory: str | Path) -> Side:
    audit = load_results(directory)
    try:
        about = about_of(audit)
    except TraceError as error:
        raise TraceError(f"{directory}: {said(error)}") from error
    place = Folder(directory)
    trace, why_not = _trace(place)
    return Side(name, audit, about, trace, why_not and f"{name} {why_not}", written(place))


def _trace(place: Folder) -> tuple[Trace | None, str]:
    """The trace of a run, or why there is none."""
    try:
        trace = opened(place)
        if trace is None:
            return None, "has no trace"
        len(trace.documents)  # read at once, so that what is torn is seen here
    except TraceError as error:
        return None, f"has a trace that cannot be read ({said(error)})"
    return trace, ""


def shared_documents(one: Trace, other: Trace) -> int:
    """How many documents stand in both: of the same id and the same text."""
    both = sorted({*one.documents.ids} & {*other.documents.ids})
    if not both:
        return 0
    texts, others = (_texts(trace, both) for trace in (one, other))
    return sum(texts[name] == others[name] for name in both)


def _texts(trace: Trace, ids: Sequence[str]) -> dict[str, int]:
    """Texts by id, as numbers that tell them apart, so that not all of them are held at once."""
    return {
        name: hash(text)
        for part in trace.scan("texts", ["example_id", "text"], ids=ids)
        for name, text in zip(part["example_id"], part["text"], strict=True)
    }
