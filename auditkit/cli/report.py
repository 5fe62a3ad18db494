"""`auditkit report`."""

from pathlib import Path

import click

from auditkit.cli.console import bars, clean
from auditkit.cli.options import NAME


@click.command()
@click.argument("directory", type=NAME)
@click.option("--reanalyse", is_flag=True,
              help="First let the probes analyse the trace again; no model is needed.")  # fmt: skip
def report(directory: str, reanalyse: bool) -> int:
    """Write report.html and summary.md anew from DIRECTORY/results.json."""
    if reanalyse:
        return _reanalysed(directory)
    from auditkit.report.rendering import rerender

    for path in rerender(Path(directory)):
        click.echo(path)
    return 0


def _reanalysed(directory: str) -> int:
    from auditkit.run.directory import PAGES
    from auditkit.run.reanalysis import reanalyse

    with bars("probes") as bar:
        outcome = reanalyse(directory, lambda what, done, total: bar("analyse", done, total, what))
    for failure in outcome.audit.failures:
        click.echo(f"{failure.probe} broke: {clean(failure.error)}")
    for name in PAGES:
        click.echo(outcome.directory / name)
    return outcome.audit.exit_code
