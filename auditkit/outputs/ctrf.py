"""A run as JSON in the Common Test Report Format."""

from collections import Counter
from datetime import datetime
from typing import Any

from auditkit._version import __version__
from auditkit.finding import Results
from auditkit.outputs.cases import Case, cases
from auditkit.outputs.documents import as_text

VERSION = "0.0.0"
"""Of the format."""
STATUSES = ("passed", "failed", "skipped", "pending", "other")


def ctrf(audit: Results, written: datetime | None = None) -> str:
    """The document. Same arguments, same text.

    Gates that were not run are `skipped`; all else that decided nothing is `other`, with auditkit's
    own word as `rawStatus`.

    Args:
        audit: What was found.
        written: When the run was written; None: not known, and told as the start of 1970.
    """
    told = cases(audit)
    tests = [_test(case) for case in told]
    counts = Counter(test["status"] for test in tests)
    moment = 0 if written is None else int(written.timestamp() * 1000)
    summary = {
        "tests": len(tests),
        **{status: counts[status] for status in STATUSES},
        "suites": len({case.suite for case in told}),
        "start": moment,
        "stop": moment,
    }
    document = {
        "reportFormat": "CTRF",
        "specVersion": VERSION,
        "generatedBy": f"auditkit {__version__}",
        "results": {
            "tool": {"name": "auditkit", "version": __version__},
            "summary": summary,
            "tests": tests,
        },
    }
    return as_text(document)


def _test(case: Case) -> dict[str, Any]:
    return {
        "name": case.name,
        "status": _status(case),
        "duration": 0,  # nothing is timed gate by gate
        "suite": ["auditkit", case.suite],
        "message": case.told,
        "rawStatus": case.status,
        "labels": dict(case.numbers),
    }


def _status(case: Case) -> str:
    if case.outcome == "undecided":
        return "skipped" if case.status == "not run" else "other"
    return "failed" if case.outcome == "broke" else case.outcome
