"""What a checkpoint must hold to be opened: the one place that says it.

Before anything is built or drawn, what `config.json` declares is compared with the names and shapes
of the weights. Which layout they have is told by the weights, not by what `model_type` is called.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from auditkit.errors import CheckpointError
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.declared import OWN, UNTRAINED, class_names, configuration, unbuilt
from auditkit.ltp.hub import located
from auditkit.ltp.layouts import LAYOUTS, SHARED
from auditkit.ltp.naming import recognised, to_stock, unpruned
from auditkit.ltp.original import MODEL_TYPE, read_original
from auditkit.ltp.stored import check_regular, read_json, read_tensors, shown, training_record
from auditkit.ltp.weights import check_dense, check_finite, check_shapes


def read_declared(name: str) -> tuple[Path, dict[str, Any]]:
    """The folder of a checkpoint, and its `config.json`.

    Raises:
        CheckpointError: It is not there, something in it is no file, or a JSON file is damaged.
    """
    path = located(name)
    check_regular(name, path)
    training_record(str(path))
    return path, read_json(name, path / "config.json")


def read_classifier(
    name: str, path: Path, raw: Mapping[str, Any], score_norm: str | None = None
) -> tuple[LTPConfig, dict[str, Tensor]]:
    """The configuration of a classifier and its weights, under our names.

    Args:
        name: The checkpoint, for errors.
        path: Its folder.
        raw: Its `config.json`.
        score_norm: Of a checkpoint of the original, as in `read_original`.

    Raises:
        CheckpointError: It is damaged, of another layout, or no single-label classifier.
    """
    state = read_tensors(name, path)
    if raw.get("model_type") == MODEL_TYPE:
        config, weights = read_original(name, raw, state, score_norm)
    elif raw.get("model_type") == LTPConfig.model_type:
        config, weights = _read_own(name, raw, state)
    else:
        config, weights = _read_stock(name, raw, state)
    check_finite(name, {key: value for key, value in weights.items() if key != "thresholds"})
    return config, weights


def read_encoder(name: str, labels: Sequence[str]) -> tuple[LTPConfig, dict[str, Tensor]]:
    """The configuration of a classifier over `labels`, and the weights to begin it with.

    Returns:
        The weights as the stock classifier calls them; without a head for other classes. What is
        missing of the head, BERT's pooler with it, is to be drawn anew.

    Raises:
        CheckpointError: It is not there, is damaged, or of another layout.
    """
    path, raw = read_declared(name)
    layout, state = _as_stock(name, raw, read_tensors(name, path))
    config = configuration(name, raw, layout, state, tuple(labels))
    model = to_stock(unbuilt(name, config))
    modules = LAYOUTS[layout].head.values()
    head = {key for key in model.keys() | state.keys() if not key.startswith(f"{layout}.")}
    drawn = {key for key in model.keys() - state.keys() if key.rpartition(".")[0] in modules}
    check_shapes(
        name,
        {key: value for key, value in state.items() if key not in head},
        {key: value for key, value in model.items() if key not in head | drawn},
        "in the encoder: it is damaged or none, download it again",
    )
    fits = {k: v for k, v in state.items() if k in model and v.shape == model[k].shape}
    check_finite(name, fits)
    return config, fits


def _read_own(
    name: str, raw: Mapping[str, Any], state: Mapping[str, Tensor]
) -> tuple[LTPConfig, dict[str, Tensor]]:
    check_dense(name, state)
    layout = raw.get("layout", "bert")
    if not isinstance(layout, str) or layout not in LAYOUTS:
        raise CheckpointError(f"{name}: layout is {shown(layout)}; available: {', '.join(LAYOUTS)}")
    labels = class_names(name, raw, state, "head.out.weight")
    own = {key: raw[key] for key in OWN if key in raw}
    whole = LTPConfig().to_dict() | dict(raw)  # what is not said is as our own classes have it
    ours = {key: key for key in SHARED}
    config = configuration(name, whole, layout, state, labels, ours, **own)
    check_shapes(name, state, unbuilt(name, config).state_dict(), UNTRAINED)
    return config, dict(state)


def _read_stock(
    name: str, raw: Mapping[str, Any], state: Mapping[str, Tensor]
) -> tuple[LTPConfig, dict[str, Tensor]]:
    layout, stock = _as_stock(name, raw, state)
    labels = class_names(name, raw, stock, LAYOUTS[layout].classes)
    config = configuration(name, raw, layout, stock, labels)
    check_shapes(name, stock, to_stock(unbuilt(name, config)), UNTRAINED)
    return config, unpruned(stock, layout)


def _as_stock(
    name: str, raw: Mapping[str, Any], state: Mapping[str, Tensor]
) -> tuple[str, dict[str, Tensor]]:
    """The layout of a stock checkpoint, and its weights as the stock classifier calls them."""
    layout, names = recognised(name, raw, state)
    stock = {names[key]: value for key, value in state.items() if key in names}
    check_dense(name, stock)
    return layout, stock
