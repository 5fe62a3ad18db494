"""auditkit: audit what token pruning does to a transformer classifier.

    audit = auditkit.audit(model="CKPT", dataset="agnews")
    audit = auditkit.load("reports/CKPT-agnews")
    audit.to_frame()

Names are imported when they are first used, so that the command line starts at once.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from auditkit.bench.dropper import Dropper, Tokens
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
        Chart,
        Column,
        Example,
        Failure,
        Finding,
        Interval,
        Measurement,
        Results,
        Segment,
        Table,
        Undefined,
    )
    from auditkit.plugin import BenchView, Probe
    from auditkit.run.audit import Audit
    from auditkit.run.conduct import audit
    from auditkit.run.directory import load
    from auditkit.run.settings import Settings
    from auditkit.trace import About, Trace

from auditkit._version import __version__

_HOMES = {
    "bench.dropper": ("Dropper", "Tokens"),
    "run.conduct": ("audit",),
    "errors": (
        "AnnotationError", "AuditError", "CheckpointError", "DataError", "ProbeError",
        "SettingsError", "TraceError",
    ),
    "finding": (
        "Chart", "Column", "Example", "Failure", "Finding", "Interval", "Measurement", "Results",
        "Segment", "Table", "Undefined",
    ),
    "plugin.probe": ("BenchView", "Probe"),
    "run.audit": ("Audit",),
    "run.directory": ("load",),
    "run.settings": ("Settings",),
    "trace": ("About", "Trace"),
}  # fmt: skip

__all__ = [
    "About", "AnnotationError", "Audit", "AuditError", "BenchView", "Chart", "CheckpointError",
    "Column", "DataError", "Dropper", "Example", "Failure", "Finding", "Interval", "Measurement",
    "Probe", "ProbeError", "Results", "Segment", "Settings", "SettingsError", "Table", "Tokens",
    "Trace", "TraceError", "Undefined", "__version__", "audit", "load",
]  # fmt: skip


def __getattr__(name: str) -> typing.Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"auditkit.{home}"), name)
    raise AttributeError(f"module 'auditkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
