"""A baseline that is there already: where it lies, whether it will do, what lies beside it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp.checkpoints import load_baseline, training_record
from auditkit.ltp.modeling import LTPForSequenceClassification

_CONTROL = ("epochs", "max_length", "batch_size", "learning_rate", "distill", "seed", "bf16",
            "documents_sha256", "labels")  # fmt: skip
"""The choices that the stage `continued` depends on, besides its baseline."""


def baseline_in(name: str) -> str:
    """The stock classifier that `name` is, or that lies in it as the baseline of a training."""
    inside = Path(name) / "baseline"
    return str(inside) if inside.is_dir() else name


def classes(name: str) -> tuple[str, ...]:
    """The names of the classes of the baseline that `name` is or holds, by index.

    Raises:
        CheckpointError: It cannot be opened.
    """
    return load_baseline(baseline_in(name)).config.labels


def continued_beside(baseline: str, choices: Mapping[str, Any]) -> str | None:
    """What an earlier training made of its baseline by training it on, if `choices` would too.

    Args:
        baseline: Where the baseline lies.
        choices: Of the training that would otherwise make it anew.
    """
    home = Path(baseline).parent
    there = home / "continued"
    if Path(baseline).name != "baseline" or not there.is_dir():
        return None
    seen = (training_record(str(home)) or {}).get("settings")
    alike = isinstance(seen, dict) and all(seen.get(key) == choices[key] for key in _CONTROL)
    return str(there) if alike else None


def open_given(name: str, labels: Sequence[str], max_length: int) -> LTPForSequenceClassification:
    """Open a stock classifier to prune it, its classes called `labels`.

    Raises:
        CheckpointError: It cannot be opened, has other classes, or is pruned already.
        SettingsError: It reads fewer tokens than `max_length`.
    """
    model = load_baseline(name)
    own = model.config.labels
    nameless = all(re.fullmatch(r"LABEL_\d+", label) for label in own)
    if own != tuple(labels) and not (nameless and len(own) == len(labels)):
        raise CheckpointError(
            f"{name}: its classes are {', '.join(own)}, those of the data {', '.join(labels)}; "
            "give a baseline of the same classes, in the same order"
        )
    if model.thresholds.any():
        raise CheckpointError(f"{name}: a pruned model; give the baseline that it was made from")
    check_length(name, model, max_length)
    model.config.id2label = dict(enumerate(labels))
    model.config.label2id = {label: index for index, label in enumerate(labels)}
    return model


def check_length(name: str, model: LTPForSequenceClassification, max_length: int) -> None:
    """Make sure that `model`, opened from `name`, reads documents of `max_length` tokens.

    Raises:
        SettingsError: It does not.
    """
    if max_length > model.config.max_tokens:
        raise SettingsError(
            f"max-length is {max_length}; expected at most {model.config.max_tokens}, which is "
            f"what {name} reads"
        )


def short_name(name: str) -> str:
    """The last two parts of a path, which tell no machine's folders; the name of a hub model."""
    return "/".join(Path(name).resolve().parts[-2:]) if Path(name).exists() else name
