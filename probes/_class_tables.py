"""Performance by class: the classification report, and what became of each class."""

from collections.abc import Iterator, Mapping, Sequence

from auditkit.plugin import (
    Cell,
    Column,
    Estimate,
    Label,
    Measurement,
    Number,
    Row,
    Table,
    Told,
    Undefined,
    columns,
    measurement,
    tabulate,
)
from auditkit.probes._arm_tables import DRAWS
from auditkit.probes._arms import Answered, Summary
from auditkit.stats.classification import NO_GOLD, Scores
from auditkit.stats.paired import Difference, answers_difference

RATES = {"precision": "Precision", "recall": "Recall", "f1": "F1"}


def report_table(
    summaries: Mapping[str, Summary], labels: Sequence[str], audited: str
) -> tuple[Table, list[Measurement]]:
    """What scikit-learn's classification_report says, the arms side by side; its own measurements.

    Accuracy and averages of F1 are measured in the table of arms.

    Args:
        summaries: By arm.
        labels: Names of the classes.
        audited: The arm whose documents are counted.
    """
    wide = [Column(name=f"{rate}_{name}", title=f"{title}, {name}", kind="share")
            for rate, title in RATES.items() for name in summaries]  # fmt: skip
    every = list(summaries.values())

    def across(scores: Sequence[Scores]) -> tuple[Cell, ...]:
        return tuple(_cell(getattr(one, rate)) for rate in RATES for one in scores)

    nowhere = Undefined("accuracy is one number of all documents: as there, it stands under F1")
    missing: tuple[Cell, ...] = (nowhere,) * (len(wide) - len(every))
    support = [scores.support for scores in summaries[audited].classes]
    by_class = [
        (label, *across([s.classes[c] for s in every]), support[c])
        for c, label in enumerate(labels)
    ]
    whole = sum(support)
    rows = [
        *by_class,
        ("accuracy", *missing, *(_cell(s.accuracy) for s in every), whole),
        ("macro average", *across([s.macro for s in every]), whole),
        ("weighted average", *across([s.weighted for s in every]), whole),
    ]
    table = Table(
        name="report",
        title="Classification report, arms side by side",
        columns=(Column(name="row", title="Class", kind="label"), *wide,
                 *columns(("support", "Documents", "count"))),
        rows=tuple(rows),
        note="As scikit-learn's classification_report, but that an average over a class whose "
        f"value is undefined is undefined too. {DRAWS} results.json has the intervals.",
    )  # fmt: skip
    return table, [*_rates_of_classes(summaries, labels), *_rates_on_average(summaries)]


def _cell(estimate: Estimate) -> Cell:
    if estimate.value is None:
        return Undefined(estimate.why_not or "undefined")
    return float(estimate.value)


def _rates_of_classes(
    summaries: Mapping[str, Summary], labels: Sequence[str]
) -> Iterator[Measurement]:
    for name, s in summaries.items():
        for label, scores in zip(labels, s.classes, strict=True):
            for rate in RATES:
                yield measurement(rate, getattr(scores, rate), "share",
                                  at={"arm": name, "class": label}, better="higher")  # fmt: skip


def _rates_on_average(summaries: Mapping[str, Summary]) -> Iterator[Measurement]:
    for name, s in summaries.items():
        for average, scores in (("macro", s.macro), ("weighted", s.weighted)):
            for rate in ("precision", "recall"):
                yield measurement(f"{average}_{rate}", getattr(scores, rate), "share",
                                  at={"arm": name}, better="higher")  # fmt: skip


def class_changes(
    now: Answered, before: Answered, labels: Sequence[str]
) -> dict[str, Difference | None]:
    """The paired difference in recall of each class; None where it has no documents.

    Args:
        now: The model under audit.
        before: The reference, on the same documents.
        labels: Names of the classes.
    """
    found: dict[str, Difference | None] = {}
    for c, label in enumerate(labels):
        mine = now.labels == c
        one, other = (side.right[mine, 0] for side in (now, before))
        found[label] = answers_difference(one, other) if mine.any() else None
    return found


def class_changes_table(changes: Mapping[str, Difference | None], at: Mapping[str, str]) -> Told:
    """What became of each class between the reference and the model under audit."""
    missing = Estimate(None, 0, why_not=NO_GOLD)
    return tabulate(
        "class_changes",
        f"Change of recall by class, {at['arm']} − {at['against']}, paired by document",
        [
            Label("class", "Class"),
            *columns(("documents", "Documents", "count"),
                     ("lost", "Lost", "count", "Right before, wrong now."),
                     ("won", "Won", "count", "Wrong before, right now.")),
            Number("recall_change", "Change (points)", "points",
                   interval="Tango's score interval, of this class alone.",
                   p="p_score: of the interval's own statistic at 0.", better="higher"),
            *columns(("p_exact", "p_exact", "p", "McNemar's.")),
        ],
        [
            Row(
                {"class": label},
                {"recall_change": d.estimate().scaled(100) if d else missing},
                {"documents": d.n if d else 0, "lost": int(d.lost) if d else 0,
                 "won": int(d.gained) if d else 0,
                 "p_exact": d.p_exact if d else Undefined(NO_GOLD)},
            )
            for label, d in changes.items()
        ],
        note="Nothing is claimed of one class among several here: the probe fairness does, with "
        "intervals for all groups at once.",
        **at,
    )  # fmt: skip
