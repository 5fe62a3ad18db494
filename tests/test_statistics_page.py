"""The page on statistics names what the code computes, what reports show, and the same sources."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

PAGE = ROOT / "docs" / "statistics.md"
STATS = sorted((ROOT / "auditkit" / "stats").glob("*.py"))
CODE = (*ROOT.glob("auditkit/**/*.py"), *ROOT.glob("probes/*.py"))

CITED = re.compile(r"([^\W\d_][\w-]+)(?: et al\.)?,? \(?((?:18|19|20)\d\d)\b")
"""The last name and the year of a source."""

NO_NUMBERS = {"str", "At"}
"""What a function of `stats` gives that no report shows: a reason, a function."""


def read(path: Path) -> str:
    """A file in one line, strings that were cut joined."""
    text = path.read_text(encoding="utf-8")
    return " ".join(re.sub(r'"\s*\n\s*f?"', "", text).split())


def sources(text: str) -> set[tuple[str, str]]:
    """Who is cited, by last name and year."""
    return set(CITED.findall(" ".join(text.split())))


def entries() -> dict[str, str]:
    """The page's entries by title; the list of sources is none."""
    text = PAGE.read_text(encoding="utf-8").partition("\n## Sources\n")[0]
    parts = re.split(r"^#{2,3} (.+)$", text, flags=re.MULTILINE)[1:]
    return {
        title: body for title, body in zip(parts[::2], parts[1::2], strict=True) if body.strip()
    }


def _functions() -> Iterator[tuple[str, str]]:
    for path in STATS:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                assert node.returns is not None
                if ast.unparse(node.returns) not in NO_NUMBERS:
                    yield f"{path.stem}.{node.name}", ast.get_docstring(node) or ""


FUNCTIONS = dict(_functions())
"""`module.function` → docstring, of all public ones that give numbers."""


def measured() -> set[str]:
    """Names of measurements: those of the report that ships, and those that tables declare."""
    results = json.loads((ROOT / "reports" / "sample" / "results.json").read_text(encoding="utf-8"))
    names = {m["name"] for finding in results["findings"] for m in finding["measurements"]}
    for path in (*ROOT.glob("probes/*.py"), *ROOT.glob("auditkit/plugin/*.py")):
        names |= set(re.findall(r'\b(?:Number|measurement)\(\s*"(\w+)"', path.read_text("utf-8")))
    return names


def spans(text: str) -> set[str]:
    return set(re.findall(r"`([\w.]+)`", text))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_an_entry_that_names_its_sources(function: str) -> None:
    told = [body for body in entries().values() if f"stats.{function}" in spans(body)]
    assert told, f"say in an entry of docs/statistics.md what stats.{function} computes"
    for source in sources(FUNCTIONS[function]):
        assert any(source in sources(body) for body in told), source


@pytest.mark.parametrize("path", STATS, ids=lambda path: path.stem)
def test_whom_a_module_cites_the_entries_on_it_cite(path: Path) -> None:
    told = [body for body in entries().values() if f"`stats.{path.stem}." in body]
    assert sources(read(path)) <= set().union(*map(sources, told))


def test_functions_and_sources_of_the_page_are_those_of_the_code() -> None:
    public = {f"stats.{function}" for function in FUNCTIONS} | {"stats.anytime.Bets"}
    cited_by_code = set().union(*(sources(read(path)) for path in CODE))
    listed = sources(PAGE.read_text(encoding="utf-8").partition("\n## Sources\n")[2])
    for title, body in entries().items():
        assert {span for span in spans(body) if span.startswith("stats.")} <= public, title
        assert sources(body) <= cited_by_code, title
        assert sources(body) <= listed, title
    assert listed == set().union(*map(sources, entries().values()))


def test_every_number_of_a_report_has_an_entry() -> None:
    told = set().union(*map(spans, entries().values()))
    assert len(measured()) > 130
    assert measured() <= told
