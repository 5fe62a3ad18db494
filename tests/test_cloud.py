"""Word clouds: no word on another, none out of the picture, hostile words inert."""

import re
from pathlib import Path

import pytest
from browser import browser
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.finding import Chart, Table
from auditkit.plugin import columns
from auditkit.report.charts import svg
from auditkit.report.charts.cloud import LARGEST, SMALLEST, layout

WORDS = st.lists(
    st.tuples(st.text(min_size=1, max_size=44), st.floats(0, 1e6)), min_size=1, max_size=60
)


@settings(max_examples=40, deadline=None)
@given(WORDS)
def test_no_word_touches_another_or_leaves_the_picture(words: list[tuple[str, float]]) -> None:
    placed = layout(words, 600)
    assert sorted(word for word, _, _ in placed) == sorted(word for word, _ in words)
    boxes = [box for _, _, box in placed]
    for i, one in enumerate(boxes):
        assert one.x - one.width / 2 >= -1e-9
        assert one.x + one.width / 2 <= 600 + 1e-9
        assert not any(one.meets(other) for other in boxes[i + 1 :])
    assert all(type_size <= LARGEST for _, type_size, _ in placed)


def test_the_larger_the_number_the_larger_the_word() -> None:
    placed = layout([("a", 1.0), ("b", 100.0), ("c", 25.0), ("d", 25.0)], 600)
    assert [word for word, _, _ in placed] == ["b", "c", "d", "a"]
    sizes = [type_size for _, type_size, _ in placed]
    assert sizes == [LARGEST, LARGEST / 2, LARGEST / 2, SMALLEST]
    assert placed == layout([("a", 1.0), ("b", 100.0), ("c", 25.0), ("d", 25.0)], 600)


def picture(words: list[tuple[str, int]]) -> str:
    table = Table(
        name="t", title="T", columns=columns(("term", "W", "label"), ("kept", "N", "count")),
        rows=tuple(words),
    )  # fmt: skip
    chart = Chart(name="c", kind="cloud", table="t", title="Words", alt="a", x="kept", y="term")
    return svg(chart, table, prefix="p")


def test_hostile_words_are_text() -> None:
    drawn = picture([("</text><script>alert(1)</script>", 9), ("\u202eabc", 3), ("a\x00b", 1)])
    assert "<script" not in drawn
    assert "\u202e" not in drawn
    assert "\x00" not in drawn
    assert len(re.findall("<text ", drawn)) == 3
    assert "<title" in drawn
    assert "<desc" in drawn


@pytest.mark.parametrize("font", ["sans-serif", "monospace", "serif"])
def test_a_browser_draws_no_word_on_another(tmp_path: Path, font: str) -> None:
    words = [("Wimbledon", 40), ("iraq", 60), ("MMMM", 30), ("illlli", 20), ("東京", 30), ("x", 2)]
    words += [(f"word{i}", 10 + i) for i in range(24)]
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><style>text{{font-family:{font}}}</style>"
        f"{picture(words)}",
        encoding="utf-8",
    )
    with browser(tmp_path / "profile") as driver:
        driver.get(page.as_uri())
        boxes = driver.execute_script(
            "return [...document.querySelectorAll('svg text')].map(t => {const b = "
            "t.getBoundingClientRect(); return [b.left, b.right, t.textContent, b.top, b.bottom]})"
        )
    assert len(boxes) == len(words)
    for i, (left, right, _, top, bottom) in enumerate(boxes):
        for left2, right2, word, top2, bottom2 in boxes[i + 1 :]:
            wide = min(right, right2) - max(left, left2)
            high = min(bottom, bottom2) - max(top, top2)
            assert wide <= 1 or high <= 0.3 * min(bottom - top, bottom2 - top2), word
