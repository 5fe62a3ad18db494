"""What the README and the pages of docs/ say works as written."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from conftest import ROOT
from pages import PAGES, README, anchors, blocks, commands, links, of_auditkit, prose

from auditkit.cli.commands import cli
from auditkit.data.lexicon import read_lexicon
from auditkit.data.swaps import read_swaps
from auditkit.finding import Finding
from auditkit.plugin import Probe, discover
from auditkit.run.settings import load_settings, read_gates
from auditkit.testing import check_probe, contract_traces

PROBES = ROOT / "docs" / "probes.md"
GATES = ROOT / "docs" / "gates.yaml"
DOCS = tuple(page for page in PAGES if page.parent.name == "docs")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


each_page = pytest.mark.parametrize("page", PAGES, ids=named)


def flags_of(command: click.Command) -> set[str]:
    """Those of its own commands too, where it has some."""
    own = command.commands.values() if isinstance(command, click.Group) and command != cli else ()
    flags = {flag for parameter in command.params for flag in parameter.opts} | {"--help"}
    return flags.union(*map(flags_of, own))


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) < 200
    led_to = {(ROOT / target.partition("#")[0]).resolve() for target in links(README)}
    assert set(DOCS) <= led_to


@each_page
def test_every_link_leads_to_a_file_or_a_heading(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_every_probe_is_listed() -> None:
    listed = re.findall(r"^\| `(\w+)` \| ", PROBES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(discover()) == sorted(listed)
    assert f"The {len(listed)} probes" in README.read_text(encoding="utf-8").replace("\n", " ")


@each_page
def test_every_command_is_understood(page: Path) -> None:
    """By the parser itself: a command, flag or choice that is not there, or one that is missing."""
    for name, *arguments in of_auditkit(page):
        cli.commands[name].make_context(name, arguments)


def test_there_are_commands_to_understand() -> None:
    """The check above would be satisfied with none."""
    told = [of_auditkit(page) for page in PAGES]
    assert len(told[0]) > 6
    assert {name for lines in told for name, *_ in lines} > {"train", "run", "gate", "compare"}


@each_page
def test_files_of_the_project_that_commands_name_are_there(page: Path) -> None:
    words = [word for line in commands(page) for word in line]
    for word in words:
        if word.startswith(("auditkit/", "benchmarks/", "docs/", "configs/")):
            assert (ROOT / word).is_file(), word


def test_run_directories_that_the_readme_goes_on_with_are_made_by_its_commands() -> None:
    """Or by the demo, whose own test runs what is printed after it."""
    made = {"reports/demo-news/audit"}
    for name, *arguments in of_auditkit(README):
        given = cli.commands[name].make_context(name, arguments).params
        if name == "run":
            made.add(given["out"])
    words = {word for line in of_auditkit(README) for word in line}
    assert {word for word in words if word.startswith("reports/") and "minilm" not in word} == made


@each_page
def test_flags_named_in_the_text_exist(page: Path) -> None:
    """Of the command that they are named with; alone, of any command or of a benchmark."""
    everywhere = set().union(*map(flags_of, cli.commands.values()))
    for file in (ROOT / "benchmarks").glob("*.py"):
        everywhere |= set(re.findall(r'"(--[a-z-]+)"', file.read_text(encoding="utf-8")))
    for span in re.findall(r"`([^`]+)`", prose(page)):
        words = span.split()
        flags = {word for word in words if re.fullmatch(r"--[a-z][a-z-]*", word)}
        known = everywhere
        if words[0].endswith("auditkit") and len(words) > 1:
            command = cli.commands.get(words[1])
            known = flags_of(command) if command else flags_of(cli) | {"--version"}
        if words[0].startswith("--") or words[0].endswith("auditkit"):
            assert flags <= known, span


@each_page
def test_targets_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    spans = [span.split() for span in re.findall(r"`(make [^`]+)`", prose(page))]
    for words in spans + [line for line in commands(page) if line[0] == "make"]:
        assert words[1] in targets, words


def _settings(file: str) -> Any:
    return load_settings(file, {"model": "ckpt"})


READERS: dict[str, Callable[[str], Any]] = {
    "address": read_gates, "categories": read_lexicon, "grounds": read_swaps,
    "dataset": _settings,
}  # fmt: skip
"""By a key of it: what reads a block of YAML."""


@each_page
def test_every_block_of_yaml_is_read(page: Path, tmp_path: Path) -> None:
    for number, text in enumerate(blocks(page, "yaml")):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text, encoding="utf-8")
        value = yaml.safe_load(text)
        keys = value[0] if isinstance(value, list) else value
        (read,) = (READERS[key] for key in READERS.keys() & keys)
        assert read(str(file))


def test_the_gates_told_of_are_those_of_the_file() -> None:
    for page in (README, ROOT / "docs" / "gates.md"):
        assert blocks(page, "yaml")[0] == GATES.read_text(encoding="utf-8")


@each_page
def test_every_block_of_python_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself; those of docs/python.md run one after the other, on a run: `test_audit.py`."""
    monkeypatch.chdir(ROOT)  # pages name files as they lie in a checkout
    for code in blocks(page, "python") if page.name != "python.md" else ():
        exec(code, {"__name__": "page"})


def test_the_entry_point_is_of_the_group_that_is_looked_in() -> None:
    (text,) = blocks(PROBES, "toml")
    own = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (group,) = tomllib.loads(text)["project"]["entry-points"]
    assert group in own["project"]["entry-points"]


@pytest.mark.parametrize("name", sorted(contract_traces()))
def test_the_probe_of_your_own_meets_the_contract(name: str) -> None:
    (code,) = blocks(README, "python")
    scope: dict[str, Any] = {"__name__": "readme"}
    exec(code, scope)
    probe = scope["Digits"]()
    assert isinstance(probe, Probe)
    finding = check_probe(probe, contract_traces()[name])
    assert finding is None or isinstance(finding, Finding)
