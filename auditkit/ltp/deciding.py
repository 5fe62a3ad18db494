"""What keep decisions rest on: what each score is compared with, and the model with that moved."""

from copy import copy

import numpy as np
from torch import nn

from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.modeling import LTPForSequenceClassification
from auditkit.ltp.pruning import SCORE_FLOOR, prunes


def with_thresholds(
    model: LTPForSequenceClassification, factor: float
) -> LTPForSequenceClassification:
    """The same weights, which are shared, with every threshold times `factor`."""
    other = copy(model)
    other.config = copy(model.config)
    other.config.relative_threshold = model.config.relative_threshold * factor
    other._parameters = dict(model._parameters)  # else the copy would write into the model's own
    moved = (model.thresholds.detach() * factor).to(model.thresholds.dtype)
    other.thresholds = nn.Parameter(moved, requires_grad=False)
    return other


def bounds(config: LTPConfig, thresholds: list[float], scores: np.ndarray) -> np.ndarray:
    """(L,) what a document's scores are compared with in each layer.

    NaN where a layer cannot drop a token, and under `topk`, which compares scores with each other.

    Args:
        config: Gives the rule.
        thresholds: The model's.
        scores: (L, n) of the document; 0 where a token is not alive.
    """
    found = np.full(len(scores), np.nan)
    for layer in range(len(scores)):
        if config.rule == "topk" or not prunes(config, layer, thresholds):
            continue
        if config.rule == "absolute":
            found[layer] = max(thresholds[layer], SCORE_FLOOR)
        else:
            found[layer] = config.relative_threshold * float(scores[layer].max())
    return found
