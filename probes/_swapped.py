"""What swaps change: answers and probabilities by arm, and how long the swapped words live."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    ADJUSTED,
    RESTS,
    Conclusion,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    bounds,
    called,
    columns,
    direction,
    figure,
    in_line,
    percent,
    place,
    tabulate,
)
from auditkit.stats.estimates import document_mean, document_share, mean_change
from auditkit.stats.multiplicity import At, adjusted_together
from auditkit.stats.paired import agreed_difference
from auditkit.stats.rates import SHARE, ratio_difference, ratio_of_sums

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Swapped:
    """Swaps of one ground, as one arm answered them; U units, documents or templates."""

    swap: str
    arm: str
    pairs: Floats
    """(U,) pairs of texts of each unit."""
    flips: Floats
    """(U,) those with another answer."""
    moved: Floats
    """(U,) mean of half the sum of the changes of all probabilities."""

    @property
    def once(self) -> bool:
        """Whether every unit has one pair."""
        return bool((self.pairs == 1).all())

    @property
    def rate(self) -> Estimate:
        """Share of pairs with another answer."""
        if self.once:
            return document_share(self.flips > 0)
        return ratio_of_sums(self.flips, self.pairs, bounds=SHARE)

    def beyond(self, other: "Swapped", level: float = 0.95) -> Estimate:
        """The rate less that of another arm on the same pairs, with its p."""
        if not self.once:
            one, two = (self.flips, self.pairs), (other.flips, other.pairs)
            return ratio_difference(one, two, level=level)
        mine, theirs = self.flips > 0, other.flips > 0
        less, more = int((theirs & ~mine).sum()), int((mine & ~theirs).sum())
        return agreed_difference(less, more, len(mine), level=level)


def swapped(measured: pd.DataFrame) -> dict[str, dict[str, Swapped]]:
    """By ground and arm, in the order in which they were asked."""
    told: dict[str, dict[str, Swapped]] = {}
    for (swap, arm), own in measured.groupby(["swap", "arm"], sort=False):
        flipped = (own["before"] != own["after"]).astype(np.float64)
        units = own.assign(flip=flipped).groupby("unit", sort=True)
        told.setdefault(str(swap), {})[str(arm)] = Swapped(
            str(swap), str(arm), np.asarray(units.size(), dtype=np.float64),
            units["flip"].sum().to_numpy(), units["moved"].mean().to_numpy(),
        )  # fmt: skip
    return told


@dataclass(frozen=True, slots=True)
class Ground:
    """What the swaps of a ground change under audit, beside what they change in the reference."""

    swap: str
    audited: Swapped
    reference: Swapped
    beyond: Estimate
    """Of the rates, called together with those of other grounds."""


def grounds_of(found: dict[str, dict[str, Swapped]], arm: str, reference: str) -> list[Ground]:
    """Every ground, called together."""
    pairs = [(arms[arm], arms[reference]) for arms in found.values()]
    make: list[At] = [partial(mine.beyond, theirs) for mine, theirs in pairs]
    together = adjusted_together([one(level=0.95) for one in make], make)
    return [Ground(mine.swap, mine, theirs, beyond)
            for (mine, theirs), beyond in zip(pairs, together, strict=True)]  # fmt: skip


def swaps_table(found: dict[str, dict[str, Swapped]]) -> Told:
    """Ground by ground and arm by arm."""
    return tabulate(
        "swaps",
        "What becomes of answers when a text speaks of others",
        [
            Label("swap", "Swapped"), Label("arm", "Arm"),
            *columns(("units", "Units", "count", "Documents, or templates."),
                     ("pairs", "Pairs of texts", "count")),
            Number("flips", "Other answer", "share", better="lower",
                   interval="Exact (Clopper and Pearson); of templates by the ratio of sums."),
            Number("moved", "Mean change", "share", "Half the sum of the changes of all "
                   "probabilities: |Δp| of two classes.", "Student's t over units.",
                   better="lower"),
        ],
        [
            Row({"swap": swap, "arm": arm},
                {"flips": own.rate, "moved": document_mean(own.moved, kind="change")},
                {"units": len(own.pairs), "pairs": int(own.pairs.sum())})
            for swap, arms in found.items()
            for arm, own in arms.items()
        ],
    )  # fmt: skip


def beyond_table(grounds: Sequence[Ground]) -> Told:
    """What swaps change under audit beyond what they change in the reference."""
    first = grounds[0]
    interval = "Tango's, paired; of templates by the ratio of sums."
    return tabulate(
        "beyond",
        f"What they change in {first.audited.arm} beyond {first.reference.arm}, in points",
        [
            Label("swap", "Swapped"),
            Number("flips_change", "Other answer", "points", interval=called(interval),
                   p="The larger of that of the interval's statistic and of the exact test.",
                   adjusted=ADJUSTED, better="lower", control=first.reference.arm),
            Number("moved_change", "Mean change", "points", interval="Student's t over units.",
                   p="Of 0.", better="lower", control=first.reference.arm),
        ],
        [
            Row({"swap": one.swap},
                {"flips_change": one.beyond.scaled(100),
                 "moved_change": mean_change(one.audited.moved - one.reference.moved,
                                             kind="change").scaled(100)})
            for one in grounds
        ],
        arm=first.audited.arm,
        against=first.reference.arm,
    )  # fmt: skip


def conclusions_of_swaps(grounds: Sequence[Ground], what: str) -> list[Conclusion]:
    """Grounds on which a swap is shown to change more answers than in the reference."""
    told = []
    for one in (one for one in grounds if direction(one.beyond) == 1):
        beyond, other = one.beyond.scaled(100), one.reference.arm
        sentence = (
            f"{figure(beyond.value or 0.0, 1)} points more answers of {what} than of the {other} "
            f"change when somebody else is spoken of: {in_line(one.swap)} ({bounds(beyond, 1)})."
        )
        where = place("flips_change", swap=one.swap, arm=one.audited.arm, against=other)
        told.append(Conclusion(RESTS, sentence, (where,), "serious"))
    return told


def claim_of_swaps(grounds: Sequence[Ground], what: str) -> str:
    """Ground by ground: how many answers change, and whether more than in the reference."""
    parts = []
    for one in grounds:
        rate, name = one.audited.rate, in_line(one.swap)
        if rate.value is None:
            parts.append(f"of {name} nothing can be said ({rate.why_not})")
            continue
        pairs = int(one.audited.pairs.sum())
        told = (
            f"of {name} {percent(rate.value)} "
            f"({bounds(rate.scaled(100), 1)}; {pairs:,} pair{'s' * (pairs != 1)} of texts)"
        )
        beyond = one.beyond.scaled(100)
        found, by = direction(one.beyond), figure(abs(beyond.value or 0.0), 1)
        if found is None:
            told += f", not to be compared with the {one.reference.arm}: {beyond.why_not}"
        elif found:
            word = "more" if found > 0 else "fewer"
            told += f", {by} points {word} than in the {one.reference.arm} ({bounds(beyond, 1)})"
        else:
            told += f", no difference shown from the {one.reference.arm} ({bounds(beyond, 1)})"
        parts.append(told)
    return f"Swaps that change the answer of {what}: {'; '.join(parts)}."
