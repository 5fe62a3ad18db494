"""A probe asked of a synthetic trace, with a bench that says what the test says."""

from typing import Any

import numpy as np

from auditkit.finding import Finding
from auditkit.plugin import unmet
from auditkit.testing import SyntheticBench, replace_tables
from auditkit.trace import Trace


def measured(probe: Any, trace: Trace, **bench: Any) -> Trace:
    """The trace with what the probe measured on a `SyntheticBench`, if that is anything."""
    if unmet(probe, trace.about):  # then nobody asks it
        return trace
    frame = probe.measure(SyntheticBench(trace, **bench))
    return trace if frame is None else replace_tables(trace, **{f"measured_{probe.name}": frame})


def analysed(probe: Any, trace: Trace) -> Finding:
    """What the probe finds."""
    finding: Finding = probe.analyse(trace, np.random.default_rng(0))
    return finding
