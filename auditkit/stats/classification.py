"""Precision, recall and F1 per class and averaged, with their intervals.

Predictions come as (n, J): J draws of the same n documents, 1 for a model that does not draw. Draws
are pooled for the values; documents are the unit of the intervals.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.stats import student
from auditkit.stats.estimates import NO_SPREAD, Estimate, share_of, too_few
from auditkit.stats.rates import SHARE, on_logit, ratio_of_sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEVER_SAID = "never predicted"
NO_GOLD = "no document of the class"
NEITHER = "a class is neither among the labels nor predicted"


@dataclass(frozen=True, slots=True)
class Scores:
    """One row of a classification report."""

    precision: Estimate
    """Undefined where nothing is predicted as the class."""
    recall: Estimate
    """Undefined where no document is of the class."""
    f1: Estimate
    support: int
    """Documents of the class."""


def classification_report(
    predicted: Ints, labels: Ints, classes: int
) -> tuple[tuple[Scores, ...], Scores, Scores]:
    """What scikit-learn's report of that name holds: per class, macro and weighted average.

    Unlike there, an average over a class whose value is undefined is undefined itself. Precision
    and recall are shares of documents, with the exact interval (of drawn predictions, ratios of
    document sums); F1 and averages have the delta method over documents, on the logit scale.

    Args:
        predicted: Predicted classes (n, J), n at least 1.
        labels: Gold classes (n,).
        classes: C.

    Returns:
        Scores per class (C of them), their mean, and their mean weighted by support.
    """
    n, draws = predicted.shape
    hits, said, gold = _counts(predicted, labels, classes)  # (n, C) each
    support = gold.sum(axis=0)
    parts = {
        "precision": _Parts.of(hits, said, NEVER_SAID),
        "recall": _Parts.of(hits, gold, NO_GOLD),
        "f1": _Parts.of(2 * hits, said + gold, NEITHER),
    }
    share = _share if draws == 1 else _drawn_share
    each = tuple(
        Scores(
            share(hits[:, c], said[:, c], NEVER_SAID),
            share(hits[:, c], gold[:, c], NO_GOLD),
            parts["f1"].of_class(c),
            int(support[c]),
        )
        for c in range(classes)
    )
    weights = np.full(classes, 1 / classes), support / n
    macro, weighted = (
        Scores(**{name: part.average(weight) for name, part in parts.items()}, support=n)
        for weight in weights
    )
    return each, macro, weighted


@dataclass(frozen=True, slots=True)
class _Parts:
    """Ratios of document sums by class, and what each document adds to their error."""

    values: Floats
    """(C,) NaN where there is none."""
    influence: Floats
    """(n, C)"""
    counted: NDArray[np.int64]
    """Documents in the denominator (C,)."""
    missing: str

    @classmethod
    def of(cls, top: Floats, bottom: Floats, missing: str) -> "_Parts":
        whole = bottom.sum(axis=0)
        values = np.divide(top.sum(axis=0), whole, out=np.full(whole.size, np.nan), where=whole > 0)
        influence = (top - values * bottom) / np.where(whole > 0, whole, 1)
        return cls(values, influence, (bottom > 0).sum(axis=0), missing)

    def of_class(self, c: int) -> Estimate:
        n = int(self.counted[c])
        few = too_few("class_f1", n)
        return _on_logit(self.values[c], self.influence[:, c], n, few, self.missing)

    def average(self, weights: Floats) -> Estimate:
        there = weights > 0
        value = float(self.values[there] @ weights[there])
        few = too_few("f1", len(self.influence))
        influence = self.influence[:, there] @ weights[there]
        return _on_logit(value, influence, len(influence), few, self.missing)


def _on_logit(value: float, influence: Floats, documents: int, few: str, missing: str) -> Estimate:
    if not np.isfinite(value):
        return Estimate(None, documents, why_not=missing)
    if few:
        return Estimate(float(value), documents, why_not=few)
    error, df = student.error_and_degrees(influence)
    if error < 1e-12 or not 0 < value < 1:
        return Estimate(float(value), documents, why_not=NO_SPREAD)
    half = student.quantile(0.95, df) * error
    return Estimate(float(value), documents, on_logit(float(value), half))


def _share(hits: Floats, whole: Floats, missing: str) -> Estimate:
    if not whole.any():
        return Estimate(None, 0, why_not=missing)
    return share_of(int(hits.sum()), int(whole.sum()))


def _drawn_share(hits: Floats, whole: Floats, missing: str) -> Estimate:
    found = ratio_of_sums(hits, whole, bounds=SHARE)
    return found if whole.any() else Estimate(None, 0, why_not=missing)


def confusion(predicted: Ints, labels: Ints, classes: int) -> Floats:
    """Documents by gold class (rows) and predicted class (columns), (C, C); means over draws."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (np.repeat(labels, predicted.shape[1]), predicted.ravel()), 1)
    return np.asarray(counts / predicted.shape[1])


def _counts(predicted: Ints, labels: Ints, classes: int) -> tuple[Floats, Floats, Floats]:
    """Hits, predictions and gold of every class by document (n, C) each, means over draws."""
    gold = np.eye(classes)[labels]
    said = np.eye(classes)[predicted].mean(axis=1)
    return said * gold, said, gold
