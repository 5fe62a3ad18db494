"""The modules of the classifier, on packed rows.

Shapes: B documents, R rows, P places in groups, D hidden, C classes.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from transformers.activations import ACT2FN

from auditkit.ltp.attention import attend
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.layouts import LAYOUTS, NORM, POSITIONS, TYPES, WORDS
from auditkit.ltp.packing import Group


class Linear(nn.Linear):
    """A product whose rows do not depend on how many they are.

    MKL shares a long inner dimension out among its threads, at some numbers of rows and not at
    others, and then rounds differently. It leaves one of `INNER` whole.
    """

    INNER = 768

    def forward(self, x: Tensor) -> Tensor:
        """(…, in) to (…, out)."""
        if x.device.type != "cpu" or self.in_features <= self.INNER:
            return super().forward(x)
        out: Tensor = self.bias
        parts = torch.split(x.flatten(0, -2), self.INNER, 1)
        for part, weight in zip(parts, torch.split(self.weight, self.INNER, 1), strict=True):
            out = torch.addmm(out, part, weight.T)
        return out.view(*x.shape[:-1], -1)


class LTPEmbeddings(nn.Module):
    """Words, positions and, where the layout has them, token types: their sum, normalised."""

    word_embeddings: nn.Embedding
    position_embeddings: nn.Embedding
    token_type_embeddings: nn.Embedding
    LayerNorm: nn.LayerNorm

    def __init__(self, config: LTPConfig) -> None:
        super().__init__()
        layout, hidden, padding = LAYOUTS[config.layout], config.hidden_size, config.pad_token_id
        places = padding if layout.positions_after_padding else None
        made: dict[str, Callable[[], nn.Module]] = {
            WORDS: lambda: nn.Embedding(config.vocab_size, hidden, padding),
            POSITIONS: lambda: nn.Embedding(config.max_position_embeddings, hidden, places),
            TYPES: lambda: nn.Embedding(config.type_vocab_size, hidden),
            NORM: lambda: nn.LayerNorm(hidden, eps=config.layer_norm_eps),
        }
        for name in layout.embeddings:
            self.add_module(name, made[name]())
        self.typed = TYPES in layout.embeddings
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, words: Tensor, positions: Tensor, types: Tensor | None = None) -> Tensor:
        """Embed tokens whose words are looked up already.

        Args:
            words: (…, D).
            positions: (…), as the layout numbers them.
            types: (…) token types; None: all 0.

        Returns:
            (…, D)
        """
        if self.typed:
            kinds = torch.zeros_like(positions) if types is None else types
            words = words + self.token_type_embeddings(kinds)
        rows: Tensor = self.dropout(self.LayerNorm(words + self.position_embeddings(positions)))
        return rows


class LTPLayer(nn.Module):
    """One encoder layer on packed rows, its decision between the two halves.

    The decision rests on the attention probabilities alone. It is therefore taken before the
    attention's output is projected: of the rows that leave, neither that nor the FFN is computed.
    """

    def __init__(self, config: LTPConfig) -> None:
        super().__init__()
        hidden, inner, eps = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.heads = config.num_attention_heads
        self.qkv = Linear(hidden, 3 * hidden)
        self.attention_out = Linear(hidden, hidden)
        self.attention_norm = nn.LayerNorm(hidden, eps=eps)
        self.ffn_in = Linear(hidden, inner)
        self.ffn_out = Linear(inner, hidden)
        self.ffn_norm = nn.LayerNorm(hidden, eps=eps)
        self.activation = ACT2FN[config.hidden_act]
        rate = config.hidden_dropout_prob
        self.dropout = nn.Dropout(rate)
        own = LAYOUTS[config.layout].attention_out_dropout
        self.attention_out_dropout = nn.Dropout(rate if own else 0.0)
        self.attention_dropout = float(config.attention_probs_dropout_prob)

    def attend(
        self, x: Tensor, groups: list[Group], received: bool
    ) -> tuple[Tensor, Tensor | None]:
        """The first half, across rows: self-attention over the alive ones.

        Args:
            x: (R, D) rows.
            groups: The documents by padded length.
            received: Whether the attention received is needed; without it a fused kernel does.

        Returns:
            By place in the groups, a zero behind them: (P + 1, D) contexts, and (P + 1,) float32
            Σ_heads Σ_q P.
        """
        dropout = self.attention_dropout if self.training else 0.0
        return attend(self.qkv(x), groups, self.heads, received=received, dropout=dropout)

    def finish(self, x: Tensor, context: Tensor) -> Tensor:
        """The second half, row by row: the attention's output and residual, and the FFN.

        Args:
            x: (R', D) those rows of the layer's input that go on.
            context: (R', D) their contexts.

        Returns:
            (R', D)
        """
        x = self.attention_norm(x + self.attention_out_dropout(self.attention_out(context)))
        inner = self.activation(self.ffn_in(x))
        out: Tensor = self.ffn_norm(x + self.dropout(self.ffn_out(inner)))
        return out


class LTPHead(nn.Module):
    """First token to logits: BERT's pooler and classifier, or the heads of the other layouts."""

    def __init__(self, config: LTPConfig) -> None:
        super().__init__()
        rate, layout = config.classifier_dropout, LAYOUTS[config.layout]
        self.dropout = nn.Dropout(config.hidden_dropout_prob if rate is None else rate)
        self.dropout_before = layout.head_dropout_before
        self.dense = Linear(config.hidden_size, config.hidden_size)
        self.activation = ACT2FN[layout.activation]
        self.out = Linear(config.hidden_size, cast(int, config.num_labels))

    def forward(self, first: Tensor) -> Tensor:
        """(B, D) to (B, C)."""
        if self.dropout_before:
            first = self.dropout(first)
        logits: Tensor = self.out(self.dropout(self.activation(self.dense(first))))
        return logits
