"""The command line, called in this process as from a prompt."""

import io
import re
import sys
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from auditkit.cli import main

STEP = re.compile(
    r"(?!auditkit)(load libraries|load the trainer|open models|read data|read documents|"
    r"prepare recording|record documents|time the models|judge gates|draw the page|"
    r"print the page|compare the runs|read the run|log to MLflow|check the trace|"
    r"write words by shard|"
    r"write the checkpoint|analyse \w+|\w+(: (open the model|first thresholds|"
    r"what the baseline says|meet the budget|evaluate))?)"
    r"(: (\d[\d,]* )?(done in )?\d.*)?"
)
"""A line of progress: all steps that there are, and of a probe its name."""


@dataclass(frozen=True)
class Done:
    """What a command left on the terminal."""

    code: int
    out: str
    err: str
    """Without lines of progress."""
    steps: tuple[str, ...]
    """Lines of progress."""

    @property
    def complaint(self) -> str:
        """The one line on stderr."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("auditkit: ")
        return lines[0]


def auditkit(*arguments: str | Path) -> Done:
    """Run `auditkit ARGUMENTS`."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["auditkit", *map(str, arguments)]
    with (
        patch.object(sys, "argv", argv),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        main()
    assert isinstance(end.value.code, int)
    return Done(end.value.code, out.getvalue(), *parted(err.getvalue()))


def parted(err: str) -> tuple[str, tuple[str, ...]]:
    """What else was said on stderr, and the lines of progress."""
    lines = err.splitlines(keepends=True)
    steps = tuple(line.rstrip("\n") for line in lines if STEP.fullmatch(line.rstrip("\n")))
    return "".join(line for line in lines if not STEP.fullmatch(line.rstrip("\n"))), steps


def audit(out: Path, *flags: str | Path, model: str | Path, dataset: str | Path) -> Done:
    """Run `auditkit run` into `out`."""
    return auditkit("run", "--model", model, "--dataset", dataset, "--out", out, *flags)


def assert_harmless(done: Done) -> None:
    """No control but the end of a line, no lone surrogate, no mark that turns the line round."""
    for character in (done.out + done.err).replace("\n", ""):
        assert unicodedata.category(character) not in ("Cc", "Cs"), repr(character)
        assert character not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
