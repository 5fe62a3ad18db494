import hashlib
import json
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import report_case
import report_findings
import report_hostile
from html_page import Page

from auditkit.errors import TraceError
from auditkit.finding import Example, GateResult, Interval, Results, Segment, dumps, loads
from auditkit.finding.gates import GateStatus
from auditkit.report import page as report
from auditkit.report.interactive import vega
from auditkit.report.overview import BADGES
from auditkit.report.templating import LONGEST_TEXT, source


@pytest.fixture(scope="module")
def html() -> str:
    return report.render_html(report_case.audit())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


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


def policy(page: Page) -> list[str]:
    told = (v for t, n, v in page.attributes if n == "content" and v.startswith("default"))
    return next(told).split("; ")


def sha(text: str) -> str:
    return "'sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def test_nothing_is_loaded_and_no_script_runs_but_the_page_s_own(html: str, page: Page) -> None:
    for tag in ("img", "link", "iframe", "object", "embed", "image", "foreignobject"):
        assert page.tags[tag] == 0, tag
    assert page.tags["style"] == page.tags["script"] == 1
    for _, name, _ in page.attributes:
        assert not name.startswith("on"), name
        assert name not in ("style", "src", "srcset", "xlink:href", "action"), name
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    assert not re.search(r"@import|url\(", style)
    script = html[html.rindex("<script>") + 8 : html.rindex("</script>")]
    assert script == source("layers.js")
    assert len(script) < 4500
    assert not re.search("innerHTML|outerHTML|insertAdjacent|document.write|eval", script)
    assert policy(page) == [
        "default-src 'none'",
        f"style-src {sha(style)}",
        f"script-src {sha(script)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert html.index("Content-Security-Policy") < html.index("<title>")


def test_pictures_that_answer_the_pointer_bring_their_script_and_no_more_rights() -> None:
    html = report.render_html(report_case.audit(), interactive=True)
    page = Page(html)
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert scripts == [source("layers.js"), vega()]
    assert policy(page)[2] == "script-src " + " ".join(map(sha, scripts))
    assert "unsafe" not in " ".join(policy(page))
    data = re.findall(r'<script type="application/json" class="picture-data">(.*?)</script>', html)
    assert len(data) == html.count('<svg class="picture"')  # none of them is a cloud
    for text in data:
        assert not set("<>&") & set(text)
        assert json.loads(text)["config"]["mark"]["tooltip"] == {"content": "data"}
    assert len(html.encode()) < 2_000_000


def test_the_page_is_small_and_the_same_every_time(html: str) -> None:
    assert len(html.encode()) < 2_000_000
    assert report.render_html(report_case.audit()) == html


def test_the_page_is_the_same_after_results_json(html: str) -> None:
    once = loads(dumps(replace(report_case.audit(), findings=(report_findings.performance(),))))
    again = loads(dumps(once))
    assert report.render_html(again) == report.render_html(once)


def test_every_probe_has_its_place_whatever_its_status(page: Page) -> None:
    audit = report_case.audit()
    for finding in audit.findings:
        assert page.text.count(finding.question) == 1
        assert finding.claim[:40].split("\x00")[0].split("\ud83d")[0] in page.text
    for failure in audit.failures:
        assert failure.error in page.text
        assert "This probe broke and has no result" in page.text
    for word in BADGES.values():
        assert word in page.text


def shown(page: Page) -> str:
    return " ".join(page.text.split())


def test_the_first_screen_has_decision_cards_and_what_was_not_checked(page: Page) -> None:
    text = shown(page)
    told = (
        "pruned minilm-ltp against minilm-baseline 7,600 documents of agnews (test), 4 classes, "
        "63 refused, 212 cut",
        "pass Acceptable on accuracy: a loss of more than 1.5 points is ruled out.",
        "On these 7,600 documents the pruned model is 0.8 points worse. 1 probe broke and did not "
        "answer. No gate was set.",
        "Accuracy 92.1 → 91.3 % −0.8 points, paired 95 %: −1.3 to −0.3",
        "Answers that changed 212 of 7,600 75 now right, 137 now wrong",
        "What it saves 1.92× fewer operations, counted. Time: not measured.",
        "Not checked 9 things broken (it broke) · whether these texts are new to the model · "
        "groups (source) · 2 groups of under 30 documents And 5 more, with reasons",
        "Look here serious World loses 2.1 points. performance",
        "notable Determiners outlive 21 % of the other words. pos_retention",
        "Gates No gate was asked for",
    )
    places = [text.index(one) for one in told]
    assert places == sorted(places)


def test_measured_time_stands_in_its_card_and_apart_from_what_is_counted() -> None:
    text = shown(Page(report.render_html(report_case.audit(), report_case.speed())))
    assert "counted. Measured: 2.00× the speed (rounds 1.50 to 4.00)." in text
    slower = report_case.speed(rounds=((1.0, 2.0), (3.0, 2.0), (2.0, 2.0)))
    text = shown(Page(report.render_html(report_case.audit(), slower)))
    assert "1.00× the speed (rounds 0.50 to 1.50: they disagree on which is faster)" in text


def gate(status: GateStatus, **changes: Any) -> GateResult:
    fields: dict[str, Any] = {
        "address": "performance.change[class=World]", "side": "at_least", "limit": -1.0,
        "on": "bound", "value": -2.1, "interval": Interval(-2.6, -1.6), "reason": "because",
    }  # fmt: skip
    return GateResult(status=status, **(fields | changes))


@pytest.mark.parametrize(
    ("statuses", "word", "sentence", "counts"),
    [
        (["pass", "pass"], "pass", "Acceptable: all 2 gates pass.", "2 gates: 2 pass"),
        (["pass"], "pass", "Acceptable: the gate passes.", "1 gate: 1 pass"),
        (["pass", "fail"], "fail",
         "Not acceptable: 1 of the 2 gates fails (change, class World: at least −1).",
         "2 gates: 1 pass · 1 fail"),
        (["not_run"], "inconclusive",
         "Not enough evidence to accept: the gate is not decided (change, class World: at least "
         "−1).",
         "1 gate: 1 not run"),
        (["not_run", "inconclusive"], "inconclusive",
         "Not enough evidence to accept: 2 of the 2 gates are not decided (change, class World: "
         "at least −1, …).", "2 gates: 1 inconclusive · 1 not run"),
    ],
)  # fmt: skip
def test_gates_decide_where_there_are_any(
    statuses: list[GateStatus], word: str, sentence: str, counts: str
) -> None:
    audit = replace(report_case.audit(), gates=tuple(gate(status) for status in statuses))
    text = shown(Page(report.render_html(audit)))
    assert f"{word} {sentence}" in text
    assert counts in text
    assert (
        "change, class World performance.change[class=World] at least −1 −2.10 [−2.60, −1.60]"
        in (text)
    )


def test_a_gate_that_names_nothing_is_shown_as_it_was_written() -> None:
    wild = gate("not_run", address="<b>[", value=None, interval=None)
    page = Page(report.render_html(replace(report_case.audit(), gates=(wild,))))
    assert "<b>[ <b>[ at least −1 — because" in shown(page)


def test_without_a_probe_that_decides_there_is_no_decision() -> None:
    findings = report_case.plain_findings()
    audit = Results(about=report_case.about(), findings=findings, failures=())
    assert "no decision No decision: no probe that decides was run." in shown(
        Page(report.render_html(audit))
    )
    text = shown(Page(report.render_html(report_case.without_baseline())))
    assert "No decision: there is no baseline to compare with (none was given)." in text
    assert text.count("— not measured here.") == 2


def test_terms_lead_to_the_glossary_once(page: Page, html: str) -> None:
    links = [v for t, n, v in page.attributes if (t, n) == ("a", "href") and "#term-" in v]
    assert links
    assert len(links) == len(set(links))
    assert '<a class="term" href="#term-points">points</a>' in html
    for id_ in page.ids:
        if id_.startswith("term-"):
            assert page.ids.count(id_) == 1


def test_a_caveat_of_several_probes_stands_once(page: Page) -> None:
    assert page.text.count(report_findings.TWICE) == 1


def test_probes_stand_in_chapters_and_those_without_come_last(html: str) -> None:
    titles = re.findall(r'<h2 id="chapter-\d-title">(.*?)</h2>', html)
    assert titles == ["What it costs and saves", "What is kept", "Further probes"]


def test_hostile_text_is_text(page: Page) -> None:
    assert report_hostile.HOSTILE[0] in page.text
    assert report_hostile.HOSTILE[4] in page.text
    assert report_hostile.HOSTILE[5] in page.text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]", page.text)
    assert "W" * (LONGEST_TEXT + 100) not in page.text


