"""A classifier in int8, as `--quantize int8` makes it: torch's dynamic quantisation."""

import warnings
from copy import deepcopy

import torch
from torch import nn
from transformers import PreTrainedModel

from auditkit.errors import CheckpointError

TOLD = "every Linear layer in int8 by torch's dynamic quantisation"


def in_int8(model: PreTrainedModel) -> tuple[PreTrainedModel, str]:
    """A copy whose Linear layers compute in int8, and what was done, in words.

    Of each `torch.nn.Linear`, the head's among them, the weight is stored in int8 with one scale
    for the whole matrix, taken from its least and largest value; what goes in is brought to 8-bit
    integers at every call, with a scale of its own taken from that call, and products are added up
    in int32. Embeddings, normalisation, attention's softmax and biases stay in float32.

    Args:
        model: In float32, on the CPU.

    Raises:
        CheckpointError: It has no such layer.
    """
    layers = sum(type(module) is nn.Linear for module in model.modules())
    if not layers:
        raise CheckpointError("--quantize int8: the model has no torch.nn.Linear layer to quantise")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the module's move to a package of its own
        quantised: PreTrainedModel = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            deepcopy(model), {nn.Linear}, dtype=torch.qint8
        )
    engine = torch.backends.quantized.engine
    return quantised, f"{TOLD} ({layers} layers, engine {engine})"
