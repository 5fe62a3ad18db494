"""Audit → one HTML file that opens from a mail attachment, and a markdown summary.

The sole home of jinja2. The page fetches nothing, runs no script, and says so to the browser in a
content security policy. All text is escaped by the template engine; what no document may hold
(controls, lone surrogates) is replaced on the way out, in one place (`_plain`).
"""

import base64
import hashlib
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.bench.speed import Speed, read_speed
from auditkit.errors import TraceError
from auditkit.files import write_whole
from auditkit.finding.values import Audit, Example, Interval, Measurement, Status, Table, loads
from auditkit.plugin.figures import columns, figure
from auditkit.report.views import (
    EXAMPLE_BUDGET,
    LONGEST_CELL,
    SectionView,
    example_view,
    printed,
    section_view,
    table_view,
)
from auditkit.text import cut, one_line, printable
from auditkit.trace.tables import About

if TYPE_CHECKING:
    from jinja2 import Environment

STATUS_WORDS: Mapping[Status, str] = {
    "pass": "pass",
    "fail": "fail",
    "warn": "warning",
    "inconclusive": "inconclusive",
    "reported": "reported",
    "error": "broke",
    "skipped": "not run",
    "not_applicable": "not applicable",
}
MOST_REFUSED = 50
LONGEST_TEXT = 5000
"""Characters of one piece of text on the page."""
SUMMARY_LIMIT = 65_536
"""Characters that a comment on a pull request may have."""


def render_html(audit: Audit, speed: Speed | None = None) -> str:
    """The whole report as one file: same arguments, same bytes.

    Args:
        audit: What was found.
        speed: Measured times, for a block of their own; None: they were not measured.

    Raises:
        TraceError: `audit.about` is not that of a trace.
        ProbeError: A chart whose columns cannot be drawn.
    """
    about = _about(audit)
    ids = _ids([f.probe for f in audit.findings] + [f.probe for f in audit.failures])
    sections: list[SectionView] = []
    for finding, anchor in zip(audit.findings, ids, strict=False):
        spent = sum(section.spent for section in sections)
        sections.append(section_view(finding, anchor, EXAMPLE_BUDGET - spent))
    return _page(
        "report.html.j2",
        about=about,
        counts=_counts(audit),
        sections=sections,
        failures=list(zip(ids[len(sections) :], audit.failures, strict=True)),
        figures=key_measurements(audit),
        keep=_keep_rates(audit),
        speed=speed,
        times=None if speed is None else table_view(_times(speed), "times"),
        refused=about.dataset.refused[:MOST_REFUSED],
        settings=list(_flat(about.settings)),
        training=list(_flat(about.training or {})),
    )


def render_markdown(audit: Audit, speed: Speed | None = None) -> str:
    """The summary for a terminal, a pull request or a job's page, under `SUMMARY_LIMIT` characters.

    Args:
        audit: What was found.
        speed: Measured times, for a line of their own; None: they were not measured.

    Raises:
        TraceError: `audit.about` is not that of a trace.
    """
    about = _about(audit)
    others = [
        (f.probe, m) for f in audit.findings if f.probe != "performance"
        for m in f.measurements if not m.slice
    ]  # fmt: skip
    numbers = [("performance", m) for m in key_measurements(audit)] + others
    text = ""
    for longest, most in ((600, 60), (300, 40), (120, 20), (40, 10)):
        text = _environment(_markdown, autoescape=False).get_template("summary.md.j2").render(
            about=about, findings=audit.findings[:most], failures=audit.failures[:most],
            counts=_counts(audit), speed=speed, numbers=numbers[:most], longest=longest,
            more_probes=max(0, len(audit.findings) - most) + max(0, len(audit.failures) - most),
            more_numbers=max(0, len(numbers) - most),
        )  # fmt: skip
        if len(text) < SUMMARY_LIMIT:
            break
    return text


def render_explanation(
    example: Example, *, title: str, facts: Sequence[tuple[str, str]] = ()
) -> str:
    """One document layer by layer as a page of its own.

    Args:
        example: The document and what was kept of it.
        title: The page's heading.
        facts: Label and value pairs printed above: the models, counted MACs, …
    """
    return _page(
        "explain.html.j2", title=title, facts=facts, view=example_view(example, LONGEST_TEXT)
    )


