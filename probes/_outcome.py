"""The pruned model where a term survives, and where it is dropped."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    Estimate,
    Label,
    Number,
    Row,
    Told,
    Trace,
    by_group,
    class_name,
    columns,
    tabulate,
)
from auditkit.plugin.retention_tables import after
from auditkit.stats.cells import WordCells
from auditkit.stats.rates import ratio_difference, ratio_of_sums

CONFOUNDED = (
    "The effect on the outcome is observational and confounded: documents in which a term survives "
    "differ from those in which it is dropped in more than that (length, position, difficulty)."
)
DROPPED = "documents where the term is dropped"


def outcome_table(trace: Trace, terms: WordCells) -> Told:
    """Accuracy and p(gold) over pairs of a document and a term of its class.

    Args:
        trace: The run.
        terms: Its words, by the term of the document's class that they belong to.
    """
    layer = terms.reference
    parts = (("accuracy", "Accuracy"), ("p_gold", "p(gold)"))
    return tabulate(
        "outcome",
        f"The pruned model where a term of the class survives layer {layer} and where it "
        "is dropped",
        [
            Label("class", "Class", whole="all classes"),
            *columns(
                ("kept", "Survives", "count", "Document and term pairs in which the term is alive "
                 f"after layer {layer}."),
                ("dropped", "Dropped", "count", "Pairs in which it is dropped by layer "
                 f"{layer}."),
            ),
            *(
                number
                for name, title in parts
                for number in (
                    Number(f"{name}_kept", f"{title}, survives", "share", interval=None,
                           basis=after(layer)),
                    Number(f"{name}_dropped", f"{title}, dropped", "share", interval=None,
                           basis=after(layer)),
                    Number(f"{name}_difference", "Difference", "share",
                           interval="Student's t over documents, linearised.", control=DROPPED,
                           basis=after(layer)),
                )
            ),
        ],
        _rows(trace, terms),
        note=CONFOUNDED,
        arm=trace.about.depths_of,
    )  # fmt: skip


def _rows(trace: Trace, terms: WordCells) -> Iterator[Row]:
    kept, dropped = _pairs(terms, len(trace.documents))
    said = _said(trace)

    def estimate(mine: NDArray[np.bool_]) -> dict[str, Estimate]:
        k, d = kept[mine], dropped[mine]
        found = {}
        for name, values in said.items():
            y = values[mine]
            found[f"{name}_kept"] = ratio_of_sums(y * k, k)
            found[f"{name}_dropped"] = ratio_of_sums(y * d, d)
            found[f"{name}_difference"] = ratio_difference((y * k, k), (y * d, d))
        return found

    for value, who, numbers in by_group(estimate, trace.documents.label):
        k, d = int(kept[who].sum()), int(dropped[who].sum())
        name = None if value is None else class_name(trace.about.labels, value)
        yield Row({"class": name}, numbers, {"kept": k, "dropped": d}, n=k + d)


def _pairs(terms: WordCells, documents: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Terms of each document that are alive after the reference layer, and those that are not."""
    inside = terms.category >= 0
    pairs = pd.DataFrame(
        {
            "document": terms.document[inside],
            "term": terms.category[inside],
            "depth": terms.depth[inside],
        }
    )
    alive = pairs.groupby(["document", "term"])["depth"].max() >= terms.reference
    document = alive.index.get_level_values("document").to_numpy()
    kept, held = (
        np.bincount(document, weights=pairs, minlength=documents).astype(np.float64)
        for pairs in (alive.to_numpy(), np.ones(len(alive)))
    )
    return kept, held - kept


def _said(trace: Trace) -> dict[str, NDArray[np.float64]]:
    """Whether the pruned model is right (n,), and its probability of the gold class (n,)."""
    (audited,), label = trace.about.in_role("audited"), trace.documents.label
    answers = trace.documents.answers(audited)
    assert answers is not None  # it runs on all documents
    right = answers.predicted[:, 0] == label
    p_gold = answers.probs[np.arange(len(label)), 0, label]
    return {"accuracy": right.astype(np.float64), "p_gold": p_gold.astype(np.float64)}
