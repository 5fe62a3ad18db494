"""Pictures in a real browser: nothing is written outside of them, nor too small to read."""

from collections.abc import Iterator
from typing import Any

import pytest
from browser import PHONE, browser, show
from conftest import ROOT

from auditkit.finding import Chart, Column, Interval, Table
from auditkit.report import charts, palette

LONG = (
    "W" * 48, "a group of documents with a long name", "東京都千代田区永田町一丁目七番一号",
    "pruned", "region: middle east", "b", "Sci/Tech",
)  # fmt: skip
COLUMNS = (
    Column(name="name", title="A title of a column that is long as well", kind="label"),
    Column(name="other", title="After", kind="label"),
    Column(name="value", title="Another title of a column that is long", kind="number"),
    Column(name="between", title="Interval", kind="interval"),
    Column(name="chance", title="At random", kind="number"),
    Column(name="count", title="Documents", kind="count"),
)
WIDE, CARD = 1200, 530


def tables(names: tuple[str, ...]) -> dict[str, Table]:
    def row(name: str, other: str, value: float) -> tuple[Any, ...]:
        return (name, other, value, Interval(value - 800, value + 900.5), 10.0, int(abs(value)) + 1)

    once = tuple(row(name, "x", 1234.5 * (-1) ** i) for i, name in enumerate(names))
    twice = tuple(
        row(name, other, float(i - j) * 12) for i, name in enumerate(names)
        for j, other in enumerate(names)
    )  # fmt: skip
    return {
        title: Table(name="t", title="T", columns=COLUMNS, rows=rows)
        for title, rows in (("once", once), ("twice", twice))
    }


KINDS = [
    ("dots", "once", {"y": "name", "x": "value", "interval": "between", "count": "count",
                      "reference": 0.0, "zone": -1000.0,
                      "reference_name": "no difference at all between what is compared here",
                      "zone_name": "more is lost than is accepted by those who asked for it"}),
    ("dots", "twice", {"y": "name", "x": "value", "color": "other"}),
    ("chance", "once", {"y": "name", "x": "value", "beside": "chance", "interval": "between"}),
    ("stair", "once", {"y": "name", "x": "value"}),
    ("bars", "once", {"y": "name", "x": "value", "interval": "between"}),
    ("lines", "twice", {"x": "count", "y": "value", "color": "name", "interval": "between"}),
    ("lines", "twice", {"x": "other", "y": "value", "color": "name"}),
    ("scatter", "twice", {"x": "count", "y": "value", "color": "name"}),
    ("scatter", "once", {"x": "value", "y": "chance", "label": "name"}),
    ("heat", "twice", {"x": "name", "y": "other", "color": "value"}),
    ("matrix", "twice", {"x": "name", "y": "other", "color": "count"}),
    ("cloud", "once", {"x": "count", "y": "name"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All kinds as the page shows them, with long names and with short ones, each in a card."""
    css = (ROOT / "templates" / "page.css").read_text(encoding="utf-8")
    figures = []
    for size, names in (("long", LONG), ("short", ("ab", "cd", "ef"))):
        held = tables(names)
        for number, (kind, table, columns) in enumerate(KINDS):
            chart = Chart(name="c", kind=kind, table="t", title="T", alt="A.", **columns)  # type: ignore[arg-type]
            picture = charts.svg(chart, held[table], prefix=f"{size}{number}")
            figures.append(f'<figure title="{size} {kind} {number}">{picture}</figure>')
    path = tmp_path_factory.mktemp("page") / "charts.html"
    path.write_text(
        f"<!doctype html><meta charset=utf-8><style>{palette.style()}{css}"
        f"body {{ padding: 16px }} figure {{ margin: 0; max-width: {CARD}px }}</style>"
        f"{''.join(figures)}",
        encoding="utf-8",
    )
    return path.as_uri()


OUTSIDE = """
return [...document.querySelectorAll('svg.picture')].flatMap(svg => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].flatMap(text => {
    const b = text.getBoundingClientRect();
    return b.left >= box.left - 1 && b.right <= box.right + 1 && b.top >= box.top - 1
      && b.bottom <= box.bottom + 1 ? []
      : [[svg.parentElement.title, text.textContent, b.left - box.left, b.right - box.right,
          b.top - box.top, b.bottom - box.bottom].join(' ')]; }); });
"""
SMALL = """
return [...document.querySelectorAll('svg.picture text')].map(text => {
  const svg = text.ownerSVGElement;
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return [parseFloat(getComputedStyle(text).fontSize) * scale, text.textContent]; })
  .filter(([size]) => size < 11);
"""


@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_no_text_lies_outside_of_its_picture(driver: Any, url: str, width: int) -> None:
    show(driver, url, width=width)
    assert driver.execute_script(OUTSIDE) == []
    assert driver.execute_script("return document.querySelectorAll('svg.picture').length") == 24


@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_no_text_is_smaller_than_eleven_pixels(driver: Any, url: str, width: int) -> None:
    show(driver, url, width=width)
    assert driver.execute_script(SMALL) == []


def test_pictures_fill_a_phone_and_are_bounded_in_a_card(driver: Any, url: str) -> None:
    script = "return document.querySelector('svg.picture').getBoundingClientRect().width"
    show(driver, url, width=PHONE)
    assert driver.execute_script(script) >= PHONE - 32 - 15  # a scroll bar
    show(driver, url, width=WIDE)
    assert driver.execute_script(script) == 470
