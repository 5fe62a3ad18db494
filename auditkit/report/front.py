"""The first screen, which page, summary and terminal share: decision, cards, the worst findings.

What findings say of themselves comes from the probes; what was not checked is the report's to say.
"""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.bench.speed import Speed
from auditkit.finding import CARDS, SAVED, Conclusion, Finding, Results
from auditkit.report.gates import counted, decided
from auditkit.report.overview import BADGES, Badge
from auditkit.report.unchecked import Unchecked, unchecked
from auditkit.trace import About

MOST_CONCERNS = 5


@dataclass(frozen=True, slots=True)
class CardView:
    """A large figure."""

    title: str
    value: str
    note: str
    probe: str = ""
    """Whose it is; "" where no probe tells."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One of the worst findings."""

    probe: str
    told: Conclusion


@dataclass(frozen=True, slots=True)
class Front:
    """What a reader decides from."""

    status: Badge
    sentence: str
    """Begins with the decision."""
    detail: str
    gates: str
    """Gates counted; "" where there are none."""
    cards: tuple[CardView, ...]
    unchecked: tuple[Unchecked, ...]
    concerns: tuple[Concern, ...]
    """The worst, at most `MOST_CONCERNS`."""
    more_concerns: int
    margin: float | None
    """The loss of accuracy that is accepted, in points."""

    @property
    def word(self) -> str:
        """The status in a word."""
        return "no decision" if self.status == "reported" else BADGES[self.status]


def front(audit: Results, about: About, speed: Speed | None) -> Front:
    """The first screen of an audit.

    Args:
        audit: What was found.
        about: What was audited.
        speed: Measured times; None: they were not measured.
    """
    judge = next((f for f in audit.findings if f.verdict), None)
    status, sentence, details = _decision(audit, about, judge)
    if audit.failures:
        broke = len(audit.failures)
        details.append(f"{broke} {'probe' if broke == 1 else 'probes'} broke and did not answer.")
    concerns = _concerns(audit)
    return Front(
        status=status,
        sentence=sentence,
        detail=" ".join(details),
        gates=counted(audit.gates),
        cards=tuple(_cards(audit, about, speed)),
        unchecked=tuple(unchecked(audit, about)),
        concerns=tuple(concerns[:MOST_CONCERNS]),
        more_concerns=max(0, len(concerns) - MOST_CONCERNS),
        margin=judge.verdict.margin if judge and judge.verdict else None,
    )


def _decision(audit: Results, about: About, judge: Finding | None) -> tuple[Badge, str, list[str]]:
    """Status, sentence, and what follows it. Where there are gates, they decide."""
    verdict = judge.verdict if judge else None
    if audit.gates:
        status, sentence = decided(audit.gates)
        if judge is None or verdict is None:
            return status, sentence, []
        alike = judge.status == status  # then the verdict's own sentence says it again
        return status, sentence, [verdict.detail] if alike else [verdict.sentence, verdict.detail]
    if judge is None or verdict is None:
        return "reported", f"No decision: {_without(audit, about)}.", []
    return judge.status, verdict.sentence, [verdict.detail]


def _without(audit: Results, about: About) -> str:
    """Why nothing decides."""
    if not about.dataset.labelled:
        return "the data have no labels, so nothing is said of right and wrong answers"
    if about.baseline is None:
        return f"there is no baseline to compare with ({about.no_baseline or 'none was run'})"
    return "no probe that decides was run" if audit.findings else "no probe was run"


def _cards(audit: Results, about: About, speed: Speed | None) -> Iterator[CardView]:
    given = [(card, finding.probe) for finding in audit.findings for card in finding.cards]
    for title in CARDS:
        card, probe = next(((c, p) for c, p in given if c.title == title), (None, ""))
        why = "the data have no labels" if not about.dataset.labelled else "not measured here"
        value, note = (card.value, card.note) if card else ("—", f"{why}.")
        if title == SAVED:
            note = f"{note.rstrip('.')}. {_measured(speed)}" if card else _measured(speed)
        yield CardView(title, value, note, probe)


def _measured(speed: Speed | None) -> str:
    """Measured time, apart from what is counted."""
    if speed is None:
        return "Time: not measured."
    low, high = min(speed.ratios), max(speed.ratios)
    unsure = ": they disagree on which is faster" if low < 1 < high else ""
    median = statistics.median(speed.ratios)
    return f"Measured: {median:.2f}× the speed (rounds {low:.2f} to {high:.2f}{unsure})."


def _concerns(audit: Results) -> list[Concern]:
    """Serious ones first, then notable ones, each in the order of the findings."""
    told = [Concern(f.probe, one) for f in audit.findings for one in f.conclusions if one.concern]
    return sorted(told, key=lambda one: one.told.concern != "serious")
