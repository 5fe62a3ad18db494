"""What does pruning cost in accuracy, and what does it save?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.finding.values import (
    Cell,
    Chart,
    ColumnKind,
    Finding,
    Interval,
    Measurement,
    Table,
    Undefined,
)
from auditkit.plugin.figures import bounds, cells, columns, figure, measurement
from auditkit.plugin.probe import BenchView, answer
from auditkit.probes._budgets import budgets_chart, budgets_table
from auditkit.probes._cost import COUNTED, KEEP_RATES, cost_table, macs_ratio
from auditkit.stats.classification import Scores, classification_report, confusion
from auditkit.stats.estimates import Estimate, document_mean, document_share
from auditkit.stats.paired import (
    Difference,
    Verdict,
    accuracy_difference,
    brier_scores,
    debiased_ece,
    non_inferiority,
    probability_loyalty,
)
from auditkit.trace.tables import Trace

BINS = 15

COMPARISONS = (
    ("pruned", "baseline", "pruning and the training for it, together"),
    ("pruned", "continued", "pruning: both trained for as many steps"),
    ("continued", "baseline", "more training: nothing pruned"),
    ("pruned", "unpruned", "pruning at inference: same weights"),
    ("unpruned", "baseline", "the training for pruning: nothing pruned"),
    ("pruned", "random", "the choice of tokens: as many kept, at random"),
)

ONE_PAIR = "One checkpoint pair supports claims about that pair."
NO_NOISE_FLOOR = (
    "No noise floor: no baseline of another seed was run, so a difference that two seeds would "
    "show as well cannot be told from noise."
)
MORE_TRAINING = (
    "P has had more training than B: its epochs of LTP. No baseline that was trained on for as "
    "long was run, so pruned − baseline mixes the effect of pruning with that of training."
)
AS_MUCH_TRAINING = (
    "P has had more training than B. The arm continued is B trained on for as many steps, on the "
    "same data and with the same loss but without pruning, so pruned − continued is free of that."
)
ADAPTED = (
    "The pruned model's weights are adapted to its own masks, so pruned − unpruned and pruned − "
    "random contain a mismatch term."
)
DRAWN = (
    "Random keeping draws a mask of its own in every document and draw; a document's value is the "
    "mean over its draws, so resampling documents carries the variance between draws along."
)


@dataclass(frozen=True, slots=True)
class _Arm:
    """The answers of one arm on the documents that it ran, J draws of each (1 unless random)."""

    ids: pd.Index
    labels: NDArray[np.int64]  # (n,)
    predicted: NDArray[np.int64]  # (n, J)
    probs: NDArray[np.float64]  # (n, J, C)

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.predicted == self.labels[:, None])  # (n, J)


@dataclass(frozen=True, slots=True)
class _Summary:
    """One arm in numbers."""

    accuracy: Estimate
    classes: tuple[Scores, ...]
    macro: Scores
    weighted: Scores
    brier: Estimate
    ece: Estimate


@dataclass(frozen=True)
class Performance:
    """Accuracy, F1 and calibration of every arm, their paired differences, and counted MACs."""

    name: ClassVar[str] = "performance"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "What does pruning cost in accuracy, and what does it save?"
    needs: ClassVar[frozenset[str]] = frozenset()

    margin: float = 0.01
    """Loss of accuracy against the baseline that is still accepted: 0.01 is one point."""
    resamples: int = 2000
    """Bootstrap resamples of the documents."""

    def measure(self, bench: BenchView) -> None:
        """Nothing: the trace holds all predictions."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Performance per arm, differences between arms, the verdict, and the cost."""
        about = trace.about
        arms = {a: _arm(trace, a) for a in about.arms if len(trace.predictions(a))}
        summaries = {name: _summary(arm, rng, self.resamples) for name, arm in arms.items()}
        differences = _differences(arms, rng, self.resamples)
        saving = macs_ratio(trace, rng, self.resamples)
        change = differences.get(("pruned", "baseline"))
        verdict = non_inferiority(change, self.margin) if change else None
        measurements = [
            *(m for name, s in summaries.items() for m in _arm_measurements(name, s, about.labels)),
            *_difference_measurements(differences),
            *_verdict_measurements(verdict, change),
            *_loyalty(arms, rng, self.resamples),
            measurement("macs_ratio", saving, "ratio", arm="pruned", better="higher"),
        ]
        return answer(
            self,
            claim=_claim(summaries, change, verdict, saving, self.margin, about.no_baseline),
            status=verdict.outcome if verdict else "reported",
            measurements=tuple(measurements),
            tables=(
                _arms_table(summaries),
                _differences_table(differences),
                cost_table(trace),
                *([budgets_table(about.sweep)] if about.sweep else []),
                _classes_table(summaries, about.labels),
                _confusion_table(arms, about.labels),
            ),
            charts=(*_CHARTS, *([budgets_chart(about.sweep)] if about.sweep else [])),
            caveats=_caveats(about.arms),
        )


