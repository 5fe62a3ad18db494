import hashlib
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace

import pytest
import report_case
import report_findings
import report_hostile
from html_page import Page

from auditkit.errors import TraceError
from auditkit.finding import Audit, Example, Measurement, Segment, dumps, loads
from auditkit.report import page as report
from auditkit.report.overview import BADGES
from auditkit.report.templating import LONGEST_TEXT


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
    once = loads(dumps(replace(report_case.audit(), findings=(report_findings.performance(),))))
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
    for word in BADGES.values():
        assert word in page.text


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
    assert (
        "seed 13, float32 on cpu; arms baseline, unpruned, pruned, "
        "random (3 draws on 2,000 documents)"
    ) in text
    assert "3f3f3f3f3f3f " in text
    assert "3f" * 32 in text  # in full, in the details of the run


def test_refused_rows_are_listed_up_to_fifty_and_the_rest_counted(page: Page) -> None:
    assert page.text.count("the text is empty") == 50
    assert "And 13 more" in page.text


def test_a_missing_baseline_is_named_with_its_reason() -> None:
    text = Page(report.render_html(report_case.without_baseline())).text
    assert "none: none was given" in " ".join(text.split())
    assert "No probe was run" in text
    assert "pass" not in text.split("Summary")[-1].split("Data")[0].split()


def test_key_figures_are_the_headlines_of_all_probes_in_their_order(page: Page) -> None:
    text = " ".join(page.text.split())
    key = text[text.index("Key figures") :]
    told = (
        "Accuracy, baseline 0.921 [0.915, 0.927]",
        "Accuracy, pruned 0.913 [0.907, 0.919]",
        "MACs ratio, pruned 1.92× [1.91, 1.94]",
        "Rate, class | pipe |",
        "Found by performance, third/party <b>probe</b>; intervals are at 95 %.",
    )
    places = [key.index(one) for one in told]
    assert places == sorted(places)
    assert "Ece" not in key[: key.index("Found by")]  # measured, and no headline


def test_a_key_figure_without_a_value_shows_why() -> None:
    measurement = Measurement(
        name="macs_ratio", value=None, unit="ratio", n=0, n_clusters=0, headline=True,
        undefined="nothing counted",
    )  # fmt: skip
    finding = replace(report_findings.performance(), measurements=(measurement,))
    audit = Audit(about=report_case.about(), findings=(finding,), failures=())
    assert "MACs ratio — nothing counted" in " ".join(Page(report.render_html(audit)).text.split())


def test_key_figures_beyond_the_first_are_counted() -> None:
    several = tuple(
        Measurement(
            name="rate", value=0.5, unit="points", n=9, n_clusters=9, headline=True,
            at={"layer": str(layer)}, no_interval="too few",
        )
        for layer in range(report.MOST_FIGURES + 5)
    )  # fmt: skip
    finding = replace(report_findings.performance(), measurements=several)
    audit = Audit(about=report_case.about(), findings=(finding,), failures=())
    text = " ".join(Page(report.render_html(audit)).text.split())
    figures = text[text.index("Key figures") : text.index("Found by")]
    assert figures.count("0.500 points no interval: too few") == report.MOST_FIGURES
    assert figures.endswith("And 5 more; all of them are in results.json. ")


def test_long_tables_are_cut_with_the_count_shown() -> None:
    finding = report_findings.attribution()
    text = Page(
        report.render_html(Audit(about=report_case.about(), findings=(finding,), failures=()))
    ).text
    assert "The first 150 of 1,000 rows" in text
    assert "400 of 1,000 rows are drawn" in text


def test_long_documents_and_many_of_them_stay_within_the_budget() -> None:
    long = Example(
        example_id="x",
        title="X",
        segments=tuple(Segment("word ", i % 13) for i in range(4000)),
        alive=tuple(range(400, 388, -1)),
    )
    finding = replace(report_hostile.layer_view(), examples=(long,) * 60)
    html = report.render_html(
        Audit(about=report_case.about(), findings=(finding,) * 8, failures=())
    )
    assert len(html.encode()) < 2_000_000
    text = Page(html).text
    assert "The first 3,000 of 20,000 characters are shown" in text
    assert re.search(r"\d+ of 60 examples are shown", text)
    assert "0 of 60 examples are shown" in text


def test_results_that_are_no_audit_are_an_error_of_one_line() -> None:
    about = report_case.about()
    del about["seed"]
    with pytest.raises(TraceError, match=r"results\.json: about\.seed: Field required"):
        report.render_html(Audit(about=about, findings=(), failures=()))


def test_an_explanation_is_a_page_of_its_own() -> None:
    view = report_hostile.layer_view().examples[0]
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
    about["subjects"]["model"] |= {"name": wild, "layout": wild}
    page = Page(report.render_html(Audit(about=about, findings=(), failures=())))
    assert page.open == []
    assert page.tags["img"] == page.tags["script"] == 0
    assert page.tags["style"] == 1
    assert page.text.count("<img src=x onerror=alert(1)>\ufffd") >= 12
