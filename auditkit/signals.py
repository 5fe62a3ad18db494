"""Signals that end a command: they are raised as `Ended`, and told from what code raises itself."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # not all of them are known everywhere


class Ended(BaseException):
    """A signal to end came; no handler of errors may take it for one."""


class Interrupted(Ended, KeyboardInterrupt):
    """It was SIGINT."""


@contextmanager
def answered() -> Iterator[list[int]]:
    """While the block runs, signals to end are raised, and noted in the list that it gets.

    A signal that is ignored already, as under nohup, stays ignored.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise Interrupted if number == signal.SIGINT else Ended

    known = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in known}
    for number, handler in before.items():
        if handler in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, stop)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_signal(error: BaseException) -> bool:
    """Whether a signal ended what ran, and not the code that ran by itself.

    A bare `KeyboardInterrupt` is what Python's own handler raises, and what any code can raise:
    where that handler is in place it is taken for the user's.
    """
    own = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return isinstance(error, Ended) or (own and isinstance(error, KeyboardInterrupt))
