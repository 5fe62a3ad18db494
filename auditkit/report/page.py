"""Audit → one HTML file that opens from a mail attachment.

The page fetches nothing, runs no script, and says so to the browser in a content security policy.
"""

import base64
import hashlib
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditkit.bench.speed import Speed
from auditkit.finding import (
    TOPICS,
    UNSAID,
    Announcement,
    Audit,
    Conclusion,
    Example,
    Interval,
    Table,
)
from auditkit.plugin.rows import columns
from auditkit.report.examples import example_view
from auditkit.report.overview import about_of, badge_counts, key_figures
from auditkit.report.palette import style
from auditkit.report.redaction import NOTE, redact
from auditkit.report.sections import EXAMPLE_BUDGET, SectionView, section_view
from auditkit.report.tables import LONGEST_CELL, table_view
from auditkit.report.templating import LONGEST_TEXT, environment, plain, source
from auditkit.text import cut

MOST_REFUSED = 50
MOST_FIGURES = 24


def render_html(
    audit: Audit,
    speed: Speed | None = None,
    announced: Announcement | None = None,
    *,
    redacted: bool = False,
) -> str:
    """The whole report as one file: same arguments, same bytes.

    Args:
        audit: What was found.
        speed: Measured times, for a block of their own; None: they were not measured.
        announced: The limits of the run as they were written down; None: they were not.
        redacted: Whether to print what can be shown to others alone: `redact`.

    Raises:
        TraceError: `audit.about` is not that of a trace.
        ProbeError: A chart whose columns cannot be drawn.
    """
    audit = redact(audit) if redacted else audit
    about = about_of(audit)
    figures = key_figures(audit)
    ids = _ids([f.probe for f in audit.findings] + [f.probe for f in audit.failures])
    sections: list[SectionView] = []
    for finding, anchor in zip(audit.findings, ids, strict=False):
        spent = sum(section.spent for section in sections)
        sections.append(section_view(finding, anchor, EXAMPLE_BUDGET - spent))
    return page(
        "report.html.j2",
        about=about,
        limits=[*([NOTE] if redacted else []), *about.limits],
        redacted=NOTE if redacted else "",
        counts=badge_counts(audit),
        gates=audit.gates,
        announced=announced,
        sections=sections,
        failures=list(zip(ids[len(sections) :], audit.failures, strict=True)),
        conclusions=_conclusions(audit, ids),
        unsaid=UNSAID,
        figures=figures[:MOST_FIGURES],
        more_figures=max(0, len(figures) - MOST_FIGURES),
        levels=sorted({figure.measurement.level for figure in figures}),
        speed=speed,
        times=None if speed is None else table_view(_times(speed), "times"),
        refused=about.dataset.refused[:MOST_REFUSED],
        settings=list(_flat(about.settings)),
        training=list(
            _flat({k: v for k, v in (about.training or {}).items() if k != "thresholds"})
        ),
    )


def render_explanation(
    example: Example, *, title: str, facts: Sequence[tuple[str, str]] = ()
) -> str:
    """One document layer by layer as a page of its own.

    Args:
        example: The document and what was kept of it.
        title: The page's heading.
        facts: Label and value pairs printed above: the models, counted MACs, …
    """
    return page(
        "explain.html.j2", title=title, facts=facts, view=example_view(example, LONGEST_TEXT)
    )


def render_outcome(audit: Audit, directory: str) -> str:
    """What the probes found as a table for a notebook, without style or script."""
    return (
        environment(plain, autoescape=True)
        .get_template("outcome.html.j2")
        .render(findings=audit.findings, failures=audit.failures, directory=directory)
    )


def _conclusions(
    audit: Audit, ids: Sequence[str]
) -> list[tuple[str, list[tuple[str, str, Conclusion]]]]:
    """By topic: the anchor of the probe's section, the probe, and what it concludes."""
    told = [
        (anchor, finding.probe, one)
        for finding, anchor in zip(audit.findings, ids, strict=False)
        for one in finding.conclusions
    ]
    return [(topic, [one for one in told if one[2].topic == topic]) for topic in TOPICS]


def _ids(names: Sequence[str]) -> list[str]:
    """Anchors of sections: the probe's name where it can be one, always distinct."""
    seen: Counter[str] = Counter()
    ids = []
    for name in names:
        slug = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:60] or "probe"
        seen[slug] += 1
        ids.append(f"probe-{slug}" if seen[slug] == 1 else f"probe-{slug}.{seen[slug]}")
    return ids


def _times(speed: Speed) -> Table:
    """What was measured, by arm."""
    rows = []
    for arm, seconds in speed.seconds.items():
        median = statistics.median(seconds)
        spread = Interval(min(seconds), max(seconds))
        rows.append((arm, median, spread, speed.documents / median, speed.tokens / median))
    return Table(
        name="times",
        title="Measured time by arm: medians over the rounds",
        columns=columns(
            ("arm", "Arm", "label"),
            ("seconds", "Seconds", "number", "For all documents of the sample, from token ids to "
             "probabilities, tokenizing not included."),
            ("spread", "Fastest to slowest round", "interval"),
            ("documents", "Documents per second", "number"),
            ("tokens", "Tokens per second", "number", "Tokens that enter the model, special ones "
             "included, whether or not they are pruned later."),
        ),
        rows=tuple(rows),
    )  # fmt: skip


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as `section.key` and value; a list of plain values stays on one line."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(v, Mapping | list) for v in value):
        for index, item in enumerate(value, start=1):
            yield from _flat(item, f"{path}[{index}]")
    elif isinstance(value, list | tuple):
        yield path, ", ".join(_setting(v) for v in value) or "none"
    else:
        yield path, _setting(value)


def _setting(value: Any) -> str:
    words = {None: "not set", True: "yes", False: "no"}
    if value is None or isinstance(value, bool):
        return words[value]
    return cut(str(value), LONGEST_CELL)


def page(template: str, **context: Any) -> str:
    """Render a page; its policy names the one style sheet by hash and forbids everything else."""
    css = style() + source("page.css")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    templates = environment(plain, autoescape=True)
    return templates.get_template(template).render(css=css, digest=digest, **context)
