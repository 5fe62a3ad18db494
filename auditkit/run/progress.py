"""How far a run is, and how long its phases take."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]
"""Told (what, done, total); total is 0 while it is not known. What is told of next begins when this
ends, so that whoever looks sees one thing at a time."""


def unseen(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


class Clock:
    """Measured seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Time the block; a phase that comes again adds to itself."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start