def test_the_header_says_what_was_audited(page: Page) -> None:
    text = " ".join(page.text.split())
    assert "7,663 in = 7,600 audited + 63 refused; 212 truncated" in text
    assert "One checkpoint pair supports claims about that pair" in text
    assert "spaCy pipeline auditkit_fallback 0.1.0 (shipped)" in text
    assert "upos 0.931, name_f 0.842" in text
    assert "python -m spacy download en_core_web_sm" in text
    assert "seed 13, float32 on cpu" in text
    assert "Arms: baseline, unpruned, pruned, random (3 draws on 2,000 documents)." in text
    assert "3f3f3f3f3f3f " in text
    assert "3f" * 32 in text  # in full, in the details of the run


def test_refused_rows_are_listed_up_to_fifty_and_the_rest_counted(page: Page) -> None:
    assert page.text.count("the text is empty") == 50
    assert "And 13 more" in page.text


def test_a_missing_baseline_is_named_with_its_reason() -> None:
    text = Page(report.render_html(report_case.without_baseline())).text
    assert "none: none was given" in " ".join(text.split())
    assert "No probe was run" in text


def test_long_tables_are_cut_with_the_count_shown() -> None:
    finding = report_findings.attribution()
    text = Page(
        report.render_html(Results(about=report_case.about(), findings=(finding,), failures=()))
    ).text
    assert "The first 12 of 1,000 rows" in text
    assert "400 of 1,000 rows are drawn" in text


