"""Saved predictions as subjects: an audit without a model, and without a model library.

One row a document: an id, the text, its label, columns of groups if wanted, and of every arm one
column a class, `ARM:CLASS`, with its probability.
"""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from auditkit.bench.settings import ModelSettings
from auditkit.bench.subjects import Answer, Bench, Encoded, Subject
from auditkit.data.formats import Source
from auditkit.data.sources import open_source
from auditkit.errors import DataError
from auditkit.text import cut, listing, shown
from auditkit.trace import SAVED, Arm, ModelAbout, arms_of

IDS = ("example_id", "id")
"""Columns that may hold the ids, in the order of looking."""
REQUIRED = ("changed", "baseline")
TOLERANCE = 0.01
"""What the probabilities of a document may miss 1 by, such as for being rounded."""

_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class WordReader:
    """Implements `Reader` where nobody knows what the models read: words between white space."""

    max_length: int = 0
    special_tokens: dict[str, str] = field(default_factory=dict)

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Each text's words; none is cut."""
        found = []
        for text in texts:
            spans = [match.span() for match in _WORD.finditer(text)]
            ids, special = [0] * len(spans), np.zeros(len(spans), dtype=bool)
            found.append(Encoded(ids, spans, special, truncated=False, text=text))
        return found

    def rules(self) -> dict[str, Any]:
        """That texts are cut at white space."""
        return {"split": "white space"}


@dataclass(frozen=True)
class SavedSubject(Subject):
    """What an arm said, by example id; it cannot be asked anything else."""

    askable = False
    timed = False

    said: Mapping[str, np.ndarray]
    """(C,) float32 by example id."""

    def answers(
        self,
        arm: Arm,
        documents: Sequence[Encoded],
        batch_tokens: int,
        depths: Sequence[np.ndarray] | None,
        masks: Mapping[str, Sequence[np.ndarray]],
    ) -> Iterator[list[tuple[int, Answer]]]:
        """Which documents, each with what was saved of it."""
        probs = self.grouped(np.stack([self.said[d.example_id] for d in documents]))
        sizes = [len(document.token_ids) for document in documents]
        yield [
            (row, Answer(probs[row], np.zeros(size, dtype=np.int8), np.array([size])))
            for row, size in enumerate(sizes)
        ]


def open_saved(settings: ModelSettings) -> Bench:
    """The bench of a file of saved predictions.

    Raises:
        DataError: It cannot be read, lacks a column, holds an id twice, or what is no probability.
    """
    assert settings.predictions is not None  # the caller's reason to be here
    source = open_source(settings.predictions)
    ids, columns = _ids(source), _columns(source)
    labels, reader = tuple(columns[REQUIRED[0]]), WordReader()
    subjects: dict[str, Subject] = {}
    stem = Path(settings.predictions).name.partition(".")[0]
    for arm in arms_of("change"):
        if arm.name not in columns:
            continue
        probs = _probabilities(source, ids, arm.name, labels)
        digest = hashlib.sha256(repr((labels, ids)).encode() + probs.tobytes())
        about = ModelAbout(
            name=f"{stem} ({arm.name})", sha256=digest.hexdigest(), layout=SAVED, layers=0,
            hidden_size=0, heads=0, intermediate_size=0, max_length=0,
        )  # fmt: skip
        classes = tuple((index,) for index in range(len(labels)))
        subjects[arm.subject] = SavedSubject(
            about, classes, reader, dict(zip(ids, probs, strict=True))
        )
    absent = {"reseeded": f"{source.name} has no columns reseeded:CLASS"}
    return Bench(subjects, {} if "reseeded" in subjects else absent, labels, settings)


def _ids(source: Source) -> list[str]:
    """The id of every row, each its own."""
    column = next((name for name in IDS if name in source.columns), None)
    if column is None:
        raise DataError(
            f"{source.name}: no column id; every saved prediction has one; available: "
            f"{listing(source.columns)}"
        )
    ids: dict[str, int] = {}
    for row, value in enumerate(source.values(column), start=1):
        text = "" if value is None else str(value)
        if not text.strip():
            raise DataError(
                f"{source.name}, row {row}, column {column!r}: no id; give every row its own"
            )
        if text in ids:
            raise DataError(
                f"{source.name}, row {row}, column {column!r}: id {listing([text])} also stands in "
                f"row {ids[text]}; give every row its own"
            )
        ids[text] = row
    return list(ids)


def _columns(source: Source) -> dict[str, list[str]]:
    """By arm the classes that it has columns of; the same for all arms."""
    known = {arm.name for arm in arms_of("change")}
    found: dict[str, list[str]] = {}
    for column in source.columns:
        arm, colon, name = column.partition(":")
        if colon and arm in known:
            found.setdefault(arm, []).append(name)
    for arm in REQUIRED:
        if len(found.get(arm, ())) < 2:
            raise DataError(
                f"{source.name}: {len(found.get(arm, ()))} columns {arm}:CLASS, expected one for "
                f"each of two classes or more, such as {arm}:World; available: "
                f"{listing(source.columns)}"
            )
    classes = found[REQUIRED[0]]
    for arm, own in found.items():
        for name in sorted({*classes} ^ {*own}):
            lacks = arm if name in classes else REQUIRED[0]
            raise DataError(
                f"{source.name}: no column {lacks}:{cut(name, 80)}, which another arm has; every "
                "arm has one column for each class"
            )
    return found


def _probabilities(
    source: Source, ids: Sequence[str], arm: str, labels: Sequence[str]
) -> np.ndarray:
    """(rows, C) float32, each row a distribution."""
    columns = [f"{arm}:{label}" for label in labels]
    values = [source.values(column) for column in columns]
    table = np.empty((len(ids), len(labels)))
    for row, cells in enumerate(zip(*values, strict=True)):
        where = f"{source.name}, row {row + 1} (id {cut(ids[row], 40)})"
        for at, (column, cell) in enumerate(zip(columns, cells, strict=True)):
            table[row, at] = _probability(cell)
            if not 0 <= table[row, at] <= 1 + TOLERANCE:  # nor NaN
                raise DataError(
                    f"{where}, column {cut(column, 80)!r}: {shown(cell)}, expected a probability "
                    "from 0 to 1; save probabilities, not scores"
                )
        total = table[row].sum()
        if abs(total - 1) > TOLERANCE:
            raise DataError(
                f"{where}: the probabilities of {arm} add up to {total:.4g}, expected 1 within "
                f"{TOLERANCE:g}; save one for each class of the model, after its softmax"
            )
    return table.astype(np.float32)


def _probability(cell: object) -> float:
    """A cell as a number; NaN of what is none."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return math.nan
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return math.nan
