"""Gates as page, summary and terminal tell of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from auditkit.errors import AuditError
from auditkit.finding import GateResult, parse_address
from auditkit.plugin.sentences import decimals, figure, interval
from auditkit.report.overview import Badge, place_in_words

WORDS = ("pass", "fail", "inconclusive", "not run")
"""In the order of counting."""


@dataclass(frozen=True, slots=True)
class GateView:
    """A gate in words."""

    gate: GateResult
    what: str
    """What it limits, as people say it; its address where that is none."""
    asked: str
    """`at least −1`."""
    seen: str
    """Value and interval; a dash where there is none."""
    probe: str
    """Whose number it is."""


def gate_view(gate: GateResult) -> GateView:
    """A gate as it is printed."""
    bounds = [gate.interval.low, gate.interval.high] if gate.interval else []
    values = [v for v in (gate.value, *bounds) if v is not None]
    places = decimals(values)
    seen = "—" if gate.value is None else figure(gate.value, places)
    if gate.interval:
        seen += f" {interval(gate.interval, places)}"
    asked = gate.asked.replace("-", "−")
    return GateView(gate, _what(gate.address), asked, seen, gate.address.partition(".")[0])


def _what(address: str) -> str:
    try:
        found = parse_address(address)
    except AuditError:
        return address
    told = place_in_words(found.measurement, found.at)
    return told if told[:2].isupper() else told[:1].lower() + told[1:]


def counted(gates: Sequence[GateResult]) -> str:
    """`3 gates: 1 pass · 2 inconclusive`; "" where there are none."""
    if not gates:
        return ""
    counts = Counter(gate.word for gate in gates)
    told = " · ".join(f"{counts[word]} {word}" for word in WORDS if counts[word])
    return f"{len(gates)} {'gate' if len(gates) == 1 else 'gates'}: {told}"


def decided(gates: Sequence[GateResult]) -> tuple[Badge, str]:
    """Status of all gates together, and the sentence that begins with the decision."""
    number = len(gates)
    failing = [gate for gate in gates if gate.status == "fail"]
    undecided = [gate for gate in gates if gate.status not in ("pass", "fail")]
    if failing:
        verb = "fails" if len(failing) == 1 else "fail"
        return "fail", f"Not acceptable: {_some(failing, gates)} {verb}{_named(failing)}."
    if undecided:
        verb = "is not decided" if len(undecided) == 1 else "are not decided"
        told = f"{_some(undecided, gates)} {verb}{_named(undecided)}"
        return "inconclusive", f"Not enough evidence to accept: {told}."
    return (
        "pass",
        f"Acceptable: {'the gate passes' if number == 1 else f'all {number} gates pass'}.",
    )


def _some(some: Sequence[GateResult], whole: Sequence[GateResult]) -> str:
    return "the gate" if len(whole) == 1 else f"{len(some)} of the {len(whole)} gates"


def _named(gates: Sequence[GateResult]) -> str:
    """The first of them in words."""
    first = gate_view(gates[0])
    return f" ({first.what}: {first.asked}{', …' if len(gates) > 1 else ''})"
