"""A trace made by hand: seven documents of a model of three layers and two classes."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from auditkit.files import Folder
from auditkit.trace import (
    TABLES,
    About,
    AnnotatorAbout,
    ArmAbout,
    DatasetAbout,
    ModelAbout,
    Trace,
    documents_schema,
    finish,
    write_shard,
)

LAYERS = 3

DEPTHS: Mapping[str, tuple[int, ...]] = {
    "g": (3, 0, 2, 1, 3),
    "b": (3, 3, 3),
    "a": (2, 0),
    "f": (3, 1, 1, 0),
    "c": (0, 2, 3, 2, 1, 0),
    "é": (3, 1),
    "B": (1, 3, 2),
}
"""Survival depths by document, as recorded; the first token is special."""

UPOS = ("NOUN", "VERB", "ADJ")
"""Of the words of a document, in turn."""

UNDRAWN = ("b", "é")
"""Documents on which the arm `random` was not run."""

_numbers = itertools.count()


def about() -> About:
    model = ModelAbout(name="small", sha256="0", layout="bert", layers=LAYERS, hidden_size=4,
                       heads=1, intermediate_size=8, max_length=16)  # fmt: skip
    return About(
        auditkit="0",
        subjects={"model": model, "baseline": model},
        runs=(
            ArmAbout(name="baseline", subject="baseline", documents=7),
            ArmAbout(name="pruned", subject="model", documents=7),
            ArmAbout(name="random", subject="model", documents=5, draws=2),
        ),
        absent={"continued": "there is none"},
        dataset=DatasetAbout(name="small", split="test", sha256="0", text_column="text",
                             label_column="label", labels=("no", "yes"), group_columns=("kind",),
                             rows_in=7, audited=7),
        annotator=AnnotatorAbout(name="hand", version="0", source="shipped"),
        seed=0, dtype="float32", device="cpu",
    )  # fmt: skip


def frames(order: Sequence[str] = tuple(DEPTHS)) -> dict[str, pd.DataFrame]:
    """All tables, the documents recorded in this order."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for example_id in order:
        depths = DEPTHS[example_id]
        key: dict[str, Any] = {"example_id": example_id}
        rows["documents"].append(key | _document(example_id))
        rows["texts"].append(key | {"text": f"the text of {example_id}"})
        for position, depth in enumerate(depths):
            at: dict[str, Any] = key | {"position": position}
            rows["tokens"].append(
                at | {"token_id": 100 + position, "char_start": position, "char_end": position + 1,
                      "word": position - 1, "special": position == 0, "depth": depth}
            )  # fmt: skip
            if example_id not in UNDRAWN:
                rows["depths"] += [
                    at | {"arm": "random", "draw": draw, "depth": (depth + draw) % (LAYERS + 1)}
                    for draw in range(2)
                ]
            if position:
                text = f"{example_id}{position}"
                rows["words"].append(
                    key | {"word": position - 1, "text": text, "lower": text.lower(),
                           "char_start": position, "char_end": position + 1,
                           "upos": UPOS[position % 3], "is_stop": position % 2 == 0, "entity": "",
                           "pieces": 1, "depth": depth}
                )  # fmt: skip
    return {name: pd.DataFrame(of, columns=_columns(name)) for name, of in rows.items()}


def _columns(name: str) -> list[str]:
    schema = TABLES[name]
    if name == "documents":
        schema = documents_schema(about().dataset.group_columns, about().arm_keys)
    return list(schema.names)


def _document(example_id: str) -> dict[str, Any]:
    depths, place = DEPTHS[example_id], list(DEPTHS).index(example_id)
    kept = [sum(d >= layer for d in depths[1:]) for layer in range(1, LAYERS + 1)]
    special = [int(depths[0] >= layer) for layer in range(1, LAYERS + 1)]
    drawn = example_id not in UNDRAWN
    return {
        "label": place % 2, "tokens": len(depths), "truncated": place == 3,
        "words_cut": 4 * (place == 3), "pieces": len(depths) - 1, "kept": kept,
        "special_kept": special, "group:kind": "xyz"[place % 3],
        "predicted_baseline": 0, "probs_baseline": [0.75, 0.25],
        "predicted_pruned": 1, "probs_pruned": [0.125 * place, 1 - 0.125 * place],
        "predicted_random_0": 1 if drawn else None,
        "probs_random_0": [0.5, 0.5] if drawn else None,
        "predicted_random_1": 0 if drawn else None,
        "probs_random_1": [0.25, 0.75] if drawn else None,
        "macs_baseline": 100 * len(depths), "macs_pruned": 10 * len(depths),
    }  # fmt: skip


def in_memory(**tables: pd.DataFrame) -> Trace:
    return Trace.of(about(), **{**frames(), **tables})


def places(tmp_path: Path) -> Iterator[Folder]:
    """A local directory and one behind a URL."""
    yield Folder(tmp_path / "run" / "trace")
    yield Folder(f"memory://small/{next(_numbers)}/trace")


def write(folder: Folder, shards: int, order: Sequence[str] = tuple(DEPTHS)) -> Trace:
    """The trace in `folder`, its documents dealt to `shards` shards in turn."""
    tables = frames(order)
    schema = documents_schema(about().dataset.group_columns, about().arm_keys)
    for number in range(shards):
        mine = order[number::shards]
        part = {name: frame[frame["example_id"].isin(mine)] for name, frame in tables.items()}
        write_shard(folder, number, part, schema)
    finish(folder, about())
    return Trace.open(folder)
