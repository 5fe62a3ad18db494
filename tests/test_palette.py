import doctest
import re
from itertools import product
from pathlib import Path

import pytest
import report_case
from conftest import ROOT

from auditkit.report import palette
from auditkit.report.page import render_html
from auditkit.report.palette import PALETTE, SERIES

TEXT = ("ink", "soft", "link", "gone", "now", "pass", "fail", "warn", "open")
FONTS = {"serif", "sans", "mono"}
SHEETS = sorted(
    path
    for folder in ("templates", "auditkit/report")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".j2", ".css") and path.name != "palette.py"
)


def channels(value: str) -> list[float]:
    digits = value[1:] if len(value) == 7 else "".join(2 * digit for digit in value[1:])
    return [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]


def luminance(value: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(value)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(palette) == (0, 1)


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_no_value_of_a_colour_stands_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"#(?:[0-9a-fA-F]{3,4}){1,2}\b|\b(?:rgb|hsl|oklch)a?\(", text)
    assert {*re.findall(r"var\(--([\w-]+)\)", text)} <= {*PALETTE, *FONTS, "tint"}


def test_no_value_that_is_not_used() -> None:
    page = render_html(report_case.audit())
    used = {*re.findall(r"var\(--([\w-]+)\)", page)}
    assert {name for name in PALETTE if f"var(--{name})" not in SERIES} <= used


@pytest.mark.parametrize(("name", "ground"), [*product(TEXT, ("paper", "wash"))])
def test_text_has_a_contrast_of_four_and_a_half(name: str, ground: str) -> None:
    for scheme in (0, 1):
        assert contrast(PALETTE[name][scheme], PALETTE[ground][scheme]) >= 4.5


@pytest.mark.parametrize("series", SERIES)
def test_a_series_has_a_contrast_of_three(series: str) -> None:
    name = series.removeprefix("var(--").removesuffix(")")
    for scheme in (0, 1):
        assert contrast(PALETTE[name][scheme], PALETTE["paper"][scheme]) >= 3


def test_no_two_names_have_the_same_values() -> None:
    assert len(set(PALETTE.values())) == len(PALETTE)


def test_the_variables_come_before_what_uses_them() -> None:
    page = render_html(report_case.audit())
    assert page.count(palette.style()) == 1
    assert page.index(palette.style()) == page.index("<style>") + len("<style>")