def load(directory: str | Path) -> Audit:
    """The audit in a run directory.

    Raises:
        TraceError: No `results.json` there, or it is no audit.
    """
    path = Path(directory) / "results.json"
    if not path.is_file():
        raise TraceError(
            f"{directory}: no results.json; give a directory that `auditkit run` wrote"
        )
    try:
        return loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise TraceError(f"{path} is not UTF-8; run `auditkit run` again") from error


def rerender(directory: Path) -> tuple[Path, ...]:
    """Write `report.html` and `summary.md` anew from a run's `results.json` and `timings.json`.

    Raises:
        TraceError: There is none, or it is no audit.
    """
    audit, speed = load(directory), read_speed(directory)
    pages = {
        "report.html": render_html(audit, speed),
        "summary.md": render_markdown(audit, speed),
    }
    for name, text in pages.items():
        write_whole(directory / name, text)
    return tuple(directory / name for name in pages)


def key_measurements(audit: Audit) -> list[Measurement]:
    """What the page prints first: accuracy of every arm and the MAC ratio, where there are any."""
    found = [m for f in audit.findings if f.probe == "performance" for m in f.measurements]
    return [m for m in found if m.name in ("accuracy", "macs_ratio") and not m.slice]


def _about(audit: Audit) -> About:
    from pydantic import ValidationError

    try:
        return About.model_validate(dict(audit.about))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("about", *first["loc"])))
        raise TraceError(
            f"results.json: {where}: {first['msg']}; run `auditkit run` again"
        ) from error


def _counts(audit: Audit) -> list[tuple[Status, int]]:
    counts = Counter[Status](f.status for f in audit.findings)
    counts["error"] += len(audit.failures)
    return [(status, counts[status]) for status in STATUS_WORDS if counts[status]]


def _ids(names: Sequence[str]) -> list[str]:
    """Anchors of sections: the probe's name where it can be one, always distinct."""
    seen: Counter[str] = Counter()
    ids = []
    for name in names:
        slug = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:60] or "probe"
        seen[slug] += 1
        ids.append(f"probe-{slug}" if seen[slug] == 1 else f"probe-{slug}.{seen[slug]}")
    return ids


def _keep_rates(audit: Audit) -> list[tuple[str, str]]:
    """Layer and keep rate, from the table of `performance` that has both columns, if any."""
    tables = [t for f in audit.findings if f.probe == "performance" for t in f.tables]
    for table in tables:
        names = [column.name for column in table.columns]
        if {"layer", "keep_rate"} <= set(names):
            layer, rate = names.index("layer"), names.index("keep_rate")
            return [(row[layer].text, row[rate].text) for row in table_view(table, "").rows]
    return []


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


def _page(template: str, **context: Any) -> str:
    """Render a page; its policy names the one style sheet by hash and forbids everything else."""
    css = _source("page.css")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    environment = _environment(_plain, autoescape=True)
    return environment.get_template(template).render(css=css, digest=digest, **context)


@cache
def _environment(finalize: Callable[[Any], Any], *, autoescape: bool) -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=autoescape,
        undefined=StrictUndefined,
        finalize=finalize,
        loader=FunctionLoader(_source),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cut": cut, "figure": lambda v: figure(v, 0), "printed": printed}
    environment.globals |= {"status_words": STATUS_WORDS}
    return environment


def _source(name: str) -> str:
    return (files("auditkit.templates") / name).read_text(encoding="utf-8")


def _plain(value: Any) -> Any:
    """Every expression of a page passes here before it is escaped."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return cut(printable(value), LONGEST_TEXT)
    return value


def _markdown(value: Any) -> Any:
    """Every expression of the summary passes here: one line, without any markup of its own."""
    if not isinstance(value, str):
        return value
    text = one_line(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~#])", r"\\\1", text)
    return text.replace("@", "@\u2060").replace("://", ":\u2060//")  # no mention, no link
