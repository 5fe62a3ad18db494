"""The answers of the arms as arrays, and what they come to in numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import ARMS, Measurement, Trace, measurement
from auditkit.stats.calibration import (
    brier_scores,
    calibrated_ece,
    debiased_ece,
    log_losses,
    probability_loyalty,
)
from auditkit.stats.classification import Scores, classification_report
from auditkit.stats.estimates import (
    Estimate,
    document_mean,
    document_share,
    too_few,
)
from auditkit.stats.paired import Difference, accuracy_difference
from auditkit.stats.resampling import Bootstrap

ARITHMETIC = 1e-5
"""What the scores of a document may differ in by float32's rounding alone; less is no change."""
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

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of what the first draw predicts (n,)."""
        said = np.take_along_axis(self.probs, self.predicted[..., None], axis=2)[:, 0, 0]
        return np.asarray(said, dtype=np.float64)

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
    log_loss: Estimate
    ece: Estimate
    ece_chance: Estimate
    """What a calibrated model's `ece` stays below in 95 % of samples."""


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
    """Accuracy, F1 and calibration of an arm; means over its draws, calibration of the first."""
    n, draws, classes = arm.probs.shape
    right = arm.right
    accuracy = document_share(right[:, 0])
    if draws > 1:
        accuracy = document_mean(right.mean(axis=1))
    losses = mean_scores(scores(arm))
    said = arm.confidence
    few = too_few("ece", n)
    ece = None if few else debiased_ece(said, right[:, 0])
    chance = None if few else calibrated_ece(said, bootstrap.rng)
    return Summary(
        accuracy,
        *classification_report(arm.predicted, arm.labels, classes),
        losses["brier"],
        losses["log_loss"],
        Estimate(ece, n, why_not=few or DEBIASED),
        Estimate(chance, n, why_not=few or "a bound by simulation"),
    )


def scores(arm: Answered) -> dict[str, NDArray[np.float64]]:
    """Brier score and log loss of each document (n,), means over the draws."""
    n, draws, classes = arm.probs.shape
    flat, labels = arm.probs.reshape(n * draws, classes), np.repeat(arm.labels, draws)
    found = {"brier": brier_scores(flat, labels), "log_loss": log_losses(flat, labels)}
    return {name: values.reshape(n, draws).mean(axis=1) for name, values in found.items()}


def mean_scores(values: Mapping[str, NDArray[np.float64]]) -> dict[str, Estimate]:
    """Means of scores by name; undefined where a document's own is not finite."""
    found = {}
    for name, score in values.items():
        if odd := int((~np.isfinite(score)).sum()):
            reason = f"{odd} documents have a probability of 0 for their gold class"
            found[name] = Estimate(None, len(score), why_not=reason)
        else:
            found[name] = document_mean(score, kind="score")
    return found


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


def score_changes(one: Answered, other: Answered) -> dict[str, Estimate]:
    """Brier score and log loss of `one` minus those of `other`, paired by document."""
    one, other = on_same(one, other)
    ours, theirs = scores(one), scores(other)
    with np.errstate(invalid="ignore"):
        changes = {name: ours[name] - theirs[name] for name in ours}
    told = {name: np.where(np.abs(change) < ARITHMETIC, 0.0, change)
            for name, change in changes.items()}  # fmt: skip
    return mean_scores(told)


def loyalty(arms: Mapping[str, Answered], at: Mapping[str, str]) -> list[Measurement]:
    """Loyalty of the model under audit to its reference (Xu et al. 2021)."""
    model, reference = on_same(arms[at["arm"]], arms[at["against"]])
    near = probability_loyalty(model.probs[:, 0], reference.probs[:, 0])
    found = {
        "label_loyalty": document_share(model.predicted[:, 0] == reference.predicted[:, 0]),
        **mean_scores({"probability_loyalty": near}),
    }
    return [
        measurement(name, e, "share", at=at, control=at["against"], better="higher")
        for name, e in found.items()
    ]
