"""Tables, and charts as views of them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from auditkit.errors import ProbeError
from auditkit.finding.numbers import STRICT, Interval, Undefined, as_floats

ColumnKind = Literal["text", "count", "number", "share", "p", "interval", "label"]
"""How a column is printed. `share` is 0..1; `interval` cells are `Interval`; `label` is short text
that names the row."""

ChartKind = Literal[
    "dots", "chance", "stair", "bars", "lines", "heat", "matrix", "scatter", "cloud"
]
"""`dots`, `bars`: a line of the picture for each y, with its x. `chance`: besides, a tick at what
chance gives. `stair`: from each y to the next as a step. `heat`, `matrix`: a cell for each x and y
with a number in it; in a matrix x and y are the same names, and what stays is quiet. `cloud`: words
of column y, each as large as its x."""

UNCOUNTED = "uncounted"
"""Of a column of words whose documents nobody counted: `Column.held_by`."""

Cell = str | int | float | Interval | Undefined


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a `Table`."""

    __pydantic_config__: ClassVar[object] = STRICT

    name: str
    """The key that charts use."""
    title: str
    kind: ColumnKind = "text"
    help: str = ""
    """What the number means, in one sentence; shown on the page."""
    held_by: str = ""
    """The cells are words, texts or ids of the data set, and the column of this name counts the
    documents that hold them; `UNCOUNTED` where none does. A report that is shared leaves out what
    few documents hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as printed: rows of cells under typed columns.

    Raises:
        ProbeError: Two columns of one name, a column held by one that is not there, a row whose
            length is not the number of columns, or a cell that is not finite.
    """

    __pydantic_config__: ClassVar[object] = STRICT

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        distinct(f"table {self.name}: column", (column.name for column in self.columns))
        for column in self.columns:
            if column.held_by not in ("", UNCOUNTED):
                self.column(column.held_by)
        width = len(self.columns)
        for row in self.rows:
            if len(row) != width:
                raise ProbeError(f"table {self.name}: a row of {len(row)} cells, {width} columns")
            for column, cell in zip(self.columns, row, strict=True):
                if isinstance(cell, float) and not math.isfinite(cell):
                    raise ProbeError(
                        f"table {self.name}, column {column.name}: {cell}; give Undefined(reason)"
                    )

    def column(self, name: str) -> tuple[Cell, ...]:
        """All cells of one column."""
        for index, column in enumerate(self.columns):
            if column.name == name:
                return tuple(row[index] for row in self.rows)
        names = ", ".join(c.name for c in self.columns)
        raise ProbeError(f"table {self.name} has no column {name!r}; available: {names}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture of one of the finding's tables; the page draws it and links the table beside it.

    Because a chart holds no data of its own, picture and table cannot disagree.
    """

    __pydantic_config__: ClassVar[object] = STRICT

    name: str
    kind: ChartKind
    table: str
    title: str
    alt: str
    """One or two sentences that replace the picture for who cannot see it."""
    x: str
    y: str
    color: str = ""
    interval: str = ""
    """A column of `Interval` cells drawn as bars around x (dots), as bars around y (scatter),
    or as a band around y (lines)."""
    label: str = ""
    """A column that names each point (`scatter`): written beside it where there are few."""
    beside: str = ""
    """The column of what chance gives (`chance`), in the unit of x."""
    count: str = ""
    """A column of counts, written beside the values (`dots`, `chance`)."""
    reference: float | None = None
    """A line at this value of x (`dots`, `bars`) or y (`lines`, `scatter`): where nothing happens,
    or a baseline."""
    reference_name: str = ""
    """What the line stands for, in a few words."""
    diagonal: str = ""
    """What a line stands for on which x and y are the same (`lines`, `scatter`); "" for none."""
    zone: float | None = None
    """From this value of x on, away from 0, lies what is not accepted (`dots`)."""
    zone_name: str = ""
    """What lies there, in a few words."""
    first: int | None = None
    """Only so many rows of the table are drawn, from its first; None: all that have room."""

    def __post_init__(self) -> None:
        as_floats(self, "reference", "zone")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its table that it reads."""
        names = (self.x, self.y, self.color, self.interval, self.label, self.beside, self.count)
        return tuple(filter(None, names))


def distinct(what: str, names: Iterable[str]) -> None:
    """Make sure that no name stands twice.

    Raises:
        ProbeError: One does.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ProbeError(f"{what} {name} is given twice")
        seen.add(name)
