"""`auditkit report`."""

from functools import partial
from pathlib import Path

import click

from auditkit.cli.bars import bars
from auditkit.cli.console import clean
from auditkit.cli.options import EXIT_CODES, NAME, ending


@click.command(
    epilog=ending(
        "report reports/ckpt-agnews",
        "report reports/ckpt-agnews --reanalyse",
        "report reports/ckpt-agnews --tables csv",
        codes=EXIT_CODES,
    )
)
@click.argument("directory", type=NAME)
@click.option("--reanalyse", is_flag=True,
              help="First let the probes analyse the trace again; no model is needed.")  # fmt: skip
@click.option("--tables", type=NAME, metavar="DIR",
              help="Write all tables, and every word with the layer that dropped it, as CSV "
              "instead.")  # fmt: skip
@click.option("--interactive", is_flag=True,
              help="Pictures that answer the pointer; the page is then 1 MB larger.")  # fmt: skip
def report(directory: str, reanalyse: bool, tables: str | None, *, interactive: bool) -> int:
    """Write report.html and summary.md anew from DIRECTORY/results.json."""
    if tables is not None:
        if reanalyse:
            raise click.UsageError("--tables writes no page: give it alone")
        return _tabulated(directory, tables)
    if reanalyse:
        return _reanalysed(directory)
    with bars() as bar:
        bar("draw the page", 0, 0)
        from auditkit.files import Folder
        from auditkit.report.rendering import rerender
        from auditkit.run.directory import written

        date = written(Folder(directory))[:10]
        paths = rerender(Path(directory), written=date, interactive=interactive)
    for path in paths:
        click.echo(path)
    return 0


def _tabulated(directory: str, tables: str) -> int:
    from auditkit.files import Folder
    from auditkit.outputs.tables import write_tables
    from auditkit.report.rendering import load
    from auditkit.trace import Trace

    audit, recorded = load(directory), Folder(directory) / "trace"
    trace = Trace.open(recorded) if recorded.has("about.json") else None
    with bars() as bar:
        files = write_tables(audit, trace, Path(tables), partial(bar, "write words by shard"))
    if trace is None:
        click.echo("the run has no trace: words are left out")
    click.echo(f"{len(files)} files in {tables}; what each holds: tables.json")
    return 0


def _reanalysed(directory: str) -> int:
    from auditkit.run.directory import PAGES
    from auditkit.run.reanalysis import reanalyse

    with bars() as bar:
        outcome = reanalyse(directory, bar)
    for failure in outcome.audit.failures:
        click.echo(f"{failure.probe} broke: {clean(failure.error)}")
    for name in PAGES:
        click.echo(outcome.directory / name)
    return outcome.audit.exit_code
