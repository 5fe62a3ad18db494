import re
from dataclasses import replace

import report_case

from auditkit.finding import Failure, Results
from auditkit.report.overview import BADGES
from auditkit.report.summary import SUMMARY_LIMIT, render_markdown


def test_markdown_has_one_line_a_probe_and_the_key_numbers() -> None:
    audit = report_case.audit()
    lines = render_markdown(audit).splitlines()
    for finding in audit.findings[:4]:
        name = finding.probe.replace("_", r"\_")
        word = BADGES[finding.status]
        assert [line for line in lines if line.startswith(f"| {name} | {word} | ")]
    assert "| broken | broke | ValueError: &lt;/script&gt;" in "\n".join(lines)
    assert (
        r"| performance.accuracy\[arm=pruned\] | 91.3 % | \[90.7, 91.9\] | 7,600 | 7,600 |" in lines
    )


def test_markdown_lets_no_markup_through() -> None:
    text = render_markdown(report_case.audit())
    assert "<" not in text
    assert not re.search("[\x00-\x08\ud800-\udfff\u202a-\u202e]", text)
    assert "@name" not in text
    assert "http://" not in text
    for line in text.splitlines():
        if line.startswith("|"):
            bars = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))
            assert bars in (4, 5, 6), line


def test_markdown_stays_under_the_limit_of_a_comment() -> None:
    wild = "&|<" * 4000
    findings = tuple(
        replace(f, claim=wild, probe=f"{wild}{i}")
        for i, f in enumerate(report_case.plain_findings() * 40)
    )
    failures = (Failure(probe=wild, distribution=wild, error=wild),) * 100
    text = render_markdown(Results(about=report_case.about(), findings=findings, failures=failures))
    assert len(text) < SUMMARY_LIMIT
    assert "more probes are in report.html" in text
