"""Finished runs made by hand: what is told to other tools comes from their files alone."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import report_case

from auditkit.files import Folder
from auditkit.finding import GateResult, Interval, Results, announce, dumps

ACCURACY = "performance.accuracy[arm=pruned]"
CHANGE = "performance.change[class=World]"


def gate(status: Any, **changes: Any) -> GateResult:
    """A gate that was decided as said."""
    fields: dict[str, Any] = {
        "address": ACCURACY, "side": "at_least", "limit": 0.9, "on": "bound", "status": status,
        "value": 0.9132, "interval": Interval(0.9072, 0.9192),
        "reason": "the 95 % interval keeps to the limit",
    }  # fmt: skip
    return GateResult(**(fields | changes))


def gates() -> tuple[GateResult, ...]:
    """One of each status."""
    return (
        gate("pass"),
        gate("fail", address=CHANGE, limit=-1.0, value=-2.1, interval=Interval(-2.6, -1.6),
             reason="the 95 % interval lies beyond the limit"),
        gate("inconclusive", limit=0.91, reason="the 95 % interval holds values on either side"),
        gate("not_run", address="fairness.accuracy_gap[group=asia]", value=None, interval=None,
             reason="the run has no such measurement"),
    )  # fmt: skip


def run(
    folder: Path, audit: Results | None = None, judged: Sequence[GateResult] = (), **settings: Any
) -> Path:
    """A run directory as it lies there once a run is done, without a trace."""
    found = replace(audit or report_case.audit(), gates=tuple(judged))
    place, text = Folder(folder), dumps(found)
    place.write("results.json", text)
    place.write("report.html", "<!doctype html><title>the page</title>")
    place.write("summary.md", "# the summary\n")
    announce(place, [{"address": one.address, "limit": one.limit} for one in judged],
             before_results=True)  # fmt: skip
    manifest = {
        "written": "2026-11-28T12:00:00+00:00",
        "settings": settings,
        "files": {"results.json": hashlib.sha256(text.encode()).hexdigest()},
    }
    place.write("manifest.json", json.dumps(manifest))
    return folder
