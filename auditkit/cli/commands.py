"""The commands, and what is said of what goes wrong in them."""

import errno
import os
import re
import sys
import traceback

import click

from auditkit._version import __version__
from auditkit.cli.attest import attest
from auditkit.cli.card import card
from auditkit.cli.compare import compare
from auditkit.cli.console import clean
from auditkit.cli.convert import convert
from auditkit.cli.demo import demo
from auditkit.cli.explain import explain
from auditkit.cli.export import export
from auditkit.cli.gate import gate
from auditkit.cli.options import EXIT_CODES, ending
from auditkit.cli.probes import probes
from auditkit.cli.report import report
from auditkit.cli.run import run
from auditkit.cli.train import train
from auditkit.errors import AuditError
from auditkit.signals import Ended
from auditkit.text import cut, fault

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Nothing more can be written: the disk, the quota or the largest file that is allowed is full."""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=ending(
        "demo",
        "train --dataset agnews --backbone DIR --out ckpt",
        "run --model ckpt --dataset agnews",
        "COMMAND --help",
        codes=EXIT_CODES,
    ),
)
@click.version_option(__version__, package_name="auditkit")
@click.option("--debug", is_flag=True, help="Show the stack of an error.")
def cli(debug: bool) -> None:
    """Train, prune and audit transformer classifiers that drop tokens (Learned Token Pruning)."""


COMMANDS = (demo, train, convert, run, explain, report, gate, compare, export, attest, card, probes)
for command in COMMANDS:
    cli.add_command(command)


def answer(arguments: list[str]) -> int:
    """Run the command that the arguments ask for; an error is one line on stderr.

    Returns:
        The exit code.

    Raises:
        BrokenPipeError: Nobody reads what is printed.
        KeyboardInterrupt, Ended: A signal came.
    """
    debug, stdout = "--debug" in arguments, sys.stdout
    try:
        code = cli.main(
            [a for a in arguments if a != "--debug"], prog_name="auditkit", standalone_mode=False
        )
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except (KeyboardInterrupt, Ended):
        raise
    except SystemExit as error:
        if sys.stdout is not stdout:  # click wraps a closed pipe and ends with 1: a failed gate
            raise BrokenPipeError from error
        raise
    except BaseException as error:  # noqa: BLE001 (the last resort: one line instead of a stack)
        if debug:
            traceback.print_exc()
        code = _said(*_told(error))
    return code if isinstance(code, int) else 0


def _told(error: BaseException) -> tuple[str, int]:
    """What to say of an error, and the exit code."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{error.format_message()} See `{error.ctx.command_path} --help`.", error.exit_code
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    if isinstance(error, AuditError):
        return str(error), error.exit_code
    if (refused := _of_the_system(error)) is not None:
        where = refused.filename or "a file"
        return f"{where}: {refused.strerror}; check the path, its rights and the space", 2
    return (
        f"a fault of its own: {cut(fault(error), 300)}; "
        "run it again with --debug and report the stack"
    ), 70


def _of_the_system(error: BaseException | None) -> OSError | None:
    """What the file system said, of a path or of a full disk, as libraries pass it on."""
    while error is not None:
        if isinstance(error, OSError) and (error.filename is not None or error.errno in FULL):
            return error
        number = re.search(r"\(os error (\d+)\)", str(error))  # as libraries in Rust say it
        if number is not None and int(number[1]) in FULL:
            return OSError(int(number[1]), os.strerror(int(number[1])))
        error = error.__cause__ or error.__context__
    return None


def _said(message: str, code: int) -> int:
    """Print the one line of an error and hand back its exit code."""
    click.echo(f"auditkit: {' '.join(clean(message).split())}", err=True)
    return code