def _arm(trace: Trace, name: str) -> _Arm:
    """The arm's answers on the documents that all its draws ran, in document order."""
    draws = range(trace.about.random_draws) if name == "random" else range(1)
    frames = [trace.predictions(name, draw) for draw in draws]
    ids = frames[0].index
    for frame in frames[1:]:
        ids = ids[ids.isin(frame.index)]
    gold = trace.table("examples").set_index("example_id")["label"]
    probs = [np.stack(frame.loc[ids, "probs"].to_list()) for frame in frames]
    predicted = [frame.loc[ids, "predicted"].to_numpy(dtype=np.int64) for frame in frames]
    return _Arm(
        ids,
        gold.loc[ids].to_numpy(dtype=np.int64),
        np.stack(predicted, axis=1),
        np.stack(probs, axis=1).astype(np.float64),
    )


def _summary(arm: _Arm, rng: np.random.Generator, resamples: int) -> _Summary:
    n, draws, classes = arm.probs.shape
    right = arm.right
    accuracy = document_share(right[:, 0])
    if draws > 1:
        accuracy = document_mean(right.mean(axis=1), rng, resamples)
    flat = arm.probs.reshape(n * draws, classes)
    brier = brier_scores(flat, np.repeat(arm.labels, draws)).reshape(n, draws).mean(axis=1)
    said = np.take_along_axis(arm.probs, arm.predicted[..., None], axis=2)[..., 0]  # (n, J)
    ece = debiased_ece(said.ravel(), right.ravel(), BINS) if n >= BINS else None
    why_not = "a percentile interval often misses its own debiased estimate"
    report = classification_report(arm.predicted, arm.labels, classes, rng, resamples)
    return _Summary(
        accuracy,
        *report,
        document_mean(brier, rng, resamples),
        Estimate(ece, n, why_not=why_not if n >= BINS else f"fewer than {BINS} documents"),
    )


def _differences(
    arms: dict[str, _Arm], rng: np.random.Generator, resamples: int
) -> dict[tuple[str, str], Difference]:
    """Paired differences in accuracy by (model, reference), on the documents of the reference."""
    found = {}
    for name, other, _ in COMPARISONS:
        if name in arms and other in arms:
            rows = arms[name].ids.get_indexer(arms[other].ids)
            found[name, other] = accuracy_difference(
                arms[name].right[rows, 0], arms[other].right, rng, resamples=resamples
            )
    return found


def _loyalty(arms: dict[str, _Arm], rng: np.random.Generator, resamples: int) -> list[Measurement]:
    """Loyalty of the pruned model to the baseline (Xu et al. 2021)."""
    if "baseline" not in arms:
        return []
    pruned, baseline = arms["pruned"], arms["baseline"]
    rows = pruned.ids.get_indexer(baseline.ids)
    same = pruned.predicted[rows, 0] == baseline.predicted[:, 0]
    near = probability_loyalty(pruned.probs[rows, 0], baseline.probs[:, 0])
    found = {
        "label_loyalty": document_share(same),
        "probability_loyalty": document_mean(near, rng, resamples),
    }
    return [
        measurement(name, e, "share", arm="pruned", control="baseline", better="higher")
        for name, e in found.items()
    ]


def _arm_measurements(name: str, s: _Summary, labels: Sequence[str]) -> list[Measurement]:
    found = [
        measurement("accuracy", s.accuracy, "share", arm=name, better="higher"),
        measurement("macro_f1", s.macro.f1, "share", arm=name, better="higher"),
        measurement("weighted_f1", s.weighted.f1, "share", arm=name, better="higher"),
        measurement("brier", s.brier, "score", arm=name, better="lower"),
        measurement("ece", s.ece, "share", arm=name, better="lower"),
    ]
    found += [
        measurement("f1", scores.f1, "share", arm=name, slice=label, better="higher")
        for label, scores in zip(labels, s.classes, strict=True)
    ]
    return found


