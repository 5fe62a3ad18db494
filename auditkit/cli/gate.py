"""`auditkit gate`."""

from typing import TYPE_CHECKING

import click

from auditkit.cli.console import cell
from auditkit.cli.options import NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.finding import GateResult


@click.command()
@click.argument("directory", type=NAME)
@click.option("--gates", "--config", "file", metavar="YAML", required=True,
              help="The limits: a list, or a config with the key gates.")  # fmt: skip
def gate(directory: str, file: str) -> int:
    """Hold the results in DIRECTORY against limits, without any model.

    Exit codes: 0 all pass, 1 one fails, 3 a probe of the run broke, 4 one is inconclusive or was
    not run.
    """
    from dataclasses import replace

    from auditkit.files import Folder
    from auditkit.report.rendering import load
    from auditkit.run.betting import bet
    from auditkit.run.directory import TRACE
    from auditkit.run.gates import judge
    from auditkit.run.settings import read_gates
    from auditkit.trace import Trace

    gates, audit, place = read_gates(file), load(directory), Folder(directory)
    bets = {}
    if any(gate.on == "anytime" for gate in gates):
        bets = bet(gates, Trace.open(place / TRACE), place)
    judged = replace(audit, gates=judge(gates, audit.findings, audit.failures, bets))
    tell(judged.gates)
    return judged.exit_code


def tell(gates: "Sequence[GateResult]") -> None:
    """One line a gate."""
    for result in gates:
        status = result.status.replace("_", " ")
        seen = "" if result.value is None else f" (seen {result.value:g})"
        click.echo(
            f"gate {status}: {cell(result.address)} {result.asked}{seen}: {cell(result.reason)}"
        )
