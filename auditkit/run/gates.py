"""Gates: limits that were set before a run, and what its measurements come to against them.

All gates must pass, so that passing needs no correction (an intersection–union test); a fail is
claimed only where it survives Holm's correction over the gates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

from pydantic import Field, field_validator, model_validator
from scipy.stats import norm

from auditkit.data.settings import Section
from auditkit.errors import SettingsError
from auditkit.finding import (
    Address,
    Failure,
    Finding,
    GateResult,
    Interval,
    Measurement,
    parse_address,
    to_json,
)
from auditkit.finding.gates import GateStatus
from auditkit.plugin.sentences import figure
from auditkit.stats.anytime import Bets, wealth
from auditkit.stats.multiplicity import ALPHA, holm
from auditkit.text import one_of

_MAXIMA = frozenset(["max", "maximum", "worst", "largest"])
"""Words in the name of a measurement whose value is biased upward: it is the largest of several."""

_TIMES = frozenset(["speed", "timings"])
"""How people may call measured time, which is in no finding."""


class Gate(Section):
    """A limit on one measurement."""

    address: str
    """`probe.measurement[key=value,…]`, without a field."""
    at_least: float | None = Field(default=None, strict=True, allow_inf_nan=False)
    at_most: float | None = Field(default=None, strict=True, allow_inf_nan=False)
    on: Literal["bound", "value", "anytime"] = "bound"
    """`bound`: what the interval rules out, in three values. `value`: the point estimate.
    `anytime`: bets on paired accuracy, which may be looked at again and again."""

    @field_validator("address")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            address = parse_address(value)
        except SettingsError as error:
            raise ValueError(str(error)) from error
        if address.field:
            raise ValueError(f"names the field {address.field!r}; `on` says what decides")
        if address.probe in _TIMES:
            raise ValueError("measured time is no measurement and has no gate; gate counted MACs")
        return str(address)

    @model_validator(mode="after")
    def _can_be_gated(self) -> "Gate":
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give at_least or at_most, one of the two")
        name = self.parsed.measurement
        if self.on == "value" and not _MAXIMA.isdisjoint(name.lower().split("_")):
            raise ValueError(f"the value of a maximum ({name}) is biased; gate its bound")
        if self.on == "anytime" and (
            name != "accuracy_change" or self.at_least is None or abs(self.at_least) >= 100
        ):
            raise ValueError("anytime is for accuracy_change, at_least between -100 and 100 points")
        return self

    @property
    def parsed(self) -> Address:
        """The address."""
        return parse_address(self.address)

    @property
    def side(self) -> Literal["at_least", "at_most"]:
        """Which limit there is."""
        return "at_most" if self.at_least is None else "at_least"

    @property
    def limit(self) -> float:
        """The limit."""
        return float(self.at_most if self.at_least is None else self.at_least)  # type: ignore[arg-type]


def judge(
    gates: Sequence[Gate],
    findings: Sequence[Finding],
    failures: Sequence[Failure] = (),
    bets: Mapping[Gate, Bets | str] = MappingProxyType({}),
) -> tuple[GateResult, ...]:
    """What became of every gate, in order, by the numbers as `results.json` holds them.

    Args:
        gates: The limits.
        findings: What probes found.
        failures: Which probes broke.
        bets: What the gates `on: anytime` have come to, or why they could not be bet on.
    """
    return decide([(gate, _looked_up(gate, findings, failures)) for gate in gates], bets)


def decide(
    asked: Sequence[tuple[Gate, Measurement | str]],
    bets: Mapping[Gate, Bets | str] = MappingProxyType({}),
) -> tuple[GateResult, ...]:
    """As `judge`, of gates with their measurements, or with the reason why there is none."""
    p = [_p_of_failing(gate, m) for gate, m in asked]
    return tuple(
        _judged(gate, m, value is not None and value < ALPHA / 2, bets.get(gate))
        for (gate, m), value in zip(asked, holm(p), strict=True)
    )


def _looked_up(
    gate: Gate, findings: Sequence[Finding], failures: Sequence[Failure]
) -> Measurement | str:
    """The measurement, or why there is none."""
    address = gate.parsed
    if address.probe in {failure.probe for failure in failures}:
        return f"the probe {address.probe} broke"
    for finding in findings:
        if finding.probe == address.probe:
            for m in finding.measurements:
                if (m.name, dict(m.at)) == (address.measurement, dict(address.at)):
                    return _as_written(m)
            names = [f"{finding.probe}.{m.where}" for m in finding.measurements]
            near = get_close_matches(gate.address, names, n=3, cutoff=0.4) or names[:3]
            return f"there is no such measurement; near it: {', '.join(near) or 'none'}"
    return f"the probe {address.probe} was not run; {one_of([f.probe for f in findings])}"


def _as_written(m: Measurement) -> Measurement:
    """With the digits that are written, so that a run and its results are decided alike."""
    interval = m.interval and Interval(to_json(m.interval.low), to_json(m.interval.high))
    return replace(m, value=to_json(m.value), interval=interval)


def _p_of_failing(gate: Gate, m: Measurement | str) -> float | None:
    """One-sided p of the limit being kept, from the interval taken as one of a normal estimate.

    Half the interval's width on the side of the limit stands for its quantile times the standard
    error, so that a bound that misses the limit and p agree where there is one gate.
    """
    if isinstance(m, str) or gate.on != "bound" or m.value is None or m.interval is None:
        return None
    sign = 1 if gate.side == "at_least" else -1
    bound = m.interval.high if sign > 0 else m.interval.low
    reach, missing = sign * (bound - m.value), sign * (gate.limit - m.value)
    if reach <= 0:
        return 0.0 if missing > 0 else 1.0
    return float(norm.sf(missing / reach * norm.ppf((1 + m.level) / 2)))


def _judged(gate: Gate, m: Measurement | str, fails: bool, bets: Bets | str | None) -> GateResult:
    def result(status: GateStatus, reason: str, m: Measurement | None = None) -> GateResult:
        return GateResult(
            address=gate.address, side=gate.side, limit=gate.limit, on=gate.on, status=status,
            value=None if m is None else m.value, interval=None if m is None else m.interval,
            reason=reason,
        )  # fmt: skip

    if isinstance(m, str):
        return result("not_run", m)
    if m.value is None:
        return result("inconclusive", f"it is undefined: {m.undefined}", m)
    if isinstance(bets, str):
        return result("inconclusive", bets, m)
    if bets is not None:
        passing, failing = (f"{wealth(side):.3g}" for side in (bets.passing, bets.failing))
        told = f"stakes of 1 have come to {passing} for passing and {failing} for failing"
        return result(bets.outcome, f"{told}; {2 / ALPHA:g} decides, looked at however often", m)
    sign = 1 if gate.side == "at_least" else -1
    if gate.on == "value":
        kept = sign * (m.value - gate.limit) >= 0
        return result("pass" if kept else "fail", "by the value alone", m)
    if m.interval is None:
        return result("inconclusive", f"it has no interval: {m.no_interval}", m)
    worst, best = (m.interval.low, m.interval.high)[::sign]
    told = f"the {figure(100 * m.level, 1).removesuffix('.0')} % interval"
    if sign * (worst - gate.limit) >= 0:
        return result("pass", f"{told} keeps to the limit", m)
    if sign * (best - gate.limit) >= 0:
        return result("inconclusive", f"{told} holds values on either side of the limit", m)
    if fails:
        return result("fail", f"{told} lies beyond the limit, after Holm's correction too", m)
    return result(
        "inconclusive", f"{told} lies beyond the limit, but not after Holm's correction", m
    )
