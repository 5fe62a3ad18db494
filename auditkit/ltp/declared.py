"""What a `config.json` declares: checked before anything is built from it, then as our own.

Sizes may be anything: the layers are compared with those that the weights have before a model is
made, and the model's shapes with theirs before it takes memory.
"""

from collections.abc import Mapping, Set
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig

from auditkit.errors import CheckpointError
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.layouts import LAYOUTS
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.naming import layers_in
from auditkit.ltp.stored import cause, shown

TOGETHER = "take config.json and the weights from one checkpoint, each whole"

UNTRAINED = "it is no trained classifier, or it is damaged: train or download it again"

_WHOLE = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "max_position_embeddings", "type_vocab_size",
)  # fmt: skip

_SHARES = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout",
    "initializer_range", "relative_threshold", "topk_rate",
)  # fmt: skip
"""Numbers from 0 to 1."""

_SMALL = ("layer_norm_eps", "temperature")
"""Numbers above 0, under 1."""

_ONLY = {
    "position_embedding_type": ("absolute", "'absolute'"),
    "is_decoder": (False, "false"),
    "add_cross_attention": (False, "false"),
    "quant_mode": (False, "false, as in the checkpoint from before quantisation"),
}
"""Settings that change the arithmetic, and the one value (or null) that is reproduced here."""

OWN = (
    "pruning", "rule", "score_norm", "protect_first", "original", "temperature",
    "relative_threshold", "topk_rate",
)  # fmt: skip
"""What only our own configuration says."""


def configuration(
    name: str,
    raw: Mapping[str, Any],
    layout: str,
    state: Mapping[str, Tensor],
    labels: tuple[str, ...],
    names: Mapping[str, str] | None = None,
    **own: Any,
) -> LTPConfig:
    """Our configuration of a checkpoint, checked as far as the arithmetic depends on it.

    Args:
        name: The checkpoint, for errors.
        raw: Its `config.json`.
        layout: Of `LAYOUTS`; settings that are not said are the stock classifier's.
        state: The weights, by our names or the stock classifier's.
        labels: Class names by class index.
        names: Our name of a setting → what `config.json` calls it; None: as the stock classifier.
        own: What `config.json` does not say in our words.

    Raises:
        CheckpointError: Something in it cannot be, is not reproduced here, or does not fit the
            weights.
    """
    stock, settings = AutoConfig.for_model(layout).to_dict(), LAYOUTS[layout].settings
    names = settings if names is None else names
    values: dict[str, Any] = {"layout": layout, **LAYOUTS[layout].fixed}
    values |= {ours: raw.get(theirs, stock.get(theirs)) for ours, theirs in names.items()}
    values |= own
    null = {ours for ours, theirs in settings.items() if stock[theirs] is None}
    if not LAYOUTS[layout].positions_after_padding:
        null.add("pad_token_id")
    seen = values | {key: raw[key] for key in _ONLY if key in raw}
    _check_numbers(name, seen, names, null)
    layers = layers_in(state, layout)
    if values["num_hidden_layers"] != layers:
        raise CheckpointError(
            f"{name}: {names['num_hidden_layers']} is {shown(values['num_hidden_layers'])}, the "
            f"weights hold {layers}; {TOGETHER}"
        )
    values["id2label"] = dict(enumerate(labels))
    values["label2id"] = {label: number for number, label in enumerate(labels)}
    try:
        config = LTPConfig(**values)
    except Exception as error:
        raise CheckpointError(f"{name}: config.json makes no model: {cause(error)}") from error
    if config.max_tokens < 1:
        raise CheckpointError(
            f"{name}: max_position_embeddings is {config.max_position_embeddings}, expected more "
            f"than pad_token_id + 1 = {(config.pad_token_id or 0) + 1}; {TOGETHER}"
        )
    return config


def unbuilt(name: str, config: LTPConfig) -> LTPForSequenceClassification:
    """The model of a configuration as shapes alone, which take no memory.

    Raises:
        CheckpointError: There is no such model.
    """
    try:
        with torch.device("meta"):
            return LTPForSequenceClassification(config)
    except Exception as error:
        raise CheckpointError(f"{name}: config.json makes no model: {cause(error)}") from error


def _check_numbers(
    name: str, values: Mapping[str, Any], names: Mapping[str, str], null: Set[str]
) -> None:
    """Make sure that the numbers can be, by our names; those in `null` may be null."""
    fixed = LAYOUTS[values["layout"]].fixed  # `LTPConfig` holds these to what they are
    for key, value in values.items():
        if key in fixed or (value is None and key in null):
            continue
        if key in _ONLY:
            good, expected = value in (_ONLY[key][0], None), _ONLY[key][1]
        elif key in _WHOLE:
            good, expected = type(value) is int and value >= 1, "a whole number from 1"
        elif key == "pad_token_id":
            good = type(value) is int and 0 <= value < values["vocab_size"]
            expected = "a whole number from 0, below vocab_size"
        elif key in _SHARES:
            good, expected = _is_number(value) and 0 <= value <= 1, "a number from 0 to 1"
        elif key in _SMALL:
            good, expected = _is_number(value) and 0 < value < 1, "a number between 0 and 1"
        else:
            continue
        if not good:
            raise CheckpointError(
                f"{name}: {names.get(key, key)} is {shown(value)}, expected {expected}; {TOGETHER}"
            )


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def class_names(
    name: str, raw: Mapping[str, Any], state: Mapping[str, Tensor], head: str
) -> tuple[str, ...]:
    """Class names by class index: `LABEL_0`, … where the configuration names none.

    Args:
        name: The checkpoint, for errors.
        raw: Its `config.json`.
        state: The weights.
        head: The name of that which has a row for each class.

    Raises:
        CheckpointError: The names are not those of so many classes, each its own; or the head is
            missing, or no single-label classifier.
    """
    if head not in state or not state[head].ndim:
        raise CheckpointError(f"{name}: the weight {shown(head)} is missing; {UNTRAINED}")
    count = len(state[head])
    problem = raw.get("problem_type")
    if problem not in (None, "single_label_classification"):
        raise CheckpointError(
            f"{name}: problem_type is {shown(problem)}, expected single_label_classification: only "
            "heads that choose one class of several can be trained and audited"
        )
    if count < 2:
        raise CheckpointError(
            f"{name}: its head has {count} output{'s' * (count != 1)}, expected one for each of "
            "two classes or more: a regression head, or one of a single class, chooses nothing"
        )
    if raw.get("num_labels") not in (None, count):
        raise CheckpointError(
            f"{name}: num_labels is {shown(raw['num_labels'])}, the weights have {count} classes; "
            f"{TOGETHER}"
        )
    given = raw.get("id2label")
    if given is None:
        return tuple(f"LABEL_{number}" for number in range(count))
    if not isinstance(given, dict) or set(given) != {str(number) for number in range(count)}:
        raise CheckpointError(
            f"{name}: id2label is {shown(given)}, the weights have {count} classes; expected a "
            "name for each index from 0"
        )
    names = tuple(str(given[str(number)]) for number in range(count))
    if not all(isinstance(label, str | int) and str(label).strip() for label in given.values()):
        raise CheckpointError(f"{name}: id2label is {shown(given)}, expected a name for each class")
    if len(set(names)) < count:
        raise CheckpointError(
            f"{name}: id2label gives two classes one name: {shown(list(names))}; give each its own"
        )
    return names
