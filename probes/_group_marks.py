"""Groups on the first screen: the change in those that lose most, and what was left out."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import DIFFERENCE, Mark, Measurement, in_line, measurement, place
from auditkit.probes._groups import NO_PEOPLE, Group
from auditkit.stats.multiplicity import ALPHA
from auditkit.stats.paired import agreed_difference

MOST_MARKED = 5
"""Groups in the picture, those that lose most."""


def group_marks(
    groups: Sequence[Group], lost: NDArray[np.int64], at: Mapping[str, str]
) -> tuple[list[Measurement], list[Mark]]:
    """Of groups of people: the paired change of accuracy, and its row in the picture.

    Those that are shown were chosen for their loss among all: intervals hold for all at once.

    Args:
        groups: Those that are told of; of the user's columns, and of whom texts speak.
        lost: 1, 0 or −1 of each document (n,): right before and wrong now, the same, mended.
        at: Keys of all addresses.
    """
    people = [group for group in groups if group.column not in NO_PEOPLE]
    most = sorted(people, key=lambda g: (-float(lost[g.who].mean()), g.label))[:MOST_MARKED]
    measured, marks = [], []
    for group in most:
        mine, where = lost[group.who], {**at, **group.at}
        made, mended = int((mine == 1).sum()), int((mine == -1).sum())
        level = 1 - ALPHA / len(people)
        change = agreed_difference(made, mended, len(mine), level=level).scaled(100)
        measured.append(
            measurement("accuracy_change", change, "points", at=where, control=at["against"],
                        better="higher", basis=f"at once with all {len(people)} groups of people")
        )  # fmt: skip
        told = place("accuracy_change", **where)
        marks.append(Mark(picture=DIFFERENCE, label=in_line(group.label), measurement=told))
    return measured, marks


def left_unchecked(left: Sequence[tuple[Group, str]], least: int, missing: str) -> list[str]:
    """What a reviewer would look for and nothing is told of, in a few words each.

    Args:
        left: Groups that nothing is told of, and why.
        least: Documents that a group takes.
        missing: Why nothing is known of groups of people; "" where something is.
    """
    small = sum(group.size < least for group, _ in left)
    told = [f"{small} group{'s' * (small != 1)} of under {least} documents"] if small else []
    return [*(["groups of people: no column or word tells of enough"] if missing else []), *told]
