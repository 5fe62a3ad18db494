"""A transformer classifier that learns to drop tokens, and drops them.

Learned Token Pruning: Kim, Shen, Thorsley, Gholami, Kwon, Hassoun, Keutzer, KDD 2022
(arXiv 2107.00910). The score of token k in a layer is the attention that it receives,

    score[k] = Σ_heads Σ_{alive queries q} P[h, q, k] / (H · norm),

and between the layer's attention and its FFN the tokens whose score is below the layer's learned
threshold leave: their rows are removed, the rest of the network never sees them.

Shapes: B documents, T padded tokens, R packed rows, P places in groups, H heads, L layers,
D hidden, C classes.
"""

from collections.abc import Callable
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
from transformers.utils.generic import ModelOutput

from auditkit.ltp.batch_pass import Pass
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.layers import LTPEmbeddings, LTPHead, LTPLayer
from auditkit.ltp.pruning import permute_depths


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
    """BERT, RoBERTa or DistilBERT with a learned threshold in every layer.

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
        self.embeddings = LTPEmbeddings(config)
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
            token_type_ids: (B, T), of no effect where the layout has none.
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
        run = Pass(
            self.config, self.thresholds, attention_mask, mode,
            force_keep, force_drop, depth, output_scores,
        )  # fmt: skip
        x = self.embed(input_ids, token_type_ids, run)
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

    def embed(self, input_ids: Tensor, token_type_ids: Tensor | None, run: Pass) -> Tensor:
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
        types = None
        if token_type_ids is not None:
            types = token_type_ids.reshape(-1).index_select(0, run.place)
        rows: Tensor = self.embeddings(words, run.position + self.config.first_position, types)
        return rows

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


AutoConfig.register("auditkit-ltp", LTPConfig)
AutoModelForSequenceClassification.register(LTPConfig, LTPForSequenceClassification)
