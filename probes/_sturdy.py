"""How much a perturbation costs two models, and how much more the one than the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    ADJUSTED,
    COST,
    Conclusion,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    Trace,
    bounds,
    by_direction,
    called,
    columns,
    figure,
    place,
    places_of,
    tabulate,
)
from auditkit.probes._pairs import compared
from auditkit.probes._perturbed import PERTURBATIONS
from auditkit.stats.estimates import document_share, mean_change
from auditkit.stats.multiplicity import At, adjusted_together, at_any_level
from auditkit.stats.paired import agreed_difference

NEVER = "it changes no document of the sample"


@dataclass(frozen=True, slots=True)
class Sturdy:
    """One perturbation."""

    name: str
    documents: int
    """That it changes."""
    before: Estimate
    """Accuracy lost by the reference, in shares."""
    now: Estimate
    """By the model under audit."""
    widened: Estimate
    """The latter less the former, paired."""
    flips_before: Estimate
    flips_now: Estimate


def sturdy_rows(trace: Trace, measured: pd.DataFrame) -> list[Sturdy]:
    """Every perturbation, called together."""
    found = [_row(trace, measured[measured["perturbation"] == name], name)
             for name in PERTURBATIONS]  # fmt: skip
    together = adjusted_together([row.widened for row, _ in found], [make for _, make in found])
    return [replace(row, widened=e) for (row, _), e in zip(found, together, strict=True)]


def _row(trace: Trace, mine: pd.DataFrame, name: str) -> tuple[Sturdy, At]:
    audited, reference = compared(trace.about)
    if mine.empty:
        none = Estimate(None, 0, why_not=NEVER)
        return Sturdy(name, 0, none, none, none, none, none), at_any_level(none)
    ids = np.array(sorted(set(mine["example_id"])), dtype=object)
    rows = trace.documents.rows_of(ids)
    lost, flipped = {}, {}
    for arm in (reference, audited):
        said = mine[mine["arm"] == arm].set_index("example_id")["predicted"].loc[ids].to_numpy()
        answers = trace.documents.answers(arm)
        assert answers is not None  # both run on all documents
        was = answers.predicted[rows, 0]
        # without labels what an arm said of the text as it is takes the place of the gold class
        gold = trace.documents.label[rows] if trace.about.dataset.labelled else was
        lost[arm] = (was == gold).astype(np.float64) - (said == gold)
        flipped[arm] = said != was
    make: At = partial(lost_by, lost[audited] - lost[reference])
    row = Sturdy(
        name, len(ids), lost_by(lost[reference]), lost_by(lost[audited]), make(),
        document_share(flipped[reference]), document_share(flipped[audited]),
    )  # fmt: skip
    return row, make


def lost_by(change: NDArray[np.float64], *, level: float = 0.95) -> Estimate:
    """Mean over documents that lose an answer, win one, or neither (n,): Tango's interval.

    Where a document counts twice, lost by one model and won by the other, it is Student's t.
    """
    if (np.abs(change) > 1).any():
        return mean_change(change, kind="change", level=level)
    lost, won = int((change < 0).sum()), int((change > 0).sum())
    return agreed_difference(lost, won, len(change), level=level)


def sturdy_table(rows: Sequence[Sturdy], arm: str, reference: str, *, labelled: bool) -> Told:
    """One line a perturbation."""
    lost = "Accuracy lost to changed texts" if labelled else "Answers that changed texts change"
    interval = "Tango's, paired; Student's t where a document counts twice."
    return tabulate(
        "perturbations",
        f"{lost}, in points",
        [
            Label("perturbation", "Changed"),
            *columns(("documents", "Documents", "count", "That it changes.")),
            Number("drop_reference", f"{reference}: lost", "points", interval=interval,
                   better="lower"),
            Number("drop", f"{arm}: lost", "points", interval=interval, better="lower"),
            Number("drop_change", "Lost more", "points", f"By {arm} than by {reference}, on the "
                   "same documents.", called(interval), p="Of 0.", adjusted=ADJUSTED,
                   better="lower", control=reference),
            Number("flips_reference", f"{reference}: other answers", "share",
                   interval="Exact (Clopper and Pearson)."),
            Number("flips", f"{arm}: other answers", "share",
                   interval="Exact (Clopper and Pearson)."),
        ],
        [
            Row(
                {"perturbation": row.name},
                {"drop_reference": row.before.scaled(100), "drop": row.now.scaled(100),
                 "drop_change": row.widened.scaled(100), "flips_reference": row.flips_before,
                 "flips": row.flips_now},
                {"documents": row.documents},
            )
            for row in rows
        ],
        arm=arm,
        against=reference,
    )  # fmt: skip


def claim_of_sturdy(rows: Sequence[Sturdy], what: str, *, labelled: bool) -> str:
    """Under which changes of the text pruning loses more than the baseline does, and less."""
    verb, noun = ("loses", "accuracy") if labelled else ("changes", "answers")
    loss = "loss" if labelled else "change"
    less = "less" if labelled else "fewer"
    said = by_direction(rows, lambda row: row.widened)
    parts = []
    if said[1]:
        parts.append(f"{what} {verb} more {noun} than the baseline to {_listed(said[1])}")
    if said[-1]:
        parts.append(f"{what} {verb} {less} {noun} than the baseline to {_listed(said[-1])}")
    if said[0]:
        most = max(said[0], key=lambda row: row.widened.interval[1] if row.widened.interval else 0)
        upper = most.widened.interval[1] if most.widened.interval else 0.0
        parts.append(
            f"no difference shown under {', '.join(row.name for row in said[0])} (a {loss} of up "
            f"to {figure(100 * upper, 1)} points more is not ruled out: {most.name})"
        )
    if said[None]:
        names = ", ".join(row.name for row in said[None])
        parts.append(f"nothing can be said of {names}: {said[None][0].widened.why_not}")
    told = "; ".join(parts)
    return f"{told[0].upper()}{told[1:]}."


def conclusions_of_sturdy(
    rows: Sequence[Sturdy], what: str, at: Mapping[str, str], *, labelled: bool
) -> list[Conclusion]:
    """The change of a text that is shown to cost the model under audit most beyond the baseline."""
    worse = by_direction(rows, lambda row: row.widened)[1]
    if not worse:
        return []
    most = max(worse, key=lambda row: row.widened.value or 0.0)
    excess, more = most.widened.scaled(100), len(worse) - 1
    places = places_of(excess, 1)
    verb = "loses" if labelled else "changes"
    also = f"; so with {more} other change{'s' * (more > 1)} of the text" if more else ""
    sentence = (
        f"With {most.name} {what} {verb} {figure(excess.value or 0.0, places)} points more "
        f"{'accuracy' if labelled else 'answers'} than the baseline ({bounds(excess, places)})"
        f"{also}."
    )
    where = place("drop_change", perturbation=most.name, **at)
    return [Conclusion(COST, sentence, (where,), "serious")]


def unchecked_of_sturdy(rows: Sequence[Sturdy]) -> list[str]:
    """Changes of the text of which nothing can be said, in a few words."""
    n = len(by_direction(rows, lambda row: row.widened)[None])
    return [f"{n} change{'s' * (n != 1)} of the text: too few documents"] if n else []


def _listed(rows: Sequence[Sturdy]) -> str:
    return ", ".join(
        f"{row.name} ({figure(100 * (row.widened.value or 0.0), 1)} points, "
        f"{bounds(row.widened.scaled(100), 1)})"
        for row in rows
    )
