"""What may be printed, and libraries that are kept quiet and alone."""

import os
import warnings
from typing import TYPE_CHECKING

from auditkit.errors import SettingsError
from auditkit.text import inert

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


LAUNCHED = frozenset(
    ["WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR",
     "MASTER_PORT", "PMI_SIZE", "PMI_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK",
     "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK",
     "MV2_COMM_WORLD_LOCAL_RANK"]
)  # fmt: skip
"""Variables by which torchrun, SLURM, MPI and operators tell a process its place among others."""


def quiet_libraries(*, models: bool = True) -> None:
    """Keep the libraries' own bars and notices out of the way; call it before they are imported.

    Args:
        models: Whether models will be opened.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    warnings.simplefilter("ignore")
    if models:
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
