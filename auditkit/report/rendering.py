"""The files of a run directory that hold what was found."""

from pathlib import Path

from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.finding import Results, loads

RESULTS = "results.json"
PAGES = ("report.html", "summary.md")
"""For people, made of it."""


def load_results(directory: str | Path) -> Results:
    """What was found, of a run directory.

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
