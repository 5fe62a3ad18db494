"""A transformer classifier that learns to drop tokens, and drops them.

Learned Token Pruning: Kim, Shen, Thorsley, Gholami, Kwon, Hassoun, Keutzer, KDD 2022
(arXiv 2107.00910). The score of token k in a layer is the attention that it receives,

    score[k] = Σ_heads Σ_{alive queries q} P[h, q, k] / (H · norm),

and between the layer's attention and its FFN the tokens whose score is below the layer's learned
threshold leave: their rows are removed, the rest of the network never sees them.

Shapes: B documents, T padded tokens, R packed rows, P places in groups, H heads, L layers,
D hidden, C classes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PreTrainedModel,
    initialization,
)
from transformers.models.bert.modeling_bert import BertEmbeddings
from transformers.models.roberta.modeling_roberta import RobertaEmbeddings
from transformers.utils.generic import ModelOutput

from auditkit.ltp.attention import ROWS
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.layers import LTPHead, LTPLayer
from auditkit.ltp.packing import ROW_MULTIPLE, Group, pack, round_up
from auditkit.ltp.pruning import finite, keep_mask, norms, permute_depths, prunes, soft_mask


@dataclass
class LTPOutput(ModelOutput):
    """What a forward pass returns; everything after `logits` is a by-product of it."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    """(B, C)"""
    depth: Tensor | None = None
    """(B, T) int8 survival depth: the number of layers whose decision the token outlived; 0 at
    padding."""
    lengths: Tensor | None = None
    """(L + 1, B) int64 tokens alive before the first layer and after each layer's decision."""
    scores: Tensor | None = None
    """(L, B, T) float32 importance scores, 0 where not alive, NaN in layers that cannot prune.
    Only with `output_scores=True`."""
    soft_mask: Tensor | None = None
    """(L, B, T) of soft pruning, 0 at padding. Only with `output_scores=True`."""
    regularizer: Tensor | None = None
    """Of soft pruning: Σ_l mean over documents of the mean soft mask over the document's tokens."""


