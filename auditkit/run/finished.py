"""A finished run as other tools may be told of it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.finding import GATES, Announcement, Results
from auditkit.report.redaction import check_declared, redact
from auditkit.report.rendering import RESULTS, read_results
from auditkit.run.directory import MANIFEST, load, manifested


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run left; no model and no trace is opened for it."""

    directory: Folder
    audit: Results
    """Redacted where the run was told so."""
    redacted: bool
    written: datetime | None
    """When, in UTC; None: no manifest says so."""
    limits: Announcement | None
    gates_sha256: str
    """Of the bytes of `gates.json`; "" where there is none."""
    results_sha256: str
    """Of the bytes of `results.json`."""


def finished(directory: str) -> Finished:
    """Read a run.

    Raises:
        TraceError: There is none, it is no audit, it is not what its manifest was written for, or
            it cannot be redacted.
    """
    place = Folder(directory)
    results = read_results(place)
    digest = hashlib.sha256(results).hexdigest()
    files = manifested(place, "files")
    known = files.get(RESULTS, digest) if isinstance(files, dict) else digest
    if known != digest:
        raise TraceError(
            f"{place / RESULTS} has SHA-256 {digest[:12]}…, {MANIFEST} says {str(known)[:12]!r}…: "
            "it was changed since the run; run `auditkit run` again"
        )
    run = load(directory)
    if run.redacted:
        check_declared(results)
    return Finished(
        directory=place,
        audit=redact(run.results) if run.redacted else run.results,
        redacted=run.redacted,
        written=_moment(run.written),
        limits=run.limits,
        gates_sha256=hashlib.sha256(place.read(GATES)).hexdigest() if place.has(GATES) else "",
        results_sha256=digest,
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
