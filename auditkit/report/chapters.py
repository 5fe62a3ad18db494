"""The probes of a page by chapter, and what several of them warn of, once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from auditkit.finding import Results
from auditkit.report.sections import SectionView

FURTHER = "Further probes"
"""Of those that name no chapter."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """Probes that belong together."""

    id: str
    title: str
    sections: tuple[SectionView, ...]


def chapters(sections: Sequence[SectionView]) -> list[Chapter]:
    """Probes that answered, by chapter, in the order in which chapters come; others last.

    What was not applicable stands among what was not checked.
    """
    answered = [s for s in sections if s.finding.status != "not_applicable"]
    titles = sorted(dict.fromkeys(s.finding.chapter for s in answered), key=lambda t: t == "")
    return [
        Chapter(
            f"chapter-{number}",
            title or FURTHER,
            tuple(section for section in answered if section.finding.chapter == title),
        )
        for number, title in enumerate(titles, start=1)
    ]


def shared_caveats(audit: Results) -> list[str]:
    """Caveats that more than one finding gives, in the order in which they first come."""
    counts = Counter(c for finding in audit.findings for c in dict.fromkeys(finding.caveats))
    return [caveat for caveat, number in counts.items() if number > 1]
