"""A toy task that a random encoder learns in seconds, and trainings on it, interrupted at will."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel, BertTokenizer

from auditkit.ltp.stored import training_record
from auditkit.ltp.training.documents import Labelled
from auditkit.ltp.training.outcome import Stage
from auditkit.ltp.training.settings import TrainingSettings
from auditkit.ltp.training.stages import train
from auditkit.ltp.training.trainer import Step

NAMES = ("dull", "fine")
FILLER = [f"w{n}" for n in range(30)]
SIGNS = (["bad", "poor", "worst"], ["good", "great", "best"])


def toy(rows: int, seed: int) -> Labelled:
    """Two signs of the class among filler."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for row in range(rows):
        label = row % 2
        words = rng.choice(FILLER, size=rng.integers(4, 14)).tolist()
        for sign in rng.choice(SIGNS[label], size=2):
            words.insert(int(rng.integers(len(words) + 1)), str(sign))
        texts.append(" ".join(words))
        labels.append(label)
    return Labelled(texts, labels)


TRAINING, HELD_OUT = toy(192, seed=1), toy(64, seed=2)


def make_backbone(directory: Path) -> Path:
    """A random encoder without a head, and a WordPiece vocabulary of the toy's words."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *FILLER, *SIGNS[0], *SIGNS[1]]
    BertTokenizer(vocab={word: i for i, word in enumerate(words)}).save_pretrained(directory)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=32,
        initializer_range=0.1,
    )
    BertModel(config).save_pretrained(directory)
    return directory


def recipe(backbone: Path) -> TrainingSettings:
    """Choices under which the toy is learned and half of its MACs are saved."""
    return TrainingSettings(
        backbone=str(backbone),
        epochs=(3.0, 2.0, 2.0),
        target_macs_share=0.5,
        max_length=24,
        batch_size=16,
        learning_rate=4e-3,
        threshold_lr=0.0125,
        temperature=0.125,
        seed=7,
        save_steps=4,
    )


def teach(settings: TrainingSettings, out: Path, **options: Any) -> tuple[Stage, ...]:
    return train(settings, TRAINING, HELD_OUT, NAMES, out, **options)


def weights(out: Path) -> dict[str, torch.Tensor]:
    own = load_file(out / "model.safetensors")
    stock = load_file(out / "baseline" / "model.safetensors")
    return own | {f"baseline.{name}": value for name, value in stock.items()}


def record(out: Path) -> dict[str, Any]:
    found = training_record(str(out))
    assert found is not None
    return found


def without_time(found: dict[str, Any]) -> dict[str, Any]:
    """A training record but for its seconds."""
    for line in [*found["stages"], *found["history"], found["budget"]]:
        line.pop("seconds")
    return found


def same(one: Path, other: Path) -> None:
    """Both trainings left the same bits, and the same history but for the time it took."""
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name
    assert without_time(record(one)) == without_time(record(other))


class Interruption(BaseException):
    """What stands for a kill in the fast tests."""


def interrupting(stage: str, step: int) -> Callable[[Step], None]:
    def observe(seen: Step) -> None:
        if (seen.stage, seen.step) == (stage, step):
            raise Interruption

    return observe


RUN = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from toy_training import TrainingSettings, teach
settings = TrainingSettings(**{settings!r})
teach(settings, Path({out!r}), resume=True, observer=lambda step: time.sleep(0.03))
"""


def launch(settings: TrainingSettings, out: Path) -> subprocess.Popen[bytes]:
    code = RUN.format(tests=str(Path(__file__).parent), settings=asdict(settings), out=str(out))
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
