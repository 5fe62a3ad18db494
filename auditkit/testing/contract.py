"""The contract of a probe, as a test."""

from weakref import WeakKeyDictionary

import numpy as np

from auditkit.errors import ProbeError
from auditkit.finding import Finding, Results, dumps, loads
from auditkit.plugin import Probe, unmet
from auditkit.testing.traces import resharded
from auditkit.trace import Trace


def check_probe(probe: Probe, trace: Trace, *, seed: int = 0) -> Finding | None:
    """Run `probe.analyse` on `trace` and check what every probe owes; its finding.

    The finding carries the probe's name, version and question and a claim of one line; the same
    seed gives the same bytes, and so does the same trace in other shards, its documents in another
    order; the bytes survive a round trip through JSON. (That
    the status is known, that nothing stands twice, that numbers are finite and that charts have
    their table is checked when a finding is made.)

    Returns:
        None where the trace does not offer what the probe needs: it would not be run.

    Raises:
        ProbeError: The contract is broken.
    """
    if unmet(probe, trace.about):
        return None

    def analysed(of: Trace) -> Finding:
        return probe.analyse(of, np.random.default_rng(seed))

    finding = analysed(trace)
    text = dumps(finding)
    read = loads(dumps(Results(about={}, findings=(finding,), failures=()))).findings[0]
    told = (finding.probe, finding.version, finding.question)
    line = finding.claim.strip()
    cuts = [dumps(analysed(cut)) for cut in _cuts(trace)]
    checks = {
        "is not a Finding": isinstance(finding, Finding),
        "names another probe, version or question": told
        == (probe.name, probe.version, probe.question),
        "makes no claim of one line": bool(line) and len(line.splitlines()) == 1,
        "differs between two runs of one seed": text == dumps(analysed(trace)),
        "changes when it is written and read": text == dumps(read),
        "depends on how the trace is cut into shards": set(cuts) == {text},
    }
    for broken, holds in checks.items():
        if not holds:
            raise ProbeError(f"probe {probe.name}: its finding {broken}")
    return finding


def _cuts(trace: Trace) -> tuple[Trace, Trace]:
    """The trace in two shards, and in seven with its documents in another order."""
    if trace not in _CUT:
        order = np.random.default_rng(0).permutation(len(trace.documents))
        _CUT[trace] = (resharded(trace, 2), resharded(trace, 7, order))
    return _CUT[trace]


_CUT: WeakKeyDictionary[Trace, tuple[Trace, Trace]] = WeakKeyDictionary()
"""Several probes are checked on one trace."""
