"""The answers of the arms as arrays, and what they come to in numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import ARMS, Trace
from auditkit.stats.classification import Scores, classification_report
from auditkit.stats.estimates import Estimate, document_mean, document_share, too_few
from auditkit.stats.paired import Difference, accuracy_difference, brier_scores, debiased_ece
from auditkit.stats.resampling import Bootstrap

BINS = 15
DEBIASED = "a percentile interval often misses its own debiased estimate"


@dataclass(frozen=True, slots=True)
class Answered:
    """What one arm said of the documents on which it was run, J draws of each (1 unless drawn)."""

    rows: NDArray[np.int64]
    """(n,) ascending: rows of `trace.documents`."""
    labels: NDArray[np.int64]
    """(n,) gold classes."""
    predicted: NDArray[np.int64]
    """(n, J)."""
    probs: NDArray[np.float64]
    """(n, J, C)."""

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each draw predicts the gold class (n, J)."""
        return np.asarray(self.predicted == self.labels[:, None])

    def at(self, places: NDArray[np.int64]) -> "Answered":
        """The documents at these places of `rows` alone."""
        return Answered(
            self.rows[places], self.labels[places], self.predicted[places], self.probs[places]
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """One arm in numbers."""

    accuracy: Estimate
    classes: tuple[Scores, ...]
    macro: Scores
    weighted: Scores
    brier: Estimate
    ece: Estimate


def answered(trace: Trace) -> dict[str, Answered]:
    """The arms that were run on any document, in the order of `ARMS`."""
    documents, found = trace.documents, {}
    for name in trace.about.arms:
        told = documents.answers(name)
        if told is not None and len(told.rows):
            found[name] = Answered(
                told.rows,
                documents.label[told.rows].astype(np.int64),
                told.predicted.astype(np.int64),
                told.probs.astype(np.float64),
            )
    return found


def summary(arm: Answered, bootstrap: Bootstrap) -> Summary:
    """Accuracy, F1 and calibration of an arm; means over its draws."""
    n, draws, classes = arm.probs.shape
    right = arm.right
    accuracy = document_share(right[:, 0])
    if draws > 1:
        accuracy = document_mean(right.mean(axis=1), bootstrap)
    flat = arm.probs.reshape(n * draws, classes)
    brier = brier_scores(flat, np.repeat(arm.labels, draws)).reshape(n, draws).mean(axis=1)
    said = np.take_along_axis(arm.probs, arm.predicted[..., None], axis=2)[..., 0]  # (n, J)
    few = too_few("ece", n)
    ece = None if few else debiased_ece(said.ravel(), right.ravel(), BINS)
    return Summary(
        accuracy,
        *classification_report(arm.predicted, arm.labels, classes, bootstrap),
        document_mean(brier, bootstrap),
        Estimate(ece, n, why_not=few or DEBIASED),
    )


def pairs(arms: Mapping[str, Answered]) -> Iterator[tuple[str, str, str]]:
    """Arms that are compared: one, the other, and what their difference is the effect of.

    As `ARMS` has it, the model under audit first.
    """
    for entry in sorted(ARMS, key=lambda entry: entry.role != "audited"):
        for other, effect in entry.versus.items():
            if not {entry.name, other} <= set(arms):
                continue
            if np.intersect1d(arms[entry.name].rows, arms[other].rows).size:
                yield entry.name, other, effect


def on_same(one: Answered, other: Answered) -> tuple[Answered, Answered]:
    """Both arms on the documents on which both were run."""
    _, here, there = np.intersect1d(one.rows, other.rows, assume_unique=True, return_indices=True)
    return one.at(here), other.at(there)


def difference(one: Answered, other: Answered, bootstrap: Bootstrap) -> Difference:
    """Accuracy of `one` minus that of `other`, paired by document."""
    one, other = on_same(one, other)
    return accuracy_difference(one.right[:, 0], other.right, bootstrap)
