"""Performance of the arms as tables: all arms, their differences, classes, confusion."""

from collections.abc import Mapping, Sequence

from auditkit.plugin import (
    Column,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    arm,
    columns,
    tabulate,
)
from auditkit.probes._arms import Answered, Summary
from auditkit.stats.calibration import BINS
from auditkit.stats.classification import confusion
from auditkit.stats.paired import Difference

ARM = Label("arm", "Arm")
DRAWS = "The arm random is the mean over its draws."


def arms_table(summaries: Mapping[str, Summary]) -> Told:
    """Accuracy, F1 and calibration of every arm."""
    return tabulate(
        "arms",
        "Every arm on the documents that it ran",
        [
            ARM,
            *columns(("documents", "Documents", "count")),
            Number("accuracy", "Accuracy", "share", better="higher", headline=True),
            Number("macro_f1", "Macro F1", "share", "Mean over the classes.", better="higher"),
            Number("weighted_f1", "Weighted F1", "share", "Mean over the classes by support.",
                   better="higher"),
            Number("brier", "Brier score", "score", "Squared error of the probabilities, 0 to 2; "
                   "lower is better.", "Student's t over documents.", better="lower"),
            Number("log_loss", "Log loss", "nats", "−ln of the probability of the gold class.",
                   "Student's t over documents.", better="lower"),
            Number("ece", "Calibration error", "share", f"Debiased ECE of the top label, {BINS} "
                   "bins of equal mass (Kumar et al. 2019); lower is better.", interval=None,
                   better="lower"),
            Number("ece_chance", "By chance up to", "share", "What the calibration error of a "
                   "model that is right as often as it says stays below in 95 % of samples.",
                   interval=None),
        ],
        [
            Row(
                {"arm": name},
                {
                    "accuracy": s.accuracy,
                    "macro_f1": s.macro.f1,
                    "weighted_f1": s.weighted.f1,
                    "brier": s.brier,
                    "log_loss": s.log_loss,
                    "ece": s.ece,
                    "ece_chance": s.ece_chance,
                },
                {"documents": s.accuracy.n},
                headline=arm(name).role != "floor",
            )
            for name, s in summaries.items()
        ],
        note=DRAWS,
    )  # fmt: skip


def differences_table(differences: Mapping[tuple[str, str, str], Difference]) -> Told:
    """Paired differences by arm, other arm, and what they are the effect of."""
    return tabulate(
        "differences",
        "Differences in accuracy, paired by document",
        [
            Label("comparison", "Comparison"),
            *columns(("effect", "Effect of", "text"), ("documents", "Documents", "count")),
            Number("accuracy_change", "Difference (points)", "points",
                   p="p_score: of the interval's own statistic at 0, so that below .05 the "
                   "interval leaves out 0.", better="higher"),
            *columns(
                ("p_exact", "p_exact", "p", "McNemar's; against random keeping, of flipping the "
                 "signs of the documents. An effect is claimed where the interval leaves out 0 and "
                 "this is below .05."),
                ("method", "Interval by", "text", "Tango's score interval; against random keeping "
                 "the paired bootstrap, from 10 discordant documents on."),
                ("lost", "Lost", "number", "Documents that only the second arm gets right."),
                ("gained", "Gained", "number", "Documents that only the first arm gets right."),
            ),
        ],
        [
            Row(
                {"comparison": f"{name} − {other}", "arm": name, "against": other},
                {"accuracy_change": d.estimate().scaled(100)},
                {
                    "effect": effect,
                    "documents": d.n,
                    "p_exact": d.p_exact,
                    "method": d.method,
                    "lost": d.lost,
                    "gained": d.gained,
                },
            )
            for (name, other, effect), d in differences.items()
        ],
    )  # fmt: skip


def calibration_table(changes: Mapping[tuple[str, str], Mapping[str, Estimate]]) -> Told:
    """Paired differences of Brier score and log loss: what claims on calibration rest on."""
    return tabulate(
        "calibration",
        "Differences of scores, paired by document",
        [
            Label("comparison", "Comparison"),
            Number("brier_change", "Brier score", "score", "Below 0: the first arm is nearer.",
                   "Student's t over documents.", better="lower"),
            Number("log_loss_change", "Log loss", "nats", interval="Student's t over documents.",
                   better="lower"),
        ],
        [
            Row(
                {"comparison": f"{name} − {other}", "arm": name, "against": other},
                {f"{score}_change": estimate for score, estimate in found.items()},
            )
            for (name, other), found in changes.items()
        ],
    )  # fmt: skip


def confusion_table(arms: Mapping[str, Answered], labels: Sequence[str]) -> Told:
    """Documents by gold and predicted class, by arm."""
    predicted = [
        Column(name=f"predicted_{c}", title=f"Predicted {label}", kind="number")
        for c, label in enumerate(labels)
    ]
    counts = {name: confusion(arm.predicted, arm.labels, len(labels)) for name, arm in arms.items()}
    return tabulate(
        "confusion",
        "Confusion matrix by arm, in documents",
        [ARM, Label("gold", "Gold"), *predicted],
        [
            Row(
                {"arm": name, "gold": gold},
                facts={f"predicted_{c}": float(n) for c, n in enumerate(counts[name][row])},
            )
            for name in arms
            for row, gold in enumerate(labels)
        ],
        note=DRAWS,
    )