class LTPForSequenceClassification(PreTrainedModel):  # type: ignore[no-untyped-call]  # its __init_subclass__
    """BERT or RoBERTa with a learned threshold in every layer.

    `pruning` (an argument of `forward`, else the configuration's): `off`; `soft`, the training mask
    sigmoid((score − θ)/temperature) on every layer's output; `hard`, which removes rows, in
    training as in evaluation; `random`, the same number of tokens at every layer as `hard`, chosen
    at random.
    """

    config: LTPConfig
    config_class = LTPConfig
    base_model_prefix = "ltp"
    accepts_loss_kwargs = False  # our loss is a mean over the batch; the Trainer divides it
    _supports_sdpa = True
    _keep_in_fp32_modules = ["thresholds"]  # noqa: RUF012  # as transformers declares it
    _keep_in_fp32_modules_strict = ["thresholds"]  # noqa: RUF012

    if TYPE_CHECKING:  # transformers leaves these without types
        __call__: Callable[..., LTPOutput]
        to: Callable[..., Self]  # type: ignore[assignment]  # there it is a wrapper object
        eval: Callable[[], Self]
        post_init: Callable[[], None]

    def __init__(self, config: LTPConfig) -> None:
        super().__init__(config)
        embeddings = RobertaEmbeddings if config.layout == "roberta" else BertEmbeddings
        self.embeddings = embeddings(config)
        self.layers = nn.ModuleList(LTPLayer(config) for _ in range(config.num_hidden_layers))
        self.head = LTPHead(config)
        self.thresholds = nn.Parameter(torch.zeros(config.num_hidden_layers))
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The word embeddings."""
        return self.embeddings.word_embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the word embeddings."""
        self.embeddings.word_embeddings = cast(nn.Embedding, value)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)  # type: ignore[no-untyped-call]
        if module is self:
            initialization.zeros_(self.thresholds)  # unless a checkpoint gave them
        if isinstance(module, BertEmbeddings | RobertaEmbeddings):
            count = module.position_ids.shape[-1]
            module.position_ids.copy_(torch.arange(count).expand((1, -1)))
            module.token_type_ids.zero_()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        pruning: str | None = None,
        force_keep: Tensor | None = None,
        force_drop: Tensor | None = None,
        depth: Tensor | None = None,
        generator: np.random.Generator | None = None,
        output_scores: bool = False,
        **unused: Any,
    ) -> LTPOutput:
        """Classify a padded batch.

        Args:
            input_ids: (B, T).
            attention_mask: (B, T); padding on either side and holes are allowed. A position is
                counted from the document's first token, holes included.
            token_type_ids: (B, T).
            labels: (B,) for the loss (cross-entropy).
            pruning: `off`, `soft`, `hard` or `random`; None: as configured.
            force_keep: (B, T) bool: tokens that no layer drops (`hard` only).
            force_drop: (B, T) bool: tokens that the first layer drops (`hard` only).
            depth: (B, T) survival depths to follow instead of deciding (`hard` only).
            generator: Of the `random` choice; None: seeded with 0.
            output_scores: Return scores and soft masks as well.
            unused: Accepted and ignored, as the Trainer passes what it has.

        Raises:
            ValueError: An unknown mode, a document without tokens, or one longer than the model.
        """
        mode = pruning or self.config.pruning
        if mode not in ("off", "soft", "hard", "random"):
            raise ValueError(f"pruning is {mode!r}; available: off, soft, hard, random")
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if mode == "random":
            followed = self._random_depths(input_ids, attention_mask, token_type_ids, generator)
            mode, depth = "hard", followed
        run = _Run(self, attention_mask, mode, force_keep, force_drop, depth, output_scores)
        x = self._embed(input_ids, token_type_ids, run)
        for number, layer in enumerate(self.layers):
            x = run.through(number, cast(LTPLayer, layer), x)
        logits = self.head(run.first_rows(x))[: len(input_ids)]
        loss = None if labels is None else F.cross_entropy(logits.float(), labels)
        return LTPOutput(
            loss=loss,
            logits=logits,
            depth=run.padded(run.depth),
            lengths=torch.from_numpy(np.stack(run.lengths)),
            scores=torch.stack(run.scores) if output_scores else None,
            soft_mask=torch.stack(run.masks) if output_scores and mode == "soft" else None,
            regularizer=run.regularizer if mode == "soft" else None,
        )

    def _embed(self, input_ids: Tensor, token_type_ids: Tensor | None, run: "_Run") -> Tensor:
        """(R, D) embeddings of the packed rows."""
        longest = int(run.position.max()) + 1
        if longest > self.config.max_tokens:
            raise ValueError(
                f"a document of {longest} tokens; the model reads {self.config.max_tokens}: "
                "truncate it"
            )
        # looked up while padded: attribution methods replace this module's (B, T, D) output
        words = self.embeddings.word_embeddings(input_ids)
        words = words.reshape(-1, words.shape[-1]).index_select(0, run.place)
        types = (
            torch.zeros_like(run.place)
            if token_type_ids is None
            else token_type_ids.reshape(-1).index_select(0, run.place)
        )
        first = (self.config.pad_token_id or 0) + 1 if self.config.layout == "roberta" else 0
        rows: Tensor = self.embeddings(
            inputs_embeds=words[None],
            token_type_ids=types[None],
            position_ids=(run.position + first)[None],
        )
        return rows[0]

    @torch.no_grad()
    def _random_depths(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None,
        generator: np.random.Generator | None,
    ) -> Tensor:
        """(B, T) depths of a hard pass, shuffled within each document but for its two ends."""
        rng = generator or np.random.default_rng(0)
        output = self(input_ids, attention_mask, token_type_ids, pruning="hard")
        assert output.depth is not None
        depth = output.depth.cpu().numpy()
        for row, mask in zip(depth, attention_mask.cpu().numpy() != 0, strict=True):
            special = np.zeros(mask.sum(), dtype=bool)
            special[[0, -1]] = True
            row[mask] = permute_depths(row[mask], special, rng)
        return torch.from_numpy(depth).to(input_ids.device)


