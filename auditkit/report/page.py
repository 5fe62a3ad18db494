"""Audit → one HTML file that opens from a mail attachment.

The page fetches nothing, runs no script but its own, which it can do without, and says so to the
browser in a content security policy.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditkit.bench.speed import Speed
from auditkit.finding import (
    TOPICS,
    UNSAID,
    Announcement,
    Conclusion,
    Example,
    Results,
)
from auditkit.report.chapters import chapters, shared_caveats
from auditkit.report.clauses import clause_rows
from auditkit.report.front import front
from auditkit.report.gates import gate_view
from auditkit.report.interactive import vega
from auditkit.report.key_pictures import key_pictures
from auditkit.report.layers import document_view, document_views, documents_of, rules
from auditkit.report.overview import about_of, badge_counts
from auditkit.report.palette import style
from auditkit.report.redaction import NOTE, redact
from auditkit.report.sections import section_view
from auditkit.report.tables import LONGEST_CELL, table_view
from auditkit.report.templating import environment, plain, source
from auditkit.report.terms import Linker, glossary
from auditkit.report.terms import anchor as anchor_of
from auditkit.report.timing import rounds, times
from auditkit.text import cut

MOST_REFUSED = 50


def render_html(
    audit: Results,
    speed: Speed | None = None,
    announced: Announcement | None = None,
    *,
    written: str = "",
    interactive: bool = False,
    redacted: bool = False,
) -> str:
    """The whole report as one file: same arguments, same bytes.

    Args:
        audit: What was found.
        speed: Measured times, for a block of their own; None: they were not measured.
        announced: The limits of the run as they were written down; None: they were not.
        written: When the run was written, for people; "": not known.
        interactive: Whether pictures answer the pointer where scripts run; the page is then 1 MB
            larger.
        redacted: Whether to print what can be shown to others alone: `redact`.

    Raises:
        TraceError: `audit.about` is not that of a trace.
        ProbeError: A chart whose columns cannot be drawn.
    """
    audit = redact(audit) if redacted else audit
    about = about_of(audit)
    first = front(audit, about, speed)
    ids = _ids([f.probe for f in audit.findings] + [f.probe for f in audit.failures])
    sections = [
        section_view(finding, anchor, interactive=interactive)
        for finding, anchor in zip(audit.findings, ids, strict=False)
    ]
    shown = documents_of(audit.findings)
    documents = document_views(shown)
    terms = glossary(drops=about.depths_of is not None)
    failures = list(zip(ids[len(sections) :], audit.failures, strict=True))
    anchors = {f.probe: anchor for anchor, f in failures}
    anchors |= {section.finding.probe: section.id for section in sections}
    return page(
        "report.html.j2",
        rules=rules(documents),
        scripts=[source("layers.js"), *([vega()] if interactive else [])],
        documents=documents,
        shown_documents=len(shown),
        about=about,
        written=written,
        front=first,
        pictures=key_pictures(audit, first.margin, interactive=interactive),
        redacted=NOTE if redacted else "",
        counts=badge_counts(audit),
        gates=[gate_view(gate) for gate in audit.gates],
        announced=announced,
        chapters=chapters(sections),
        frameworks=clause_rows(audit),
        anchors=anchors,
        failures=failures,
        care=shared_caveats(audit),
        limits=[*([NOTE] if redacted else []), *about.limits],
        conclusions=_conclusions(audit, ids),
        unsaid=UNSAID,
        link=Linker(terms),
        glossary=[(anchor_of(term), term, told) for term, told in terms.items()],
        speed=speed,
        times=None if speed is None else table_view(times(speed), "times"),
        rounds=None if speed is None else rounds(speed, interactive=interactive),
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
    view = document_view(example)
    return page("explain.html.j2", rules=rules([view]), title=title, facts=facts, view=view)


def render_audit(audit: Results, directory: str, speed: Speed | None = None) -> str:
    """The first screen and what the probes found for a notebook, without style or script."""
    return (
        environment(plain, autoescape=True)
        .get_template("notebook.html.j2")
        .render(
            front=front(audit, about_of(audit), speed),
            findings=audit.findings,
            failures=audit.failures,
            directory=directory,
        )
    )


def _conclusions(
    audit: Results, ids: Sequence[str]
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


def page(template: str, *, rules: str = "", scripts: Sequence[str] = (), **context: Any) -> str:
    """Render a page; its policy names style sheet and scripts by hash and forbids everything else.

    Args:
        template: Which.
        rules: What the style sheet says of this page alone.
        scripts: Each is run once the page is there.
        context: What the template prints.
    """
    css = style() + source("page.css") + source("layers.css") + rules
    return (
        environment(plain, autoescape=True)
        .get_template(template)
        .render(
            css=css,
            digest=_digest(css),
            scripts=scripts,
            script_digests=[_digest(script) for script in scripts],
            **context,
        )
    )


def _digest(text: str) -> str:
    """As a content security policy names a style sheet or a script."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
