"""Which models are audited and how they run, as a user says it."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from auditkit.data.settings import Section
from auditkit.ranges import Name, Positive

BESIDE = ("baseline", "continued", "reseeded")
"""The unpruned subjects: folders of the checkpoint, unless settings of that name say otherwise."""


class ModelSettings(Section):
    """The checkpoint under audit, those beside it, and what they run on."""

    model: Name
    """Directory or hub id of an LTP checkpoint, or of any sequence classifier; a directory of the
    original LTP's."""
    quantize: Literal["int8"] | None = None
    """What is done to the Linear layers of a classifier that drops no tokens; None: nothing."""
    dropper: Name | None = None
    """Another method that drops tokens from such a classifier, `own/topk.py:TopK`; None: none."""
    dropper_options: dict[str, Any] = Field(default={})
    """Of that method, by name."""
    predictions: Name | None = None
    """A file of saved predictions, in place of models and data set."""
    baseline: Name | None = None
    """Directory or hub id of a stock classifier; None: `MODEL/baseline` where it is."""
    reseeded: Name | None = None
    """A baseline of another seed; None: `MODEL/reseeded` where it is."""
    score_norm: Name | None = None
    """Of a checkpoint of the original implementation; None: what its recipe assumes."""
    max_length: Positive | None = None
    """Tokens a document; None: what the checkpoint was trained on."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda` or `cuda:NUMBER`."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    batch_tokens: Positive = 7168
    """Padded tokens a batch; no number depends on it."""

    @field_validator("device")
    @classmethod
    def _is_device(cls, value: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", value, flags=re.ASCII):
            raise ValueError("expected auto, cpu, cuda or cuda:NUMBER")
        return value


def display(name: str) -> str:
    """A name for reports that tells no machine's paths."""
    path = Path(name)
    if not path.is_dir():
        return name
    resolved = path.resolve()
    if resolved.name in BESIDE:
        return f"{resolved.parent.name}/{resolved.name}"
    return resolved.name
