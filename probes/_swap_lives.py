"""How long swapped words live, and what a swap does to the tokens around them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

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
    place,
    places_of,
    tabulate,
)
from auditkit.stats.estimates import document_mean, mean_change, too_few
from auditkit.stats.multiplicity import adjusted_together


@dataclass(frozen=True, slots=True)
class Lived:
    """How long words of one group live in the place of words of other groups."""

    swap: str
    group: str
    words: int
    longer: Estimate
    """Layers, over units."""


def lived(measured: pd.DataFrame, arm: str) -> list[Lived]:
    """Group by group, called together; of two groups the second alone, for the first mirrors it."""
    told, makers = [], []
    for swap, own in measured[measured["arm"] == arm].groupby("swap", sort=False):
        changes = pd.DataFrame(_changes(own), columns=["unit", "group", "change"])
        groups = sorted(set(changes["group"]))
        for group in groups[1:] if len(groups) == 2 else groups:
            mine = changes[changes["group"] == group]
            values = mine.groupby("unit", sort=True)["change"].mean().to_numpy(dtype=np.float64)
            make = partial(mean_change, values)
            told.append(Lived(str(swap), group, len(mine), make()))
            makers.append(make)
    together = adjusted_together([one.longer for one in told], makers)
    return [replace(one, longer=longer) for one, longer in zip(told, together, strict=True)]


def _changes(own: pd.DataFrame) -> Iterator[tuple[str, str, int]]:
    """Unit, group, and how many layers longer its word lives than the other in its place."""
    columns = ("unit", "groups_before", "groups_after", "depths_before", "depths_after")
    for unit, *lists in own[list(columns)].itertuples(index=False, name=None):
        if len(lists[2]):
            for was, now, before, after in zip(*lists, strict=True):
                yield unit, now, int(after) - int(before)
                yield unit, was, int(before) - int(after)


def lived_table(rows: Sequence[Lived], arm: str) -> Told:
    """One line a group; those of which nothing can be shown are listed below."""
    told = [one for one in rows if not too_few("mean", one.longer.n)]
    rare = [f"{one.group} ({one.longer.n:,})" for one in rows if one not in told]
    return tabulate(
        "lived",
        "How much longer a group's words live than others in their place, in layers",
        [
            Label("swap", "Swapped"), Label("group", "Group"),
            *columns(("words", "Words", "count", "Of as many pieces as those in their place.")),
            Number("longer", "Layers longer", "layers",
                   interval=called("Student's t over documents or templates."), p="Of 0.",
                   adjusted=ADJUSTED),
        ],
        [Row({"swap": one.swap, "group": one.group}, {"longer": one.longer}, {"words": one.words})
         for one in told],
        note=f"Left out, for too few documents: {', '.join(rare)}." if rare else "",
        arm=arm,
    )  # fmt: skip


def neighbours_table(measured: pd.DataFrame, arm: str) -> Told:
    """By how many layers the depths of swapped words and of tokens around them change."""
    mine = measured[measured["arm"] == arm]
    rows = []
    for swap, own in mine.groupby("swap", sort=False):
        own = own[own["depths_before"].map(len) > 0]
        before, after = own["depths_before"], own["depths_after"]
        word = [np.abs(np.subtract(*both)).mean() for both in zip(after, before, strict=True)]
        units = own.assign(word=word).groupby("unit", sort=True)[["word", "near", "far"]].mean()
        both = units.dropna(subset=["near", "far"])
        rows.append(
            Row({"swap": str(swap)},
                {"word_change": _mean(units["word"]), "near_change": _mean(units["near"].dropna()),
                 "far_change": _mean(units["far"].dropna()),
                 "near_beyond": _mean(both["near"] - both["far"])})
        )  # fmt: skip
    return tabulate(
        "neighbours",
        "Change of survival depth with a swap, in layers either way",
        [
            Label("swap", "Swapped"),
            Number("word_change", "Of the word", "layers"),
            Number("near_change", "Of its neighbours", "layers", "Three tokens on either side."),
            Number("far_change", "Of all others", "layers"),
            Number("near_beyond", "Neighbours beyond others", "layers"),
        ],
        rows,
        arm=arm,
    )  # fmt: skip


def _mean(values: pd.Series) -> Estimate:
    return document_mean(values.to_numpy(dtype=np.float64))


def conclusions_of_lived(rows: Sequence[Lived], arm: str) -> list[Conclusion]:
    """The group whose words are shown to live most otherwise than others in their place."""
    shown = [one for one in rows if direction(one.longer)]
    if not shown:
        return []
    most = max(shown, key=lambda one: abs(one.longer.value or 0.0))
    places = places_of(most.longer, 3)
    sentence = (
        f"Words of {in_line(most.group)} live {figure(abs(most.longer.value or 0.0), places)} "
        f"layers {'longer' if direction(most.longer) == 1 else 'shorter'} than others in their "
        f"place ({bounds(most.longer, places)})."
    )
    where = place("longer", swap=most.swap, group=most.group, arm=arm)
    return [Conclusion(RESTS, sentence, (where,), "notable")]


def claim_of_lived(rows: Sequence[Lived]) -> str:
    """Whose words live longer, and whose shorter, than others in their place."""
    shown = [one for one in rows if direction(one.longer)]
    if not any(direction(one.longer) is not None for one in rows):
        return "Whether a swapped word lives longer cannot be said."
    if not shown:
        return "No group's words are shown to live longer or shorter than others in their place."
    first, *others = [
        (
            in_line(one.group),
            f"{figure(abs(one.longer.value or 0.0), places)} layers "
            f"{'longer' if direction(one.longer) == 1 else 'shorter'} "
            f"({bounds(one.longer, places)})",
        )
        for one in shown
        for places in [places_of(one.longer, 3)]
    ]
    told = [f"words of {first[0]} live {first[1]}", *(f"of {one} {by}" for one, by in others)]
    return f"Put in another group's place, {', '.join(told)}."
