"""`auditkit attest`."""

import click

from auditkit.cli.bars import bars
from auditkit.cli.console import clean
from auditkit.cli.options import NAME, ending

RELATIONSHIPS = ["first_party", "third_party", "collaborative", "other"]


@click.command(
    epilog=ending(
        "attest reports/ckpt-agnews",
        "attest reports/ckpt-agnews --out evidence --organization 'Audit Ltd' "
        "--relationship third_party",
    )
)
@click.argument("directory", type=NAME, metavar="RUN")
@click.option("--out", type=NAME, metavar="DIR", help="Gets the files.  [default: RUN]")
@click.option("--organization", type=NAME, default="unknown", show_default=True, metavar="NAME",
              help="Who audited, in the record of Every Eval Ever.")  # fmt: skip
@click.option("--relationship", type=click.Choice(RELATIONSHIPS), default="other",
              show_default=True, help="Of the auditor to whoever made the model.")  # fmt: skip
def attest(directory: str, out: str | None, organization: str, relationship: str) -> None:
    """Write evidence of RUN that other tools can sign, verify and collect.

    An in-toto statement of its gates on the checkpoint's SHA-256 (statement.json: PASSED, WARNED or
    FAILED; a gate that is inconclusive or was not run is a warning), a CycloneDX bill with a model
    card (bom.cdx.json), and a record of Every Eval Ever (every_eval_ever.json). None is signed.
    """
    with bars() as bar:
        bar("read the run", 0, 0)
        from auditkit.files import Folder
        from auditkit.outputs.bom import bom
        from auditkit.outputs.every_eval import record
        from auditkit.outputs.statement import result, statement
        from auditkit.report.gates import counted
        from auditkit.run.finished import finished

        run = finished(directory)
        audit, place = run.audit, Folder(out or directory)
        texts = {
            "statement.json": statement(audit, run.limits, run.gates_sha256),
            "bom.cdx.json": bom(audit, run.written, run.results_sha256),
            "every_eval_ever.json": record(
                audit, run.written, organization=organization, relationship=relationship
            ),
        }
        for name, text in texts.items():
            place.write(name, text)
    click.echo(f"{result(audit)}: {counted(audit.gates) or 'no gate was asked for'}")
    for name in texts:
        click.echo(clean(str(place / name)))
