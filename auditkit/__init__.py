"""auditkit: audit what token pruning does to a transformer classifier.

    outcome = auditkit.audit(model="CKPT", dataset="agnews")
    audit = auditkit.load("reports/CKPT-agnews")

Names are imported when they are first used, so that the command line starts at once.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from auditkit.errors import (
        AnnotationError,
        AuditError,
        CheckpointError,
        DataError,
        ProbeError,
        SettingsError,
        TraceError,
    )
    from auditkit.finding import (
        Audit,
        Chart,
        Column,
        Example,
        Failure,
        Finding,
        Interval,
        Measurement,
        Segment,
        Table,
        Undefined,
    )
    from auditkit.plugin import BenchView, Probe
    from auditkit.report.rendering import load
    from auditkit.run.conduct import audit
    from auditkit.run.directory import Outcome
    from auditkit.run.settings import Settings
    from auditkit.trace import About, Trace

from auditkit._version import __version__

_HOMES = {
    "run.conduct": ("audit",),
    "errors": (
        "AnnotationError", "AuditError", "CheckpointError", "DataError", "ProbeError",
        "SettingsError", "TraceError",
    ),
    "finding": (
        "Audit", "Chart", "Column", "Example", "Failure", "Finding", "Interval", "Measurement",
        "Segment", "Table", "Undefined",
    ),
    "plugin.probe": ("BenchView", "Probe"),
    "report.rendering": ("load",),
    "run.directory": ("Outcome",),
    "run.settings": ("Settings",),
    "trace": ("About", "Trace"),
}  # fmt: skip

__all__ = [
    "About", "AnnotationError", "Audit", "AuditError", "BenchView", "Chart", "CheckpointError",
    "Column", "DataError", "Example", "Failure", "Finding", "Interval", "Measurement", "Outcome",
    "Probe", "ProbeError", "Segment", "Settings", "SettingsError", "Table", "Trace", "TraceError",
    "Undefined", "__version__", "audit", "load",
]  # fmt: skip


def __getattr__(name: str) -> typing.Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"auditkit.{home}"), name)
    raise AttributeError(f"module 'auditkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
