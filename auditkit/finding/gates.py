"""What became of a gate: a limit on one measurement, decided in three values."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from auditkit.finding.numbers import STRICT, Interval

GateStatus = Literal["pass", "fail", "inconclusive", "not_run"]
"""`not_run`: the measurement is not there. It never counts as `pass`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate, what was seen, and what follows."""

    __pydantic_config__: ClassVar[object] = STRICT

    address: str
    side: Literal["at_least", "at_most"]
    limit: float
    on: Literal["bound", "value", "anytime"]
    status: GateStatus
    value: float | None = None
    interval: Interval | None = None
    reason: str
    """One sentence: what decided, or why nothing could."""

    @property
    def word(self) -> str:
        """The status as it is printed: `not run`."""
        return self.status.replace("_", " ")

    @property
    def asked(self) -> str:
        """`at least 0.9`."""
        return f"{self.side.replace('_', ' ')} {self.limit:g}"
