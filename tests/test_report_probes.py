from collections import Counter

import numpy as np
from html_page import Page

from auditkit.finding import Results
from auditkit.plugin import discover
from auditkit.report.page import render_html
from auditkit.testing import synthetic_trace


def test_what_the_built_in_probes_find_becomes_a_sound_page() -> None:
    trace = synthetic_trace(np.random.default_rng(1), draws=3, rationales=0.7)
    plugins = [p for p in discover().values() if p.distribution == "auditkit"]
    findings = tuple(p.load().analyse(trace, np.random.default_rng(0)) for p in plugins)
    about = trace.about.model_dump(mode="json")
    page = Page(render_html(Results(about=about, findings=findings, failures=())))
    assert page.open == []
    assert [i for i, n in Counter(page.ids).items() if n > 1] == []
    text = " ".join(page.text.split())
    for finding in findings:
        assert " ".join(finding.claim.split()) in text
    key = len({mark.picture for f in findings for mark in f.marks})
    assert key == 2
    assert page.tags["figure"] == key + sum(len(f.charts) for f in findings)
