"""What people see while they wait: progress with a rate and an ETA, silent off a terminal."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click

from auditkit.errors import SettingsError
from auditkit.text import inert

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.text import Text


LAUNCHED = frozenset(
    ["WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR",
     "MASTER_PORT", "PMI_SIZE", "PMI_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK",
     "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK",
     "MV2_COMM_WORLD_LOCAL_RANK"]
)  # fmt: skip
"""Variables by which torchrun, SLURM, MPI and operators tell a process its place among others."""


def quiet_libraries() -> None:
    """Keep the libraries' own bars and notices out of the way; call it before they are imported."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    warnings.simplefilter("ignore")
    from auditkit.ltp.checkpoints import quiet

    quiet()


def alone() -> None:
    """Let the libraries train in this process alone, whatever a launcher has left behind.

    Raises:
        SettingsError: A launcher has started several processes.
    """
    for name in ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"):
        if os.environ.get(name, "1") != "1":
            raise SettingsError(
                f"{name} is {os.environ[name]!r}: a launcher has started several processes, and "
                "auditkit trains in one; start it without torchrun, or unset the variable"
            )
    for name in list(os.environ):
        if name in LAUNCHED or name.startswith("ACCELERATE_"):
            del os.environ[name]


def clean(text: str) -> str:
    """`text` as a terminal may show it, character by character, on one line.

    Texts and names come from data sets and checkpoints: an escape sequence in them could rewrite
    the screen. All that is printed and not ours passes here.
    """
    return "".join(" " if c.isspace() else c for c in inert(text))


def cell(text: str, style: str = "") -> "Text":
    """Cleaned text for a table, none of it read as markup."""
    from rich.text import Text

    return Text(clean(text), style)


def error_console() -> "Console":
    """The console on stderr, where progress goes."""
    from rich.console import Console

    return Console(stderr=True)


class Bars:
    """Named progress bars, each counting something by the second."""

    def __init__(self, progress: "Progress | None") -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, done: float, total: float, note: str = "") -> None:
        """Set bar `name` to `done` of `total`, with a note behind it."""
        if self._progress is None:
            return
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total, note="")
        self._progress.update(self._tasks[name], completed=done, total=total, note=note)

    def say(self, line: str) -> None:
        """A line above the bars; on stderr too where there are none."""
        if self._progress is None:
            click.echo(line, err=True)
        else:
            self._progress.console.print(line, markup=False, highlight=False)


@contextmanager
def bars(unit: str) -> Iterator[Bars]:
    """Progress bars while the block runs; without a terminal, only what is said."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.1f} {unit}/s")

    class Note(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(task.fields["note"], "dim", no_wrap=True, overflow="ellipsis")

    console = error_console()
    if not console.is_terminal:
        yield Bars(None)
        return
    fixed = partial(Column, no_wrap=True)  # where the line is too long, the note gives way
    columns = (
        TextColumn("{task.description}", style="bold", table_column=fixed()),
        BarColumn(bar_width=24, table_column=fixed()),
        MofNCompleteColumn(table_column=fixed()),
        Rate(table_column=fixed()),
        TimeElapsedColumn(table_column=fixed()),
        TextColumn("ETA", table_column=fixed()),
        TimeRemainingColumn(table_column=fixed()),
        Note(),
    )
    with Progress(*columns, console=console) as progress:
        yield Bars(progress)
