"""The audit in a run directory: read, and its pages written anew."""

from pathlib import Path

from auditkit.bench.speed import read_speed
from auditkit.errors import TraceError
from auditkit.files import Folder, write_whole
from auditkit.finding import Audit, loads, read_announcement
from auditkit.report.page import render_html
from auditkit.report.redaction import check_declared
from auditkit.report.summary import render_markdown

RESULTS = "results.json"
PAGES = ("report.html", "summary.md")
"""For people, made of it."""


def load(directory: str | Path) -> Audit:
    """The audit in a run directory.

    Raises:
        TraceError: No `results.json` there, or it is no audit.
    """
    return loads(read_results(Folder(directory)))


def read_results(directory: Folder) -> bytes:
    """The bytes of a run's `results.json`.

    Raises:
        TraceError: There is none.
    """
    if not directory.has(RESULTS):
        raise TraceError(f"{directory}: no {RESULTS}; give a directory that `auditkit run` wrote")
    return directory.read(RESULTS)


def rerender(
    directory: Path, *, written: str = "", interactive: bool = False, redacted: bool = False
) -> tuple[Path, ...]:
    """Write `report.html` and `summary.md` anew from a run's `results.json` and `timings.json`.

    Args:
        directory: Of the run.
        written: When the run was written, for people; "": not known.
        interactive: Whether the pictures of the page answer the pointer.
        redacted: Whether to print what can be shown to others alone.

    Raises:
        TraceError: There is none, it is no audit, or it cannot be redacted.
    """
    audit, speed = load(directory), read_speed(directory)
    if redacted:
        check_declared((directory / "results.json").read_bytes())
    limits = read_announcement(Folder(directory))
    pages = {
        "report.html": render_html(
            audit, speed, limits, written=written, interactive=interactive, redacted=redacted
        ),
        "summary.md": render_markdown(audit, speed, limits, redacted=redacted),
    }
    for name, text in pages.items():
        write_whole(directory / name, text)
    return tuple(directory / name for name in pages)
