"""Another method of dropping tokens: what it sees, and the one thing that it says.

A method is a subclass of `Dropper` in a Python file or a package. `auditkit.bench.hooked` lets it
decide on a classifier of transformers, layer by layer.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from auditkit.errors import CheckpointError, ProbeError, SettingsError
from auditkit.plugin.discovery import blamed, checked_options
from auditkit.plugin.own import read_class, without_folder
from auditkit.text import said, shown

_EXPECTED = "expected a dataclass that derives from auditkit.Dropper"


@dataclass(frozen=True, slots=True)
class Tokens:
    """One document of n tokens at one moment, on the model's device."""

    layer: int
    """Whose decision it is, from 1; 0: before the first."""
    alive: Tensor
    """(n,) bool: which tokens no decision has dropped yet."""
    special: Tensor
    """(n,) bool: which the tokenizer added."""
    ids: list[int]
    spans: list[tuple[int, int]]
    """Half-open, in characters of `text`; (0, 0) for special tokens."""
    text: str
    states: Tensor | None = None
    """(n, d) what the layer makes of them; None before the first. Rows that are not alive mean
    nothing, as do those of `attention`."""
    attention: Tensor | None = None
    """(H, n, n) of the layer: how much row attends to column; None where the model tells none."""

    @property
    def received(self) -> Tensor:
        """(n,) attention that a token receives, a mean over heads and over the tokens alive.

        The score of Kim et al. 2022, equation 1.

        Raises:
            CheckpointError: The model tells none.
        """
        if self.attention is None:
            raise CheckpointError("this model tells no attention weights; use `states`")
        return self.attention[:, self.alive].mean(dim=(0, 1))


class Dropper(ABC):
    """A method of dropping tokens. A subclass is a frozen dataclass; its fields are options."""

    name: ClassVar[str]
    """What reports call it."""
    version: ClassVar[str] = "1"
    """Another version may drop other tokens."""
    before: ClassVar[bool] = False
    """Whether it drops tokens before the model reads them, and then alone; else it is asked after
    the attention of every layer."""

    @abstractmethod
    def keep(self, tokens: Tokens) -> Tensor:
        """Which tokens outlive this moment, (n,) bool.

        Those that are not alive stay dropped whatever it says, and the first token stays: heads
        read it. A token that a layer drops takes no part in that layer's FFN and in what follows.
        """


@dataclass(frozen=True, slots=True)
class Chosen:
    """A dropper, and where it comes from."""

    dropper: Dropper
    sha256: str = ""
    """Of the file that it was read from; "" of an object that was handed over."""

    @property
    def told(self) -> str:
        """Name, version and options, in a line."""
        names = [field.name for field in fields(self.dropper)]  # type: ignore[arg-type]
        options = ", ".join(f"{name}={shown(getattr(self.dropper, name))}" for name in names)
        return f"{self.dropper.name} {self.dropper.version}" + f" ({options})" * bool(options)


def read_dropper(name: str, options: Mapping[str, Any]) -> Chosen:
    """The dropper of a Python file, built with its options; the file is run.

    Args:
        name: The path of the file, a colon, and the name of a class in it.
        options: By name.

    Raises:
        SettingsError: There is no such file or class, it is no dropper, or an option is not usable.
    """
    try:
        kind, digest = read_class(name, "dropper")
        with blamed(f"dropper {without_folder(name)}"):
            if not (isinstance(kind, type) and is_dataclass(kind)):
                raise ProbeError(_EXPECTED)
            return Chosen(checked(kind(**checked_options(kind, options))), digest)
    except ProbeError as error:
        raise SettingsError(str(error)) from error


def handed(dropper: Dropper) -> Chosen:
    """A dropper that was built already.

    Raises:
        SettingsError: It is none.
    """
    try:
        return Chosen(checked(dropper))
    except ProbeError as error:
        raise SettingsError(f"dropper: {error}, seen {shown(dropper)}") from error


def checked(dropper: object) -> Dropper:
    """What is a dropper.

    Raises:
        ProbeError: It is none, or lacks a name or a version.
    """
    if not isinstance(dropper, Dropper) or not is_dataclass(dropper):
        raise ProbeError(_EXPECTED)
    for key in ("name", "version"):
        if not isinstance(value := getattr(dropper, key, None), str) or not value.strip():
            raise ProbeError(f"its {key} is {shown(value)}, expected text")
    return dropper


def decided(chosen: Chosen, tokens: Tokens) -> Tensor:
    """What a dropper says of a document, (n,) bool.

    Raises:
        CheckpointError: It breaks, or says what is no such thing.
    """
    name, n = chosen.dropper.name, len(tokens.ids)
    where = f"dropper {name}, layer {tokens.layer} of a document of {n} tokens"
    try:
        kept = chosen.dropper.keep(tokens)
    except Exception as error:
        raise CheckpointError(f"{where}: {said(error)}") from error
    if not isinstance(kept, Tensor) or kept.dtype != torch.bool or kept.shape != (n,):
        seen = f"{kept.dtype} {tuple(kept.shape)}" if isinstance(kept, Tensor) else shown(kept)
        raise CheckpointError(f"{where}: it says {seen}, expected torch.bool ({n},)")
    return kept.to(tokens.alive.device)
