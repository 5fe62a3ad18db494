"""The command line: sole home of click, of rich, and of printing.

Exit codes: 0 done, and all gates that were asked for pass · 1 a gate failed · 2 usage or input ·
3 a probe broke (the report is written) · 4 a gate is inconclusive or was not run ·
70 a fault of auditkit's own · 128 + the signal that ended it: 130 interrupted, 141 nobody reads
what is printed, 143 terminated.

Nothing slow is imported here, so that a signal is answered from the first moment on.
"""

import io
import os
import signal
import sys
from contextlib import suppress

from auditkit.signals import answered

CLOSED_PIPE = 141
"""As a shell has it of a program that SIGPIPE has ended."""


def main() -> None:
    """Run a command and leave with its exit code; an error is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an encoding may lack what is printed
            stream.reconfigure(errors="replace")
    try:
        code = _code()
        sys.stdout.flush()
    except BrokenPipeError:
        code = CLOSED_PIPE
        with suppress(OSError, ValueError):  # what is left to be flushed has nowhere to go
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _code() -> int:
    """The exit code of the command that the arguments ask for."""
    with answered() as received:
        try:
            from auditkit.cli.commands import answer

            return answer(sys.argv[1:])
        except BaseException as error:
            if not received and not isinstance(error, KeyboardInterrupt):
                raise
            number = received[0] if received else signal.SIGINT
            name = signal.Signals(number).name
            said = "interrupted" if name == "SIGINT" else f"ended by {name}"
            print(
                f"auditkit: {said}; the same command goes on (`auditkit train` with --resume)",
                file=sys.stderr,
            )
            return 128 + number
