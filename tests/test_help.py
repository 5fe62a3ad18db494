"""What `--help` says of every command: examples that can be typed, exit codes, what is needed."""

import re
import shlex

import click
import pytest
from click.testing import CliRunner
from conftest import ROOT

from auditkit.cli.commands import cli
from auditkit.cli.probes import probes

COMMANDS = sorted(cli.commands)
DECIDING = {"demo", "gate", "probes", "report", "run"}
"""Commands whose exit code tells of gates or probes."""


def shown(*command: str) -> str:
    done = CliRunner().invoke(cli, [*command, "--help"])
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_can_be_typed(name: str) -> None:
    examples = re.findall(r"^    (auditkit .*)$", shown(name), flags=re.MULTILINE)
    assert examples
    for example in examples:
        words = shlex.split(example.partition(" < ")[0])
        assert words[:2] == ["auditkit", name]
        cli.commands[name].make_context(name, words[2:])  # raises where a flag is none of it


@pytest.mark.parametrize("name", sorted(probes.commands))
def test_examples_of_what_is_done_with_probes_can_be_typed(name: str) -> None:
    examples = re.findall(r"^    auditkit probes (.*)$", shown("probes", name), flags=re.MULTILINE)
    assert examples
    for example in examples:
        first, *words = shlex.split(example)
        assert first == name
        probes.commands[name].make_context(name, words)


@pytest.mark.parametrize("name", COMMANDS)
def test_exit_codes_are_those_of_the_readme(name: str) -> None:
    told = re.findall(r"^    (\d+) +(?=\w)", shown(name).partition("Exit codes:")[2], re.MULTILINE)
    assert told == (["0", "1", "2", "3", "4", "70", "130"] if name in DECIDING
                    else ["0", "2", "70", "130"])  # fmt: skip
    readme = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\d[\d, ]*) \|", readme.partition("| exit code |")[2], re.MULTILINE)
    known = {code for row in listed for code in row.split(", ")}
    assert {*told, *re.findall(r"14[13]", shown(name))} <= known


@pytest.mark.parametrize(
    ("name", "flags"),
    [("run", ["--model", "--dataset"]), ("explain", ["--model"]), ("convert", ["--out"]),
     ("train", ["--dataset", "--backbone", "--out"]), ("gate", ["--gates"])],
)  # fmt: skip
def test_what_is_required_is_marked(name: str, flags: list[str]) -> None:
    own = [p for p in cli.commands[name].params if isinstance(p, click.Option)]
    marked = {p.opts[0] for p in own if p.required or "required]" in (p.help or "")}
    assert marked == set(flags)
    assert shown(name).count("required]") == len(flags)
