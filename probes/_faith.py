"""Kept sets beside random sets of their size: sufficiency and comprehensiveness."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditkit.plugin import (
    RESTS,
    Chart,
    Conclusion,
    Documents,
    Estimate,
    Label,
    Number,
    Row,
    Telling,
    Told,
    Trace,
    bounds,
    columns,
    compare,
    figure,
    place,
    tabulate,
)
from auditkit.stats.cells import reference_layer
from auditkit.stats.estimates import document_mean, mean_change

LEAST, MOST = 0.05, 0.95
"""Share of the pieces alive after a layer whose kept sets are worth asking about."""
FEW = 2
"""Pieces that most documents must have left after the layer."""
MEASURES = ("sufficiency", "comprehensiveness")

CHARTS = tuple(
    Telling(
        Chart(
            name=f"{measure}_above_random",
            kind="dots",
            table="sets",
            title=f"{measure.capitalize()}: kept sets less random sets of their size",
            alt=f"One dot an arm and layer with its interval; {better} of 0 the kept tokens are "
            "more to the prediction than random ones. The table has the figures.",
            x=f"{measure}_difference",
            y="set",
            interval=f"{measure}_difference_interval",
            reference=0.0,
            reference_name="as random tokens",
            count="documents",
        ),
        high=f"kept tokens {verb} {more} than random ones",
        low=f"kept tokens {verb} {less} than random ones",
        none=f"Kept tokens are not shown to {verb} more or less than random ones",
    )
    for measure, better, verb, more, less in (
        ("sufficiency", "left", "suffice", "less", "more"),
        ("comprehensiveness", "right", "matter", "more", "less"),
    )
)


@dataclass(frozen=True, slots=True)
class SetRow:
    """Both measures of one arm's kept sets after one layer."""

    arm: str
    layer: int
    headline: bool
    """Whether it is the reference layer."""
    tokens: float
    """In the kept set, a document."""
    documents: int
    numbers: Mapping[str, Estimate]
    """By measure: what is lost with the kept set, `_random` ones, and the `_difference`."""


def set_layers(documents: Documents) -> list[int]:
    """The layers whose kept sets are asked about, the reference layer first."""
    total, kept = documents.pieces, documents.kept
    first = reference_layer(total, kept)
    alive = kept.sum(axis=0) / max(1, int(total.sum()))  # (L,)
    few = (kept < FEW).mean(axis=0) > 0.5
    there = [
        layer
        for layer in range(1, kept.shape[1] + 1)
        if LEAST <= alive[layer - 1] <= MOST and not few[layer - 1]
    ]
    return sorted(there, key=lambda layer: (layer != first, layer))


def set_rows(trace: Trace, measured: pd.DataFrame) -> list[SetRow]:
    """Arm by arm and layer by layer, what kept sets and random ones lose."""
    first = reference_layer(trace.documents.pieces, trace.documents.kept)
    before = _before(trace, measured)
    rows = []
    for key, mine in measured.groupby(["arm", "layer"], sort=True):
        name, layer = str(key[0]), int(str(key[1]))
        numbers: dict[str, Estimate] = {}
        for measure in MEASURES:
            asked = mine[mine["measure"] == measure]
            of_set = asked[asked["draw"] < 0].set_index("example_id")["p"].sort_index()
            drawn = asked[asked["draw"] >= 0].groupby("example_id", sort=True)["p"].mean()
            whole = before[name].loc[of_set.index].to_numpy()
            lost, random = whole - of_set.to_numpy(), whole - drawn.to_numpy()
            numbers[measure] = document_mean(lost)
            numbers[f"{measure}_random"] = document_mean(random)
            numbers[f"{measure}_difference"] = mean_change(lost - random)
        tokens = mine.groupby("example_id")["tokens"].first()
        rows.append(SetRow(name, layer, layer == first, float(tokens.mean()), len(tokens), numbers))
    order = {name: at for at, name in enumerate(before)}
    return sorted(rows, key=lambda row: (order[row.arm], row.layer))


