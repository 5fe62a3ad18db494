"""How right, how sure and how well ordered the answers are in each group, before and after."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import Estimate, Label, Number, Row, Told, columns, tabulate
from auditkit.probes._arms import Answered, score_changes
from auditkit.probes._gaps import told_classes
from auditkit.probes._groups import CLASS, Group
from auditkit.stats.auc import auc_change, ranked
from auditkit.stats.estimates import document_share

SUBGROUP, BPSN, BNSP = (
    "in the group", "others positive, group negative", "others negative, group positive",
)  # fmt: skip
"""Of Borkan et al. 2019: subgroup AUC; background positive, subgroup negative; the reverse."""


def by_group_table(groups: Sequence[Group], arms: Mapping[str, Answered]) -> Told:
    """Accuracy of the arms, over all documents and in every group."""
    everyone = np.ones(len(next(iter(arms.values())).labels), dtype=bool)
    rows = []
    for group in (None, *groups):
        who = everyone if group is None else group.who
        where = {} if group is None else group.at
        rows += [
            Row({**where, "arm": name}, {"accuracy": document_share(arm.right[who, 0])},
                {"documents": int(who.sum())})
            for name, arm in arms.items()
        ]  # fmt: skip
    return tabulate(
        "by_group",
        "Accuracy over all documents, and in every group",
        [
            Label("column", "By", whole="all documents"), Label("group", "Group"),
            Label("arm", "Arm"), *columns(("documents", "Documents", "count")),
            Number("accuracy", "Accuracy", "share", better="higher"),
        ],
        rows,
    )  # fmt: skip


def calibration_table(
    groups: Sequence[Group], now: Answered, before: Answered, at: Mapping[str, str]
) -> Told:
    """Change of Brier score and log loss, over all documents and in every group."""
    rows = []
    for group in (None, *groups):
        where = {} if group is None else group.at
        places = np.arange(len(now.rows)) if group is None else np.flatnonzero(group.who)
        found = score_changes(now.at(places), before.at(places))
        rows.append(Row(where, {f"{name}_change": e for name, e in found.items()}))
    return tabulate(
        "calibration_by_group",
        "Change of scores of the probabilities, over all documents and in every group",
        [
            Label("column", "By", whole="all documents"), Label("group", "Group"),
            Number("brier_change", "Brier score", "score", "Below 0: nearer to the gold classes.",
                   "Student's t over documents.", better="lower"),
            Number("log_loss_change", "Log loss", "nats",
                   interval="Student's t over documents.", better="lower"),
        ],
        rows,
        **at,
    )  # fmt: skip


def area_table(
    groups: Sequence[Group],
    labels: Sequence[str],
    now: Answered,
    before: Answered,
    least: int,
    at: Mapping[str, str],
) -> Told | None:
    """How well the probability of a class puts its documents first; None where nothing is told.

    Args:
        groups: Those of the gold class are left out.
        labels: Names of the classes; of two, the second is told of.
        now: The model under audit.
        before: The reference, on the same documents.
        least: Documents that either side of a ranking takes.
        at: Keys of all addresses.
    """
    rows = [
        Row({"class": labels[c], **group.at, "type": area},
            numbers, {"documents": int(who.sum())})
        for c in told_classes(labels)
        for group in groups
        if group.column != CLASS
        for area, who in _sides(group.who, now.labels == c)
        if (numbers := _areas(c, who, now, before, least)) is not None
    ]  # fmt: skip
    if not rows:
        return None
    return tabulate(
        "areas",
        "Areas under the ROC curve of a class, by group",
        [
            Label("class", "Class"), Label("column", "By"), Label("group", "Group"),
            Label("type", "Of documents", help="A low area of the second kind means false "
                  "positives on the group's documents, of the third false negatives."),
            *columns(("documents", "Documents", "count")),
            Number("auc", "AUC", "share", "Share of pairs of a document of the class and another "
                   "that the probability puts in order.", "DeLong's, on the logit.",
                   better="higher"),
            Number("auc_change", "Less the reference's", "share", interval="DeLong's, paired.",
                   better="higher"),
        ],
        rows,
        note=f"Told where either side has {least} documents. Borkan et al. 2019.",
        **at,
    )  # fmt: skip


def _sides(
    group: NDArray[np.bool_], positive: NDArray[np.bool_]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The documents of each kind of area."""
    yield SUBGROUP, group
    yield BPSN, (group & ~positive) | (~group & positive)
    yield BNSP, (group & positive) | (~group & ~positive)


def _areas(
    c: int, who: NDArray[np.bool_], now: Answered, before: Answered, least: int
) -> dict[str, Estimate] | None:
    positive = now.labels[who] == c
    if min(int(positive.sum()), int((~positive).sum())) < least:
        return None
    one, other = (ranked(side.probs[who, 0, c], positive) for side in (now, before))
    return {"auc": one.auc, "auc_change": auc_change(one, other)}
