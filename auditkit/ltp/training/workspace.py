"""Where an unfinished training keeps what it has so far: `OUT/.training`."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from auditkit._version import __version__
from auditkit.errors import SettingsError
from auditkit.files import write_whole
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.saving import save_stock
from auditkit.ltp.trained_on import write_texts
from auditkit.ltp.training.outcome import Budget, Stage
from auditkit.ltp.training.trainer import Step

LOG_EVERY = 10
"""Steps between two lines of the history."""

STOCK = ("baseline", "continued", "reseeded")
"""Stages whose model is never pruned; a folder of that name holds it as a stock classifier."""


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


class Workspace:
    """`out/.training`: what an unfinished training has so far."""

    def __init__(self, out: Path, choices: dict[str, Any]) -> None:
        self.out, self.root, self.choices = out, out / ".training", choices

    def finished(self, resume: bool) -> tuple[Stage, ...] | None:
        """The stages of a finished training, None where there is something left to do.

        Raises:
            SettingsError: `out` holds a training and `resume` is off, or one of other settings, or
                something else.
        """
        record = self.out / "training.json"
        choices = begun(self.out)
        if choices is not None and not resume:
            raise SettingsError(
                f"{self.out} holds a training already; give --resume to go on with it, "
                "or another --out"
            )
        if choices is not None:
            self._compare(choices)
        if record.exists():
            shutil.rmtree(self.root, ignore_errors=True)  # it may have died while it cleared up
            seen = json.loads(record.read_text(encoding="utf-8"))
            return tuple(Stage.of(raw) for raw in seen["stages"])
        if choices is None and (
            self.out.is_file()
            or (self.out.is_dir() and any(p != self.root for p in self.out.iterdir()))
        ):
            raise SettingsError(f"{self.out} is not an empty directory; give another --out")
        return None

    def begin(self) -> None:
        """Make the workspace, unless it is there already."""
        self.root.mkdir(parents=True, exist_ok=True)
        write_whole(self.root / "settings.json", json.dumps(self.choices))

    def _compare(self, seen: Mapping[str, Any]) -> None:
        for name, value in self.choices.items():
            if name in seen and seen[name] != value:
                raise SettingsError(
                    f"{self.out} was begun with {name} {seen[name]!r}, now it is {value!r}; "
                    "resume with the same settings, or give another --out"
                )

    def directory(self, stage: str) -> Path:
        """Where a finished stage lies."""
        return self.root / stage

    def steps(self, stage: str) -> Path:
        """Where a running stage keeps its checkpoints."""
        return self.root / f"{stage}-steps"

    def is_done(self, stage: str) -> bool:
        """Whether the stage is finished."""
        return self.directory(stage).is_dir()

    def stage(self, name: str) -> Stage:
        """What a finished stage left."""
        path = self.directory(name) / "stage.json"
        return Stage.of(json.loads(path.read_text(encoding="utf-8")))

    def last_checkpoint(self, stage: str) -> Path | None:
        """The newest whole checkpoint: the Trainer writes `trainer_state.json` last."""
        found = [
            (int(p.name.rpartition("-")[2]), p) for p in self.steps(stage).glob("checkpoint-*")
        ]
        for _, path in sorted(found, reverse=True):
            try:
                json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            except (OSError, ValueError):
                shutil.rmtree(path)
                continue
            return path
        return None

    def controller_state(self, checkpoint: Path | None) -> dict[str, Any]:
        """λ and the running share, as they were at the checkpoint."""
        if checkpoint is None:
            return {}
        state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        attributes: dict[str, Any] = state["stateful_callbacks"]["Meter"]["attributes"]
        return attributes

    def clock(self, stage: str, checkpoint: Path | None) -> Clock:
        """The stage's clock, its history cut back to the checkpoint."""
        path = self.root / "history.jsonl"
        step = 0 if checkpoint is None else int(checkpoint.name.rpartition("-")[2])
        lines = [x for x in self.history() if x["stage"] != stage or x["step"] <= step]
        write_whole(path, "".join(json.dumps(line) + "\n" for line in lines))
        seconds = [line["seconds"] for line in lines if line["stage"] == stage]
        return Clock(path, max(seconds, default=0.0))

    def history(self) -> list[dict[str, Any]]:
        """All lines that are whole."""
        path = self.root / "history.jsonl"
        lines = []
        for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                lines.append(json.loads(text))
            except ValueError:
                break  # the process died while it wrote this line
        return lines

    def save(
        self, stage: Stage, model: LTPForSequenceClassification, tokenizer: PreTrainedTokenizerBase
    ) -> None:
        """Leave a finished stage: whole or not at all."""
        partial = self.root / f"{stage.stage}-partial"
        shutil.rmtree(partial, ignore_errors=True)
        if stage.stage in STOCK:
            save_stock(model, partial)
        else:
            model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        write_whole(partial / "stage.json", json.dumps(asdict(stage)))
        partial.rename(self.directory(stage.stage))
        shutil.rmtree(self.steps(stage.stage), ignore_errors=True)

    def deliver(
        self, stages: Sequence[Stage], deviations: Sequence[str], texts: Sequence[str]
    ) -> None:
        """Move the result to `out`; `training.json` comes last and says that it is whole.

        Args:
            stages: All of them.
            deviations: From the paper.
            texts: What was learned from.
        """
        record = {
            "schema_version": 1,
            "auditkit": __version__,
            "settings": self.choices,
            "deviations": list(deviations),
            "stages": [asdict(stage) for stage in stages],
            "history": self.history(),
        }
        if (target := self.choices["target_macs_share"]) is not None:
            record["budget"] = asdict(Budget.of(target, stages))
        for name in filter(self.is_done, STOCK):
            shutil.rmtree(self.out / name, ignore_errors=True)
            shutil.copytree(self.directory(name), self.out / name)
            (self.out / name / "stage.json").unlink()
        for path in self.directory("hard").iterdir():
            if path.name != "stage.json":
                shutil.copy2(path, self.out / path.name)
        write_texts(self.out, texts)
        write_whole(self.out / "training.json", json.dumps(record, indent=1) + "\n")
        shutil.rmtree(self.root)


def begun(out: Path) -> dict[str, Any] | None:
    """The choices that the training in `out` was begun with; None where there is none."""
    for path in (out / "training.json", out / ".training" / "settings.json"):
        if path.exists():
            seen: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return seen["settings"] if path.name == "training.json" else seen
    return None
