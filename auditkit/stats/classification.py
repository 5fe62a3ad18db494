"""Precision, recall and F1 per class and averaged, with intervals for F1.

Predictions come as (n, J): J draws of the same n documents, 1 for a model that does not draw. Draws
are pooled for the values; documents are what is resampled for the intervals.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.stats.estimates import Estimate, resampled
from auditkit.stats.resampling import Bootstrap

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scores:
    """One row of a classification report. None: undefined, never 0."""

    precision: float | None
    """None where nothing is predicted as the class."""
    recall: float | None
    """None where no document is of the class."""
    f1: Estimate
    support: int
    """Documents of the class."""


def classification_report(
    predicted: Ints, labels: Ints, classes: int, bootstrap: Bootstrap
) -> tuple[tuple[Scores, ...], Scores, Scores]:
    """What scikit-learn's report of that name holds: per class, macro and weighted average.

    Unlike there, an average over a class whose value is undefined is undefined itself.

    Args:
        predicted: Predicted classes (n, J), n at least 1.
        labels: Gold classes (n,).
        classes: C.
        bootstrap: How to resample for the intervals of F1.

    Returns:
        Scores per class (C of them), their mean, and their mean weighted by support.
    """
    from sklearn.metrics import precision_recall_fscore_support

    n, draws = predicted.shape
    precision, recall, f1, support = precision_recall_fscore_support(
        np.repeat(labels, draws), predicted.ravel(), labels=range(classes), zero_division=np.nan
    )
    sums = bootstrap.sums(_counts(predicted, labels, classes))
    hits, counted, gold = np.moveaxis(sums.reshape(-1, 3, classes), 1, 0)  # each (resamples, C)
    drawn = np.full_like(hits, np.nan)
    np.divide(2 * hits, counted + gold, out=drawn, where=counted + gold > 0)
    each = tuple(
        Scores(
            _defined(precision[c]),
            _defined(recall[c]),
            _estimate(_defined(f1[c]), drawn[:, c], n),
            int(support[c]) // draws,
        )
        for c in range(classes)
    )
    macro = Scores(
        _defined(np.mean(precision)),
        _defined(np.mean(recall)),
        _estimate(_defined(np.mean(f1)), drawn.mean(axis=1), n),
        n,
    )
    present = support > 0
    weighted = Scores(
        _defined(np.average(precision[present], weights=support[present])),
        _defined(np.average(recall[present], weights=support[present])),
        _estimate(
            _defined(np.average(f1[present], weights=support[present])),
            np.where(gold > 0, drawn * gold, 0.0).sum(axis=1) / n,
            n,
        ),
        n,
    )
    return each, macro, weighted


def confusion(predicted: Ints, labels: Ints, classes: int) -> Floats:
    """Documents by gold class (rows) and predicted class (columns), (C, C); means over draws."""
    counts = np.zeros((classes, classes))
    np.add.at(counts, (np.repeat(labels, predicted.shape[1]), predicted.ravel()), 1)
    return np.asarray(counts / predicted.shape[1])


def _counts(predicted: Ints, labels: Ints, classes: int) -> Floats:
    """Per document (n, 3·C): hits, predictions and gold of every class, means over draws."""
    gold = np.eye(classes)[labels]  # (n, C)
    said = np.eye(classes)[predicted].mean(axis=1)  # (n, C)
    return np.concatenate([said * gold, said, gold], axis=1)


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _estimate(value: float | None, drawn: Floats, n: int) -> Estimate:
    """F1 with the interval of its resamples."""
    if value is None:
        return Estimate(None, n, why_not="a class is neither among the labels nor predicted")
    return resampled(value, n, drawn, "f1")
