"""Documents in a real browser: layers are chosen without a script, documents sorted with one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import report_case
import report_hostile
from browser import PAPER, PHONE, browser, show
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from auditkit.finding import Example, Results, Segment, segments
from auditkit.report import page as report

WORDS = (("Shares", 0), ("rose", 1), ("<b>", 2), ("sharply", 3))


def example(number: int, **changes: Any) -> Example:
    parts = [part for word, depth in WORDS for part in (Segment(word, depth), Segment(" ", None))]
    fields: dict[str, Any] = {
        "example_id": f"d{number}", "title": f"Why {number}", "segments": tuple(parts),
        "alive": (5, 3, 1), "tokens": 6, "before": (Segment("[CLS]", 3),),
        "after": (Segment("[SEP]", 1),), **changes,
    }  # fmt: skip
    return Example(**fields)


def page() -> str:
    examples = (
        example(1, gold="World", flipped=True, groups=(("region", "asia"),)),
        example(2, gold="Sports", flipped=False, groups=(("region", report_hostile.HOSTILE[0]),)),
        example(3, gold="World", flipped=False, groups=(("region", "asia"),)),
    )
    finding = replace(report_hostile.layer_view(), examples=examples)
    return report.render_html(Results(about=report_case.about(), findings=(finding,), failures=()))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=[False, True], ids=["still", "scripts"])
def driver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    with browser(tmp_path_factory.mktemp("profile"), scripts=request.param) as found:
        found.scripts = request.param
        yield found


def states(driver: Any) -> list[str]:
    """What each word of the document that is shown looks like."""
    words = driver.find_elements(By.CSS_SELECTOR, ".document bdi[class]")
    told = []
    for word in (word for word in words if word.is_displayed()):
        struck = "line-through" in word.value_of_css_property("text-decoration-line")
        bold = int(word.value_of_css_property("font-weight")) > 500
        told.append("now" if struck else "kept" if bold else "gone")
    return told


def visible(driver: Any) -> list[int]:
    documents = driver.find_elements(By.CSS_SELECTOR, ".document")
    return [i for i, document in enumerate(documents, start=1) if document.is_displayed()]


def test_arrow_keys_choose_a_layer(driver: Any, path: Path) -> None:
    show(driver, path.as_uri())
    chosen = driver.find_element(By.CSS_SELECTOR, ".n1 .bars :checked")
    assert chosen.get_attribute("class") == "l2"  # the first with half of the six tokens
    assert states(driver) == ["gone", "now", "kept", "kept"]
    chosen.send_keys(Keys.ARROW_RIGHT)
    assert states(driver) == ["gone", "gone", "now", "kept"]
    driver.switch_to.active_element.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    assert states(driver) == ["kept", "kept", "kept", "kept"]  # what the model is given
    driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert states(driver) == ["now", "kept", "kept", "kept"]


def test_one_document_is_shown_and_another_can_be_chosen(driver: Any, path: Path) -> None:
    show(driver, path.as_uri(), width=PHONE)
    assert visible(driver) == [1]
    driver.find_element(By.CSS_SELECTOR, ".pick .k1").send_keys(Keys.ARROW_RIGHT)
    assert visible(driver) == [2]


def test_special_tokens_are_chips_that_say_what_becomes_of_them(driver: Any, path: Path) -> None:
    show(driver, path.as_uri())
    chips = driver.find_elements(By.CSS_SELECTOR, ".n1 .chip")
    assert [chip.text for chip in chips] == ["[CLS] always kept", "[SEP] dropped in layer 2"]


def test_filters_are_there_where_scripts_run(driver: Any, path: Path) -> None:
    show(driver, path.as_uri())
    driver.get_log("browser")
    selects = driver.find_elements(By.CSS_SELECTOR, ".controls select")
    if not driver.scripts:
        assert selects == []
        return
    labels = [select.find_element(By.XPATH, "..").text.split()[0] for select in selects]
    assert labels == ["answer", "class", "region"]
    answer, gold, region = map(Select, selects)
    values = [option.text for option in region.options]
    assert values == ["all", report_hostile.HOSTILE[0], "asia"]  # as text
    answer.select_by_visible_text("unchanged")
    assert visible(driver) == [2]
    gold.select_by_visible_text("World")
    assert visible(driver) == [3]
    assert "1 of 3 documents" in driver.find_element(By.CLASS_NAME, "controls").text
    answer.select_by_visible_text("all")
    nexts = driver.find_element(By.XPATH, "//button[text()='Next']")
    nexts.click()
    assert visible(driver) == [1]
    assert driver.get_log("browser") == []


def test_hostile_text_runs_nothing_with_the_policy_and_without(driver: Any, tmp_path: Path) -> None:
    html = report.render_html(report_case.audit())
    bare = html.replace('http-equiv="Content-Security-Policy"', 'name="was-policy"')
    assert bare != html
    for name, text in (("with", html), ("without", bare)):
        path = tmp_path / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        show(driver, path.as_uri())
        assert driver.find_elements(By.CSS_SELECTOR, "img, iframe, .document script") == []
        with pytest.raises(Exception, match="no such alert"):
            driver.switch_to.alert  # noqa: B018 (looking for one is the test)


def test_on_paper_all_documents_are_shaded_by_depth(driver: Any, path: Path) -> None:
    show(driver, path.as_uri(), width=PAPER, media="print")
    assert visible(driver) == [1, 2, 3]
    for hidden in (".pick", ".bars", ".marks.screen"):
        assert not driver.find_element(By.CSS_SELECTOR, hidden).is_displayed()
    words = driver.find_elements(By.CSS_SELECTOR, ".n1 bdi[class^=d]")
    shades = [word.value_of_css_property("background-color") for word in words]
    assert len(set(shades)) == len(WORDS)
    struck = [word.value_of_css_property("text-decoration-line") for word in words]
    assert struck == ["none"] * len(WORDS)  # no layer is chosen on paper
    assert len({word.value_of_css_property("color") for word in words}) == 1


def test_what_was_read_and_is_no_word_is_struck_when_it_is_dropped(
    driver: Any, tmp_path: Path
) -> None:
    pieces = [(0, 4, 0), (5, 9, 1), (9, 10, 1), (11, 15, 0)]
    parts = segments("&lt; good\\ &gt; unread", [(5, 9, 1)], pieces)
    found = Example(example_id="x", title="X", segments=parts, alive=(2,), tokens=4)
    path = tmp_path / "pieces.html"
    path.write_text(report.render_explanation(found, title="X"), encoding="utf-8")
    show(driver, path.as_uri())
    words = driver.find_elements(By.CSS_SELECTOR, ".text bdi")
    assert [word.text.strip() for word in words] == ["&lt;", "good", "\\", "&gt;", "unread"]
    assert states(driver) == ["now", "kept", "kept", "now", "gone"]
