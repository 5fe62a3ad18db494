"""What a finding puts on the first screen of a report: decision, cards, rows of key pictures."""

from dataclasses import dataclass
from typing import ClassVar

from auditkit.errors import ProbeError
from auditkit.finding.numbers import STRICT, as_floats
from auditkit.text import one_of

ACCURACY, CHANGED, SAVED = CARDS = ("Accuracy", "Answers that changed", "What it saves")
"""The cards that findings fill, in order; the fourth, what was not checked, is the report's own."""

DIFFERENCE, OUTLIVES = PICTURES = ("difference", "outlives")
"""The key pictures. `difference`: accuracy against the baseline in points, of all documents, of
classes and of groups. `outlives`: how large a share of the other words of its document a word of a
kind outlives, one half by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision that a report opens with. Its status is that of the finding.

    Raises:
        ProbeError: A sentence that is empty or of several lines, or no measurement.
    """

    __pydantic_config__: ClassVar[object] = STRICT

    sentence: str
    """Begins with the decision: `Not enough evidence to accept: …`."""
    detail: str
    """The interval in words, what it speaks about, and what would decide."""
    measurements: tuple[str, ...]
    """What it rests on: `Measurement.where` of numbers of the same finding that have a value."""
    margin: float | None = None
    """The loss that is accepted, in points: beyond it lies the forbidden zone."""

    def __post_init__(self) -> None:
        as_floats(self, "margin")
        _told("a verdict", self.sentence, self.measurements)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One of the large figures under the decision.

    Raises:
        ProbeError: A title that is none of `CARDS`, a value that is empty or of several lines, or
            no measurement.
    """

    __pydantic_config__: ClassVar[object] = STRICT

    title: str
    """One of `CARDS`."""
    value: str
    """A few characters: `94.5 → 95.5 %`."""
    note: str
    """What it means, and its interval."""
    measurements: tuple[str, ...]
    """As those of a verdict."""

    def __post_init__(self) -> None:
        if self.title not in CARDS:
            raise ProbeError(f"a card {self.title!r:.80}; {one_of(CARDS, self.title)}")
        _told("a card", self.value, self.measurements)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A row of a key picture: a measurement under a name that people know.

    Raises:
        ProbeError: A picture that is none of `PICTURES`.
    """

    __pydantic_config__: ClassVar[object] = STRICT

    picture: str
    """One of `PICTURES`."""
    label: str
    """`nouns (NOUN)`, `World`, `region: asia`."""
    measurement: str
    """`Measurement.where` of a number of the same finding that has a value."""
    whole: bool = False
    """Whether it is of all documents, and stands first."""

    def __post_init__(self) -> None:
        if self.picture not in PICTURES:
            raise ProbeError(f"a mark of {self.picture!r:.80}; {one_of(PICTURES, self.picture)}")


def _told(what: str, text: str, measurements: tuple[str, ...]) -> None:
    if len(text.splitlines()) != 1:
        raise ProbeError(f"{what} of no or several lines: {text!r:.80}")
    if not measurements:
        raise ProbeError(f"{what} has no measurement behind it: {text!r:.80}")