def _difference_measurements(
    differences: dict[tuple[str, str], Difference],
) -> list[Measurement]:
    return [
        measurement(
            "accuracy_change",
            d.estimate().scaled(100),
            "points",
            arm=name,
            slice=f"vs {other}",
            control=other,
            better="higher",
        )
        for (name, other), d in differences.items()
    ]


def _verdict_measurements(verdict: Verdict | None, change: Difference | None) -> list[Measurement]:
    """How many documents would decide, and what these could have shown."""
    if verdict is None or change is None:
        return []
    planned = "a planning figure"
    needed = Estimate(verdict.documents_needed, change.n, why_not=planned)
    if needed.value is None:
        needed = Estimate(None, change.n, why_not="no number of documents would show it, or no "
                          "document is discordant")  # fmt: skip
    detectable = Estimate(verdict.detectable, change.n, why_not=planned)
    if detectable.value is None:
        detectable = Estimate(None, change.n, why_not="no document is discordant")
    return [
        measurement("documents_needed", needed, "documents", control="baseline"),
        measurement("detectable_change", detectable.scaled(100), "points", control="baseline"),
    ]


def _arms_table(summaries: dict[str, _Summary]) -> Table:
    rows = tuple(
        (name, s.accuracy.n, *cells(s.accuracy), *cells(s.macro.f1), *cells(s.weighted.f1),
         *cells(s.brier), cells(s.ece)[0])
        for name, s in summaries.items()
    )  # fmt: skip
    return Table(
        name="arms",
        title="Every arm on the documents that it ran",
        columns=columns(
            ("arm", "Arm", "label"),
            ("documents", "Documents", "count"),
            ("accuracy", "Accuracy", "share"),
            ("accuracy_interval", "95 % interval", "interval"),
            ("macro_f1", "Macro F1", "share", "Mean over the classes."),
            ("macro_f1_interval", "95 % interval", "interval"),
            ("weighted_f1", "Weighted F1", "share", "Mean over the classes by support."),
            ("weighted_f1_interval", "95 % interval", "interval"),
            ("brier", "Brier score", "number", "Squared error of the probabilities, 0 to 2; lower "
             "is better."),
            ("brier_interval", "95 % interval", "interval"),
            ("ece", "Calibration error", "share", f"Debiased ECE of the top label, {BINS} bins of "
             "equal mass (Kumar et al. 2019); lower is better."),
        ),
        rows=rows,
        note="The arm random is the mean over its draws.",
    )  # fmt: skip