def _before(trace: Trace, measured: pd.DataFrame) -> dict[str, pd.Series]:
    """By arm: p of what the model under audit predicts, of the whole text, by example id."""
    documents, (audited,) = trace.documents, trace.about.in_role("audited")
    said = documents.answers(audited)
    assert said is not None  # it runs on all documents
    ids = sorted(set(measured["example_id"]))
    rows = np.array([documents.row_of(one) for one in ids])
    target = said.predicted[rows, 0]
    found = {}
    for name in trace.about.unpruned + trace.about.in_role("reference"):
        answers = documents.answers(name)
        assert answers is not None  # so do the others
        found[name] = pd.Series(answers.probs[rows, 0, target].astype(np.float64), index=ids)
    return found


def set_table(rows: Sequence[SetRow]) -> Told:
    """One line an arm and layer."""
    said = (
        (
            "sufficiency",
            "Sufficiency",
            "Probability of what the model under audit predicts: of the "
            "whole text, less of the kept set alone. Less is better.",
        ),
        (
            "comprehensiveness",
            "Comprehensiveness",
            "The same: of the whole text, less of the text without the kept set. More is better.",
        ),
    )
    return tabulate(
        "sets",
        "Kept sets, and random sets of as many tokens",
        [
            Label("set", "Kept set"),
            *columns(
                ("documents", "Documents", "count"),
                ("tokens", "Tokens", "number", "In the set, a document."),
            ),
            *(
                number
                for name, title, help_text in said
                for number in (
                    Number(name, title, "share", help_text, interval=None),
                    Number(f"{name}_random", f"{title}, random sets", "share", interval=None),
                    Number(f"{name}_difference", "Difference", "share", "Kept less random.",
                           "Student's t over documents, means over draws.", p="Of 0.",
                           control="random sets of as many tokens"),
                )
            ),
        ],
        (
            Row(
                {
                    "set": f"{row.arm}, layer {row.layer}",
                    "arm": row.arm,
                    "layer": str(row.layer),
                },
                row.numbers,
                {"documents": row.documents, "tokens": row.tokens},
                n=row.documents,
            )
            for row in rows
        ),
    )  # fmt: skip


def left_out(measured: pd.DataFrame, asked: int, there: int) -> tuple[str, ...]:
    """How many documents were asked about, and that some had nothing to ask about."""
    sample, used = min(asked, there), measured["example_id"].nunique()
    told = f"Documents asked about: {used}, a sample in which each class has its share."
    if used < sample:
        told += f" {sample - used} more keep all of their tokens, or none, after every such layer."
    return (told,)


def claim_of_sets(rows: Sequence[SetRow]) -> str:
    """After the reference layer, arm by arm."""
    told = [row for row in rows if row.headline]
    if not told:
        return (
            "Nothing is claimed of the kept set: after the reference layer it is nearly all of the "
            "text, or nearly nothing, in most documents."
        )
    return " ".join(_sentence(row) for row in told)


def conclusions_of_sets(rows: Sequence[SetRow]) -> tuple[Conclusion, ...]:
    """The claim on the weights under audit, where both differences are there."""
    return tuple(
        Conclusion(
            RESTS,
            _sentence(row),
            tuple(
                place(f"{measure}_difference", arm=row.arm, layer=row.layer) for measure in MEASURES
            ),
        )
        for row in [row for row in rows if row.headline][:1]
        if all(row.numbers[f"{m}_difference"].value is not None for m in MEASURES)
    )


def _sentence(row: SetRow) -> str:
    enough, needed = (row.numbers[f"{measure}_difference"] for measure in MEASURES)
    alone = compare(
        enough,
        more="keep less of the prediction than random sets of their size",
        less="keep more of the prediction than random sets of their size",
        none="are not shown to keep more of the prediction than random sets of their size",
        unknown="cannot be compared with random sets",
    )
    without = compare(
        needed,
        more="more of it is lost without them",
        less="less of it is lost without them",
        none="no difference is shown in what is lost without them",
        unknown="what is lost without them cannot be compared",
    )
    return (
        f"On the arm {row.arm}, the tokens kept after layer {row.layer} {alone} "
        f"({_points(enough)}); {without} ({_points(needed)}; {row.documents} documents)."
    )


def _points(difference: Estimate) -> str:
    """A difference of probabilities, for a sentence."""
    if difference.value is None:
        return difference.why_not
    points = difference.scaled(100)
    assert points.value is not None
    return f"{figure(points.value, 1)} points against them, {bounds(points, 1)}"
