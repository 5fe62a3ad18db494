"""The page in a real browser, as it comes out of a mail: from a file, with scripts switched off."""

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import report_case
import report_hostile
from browser import DESK, PAPER, PHONE, browser, overflow, show
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from auditkit.finding import Example, Segment
from auditkit.report import page as report
from auditkit.report.overview import BADGES, Badge
from auditkit.report.palette import PALETTE

CONTRAST = """
const rgb = c => (c.match(/[\\d.]+/g) || []).map(Number)
  .map((v, i) => c.startsWith('color(') && i < 3 ? 255 * v : v);
const light = c => {
  const [r, g, b] = rgb(c).slice(0, 3).map(v => {
    v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = e => {
  for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return getComputedStyle(e).backgroundColor; }
  return 'rgb(255, 255, 255)'; };
return Object.fromEntries(arguments[0].map(selector => {
  const found = [...document.querySelectorAll(selector)];
  return [selector, found.length ? Math.min(...found.map(e => {
    const style = getComputedStyle(e);
    const text = e.namespaceURI.endsWith('svg') ? style.fill : style.color;
    const [a, b] = [light(text), light(ground(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05); })) : null]; }));
"""


UNSEEN = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Bidirectional classes of the marks that turn the direction of writing."""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser that runs no script of a page and keeps a log of the network and the console."""
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report.render_html(report_case.audit()), encoding="utf-8")
    return path.as_uri()


def test_it_loads_nothing_but_itself_and_the_console_is_empty(driver: Any, url: str) -> None:
    driver.get_log("performance")
    driver.get_log("browser")
    show(driver, url)
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    requested = [
        m["params"]["request"]["url"]
        for m in messages
        if m["method"] == "Network.requestWillBeSent"
        and m["params"]["documentURL"] == url  # the browser's own start page may still be loading
    ]
    assert requested == [url]
    assert driver.get_log("browser") == []
    assert driver.title == "Token-pruning audit: minilm-ltp on agnews"


def test_this_browser_runs_no_script(driver: Any, tmp_path: Path) -> None:
    path = tmp_path / "script.html"
    path.write_text("<title>still</title><script>document.title = 'ran'</script>", encoding="utf-8")
    show(driver, path.as_uri())
    assert driver.title == "still"


def test_the_browser_obeys_the_policy_of_the_page(driver: Any, url: str, tmp_path: Path) -> None:
    """The same page with an image put into it: the policy is what keeps it from loading."""
    page = report.render_html(report_case.audit())
    changed = tmp_path / "changed.html"
    image = (tmp_path / "image.svg").as_uri()
    changed.write_text(page.replace("<footer>", f'<img src="{image}"><footer>'), encoding="utf-8")
    driver.get_log("browser")
    show(driver, changed.as_uri())
    assert any("Content Security Policy" in entry["message"] for entry in driver.get_log("browser"))


def test_the_style_sheet_is_the_one_that_the_policy_names(driver: Any, url: str) -> None:
    show(driver, url)
    body = driver.find_element(By.TAG_NAME, "body")
    assert body.value_of_css_property("background-color") == "rgba(255, 255, 255, 1)"
    assert body.value_of_css_property("margin-top") == "0px"


@pytest.mark.parametrize("width", [320, PHONE, 768, DESK])
def test_the_page_never_scrolls_sideways(driver: Any, url: str, width: int) -> None:
    show(driver, url, width=width)
    assert overflow(driver) == 0
    driver.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert overflow(driver) == 0


