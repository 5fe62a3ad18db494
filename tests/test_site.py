"""The site of the documentation: built strictly and without a network, whole, fetching nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from html_page import Page

import auditkit
from auditkit.cli.commands import cli

OFFLINE = """
import socket, sys

def refused(*_):
    raise OSError("the site is built without a network")

socket.socket.connect = socket.getaddrinfo = refused
from mkdocs.__main__ import cli
cli()
"""

LOADS = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href"),
         ("object", "data"), ("embed", "src"), ("use", "href"), ("image", "href")}  # fmt: skip
"""What a browser fetches without being asked."""

CONFIG = ROOT / "mkdocs.yml"


def named_in(entries: Any) -> list[str]:
    """The pages of a navigation, in order."""
    if isinstance(entries, str):
        return [entries]
    below = entries.values() if isinstance(entries, dict) else entries
    return [page for entry in below for page in named_in(entry)]


def test_every_page_is_in_the_navigation_once() -> None:
    pages = named_in(yaml.load(CONFIG.read_text(encoding="utf-8"), yaml.BaseLoader)["nav"])
    assert len(pages) == len(set(pages))
    written = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert set(pages) == written | {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}


def test_every_public_name_is_on_the_page_of_the_python_api() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^::: auditkit\.(\w+)$", text, flags=re.MULTILINE))
    assert told == set(auditkit.__all__) - {"__version__"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-c",
        OFFLINE,
        "build",
        "--strict",
        "-f",
        str(CONFIG),
        "-d",
        str(out),
    ]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return out


def pages_of(site: Path) -> dict[str, Page]:
    """The built pages by name; reports of runs that lie beside them have tests of their own."""
    return {path.name: Page(path.read_text(encoding="utf-8")) for path in site.glob("*.html")}


@pytest.mark.slow
def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loaded = 0
    for name, page in pages_of(site).items():
        for tag, attribute, value in page.attributes:
            if (tag, attribute) in LOADS:
                assert not re.match(r"(https?:)?//", value), f"{name}: <{tag} {attribute}={value}>"
                if name != "404.html":  # which is served at any place, by paths from the root
                    assert value.startswith("data:") or (site / value).is_file(), f"{name}: {value}"
                loaded += 1
    assert loaded > 50
    for style in site.rglob("*.css"):
        assert not re.search(r"@import|url\(\W?(https?:)?//", style.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_links_from_page_to_page_arrive(site: Path) -> None:
    """Also those that the theme and docstrings make, which the builder does not check."""
    pages = pages_of(site)
    for name, page in pages.items():
        for tag, attribute, value in page.attributes:
            if (tag, attribute) == ("a", "href") and name != "404.html" and ":" not in value:
                path, _, anchor = value.partition("#")
                assert (site / (path or name)).exists(), f"{name}: {value}"
                if anchor and (path or name) in pages:
                    assert anchor in pages[path or name].ids, f"{name}: {value}"


@pytest.mark.slow
def test_the_reference_is_written_by_the_code(site: Path) -> None:
    pages = pages_of(site)
    for name in cli.commands:
        assert f"Usage: auditkit {name} " in pages["commands.html"].text
    assert "auditkit probes new digits --package" in pages["commands.html"].text
    for name in set(auditkit.__all__) - {"__version__"}:
        assert f"auditkit.{name}" in pages["api.html"].ids
    assert "auditkit.stats.paired.tango_interval" in pages["stats.html"].ids
    assert ("a", "href", "stats.html#auditkit.stats.paired.tango_interval") in (
        pages["statistics.html"].attributes
    )
    assert (site / "configs" / "default.yaml").is_file()
