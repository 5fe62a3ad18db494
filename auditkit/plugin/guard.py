"""Code of third parties runs in this process: what it may not do to it.

What dies outside of Python, in a library's own machine code, still takes the process along; the
next run tells of it (`auditkit.run.asking`).
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from types import FrameType
from typing import Any, NoReturn

TIMEOUT = 3600
"""Seconds that a third party's probe may take for each of its moments, unless told otherwise."""


class Stopped(BaseException):
    """A third party's code was kept from ending the process, or from going on.

    No handler of errors may take it for one: the code that is stopped may have such handlers.
    """


@contextmanager
def guarded(seconds: int) -> Iterator[None]:
    """Run a third party's code.

    `os._exit` is refused, and the working directory is afterwards what it was. Time is limited in
    the main thread of a system that has alarms, and not while a library's machine code runs.

    Args:
        seconds: What it may take.

    Raises:
        Stopped: It wanted to end the process, or took longer.
    """
    process, leave = os.getpid(), os._exit

    def refuse(status: int) -> NoReturn:
        if os.getpid() != process:  # a child that was forked ends this way
            leave(status)
        raise Stopped(f"it called os._exit({status!r:.20})")

    os._exit = refuse
    try:
        with chdir(os.curdir), _limited(seconds):
            yield
    finally:
        os._exit = leave


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """Let the block take so many seconds."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def overrun(number: int, frame: FrameType | None) -> NoReturn:
        raise Stopped(f"it took longer than {seconds} seconds; --probe-timeout allows more")

    before: Any = signal.signal(signal.SIGALRM, overrun)
    clock = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *clock)
        signal.signal(signal.SIGALRM, before)
