"""Where an unfinished training keeps what it has so far: `OUT/.training`."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from auditkit._version import __version__
from auditkit.errors import CheckpointError, SettingsError
from auditkit.files import Folder, write_whole
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.saving import save_stock
from auditkit.ltp.stored import read_json
from auditkit.ltp.trained_on import write_texts
from auditkit.ltp.training.history import HISTORY, Clock, read_history
from auditkit.ltp.training.outcome import Budget, Stage
from auditkit.ltp.training.seals import SEAL, changed, hashes, is_whole, seal

STOCK = ("baseline", "continued", "reseeded")
"""Stages whose model is never pruned; a folder of that name holds it as a stock classifier."""


_MEND = "copy it back, or remove the directory and train again"


class Workspace:
    """`out/.training`: what an unfinished training has so far."""

    def __init__(self, out: Path, choices: dict[str, Any]) -> None:
        self.out, self.root, self.choices = out, out / ".training", choices

    def finished(self, resume: bool) -> tuple[Stage, ...] | None:
        """The stages of a finished training, None where there is something left to do.

        Raises:
            SettingsError: `out` holds a training and `resume` is off, or one of other settings, or
                one that is damaged, or something else.
        """
        choices = begun(self.out)
        if choices is not None and not resume:
            raise SettingsError(
                f"{self.out} holds a training already; give --resume to go on with it, "
                "or another --out"
            )
        if choices is not None:
            self._compare(choices)
        if (self.out / "training.json").exists():
            stages = self._delivered()
            shutil.rmtree(self.root, ignore_errors=True)  # it may have died while it cleared up
            return stages
        if choices is None and not self._is_empty():
            raise SettingsError(f"{self.out} is not an empty directory; give another --out")
        return None

    def _is_empty(self) -> bool:
        """Whether a training can begin here: nothing is there, or what died before its settings."""
        if not self.out.is_dir():
            return not self.out.exists()
        own = self.root.iterdir() if self.root.is_dir() else ()
        return not any(p != self.root for p in self.out.iterdir()) and all(p.is_file() for p in own)

    def _delivered(self) -> tuple[Stage, ...]:
        """The stages of a training whose files are what was delivered."""
        record = read(self.out, self.out / "training.json")
        try:
            stages = tuple(Stage.of(raw) for raw in record["stages"])
            name = changed(self.out, record.get("files", {}))
        except (LookupError, TypeError, AttributeError) as error:
            raise SettingsError(f"{self.out}: training.json is damaged; {_MEND}") from error
        if name is not None:
            raise SettingsError(f"{self.out / name} is gone, or not what was trained; {_MEND}")
        return stages

    def mend(self, stages: Sequence[str]) -> None:
        """Remove a finished stage that is not what was written, and all that came after it."""
        for number, name in enumerate(stages):
            if self.is_done(name) and not is_whole(self.directory(name)):
                for later in stages[number:]:
                    shutil.rmtree(self.directory(later), ignore_errors=True)
                    shutil.rmtree(self.steps(later), ignore_errors=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes away; where nothing is begun, nothing is left behind.

        Raises:
            SettingsError: Another one is training here.
        """
        try:
            with Folder(self.root).held():
                yield
        finally:
            for folder in (self.root, self.out):
                with suppress(OSError):  # it is not empty
                    folder.rmdir()

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
        """The newest checkpoint that is what was written; what is not is removed."""
        found = self.steps(stage).glob("checkpoint-*")
        for path in sorted(found, key=lambda p: (len(p.name), p.name), reverse=True):
            if is_whole(path):
                return path
            shutil.rmtree(path)
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
        path = self.root / HISTORY
        step = 0 if checkpoint is None else int(checkpoint.name.rpartition("-")[2])
        lines = [x for x in read_history(path) if x["stage"] != stage or x["step"] <= step]
        write_whole(path, "".join(json.dumps(line) + "\n" for line in lines))
        seconds = [line["seconds"] for line in lines if line["stage"] == stage]
        return Clock(path, max(seconds, default=0.0))

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
        seal(partial)
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
        without = shutil.ignore_patterns("stage.json", SEAL)
        for name in filter(self.is_done, STOCK):
            shutil.rmtree(self.out / name, ignore_errors=True)
            shutil.copytree(self.directory(name), self.out / name, ignore=without)
        shutil.copytree(self.directory("hard"), self.out, ignore=without, dirs_exist_ok=True)
        write_texts(self.out, texts)
        record = {
            "schema_version": 1,
            "auditkit": __version__,
            "settings": self.choices,
            "deviations": list(deviations),
            "stages": [asdict(stage) for stage in stages],
            "history": read_history(self.root / HISTORY),
            "files": hashes(self.out),
        }
        if (target := self.choices["target_macs_share"]) is not None:
            record["budget"] = asdict(Budget.of(target, stages))
        write_whole(self.out / "training.json", json.dumps(record, indent=1) + "\n")
        shutil.rmtree(self.root)


def begun(out: Path) -> dict[str, Any] | None:
    """The choices that the training in `out` was begun with; None where there is none.

    Raises:
        SettingsError: Its record is damaged.
    """
    if (record := out / "training.json").exists():
        settings = read(out, record).get("settings")
        if not isinstance(settings, dict):
            raise SettingsError(f"{out}: training.json is damaged; {_MEND}")
        return settings
    place = out / ".training" / "settings.json"
    return read(out, place) if place.exists() else None


def read(out: Path, path: Path) -> dict[str, Any]:
    """A record of the training in `out`.

    Raises:
        SettingsError: It is damaged.
    """
    try:
        return read_json(str(out), path)
    except CheckpointError as error:
        raise SettingsError(f"{error}; {_MEND}") from error
