"""Everything that a probe's author imports."""

from auditkit.plugin.probe import (
    BenchView,
    Plugin,
    Probe,
    answer,
    discover,
    not_applicable,
    unmet,
)

__all__ = ["BenchView", "Plugin", "Probe", "answer", "discover", "not_applicable", "unmet"]
