"""A classifier of transformers from which another method drops tokens, as a subject."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from auditkit.bench.dropper import Chosen, Tokens, decided, read_dropper
from auditkit.bench.hooked import Hooked, Run
from auditkit.bench.pair import open_stock
from auditkit.bench.settings import ModelSettings
from auditkit.bench.stock import StockSubject, logits_of
from auditkit.bench.subjects import Answer, Bench, Encoded, Subject
from auditkit.errors import CheckpointError, SettingsError
from auditkit.ltp.cost import Cost, count
from auditkit.trace import Arm

COUNTED = ("bert", "roberta", "xlm-roberta", "camembert", "distilbert")
"""By `model_type`, those whose layers cost what `auditkit.ltp.cost` counts."""


class Asked(NamedTuple):
    """One document, and what is done to its n tokens against the dropper's own decisions."""

    document: Encoded
    read: np.ndarray
    keep: np.ndarray
    drop: np.ndarray
    depths: np.ndarray | None
    """Dealt to the tokens, of which nothing is then decided."""


@dataclass(frozen=True)
class DroppingSubject(StockSubject):
    """Tokens are dropped where its dropper says so, document by document."""

    kind = "dropper"
    timed = False  # masks save no time

    hooked: Hooked
    chosen: Chosen

    def answers(
        self,
        arm: Arm,
        documents: Sequence[Encoded],
        batch_tokens: int,
        depths: Sequence[np.ndarray] | None,
        masks: Mapping[str, Sequence[np.ndarray]],
    ) -> Iterator[list[tuple[int, Answer]]]:
        """Which document and its answer, one by one."""
        if arm.pruning == "off":
            yield from super().answers(arm, documents, batch_tokens, depths, masks)
            return
        for index, document in enumerate(documents):
            none = np.zeros(len(document.token_ids), dtype=bool)
            given = {key: rows[index] for key, rows in masks.items()}
            one = Asked(
                document,
                read=given.get("read", ~none),
                keep=given.get("force_keep", none),
                drop=given.get("force_drop", none),
                depths=None if depths is None else depths[index],
            )
            run, lengths = (self._before if self.chosen.dropper.before else self._within)(one)
            yield [(index, self.answer_of(run.logits, run.depths, lengths))]

    def cost(self, lengths: np.ndarray) -> Cost | None:
        """Counted MACs of documents, (L, B) for attention and FFN; None of other architectures."""
        return count(self.about, lengths) if self.about.layout in COUNTED else None

    def _before(self, one: Asked) -> tuple[Run, np.ndarray]:
        """Tokens are left out of what the model is given; depths are 0 or L."""
        layers, device = self.about.layers, self.model.device
        if one.depths is None:
            kept = self._said(one, 0, torch.from_numpy(one.read).to(device)).cpu().numpy()
        else:
            kept = one.depths > 0
        kept[0] = True
        ids = np.asarray(one.document.token_ids)[kept].tolist()
        run = Run(logits_of(self.model, ids, one.read[kept]), (kept * layers).astype(np.int8))
        return run, np.full(layers + 1, (kept & one.read).sum(), dtype=np.int64)

    def _within(self, one: Asked) -> tuple[Run, np.ndarray]:
        """Layers drop tokens, one after the other."""
        dealt = None if one.depths is None else torch.from_numpy(one.depths).to(self.model.device)

        def decide(
            layer: int, alive: Tensor, states: Tensor | None, attention: Tensor | None
        ) -> Tensor:
            if dealt is not None:
                return dealt >= layer
            return self._said(one, layer, alive, states, attention)

        run = self.hooked.run(one.document.token_ids, one.read, decide)
        outlived = (run.depths >= np.arange(1, self.about.layers + 1)[:, None]).sum(1)
        return run, np.array([one.read.sum(), *outlived], dtype=np.int64)

    def _said(
        self,
        one: Asked,
        layer: int,
        alive: Tensor,
        states: Tensor | None = None,
        attention: Tensor | None = None,
    ) -> Tensor:
        """The dropper's decision (n,), but for tokens that are kept or dropped against it."""
        document = one.document
        keep, drop, special = (
            torch.from_numpy(mask).to(alive.device)
            for mask in (one.keep, one.drop, document.special)
        )
        tokens = Tokens(
            layer, alive, special, document.token_ids, document.spans, document.text, states,
            attention,
        )  # fmt: skip
        return (decided(self.chosen, tokens) | keep) & ~drop


def open_dropping(settings: ModelSettings, dtype: torch.dtype, chosen: Chosen | None) -> Bench:
    """Open a classifier that another method drops tokens from, and what it is compared with.

    The baseline is the same classifier where none is given.

    Args:
        settings: Name the dropper, unless it is handed over.
        dtype: Of the weights.
        chosen: What was handed over.

    Raises:
        CheckpointError: One cannot be opened, lets nothing drop its tokens, or they do not fit
            each other.
        SettingsError: There is no such dropper, or a setting does not go with one.
    """
    if settings.quantize is not None:
        raise SettingsError("--quantize int8 does not go with --dropper; leave one of them out")
    if chosen is None:
        chosen = read_dropper(str(settings.dropper), settings.dropper_options)
    bench = open_stock(settings, dtype, settings.baseline or settings.model)
    first = bench.model
    assert isinstance(first, StockSubject)  # so are all of `open_stock`
    try:
        hooked = Hooked(first.model, first.about.layers)
        hooked.check(bench.encode(["one two three"])[0].token_ids)
    except CheckpointError as error:
        raise CheckpointError(f"{settings.model}: {error}") from error
    for other in bench.subjects.values():
        _check_like(first, other)
    digest = hashlib.sha256(f"{first.about.sha256} {chosen.told} {chosen.sha256}".encode())
    about = first.about.model_copy(
        update={
            "name": f"{first.about.name} with {chosen.dropper.name}",
            "sha256": digest.hexdigest(),
            "dropper": chosen.told,
        }
    )
    model = DroppingSubject(about, first.classes, first.reader, first.model, hooked, chosen)
    absent = {**bench.absent, "continued": "no training goes with another method's tokens"}
    return Bench({**bench.subjects, "model": model}, absent, bench.labels, settings, chosen)


def _check_like(model: Subject, other: Subject) -> None:
    """All arms read the same tokens, and a MACs ratio compares models of one shape."""
    ours, theirs = (_shape(one) for one in (model, other))
    if ours != theirs:
        raise CheckpointError(
            f"{other.about.name}: {theirs[0]}; {model.about.name} is {ours[0]}; where tokens are "
            "dropped all models have one architecture, one size and one tokenizer: give the "
            "baseline that the model was made of, or none"
        )


def _shape(subject: Subject) -> tuple[str, Any, int]:
    about = subject.about
    told = f"{about.layout} of {about.layers} layers, {about.hidden_size} wide"
    return told, subject.reader.rules(), subject.reader.max_length
