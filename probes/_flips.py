"""Answers that changed between two models: of which kind, and which way confidence went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import (
    Estimate,
    Label,
    Number,
    Row,
    Told,
    columns,
    tabulate,
)
from auditkit.probes._pairs import CHANGED, NO_GOLD, Pair
from auditkit.stats.estimates import document_share
from auditkit.stats.paired import counted_difference
from auditkit.stats.resampling import Bootstrap
from auditkit.stats.shifts import (
    PERCENTILES,
    TAILS,
    asymmetries,
    divergences,
    mean_divergence,
    percentile,
    times_as_often,
)

Floats = NDArray[np.float64]


def kinds_table(pairs: Sequence[Pair]) -> Told:
    """How many answers changed, pair by pair and kind by kind."""
    return tabulate(
        "flips",
        "What became of the answers",
        [
            Label("comparison", "Comparison"), Label("category", "Answer"),
            *columns(("count", "Documents", "count")),
            Number("share", "Share", "share", interval="Exact (Clopper and Pearson)."),
        ],
        [
            Row({"comparison": p.title, **p.at, "category": kind},
                {"share": document_share(who)}, {"count": int(who.sum())})
            for p in pairs
            for kind, who in {CHANGED: p.flipped, **p.kinds}.items()
        ],
    )  # fmt: skip


def shifts_table(pairs: Sequence[Pair]) -> Told:
    """Percentiles of the change of the probability of the gold class."""
    return tabulate(
        "shifts",
        "Change of the probability of the gold class: percentiles",
        [
            Label("comparison", "Comparison"),
            *(
                Number(f"shift_{at:02}", f"{at} %", "share", interval="By order statistics.")
                for at in PERCENTILES
            ),
        ],
        [
            Row({"comparison": p.title, **p.at},
                {f"shift_{at:02}": percentile(p.gold_change, at) for at in PERCENTILES})
            for p in pairs
        ],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shifts:
    """Which way confidence went, of one pair or of the difference of two."""

    at: Mapping[str, str]
    title: str
    tails: Mapping[float, Estimate]
    fell: Estimate
    """Share of documents whose probability of the gold class fell, less of those where it rose."""
    divergence: Estimate
    undefined: int


def shifts_of(audited: Pair, floor: Pair | None, bootstrap: Bootstrap) -> list[Shifts]:
    """Of the model under audit; of the floor, and of the first less the second, if there is one."""
    pairs = [audited, *([floor] if floor else [])]
    changes = [one.gold_change for one in pairs]
    none = Estimate(None, len(changes[0]), why_not=NO_GOLD)
    tails = (
        asymmetries(changes, bootstrap)
        if audited.labelled
        else [dict.fromkeys(TAILS, none)] * (len(pairs) + 1)
    )
    found = []
    for one, change, own in zip(pairs, changes, tails, strict=False):
        values = divergences(one.before.probs[:, 0], one.now.probs[:, 0])
        mean, missing = mean_divergence(values)
        found.append(
            Shifts(
                one.at, one.title, own, _fell(change) if one.labelled else none, mean, missing,
            )
        )  # fmt: skip
    if floor:
        none = Estimate(None, len(changes[0]), why_not="told of each alone")
        at = {"arm": audited.arm, "against": floor.arm}
        title = f"the first less {floor.title}"
        found.append(Shifts(at, title, tails[2], none, none, 0))
    return found


def _fell(change: Floats) -> Estimate:
    up, down = int((change > 0).sum()), int((change < 0).sum())
    return counted_difference(up, down, len(change)).estimate()


def asymmetry_table(rows: Sequence[Shifts]) -> Told:
    """Which way confidence went."""
    return tabulate(
        "asymmetry",
        "Which way confidence in the gold class went",
        [
            Label("comparison", "Comparison"),
            Number("fell", "Fell less rose", "share", "Share of documents in which it fell, less "
                   "of those in which it rose.", "Tango's, paired."),
            *(
                Number(f"asymmetry_{round(100 * tail):02}", f"Tails of {tail:.0%}", "share",
                       f"The percentile at {tail:.0%} and that at {1 - tail:.0%} added up: below "
                       "0 it falls farther than it rises. Two seeds have 0.",
                       "Bootstrap over documents.")
                for tail in TAILS
            ),
            Number("kl", "KL divergence", "nats", "Of the second arm's probabilities from the "
                   "first's, mean over documents.", "Student's t over documents.",
                   better="lower"),
            *columns(("undefined", "Without one", "count", "Documents with a probability of 0.")),
        ],
        [
            Row(
                {"comparison": one.title, **one.at},
                {
                    "fell": one.fell, "kl": one.divergence,
                    **{f"asymmetry_{round(100 * tail):02}": e for tail, e in one.tails.items()},
                },
                {"undefined": one.undefined},
            )
            for one in rows
        ],
        note="The last row, where there is one, sets the model under audit against the noise floor "
        "on the same documents.",
    )  # fmt: skip


def churn_table(audited: Pair, floors: Sequence[Pair]) -> Told | None:
    """How often answers change beside how often those of a floor do; None without a floor."""
    rows = []
    for floor in floors:
        places, mine = _shared(audited, floor)
        ratio = times_as_often(audited.flipped[mine], floor.flipped[places])
        rows.append(
            Row(
                {"against": floor.arm, "arm": audited.arm},
                {"churn": document_share(audited.flipped[mine]),
                 "churn_floor": document_share(floor.flipped[places]), "churn_ratio": ratio},
            )
        )  # fmt: skip
    if not rows:
        return None
    return tabulate(
        "churn",
        "Answers that change, beside those that change anyway",
        [
            Label("against", "Floor"),
            Number("churn", "Changed by pruning", "share"),
            Number("churn_floor", "Changed by the floor", "share"),
            Number("churn_ratio", "Ratio", "ratio", "Churn relative to the floor's (Milani Fard et "
                   "al. 2016); of this one floor.", "Student's t over documents, linearised."),
        ],
        rows,
    )  # fmt: skip


def _shared(one: Pair, other: Pair) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the documents of both pairs stand in `other`, and in `one`."""
    _, mine, places = np.intersect1d(
        one.now.rows, other.now.rows, assume_unique=True, return_indices=True
    )
    return places, mine
