"""`auditkit export`."""

from pathlib import Path

import click

from auditkit.cli.bars import bars
from auditkit.cli.options import NAME, ending


@click.command(
    epilog=ending(
        "export reports/ckpt-agnews --junit audit.xml --ctrf audit.json",
        "export reports/ckpt-agnews --mlflow sqlite:///mlflow.db",
    )
)
@click.argument("directory", type=NAME, metavar="RUN")
@click.option("--junit", type=NAME, metavar="FILE",
              help="Gates and probes as tests, in JUnit XML.")  # fmt: skip
@click.option("--ctrf", type=NAME, metavar="FILE",
              help="The same in the Common Test Report Format, JSON.")  # fmt: skip
@click.option("--mlflow", "tracking", is_flag=False, flag_value="", metavar="[URI]",
              help="Numbers, tables and the page to a new run of MLflow.  "
              "[URI: the variable MLFLOW_TRACKING_URI]")  # fmt: skip
def export(directory: str, junit: str | None, ctrf: str | None, tracking: str | None) -> None:
    """Tell other tools what RUN found, from its results.json, without any model.

    What is inconclusive or was not run decided nothing: it is skipped, and never passed. A run
    that was told to redact its pages is told redacted.
    """
    if junit is None and ctrf is None and tracking is None:
        raise click.UsageError("nothing to write: give --junit, --ctrf or --mlflow")
    with bars() as bar:
        bar("read the run", 0, 0)
        from auditkit.files import write_whole
        from auditkit.outputs.ctrf import ctrf as as_ctrf
        from auditkit.outputs.junit import junit as as_junit
        from auditkit.run.finished import finished

        run = finished(directory)
        for name, text in ((junit, as_junit(run.audit)), (ctrf, as_ctrf(run.audit, run.written))):
            if name is not None:
                Path(name).parent.mkdir(parents=True, exist_ok=True)
                write_whole(Path(name), text)
                click.echo(name)
        if tracking is not None:
            bar("log to MLflow", 0, 0)
            from auditkit.outputs.tracking import log

            click.echo(f"MLflow run {log(run.audit, run.directory, tracking)}")
