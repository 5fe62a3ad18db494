"""`auditkit card`."""

from pathlib import Path

import click

from auditkit.cli.bars import bars
from auditkit.cli.options import NAME, PLACE, ending

README = "README.md"


@click.command(epilog=ending("card ckpt reports/ckpt-agnews"))
@click.argument("checkpoint", type=PLACE, metavar="CKPT")
@click.argument("directory", type=NAME, metavar="RUN")
def card(checkpoint: Path, directory: str) -> None:
    """Write what RUN found into the model card of CKPT, its README.md.

    Key numbers go into the model-index of its metadata, the findings into a section of its text.
    Both replace those of an earlier call; all else stays as its author wrote it. Words of the data
    set stand in findings unless the run was told --redact.
    """
    with bars() as bar:
        bar("read the run", 0, 0)
        from auditkit.errors import SettingsError
        from auditkit.files import write_whole
        from auditkit.ltp.checkpoints import fingerprint
        from auditkit.outputs.card import updated
        from auditkit.report.overview import about_of
        from auditkit.run.finished import finished

        run = finished(directory)
        if not checkpoint.is_dir():
            raise SettingsError(
                f"{checkpoint} is no directory; give the checkpoint that was audited"
            )
        audited, seen = about_of(run.audit).model, fingerprint(str(checkpoint))
        if seen != audited.sha256:
            raise SettingsError(
                f"{checkpoint} has SHA-256 {seen[:12]}…, {directory} audited {audited.name:.100} "
                f"with {audited.sha256[:12]}…; give the checkpoint that was audited, unchanged"
            )
        path = checkpoint / README
        try:
            text = path.read_bytes().decode("utf-8") if path.exists() else ""
        except UnicodeDecodeError as error:
            raise SettingsError(f"{path} is not UTF-8; save it as UTF-8") from error
        told = updated(text, run.audit, run.limits, run.written, redacted=run.redacted)
        write_whole(path, told)
    click.echo(path)
