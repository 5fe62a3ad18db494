"""The README and the pages of docs/ as tests read them: blocks, commands, links, headings."""

import re
import shlex
from pathlib import Path

from conftest import ROOT

README = ROOT / "README.md"
PAGES = (README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def blocks(page: Path, language: str = "") -> list[str]:
    """The fenced blocks of a language; without one those of a terminal."""
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def commands(page: Path) -> list[list[str]]:
    """The lines of a page's terminal blocks, continued ones joined, as a shell splits them."""
    lines = "\n".join(blocks(page)).replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def of_auditkit(page: Path) -> list[list[str]]:
    """What a page's terminal blocks give to `auditkit`."""
    return [words[1:] for words in commands(page) if Path(words[0]).name == "auditkit"]


def links(page: Path) -> list[str]:
    """The targets of a page's links that lead to no other site."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [target for target in targets if "://" not in target]


def anchors(page: Path) -> set[str]:
    """What a link can name a page's headings by."""
    titles = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
