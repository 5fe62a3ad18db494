"""Titles of pictures that say what was found: they follow from the table, or stay plain."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from auditkit.finding import Chart, Interval, Table
from auditkit.plugin.sentences import decimals, in_line
from auditkit.stats.multiplicity import ALPHA
from auditkit.text import cut

LONGEST_TITLE = 90
_NAME = 32
"""Characters of a row's name in a title."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A chart whose title names its outermost rows, each where it is shown to differ.

    A row is shown to differ whose interval leaves out the chart's reference, and whose adjusted p,
    where there is one, is below 5 %; where the chart has no reference, the two outermost rows are
    whose intervals do not meet. Where others have the same value as printed, none is named.
    """

    chart: Chart
    """With the plain title."""
    high: str
    """What the row with the largest x is, as in "Longest kept"."""
    low: str
    """What the row with the smallest x is, as in "soonest dropped"."""
    none: str = ""
    """The title where no row is shown to differ from the reference; "": the plain one."""

    def of(self, table: Table) -> Chart:
        """The chart with its title, `Longest kept: NOUN; soonest dropped: PART`."""
        rows = _rows(self.chart, table)
        places = decimals([row.value for row in rows])
        top, bottom = (_outermost(rows, sign, places) for sign in (1, -1))
        if self.chart.reference is not None:
            top = top if top and top.shown > 0 else None
            bottom = bottom if bottom and bottom.shown < 0 else None
        elif not top or not bottom or top.low <= bottom.high:
            top = bottom = None
        sides = ((self.high, top), (self.low, bottom))
        title = "; ".join(f"{words}: {row.name}" for words, row in sides if row)
        if any(row.tested for row in rows) and not any(row.shown for row in rows):
            title = title or self.none
        title = title[:1].upper() + title[1:]
        return replace(self.chart, title=title) if 0 < len(title) < LONGEST_TITLE else self.chart


@dataclass(frozen=True, slots=True)
class _Told:
    """One row of the chart: its bounds (its value, where it has none), and which side is shown."""

    name: str
    value: float
    low: float
    high: float
    tested: bool
    shown: int


def _rows(chart: Chart, table: Table) -> list[_Told]:
    names = {column.name for column in table.columns}
    tested = f"{chart.x}_p_adjusted"
    p = table.column(tested) if tested in names else [None] * len(table.rows)
    bounds = table.column(chart.interval) if chart.interval else [None] * len(table.rows)
    found = []
    cells = zip(table.column(chart.y), table.column(chart.x), bounds, p, strict=True)
    for name, value, bound, adjusted in cells:
        if not isinstance(value, int | float):
            continue
        known = isinstance(bound, Interval) and (adjusted is None or isinstance(adjusted, float))
        low, high = (bound.low, bound.high) if isinstance(bound, Interval) else (-1e99, 1e99)
        at = chart.reference or 0.0
        apart = known and not low <= at <= high
        if isinstance(adjusted, float):
            apart = apart and adjusted < ALPHA
        side = (1 if value > at else -1) if apart else 0
        found.append(_Told(cut(in_line(str(name)), _NAME), float(value), low, high, known, side))
    return found


def _outermost(rows: Sequence[_Told], sign: int, places: int) -> _Told | None:
    """The row that lies farthest to one side; None of several that are printed alike."""
    if not rows:
        return None
    far = max(rows, key=lambda row: sign * row.value)
    alike = [row for row in rows if round(row.value, places) == round(far.value, places)]
    return far if len(alike) == 1 and len(rows) > 1 else None
