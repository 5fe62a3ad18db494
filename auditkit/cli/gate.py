"""`auditkit gate`."""

from typing import TYPE_CHECKING

import click

from auditkit.cli.console import cell
from auditkit.cli.options import EXIT_CODES, NAME, ending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditkit.finding import GateResult


@click.command(
    epilog=ending(
        "gate reports/ckpt-agnews --gates gates.yaml",
        "gate reports/ckpt-agnews --against reports/last --margin 0.02",
        codes=EXIT_CODES,
    )
)
@click.argument("directory", type=NAME)
@click.option(
    "--gates",
    "--config",
    "file",
    metavar="YAML",
    help="The limits: a list, or a config with the key gates.  [this or --against is required]",
)
@click.option(
    "--against", type=NAME, metavar="RUN", help="An earlier run that this one must not fall behind."
)
@click.option("--margin", type=click.FloatRange(0, 1), default=0.01, show_default=True,
              help="Loss that --against accepts: 0.01 is one point of a share, or one per cent of "
              "another figure.")  # fmt: skip
def gate(directory: str, file: str | None, against: str | None, margin: float) -> int:
    """Hold the results in DIRECTORY against limits or an earlier run, without any model."""
    from dataclasses import replace

    from auditkit.files import Folder
    from auditkit.report.rendering import load_results
    from auditkit.run.betting import bet
    from auditkit.run.directory import TRACE
    from auditkit.run.gates import judge
    from auditkit.run.regression import regressions
    from auditkit.run.settings import read_gates
    from auditkit.trace import Trace

    if not file and not against:
        raise click.UsageError("nothing to hold the results against: give --gates or --against")
    gates = read_gates(file) if file else ()
    audit, place, bets = load_results(directory), Folder(directory), {}
    if any(gate.on == "anytime" for gate in gates):
        with place.held():
            bets = bet(gates, Trace.open(place / TRACE), place)
    results = judge(gates, audit.findings, audit.failures, bets)
    if against:
        results += regressions((audit, place), (load_results(against), Folder(against)), margin)
    tell(results)
    return replace(audit, gates=results).exit_code


def tell(gates: "Sequence[GateResult]") -> None:
    """One line a gate."""
    for result in gates:
        seen = "" if result.value is None else f" (seen {result.value:g})"
        click.echo(
            f"gate {result.word}: {cell(result.address)} {result.asked}{seen}: "
            f"{cell(result.reason)}"
        )
