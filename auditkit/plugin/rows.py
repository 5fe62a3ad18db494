"""Tables whose numbers are written once: a row gives cells and measurements alike.

A table is declared by its columns. `Label` columns say what a row is about, and are the keys of the
address of its numbers; a `Number` column is an estimate with its interval, printed in cells and
measured at that address; a plain `Column` holds facts that are no measurement, such as a reason.

    told = tabulate(
        "arms", "Every arm", [Label("arm", "Arm"), Number("accuracy", "Accuracy", "share")],
        [Row({"arm": "pruned"}, {"accuracy": share_of(88, 100)})],
    )
    answer(self, claim, tables=[told])  # accuracy[arm=pruned], and the table that shows it
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from auditkit.errors import ProbeError
from auditkit.finding import KEYS, Cell, Column, ColumnKind, Interval, Measurement, Table, Undefined
from auditkit.finding.address import ordered, where
from auditkit.stats.estimates import Estimate

LEVEL = "95 % interval"
ADJUSTED = "Benjamini–Hochberg over the rows of this table."
NOT_TESTED = "not tested: it is not what is asked, or follows from what is"


def called(interval: str) -> str:
    """What intervals say of themselves whose rows are called different together.

    As `stats.multiplicity.adjusted_together` makes them.

    Args:
        interval: How they are made.
    """
    return (
        f"{interval} Of rows called different the level is 1 − 0.05·R/m, for R of m tested that "
        "are (Benjamini & Yekutieli 2005)."
    )


@dataclass(frozen=True, slots=True)
class Label:
    """A column that says what a row is about; `help` and `held_by` are those of `Column`."""

    name: str
    """A key of an address; any other name is told in the table alone."""
    title: str
    kind: Literal["label", "text", "count"] = "label"
    """`count`: the key is a whole number, such as a layer."""
    help: str = ""
    whole: str = ""
    """Printed in the row that is about all of them, and has no such key."""
    shown: Callable[[str], str] = str
    """What is printed of a key, whose address has the key itself."""
    held_by: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A column of estimates, with their intervals beside them."""

    name: str
    """Of the column, and of the measurements."""
    title: str
    unit: str
    """As `Measurement.unit`."""
    help: str = ""
    interval: str | None = ""
    """What the column of intervals says of itself; None: it is left out, in the table alone."""
    p: str | None = None
    """What the column of p says of itself; None: there is none."""
    adjusted: str | None = None
    """What the column of adjusted p says of itself; None: there is none."""
    better: Literal["higher", "lower"] | None = None
    control: str = ""
    """What the values are compared with; "": what the key `against` says, if anything."""
    basis: str = ""
    """As `Measurement.basis`."""
    headline: bool = False
    """Whether the values are key figures of the page."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it is about, its numbers, and what else the table says of it."""

    at: Mapping[str, Any]
    """By the names of labels, and keys that the table does not show."""
    numbers: Mapping[str, Estimate] = field(default_factory=dict)
    facts: Mapping[str, Cell] = field(default_factory=dict)
    n: int | None = None
    """Units that the numbers rest on; None: their documents."""
    headline: bool = True
    """Whether its numbers may be key figures."""


@dataclass(frozen=True, slots=True)
class Told:
    """A table, and the measurements that it shows."""

    table: Table
    measurements: tuple[Measurement, ...]


def tabulate(
    name: str,
    title: str,
    columns: Sequence[Label | Number | Column],
    rows: Iterable[Row],
    *,
    note: str = "",
    **at: Any,
) -> Told:
    """A table from its columns and rows, and the measurements in it.

    Args:
        name: Of the table.
        title: What it shows.
        columns: In the order of printing.
        rows: In the order of printing.
        note: Printed below.
        **at: Keys that the addresses of all rows have, such as arm="pruned".

    Raises:
        ProbeError: A row lacks a number or a fact of a column, or has one without a column.
    """
    given = list(rows)
    known = {c.name for c in columns if not isinstance(c, Label)}
    for row in given:
        strange = (set(row.numbers) | set(row.facts)) ^ known
        if strange:
            raise ProbeError(
                f"table {name}, row {dict(row.at)}: {min(strange)!r} must be in the columns and in "
                "the row"
            )
    table = Table(
        name=name,
        title=title,
        columns=tuple(part for column in columns for part in _columns(column)),
        rows=tuple(
            tuple(cell for column in columns for cell in _cells(column, row)) for row in given
        ),
        note=note,
    )
    numbers = [column for column in columns if isinstance(column, Number)]
    return Told(table, tuple(_measured(number, row, at) for row in given for number in numbers))


