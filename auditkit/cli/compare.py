"""`auditkit compare`."""

from pathlib import Path

import click

from auditkit.cli.bars import bars
from auditkit.cli.console import clean
from auditkit.cli.options import NAME, ending

PAGE = "comparison.html"


@click.command(
    epilog=ending(
        "compare reports/ckpt-agnews reports/ckpt-imdb",
        "compare reports/may reports/june --name May --name June --out months.html",
    )
)
@click.argument("runs", type=NAME, nargs=-1, required=True, metavar="RUN RUN …")
@click.option("--out", type=NAME, default=PAGE, show_default=True, metavar="FILE.html",
              help="The page; its numbers lie beside it as JSON.")  # fmt: skip
@click.option("--name", "names", multiple=True, metavar="NAME",
              help="What a run is called, once for each.  [default: its directory]")  # fmt: skip
@click.option("--margin", type=click.FloatRange(0, 1, min_open=True), metavar="SHARE",
              help="Loss of accuracy that the decision over all accepts.  [default: what the runs "
              "accept]")  # fmt: skip
def compare(runs: tuple[str, ...], out: str, names: tuple[str, ...], margin: float | None) -> int:
    """Hold finished runs side by side, each against the first, without any model.

    Two data sets, two budgets, two checkpoints, or one model over time: the same measurements with
    their differences, retention at equal shares of pieces alive, and one decision over all. What
    cannot be compared is listed with the reason.
    """
    page = Path(out)
    if page.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"--out is {out}; expected the name of an .html file")
    with bars() as bar:
        bar("compare the runs", 0, 0)
        from auditkit.files import write_whole
        from auditkit.finding import dumps
        from auditkit.report.comparison import render_comparison
        from auditkit.run.comparison import compare as compared

        found = compared(runs, margin, names)
        bar("draw the page", 0, 0)
        html = render_comparison(found)
    page.parent.mkdir(parents=True, exist_ok=True)
    write_whole(page.with_suffix(".json"), dumps(found))
    write_whole(page, html)
    for line in filter(None, (found.sentence, found.undecided)):
        click.echo(clean(line))
    compared_count = sum(len(table.rows) for table in (*found.probes, found.figures) if table)
    left_out = sum(int(str(count)) for count in found.left_out.column("count"))
    click.echo(f"{compared_count:,} numbers compared, {left_out:,} not: the page says why")
    click.echo(page)
    click.echo(page.with_suffix(".json"))
    return 0
