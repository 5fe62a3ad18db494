"""A toy task in our own sentences, and tiny encoders with tokenizers of their own, made in seconds.

Three classes that their nouns tell apart; the rest of a sentence is the same for all of them.
"""

from collections import Counter
from itertools import chain, count, islice
from pathlib import Path

import numpy as np
import torch
from tabular import write_csv
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from auditkit.ltp.layouts import LAYOUTS

CLASSES = ("Garden", "Kitchen", "Workshop")
MAX_LENGTH = 72
LONGEST = 96
"""Tokens a document that the tiny checkpoints are trained on, and that they could read."""
RECIPE = ("--epochs", "4,2,2", "--learning-rate", "3e-3", "--batch-size", "16",
          "--max-length", str(MAX_LENGTH), "--target-macs-share", "0.5")  # fmt: skip
"""Of `auditkit train`: the tiny checkpoints are about half as expensive, and better than chance."""

QUICK = ("--probe", "performance", "--probe", "attribution_agreement", "--attribution-sample", "3",
         "--random-draws", "2", "--random-documents", "60")  # fmt: skip
"""A run of the probe that measures and one that does not."""

_NOUNS = {
    "Garden": ("roses", "tulips", "hedges", "seedlings", "compost", "lawns", "orchards"),
    "Kitchen": ("onions", "saucepans", "noodles", "butter", "pastry", "soups", "dumplings"),
    "Workshop": ("hammers", "chisels", "rivets", "planks", "screws", "lathes", "sawdust"),
}
_PEOPLE = ("Anna", "Mr Okafor", "our neighbour", "the twins", "Priya Nair", "a friend from Oslo")
_VERBS = ("looked after", "sorted", "asked about", "carried", "photographed", "could not find")
_ENDS = (
    "before it got dark.",
    "in March 2019, and it wasn't easy!",
    "while the radio played.",
    "for the third time this week.",
    "and then went home.",
)


def sentences(count: int, seed: int) -> list[tuple[str, str]]:
    """Text and class name, the classes in turn."""
    rng = np.random.default_rng(seed)

    def pick(choices: tuple[str, ...]) -> str:
        return choices[rng.integers(len(choices))]

    rows = []
    for number in range(count):
        name = CLASSES[number % len(CLASSES)]
        first, second = pick(_NOUNS[name]), pick(_NOUNS[name])
        text = f"{pick(_PEOPLE)} {pick(_VERBS)} the {first} and some {second} {pick(_ENDS)}"
        rows.append((text, name))
    return rows


def train_csv(path: Path, count: int = 160) -> str:
    """Columns text and label."""
    return write_csv(path, [("text", "label"), *sentences(count, seed=1)])


def audit_csv(path: Path, count: int = 90) -> str:
    """Columns text, label, and the groups `source` and `season`, of which some are missing.

    The last two documents are a text past `MAX_LENGTH` and one of characters that are no words.
    """
    rows = [
        (text, name, ("paper", "web")[i % 2], ("spring", "autumn", "")[i % 3 - i // 3 % 2])
        for i, (text, name) in enumerate(sentences(count - 2, seed=2))
    ]
    long = " ".join(text for text, _, _, _ in rows[:6])
    odd = "Naïve owners 🌱 don't\tsell  #39;roses#39; </script> in \u202eit\u202c."
    rows += [(long, "Garden", "web", "spring"), (odd, "Garden", "paper", "")]
    return write_csv(path, [("text", "label", "source", "season"), *rows])


def backbone(layout: str, directory: Path) -> Path:
    """A random encoder of that layout with a tokenizer trained on the task."""
    tokenizer = _byte_pairs() if layout == "roberta" else _word_pieces()
    tokenizer.save_pretrained(directory)
    encoder(layout, tokenizer).save_pretrained(directory)
    return directory


def encoder(layout: str, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """Three layers, wide enough initial weights for attention to differ between tokens."""
    torch.manual_seed(0)
    shared = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "initializer_range": 0.15,
        "pad_token_id": tokenizer.pad_token_id,
    }
    if layout == "bert":
        return BertModel(BertConfig(**shared, max_position_embeddings=LONGEST))
    if layout == "distilbert":
        names = LAYOUTS[layout].spelled
        told = {names.get(key, key): value for key, value in shared.items()}
        return DistilBertModel(DistilBertConfig(**told, max_position_embeddings=LONGEST))
    return RobertaModel(
        RobertaConfig(
            **shared,
            max_position_embeddings=LONGEST + 2,
            type_vocab_size=1,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def _corpus() -> list[str]:
    return [text for text, _ in sentences(300, seed=3)]


def _word_pieces() -> PreTrainedTokenizerFast:
    """Words of up to six letters whole, longer ones in two pieces; what is rare in letters.

    The vocabulary is written down here, since a trained one differs from process to process.
    """
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    counts = Counter(
        word
        for text in _corpus()
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))
    )
    letters = sorted(set("".join(counts)))
    often = sorted(counts, key=lambda word: (-counts[word], word))
    parts = (p for w in often for p in ([w] if len(w) <= 6 else [w[:4], f"##{w[4:]}"]))
    pieces = dict.fromkeys([*special, *letters, *(f"##{sign}" for sign in letters), *parts])
    spare = (f"[unused{number}]" for number in count())
    vocabulary = {piece: at for at, piece in enumerate(islice(chain(pieces, spare), 220))}
    tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=LONGEST,
        **dict(zip(names, special, strict=True)),
    )


def _byte_pairs() -> PreTrainedTokenizerFast:
    """Byte-level, each piece's offsets with the space before it, as `trim_offsets=False` has it."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_corpus(), trainer)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=False, add_prefix_space=False
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, model_max_length=LONGEST,
        bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        mask_token="<mask>", cls_token="<s>", sep_token="</s>",
    )  # fmt: skip
