"""Conclusions in words: sentences under a topic, each on measurements of its finding."""

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from auditkit.errors import ProbeError
from auditkit.finding.numbers import STRICT
from auditkit.text import one_of

Concern = Literal["serious", "notable"]

COST, KEPT, LOST, RESTS = TOPICS = (
    "What it costs and saves", "What is kept", "What is lost", "What predictions rest on",
)  # fmt: skip
"""Of a report's conclusions, in order."""
UNSAID = {
    RESTS: "This run took no words away, and kept rates alone do not tell: nothing is said of "
    "superficial cues on either side.",
}
"""Of a topic that no probe concludes anything on."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A sentence that a report ends with.

    Raises:
        ProbeError: A topic that is none of `TOPICS`, what is not one line with a number in it, or
            no measurement.
    """

    __pydantic_config__: ClassVar[object] = STRICT

    topic: str
    """One of `TOPICS`."""
    sentence: str
    """Made from the numbers, as a claim is."""
    measurements: tuple[str, ...]
    """What it rests on: `Measurement.where` of numbers of the same finding that have a value."""
    concern: Concern | None = None
    """Whether a reviewer has to look at it: `serious` where people or answers are harmed, `notable`
    where something is lost that may matter. The first screen shows the worst five."""

    def __post_init__(self) -> None:
        if self.topic not in TOPICS:
            raise ProbeError(f"a conclusion on {self.topic!r:.80}; {one_of(TOPICS, self.topic)}")
        if not re.search(r"\d", self.sentence) or len(self.sentence.splitlines()) != 1:
            raise ProbeError(
                f"a conclusion on {self.topic!r} is no sentence of one line with a number in it: "
                f"{self.sentence!r:.80}"
            )
        if not self.measurements:
            raise ProbeError(f"a conclusion on {self.topic!r} has no measurement behind it")
