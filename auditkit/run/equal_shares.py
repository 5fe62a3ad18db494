"""Retention of runs at equal shares of pieces alive, whatever their layers and thresholds.

A rate after the reference layer depends on how much was dropped by then. Between the two layers
that have more and less of all pieces alive than is asked, what is kept of a document, and what
random keeping would keep of it, is taken in proportion: rates and lifts stay ratios of document
sums. The categories are those that probes sort words into (`SortingProbe`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from auditkit.errors import ProbeError
from auditkit.finding import Table
from auditkit.plugin import columns, discover, unmet
from auditkit.plugin.probe import SortingProbe
from auditkit.run.beside import (
    change_cells,
    change_columns,
    estimate_cells,
    reads_words,
    side_columns,
)
from auditkit.run.differences import p_of
from auditkit.run.sides import Side
from auditkit.stats.cells import Floats, WordCells
from auditkit.stats.estimates import Estimate, difference_of
from auditkit.stats.multiplicity import benjamini_hochberg
from auditkit.stats.preference import over_expected
from auditkit.stats.rates import SHARE, ratio_of_sums, sums_of

SHARES = (0.5, 0.25)
"""Of all pieces alive."""

Key = tuple[str, str, float]
"""Probe, category, and share of pieces alive."""


@dataclass(frozen=True, slots=True)
class AtShare:
    """A category where a share of all pieces is alive."""

    rate: Estimate
    lift: Estimate
    """Over random keeping of as many pieces in every document."""


def at_equal_shares(sides: Sequence[Side]) -> tuple[Table | None, str]:
    """Every run against the first, by category and share alive; and what is missing, and why."""
    first = sides[0]
    reasons = [side.no_trace for side in sides if side.trace is None]
    rows, mine = [], _of_run(first, first)
    for side in sides[1:]:
        theirs = _of_run(side, first)
        shared = [key for key in mine if key in theirs]
        changes = [difference_of(theirs[key].lift, mine[key].lift) for key in shared]
        adjusted = benjamini_hochberg([p_of(change) for change in changes])
        for key, change, p in zip(shared, changes, adjusted, strict=True):
            probe, category, share = key
            one, other = mine[key], theirs[key]
            rows.append(
                (
                    category, probe, f"{share:.0%}", side.name,
                    estimate_cells(one.rate)[0], *estimate_cells(one.lift),
                    estimate_cells(other.rate)[0], *estimate_cells(other.lift),
                    *change_cells(replace(change, p_adjusted=p)),
                )
            )  # fmt: skip
        if not shared and not reasons:
            reasons.append(f"{side.name} and {first.name} sort no words alike at an equal share")
    if not rows:
        return None, "; ".join(reasons) + "."
    table = Table(
        name="shares",
        title="What is kept where as large a share of all pieces is alive",
        columns=columns(
            ("category", "Words", "label"), ("probe", "Probe", "text"),
            ("share", "Pieces alive", "text"), ("run", "Run", "text"),
            ("first_rate", "First run: kept", "share"),
        )
        + side_columns("first", "First run: lift")
        + columns(("other_rate", "This run: kept", "share"))
        + side_columns("other", "This run: lift")
        + change_columns("Difference in lift"),
        rows=tuple(rows),
        note="Lift: kept over what random keeping of as many pieces in every document would keep. "
        "Between two layers what is kept is taken in proportion. "
        + "".join(f"{reason}. " for reason in reasons),
    )  # fmt: skip
    return table, ""


def _of_run(side: Side, first: Side) -> dict[Key, AtShare]:
    """Of the categories of probes whose words are told apart alike in both runs."""
    if side.trace is None or side.about.depths_of is None:
        return {}
    found: dict[Key, AtShare] = {}
    for name in first.findings.keys() & side.findings.keys():
        if side.tagged_by != first.tagged_by and reads_words(name):
            continue
        asked = _asked(first, name) | _asked(side, name)
        cells = _sorted_words(side, name)
        for category, share, there in at_shares(cells) if cells is not None else ():
            if category in asked:
                found[name, category, share] = there
    return dict(sorted(found.items(), key=lambda item: (item[0][0], -item[0][2], item[0][1])))


def _asked(side: Side, probe: str) -> set[str]:
    """Categories that the run tested: a category and its complement are one question."""
    return {
        m.at["category"]
        for m in side.findings[probe].measurements
        if m.name == "lift" and m.at.keys() == {"arm", "category"} and m.p is not None
    }


def _sorted_words(side: Side, name: str) -> WordCells | None:
    """The words of a run as a probe sorts them; None of one that sorts none, or cannot be asked."""
    plugin = discover().get(name)
    assert side.trace is not None
    if plugin is None:
        return None
    options = side.options.get(name, {})
    try:
        probe = plugin.load(options)
    except ProbeError:
        return None
    if not isinstance(probe, SortingProbe) or unmet(probe, side.about):
        return None
    return probe.sorted_words(side.trace.bound(name, probe.version, options))


def at_shares(cells: WordCells) -> Iterator[tuple[str, float, AtShare]]:
    """By category and share of pieces alive; shares that no layer comes down to are left out."""
    alive = np.concatenate([[1.0], cells.kept.sum(axis=0) / max(1, int(cells.total.sum()))])
    words = _words(cells)
    for share in SHARES:
        after = int(np.argmax(alive <= share))
        if alive[after] > share:
            continue
        weight = (alive[after - 1] - share) / (alive[after - 1] - alive[after])
        kept, expected = (
            (1 - weight) * more + weight * less
            for more, less in zip(
                _after(cells, after - 1, words), _after(cells, after, words), strict=True
            )
        )
        for c, name in enumerate(cells.names):
            holds = words[:, c] > 0
            rate = ratio_of_sums(kept[:, c], words[:, c], bounds=SHARE)
            lift = (
                over_expected(sums_of(kept[holds, c], expected[holds, c]), words[:, c].sum())
                if holds.any()
                else Estimate(None, 0, why_not="no words")
            )
            yield name, share, AtShare(rate, lift)


def _words(cells: WordCells) -> Floats:
    """Words of each document and category (documents, C)."""
    return np.concatenate([block.alive()[:, :, 0] for block in cells.blocks()])


def _after(cells: WordCells, layer: int, words: Floats) -> tuple[Floats, Floats]:
    """Words kept after a layer, and those expected by chance (documents, C) each; 0: before all."""
    if layer == 0:
        return words, words
    blocks = [(b.alive()[:, :, layer], b.expected([layer])[:, :, 0]) for b in cells.blocks()]
    kept, expected = (np.concatenate(side) for side in zip(*blocks, strict=True))
    return kept, expected
