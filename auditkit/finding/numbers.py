"""A measurement with what is needed to believe it, its interval, and what does not exist."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict

from auditkit.errors import ProbeError
from auditkit.finding.address import named, ordered, where

STRICT = ConfigDict(extra="forbid")
"""A file of results may hold nothing that is not known."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval `[low, high]`."""

    __pydantic_config__: ClassVar[object] = STRICT

    low: float
    high: float

    def __post_init__(self) -> None:
        as_floats(self, "low", "high")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ProbeError(f"interval [{self.low}, {self.high}]: expected finite low <= high")

    def scaled(self, factor: float) -> "Interval":
        """The same interval in another unit; `factor` is positive."""
        return Interval(factor * self.low, factor * self.high)


@dataclass(frozen=True, slots=True)
class Undefined:
    """A number that does not exist, and why."""

    __pydantic_config__: ClassVar[object] = STRICT

    undefined: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number with what is needed to believe it.

    Addressed everywhere as `probe.name[key=value,…].field` (`auditkit.finding.address`).

    Raises:
        ProbeError: A name or a key that no address may have; a value that is not finite; a value
            and a reason for being undefined at once, or neither; an interval and a reason for
            having none at once, or neither.
    """

    __pydantic_config__: ClassVar[object] = STRICT

    name: str
    value: float | None
    unit: str
    """`share`, `points`, `ratio`, `odds ratio`, `layers`, `MACs`, `ms`, `documents`, …"""
    n: int
    """How many units the value rests on (words, tokens, or documents)."""
    n_clusters: int
    """How many documents it rests on; documents are the cluster unit everywhere."""
    interval: Interval | None = None
    level: float = 0.95
    no_interval: str | None = None
    """Why there is no interval."""
    better: Literal["higher", "lower"] | None = None
    at: Mapping[str, str] = field(default_factory=dict)
    """Where it was measured, by keys of an address: `{"arm": "pruned", "class": "World"}`."""
    control: str = ""
    """What the value is compared with: `random keeping`, `baseline`, …"""
    basis: str = ""
    """What it rests on that another run may have otherwise, such as the layer it was taken after:
    numbers are compared where it is the same."""
    headline: bool = False
    """Whether it is a key figure of the page and the summary."""
    p: float | None = None
    p_adjusted: float | None = None
    undefined: str | None = None
    """Why there is no value."""

    def __post_init__(self) -> None:
        named(self.name)
        object.__setattr__(self, "at", ordered(self.at))
        as_floats(self, "value", "level", "p", "p_adjusted")
        what = f"measurement {self.where}"
        for label in ("value", "p", "p_adjusted"):
            number: float | None = getattr(self, label)
            if number is not None and not math.isfinite(number):
                raise ProbeError(f"{what}: {label} is {number}; give None and a reason instead")
        if (self.value is None) != (self.undefined is not None):
            raise ProbeError(f"{what}: give a value or the reason why it is undefined, not both")
        if self.value is None:
            if self.interval is not None:
                raise ProbeError(f"{what}: an undefined value cannot have an interval")
        elif (self.interval is None) != (self.no_interval is not None):
            raise ProbeError(f"{what}: give an interval or the reason why there is none")

    @property
    def where(self) -> str:
        """`name[key=value,…]`: its address inside of its probe."""
        return where(self.name, self.at)


def as_floats(value: Any, *names: str) -> None:
    """Whole numbers as floats, so that a value is the same before it is written and after."""
    for name in names:
        number = getattr(value, name)
        if isinstance(number, int):
            object.__setattr__(value, name, float(number))
