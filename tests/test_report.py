import hashlib
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import report_case
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import TraceError
from auditkit.finding.values import (
    Audit,
    Column,
    Example,
    Failure,
    Interval,
    Measurement,
    Segment,
    Table,
    Undefined,
    dumps,
    loads,
)
from auditkit.plugin import figures
from auditkit.plugin.probe import discover
from auditkit.report import page as report
from auditkit.report import views
from auditkit.testing.traces import synthetic_trace

VOID = {"meta", "br", "link", "img", "input", "hr", "path", "circle", "use"}


class Page(HTMLParser):
    """Elements, ids, text, and the order of headings of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.headings: list[int] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def html() -> str:
    return report.render_html(report_case.audit())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def table_of(kind: Any, *cells: Any) -> list[str]:
    columns = (Column(name="v", title="V", kind=kind),)
    table = Table(name="t", title="T", columns=columns, rows=tuple((c,) for c in cells))
    return [row[0].text for row in views.table_view(table, "t").rows]


def test_the_page_is_well_formed_and_its_ids_are_unique(page: Page) -> None:
    assert page.open == []
    assert [i for i, n in Counter(page.ids).items() if n > 1] == []


def test_every_link_and_reference_leads_somewhere(page: Page) -> None:
    ids = set(page.ids)
    for tag, name, value in page.attributes:
        if name == "href":
            assert value[1:] in ids, f"<{tag} href={value}>"
            assert value[0] == "#"
        if name == "aria-labelledby":
            assert set(value.split()) <= ids


def test_headings_go_down_one_step_at_a_time(page: Page) -> None:
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))


def test_landmarks_captions_and_scopes_are_there(page: Page) -> None:
    assert page.tags["main"] == page.tags["header"] == page.tags["nav"] == page.tags["footer"] == 1
    assert page.tags["caption"] == page.tags["table"]
    assert (
        sum(1 for tag, name, _ in page.attributes if (tag, name) == ("th", "scope"))
        == (page.tags["th"])
    )
    assert ("html", "lang", "en") in page.attributes


def test_nothing_is_loaded_and_no_script_runs(html: str, page: Page) -> None:
    for tag in ("script", "img", "link", "iframe", "object", "embed", "image", "foreignobject"):
        assert page.tags[tag] == 0, tag
    assert page.tags["style"] == 1
    for _, name, _ in page.attributes:
        assert not name.startswith("on"), name
        assert name not in ("style", "src", "srcset", "xlink:href", "action"), name
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    assert not re.search(r"@import|url\(", style)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(v for t, n, v in page.attributes if n == "content" and v.startswith("default"))
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert html.index("Content-Security-Policy") < html.index("<title>")


def test_the_page_is_small_and_the_same_every_time(html: str) -> None:
    assert len(html.encode()) < 2_000_000
    assert report.render_html(report_case.audit()) == html


def test_the_page_is_the_same_after_results_json(html: str) -> None:
    once = loads(dumps(replace(report_case.audit(), findings=(report_case.performance(),))))
    again = loads(dumps(once))
    assert report.render_html(again) == report.render_html(once)


def test_every_probe_has_a_line_and_a_section_whatever_its_status(page: Page) -> None:
    audit = report_case.audit()
    for finding in audit.findings:
        assert page.text.count(finding.question) >= 2
        assert page.text.count(finding.claim[:40].split("\x00")[0].split("\ud83d")[0]) >= 2
    for failure in audit.failures:
        assert page.text.count(failure.error) >= 2
        assert "This probe broke and has no result" in page.text
    for word in report.STATUS_WORDS.values():
        assert word in page.text


def test_hostile_text_is_text(page: Page) -> None:
    assert report_case.HOSTILE[0] in page.text
    assert report_case.HOSTILE[4] in page.text
    assert report_case.HOSTILE[5] in page.text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]", page.text)
    assert "W" * (report.LONGEST_TEXT + 100) not in page.text


def test_the_header_says_what_was_audited(page: Page) -> None:
    text = " ".join(page.text.split())
    assert "7,663 in = 7,600 audited + 63 refused; 212 truncated" in text
    assert "One checkpoint pair supports claims about that pair" in text
    assert "spaCy pipeline auditkit_fallback 0.1.0 (shipped)" in text
    assert "upos 0.931, name_f 0.842" in text
    assert "python -m spacy download en_core_web_sm" in text
    assert "No noise floor" in text
    assert "seed 13, float32 on cpu" in text
    assert "3f3f3f3f3f3f " in text
    assert "3f" * 32 in text  # in full, in the details of the run


def test_refused_rows_are_listed_up_to_fifty_and_the_rest_counted(page: Page) -> None:
    assert page.text.count("the text is empty") == 50
    assert "And 13 more" in page.text


def test_a_missing_baseline_is_named_with_its_reason() -> None:
    about = report_case.about(baseline=None, no_baseline="none was given")
    text = Page(report.render_html(Audit(about=about, findings=(), failures=()))).text
    assert "none: none was given" in " ".join(text.split())
    assert "more training than the baseline" not in text
    assert "No probe was run" in text
    assert "pass" not in text.split("Summary")[-1].split("Data")[0].split()


def test_key_figures_come_from_performance_with_their_intervals(page: Page) -> None:
    text = " ".join(page.text.split())
    key = text[text.index("Key figures") :]
    assert "Accuracy, baseline 0.921 [0.915, 0.927]" in key
    assert "Accuracy, pruned 0.913 [0.907, 0.919]" in key
    assert "MAC ratio 1.92× [1.91, 1.94]" in key
    rates = [f"{0.82**layer:.3f}" for layer in range(1, report_case.LAYERS + 1)]
    assert "Kept" + "".join(rates) in key.replace(" ", "")


def test_a_key_figure_without_a_value_shows_why() -> None:
    measurement = Measurement(
        name="macs_ratio", value=None, unit="ratio", n=0, n_clusters=0, undefined="nothing counted"
    )
    finding = replace(report_case.performance(), measurements=(measurement,))
    audit = Audit(about=report_case.about(), findings=(finding,), failures=())
    assert "— nothing counted" in " ".join(Page(report.render_html(audit)).text.split())


def test_undefined_cells_are_dashes_with_a_footnote() -> None:
    columns = (Column(name="v", title="V", kind="share"),)
    rows = ((0.5,), (Undefined("too few"),), (Undefined("none"),), (Undefined("too few"),))
    view = views.table_view(Table(name="t", title="T", columns=columns, rows=rows), "t")
    assert [row[0].text for row in view.rows] == ["0.500", "—", "—", "—"]
    assert [row[0].note for row in view.rows] == [0, 1, 2, 1]
    assert view.notes == ("too few", "none")


@pytest.mark.parametrize(
    ("kind", "cells", "printed"),
    [
        ("count", (7600, 19), ["7,600", "19"]),
        ("count", (19.0, 2.0), ["19", "2"]),
        ("share", (1.0, 0.25), ["1.000", "0.250"]),
        ("share", (0.0123, 0.0004), ["0.0123", "0.0004"]),
        ("number", (1.297, -0.5), ["1.30", "−0.50"]),
        ("number", (1234.5, 2.0), ["1,234", "2"]),
        ("number", (2.31e9,), ["2.31 × 10⁹"]),
        ("p", (0.00001, 0.0421, 1.0), ["< 0.001", "0.042", "1.000"]),
        ("interval", (Interval(-0.02, 0.51),), ["[−0.020, 0.510]"]),
        ("text", ("x" * 500,), ["x" * 399 + "…"]),
    ],
)
def test_cells_are_printed_by_the_kind_of_their_column(
    kind: Any, cells: tuple[Any, ...], printed: list[str]
) -> None:
    assert table_of(kind, *cells) == printed


def test_an_interval_is_as_precise_as_the_estimate_to_its_left() -> None:
    columns = (
        Column(name="v", title="V", kind="share"),
        Column(name="i", title="I", kind="interval"),
    )
    table = Table(name="t", title="T", columns=columns, rows=((0.5, Interval(0.25, 1.0)),))
    assert [c.text for c in views.table_view(table, "t").rows[0]] == ["0.500", "[0.250, 1.000]"]


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_a_figure_reads_back_as_the_rounded_value(value: float, places: int) -> None:
    text = figures.figure(value, places)
    assert float(text.replace("−", "-").replace(",", "")) == pytest.approx(
        value, abs=0.51 * 10**-places
    )
    assert text.strip("−0.,") or not text.startswith("−")  # there is no minus zero


def test_long_tables_are_cut_with_the_count_shown() -> None:
    finding = report_case.attribution()
    text = Page(
        report.render_html(Audit(about=report_case.about(), findings=(finding,), failures=()))
    ).text
    assert "The first 150 of 1,000 rows" in text
    assert "800 of 1,000 rows are drawn" in text


def example(depths: tuple[int | None, ...], alive: tuple[int, ...]) -> Example:
    segments = tuple(Segment("abcdefgh"[i], depth) for i, depth in enumerate(depths))
    return Example(example_id="x", title="X", segments=segments, alive=alive)


def test_each_layer_shows_what_it_dropped_and_what_was_dropped_before() -> None:
    view = views.example_view(example((0, 1, 2, 2), (4, 3)), 100)
    assert [(layer.label, layer.alive) for layer in view.layers] == [("Layer 1", 4), ("Layer 2", 3)]
    assert view.layers[0].runs == (("a", "now"), ("bcd", "kept"))
    assert view.layers[1].runs == (("a", "gone"), ("b", "now"), ("cd", "kept"))


def test_layers_that_drop_nothing_are_one_line() -> None:
    view = views.example_view(example((1, 4), (4, 3, 3, 3)), 100)
    assert [layer.label for layer in view.layers] == ["Layer 1", "Layers 2–4"]


def test_a_layer_that_drops_only_special_tokens_has_a_line_of_its_own() -> None:
    view = views.example_view(example((3, 3), (4, 4, 3)), 100)
    assert [layer.label for layer in view.layers] == ["Layers 1–2", "Layer 3"]


def test_space_is_struck_only_between_words_that_are() -> None:
    segments = tuple(
        Segment(text, depth)
        for text, depth in (("a", 0), (" ", None), ("b", 0), (" ", None), ("c", 1), (" d", None))
    )
    view = views.example_view(Example(example_id="x", title="X", segments=segments, alive=(1,)), 99)
    assert view.layers[0].runs == (("a b", "now"), (" c", "kept"), (" d", "unread"))


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=8),
    st.integers(1, 5),
)
def test_every_layer_shows_the_whole_text_in_order(depths: list[int], layers: int) -> None:
    capped = tuple(min(d, layers) for d in depths)
    alive = tuple(sum(d >= layer for d in capped) for layer in range(1, layers + 1))
    whole = "".join("abcdefgh"[: len(capped)])
    view = views.example_view(example(capped, alive), 100)
    for layer in view.layers:
        assert "".join(text for text, _ in layer.runs) == whole
        kept = sum(len(text) for text, state in layer.runs if state == "kept")
        assert kept == layer.alive  # one character a word, and no special tokens here


def test_long_documents_and_many_of_them_stay_within_the_budget() -> None:
    long = Example(
        example_id="x",
        title="X",
        segments=tuple(Segment("word ", i % 13) for i in range(4000)),
        alive=tuple(range(400, 388, -1)),
    )
    finding = replace(report_case.layer_view(), examples=(long,) * 60)
    html = report.render_html(
        Audit(about=report_case.about(), findings=(finding,) * 8, failures=())
    )
    assert len(html.encode()) < 2_000_000
    text = Page(html).text
    assert "The first 3,000 of 20,000 characters are shown" in text
    assert re.search(r"\d+ of 60 examples are shown", text)
    assert "0 of 60 examples are shown" in text


def test_what_the_built_in_probes_find_becomes_a_sound_page() -> None:
    trace = synthetic_trace(np.random.default_rng(1), draws=3)
    plugins = [p for p in discover().values() if p.distribution == "auditkit"]
    findings = tuple(p.load().analyse(trace, np.random.default_rng(0)) for p in plugins)
    about = trace.about.model_dump(mode="json")
    page = Page(report.render_html(Audit(about=about, findings=findings, failures=())))
    assert page.open == []
    assert [i for i, n in Counter(page.ids).items() if n > 1] == []
    text = " ".join(page.text.split())
    for finding in findings:
        assert " ".join(finding.claim.split()) in text
    assert page.tags["figure"] == sum(len(f.charts) for f in findings)
    assert "Accuracy, pruned" in text
    assert "Keep rate: share of the tokens alive" in text


def test_results_that_are_no_audit_are_an_error_of_one_line() -> None:
    about = report_case.about()
    del about["seed"]
    with pytest.raises(TraceError, match=r"results\.json: about\.seed: Field required"):
        report.render_html(Audit(about=about, findings=(), failures=()))


def test_markdown_has_one_line_a_probe_and_the_key_numbers() -> None:
    audit = report_case.audit()
    lines = report.render_markdown(audit).splitlines()
    for finding in audit.findings[:4]:
        name = finding.probe.replace("_", r"\_")
        word = report.STATUS_WORDS[finding.status]
        assert [line for line in lines if line.startswith(f"| {name} | {word} | ")]
    assert "| broken | broke | ValueError: &lt;/script&gt;" in "\n".join(lines)
    assert (
        r"| performance.accuracy\[arm=pruned\] | 0.913 | \[0.907, 0.919\] | 7,600 | 7,600 |"
        in lines
    )


def test_markdown_lets_no_markup_through() -> None:
    text = report.render_markdown(report_case.audit())
    assert "<" not in text
    assert not re.search("[\x00-\x08\ud800-\udfff\u202a-\u202e]", text)
    assert "@name" not in text
    assert "http://" not in text
    for line in text.splitlines():
        if line.startswith("|"):
            bars = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))
            assert bars in (4, 6), line


def test_markdown_stays_under_the_limit_of_a_comment() -> None:
    wild = "&|<" * 4000
    findings = tuple(
        replace(f, claim=wild, probe=f"{wild}{i}")
        for i, f in enumerate(report_case.plain_findings() * 40)
    )
    failures = (Failure(probe=wild, distribution=wild, error=wild),) * 100
    text = report.render_markdown(
        Audit(about=report_case.about(), findings=findings, failures=failures)
    )
    assert len(text) < report.SUMMARY_LIMIT
    assert "more probes are in report.html" in text


def test_an_explanation_is_a_page_of_its_own() -> None:
    view = report_case.layer_view().examples[0]
    html = report.render_explanation(view, title="<b>text</b>", facts=[("model", "a<b")])
    page = Page(html)
    assert page.open == []
    assert page.tags["script"] == page.tags["b"] == 0
    assert "a<b" in page.text
    assert "12 tokens" in page.text
    assert page.headings == [1, 2]
    assert report.render_explanation(view, title="<b>text</b>", facts=[("model", "a<b")]) == html


def test_hostile_settings_labels_and_reasons_are_text_too() -> None:
    wild = "</script></style><img src=x onerror=alert(1)>\x00\u202e"
    about = report_case.about(settings={wild: [wild, {wild: wild}]}, training={wild: wild})
    about["dataset"] |= {
        "name": wild, "split": wild, "labels": [wild, wild + "2"], "text_column": wild,
        "refused": [{"row": 1, "reason": wild}], "group_columns": [wild],
    }  # fmt: skip
    about["annotator"] |= {"name": wild, "advice": wild, "accuracy": {wild: 0.5}}
    about["model"] |= {"name": wild, "layout": wild}
    page = Page(report.render_html(Audit(about=about, findings=(), failures=())))
    assert page.open == []
    assert page.tags["img"] == page.tags["script"] == 0
    assert page.tags["style"] == 1
    assert page.text.count("<img src=x onerror=alert(1)>\ufffd") >= 12
