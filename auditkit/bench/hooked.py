"""A classifier of transformers that drops tokens where it is told to, by hooks on its layers.

A token that is dropped is masked out of the attention of every later layer, so that nothing that is
alive reads it any more: the answer is that of a model which computes it no further. Nothing is
saved by that; operations are counted, and time is not measured. What is dropped before the first
layer is not put into the model at all.

Shapes: n tokens of one document, L layers, H heads, d their width.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from auditkit.bench.stock import logits_of
from auditkit.errors import CheckpointError

Decide = Callable[[int, Tensor, Tensor | None, Tensor | None], Tensor]
"""Layer, alive (n,), states (n, d), attention (H, n, n) → which outlive it, (n,) bool."""

_MASK = "attention_mask"
NOISE = 10.0
"""Added to the states of dropped tokens to see whether anything reads them."""
TOLERANCE = 1e-4
"""Of logits."""


class Hooked:
    """A model with hooks on its L layers; they are there in `run` alone."""

    def __init__(self, model: PreTrainedModel, layers: int) -> None:
        """Find the layers.

        Raises:
            CheckpointError: They are not to be found, or take no mask.
        """
        model.set_attn_implementation("eager")  # the others tell no weights
        model.config.output_attentions = True  # nor do some layers that are not asked
        lists = (m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == layers)
        found = next((m for m in lists if _mask_place(m[0]) is not None), None)
        if not layers or found is None:
            raise CheckpointError(
                f"its {layers} layers take no attention_mask one by one, as those of BERT, "
                "RoBERTa, DistilBERT, DeBERTa or ModernBERT do: another method cannot drop tokens "
                "in it"
            )
        self.model, self.layers = model, list(found)

    def run(self, ids: Sequence[int], read: np.ndarray, decide: Decide, **how: Any) -> "Run":
        """Let `decide` drop tokens of a document of which those of `read` (n,) are read."""
        going = _Pass(torch.from_numpy(read).to(self.model.device), decide, **how)
        with ExitStack() as stack:
            for number, layer in enumerate(self.layers, start=1):
                stack.enter_context(going.hooks(number, layer))
            logits = logits_of(self.model, ids, read)
        return Run(logits, going.depths.cpu().numpy())

    def check(self, ids: Sequence[int]) -> None:
        """Make sure that what is dropped is read by nothing.

        Args:
            ids: Of a document.

        Raises:
            CheckpointError: It is.
        """
        read = np.ones(len(ids), dtype=bool)

        def first(number: int, alive: Tensor, *_: Any) -> Tensor:
            return torch.arange(len(alive), device=alive.device) == 0

        quiet, loud = (self.run(ids, read, first, noise=n).logits for n in (0.0, NOISE))
        if not np.allclose(quiet, loud, rtol=0, atol=TOLERANCE):
            raise CheckpointError(
                "its answer goes on depending on tokens that were dropped, as where a head takes a "
                "mean over all: another method cannot drop tokens in it"
            )


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a document."""

    logits: np.ndarray
    """(C,) float32"""
    depths: np.ndarray
    """(n,) int8: the layers that a token outlived; L: it was never dropped."""


@dataclass(slots=True)
class _Pass:
    """One document on its way through the layers."""

    alive: Tensor
    decide: Decide
    noise: float = 0.0
    depths: Tensor = field(init=False)
    attention: Tensor | None = None

    def __post_init__(self) -> None:
        self.depths = torch.zeros(len(self.alive), dtype=torch.int8, device=self.alive.device)

    @contextmanager
    def hooks(self, number: int, layer: nn.Module) -> Iterator[None]:
        """Mask what is dropped where the layer begins, note its attention, decide where it ends."""
        place = _mask_place(layer) or 0
        inside = [module for module in layer.modules() if module is not layer]
        handles = [
            layer.register_forward_pre_hook(partial(self._mask, place), with_kwargs=True),
            *(module.register_forward_hook(self._note) for module in inside),
            layer.register_forward_hook(partial(self._decide, number)),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _mask(
        self, place: int, layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        self.attention = None
        if len(args) > place:
            changed = _without(args[place], self.alive, args[0].dtype)
            return (*args[:place], changed, *args[place + 1 :]), kwargs
        states = args[0] if args else kwargs["hidden_states"]
        return args, kwargs | {_MASK: _without(kwargs.get(_MASK), self.alive, states.dtype)}

    def _note(self, module: nn.Module, args: Any, output: Any) -> None:
        """Attention weights, if that is what a module returns beside its states."""
        n = len(self.alive)
        for part in output[1:] if isinstance(output, tuple) else ():
            if isinstance(part, Tensor) and part.dim() == 4 and part.shape[2:] == (n, n):
                self.attention = part[0]

    def _decide(self, number: int, layer: nn.Module, args: Any, output: Any) -> Any:
        states = output[0] if isinstance(output, tuple) else output
        self.alive = self.alive & self.decide(number, self.alive, states[0], self.attention)
        self.alive[0] = True
        self.depths += self.alive.to(torch.int8)
        if not self.noise:
            return output
        loud = torch.linspace(-self.noise, self.noise, states.shape[-1], device=states.device)
        states = states + (~self.alive)[None, :, None] * loud  # no shift: norms would remove it
        return (states, *output[1:]) if isinstance(output, tuple) else states


def _mask_place(layer: nn.Module) -> int | None:
    """Where among the arguments of a layer its mask stands; None: it takes none."""
    names = list(inspect.signature(layer.forward).parameters)
    return names.index(_MASK) if _MASK in names else None


def _without(mask: Tensor | None, alive: Tensor, dtype: torch.dtype) -> Tensor:
    """A layer's mask, (1, 1, 1 or n, n), in which nobody attends to what is not alive."""
    if mask is None:
        mask = torch.zeros(1, 1, 1, len(alive), dtype=dtype, device=alive.device)
    if mask.dtype.is_floating_point:
        return mask.masked_fill(~alive, torch.finfo(mask.dtype).min)
    return mask * alive
