"""A run's gates and probes as test cases, which reports of tests tell of.

Such reports know *passed*, *failed* and *skipped*; an audit says more. Only `pass` passes and only
`fail` fails: what is inconclusive, a warning, reported, not applicable or not run has decided
nothing, is never *passed*, and keeps its own word. A probe that broke has failed to answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from auditkit.finding import GateResult, Results
from auditkit.report.gates import gate_view
from auditkit.report.overview import BADGES
from auditkit.text import inert

Outcome = Literal["passed", "failed", "undecided", "broke"]
GATES, PROBES = SUITES = ("gates", "probes")


@dataclass(frozen=True, slots=True)
class Case:
    """A gate or a probe as a test; its texts hold no controls."""

    suite: str
    """One of `SUITES`."""
    name: str
    """The address of a gate, the name of a probe."""
    outcome: Outcome
    status: str
    """In auditkit's own word: `not run`."""
    told: str
    """What was asked, what was seen, what follows."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """Of a gate: `limit`, and where they are there `value`, `low`, `high`."""


def cases(audit: Results) -> list[Case]:
    """Gates first, then probes that answered, then those that broke."""
    told = [_gate(gate) for gate in audit.gates]
    for finding in audit.findings:
        claim = f"{finding.question} {finding.claim}"
        word = BADGES[finding.status]
        told.append(
            Case(PROBES, inert(finding.probe), _outcome(finding.status), word, inert(claim))
        )
    for failure in audit.failures:
        name, error = inert(failure.probe), inert(failure.error)
        told.append(Case(PROBES, name, "broke", BADGES["broke"], error))
    return told


def _gate(gate: GateResult) -> Case:
    view = gate_view(gate)
    told = f"{view.what}: expected {view.asked}, seen {view.seen}; {gate.reason}"
    numbers = {"limit": gate.limit}
    if gate.value is not None:
        numbers["value"] = gate.value
    if gate.interval is not None:
        numbers |= {"low": gate.interval.low, "high": gate.interval.high}
    address, outcome = inert(gate.address), _outcome(gate.status)
    return Case(GATES, address, outcome, gate.word, inert(told), numbers)


def _outcome(status: str) -> Outcome:
    decided: dict[str, Outcome] = {"pass": "passed", "fail": "failed"}
    return decided.get(status, "undecided")
