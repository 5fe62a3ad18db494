"""Kept tokens against those that people marked, by layer and by class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from auditkit.plugin import (
    ADJUSTED,
    Chart,
    Column,
    Estimate,
    Label,
    Number,
    Row,
    Telling,
    Told,
    Trace,
    called,
    class_name,
    columns,
    tabulate,
)
from auditkit.probes._faith import set_layers
from auditkit.probes._marks import Marked
from auditkit.stats.cells import reference_layer
from auditkit.stats.estimates import document_mean
from auditkit.stats.multiplicity import At, adjusted_together
from auditkit.stats.rationales import above_chance, agreement, few_expected

CHART = Telling(
    Chart(
        name="above_chance",
        kind="dots",
        table="kept",
        title="Token F1 of kept and marked tokens, above that of as many random tokens",
        alt="One dot a layer with its interval; right of 0 kept tokens are more often those that "
        "people marked than random ones are. The table has the figures.",
        x="f1_difference",
        y="set",
        interval="f1_difference_interval",
        reference=0.0,
        reference_name="as random tokens",
    ),
    high="nearer to the marks than random tokens",
    low="farther from the marks than random tokens",
    none="Kept tokens are not shown to be marked more or less often than random ones",
)
T = "Student's t over documents."
RANDOM = "random tokens"


@dataclass(frozen=True, slots=True)
class LayerRow:
    """Kept sets after one layer, of all documents or of a class."""

    layer: int
    reference: bool
    """Whether it is the reference layer."""
    name: str
    """The class; "" of all."""
    documents: int
    left_out: int
    """That keep none of their tokens, or all."""
    tokens: float
    """Kept, a document."""
    marked: float
    """Marked, a document."""
    numbers: Mapping[str, Estimate]
    """f1 and iou: of the kept set, by `_chance`, and the `_difference`."""


def layer_rows(trace: Trace, mine: Marked) -> list[LayerRow]:
    """After every layer that keeps a part of the tokens."""
    first = reference_layer(trace.documents.pieces, trace.documents.kept)
    layers = sorted(set_layers(trace.documents))
    return _together([_row(mine, layer, layer == first, "") for layer in layers])


def class_rows(trace: Trace, mine: Marked) -> list[LayerRow]:
    """After the reference layer, by class; none where it keeps nearly all tokens or none."""
    first = reference_layer(trace.documents.pieces, trace.documents.kept)
    if first not in set_layers(trace.documents):
        return []
    found = []
    for label, who in mine.classes(trace):
        found.append(_row(mine.of(who), first, True, class_name(trace.about.labels, label)))
    return _together(found)


def _row(mine: Marked, layer: int, reference: bool, name: str) -> tuple[LayerRow, dict[str, At]]:
    kept = mine.tokens[:, layer:].sum(axis=1)
    part = (kept > 0) & (kept < mine.total)
    here, kept = mine.of(part), kept[part]
    hits = here.marked[:, layer:].sum(axis=1)
    found = agreement(here.total, kept, here.found, hits)
    few = few_expected(here.total, kept, here.found)
    makers: dict[str, At] = {
        "f1_difference": partial(above_chance, found.f1, found.f1_chance, why_not=few),
        "iou_difference": partial(above_chance, found.iou, found.iou_chance, why_not=few),
    }
    numbers = {measure: document_mean(getattr(found, measure)) for measure in found._fields}
    numbers |= {measure: make() for measure, make in makers.items()}
    return LayerRow(
        layer, reference, name, len(here.rows), int((~part).sum()),
        float(kept.mean()) if len(kept) else 0.0,
        float(here.found.mean()) if len(kept) else 0.0, numbers,
    ), makers  # fmt: skip


def _together(rows: Sequence[tuple[LayerRow, dict[str, At]]]) -> list[LayerRow]:
    """The rows, each measure tested together over them."""
    found = [row for row, _ in rows]
    for measure in ("f1_difference", "iou_difference"):
        own = [row.numbers[measure] for row in found]
        told = adjusted_together(own, [makers[measure] for _, makers in rows])
        found = [
            replace(row, numbers={**row.numbers, measure: estimate})
            for row, estimate in zip(found, told, strict=True)
        ]
    return found


def layer_table(rows: Sequence[LayerRow], arm: str) -> Told:
    """One line a layer."""
    return tabulate(
        "kept",
        "Kept tokens and marked tokens, by layer",
        [Label("set", "Kept"), *_numbers()],
        [
            Row({"set": f"after layer {row.layer}", "layer": str(row.layer)}, row.numbers,
                _facts(row))
            for row in rows
        ],
        note="Documents that keep none of their tokens or all of them after a layer are left out "
        "there: layers rest on other documents.",
        arm=arm,
    )  # fmt: skip


def class_table(rows: Sequence[LayerRow], arm: str) -> Told:
    """One line a class."""
    layer = rows[0].layer
    return tabulate(
        "kept_by_class",
        f"Kept tokens and marked tokens after layer {layer}, by class",
        [Label("class", "Class"), *_numbers(f"layer {layer}")],
        [Row({"class": row.name}, row.numbers, _facts(row)) for row in rows],
        arm=arm,
        layer=str(layer),
    )


def _facts(row: LayerRow) -> dict[str, int | float]:
    return {"documents": row.documents, "left_out": row.left_out, "tokens": row.tokens,
            "marked": row.marked}  # fmt: skip


def _numbers(basis: str = "") -> list[Label | Number | Column]:
    f1, iou = "2·hits/(kept + marked).", "Hits over tokens that are kept or marked."
    found: list[Label | Number | Column] = list(
        columns(
            ("documents", "Documents", "count"),
            ("left_out", "Left out", "count", "Documents that keep none of their tokens, or all."),
            ("tokens", "Kept", "number", "Tokens a document."),
            ("marked", "Marked", "number", "Tokens a document."),
        )
    )
    for name, title, told in (("f1", "Token F1", f1), ("iou", "IoU", iou)):
        found += [
            Number(name, title, "share", told, interval=None, better="higher", basis=basis),
            Number(f"{name}_chance", "by chance", "share", "Expected of as many random tokens of "
                   "the same document, exactly.", interval=None, basis=basis),
            Number(f"{name}_difference", "Difference", "share", "The former less the latter.",
                   called(T), p="Of 0.", adjusted=ADJUSTED, better="higher", control=RANDOM,
                   basis=basis),
        ]  # fmt: skip
    return found
