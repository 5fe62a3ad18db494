"""A trace made without a model, whose tables agree with each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from auditkit.testing.words import (
    HIDDEN,
    INTERMEDIATE,
    Document,
    cost_rows,
    make_document,
    marked,
    prune,
    shuffled,
)
from auditkit.trace import (
    ARMS,
    About,
    AnnotatorAbout,
    ArmAbout,
    DatasetAbout,
    ModelAbout,
    Trace,
    keys,
)
from auditkit.trace.tables import schemas

ACCURACY = {arm.name: 0.9 for arm in ARMS} | {"pruned": 0.85, "random": 0.7}
"""Expected accuracy per arm of `synthetic_trace`."""


def synthetic_trace(
    rng: np.random.Generator,
    *,
    documents: int = 40,
    layers: int = 4,
    classes: int = 2,
    baseline: bool = True,
    continued: bool = False,
    reseeded: bool = False,
    repeat: bool = False,
    draws: int = 1,
    words: tuple[int, int] = (6, 24),
    keep: float = 0.75,
    weights: Mapping[str, float] | None = None,
    accuracy: Mapping[str, float] | None = None,
    coupling: float = 0.9,
    labels: Sequence[str] | None = None,
    tagged: bool = True,
    rationales: float | None = None,
    marks_kept: float = 0.0,
) -> Trace:
    """A trace whose tables agree with each other, made without a model.

    Args:
        rng: The only source of chance.
        documents: How many; every tenth is truncated.
        layers: L.
        classes: C.
        baseline: Whether the arm `baseline` was run.
        continued: Whether the arm `continued` was run too.
        reseeded: Whether the arm `reseeded` was run too.
        repeat: Whether the arm `repeat` was run too; it repeats `pruned` to the last bit.
        draws: Draws of the arm `random`, each at the counts of `pruned` per layer; 0 leaves it out.
        words: Fewest and most words of a document, both included.
        keep: Share of the pieces alive that a layer keeps, rounded down at random.
        weights: Odds, by UPOS, of a piece to outlive others; 1 where not named.
        accuracy: Expected accuracy by arm, over `ACCURACY`.
        coupling: Share of the documents on which an arm is right or wrong for the reason that all
            arms share (the document's difficulty), so that arms are paired.
        labels: Class names, `class 0` and so on by default.
        tagged: False leaves every piece without a word, and the table `words` empty.
        rationales: Share of the documents in which people marked words; None: nobody was asked.
        marks_kept: By how much a word that outlives all layers is marked rather than one that the
            first layer drops, in log odds; below 0 those are marked that are dropped.
    """
    names = tuple(labels) if labels is not None else tuple(f"class {c}" for c in range(classes))
    run = {
        "baseline": baseline, "continued": continued, "reseeded": reseeded, "unpruned": True,
        "pruned": True, "random": draws > 0, "repeat": repeat,
    }  # fmt: skip
    about = _about(layers, names, documents, [name for name, there in run.items() if there], draws)
    if rationales is not None:
        asked = about.dataset.model_copy(update={"rationale_column": "rationale"})
        about = about.model_copy(update={"dataset": asked})
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in schemas(about)}
    difficulty = rng.random(documents)
    marking = rng.spawn(1)[0]  # all else is the same with rationales and without
    for number in range(documents):
        example_id, label, truncated = f"doc-{number:04d}", number % classes, number % 10 == 9
        document = make_document(rng, example_id, words, truncated=truncated, tagged=tagged)
        prune(rng, document, layers, keep, weights or {})
        rows["texts"].append({"example_id": example_id, "text": document.text})
        rows["tokens"] += document.tokens
        rows["words"] += document.words
        for draw in range(draws):
            rows["depths"] += shuffled(rng, document, draw)
        if repeat:
            rows["depths"] += _repeated(document)
        if rationales is not None and marking.random() < rationales:
            rows["rationales"] += marked(marking, document, layers, marks_kept)
        depth = np.array([token["depth"] for token in document.tokens])
        costs = cost_rows(example_id, depth, layers)
        rows["costs"] += costs
        told: dict[str, Any] = {
            "example_id": example_id, "label": label, "truncated": truncated,
            "words_cut": 5 * truncated, "group:source": "ab"[number % 2],
            **counts(document.tokens, layers), **macs(costs),
        }  # fmt: skip
        for arm in about.runs:
            right = {**ACCURACY, **(accuracy or {})}[arm.name]
            for key in keys(arm.name, arm.draws):
                if arm.name == "repeat":
                    own = {part: told[f"{part}_pruned"] for part in ("predicted", "probs")}
                else:
                    hard = difficulty[number] if rng.random() < coupling else rng.random()
                    own = _prediction(rng, label, classes, right=hard < right)
                told |= {f"{part}_{key}": value for part, value in own.items()}
        rows["documents"].append(told)
    columns = {name: table.names for name, table in schemas(about).items()}
    frames = {name: pd.DataFrame(r, columns=columns[name]) for name, r in rows.items() if r}
    return Trace.of(about, **frames)


def counts(tokens: Sequence[Mapping[str, Any]], layers: int) -> dict[str, Any]:
    """What `documents` counts of a document's tokens."""
    depth = np.array([token["depth"] for token in tokens])
    special = np.array([token["special"] for token in tokens], dtype=bool)
    after = range(1, layers + 1)
    return {
        "tokens": len(tokens),
        "pieces": int((~special).sum()),
        "kept": [int((depth[~special] >= layer).sum()) for layer in after],
        "special_kept": [int((depth[special] >= layer).sum()) for layer in after],
    }


def macs(costs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Counted MACs of a document by arm, from its rows of the table `costs`."""
    found: dict[str, int] = {}
    for row in costs:
        key = f"macs_{row['arm']}"
        found[key] = found.get(key, 0) + int(row["macs_attention"] + row["macs_ffn"])
    return found


def _repeated(document: Document) -> list[dict[str, Any]]:
    return [
        {"example_id": t["example_id"], "arm": "repeat", "draw": 0, "position": t["position"],
         "depth": t["depth"]}
        for t in document.tokens
    ]  # fmt: skip


def _prediction(
    rng: np.random.Generator, label: int, classes: int, *, right: bool
) -> dict[str, Any]:
    predicted = label if right else (label + int(rng.integers(1, max(classes, 2)))) % classes
    probs = rng.dirichlet(np.ones(classes))
    probs[[int(probs.argmax()), predicted]] = probs[[predicted, int(probs.argmax())]]
    return {"probs": probs.astype(np.float32), "predicted": predicted}


def _about(
    layers: int, labels: tuple[str, ...], documents: int, arms: Sequence[str], draws: int
) -> About:
    model = ModelAbout(
        name="synthetic",
        sha256="0" * 64,
        layout="bert",
        layers=layers,
        hidden_size=HIDDEN,
        heads=4,
        intermediate_size=INTERMEDIATE,
        max_length=128,
        score_norm="length",
        thresholds=tuple(0.01 * (layer + 1) for layer in range(layers)),
    )
    plain = model.model_copy(update={"thresholds": (), "score_norm": ""})
    subjects = {arm.name: arm.subject for arm in ARMS if arm.name in arms}
    absent = {"baseline": "no --baseline was given and the checkpoint holds none"}
    return About(
        auditkit="0",
        subjects={
            subject: model
            if subject == "model"
            else plain.model_copy(update={"name": f"synthetic/{subject}"})
            for subject in dict.fromkeys(["model", *subjects.values()])
        },
        runs=tuple(
            ArmAbout(name=name, subject=subject, documents=documents,
                     draws=draws if name == "random" else 1)
            for name, subject in subjects.items()
        ),
        absent={} if "baseline" in arms else absent,
        dataset=DatasetAbout(
            name="synthetic",
            split="test",
            sha256="0" * 64,
            text_column="text",
            label_column="label",
            labels=labels,
            group_columns=("source",),
            rows_in=documents,
            audited=documents,
            truncated=documents // 10,
            words_cut=5 * (documents // 10),
        ),
        annotator=AnnotatorAbout(name="synthetic", version="0", source="shipped", language="en"),
        seed=0,
        dtype="float32",
        device="cpu",
    )  # fmt: skip
