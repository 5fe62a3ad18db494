"""What an audit did not check, and why: "not run" is never "passed"."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.finding import Results
from auditkit.trace import About


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that a reviewer may expect and this audit does not tell."""

    what: str
    """In a few words."""
    why: str
    probe: str = ""
    """Whose section tells of it."""
    place: str = ""
    """The probe that has its place here: it had nothing to look at."""


def unchecked(audit: Results, about: About) -> Iterator[Unchecked]:
    """What was not looked at, what matters most first."""
    for failure in audit.failures:
        yield Unchecked(f"{failure.probe} (it broke)", failure.error, failure.probe)
    if not about.in_role("reference"):
        yield Unchecked("a difference to a baseline", f"{about.no_baseline or 'None was run'}.")
    yield from _data(audit, about)
    for finding in audit.findings:
        for what in finding.unchecked:
            yield Unchecked(what, "", finding.probe)
    if about.in_role("reference"):
        for arm in about.possible:
            if arm.leaves_open and arm.name not in about.arms:
                yield Unchecked(arm.leaves_open, arm.absent)
    for finding in audit.findings:
        if finding.status == "not_applicable":
            told = f"{finding.question} {finding.claim}"
            yield Unchecked(finding.probe, told, place=finding.probe)
    yield from _left_out(about)


def _data(audit: Results, about: About) -> Iterator[Unchecked]:
    data = about.dataset
    if not data.labelled:
        yield Unchecked("right and wrong answers", "The data have no labels (--unlabelled).")
    if data.trained_on is None:
        yield Unchecked(
            "whether these texts are new to the model",
            "The checkpoint does not say which texts it learned from (trained_on.safetensors).",
        )
    elif data.trained_on:
        yield Unchecked(
            "new texts alone",
            f"{data.trained_on:,} of the {data.audited:,} documents are among those that the model "
            "learned from: what is measured on them is not what it does on new ones.",
        )
    if not data.group_columns:
        yield Unchecked(
            "groups of people by a column",
            "No column of the data was named (--groups): groups are those that texts speak of, "
            "classes and lengths.",
        )
    seen = {m.at.get("column") for finding in audit.findings for m in finding.measurements}
    if idle := [column for column in data.group_columns if column not in seen]:
        yield Unchecked(
            f"groups ({', '.join(idle)})", "The columns were carried along, and no probe told of "
            "them.",
        )  # fmt: skip


def _left_out(about: About) -> Iterator[Unchecked]:
    """Probes that the run was told not to ask."""
    if chosen := about.settings.get("probes"):
        yield Unchecked("all other probes", f"Only these were asked for: {', '.join(chosen)}.")
    for name in about.settings.get("without") or ():
        yield Unchecked(str(name), "The run was told to leave it out (--without).")
