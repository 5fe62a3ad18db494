"""The words of a category by the number of their pieces, each against others of as many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditkit.stats.cells import PIECES, WordCells
from auditkit.stats.document_sums import held_ratio, moments
from auditkit.stats.estimates import Estimate
from auditkit.stats.matched import log_extremes, matched_ratios
from auditkit.stats.preference import matched_lift
from auditkit.stats.rates import SHARE, linearised
from auditkit.stats.strata import Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class OfPieces:
    """What became of the words of one category that have so many pieces."""

    category: str
    pieces: str
    """`1`, `2`, `3`, `4+`"""
    words: int
    rate: Estimate
    matched_lift: Estimate


def by_pieces(cells: WordCells, categories: Sequence[str]) -> Iterator[OfPieces]:
    """Retention of these categories after the reference layer, by number of pieces.

    Args:
        cells: The words.
        categories: Some of their names; a size of which there is no word is left out.
    """
    if not categories:
        return
    sized, at = cells.by_pieces(), cells.reference - 1
    sums, extremes = moments(sized, _ratios), log_extremes(sized)
    held, matched = sums["retention"], sums["matched_lift"]
    for category in categories:
        first = cells.names.index(category) * PIECES
        for c in range(first, first + PIECES):
            if not held.documents[c]:
                continue
            pieces = c - first + 1
            own = (float(extremes[0][c, at]), float(extremes[1][c, at]))
            compared = float(sums["concordance"].bottom[c, 0])
            yield OfPieces(
                category=category,
                pieces=f"{pieces}+" if pieces == PIECES else str(pieces),
                words=int(held.bottom[c, at]),
                rate=linearised(held.at(c, at), bounds=SHARE),
                matched_lift=matched_lift(matched.at(c, at), compared, own),
            )


def _ratios(cells: WordCells) -> dict[str, Ratio]:
    return {"retention": held_ratio(cells), **matched_ratios(cells)}
