"""Kept tokens against those that people marked: by layer, by class, and as an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from auditkit.plugin import (
    ADJUSTED,
    Chart,
    Column,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    Trace,
    called,
    class_name,
    columns,
    tabulate,
)
from auditkit.probes._attribution import FAMILIES
from auditkit.probes._faith import set_layers
from auditkit.probes._marks import Marked
from auditkit.probes._ranked import Beside
from auditkit.stats.cells import reference_layer
from auditkit.stats.estimates import document_mean
from auditkit.stats.multiplicity import At, adjusted_together
from auditkit.stats.rationales import Ranking, above_chance, agreement, few_expected, ranking

CHART = Chart(
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
    for label, who in _classes(trace, mine):
        found.append(_row(mine.of(who), first, True, class_name(trace.about.labels, label)))
    return _together(found)


def _classes(trace: Trace, mine: Marked) -> list[tuple[int, np.ndarray]]:
    label = trace.documents.label[mine.rows]
    return [(int(value), label == value) for value in np.unique(label)]


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


def ranking_rows(trace: Trace, mine: Marked, scores: Mapping[str, Ranking]) -> list[Row]:
    """Survival over all documents and by class, then the attributions."""
    arm, weights = str(trace.about.depths_of), trace.about.unpruned[:1]
    latest = slice(None, None, -1)  # the highest depth first
    every = ranking(mine.tokens[:, latest], mine.marked[:, latest])
    told = [({"score": "survival depth", "arm": arm}, every)]
    for label, who in _classes(trace, mine):
        name = class_name(trace.about.labels, label)
        own = Ranking(*(part[who] for part in every))
        at = {"score": f"survival depth, {name}", "arm": arm, "class": name}
        told.append((at, own))
    for method, own in scores.items():
        at = {"score": f"|attribution|, {method}", "arm": weights[0], "type": method}
        told.append((at, own))
    makers: list[At] = [
        partial(above_chance, own.precision, own.chance, kind="precision") for _, own in told
    ]
    together = adjusted_together([make() for make in makers], makers)
    return [
        Row(
            at,
            {"auprc": document_mean(own.precision, kind="precision"),
             "auprc_chance": document_mean(own.chance), "auprc_difference": difference,
             "auroc": document_mean(own.area)},
            {"documents": len(own.precision)},
        )
        for (at, own), difference in zip(told, together, strict=True)
    ]  # fmt: skip


def ranking_table(rows: Sequence[Row]) -> Told:
    """One line a score."""
    return tabulate(
        "order",
        "Order of tokens: how early it comes to the marked ones",
        [
            Label("score", "By"),
            *columns(("documents", "Documents", "count")),
            Number("auprc", "AUPRC", "share", "Average precision, mean over documents.",
                   interval=None, better="higher"),
            Number("auprc_chance", "by chance", "share", "Expected of a random order with the same "
                   "ties, exactly; it lies above the share of marked tokens.", interval=None),
            Number("auprc_difference", "Difference", "share", "The former less the latter.",
                   called(T), p="Of 0.", adjusted=ADJUSTED, better="higher",
                   control="a random order"),
            Number("auroc", "AUROC", "share", "Chance that a marked token comes before one that is "
                   "not; 0.5 by chance.", T, better="higher", control="chance"),
        ],
        rows,
        note="Survival depth has many ties and attributions have few: their AUPRC have other "
        "chance levels, and are not compared as they stand.",
    )  # fmt: skip


def beside_table(rows: Sequence[Beside], arm: str) -> Told:
    """One line a method."""
    return tabulate(
        "beside_attributions",
        "AUPRC of survival, and of |attribution| at the same counts",
        [
            Label("against", "|Attribution|"),
            *columns(
                ("family", "Family", "label"),
                ("documents", "Documents", "count", "The same for both."),
            ),
            Number("auprc_survival", "Survival", "share", interval=None, better="higher"),
            Number("auprc_attribution", "|Attribution|", "share", "As if as many tokens had been "
                   "kept after each layer, those of the largest |attribution|.", interval=None),
            Number("auprc_change", "Difference", "share", "The former less the latter, paired.",
                   called(T), p="Of 0.", adjusted=ADJUSTED),
        ],
        [
            Row({"against": row.method},
                {"auprc_survival": row.survival, "auprc_attribution": row.attribution,
                 "auprc_change": row.change},
                {"documents": row.documents, "family": FAMILIES[row.method]})
            for row in rows
        ],
        arm=arm,
    )  # fmt: skip
