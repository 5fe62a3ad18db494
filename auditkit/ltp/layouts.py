"""The layouts that the engine runs: what their stock classifiers call things and do, as data.

A layout is called what its stock classifier calls its own encoder, which is its `model_type` too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHARED = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
    "max_position_embeddings",
    "type_vocab_size",
    "initializer_range",
    "layer_norm_eps",
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
    "id2label",
    "label2id",
)
"""What our configuration has in common with those of the stock classifiers, in our words."""

BUFFERS = (
    "weight_integer", "bias_integer", "fc_scaling_factor", "weight_scaling_factor",
    "act_scaling_factor", "x_min", "x_max", "shift", "embeddings.position_ids",
    "embeddings.token_type_ids",
)  # fmt: skip
"""How the names of what full precision does not use end: I-BERT's quantisation, and positions."""


WORDS, POSITIONS = "word_embeddings", "position_embeddings"
TYPES, NORM = "token_type_embeddings", "LayerNorm"
"""What modules of the embeddings are called, in ours and in all stock classifiers."""


@dataclass(frozen=True)
class Layout:
    """An encoder and its classification head: names of weights and settings, and what they do."""

    encoders: tuple[str, ...]
    """What the classes that write such weights call their encoder."""
    types: tuple[str, ...]
    """Their `model_type`, which decides where the weights do not name the encoder."""
    embeddings: tuple[str, ...]
    """Modules of the embeddings, in whose order sums over all weights round."""
    layers: str
    """The list of layers, within the encoder."""
    qkv: tuple[str, str, str]
    """Query, key and value of a layer, which are one product in ours."""
    parts: Mapping[str, str]
    """Our name of another part of a layer → the stock classifier's."""
    head: Mapping[str, str]
    """Our name of a part of the head → the stock classifier's, from the top."""
    activation: str = "tanh"
    """Of the head."""
    head_dropout_before: bool = False
    """The head drops out before its first product as well."""
    attention_out_dropout: bool = True
    """A layer drops out of what its attention gives, as it does of what its FFN gives."""
    positions_after_padding: bool = False
    """Positions are counted from `pad_token_id` + 1, not from 0."""
    unused: tuple[str, ...] = ()
    """Parts of the encoder that the classifier does not have."""
    spelled: Mapping[str, str] = field(default_factory=dict)
    """Our name of a setting → the stock classifier's, where that is another."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Settings that the stock classifier does not have, and what it does: by our names."""

    @property
    def settings(self) -> dict[str, str]:
        """Our name of each setting that there is → the stock classifier's."""
        return {key: self.spelled.get(key, key) for key in SHARED if key not in self.fixed}

    @property
    def classes(self) -> str:
        """The weight of the stock classifier with a row for each class."""
        return f"{self.head['head.out']}.weight"


_BERTS: dict[str, Any] = {
    "layers": "encoder.layer",
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "parts": {
        "attention_out": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "ffn_in": "intermediate.dense",
        "ffn_out": "output.dense",
        "ffn_norm": "output.LayerNorm",
    },
}
"""A layer of BERT's, which RoBERTa has taken over."""

LAYOUTS = {
    "bert": Layout(
        encoders=("bert",),
        types=("bert",),
        embeddings=(WORDS, POSITIONS, TYPES, NORM),
        head={"head.dense": "bert.pooler.dense", "head.out": "classifier"},
        **_BERTS,
    ),
    "roberta": Layout(
        encoders=("roberta", "ibert", "data2vec_text"),
        types=("roberta", "xlm-roberta", "camembert", "ibert", "data2vec-text"),
        embeddings=(WORDS, TYPES, NORM, POSITIONS),
        head={"head.dense": "classifier.dense", "head.out": "classifier.out_proj"},
        head_dropout_before=True,
        positions_after_padding=True,
        unused=("pooler",),
        **_BERTS,
    ),
    "distilbert": Layout(
        encoders=("distilbert",),
        types=("distilbert",),
        embeddings=(WORDS, POSITIONS, NORM),
        layers="transformer.layer",
        qkv=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
        parts={
            "attention_out": "attention.out_lin",
            "attention_norm": "sa_layer_norm",
            "ffn_in": "ffn.lin1",
            "ffn_out": "ffn.lin2",
            "ffn_norm": "output_layer_norm",
        },
        head={"head.dense": "pre_classifier", "head.out": "classifier"},
        activation="relu",
        attention_out_dropout=False,
        spelled={
            "hidden_size": "dim",
            "num_hidden_layers": "n_layers",
            "num_attention_heads": "n_heads",
            "intermediate_size": "hidden_dim",
            "hidden_act": "activation",
            "hidden_dropout_prob": "dropout",
            "attention_probs_dropout_prob": "attention_dropout",
            "classifier_dropout": "seq_classif_dropout",
        },
        fixed={"type_vocab_size": 0, "layer_norm_eps": 1e-12},
    ),
}
"""By name: what `LTPConfig.layout` may be."""
