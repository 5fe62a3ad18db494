"""A recorded run analysed again, without its models: after a change of a probe, say."""

from pathlib import Path

from auditkit.bench.speed import read_speed
from auditkit.files import Folder
from auditkit.finding import Results
from auditkit.run.asking import ask, chosen_probes, read_files
from auditkit.run.audit import Audit
from auditkit.run.betting import bet
from auditkit.run.directory import TRACE, manifest_settings, told_settings, write
from auditkit.run.gates import judge
from auditkit.run.progress import Clock, Progress, unseen
from auditkit.run.settings import section_of
from auditkit.trace import Trace


def reanalyse(
    directory: Folder | Path | str, progress: Progress = unseen, *, redact: bool | None = None
) -> Audit:
    """Let the probes of a run analyse its trace anew, and write all files but the trace.

    What probes measured is taken as it lies; what they folded is folded again.

    Args:
        directory: Of the run.
        progress: Told (what, done, total) as it goes; total is 0 while it is not known.
        redact: Whether pages leave out what is of the data set; None: as the run was told.

    Raises:
        AuditError: There is no finished trace, a file of it is not what was written, or a probe of
            the run is not installed; nothing is written then.
    """
    place = Folder(directory)
    progress("check the trace", 0, 0)
    trace = Trace.open(place / TRACE)
    with place.held():
        trace.verify()
        return _reanalysed(place, trace, progress, redact)


def _reanalysed(place: Folder, trace: Trace, progress: Progress, redact: bool | None) -> Audit:
    clock = Clock()
    settings = told_settings(place)
    chosen = {key: settings.get(key) for key in ("probes", "without", "options")}
    if manifested := manifest_settings(place).get("probes"):
        chosen["probes"] = manifested  # files with their folders
    asked, unloaded = chosen_probes(section_of("probing", chosen, origin="results.json"))
    limits = {"gates": settings.get("gates", ())}
    gates = section_of("gates", limits, origin="results.json")
    (place / TRACE).remove("folds")
    findings, broken = ask(asked, trace, clock, place, progress=progress)
    failures = unloaded + broken
    told = {**settings, **read_files(asked)}
    about = {**trace.about.model_dump(mode="json"), "settings": told}
    progress("judge gates", 0, 0)
    judged = judge(gates, findings, failures, bet(gates, trace, place))
    found = Results(about=about, findings=findings, failures=failures, gates=judged)
    progress("draw the page", 0, 0)
    repeated = dict(manifest_settings(place))
    if redact is not None:
        repeated["redact"] = redact
    return write(place, found, clock, read_speed(place), repeated)
