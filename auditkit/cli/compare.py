"""`auditkit compare`."""

from pathlib import Path

import click

from auditkit.cli.console import clean
from auditkit.cli.options import NAME

PAGE = "comparison.html"


@click.command()
@click.argument("runs", type=NAME, nargs=-1, required=True, metavar="RUN RUN …")
@click.option("--out", type=NAME, default=PAGE, show_default=True, metavar="FILE.html",
              help="The page; its numbers lie beside it as JSON.")  # fmt: skip
@click.option("--margin", type=click.FloatRange(0, 1, min_open=True), default=0.01,
              show_default=True,
              help="Loss of accuracy that the decision over all accepts.")  # fmt: skip
def compare(runs: tuple[str, ...], out: str, margin: float) -> int:
    """Hold finished runs side by side, each against the first, without any model.

    Two data sets, two budgets, two checkpoints, or one model over time: the same measurements with
    their differences, retention at equal shares of tokens alive, and one decision over all. What
    cannot be compared is listed with the reason.
    """
    from auditkit.files import write_whole
    from auditkit.finding import dumps
    from auditkit.report.comparison import render_comparison
    from auditkit.run.comparison import compare as compared

    page = Path(out)
    if page.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"--out is {out}; expected the name of an .html file")
    found = compared(runs, margin)
    numbers = page.with_suffix(".json")
    page.parent.mkdir(parents=True, exist_ok=True)
    write_whole(numbers, dumps(found))
    write_whole(page, render_comparison(found))
    click.echo(clean(found.sentence))
    if found.undecided:
        click.echo(clean(found.undecided))
    click.echo(f"comparison: {page}")
    return 0
