"""How near keep decisions are to their thresholds, and what comes of moving these a little."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    COST,
    About,
    Conclusion,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    columns,
    place,
    tabulate,
)
from auditkit.probes._call_words import share_with
from auditkit.probes._calls import EXACTLY, NO_THRESHOLD, Recorded
from auditkit.stats.estimates import document_share, too_few
from auditkit.stats.rates import ratio_difference, ratio_of_sums

TIMES = (0.1, 1, 5, 10)
"""Of ε: how near is near, over all layers."""

HANGING = 0.01
"""Share of answers of which it is a concern that so many hang on thresholds."""

Floats = NDArray[np.float64]


def factors(epsilon: float) -> list[float]:
    """What thresholds are multiplied by: ε and 5 ε less and more, as far as they stay above 0."""
    steps = [step for step in (epsilon, 5 * epsilon) if step < 1]
    return [round(1 + sign * step, 12) for step in steps for sign in (-1, 1)]


def factor_key(factor: float) -> str:
    """Of the rows of thresholds times `factor` among what was measured."""
    return f"thresholds times {factor:g}"


def near_table(known: Mapping[str, Recorded], about: About, epsilon: float) -> Told:
    """Shares of decisions within ε of the threshold by layer, and within others over all."""
    return tabulate(
        "margins",
        "Keep decisions on a score near to its threshold",
        [
            Label("layer", "Layer", whole="all"),
            Label("level", "Within", help="|score − threshold| / threshold."),
            *columns(("decisions", "Decisions", "count", "Pairs of a token and a layer that it "
                      "enters alive and that can drop it; special tokens left out."),
                     ("near", "Near", "count")),
            Number("near_threshold", "Share", "share", interval="Student's t over document sums.",
                   better="lower"),
        ],
        _near_rows(known, about.layers, epsilon),
        arm=about.depths_of,
    )  # fmt: skip


def near_share(
    known: Mapping[str, Recorded], layers: Sequence[int], epsilon: float
) -> tuple[Estimate, int, int]:
    """The share of decisions within ε of their threshold, in layers from 0; and of how many."""
    near, whole = [], []
    for own in known.values():
        margins = own.margins[list(layers)][:, ~own.special]
        near.append(float((margins <= epsilon).sum()))
        whole.append(float(np.isfinite(margins).sum()))
    k, n = np.array(near), np.array(whole)
    if not n.any():
        return Estimate(None, 0, why_not="no layer can drop a token"), 0, 0
    return ratio_of_sums(k, n, bounds=(0.0, 1.0)), int(k.sum()), int(n.sum())


def _near_rows(known: Mapping[str, Recorded], layers: int, epsilon: float) -> Iterator[Row]:
    parts: list[tuple[int | None, Sequence[int], float]] = [
        (layer + 1, [layer], epsilon) for layer in range(layers)
    ]
    parts += [(None, range(layers), times * epsilon) for times in TIMES]
    for layer, which, within in parts:
        share, near, whole = near_share(known, which, within)
        yield Row(
            {"layer": layer, "level": f"{within:g}"},
            {"near_threshold": share},
            {"decisions": whole, "near": near},
            n=whole,
        )


@dataclass(frozen=True, slots=True)
class Moved:
    """What every threshold times a factor changes."""

    factor: float
    predictions: Estimate
    """Share of documents with another predicted class."""
    depths: Estimate
    """Share of those with another survival depth."""
    kept: Estimate
    """Keep rate less that of the trace."""


def moved(known: Mapping[str, Recorded], measured: pd.DataFrame, epsilon: float) -> list[Moved]:
    """By factor, in the order of `factors`."""
    return [
        _moved(known, measured[measured["call"] == factor_key(factor)], factor)
        for factor in factors(epsilon)
    ]


def _moved(known: Mapping[str, Recorded], frame: pd.DataFrame, factor: float) -> Moved:
    other = frame.set_index("example_id").loc[list(known)]
    predictions, depths, sums = [], [], []
    for row, own in zip(other.itertuples(), known.values(), strict=True):
        theirs, mine = np.asarray(row.depths, dtype=np.int64), ~own.special
        predictions.append(row.predicted != own.predicted)
        depths.append(bool((theirs != own.depths).any()))
        places = len(own.margins) * int(mine.sum())
        sums.append((theirs[mine].sum(), own.depths[mine].sum(), places))
    now, was, whole = np.array(sums, dtype=np.float64).T
    kept = Estimate(None, 0, why_not="no document has a token that is not special")
    if whole.any():
        few = too_few("discordant", int((now != was).sum()))
        change = float((now - was).sum() / whole.sum())
        kept = (
            Estimate(change, int((whole > 0).sum()), why_not=f"{few} that change")
            if few
            else ratio_difference((now, whole), (was, whole))
        )
    return Moved(
        factor, document_share(np.array(predictions)), document_share(np.array(depths)), kept
    )


def moved_table(found: Sequence[Moved], about: About) -> Told:
    """One row a factor."""
    return tabulate(
        "moved",
        "What moving every threshold a little changes",
        [
            Label("level", "Thresholds times"),
            *columns(("documents", "Documents", "count")),
            Number("moved_predictions", "Another prediction", "share", interval=EXACTLY,
                   better="lower", control="the trace"),
            Number("moved_depths", "Other survival depths", "share", "Of any token.", EXACTLY,
                   better="lower", control="the trace"),
            Number("moved_keep_rate", "Keep rate, change", "points", "Of the pairs of a token and "
                   "a layer in which the token is alive after the layer; special tokens left out.",
                   "Student's t over documents, linearised.", p="Of 0.", control="the trace"),
        ],
        [
            Row(
                {"level": f"{one.factor:g}"},
                {"moved_predictions": one.predictions, "moved_depths": one.depths,
                 "moved_keep_rate": one.kept.scaled(100)},
                {"documents": one.depths.n},
            )
            for one in found
        ],
        arm=about.depths_of,
    )  # fmt: skip


def conclusions_of_margins(found: Sequence[Moved], arm: str | None) -> list[Conclusion]:
    """That more answers than `HANGING` are shown to hang on a small move of all thresholds."""
    hanging = [one for one in found if (one.predictions.interval or (0.0, 0.0))[0] > HANGING]
    if not hanging:
        return []
    one = min(hanging, key=lambda one: (abs(one.factor - 1), -(one.predictions.value or 0.0)))
    sentence = (
        f"Thresholds {'higher' if one.factor > 1 else 'lower'} by {100 * abs(one.factor - 1):g} % "
        f"change the prediction of {share_with(one.predictions)} of the documents."
    )
    where = place("moved_predictions", arm=arm, level=f"{one.factor:g}")
    return [Conclusion(COST, sentence, (where,), "notable")]


def claim_of_margins(known: Mapping[str, Recorded], found: Sequence[Moved], epsilon: float) -> str:
    """How many decisions are near, and how many answers hang on that."""
    if not found:
        return f"how near decisions are to thresholds cannot be told ({NO_THRESHOLD})"
    layers = range(len(next(iter(known.values())).margins))
    share, _, _ = near_share(known, layers, epsilon)
    within = f"within {100 * epsilon:g} % of their threshold"
    near = f"how many keep decisions lie {within} is undefined ({share.why_not})"
    if share.value is not None:
        near = f"{share_with(share)} of the keep decisions lie {within}"
    step = [one for one in found if abs(abs(one.factor - 1) - epsilon) < 1e-9]
    most = max(step, key=lambda one: one.predictions.value or 0.0)
    return (
        f"{near}, and thresholds {'higher' if most.factor > 1 else 'lower'} by as much change the "
        f"prediction of {share_with(most.predictions)} of the documents"
    )