def measurement(
    name: str, estimate: Estimate, unit: str, *, n: int | None = None, **labels: Any
) -> Measurement:
    """An estimate that stands in no table, as a measurement.

    Args:
        name: The measurement's name.
        estimate: What was estimated, over documents.
        unit: As `Measurement.unit`.
        n: Units that the value rests on; the documents where there is no other unit.
        **labels: Further fields of the measurement: at, control, better, basis, headline.
    """
    undefined = estimate.value is None
    return Measurement(
        name=name,
        value=None if estimate.value is None else float(estimate.value),
        unit=unit,
        n=estimate.n if n is None else n,
        n_clusters=estimate.n,
        interval=None if estimate.interval is None else Interval(*estimate.interval),
        no_interval=None if undefined or estimate.interval else estimate.why_not,
        undefined=estimate.why_not if undefined else None,
        p=estimate.p,
        p_adjusted=estimate.p_adjusted,
        level=estimate.level,
        **labels,
    )


def place(name: str, **at: Any) -> str:
    """How a measurement is named in a conclusion: `Measurement.where`."""
    return where(name, ordered(at))


def columns(
    *described: tuple[str, str, ColumnKind] | tuple[str, str, ColumnKind, str],
) -> tuple[Column, ...]:
    """Columns of facts from (name, title, kind) or (name, title, kind, help)."""
    return tuple(
        Column(name=name, title=title, kind=kind, help="".join(rest))
        for name, title, kind, *rest in described
    )


def _columns(column: Label | Number | Column) -> Iterator[Column]:
    """The printed columns of a declared one."""
    if isinstance(column, Column):
        yield column
        return
    if isinstance(column, Label):
        yield Column(name=column.name, title=column.title, kind=column.kind, help=column.help,
                     held_by=column.held_by)  # fmt: skip
        return
    kind: ColumnKind = "share" if column.unit == "share" else "number"
    yield Column(name=column.name, title=column.title, kind=kind, help=column.help)
    beside: tuple[tuple[str, str, ColumnKind, str | None], ...] = (
        ("interval", LEVEL, "interval", column.interval),
        ("p", "p", "p", column.p),
        ("p_adjusted", "p adjusted", "p", column.adjusted),
    )
    for part, title, kind, help_text in beside:
        if help_text is not None:
            yield Column(name=f"{column.name}_{part}", title=title, kind=kind, help=help_text)


def _cells(column: Label | Number | Column, row: Row) -> Iterator[Cell]:
    if isinstance(column, Column):
        yield row.facts[column.name]
        return
    if isinstance(column, Label):
        shown = int if column.kind == "count" else column.shown
        yield shown(row.at[column.name]) if row.at.get(column.name) is not None else column.whole
        return
    estimate = row.numbers[column.name]
    missing = Undefined(estimate.why_not or NOT_TESTED)
    yield missing if estimate.value is None else float(estimate.value)
    if column.interval is not None:
        yield missing if estimate.interval is None else Interval(*estimate.interval)
    if column.p is not None:
        yield missing if estimate.p is None else estimate.p
    if column.adjusted is not None:
        yield missing if estimate.p_adjusted is None else estimate.p_adjusted


def _measured(number: Number, row: Row, at: Mapping[str, Any]) -> Measurement:
    place = {
        key: str(value)
        for key, value in {**at, **row.at}.items()
        if value is not None and (key in KEYS or "." in key)
    }
    return measurement(
        number.name,
        row.numbers[number.name],
        number.unit,
        n=row.n,
        at=place,
        control=number.control or place.get("against", ""),
        better=number.better,
        basis=number.basis,
        headline=number.headline and row.headline,
    )
