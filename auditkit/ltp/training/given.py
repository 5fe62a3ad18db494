"""A baseline that is there already: where it lies, whether it will do, what lies beside it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp.checkpoints import fingerprint, load_baseline, open_backbone
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.reading import read_classifier, read_declared, read_encoder
from auditkit.ltp.stored import training_record
from auditkit.ltp.tokenizers import load_tokenizer

_SHARED = (
    "max_length",
    "batch_size",
    "learning_rate",
    "seed",
    "bf16",
    "documents_sha256",
    "labels",
)

_DEPENDS = {
    "continued": (*_SHARED, "distill", "epochs"),
    "reseeded": (*_SHARED, "backbone_sha256", "epochs of the baseline"),
}
"""By optional stage the choices that it depends on, besides a baseline that it starts from."""


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


def first_tokenizer(backbone: str | None, baseline: str | None) -> PreTrainedTokenizerBase:
    """The tokenizer of what a training begins with, once both are seen to be fit for it.

    Raises:
        CheckpointError: The backbone, or the baseline that is given instead, cannot be opened, or
            its tokenizer does not fit it.
    """
    if baseline is None:
        name = backbone or ""
        config, _ = read_encoder(name, ("0", "1"))
    else:
        name = baseline_in(baseline)
        config, _ = read_classifier(name, *read_declared(name))
    return load_tokenizer(name, config.vocab_size)


def control_beside(name: str, baseline: str, out: Path, choices: Mapping[str, Any]) -> str | None:
    """The control that a training left beside its baseline, if `choices` would make the same.

    It is looked for beside the baseline, and in the other budgets of a sweep that was given one.

    Args:
        name: `continued` or `reseeded`.
        baseline: Where the baseline lies.
        out: Where the training goes that would otherwise make it anew.
        choices: Of that training.
    """
    given = choices["baseline_sha256"]
    budgets = sorted(out.parent.glob("share-*")) if out.match("share-*") else []
    known = {Path(baseline).parent: _choices_of(baseline)} | {
        place: seen
        for place in budgets
        if (seen := _choices_of(str(place / "baseline"))) and seen.get("baseline_sha256") == given
    }
    for home, seen in known.items():
        there = home / name
        if there.is_dir() and seen and _depends(name, seen) == _depends(name, choices):
            return str(there)
    return None


def encoder_of(baseline: str, labels: Sequence[str]) -> str:
    """The encoder that a baseline was trained from, by the record of its training.

    Raises:
        SettingsError: No record names it, or it cannot be opened, or is another by now.
    """
    seen = _choices_of(baseline) or {}
    name = seen.get("backbone")
    needs = f"--reseeded needs --backbone, the encoder that {baseline} was trained from: "
    if not isinstance(name, str):
        raise SettingsError(needs + "no training.json beside it names one")
    needs += f"its training.json names {name}, "
    try:
        open_backbone(name, labels)
    except CheckpointError as error:
        raise SettingsError(needs + "which cannot be opened from here") from error
    if fingerprint(name) != seen.get("backbone_sha256"):
        raise SettingsError(needs + "where another one lies by now")
    return name


def check_recipe(baseline: str, choices: Mapping[str, Any]) -> None:
    """Make sure that `choices` would train a baseline as this one was, as far as that is recorded.

    Raises:
        SettingsError: They would not; the difference to it would not be that of seeds.
    """
    seen = _choices_of(baseline)
    if seen is None or seen.get("backbone") is None:
        return
    wanted = _depends("reseeded", choices)
    for key, value in _depends("reseeded", seen).items():
        if value != wanted[key]:
            raise SettingsError(
                f"{key} is {wanted[key]!r}, and {baseline} was trained with {value!r}; --reseeded "
                "repeats its training: give the same, or leave --reseeded out"
            )


def _choices_of(baseline: str) -> Mapping[str, Any] | None:
    """What the training that left this baseline was begun with, if its record lies beside it."""
    place = Path(baseline)
    record = training_record(str(place.parent)) if place.name == "baseline" else None
    seen = (record or {}).get("settings")
    return seen if isinstance(seen, dict) else None


def _depends(name: str, choices: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `choices` that the stage depends on."""
    epochs = choices.get("epochs")
    first = epochs[0] if isinstance(epochs, list) and epochs else None
    known = {**choices, "epochs of the baseline": first}
    return {key: known.get(key) for key in _DEPENDS[name]}


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
