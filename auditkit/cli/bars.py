"""What people see while they wait: which step is done, how far it is, and what is left.

On a terminal the step is one line that moves. Elsewhere it is a line when it begins, one every
`EVERY` seconds, and one when it ends. Both say the same figures.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from auditkit.cli.console import clean, error_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

EVERY = 15.0
"""Seconds between two lines on a step that goes on, off a terminal."""
SHORT = 1.0
"""Seconds. A step that takes less leaves no line of its end; what is done by then was found done,
as where a run goes on, and says nothing of the pace."""
WINDOW = 60.0
"""Seconds whose pace tells what is left."""
WIDEST, NARROWEST = 24, 4
"""Columns of a bar; what is left of a line for less than the second is left empty."""
TURNING = "|/-\\"


@dataclass
class Step:
    """One thing that is done, and what was told of it."""

    name: str
    started: float
    """Seconds, as all times here, of one clock."""
    done: int = 0
    total: int = 0
    """0: how much there is to do is not known."""
    note: str = ""
    seen: deque[tuple[float, int]] = field(default_factory=deque)
    """When how much was done, over the last `WINDOW`."""

    def tell(self, now: float, done: int, total: int, note: str = "") -> None:
        """Take in how far it is."""
        self.done, self.total, self.note = done, total, clean(note)
        if now - self.started < SHORT:
            self.seen.clear()
        if not self.seen or now - self.seen[-1][0] >= SHORT:
            self.seen.append((now, done))
        while len(self.seen) > 2 and self.seen[1][0] <= now - WINDOW:
            self.seen.popleft()

    def rate(self, now: float) -> float | None:
        """How much is done a second; None where too little is known."""
        start, before = self.seen[0]
        return (self.done - before) / (now - start) if self.done > before and now > start else None

    def figures(self, now: float, of: str = "/") -> list[str]:
        """How much is done, how fast, for how long, and what is left, as far as it is known."""
        said, rate = [], self.rate(now)
        if self.done or self.total:
            said.append(f"{self.done:,}{of}{self.total:,}" if self.total else f"{self.done:,}")
        if rate is not None:
            said.append(f"{rate:,.1f}/s")
        said.append(_clock(now - self.started))
        if rate is not None and self.done < self.total:
            said.append(f"ETA {_clock((self.total - self.done) / rate)}")
        return said

    def line(self, now: float) -> str:
        """How far it is, in words."""
        told = f"{self.name}: {', '.join(self.figures(now, ' of '))}"
        return f"{told}; {self.note}" if self.note else told

    def end(self, now: float) -> str:
        """What there is to say once it is over; "" of a short step."""
        if now - self.started < SHORT:
            return ""
        count = f"{self.done:,} " if self.total else ""
        return f"{self.name}: {count}done in {_clock(now - self.started)}"

    def drawn(self, now: float, width: int, glyphs: str) -> "Text":
        """One line of `width` columns: the figures are whole, bar, note and name give way.

        Args:
            now: The time.
            width: Of the terminal.
            glyphs: What is done of a bar, and what is not.
        """
        from rich.text import Text

        figures = " ".join(self.figures(now))
        line = Text(self.name, end="", no_wrap=True)
        line.stylize("bold")
        line.truncate(max(width - len(figures) - (1 if self.total else 3), 1), overflow="ellipsis")
        left = min(width - len(line) - len(figures) - 2, WIDEST)
        if not self.total:
            line.append(f" {TURNING[int(now * 4) % len(TURNING)]}")
        elif left >= NARROWEST:
            full = left * self.done // self.total
            line.append(f" {glyphs[0] * full}", "green").append(glyphs[1] * (left - full), "dim")
        line.append(f" {figures}")
        if self.note and width - len(line) > NARROWEST:
            line.append(f"  {self.note}", "dim")
            line.truncate(width, overflow="ellipsis")
        return line


class Bars:
    """The step that is done now; one that is told after it ends it."""

    def __init__(self) -> None:
        self._step: Step | None = None
        self._lock = threading.Lock()

    def __call__(self, name: str, done: int, total: int, note: str = "") -> None:
        """Tell of step `name`: `done` of `total`, which is 0 while it is not known."""
        now = time.monotonic()
        if self._step is None or self._step.name != name:
            self.end()
            step = Step(name, now)
            step.tell(now, done, total, note)
            self._begin(step)
            return
        with self._lock:
            self._step.tell(now, done, total, note)

    def _begin(self, step: Step) -> None:
        self._step = step

    def end(self) -> None:
        """The step is over, and none follows yet."""
        with self._lock:  # what is said is said without it: the console has a lock of its own
            over, self._step = self._step, None
        if over is not None and (line := over.end(time.monotonic())):
            self.say(line)

    def say(self, line: str) -> None:
        """A line of its own."""
        with suppress(OSError, ValueError):  # nobody reads it: the work goes on
            click.echo(line, err=True)


class Lines(Bars):
    """Off a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._over = threading.Event()
        self._next = 0.0

    def _begin(self, step: Step) -> None:
        self.say(step.name)
        self._next = step.started + EVERY
        super()._begin(step)

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Say every `EVERY` seconds how far the step is, also while nothing is told of it."""
        clock = threading.Thread(target=self._tick, daemon=True)
        clock.start()
        try:
            yield
        finally:
            self._over.set()
            clock.join()

    def _tick(self) -> None:
        while not self._over.wait(min(EVERY / 10, 1.0)):
            now = time.monotonic()
            with self._lock:
                if self._step is not None and now >= self._next:
                    self._next = now + EVERY
                    self.say(self._step.line(now))


class Drawn(Bars):
    """On a terminal."""

    def __init__(self, console: "Console") -> None:
        super().__init__()
        self._console = console
        self._glyphs = "#." if console.options.ascii_only else "━╌"

    def say(self, line: str) -> None:
        """A line above the bar."""
        self._console.print(line, markup=False, highlight=False)

    def render(self) -> "Text":
        """The line that moves; nothing between two steps."""
        from rich.text import Text

        with self._lock:
            if self._step is None:
                return Text(end="")
            return self._step.drawn(time.monotonic(), self._console.width, self._glyphs)


@contextmanager
def bars() -> Iterator[Bars]:
    """What is told of steps while the block runs, on stderr."""
    console = error_console()
    if console.is_terminal and not console.is_dumb_terminal:
        from rich.live import Live

        drawn = Drawn(console)
        with Live(console=console, get_renderable=drawn.render, transient=True):
            yield drawn
            drawn.end()
        return
    lines = Lines()
    with lines.ticking():
        yield lines
        lines.end()


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))
