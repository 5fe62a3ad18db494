"""Conclusions: each on measurements of its finding, told on page and summary."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from auditkit.errors import ProbeError
from auditkit.finding import COST, KEPT, LOST, RESTS, TOPICS, Conclusion, Finding, Measurement
from auditkit.plugin import place
from auditkit.probes.performance import Performance
from auditkit.probes.stopword import Stopword
from auditkit.report.page import render_html
from auditkit.report.rendering import load_results
from auditkit.report.summary import render_markdown
from auditkit.testing import synthetic_trace

Runs = Callable[..., Path]
NUMBER = Measurement(name="x", value=1.0, unit="share", n=1, n_clusters=1, no_interval="one",
                     at={"arm": "pruned"})  # fmt: skip


def finding(*conclusions: Conclusion, value: float | None = 1.0) -> Finding:
    number = NUMBER if value is not None else replace(
        NUMBER, value=None, no_interval=None, undefined="none"
    )  # fmt: skip
    return Finding(
        probe="p", version="1", question="?", claim="c.", status="reported",
        measurements=(number,), conclusions=conclusions,
    )  # fmt: skip


def test_a_conclusion_rests_on_a_number_that_is_there() -> None:
    told = Conclusion(KEPT, "It is 1 so.", (place("x", arm="pruned"),))
    assert finding(told).conclusions == (told,)
    with pytest.raises(ProbeError, match=r"concludes from y\[arm=pruned\], which has no value"):
        finding(Conclusion(KEPT, "It is 1 so.", (place("y", arm="pruned"),)))
    with pytest.raises(ProbeError, match="which has no value here"):
        finding(told, value=None)


@pytest.mark.parametrize(
    ("topic", "sentence", "on"),
    [
        ("elsewhere", "It is 1 so.", ("x",)),
        (KEPT, " ", ("x",)),
        (KEPT, "It is so.", ("x",)),
        (KEPT, "1 is\nso.", ("x",)),
        (KEPT, "It is 1 so.", ()),
    ],
)
def test_what_is_no_conclusion(topic: str, sentence: str, on: tuple[str, ...]) -> None:
    with pytest.raises(ProbeError, match="a conclusion on"):
        Conclusion(topic, sentence, on)


def test_the_topic_follows_the_direction() -> None:
    for weight, topics in ((5.0, [KEPT]), (0.2, [LOST]), (1.0, [])):
        trace = synthetic_trace(np.random.default_rng(1), documents=200, weights={"DET": weight})
        found = Stopword().analyse(trace, np.random.default_rng(0))
        assert [one.topic for one in found.conclusions] == topics
        for one in found.conclusions:
            share = found.measurement("concordance", arm="pruned", category="stop words")
            assert share.value is not None
            assert f"{100 * share.value:.1f} %" in one.sentence


def test_without_a_baseline_nothing_is_concluded_on_its_cost() -> None:
    for baseline in (True, False):
        trace = synthetic_trace(np.random.default_rng(1), documents=60, baseline=baseline)
        found = Performance().analyse(trace, np.random.default_rng(0))
        assert [one.topic for one in found.conclusions] == [COST] * baseline


def test_page_and_summary_tell_them_topic_by_topic(tiny_runs: Runs) -> None:
    audit = load_results(tiny_runs("bert"))
    told = [one for f in audit.findings for one in f.conclusions]
    assert {one.topic for one in told} >= {COST, RESTS}
    page = render_html(audit)
    section = page[page.index("Conclusions, with what they rest on") :]
    section = section[: section.index("</details>")]
    assert re.findall("<h3>(.*?)</h3>", section) == list(TOPICS)
    assert section.count("<li>") == len(told)
    for anchor in re.findall(r'href="#([^"]+)"', section):
        assert f'id="{anchor}"' in page
    assert render_markdown(audit).count("\n- What ") == len(told)


def test_a_topic_without_a_conclusion_says_so(tiny_runs: Runs) -> None:
    audit = load_results(tiny_runs("bert"))
    bare = replace(audit, findings=tuple(replace(f, conclusions=()) for f in audit.findings))
    page = render_html(bare)
    assert page.count("No probe of this run concludes anything on this.") == 3
    assert page.count("kept rates alone do not tell") == 1
