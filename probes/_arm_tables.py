"""Performance of the arms as tables: all arms, their differences, classes, confusion."""

from collections.abc import Mapping, Sequence

from auditkit.plugin import Column, Label, Number, Row, Told, Undefined, arm, columns, tabulate
from auditkit.probes._arms import BINS, Answered, Summary
from auditkit.stats.classification import Scores, confusion
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
                   "lower is better.", better="lower"),
            Number("ece", "Calibration error", "share", f"Debiased ECE of the top label, {BINS} "
                   "bins of equal mass (Kumar et al. 2019); lower is better.", interval=None,
                   better="lower"),
        ],
        [
            Row(
                {"arm": name},
                {
                    "accuracy": s.accuracy,
                    "macro_f1": s.macro.f1,
                    "weighted_f1": s.weighted.f1,
                    "brier": s.brier,
                    "ece": s.ece,
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
                   p="McNemar's, exact; against random keeping it takes the first draw.",
                   better="higher"),
            *columns(
                ("method", "Interval by", "text", "Paired bootstrap over documents; Tango's score "
                 "interval where fewer than 10 documents are discordant."),
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
                    "method": d.method,
                    "lost": d.lost,
                    "gained": d.gained,
                },
            )
            for (name, other, effect), d in differences.items()
        ],
    )  # fmt: skip


_RATES = columns(("precision", "Precision", "share"), ("recall", "Recall", "share"))


def _rates(scores: Scores) -> dict[str, float | Undefined]:
    precision, recall = scores.precision, scores.recall
    return {
        "precision": Undefined("never predicted") if precision is None else precision,
        "recall": Undefined("no document of the class") if recall is None else recall,
    }


def classes_table(summaries: Mapping[str, Summary], labels: Sequence[str]) -> Told:
    """What scikit-learn's classification_report says of the classes, by arm."""
    return tabulate(
        "classes",
        "Classification report by arm",
        [
            ARM,
            Label("class", "Class"),
            *_RATES,
            Number("f1", "F1", "share", better="higher"),
            *columns(("support", "Documents", "count")),
        ],
        [
            Row(
                {"arm": name, "class": label},
                {"f1": scores.f1},
                {**_rates(scores), "support": scores.support},
            )
            for name, s in summaries.items()
            for label, scores in zip(labels, s.classes, strict=True)
        ],
        note="As scikit-learn's classification_report.",
    )


def averages_table(summaries: Mapping[str, Summary]) -> Told:
    """What scikit-learn's classification_report says over the classes, by arm, but for F1."""
    return tabulate(
        "averages",
        "Precision and recall over the classes, by arm",
        [ARM, Label("average", "Average"), *_RATES],
        [
            Row({"arm": name, "average": average}, facts=_rates(scores))
            for name, s in summaries.items()
            for average, scores in (("macro", s.macro), ("weighted", s.weighted))
        ],
        note="An average over a class whose value is undefined is undefined too. Averages of F1 "
        "stand in the table of arms.",
    )


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
