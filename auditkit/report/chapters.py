"""The probes of a page by chapter, and what several of them warn of, once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from auditkit.finding import Audit
from auditkit.report.sections import SectionView

FURTHER = "Further probes"
"""Of those that name no chapter."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """Probes that belong together."""

    id: str
    title: str
    sections: tuple[SectionView, ...]
    """Those that answered."""
    idle: tuple[SectionView, ...]
    """Those that had nothing to look at."""


def chapters(sections: Sequence[SectionView]) -> list[Chapter]:
    """Probes by chapter, in the order in which chapters first come; those without one last."""
    titles = list(dict.fromkeys(section.finding.chapter for section in sections))
    found = []
    for number, title in enumerate(sorted(titles, key=lambda title: title == ""), start=1):
        mine = [section for section in sections if section.finding.chapter == title]
        idle = tuple(s for s in mine if s.finding.status == "not_applicable")
        answered = tuple(s for s in mine if s.finding.status != "not_applicable")
        found.append(Chapter(f"chapter-{number}", title or FURTHER, answered, idle))
    return found


def shared_caveats(audit: Audit) -> list[str]:
    """Caveats that more than one finding gives, in the order in which they first come."""
    counts = Counter(c for finding in audit.findings for c in dict.fromkeys(finding.caveats))
    return [caveat for caveat, number in counts.items() if number > 1]
