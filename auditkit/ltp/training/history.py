"""What a training has gone through, step by step, and the seconds that it took."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auditkit.ltp.training.trainer import Step

HISTORY = "history.jsonl"
LOG_EVERY = 10
"""Steps between two lines of the history."""


class Clock:
    """Seconds of a stage over all its resumptions; writes the history as it goes."""

    def __init__(self, path: Path, before: float) -> None:
        self.path, self.before, self.start = path, before, time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds so far."""
        return self.before + time.monotonic() - self.start

    def __call__(self, step: Step) -> None:
        """Take in a step."""
        if step.step % LOG_EVERY == 0 or step.step in (1, step.steps):
            line = json.dumps({**asdict(step), "seconds": round(self.elapsed, 2)})
            with self.path.open("a", encoding="utf-8") as handle:
                handle.write(line + "\n")


def read_history(path: Path) -> list[dict[str, Any]]:
    """All lines that are whole; none where there is no file."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return [line for line in map(_line, text.splitlines()) if line is not None]


def _line(text: str) -> dict[str, Any] | None:
    """A line of the history; None for one that is damaged, or that the process died in."""
    try:
        line = json.loads(text)
        return line if {"stage", "step", "seconds"} <= line.keys() else None
    except (ValueError, AttributeError):
        return None
