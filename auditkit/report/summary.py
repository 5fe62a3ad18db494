"""Audit → a markdown summary for a terminal, a pull request or the page of a job."""

import re
from typing import Any

from auditkit.bench.speed import Speed
from auditkit.finding import TOPICS, Announcement, Conclusion, Results
from auditkit.report.front import front
from auditkit.report.gates import gate_view
from auditkit.report.overview import about_of, badge_counts, key_figures
from auditkit.report.redaction import NOTE, redact
from auditkit.report.templating import environment
from auditkit.text import one_line

SUMMARY_LIMIT = 60_000
"""Characters: a comment on a pull request may have 65,536, and jobs write a little of their own."""


def render_markdown(
    audit: Results,
    speed: Speed | None = None,
    announced: Announcement | None = None,
    *,
    redacted: bool = False,
) -> str:
    """The summary for a terminal, a pull request or a job's page, under `SUMMARY_LIMIT` characters.

    Args:
        audit: What was found.
        speed: Measured times, for a line of their own; None: they were not measured.
        announced: The limits of the run as they were written down; None: they were not.
        redacted: Whether to print what can be shown to others alone: `redact`.

    Raises:
        TraceError: `audit.about` is not that of a trace.
    """
    return _rendered("summary.md.j2", audit, speed, announced, redacted=redacted)


def render_section(
    audit: Results,
    announced: Announcement | None = None,
    *,
    written: str = "",
    redacted: bool = False,
) -> str:
    """Decision, gates and what the probes say, as a section of a model card; as `render_markdown`.

    Args:
        audit: What was found.
        announced: The limits of the run as they were written down; None: they were not.
        written: When the run was written, for people; "": not known.
        redacted: Whether to print what can be shown to others alone: `redact`.
    """
    return _rendered("card.md.j2", audit, None, announced, redacted=redacted, written=written)


def _rendered(
    template: str,
    audit: Results,
    speed: Speed | None,
    announced: Announcement | None,
    *,
    redacted: bool,
    written: str = "",
) -> str:
    audit = redact(audit) if redacted else audit
    about = about_of(audit)
    numbers = [number for number in key_figures(audit) if number.measurement.value is not None]
    first = front(audit, about, speed)
    text = ""
    for longest, most in ((600, 60), (300, 40), (120, 20), (40, 10)):
        text = environment(_markdown, autoescape=False).get_template(template).render(
            about=about, front=first, findings=audit.findings[:most],
            failures=audit.failures[:most], counts=badge_counts(audit), announced=announced,
            gates=[gate_view(gate) for gate in audit.gates[:most]], speed=speed,
            numbers=numbers[:most], longest=longest, conclusions=_conclusions(audit)[:most],
            more_probes=max(0, len(audit.findings) - most) + max(0, len(audit.failures) - most),
            more_numbers=max(0, len(numbers) - most), redacted=NOTE if redacted else "",
            written=written,
        )  # fmt: skip
        if len(text) < SUMMARY_LIMIT:
            break
    return text


def _conclusions(audit: Results) -> list[tuple[str, Conclusion]]:
    """Probe and conclusion, topic by topic."""
    told = [(finding.probe, one) for finding in audit.findings for one in finding.conclusions]
    return sorted(told, key=lambda pair: TOPICS.index(pair[1].topic))


def _markdown(value: Any) -> Any:
    """Every expression of the summary passes here: one line, without any markup of its own."""
    if not isinstance(value, str):
        return value
    text = one_line(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~#])", r"\\\1", text)
    return text.replace("@", "@\u2060").replace("://", ":\u2060//")  # no mention, no link
