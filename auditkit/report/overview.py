"""What page, summary and command line share: the run, statuses counted, key figures, places."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from auditkit.errors import TraceError
from auditkit.finding import Address, Measurement, Results, Status
from auditkit.report.tables import printed
from auditkit.trace import About

Badge = Status | Literal["broke"]

BADGES: Mapping[Badge, str] = {
    "pass": "pass",
    "fail": "fail",
    "warn": "warning",
    "inconclusive": "inconclusive",
    "reported": "reported",
    "broke": "broke",
    "not_applicable": "not applicable",
}
"""What a badge says, in the order of counting; `broke`: the probe failed, and has no finding."""

_SPELLED = {"ece": "ECE", "f1": "F1", "macs": "MACs"}
_SIGNS = {"ratio": "×", "share": " %", "score": ""}
"""What follows a number where that is not its unit after a space."""


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A measurement that its probe declared to be a key figure (`headline`)."""

    probe: str
    measurement: Measurement

    @property
    def address(self) -> str:
        """Where the number stands in the audit."""
        return str(Address(self.probe, self.measurement.name, self.measurement.at))

    @property
    def value(self) -> str:
        """The number as printed, a dash where there is none."""
        return printed(self.measurement)[0] or "—"

    @property
    def unit(self) -> str:
        """What follows the number; "" where there is none."""
        unit = self.measurement.unit
        return "" if self.measurement.value is None else _SIGNS.get(unit, f" {unit}")

    @property
    def bounds(self) -> str:
        """The interval, or why there is none."""
        m = self.measurement
        return printed(m)[1] or m.undefined or f"no interval: {m.no_interval}"


def key_figures(audit: Results) -> list[KeyFigure]:
    """The numbers that probes call key figures, in the order of the findings."""
    return [KeyFigure(f.probe, m) for f in audit.findings for m in f.measurements if m.headline]


def about_of(audit: Results) -> About:
    """What was audited.

    Raises:
        TraceError: `audit.about` is not that of a trace.
    """
    from pydantic import ValidationError

    try:
        return About.model_validate(dict(audit.about))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("about", *first["loc"])))
        raise TraceError(
            f"results.json: {where}: {first['msg']}; run `auditkit run` again"
        ) from error


def badge_counts(audit: Results) -> list[tuple[Badge, int]]:
    """How many probes have which badge; badges that none has are left out."""
    counts = Counter[Badge](f.status for f in audit.findings)
    counts["broke"] += len(audit.failures)
    return [(badge, counts[badge]) for badge in BADGES if counts[badge]]


def place_in_words(name: str, at: Mapping[str, str]) -> str:
    """An address inside of its probe as people say it; an arm is known by its name.

    >>> place_in_words("f1", {"arm": "pruned", "class": "World"})
    'F1, pruned, class World'
    """
    words = " ".join(_SPELLED.get(word, word) for word in name.split("_"))
    places = (value if key == "arm" else f"{key} {value}" for key, value in at.items())
    return ", ".join((words[:1].upper() + words[1:], *places))
