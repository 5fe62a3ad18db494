"""Whether probabilities mean what they say: bins, sets and the surest answers, as tables."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from auditkit.plugin import (
    COST,
    Chart,
    Column,
    Conclusion,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    bounds,
    columns,
    compare,
    direction,
    figure,
    percent,
    place,
    places_of,
    tabulate,
)
from auditkit.probes._arms import Answered
from auditkit.probes._groups import Group
from auditkit.stats.calibration import BINS, accuracy_at, debiased_ece, equal_mass
from auditkit.stats.conformal import STATISTICS, Sets
from auditkit.stats.estimates import share_of, too_few

LEVELS = (0.9, 0.95, 0.99)
LEVEL = LEVELS[0]
"""The one that is told of by group, and in words."""
SURE = (1.0, 0.9, 0.8, 0.7, 0.5, 0.25)
"""Shares of the documents, the surest."""
RESAMPLED = "Bootstrap over documents, those that are calibrated on included."

CHARTS = (
    Chart(
        name="reliability", kind="lines", table="reliability", x="confidence", y="right",
        color="arm", interval="right_interval", title="Right answers by what a model says",
        diagonal="right as often as it says",
        alt="One line an arm: of documents in which it is as sure, how many it gets right. A "
        "calibrated model's line lies on the dashed one. The table has the figures.",
    ),
    Chart(
        name="risk", kind="lines", table="risk", x="answered", y="accuracy_among_sure",
        color="arm", interval="accuracy_among_sure_interval",
        title="Accuracy among the surest answers",
        alt="One line an arm: accuracy where only so large a share of the documents, the surest, "
        "is answered. The table has the figures.",
    ),
)  # fmt: skip


def reliability_table(arms: Mapping[str, Answered]) -> Told:
    """By arm and bin of equal mass: what it says, and how often it is right."""
    return tabulate(
        "reliability",
        "Right answers by what a model says, in bins of equal mass",
        [
            Label("arm", "Arm"), Label("bucket", "Bin"),
            *columns(("confidence", "Says", "share", "Mean probability of the predicted class."),
                     ("documents", "Documents", "count")),
            Number("right", "Right", "share", interval="Exact (Clopper and Pearson)."),
        ],
        [row for name, arm in arms.items() for row in _bins(name, arm)],
    )  # fmt: skip


def _bins(name: str, arm: Answered) -> Iterator[Row]:
    sure, right = arm.confidence, arm.right[:, 0]
    bin_of = equal_mass(sure, max(1, min(BINS, len(sure) // 10)))
    for number, value in enumerate(np.unique(bin_of), start=1):
        who = bin_of == value
        yield Row(
            {"arm": name, "bucket": str(number)},
            {"right": share_of(int(right[who].sum()), int(who.sum()))},
            {"confidence": float(sure[who].mean()), "documents": int(who.sum())},
        )


def ece_change(now: Answered, before: Answered) -> Estimate:
    """Debiased calibration error of one arm less that of the other, without interval."""
    n = len(now.labels)
    if few := too_few("ece", n):
        return Estimate(None, n, why_not=few)
    errors = [debiased_ece(arm.confidence, arm.right[:, 0]) or 0.0 for arm in (now, before)]
    why_not = "clipped at 0 and binned: a percentile interval often misses its own estimate"
    return Estimate(errors[0] - errors[1], n, why_not=why_not)


def risk_table(arms: Mapping[str, Answered]) -> Told:
    """Accuracy where only the surest documents are answered."""
    rows = []
    for name, arm in arms.items():
        told = accuracy_at(arm.confidence, arm.right[:, 0], SURE)
        for share, (n, right) in zip(SURE, told, strict=True):
            rows.append(
                Row({"arm": name, "level": f"{share:g}"},
                    {"accuracy_among_sure": share_of(right, n)},
                    {"answered": share, "documents": n})
            )  # fmt: skip
    return tabulate(
        "risk",
        "Accuracy among the surest answers",
        [
            Label("arm", "Arm"), Label("level", "Share answered"),
            *columns(("answered", "Answered", "share"), ("documents", "Documents", "count")),
            Number("accuracy_among_sure", "Accuracy", "share",
                   interval="Exact (Clopper and Pearson), of these documents.", better="higher"),
        ],
        rows,
    )  # fmt: skip


def sets_table(found: Mapping[float, Mapping[str, Sets]], reference: str) -> Told:
    """Sets of classes by level and arm."""
    return tabulate(
        "sets",
        "Sets of classes that hold the gold class so often",
        [Label("level", "Promised"), Label("arm", "Arm"), *_numbers(reference)],
        [
            Row({"level": f"{level:g}", "arm": name}, _of(sets, name == reference))
            for level, by_arm in found.items()
            for name, sets in by_arm.items()
        ],
        note="Split-conformal, score 1 − p: halves of the documents, stratified by class, take "
        "turns. Sets of none are frequent where accuracy is above what is promised.",
    )


def groups_table(
    found: Sequence[tuple[Group, Sets]], level: float, at: Mapping[str, str], reference: str
) -> Told:
    """Sets of the model under audit by group."""
    return tabulate(
        "sets_by_group",
        f"Sets that are to hold the gold class in {percent(level, 0)}, by group",
        [Label("column", "By"), Label("group", "Group"),
         *columns(("documents", "Documents", "count")), *_numbers(reference)],
        [
            Row({**group.at, "level": f"{level:g}"},
                _of(sets, False), {"documents": group.size})
            for group, sets in found
        ],
        note="What is promised over all documents is not promised within a group; only the change "
        "from the reference is a finding.",
        **at,
    )  # fmt: skip


def _numbers(reference: str) -> tuple[Number | Column, ...]:
    titles = ("Hold the gold class", "Classes a set", "Sets of none")
    return tuple(
        number
        for name, title in zip(STATISTICS, titles, strict=True)
        for number in (
            Number(f"set_{name}", title, "classes" if name == "size" else "share",
                   interval=RESAMPLED),
            Number(f"set_{name}_change", f"Less the {reference}'s",
                   "classes" if name == "size" else "share", interval=RESAMPLED,
                   control=reference),
        )
    )  # fmt: skip


def _of(sets: Sets, alone: bool) -> dict[str, Estimate]:
    none = Estimate(None, sets.own["size"].n, why_not="it is what the others are compared with")
    changes = dict.fromkeys(STATISTICS, none) if alone else sets.change
    return {f"set_{name}": sets.own[name] for name in STATISTICS} | {
        f"set_{name}_change": changes[name] for name in STATISTICS
    }


def conclusions_of_calibration(
    sets: Mapping[str, Sets], arm: str, reference: str
) -> list[Conclusion]:
    """That sets are shown to hold the gold class less often than the reference's."""
    change, own = sets[arm].change["coverage"].scaled(100), sets[arm].own["coverage"]
    if direction(change) != -1 or own.value is None:
        return []
    places = places_of(change, 1)
    told = (
        f"Sets that are to hold the gold class in {percent(LEVEL, 0)} of documents do so in "
        f"{percent(own.value)}, {figure(abs(change.value or 0.0), places)} points less than the "
        f"{reference}'s ({bounds(change, places)})."
    )
    where = place("set_coverage_change", level=f"{LEVEL:g}", arm=arm)
    return [Conclusion(COST, told, (where,), "notable")]


def claim_of_calibration(
    changes: Mapping[str, Estimate], sets: Mapping[str, Sets], arm: str, reference: str
) -> str:
    """Whether probabilities are nearer to the gold classes, and how large sets have to be."""
    brier, size = changes["brier"], sets[arm]
    told = compare(
        brier,
        more="Probabilities are farther from the gold classes than the {}'s",
        less="Probabilities are nearer to the gold classes than the {}'s",
        none="No difference is shown between how near to the gold classes probabilities are and "
        "the {}'s",
        unknown="How near to the gold classes probabilities are cannot be compared with the {}'s",
    ).format(reference)
    if brier.value is not None:
        told += f" (Brier score {figure(brier.value, 4)}, {bounds(brier, 4)})"
    change, own = size.change["size"], size.own["size"]
    if own.value is None or change.value is None:
        return f"{told}."
    return (
        f"{told}; sets that hold the gold class in {percent(LEVEL, 0)} of documents have "
        f"{figure(own.value, 2)} classes, {figure(change.value, 2)} more ({bounds(change, 2)})."
    )