def test_wide_tables_scroll_in_their_own_box_on_a_phone(driver: Any, url: str) -> None:
    show(driver, url, width=PHONE)
    driver.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    script = (
        "return [...document.querySelectorAll('.scroll')]"
        ".filter(e => e.scrollWidth > e.clientWidth).map(e => e.tabIndex)"
    )
    scrolling = driver.execute_script(script)
    assert scrolling
    assert set(scrolling) == {0}  # reachable by keyboard


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_every_probe_is_visible_with_its_badge(driver: Any, url: str, width: int) -> None:
    show(driver, url, width=width)
    audit = report_case.audit()
    badges: list[Badge] = [*(f.status for f in audit.findings), "broke"]
    names = [*(f.probe for f in audit.findings), *(f.probe for f in audit.failures)]
    for name, status in zip(names, badges, strict=True):
        anchor = "probe-" + re.sub(r"[^A-Za-z0-9_-]+", "-", name)
        section = driver.find_element(By.ID, anchor)
        assert section.is_displayed()
        badge = section.find_element(By.CSS_SELECTOR, f".badge.{status}")
        assert badge.is_displayed()
        assert badge.text == BADGES[status]
        shape = badge.find_element(By.TAG_NAME, "use")
        size = driver.execute_script("const b = arguments[0].getBBox(); return b.width", shape)
        assert size > 5  # the shape is drawn


def test_a_link_opens_what_is_folded_and_so_does_the_keyboard(driver: Any, url: str) -> None:
    show(driver, url)
    table = driver.find_element(By.CSS_SELECTOR, "#probe-performance-more table")
    assert not table.is_displayed()
    driver.find_element(By.CSS_SELECTOR, "#probe-performance .fold a").send_keys(Keys.ENTER)
    assert driver.current_url.endswith("#probe-performance-more")
    assert table.is_displayed()
    summary = table.find_element(By.XPATH, "ancestor::details/summary")
    summary.send_keys(Keys.ENTER)
    assert not table.is_displayed()
    summary.send_keys(Keys.SPACE)
    assert table.is_displayed()


def test_a_decision_is_on_the_first_screen(driver: Any, url: str) -> None:
    """At 1200 × 800 with both pictures, on a phone of 390 × 844 with all four cards."""
    for width, height, last in ((1200, 800, ".key figure:last-child"), (390, 844, ".card.open b")):
        show(driver, url, width=width)
        found = driver.find_element(By.CSS_SELECTOR, last)
        bottom = "return arguments[0].getBoundingClientRect().bottom"
        assert driver.execute_script(bottom, found) < height


def test_the_first_tab_stop_skips_to_the_content(driver: Any, url: str) -> None:
    show(driver, url)
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    link = driver.switch_to.active_element
    assert link.text == "Skip to the content"
    link.send_keys(Keys.ENTER)
    assert driver.current_url.endswith("#main")


def test_dark_paper_is_dark_and_the_pictures_follow(driver: Any, url: str) -> None:
    script = (
        "const of = s => getComputedStyle(document.querySelector(s));"
        "return [of('body').backgroundColor, of('body').color, of('.picture text').fill]"
    )
    seen = {}
    for scheme in ("light", "dark"):
        show(driver, url, scheme=scheme)
        seen[scheme] = driver.execute_script(script)
    assert seen["light"] == ["rgb(255, 255, 255)", "rgb(27, 32, 38)", "rgb(27, 32, 38)"]
    assert seen["dark"] == ["rgb(20, 23, 27)", "rgb(227, 231, 236)", "rgb(227, 231, 236)"]


