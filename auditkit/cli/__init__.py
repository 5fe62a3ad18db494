"""The command line: sole home of click, of rich, and of printing.

Exit codes: 0 done, and all gates that were asked for pass · 1 a gate failed · 2 usage or input ·
3 a probe broke (the report is written) · 4 a gate is inconclusive or was not run ·
70 a fault of auditkit's own · 130 interrupted.
"""

import sys
import traceback

import click

from auditkit._version import __version__
from auditkit.cli.console import clean
from auditkit.cli.convert import convert
from auditkit.cli.demo import demo
from auditkit.cli.explain import explain
from auditkit.cli.gate import gate
from auditkit.cli.probes import probes
from auditkit.cli.report import report
from auditkit.cli.run import run
from auditkit.cli.train import train
from auditkit.errors import AuditError
from auditkit.text import cut, fault


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="auditkit")
@click.option("--debug", is_flag=True, help="Show the stack of an error.")
def cli(debug: bool) -> None:
    """Train, prune and audit transformer classifiers that drop tokens (Learned Token Pruning)."""


for command in (demo, train, convert, run, explain, report, gate, probes):
    cli.add_command(command)


def main() -> None:
    """Run a command and leave with its exit code; an error is one line on stderr."""
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        code = cli.main(arguments, prog_name="auditkit", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = _said("interrupted; the same command goes on (`auditkit train` with --resume)", 130)
    except Exception as error:  # noqa: BLE001 (the last resort: one line instead of a stack)
        if debug:
            traceback.print_exc()
        code = _said(*_told(error))
    sys.exit(code if isinstance(code, int) else 0)


def _told(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit code."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{error.format_message()} See `{error.ctx.command_path} --help`.", error.exit_code
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    if isinstance(error, AuditError):
        return str(error), error.exit_code
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; check the path, its rights and the space", 2
    return (
        f"a fault of its own: {cut(fault(error), 300)}; "
        "run it again with --debug and report the stack"
    ), 70


def _said(message: str, code: int) -> int:
    """Print the one line of an error and hand back its exit code."""
    click.echo(f"auditkit: {' '.join(clean(message).split())}", err=True)
    return code
