"""What the README says works as written."""

import re
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import ROOT

from auditkit.cli.commands import cli
from auditkit.finding import Finding
from auditkit.plugin import Probe, discover
from auditkit.testing import check_probe, contract_traces

README = (ROOT / "README.md").read_text(encoding="utf-8")


def example() -> Any:
    code = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert code is not None
    scope: dict[str, Any] = {"__name__": "readme"}
    exec(code[1], scope)
    return scope["Digits"]()


@pytest.mark.parametrize("name", sorted(contract_traces()))
def test_the_probe_meets_the_contract(name: str) -> None:
    probe = example()
    assert isinstance(probe, Probe)
    finding = check_probe(probe, contract_traces()[name])
    assert finding is None or isinstance(finding, Finding)


def test_every_probe_is_listed() -> None:
    listed = re.findall(r"^\| `(\w+)` \| ", README, flags=re.MULTILINE)
    assert set(discover()) <= set(listed)


def test_every_command_and_flag_exists() -> None:
    blocks = "\n".join(re.findall(r"```\n(.*?)```", README, flags=re.DOTALL))
    lines = re.findall(r"^auditkit .*(?:\\\n.*)*", blocks, flags=re.MULTILINE)
    assert len(lines) > 5
    for line in lines:
        command = line.split()[1]
        shown = CliRunner().invoke(cli, [command, "--help"])
        assert shown.exit_code == 0, command
        for flag in re.findall(r"(--[a-z-]+)", line):
            assert flag in shown.output, f"{command} has no {flag}"