def test_long_documents_and_many_of_them_stay_within_the_budget() -> None:
    long = Example(
        example_id="x",
        title="X",
        segments=tuple(Segment("word ", i % 13) for i in range(4000)),
        alive=tuple(range(400, 388, -1)),
    )
    many = tuple(replace(long, example_id=str(number)) for number in range(60))
    finding = replace(report_hostile.layer_view(), examples=many)
    html = report.render_html(
        Results(about=report_case.about(), findings=(finding,) * 8, failures=())
    )
    assert len(html.encode()) < 600_000
    text = Page(html).text
    assert "The first 3,000 of 20,000 characters are shown" in text
    assert "16 of 60 documents are shown" in text


def test_results_that_are_no_audit_are_an_error_of_one_line() -> None:
    about = report_case.about()
    del about["seed"]
    with pytest.raises(TraceError, match=r"results\.json: about\.seed: Field required"):
        report.render_html(Results(about=about, findings=(), failures=()))


def test_an_explanation_is_a_page_of_its_own() -> None:
    view = report_hostile.layer_view().examples[0]
    html = report.render_explanation(view, title="<b>text</b>", facts=[("model", "a<b")])
    page = Page(html)
    assert page.open == []
    assert page.tags["script"] == 0
    assert "a<b" in page.text
    assert "12 after 1" in shown(page)
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
    about["subjects"]["model"] |= {"name": wild, "layout": wild}
    page = Page(report.render_html(Results(about=about, findings=(), failures=())))
    assert page.open == []
    assert page.tags["img"] == 0
    assert page.tags["style"] == page.tags["script"] == 1
    assert page.text.count("<img src=x onerror=alert(1)>\ufffd") >= 12