@pytest.mark.parametrize(
    ("scheme", "media", "column"), [("light", "", 0), ("dark", "", 1), ("dark", "print", 0)]
)
def test_the_variables_of_the_page_are_those_of_the_palette(
    driver: Any, url: str, scheme: str, media: str, column: int
) -> None:
    show(driver, url, scheme=scheme, media=media)
    script = (
        "const style = getComputedStyle(document.documentElement); return Object.fromEntries("
        "arguments[0].map(name => [name, style.getPropertyValue('--' + name).trim()]))"
    )
    computed = driver.execute_script(script, list(PALETTE))
    assert computed == {name: values[column] for name, values in PALETTE.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_a_contrast_of_four_and_a_half(driver: Any, url: str, scheme: str) -> None:
    show(driver, url, scheme=scheme)
    selectors = [
        "p", "h1", "h2", "h3", "li", "dt", "dd", "td", "th", "caption", "summary", "main a", "pre",
        "code", ".small", ".overline", "s.now", ".gone", ".unread", ".text bdi", ".chip",
        ".bars b", ".bars small", ".pick label", ".who", ".card b", ".card p", ".verdict b",
        ".verdict p", ".look b", ".picture text", "a.term",
        *(f".badge.{status}" for status in BADGES),
    ]  # fmt: skip
    measured = driver.execute_script(CONTRAST, selectors)
    assert set(measured) == set(selectors)
    for selector, ratio in measured.items():
        assert ratio is not None, f"nothing on the page is {selector}"
        assert ratio >= 4.5, f"{selector}: {ratio:.2f}"


def test_hostile_text_makes_no_element_and_runs_nothing(driver: Any, url: str) -> None:
    show(driver, url)
    bad = "img, iframe, object, embed, link, base, form, input:not([type=radio]), foreignObject"
    assert driver.find_elements(By.CSS_SELECTOR, f"{bad}, .probe b") == []
    assert len(driver.find_elements(By.TAG_NAME, "script")) == 1  # the page's own
    handlers = driver.execute_script(
        "return [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        ".filter(n => n.startsWith('on') || n === 'style')"
    )
    assert handlers == []
    shown = driver.find_element(By.TAG_NAME, "main").text
    assert report_hostile.HOSTILE[0] in shown
    assert report_hostile.HOSTILE[4] in shown


def test_marks_of_direction_are_seen_and_turn_nothing_round(driver: Any, tmp_path: Path) -> None:
    """Each word of a line stands right of the one before, or left of it in Arabic."""
    lines = {
        "ltr": ("plain", "\u202ereversed", "\u2067isolated", "\u2069\u2069closed", "نعم", "last"),
        "rtl": ("نعم", "\u202dforced", "كلا", "\u2066", "آخر"),
    }
    for direction, words in lines.items():
        parts = (part for word in words for part in (Segment(word, 1), Segment(" ", None)))
        found = Example(example_id="x", title="X", segments=tuple(parts), alive=(9,))
        path = tmp_path / f"{direction}.html"
        path.write_text(report.render_explanation(found, title="X"), encoding="utf-8")
        assert not set("\u202d\u202e\u2066\u2067\u2069") & set(path.read_text(encoding="utf-8"))
        show(driver, path.as_uri())
        shown = driver.find_elements(By.CSS_SELECTOR, ".text bdi")
        assert [word.text for word in shown] == [
            "".join("�" if unicodedata.bidirectional(c) in UNSEEN else c for c in word)
            for word in words
        ]
        places = [word.rect["x"] for word in shown]
        assert places == sorted(places, reverse=direction == "rtl")


def test_on_paper_a_page_is_light_whole_and_of_few_sheets(driver: Any, url: str) -> None:
    show(driver, url, width=PAPER, scheme="dark", media="print")
    assert overflow(driver) == 0
    assert not driver.find_element(By.CSS_SELECTOR, "details.data table").is_displayed()
    terms = driver.find_element(By.CSS_SELECTOR, "#glossary dl")
    assert driver.execute_script("return arguments[0].getBoundingClientRect().height", terms) > 0
    assert driver.find_element(By.CSS_SELECTOR, ".gates, #gates p").is_displayed()
    body = driver.find_element(By.TAG_NAME, "body")
    assert body.value_of_css_property("background-color") == "rgba(255, 255, 255, 1)"


def test_an_explanation_stands_alone(driver: Any, tmp_path: Path) -> None:
    path = tmp_path / "explanation.html"
    example = report_hostile.layer_view().examples[0]
    path.write_text(
        report.render_explanation(example, title=report_hostile.SENTENCE), encoding="utf-8"
    )
    driver.get_log("browser")
    show(driver, path.as_uri(), width=PHONE)
    assert overflow(driver) == 0
    assert driver.get_log("browser") == []
    bars = driver.find_elements(By.CSS_SELECTOR, ".bars label b")
    assert [int(bar.text) for bar in bars] == [example.tokens, *example.alive]