def _differences_table(differences: dict[tuple[str, str], Difference]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, other, meaning in COMPARISONS:
        if d := differences.get((name, other)):
            interval = Interval(d.interval[0] * 100, d.interval[1] * 100)
            rows.append((f"{name} − {other}", meaning, d.n, d.delta * 100, interval, d.method,
                         d.lost, d.gained, d.p))  # fmt: skip
    return Table(
        name="differences",
        title="Differences in accuracy, paired by document",
        columns=columns(
            ("comparison", "Comparison", "label"),
            ("effect", "Effect of", "text"),
            ("documents", "Documents", "count"),
            ("change", "Difference (points)", "number"),
            ("interval", "95 % interval", "interval"),
            ("method", "Interval by", "text", "Paired bootstrap over documents; Tango's score "
             "interval where fewer than 10 documents are discordant."),
            ("lost", "Lost", "number", "Documents that only the second arm gets right."),
            ("gained", "Gained", "number", "Documents that only the first arm gets right."),
            ("p", "McNemar p", "p", "Exact; against random keeping it takes the first draw."),
        ),
        rows=tuple(rows),
    )  # fmt: skip


def _classes_table(summaries: dict[str, _Summary], labels: Sequence[str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, s in summaries.items():
        parts = [*zip(labels, s.classes, strict=True), ("macro average", s.macro),
                 ("weighted average", s.weighted)]  # fmt: skip
        for label, scores in parts:
            precision = scores.precision
            recall = scores.recall
            rows.append(
                (name, label,
                 Undefined("never predicted") if precision is None else precision,
                 Undefined("no document of the class") if recall is None else recall,
                 *cells(scores.f1), scores.support)
            )  # fmt: skip
    return Table(
        name="classes",
        title="Classification report by arm",
        columns=columns(
            ("arm", "Arm", "label"),
            ("class", "Class", "label"),
            ("precision", "Precision", "share"),
            ("recall", "Recall", "share"),
            ("f1", "F1", "share"),
            ("f1_interval", "95 % interval", "interval"),
            ("support", "Documents", "count"),
        ),
        rows=tuple(rows),
        note="As scikit-learn's classification_report; an average over a class whose value is "
        "undefined is undefined too.",
    )


def _confusion_table(arms: dict[str, _Arm], labels: Sequence[str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, arm in arms.items():
        counts = confusion(arm.predicted, arm.labels, len(labels))
        rows += [(name, labels[c], *map(float, counts[c])) for c in range(len(labels))]
    predicted: list[tuple[str, str, ColumnKind]] = [
        (f"predicted_{c}", f"Predicted {label}", "number") for c, label in enumerate(labels)
    ]
    return Table(
        name="confusion",
        title="Confusion matrix by arm, in documents",
        columns=columns(("arm", "Arm", "label"), ("gold", "Gold", "label"), *predicted),
        rows=tuple(rows),
        note="The arm random is the mean over its draws.",
    )


def _claim(
    summaries: dict[str, _Summary],
    change: Difference | None,
    verdict: Verdict | None,
    saving: Estimate,
    margin: float,
    no_baseline: str,
) -> str:
    """One sentence with accuracy before and after, the interval, the MACs, and the decision."""
    times = "" if saving.value is None else f"{saving.value:.1f}"
    cost = f" at {times}× fewer MACs" if times else ""
    if times == "1.0":
        cost = " at about as many MACs"
    after = summaries["pruned"].accuracy.scaled(100)
    if change is None or verdict is None:
        return (
            f"The pruned model's accuracy is {after.value:.1f} % ({bounds(after, 1)}){cost}; "
            f"not compared with a baseline: {no_baseline or 'none was run'}."
        )
    before = summaries["baseline"].accuracy.scaled(100)
    estimate = change.estimate().scaled(100)
    values = f"{before.value:.1f} → {after.value:.1f} %"
    low, high = change.interval
    if high < 0 or low > 0:
        effect = "Pruning costs" if high < 0 else "The pruned model gains"
        size = f"{figure(abs(change.delta) * 100, 1)} points of accuracy"
        opening = f"{effect} {size} ({values}, {bounds(estimate, 1)})"
    else:
        size = f"{figure(change.delta * 100, 1)} points"
        opening = f"No difference in accuracy shown ({values}, {size}, {bounds(estimate, 1)})"
    return f"{opening}{cost}: {_decision(verdict, margin)}."


def _decision(verdict: Verdict, margin: float) -> str:
    accepted = f"the accepted {margin * 100:g} point{'' if margin == 0.01 else 's'}"
    if verdict.improved:
        return "better than the baseline"
    if verdict.outcome == "pass":
        return f"a loss of more than {accepted} is ruled out"
    if verdict.outcome == "fail":
        return f"the loss exceeds {accepted}"
    needed = verdict.documents_needed
    enough = f"; some {needed:,} documents would decide" if needed else ""
    return f"a loss of more than {accepted} is not ruled out{enough}"


def _caveats(arms: Sequence[str]) -> tuple[str, ...]:
    caveats = [ONE_PAIR, ADAPTED, COUNTED]
    if "baseline" in arms:
        training = AS_MUCH_TRAINING if "continued" in arms else MORE_TRAINING
        caveats[1:1] = [NO_NOISE_FLOOR, training]
    if "random" in arms:
        caveats.append(DRAWN)
    return tuple(caveats)


_CHARTS = (
    Chart(
        name="differences",
        kind="dots",
        table="differences",
        title="Differences in accuracy, in points",
        alt="Paired differences in accuracy between arms with their 95 % intervals; 0 is no "
        "difference. The table has the figures.",
        x="change",
        y="comparison",
        interval="interval",
        reference=0.0,
    ),
    KEEP_RATES,
)
