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
@click.option("--redact/--no-redact", default=None,
              help="Leave out text of the data set and words that few documents hold, so that the "
              "pages can be shown to others.  [default: as the run was told]")  # fmt: skip
@click.option("--pdf", is_flag=False, flag_value="", metavar="[FILE]",
              help="Print the page, too, by Chromium or Chrome.  [FILE: DIRECTORY/report.pdf]",
              )  # fmt: skip
def report(
    directory: str,
    reanalyse: bool,
    tables: str | None,
    redact: bool | None,
    pdf: str | None,
    *,
    interactive: bool,
) -> int:
    """Write report.html and summary.md anew from DIRECTORY/results.json."""
    if tables is not None:
        if reanalyse or redact is not None or pdf is not None:
            raise click.UsageError("--tables writes no page: give it alone")
        return _tabulated(directory, tables)
    if reanalyse:
        if interactive:
            raise click.UsageError("--interactive and --reanalyse: give them one after the other")
        code = _reanalysed(directory, redact)
    else:
        code = _rendered(directory, redact, interactive=interactive)
    if pdf is not None:
        with bars() as bar:
            bar("print the page", 0, 0)
            from auditkit.outputs.pdf import print_page

            page = Path(directory, "report.html")
            printed = print_page(page, Path(pdf or page.with_suffix(".pdf")))
        click.echo(printed)
    return code


def _rendered(directory: str, redact: bool | None, *, interactive: bool) -> int:
    with bars() as bar:
        bar("draw the page", 0, 0)
        from auditkit.files import write_whole
        from auditkit.report.rendering import PAGES
        from auditkit.run.directory import load

        audit = load(directory)
        html = audit.to_html(interactive=interactive, redacted=redact)
        pages = (html, audit.to_markdown(redacted=redact))
        for name, text in zip(PAGES, pages, strict=True):
            write_whole(Path(directory, name), text)
            click.echo(Path(directory, name))
    return 0


def _tabulated(directory: str, tables: str) -> int:
    from auditkit.files import Folder
    from auditkit.outputs.tables import write_tables
    from auditkit.report.rendering import load_results
    from auditkit.trace import Trace

    results, recorded = load_results(directory), Folder(directory) / "trace"
    trace = Trace.open(recorded) if recorded.has("about.json") else None
    with bars() as bar:
        files = write_tables(results, trace, Path(tables), partial(bar, "write words by shard"))
    if trace is None:
        click.echo("the run has no trace: words are left out")
    click.echo(f"{len(files)} files in {tables}; what each holds: tables.json")
    return 0


def _reanalysed(directory: str, redact: bool | None) -> int:
    from auditkit.report.rendering import PAGES
    from auditkit.run.reanalysis import reanalyse

    with bars() as bar:
        audit = reanalyse(directory, bar, redact=redact)
    for failure in audit.failures:
        click.echo(f"{failure.probe} broke: {clean(failure.error)}")
    for name in PAGES:
        click.echo(audit.directory / name)
    return audit.exit_code
