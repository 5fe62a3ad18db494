"""Weights and settings under our names, and under those of the stock classifiers."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import CONFIG_MAPPING, AutoConfig, PreTrainedConfig

from auditkit.errors import CheckpointError
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.layouts import BUFFERS, LAYOUTS
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.stored import shown
from auditkit.text import listing

_ENCODERS = {encoder: name for name, layout in LAYOUTS.items() for encoder in layout.encoders}
"""How the class that wrote a checkpoint calls its encoder → the layout."""

_TYPES = {kind: name for name, layout in LAYOUTS.items() for kind in layout.types}
"""`model_type` → the layout, where the weights do not name their encoder."""

_WORDS = "embeddings.word_embeddings.weight"


def recognised(
    name: str, raw: Mapping[str, Any], weights: Iterable[str]
) -> tuple[str, dict[str, str]]:
    """The layout of a stock checkpoint, by what its weights are called.

    Args:
        name: The checkpoint, for errors.
        raw: Its `config.json`; its `model_type` decides only where the weights leave it open.
        weights: Their names.

    Returns:
        The layout, and by a weight's name that of the stock classifier: of the encoder and the
        head; heads for other tasks are left out.

    Raises:
        CheckpointError: It is another architecture, or it cannot be told which.
    """
    keys = list(weights)
    kind = raw.get("model_type")
    prefixes = {key.removesuffix(_WORDS) for key in keys if key.endswith(_WORDS)}
    prefix = prefixes.pop() if len(prefixes) == 1 else None
    layout = _ENCODERS.get(prefix.removesuffix(".")) if prefix else None
    if prefix == "" and isinstance(kind, str):
        layout = _TYPES.get(kind)
    elsewhere = isinstance(kind, str) and kind in CONFIG_MAPPING and kind not in _TYPES
    if layout is None or elsewhere:
        begin = sorted({key.partition(".")[0] for key in keys})
        raise CheckpointError(
            f"{name}: model_type is {shown(kind)}, its weights begin with {listing(begin, 4)}; "
            f"available layouts: {', '.join(LAYOUTS)}, their encoder called {', '.join(_ENCODERS)}"
        )
    own = LAYOUTS[layout]
    encoder = ("embeddings", own.layers.partition(".")[0], "pooler")
    head = {module.partition(".")[0] for module in own.head.values()} - {layout}
    names = {}
    for key in keys:
        inside = key.removeprefix(prefix or "")
        part = inside.partition(".")[0]
        if key.endswith(BUFFERS) or part in own.unused:
            continue
        modern = re.sub(r"LayerNorm\.(gamma|beta)$", _modern, inside)
        if key != inside if prefix else part in encoder:
            names[key] = f"{layout}.{modern}"
        elif part in head:
            names[key] = key
    return layout, names


def _modern(match: re.Match[str]) -> str:
    """The leaf of a normalisation as it is called since TensorFlow's names were given up."""
    return {"gamma": "LayerNorm.weight", "beta": "LayerNorm.bias"}[match[1]]


def rename(state: Mapping[str, Tensor], layout: str) -> dict[str, Tensor]:
    """A stock classifier's weights, all of them, under our names; query, key and value fused."""
    names = LAYOUTS[layout]
    heads = {theirs: ours for ours, theirs in names.head.items()}
    parts = {theirs: ours for ours, theirs in names.parts.items()}
    layers = re.escape(f"{layout}.{names.layers}.")
    own: dict[str, Tensor] = {}
    for key, value in state.items():
        module, _, leaf = key.rpartition(".")
        if key.startswith(f"{layout}.embeddings.") and leaf != "position_ids":
            own[key.removeprefix(f"{layout}.")] = value
        elif module in heads:
            own[f"{heads[module]}.{leaf}"] = value
        elif match := re.fullmatch(rf"({layers}(\d+))\.(.+)", module):
            layer, number, part = match.groups()
            if part in parts:
                own[f"layers.{number}.{parts[part]}.{leaf}"] = value
            elif part == names.qkv[0]:
                trio = [state[f"{layer}.{name}.{leaf}"] for name in names.qkv]
                own[f"layers.{number}.qkv.{leaf}"] = torch.cat(trio)
    return own


def unpruned(state: Mapping[str, Tensor], layout: str) -> dict[str, Tensor]:
    """A stock classifier's weights under our names, and thresholds that drop nothing."""
    own = rename(state, layout)
    return own | {"thresholds": torch.zeros(layers_in(own, layout))}


def layers_in(state: Mapping[str, Tensor], layout: str) -> int:
    """The number of layers that weights have, by our names or the stock classifier's."""
    names = LAYOUTS[layout]
    layers, query = map(re.escape, (f"{layout}.{names.layers}.", names.qkv[0]))
    first = re.compile(rf"({layers}\d+\.{query}|layers\.\d+\.qkv)\.weight", re.ASCII)
    return sum(first.fullmatch(key) is not None for key in state)


def to_stock(model: LTPForSequenceClassification) -> dict[str, Tensor]:
    """The weights under the names of the stock classifier: the inverse of `rename`."""
    layout = model.config.layout
    names = LAYOUTS[layout]
    stock: dict[str, Tensor] = {}
    for key, value in model.state_dict().items():
        module, _, leaf = key.rpartition(".")
        if key.startswith("embeddings."):
            stock[f"{layout}.{key}"] = value
        elif module in names.head:
            stock[f"{names.head[module]}.{leaf}"] = value
        elif match := re.fullmatch(r"layers\.(\d+)\.(\w+)", module):
            prefix = f"{layout}.{names.layers}.{match[1]}"
            if match[2] != "qkv":
                stock[f"{prefix}.{names.parts[match[2]]}.{leaf}"] = value
                continue
            for name, third in zip(names.qkv, value.chunk(3), strict=True):
                stock[f"{prefix}.{name}.{leaf}"] = third
    return stock


def stock_configuration(config: LTPConfig) -> PreTrainedConfig:
    """The configuration of the stock classifier."""
    settings = LAYOUTS[config.layout].settings
    told = {theirs: getattr(config, ours) for ours, theirs in settings.items()}
    stock: PreTrainedConfig = AutoConfig.for_model(config.layout, **told)
    return stock
