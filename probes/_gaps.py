"""What a change to the model costs groups beyond what it costs everyone, as tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import (
    Cell,
    Chart,
    Column,
    Estimate,
    Label,
    Number,
    Row,
    Telling,
    Told,
    Undefined,
    columns,
    tabulate,
)
from auditkit.probes._groups import CLASS, PLACE, Group
from auditkit.probes._pairs import cause_of
from auditkit.stats.gaps import Gap, Harm, excess_gaps, needed
from auditkit.stats.paired import counted_difference
from auditkit.stats.resampling import Bootstrap

ALPHA = 0.025
"""Of each of the two families of gaps, accuracy and errors by class: together they keep .05."""
MARGIN = 0.02
"""Excess gap of which it is told how many documents of a group rule it out."""
MOST_CLASSES = 12
"""With more, errors are not told class by class."""

FALSE_POSITIVE, FALSE_NEGATIVE = ("false_positive_gap", "false_negative_gap")
WHOLE = "all documents are what groups are compared with"
NOTE = "Above 0 is harm."
AT_ONCE = (
    "Simultaneous over all rows with a group, at 97.5 %: a bootstrap of the largest studentised "
    "gap, or by MOVER from Tango's intervals where a group has under ten turned documents."
)
ALONE = "Tango's interval, of this row alone."

CHART = Telling(
    Chart(
        name="accuracy_gaps",
        kind="dots",
        table="accuracy_gaps",
        title="Accuracy lost beyond what all documents lose, in points",
        alt="One dot a group with its simultaneous interval; right of 0 the group loses more than "
        "all documents do. The table has the figures.",
        x="accuracy_gap",
        y=PLACE,
        interval="accuracy_gap_interval",
        reference=0.0,
        reference_name="as all documents",
        count="documents",
    ),
    high="loses more than all documents",
    low="loses less than all documents",
    none="No group is shown to lose more or less than all documents",
)


@dataclass(frozen=True, slots=True)
class GroupGap:
    """A gap of a group: in accuracy, or in the errors of a class."""

    measure: str
    """`accuracy_gap`, or one of those above."""
    label: str | None
    """The class that errors are of."""
    group: Group
    gap: Gap


def accuracy_gaps(
    groups: Sequence[Group], before: NDArray[np.bool_], now: NDArray[np.bool_], bootstrap: Bootstrap
) -> list[GroupGap]:
    """Accuracy lost by each group.

    Args:
        groups: Of any column.
        before: Whether the reference is right (n,).
        now: Whether the model under audit is (n,).
        bootstrap: How documents are resampled.
    """
    lost, everyone = before.astype(np.int64) - now, np.ones(len(now), dtype=bool)
    gaps = excess_gaps([Harm(lost, everyone, g.who) for g in groups], bootstrap, ALPHA)
    return [GroupGap("accuracy_gap", None, g, gap) for g, gap in zip(groups, gaps, strict=True)]


def told_classes(labels: Sequence[str]) -> range:
    """The classes whose errors are told of: of two the second alone; none where there are many."""
    if len(labels) > MOST_CLASSES:
        return range(0)
    return range(1, 2) if len(labels) == 2 else range(len(labels))


def error_gaps(
    groups: Sequence[Group],
    labels: Sequence[str],
    gold: NDArray[np.int64],
    before: NDArray[np.int64],
    now: NDArray[np.int64],
    least: int,
    bootstrap: Bootstrap,
) -> list[GroupGap]:
    """False positives and false negatives gained by each group, class by class.

    Of two classes the second alone: what is a false positive of it is a false negative of the
    other. A group is told of where it has `least` documents that the rate is taken over.

    Args:
        groups: Those of the gold class are left out: their errors are of one kind.
        labels: Names of the classes.
        gold: The gold classes (n,).
        before: What the reference predicts (n,).
        now: What the model under audit predicts (n,).
        least: Documents that a rate takes.
        bootstrap: How documents are resampled.
    """
    asked: list[tuple[str, str, Group, Harm]] = []
    for c in told_classes(labels):
        said = (now == c).astype(np.int64) - (before == c)
        for measure, over, change in (
            (FALSE_POSITIVE, gold != c, said), (FALSE_NEGATIVE, gold == c, -said),
        ):  # fmt: skip
            for group in groups:
                harm = Harm(change, over, group.who)
                if group.column != CLASS and int(harm.inside.sum()) >= least:
                    asked.append((measure, labels[c], group, harm))
    gaps = excess_gaps([harm for *_, harm in asked], bootstrap, ALPHA)
    return [
        GroupGap(measure, label, group, gap)
        for (measure, label, group, _), gap in zip(asked, gaps, strict=True)
    ]


def accuracy_table(
    rows: Sequence[GroupGap], lost: NDArray[np.int64], at: Mapping[str, str]
) -> Told:
    """All documents, then group by group.

    Args:
        rows: Of `accuracy_gaps`.
        lost: 1, 0 or −1 of each document (n,): right before and wrong now, the same, mended.
        at: Keys of all addresses.
    """
    made, mended = int((lost == 1).sum()), int((lost == -1).sum())
    loss = counted_difference(mended, made, len(lost)).estimate().scaled(100)
    none = Estimate(None, len(lost), why_not=WHOLE)
    everyone = Row(
        {},
        {
            "accuracy_loss": replace(loss, p=None),
            "accuracy_gap": none,
            "accuracy_gap_to_rest": none,
        },
        {"documents": len(lost), "made": made, "mended": mended, "needed": Undefined(WHOLE)},
    )
    return tabulate(
        "accuracy_gaps",
        f"Accuracy lost to {cause_of(at['arm'])}, in points: in a group, and beyond what all "
        "documents lose",
        [Label(PLACE, "Group", whole="all documents"),
         *_numbers("accuracy_loss", "accuracy_gap")],
        [everyone, *_rows(rows, "accuracy_loss", "accuracy_gap")],
        note=NOTE,
        **at,
    )  # fmt: skip


def error_tables(rows: Sequence[GroupGap], at: Mapping[str, str]) -> list[Told]:
    """False positives, then false negatives, by class and group."""
    told = []
    for measure, title, over in (
        (FALSE_POSITIVE, "False positives", "documents of other classes, given the class"),
        (FALSE_NEGATIVE, "False negatives", "documents of the class, given another"),
    ):
        mine = [row for row in rows if row.measure == measure]
        change = measure.replace("_gap", "_change")
        if mine:
            table = tabulate(
                f"{measure}s",
                f"{title} gained by {cause_of(at['arm'])}, in points: {over}",
                [Label("class", "Class"), Label("column", "By"), Label("group", "Group"),
                 *_numbers(change, measure)],
                _rows(mine, change, measure),
                note=NOTE,
                **at,
            )  # fmt: skip
            told.append(table)
    return told


def _numbers(change: str, gap: str) -> tuple[Number | Column, ...]:
    return (
        Number(change, "In the group", "points", interval=ALONE, better="lower"),
        Number(gap, "Beyond all documents", "points", interval=AT_ONCE, better="lower",
               control="all documents"),
        Number(f"{gap}_to_rest", "Beyond the others", "points", "Than in the documents outside of "
               "the group: what a large group does not hide.", interval=AT_ONCE,
               control="the documents outside of the group"),
        *columns(
            ("documents", "Documents", "count", "That the rate is taken over."),
            ("made", "Errors made", "count"), ("mended", "Errors mended", "count"),
            ("needed", "Documents to tell", "count", "Of a group, with as many turned among them "
             f"and no gap, that rule out a gap of {100 * MARGIN:g} points."),
        ),
    )  # fmt: skip


def _rows(rows: Sequence[GroupGap], change: str, gap: str) -> Iterator[Row]:
    for row in rows:
        found, told = row.gap, needed(row.gap, len(rows), MARGIN, ALPHA)
        where = row.group.row
        if row.label is not None:
            where["class"] = row.label
        numbers = {change: found.change, gap: found.excess, f"{gap}_to_rest": found.beyond_rest}
        facts: dict[str, Cell] = {
            "documents": found.documents, "made": found.made, "mended": found.mended,
            "needed": Undefined("no document was turned") if told is None else told,
        }  # fmt: skip
        yield Row(where, {name: e.scaled(100) for name, e in numbers.items()}, facts)
