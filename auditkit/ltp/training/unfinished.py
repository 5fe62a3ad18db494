"""A training that was cut off, in words: how far it is and what goes on with it."""

import shlex
from pathlib import Path

from auditkit.ltp.training.history import HISTORY, read_history
from auditkit.ltp.training.seals import SEAL
from auditkit.ltp.training.workspace import begun


def unfinished(out: Path) -> str:
    """What to say of a checkpoint whose training has begun in `out` and is not finished.

    Raises:
        SettingsError: Its record is damaged.
    """
    root = out / ".training"
    sealed = sorted(root.glob(f"*/{SEAL}"), key=lambda path: path.stat().st_mtime)
    done = [path.parent.name for path in sealed if "-" not in path.parent.name]
    said = [f"done: {', '.join(done) or 'no stage'}"]
    history = [line for line in read_history(root / HISTORY) if line["stage"] not in done]
    if history:
        last = history[-1]
        said.append(f"{last['stage']} at step {last['step']} of {last.get('steps')}")
    command = shlex.join(["auditkit", "train", "--out", str(out), "--resume"])
    asked = begun(out) or {}
    source = "--baseline" if asked.get("baseline") else "--backbone"
    return (
        f"{out}: its training is not finished ({'; '.join(said)}); go on with "
        f"`{command} --dataset … {source} …` and whatever else it was begun with"
    )
