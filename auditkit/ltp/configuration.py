"""Configuration of a token-pruned classifier."""

import re
from typing import Literal

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig

from auditkit.ltp.layouts import LAYOUTS

Pruning = Literal["off", "soft", "hard", "random"]

SCORE_NORM = re.compile(r"length|alive|padded:[1-9][0-9]{0,8}")


@strict
class LTPConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]  # its __init_subclass__
    """Everything but the weights of an `LTPForSequenceClassification`.

    The fields of the backbone carry the names that BERT and RoBERTa configurations use, whatever
    the layout.
    `model_type` is our own: checkpoints of the original implementation carry `ltp` and must not
    open as ours.

    Attributes:
        layout: Of `LAYOUTS`: how positions are numbered, what the head does and what weights are
            called in the stock classifier.
        pruning: What `forward` does unless told otherwise.
        rule: `absolute`: keep a token iff its score reaches the layer's threshold (Kim et al.
            2022); `relative`: iff it reaches `relative_threshold` × the document's largest score;
            `topk`: the share `topk_rate` of the document's tokens is left at the last layer.
        score_norm: What a score is divided by, apart from the number of heads: `length`, the
            document's own number of tokens; `alive`, the number of tokens alive on entry; or
            `padded:<N>`, the constant N, for checkpoints of the original implementation.
        protect_first: [CLS] / <s> is never dropped.
        original: The weights come from a checkpoint of the original implementation.
        temperature: Of the soft mask sigmoid((score − threshold) / temperature).
    """

    model_type = "auditkit-ltp"
    keys_to_ignore_at_inference = ("depth", "lengths", "scores", "soft_mask", "regularizer")

    layout: str = "bert"
    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float | int = 0.1
    attention_probs_dropout_prob: float | int = 0.1
    classifier_dropout: float | int | None = None
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 0
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None

    pruning: str = "hard"
    rule: str = "absolute"
    score_norm: str = "length"
    protect_first: bool = True
    original: bool = False
    temperature: float = 1e-3
    relative_threshold: float = 0.1
    topk_rate: float = 0.5

    def validate_architecture(self) -> None:
        """Reject what the model cannot be built with."""
        for name, seen, allowed in (
            ("layout", self.layout, tuple(LAYOUTS)),
            ("pruning", self.pruning, ("off", "soft", "hard", "random")),
            ("rule", self.rule, ("absolute", "relative", "topk")),
        ):
            if seen not in allowed:
                raise ValueError(f"{name} is {seen!r}; available: {', '.join(allowed)}")
        for name, value in LAYOUTS[self.layout].fixed.items():
            if getattr(self, name) != value:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; in the layout {self.layout} it is {value}"
                )
        if not SCORE_NORM.fullmatch(self.score_norm):
            raise ValueError(
                f"score_norm is {self.score_norm!r}; available: length, alive, padded:<N>"
            )
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is no multiple of "
                f"num_attention_heads {self.num_attention_heads}"
            )
        if not self.temperature > 0:  # NaN too
            raise ValueError(f"temperature is {self.temperature}; expected a number above 0")

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names by class index."""
        names = self.id2label or {}
        return tuple(str(name) for _, name in sorted(names.items(), key=lambda item: int(item[0])))

    @property
    def first_position(self) -> int:
        """The position of a document's first token."""
        return (self.pad_token_id or 0) + 1 if LAYOUTS[self.layout].positions_after_padding else 0

    @property
    def max_tokens(self) -> int:
        """The longest document, in tokens."""
        return self.max_position_embeddings - self.first_position

    @property
    def rule_in_words(self) -> str:
        """What decides which tokens stay; empty where nothing is pruned."""
        if self.pruning == "off":
            return ""
        return {
            "absolute": "absolute",
            "relative": f"relative: {self.relative_threshold:g} of the largest score",
            "topk": f"topk: {self.topk_rate:g} of the tokens at the last layer",
        }[self.rule]

    @property
    def padded_length(self) -> int | None:
        """The N of `padded:<N>`: the length that documents were padded to in training."""
        kind, _, number = self.score_norm.partition(":")
        return int(number) if kind == "padded" else None
