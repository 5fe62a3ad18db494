"""Whether weights are those of a model: dense, of its names and shapes, and numbers."""

from collections.abc import Mapping

import torch
from torch import Tensor

from auditkit.errors import CheckpointError
from auditkit.ltp.stored import shown

FULL_PRECISION = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def check_dense(name: str, state: Mapping[str, object]) -> None:
    """Make sure that weights are dense tensors of full precision.

    Raises:
        CheckpointError: One is not.
    """
    for key, value in state.items():
        if not _is_dense(value):
            kind = f"{value.dtype} tensor" if isinstance(value, Tensor) else type(value).__name__
            raise CheckpointError(
                f"{name}: the weight {shown(key)} is a {kind}, expected a dense floating-point "
                "tensor; save the state_dict in full precision"
            )


def _is_dense(value: object) -> bool:
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_meta:
        return False
    if value.dtype not in FULL_PRECISION:
        return False
    held: int = value.untyped_storage().nbytes()
    return value.numel() * value.element_size() <= held  # no view larger than what it shows


def check_shapes(
    name: str, state: Mapping[str, Tensor], expected: Mapping[str, Tensor], hint: str
) -> None:
    """Make sure that weights are those of a model, each with its shape.

    Args:
        name: The checkpoint, for errors.
        state: The weights.
        expected: What the model has.
        hint: What to do if they are not.

    Raises:
        CheckpointError: They are not.
    """
    missing, strange = expected.keys() - state.keys(), state.keys() - expected.keys()
    for keys, what in ((missing, "is missing"), (strange, "belongs to no part of the model")):
        if keys:
            raise CheckpointError(
                f"{name}: the weight {shown(min(keys))} {what} ({len(keys)} such); {hint}"
            )
    for key, model in expected.items():
        if state[key].shape != model.shape:
            raise CheckpointError(
                f"{name}: the weight {shown(key)} has shape {list(state[key].shape)}, expected "
                f"{list(model.shape)} by config.json; {hint}"
            )


def check_finite(name: str, state: Mapping[str, Tensor]) -> None:
    """Make sure that weights are finite numbers.

    Raises:
        CheckpointError: One is not.
    """
    for key, value in state.items():
        if not value.isfinite().all():
            raise CheckpointError(
                f"{name}: the weight {shown(key)} holds what is no finite number; it is damaged, "
                "or its training ran away: copy it again, or train it anew"
            )
