"""What a run gives its probes beside the models, and which of it a probe has read."""

import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from auditkit.data.examples import Dataset, load_dataset
from auditkit.data.settings import DataSettings
from auditkit.errors import DataError
from auditkit.plugin import NO_SWAPS, GlossaryTerm, IdentityTerm, Swaps
from auditkit.trace import DatasetAbout

TRAINING = "training"


class Supplied(NamedTuple):
    """What the user's settings come to."""

    glossary: tuple[GlossaryTerm, ...] = ()
    lexicon: tuple[IdentityTerm, ...] = ()
    swaps: Swaps = NO_SWAPS
    attribution_sample: int = 200
    training: Dataset | None = None
    """The file that was given; None: none was."""


NOTHING = Supplied()
"""What is supplied where the user says nothing."""


class Given:
    """`Supplied`, and the names of what was read of it."""

    def __init__(self, supplied: Supplied, split: Callable[[], Dataset | None]) -> None:
        """Nothing is read yet.

        Args:
            supplied: By the user.
            split: Opens the data set's own training texts, for where the user gave none.
        """
        self._supplied, self._split = supplied, split
        self.read: set[str] = set()
        """What a measurement rests on: it is asked again where one of these changes."""

    @cached_property
    def _training(self) -> Dataset | None:
        return self._supplied.training or self._split()

    @property
    def glossary(self) -> tuple[GlossaryTerm, ...]:
        """Terms that the user supplied."""
        self.read.add("glossary")
        return self._supplied.glossary

    @property
    def lexicon(self) -> tuple[IdentityTerm, ...]:
        """Terms of groups of people."""
        self.read.add("lexicon")
        return self._supplied.lexicon

    @property
    def swaps(self) -> Swaps:
        """Words that can stand for one another."""
        self.read.add("swaps")
        return self._supplied.swaps

    @property
    def attribution_sample(self) -> int:
        """How many documents to attribute."""
        self.read.add("attribution_sample")
        return self._supplied.attribution_sample

    @property
    def training(self) -> Dataset | None:
        """The training texts: those given, else the data set's own; None where there are none."""
        self.read.add(TRAINING)
        return self._training

    def sha256(self, name: str) -> str:
        """Of one of these, read or not; "" of no training texts."""
        if name == TRAINING:
            return self._training.sha256 if self._training else ""
        return hashlib.sha256(json.dumps(getattr(self._supplied, name)).encode()).hexdigest()


def training_split(
    data: DataSettings, audited: DatasetAbout, labels: tuple[str, ...]
) -> Dataset | None:
    """The data set's own training texts; None where there are none, or all of it is audited.

    Args:
        data: Where the audited data come from.
        audited: What was audited.
        labels: The model's own classes.
    """
    if audited.split in ("train", "all"):
        return None  # the audited data would be counted against itself
    source = DataSettings(
        dataset=data.dataset,
        split="train",
        text_column=data.text_column or audited.text_column,  # or several, joined
        label_column=audited.label_column or None,
        labels=data.labels,
        data_dir=data.data_dir,
    )
    try:
        return load_dataset(source, label_names=labels)
    except DataError:
        return None