class _Run:
    """One pass of a batch through the layers: what is alive, and what is recorded on the way."""

    def __init__(
        self,
        model: LTPForSequenceClassification,
        mask: Tensor,
        mode: str,
        force_keep: Tensor | None,
        force_drop: Tensor | None,
        follow: Tensor | None,
        record: bool,
    ) -> None:
        self.config, self.mode, self.record = model.config, mode, record
        self.thresholds = model.thresholds.float()
        self.threshold_values = finite(model.thresholds.tolist())
        self.shape = mask.shape
        self.packing, self.place, self.position = pack(mask)
        self.length = self.packing.lengths
        self.lengths = [self.length]
        self.groups: tuple[list[Group], Tensor] | None = None  # made when a layer asks for them
        device = mask.device
        self.origin = torch.arange(self.packing.alive, device=device)  # row before the first layer
        self.depth = torch.zeros(self.packing.alive, dtype=torch.int8, device=device)
        self.force_keep, self.force_drop, self.follow = (
            None if t is None else t.reshape(-1).index_select(0, self.place[: self.packing.alive])
            for t in (force_keep, force_drop, follow)
        )
        self.still = torch.ones(self.packing.alive, dtype=torch.bool, device=device)
        self.regularizer = torch.zeros((), device=device)
        self.scores: list[Tensor] = []
        self.masks: list[Tensor] = []

    def through(self, number: int, layer: LTPLayer, x: Tensor) -> Tensor:
        """Pass the rows through one layer, its decision between the halves."""
        scored = self.mode == "soft" or (
            self.mode == "hard"
            and (self.record or self.follow is None)
            and prunes(self.config, number, self.threshold_values)
        )
        if self.groups is None:
            self.groups = self.packing.groups()
        groups, place = self.groups
        context, received = layer.attend(x, groups, received=scored)
        score = None
        if received is not None:
            documents = self.packing.documents()
            norm = norms(self.config, self.length, self.packing.lengths) * layer.heads
            divisor = torch.from_numpy(norm[documents].astype(np.float32)).to(x.device)
            score = received.index_select(0, place[: self.packing.alive]) / divisor
        if self.record:
            self.scores.append(
                torch.full(self.shape, torch.nan, device=x.device)
                if score is None
                else self.padded(score.detach(), self.origin)
            )
        if self.mode == "soft":
            assert score is not None
            return self._soften(number, score, self._finish(layer, x, None, context, place))
        rows = self._remove(self._decide(number, score))
        self.depth[self.origin] += 1
        self.lengths.append(self.packing.lengths)
        return self._finish(layer, x, rows, context, place)

    def _finish(
        self, layer: LTPLayer, x: Tensor, rows: Tensor | None, context: Tensor, place: Tensor
    ) -> Tensor:
        """The layer's second half, on all of its rows or on some.

        Args:
            layer: The layer.
            x: (R, D) its input.
            rows: (R',) which of these go on; None: all.
            context: (P + 1, D) their contexts.
            place: (R,) where in `context` each row's is found.
        """
        if rows is not None:
            place = place[rows]
        # not in parts where gradients are needed: that of every part's would be as large as `x`
        step = len(place) if x.requires_grad else ROWS.get(x.device.type, len(place))
        parts: Iterable[Tensor] = torch.split(x, step)
        if rows is not None:
            parts = (x.index_select(0, some) for some in torch.split(rows, step))
        out = [
            layer.finish(part, context.index_select(0, where))
            for part, where in zip(parts, torch.split(place, step), strict=True)
        ]
        return out[0] if len(out) == 1 else torch.cat(out)

    def _decide(self, number: int, score: Tensor | None) -> Tensor | None:
        """(alive,) bool of the hard decision, or None where the layer drops nothing."""
        if self.mode == "off":
            return None
        if self.follow is not None:
            return self.follow[self.origin] > number
        keep = None
        if score is not None:
            keep = keep_mask(
                self.config, number, self.thresholds[number], score, self.packing, self.length
            )
            if self.config.protect_first:
                keep = keep | (self.position[: len(self.depth)][self.origin] == 0)
        if number == 0 and self.force_drop is not None:
            stays = ~self.force_drop.bool()
            keep = stays if keep is None else keep & stays
        if keep is not None and self.force_keep is not None:
            keep = keep | self.force_keep.bool()[self.origin]
        return keep

    def _remove(self, keep: Tensor | None) -> Tensor | None:
        """(R',) which of the layer's rows go on, or None where all do."""
        kept = None if keep is None else keep.cpu().numpy()
        if keep is None or kept is None or kept.all():
            return None
        self.packing, rows = self.packing.select(kept)
        self.groups = None
        self.origin = self.origin[keep]
        return rows

    def _soften(self, number: int, score: Tensor, x: Tensor) -> Tensor:
        """Scale the rows by the soft mask; depths follow what the hard decision would have been."""
        mask = soft_mask(self.config, self.thresholds[number], score)
        if self.config.protect_first:
            mask = torch.where(self.position[: len(mask)] == 0, torch.ones_like(mask), mask)
        share = torch.from_numpy((1.0 / self.length)[self.packing.documents()].astype(np.float32))
        self.regularizer = self.regularizer + (mask * share.to(x.device)).sum() / len(self.length)
        self.still &= (mask >= 0.5).detach()
        self.depth += self.still
        documents = self.packing.documents()
        alive = np.bincount(documents[self.still.cpu().numpy()], minlength=len(self.length))
        self.lengths.append(alive)
        if self.record:
            self.masks.append(self.padded(mask))
        filler = mask.new_ones(len(x) - len(mask))
        return x * torch.cat([mask, filler]).to(x.dtype)[:, None]

    def first_rows(self, x: Tensor) -> Tensor:
        """(B', D) first row of every document, filled up so that products round alike."""
        first = self.packing.first
        count = round_up(len(first), ROW_MULTIPLE)
        index = np.full(count, len(x) - 1, dtype=np.int64)
        index[: len(first)] = first
        return x.index_select(0, torch.from_numpy(index).to(x.device))

    def padded(self, rows: Tensor, origin: Tensor | None = None) -> Tensor:
        """(B, T) of a value per row that entered; zero at padding and where no row is given."""
        alive = self.place[: len(self.depth)]
        out = rows.new_zeros(self.shape.numel())
        return out.index_copy(0, alive if origin is None else alive[origin], rows).view(self.shape)


AutoConfig.register("auditkit-ltp", LTPConfig)
AutoModelForSequenceClassification.register(LTPConfig, LTPForSequenceClassification)
