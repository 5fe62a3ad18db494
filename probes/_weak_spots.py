"""Where changed answers gather: groups, and slices found on one half and tested on the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
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
    in_line,
    place,
    tabulate,
    word_cells,
)
from auditkit.probes._groups import PLACE, Group
from auditkit.probes.pos_retention import upos_of
from auditkit.stats.enrichment import Counts, enriched
from auditkit.text import sha256

Bools = NDArray[np.bool_]

DOUBT = "the baseline's doubt"
WORDS = "words"
SEARCHED = 400
"""Slices of two groups that are looked at, those of the largest groups."""
TRIED = 10
"""Slices that are tested, those of the highest share in the half that is searched."""
NAMED = 3
LEVELS = called("Exact (Cornfield).")


def doubt_groups(reference: NDArray[np.float64]) -> list[Group]:
    """The quarter of which the reference is least sure: where labels may be wrong, too.

    Args:
        reference: Probability of what it predicts (n,).
    """
    edge = np.quantile(reference, 0.25, method="lower")
    return [Group(DOUBT, "the least sure quarter", np.asarray(reference <= edge))]


def rich_groups(trace: Trace) -> list[Group]:
    """By part of speech: the quarter of documents in which it makes most of the words."""
    if "pos" not in trace.about.annotator.tags:
        return []
    cells = word_cells(trace, upos_of, ["upos"])
    inside = cells.category >= 0
    counts = np.zeros((len(cells.total), len(cells.names)))
    np.add.at(counts, (cells.document[inside], cells.category[inside]), cells.words[inside])
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    found = []
    for name, share in zip(cells.names, shares.T, strict=True):
        who = share >= np.quantile(share, 0.75, method="higher")
        if share[who].min(initial=0.0) > 0 and who.mean() <= 0.5:
            found.append(Group(WORDS, f"rich in {name}", np.asarray(who)))
    return found


def enriched_table(
    groups: Sequence[Group], flipped: Bools, floor: Bools | None, at: Mapping[str, str]
) -> Told:
    """By group: how much likelier a changed answer is than elsewhere.

    Args:
        groups: Those of enough documents.
        flipped: Documents whose answer changed (n,).
        floor: The same of a noise floor; None: there is none.
        at: Keys of all addresses.
    """
    tables = [Counts.of(flipped, group.who) for group in groups]
    found = enriched(tables)
    none = Estimate(None, len(flipped), why_not="no baseline of another seed was run")
    theirs = (
        enriched([Counts.of(floor, g.who) for g in groups])
        if floor is not None
        else ([none] * len(groups))
    )
    return tabulate(
        "enriched",
        "Groups in which answers change more often, or less",
        [
            Label(PLACE, "Group"),
            *columns(("documents", "Documents", "count"), ("changed", "Changed", "count")),
            Number("odds_ratio", "Odds ratio", "odds ratio", "Odds of a changed answer in the "
                   "group over those elsewhere.", LEVELS, p="Of 1.", adjusted=ADJUSTED,
                   control="all other documents"),
            Number("odds_ratio_floor", "The same of the floor", "odds ratio", "Of what another "
                   "seed changes.", LEVELS, control="all other documents"),
        ],
        [
            Row(g.row, {"odds_ratio": own, "odds_ratio_floor": other},
                {"documents": counts.inside, "changed": counts.hit})
            for g, own, other, counts in zip(groups, found, theirs, tables, strict=True)
        ],
        **at,
    )  # fmt: skip


def halves(ids: Sequence[str]) -> Bools:
    """Which documents are searched (n,), by a hash of the id; the others are tested."""
    return np.array([sha256(one)[0] % 2 == 0 for one in ids], dtype=bool)


@dataclass(frozen=True, slots=True)
class WeakSpot:
    """A slice of documents, tested on those that did not suggest it."""

    name: str
    searched: Counts
    tested: Counts
    odds: Estimate


def weak_spots(groups: Sequence[Group], lost: Bools, searched: Bools, least: int) -> list[WeakSpot]:
    """Slices in which most answers are lost, by the half that is searched, tested on the other.

    Args:
        groups: A slice is one of them, or what two of different columns share.
        lost: Documents that were right and are wrong now (n,).
        searched: The half that is searched (n,).
        least: Documents of a slice in either half.
    """
    found = []
    overall = lost[searched].mean() if searched.any() else 0.0
    for name, who in _slices(groups):
        n = int((who & searched).sum())
        if min(n, int((who & ~searched).sum())) < least:
            continue
        share = lost[who & searched].mean()
        if share > overall:
            found.append(((share - overall) * n**0.5, name, who))
    best = sorted(found, key=lambda one: (-one[0], one[1]))[:TRIED]
    tables = [[Counts.of(lost[half], who[half]) for half in (searched, ~searched)]
              for _, name, who in best]  # fmt: skip
    tested = enriched([other for _, other in tables])
    return [
        WeakSpot(name, first, second, odds)
        for (_, name, _), (first, second), odds in zip(best, tables, tested, strict=True)
    ]


def _slices(groups: Sequence[Group]) -> Iterator[tuple[str, Bools]]:
    for group in groups:
        yield group.label, group.who
    two = ((one, other) for one, other in combinations(groups, 2) if one.column != other.column)
    for one, other in islice(sorted(two, key=lambda pair: -min(g.size for g in pair)), SEARCHED):
        yield f"{one.label} and {other.label}", one.who & other.who


def spots_table(spots: Sequence[WeakSpot], at: Mapping[str, str], *, labelled: bool) -> Told:
    """What became of each slice in the half that did not suggest it."""
    lost = "are lost" if labelled else "change"
    return tabulate(
        "weak_spots",
        f"Slices in which answers {lost}: found on one half of the documents, tested on the other",
        [
            Label("group", "Slice"),
            *columns(
                ("searched", "Searched", "text", "Such answers in the first half."),
                ("tested", "Tested", "text", "In the other half."),
            ),
            Number("weak_spot_odds", "Odds ratio", "odds ratio", "Of such an answer in the other "
                   "half, against all others there.", LEVELS, p="Of 1.", adjusted=ADJUSTED,
                   control="all other documents of the half"),
        ],
        [
            Row({"group": spot.name}, {"weak_spot_odds": spot.odds},
                {"searched": _of(spot.searched), "tested": _of(spot.tested)})
            for spot in spots
        ],
        **at,
    )  # fmt: skip


def claim_of_spots(spots: Sequence[WeakSpot], *, labelled: bool) -> str:
    """Which slices lose more in the half that did not suggest them."""
    lose = "lose" if labelled else "change"
    if not spots:
        return f"No slice is large enough, and {lose}s more than the others, to be tested."
    weak = by_direction(spots, lambda spot: spot.odds, null=1.0)[1]
    tested = f"Of {len(spots)} slices that were found on one half of the documents"
    if not weak:
        return f"{tested} none is shown to {lose} more answers on the other."
    named = "; ".join(
        f"{in_line(spot.name)} (odds ratio {figure(spot.odds.value or 0.0, 2)}, "
        f"{bounds(spot.odds, 2)})"
        for spot in weak[:NAMED]
    )
    more = f"; and {len(weak) - NAMED} more" if len(weak) > NAMED else ""
    return f"{tested} {len(weak)} {lose} more answers on the other: {named}{more}."


def conclusions_of_spots(
    spots: Sequence[WeakSpot], at: Mapping[str, str], *, labelled: bool
) -> list[Conclusion]:
    """The weakest slice, if one is shown to be weak."""
    weak = by_direction(spots, lambda spot: spot.odds, null=1.0)[1]
    if not weak:
        return []
    worst = max(weak, key=lambda spot: spot.odds.value or 0.0)
    told = (
        f"More answers {'are lost' if labelled else 'change'} in a slice than elsewhere: "
        f"{in_line(worst.name)} (odds ratio {figure(worst.odds.value or 0.0, 2)}, "
        f"{bounds(worst.odds, 2)})."
    )
    return [Conclusion(COST, told, (place("weak_spot_odds", group=worst.name, **at),), "notable")]


def _of(counts: Counts) -> str:
    return f"{counts.hit:,} of {counts.inside:,}"
