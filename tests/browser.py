"""A real browser without a window, in which a page runs no script unless it may."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

PHONE, DESK, PAPER = 390, 1360, 680
"""Widths of windows and of a sheet, in CSS pixels."""

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        reason = f"no {name} on this machine (Debian: apt-get install chromium chromium-driver)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def browser(profile: Path, *, scripts: bool = False) -> Iterator[Any]:
    """Chromium with an empty profile; it keeps a log of the network and the console.

    Args:
        profile: An empty folder.
        scripts: Whether a page may run scripts.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.add_experimental_option(
        "prefs", {"profile.managed_default_content_settings.javascript": 1 if scripts else 2}
    )
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(program("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def show(
    driver: Any, url: str, *, width: int = DESK, scheme: str = "light", media: str = ""
) -> None:
    """Open a page in a window or on paper."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [feature]})
    driver.get(url)


def overflow(driver: Any) -> int:
    """By how many pixels the page is wider than its window."""
    script = "const d = document.documentElement; return d.scrollWidth - d.clientWidth"
    return int(driver.execute_script(script))
