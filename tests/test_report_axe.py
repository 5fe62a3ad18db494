"""The page as axe-core sees it, every fold open: no violation of any impact."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import report_case
from browser import PHONE, browser, show

from auditkit.report import page as report

WIDE = 1200
RUN = (
    "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then("
    "found => done(found.violations.map(v => `${v.id} (${v.impact}): ${v.nodes[0].html}`)),"
    "failed => done([String(failed)]))"
)


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core, out of a package that carries it; `make venv` installs it."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        reason = "no axe-core: pip install --no-deps axe-playwright-python"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser(tmp_path_factory.mktemp("profile"), scripts=True) as found:
        found.set_script_timeout(100)
        yield found


def violations(driver: Any, axe: str, path: Path, width: int, scheme: str) -> list[str]:
    show(driver, path.as_uri(), width=width, scheme=scheme)
    driver.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    driver.execute_script(axe)
    found: list[str] = driver.execute_async_script(RUN)
    return found


def test_axe_finds_what_is_wrong(driver: Any, axe: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.html"
    path.write_text("<p style='color: #aaa'>pale<img src=x>", encoding="utf-8")
    found = " ".join(violations(driver, axe, path, WIDE, "light"))
    assert "image-alt" in found
    assert "color-contrast" in found


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (WIDE, "light"),
        pytest.param(WIDE, "dark", marks=pytest.mark.slow),
        pytest.param(PHONE, "light", marks=pytest.mark.slow),
    ],
)
def test_the_page_has_no_violation(
    driver: Any, axe: str, tmp_path: Path, width: int, scheme: str
) -> None:
    path = tmp_path / "report.html"
    path.write_text(report.render_html(report_case.audit()), encoding="utf-8")
    assert violations(driver, axe, path, width, scheme) == []
