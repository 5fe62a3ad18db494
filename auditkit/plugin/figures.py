"""Estimates as a finding holds them, and numbers as people read them.

An estimate becomes a measurement, two cells of a table, or part of a sentence. Printed numbers have
one number of decimals per column, a true minus and no false zeros.
"""

import math
from collections.abc import Iterable
from typing import Any

from auditkit.finding.values import Cell, Column, ColumnKind, Interval, Measurement, Undefined
from auditkit.stats.estimates import Estimate

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LARGE = 1e7


def measurement(
    name: str, estimate: Estimate, unit: str, *, n: int | None = None, **labels: Any
) -> Measurement:
    """An estimate as a measurement.

    Args:
        name: The measurement's name.
        estimate: What was estimated, over documents.
        unit: As `Measurement.unit`.
        n: Units that the value rests on; the documents where there is no other unit.
        **labels: Further fields of the measurement: arm, slice, control, better, p_adjusted.
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
        **labels,
    )


def cells(estimate: Estimate) -> tuple[Cell, Cell]:
    """The value and the interval, each `Undefined` where there is none."""
    missing = Undefined(estimate.why_not)
    return (
        missing if estimate.value is None else estimate.value,
        missing if estimate.interval is None else Interval(*estimate.interval),
    )


def columns(
    *described: tuple[str, str, ColumnKind] | tuple[str, str, ColumnKind, str],
) -> tuple[Column, ...]:
    """Columns from (name, title, kind) or (name, title, kind, help)."""
    return tuple(
        Column(name=name, title=title, kind=kind, help="".join(rest))
        for name, title, kind, *rest in described
    )


def bounds(estimate: Estimate, places: int) -> str:
    """The interval for a sentence, or why there is none.

    >>> bounds(Estimate(-0.8, 90, (-1.3, -0.3)), 1)
    '95 % interval −1.3 to −0.3'
    """
    if estimate.interval is None:
        return f"no interval: {estimate.why_not}"
    low, high = (figure(bound, places) for bound in estimate.interval)
    return f"95 % interval {low} to {high}"


def decimals(values: Iterable[float]) -> int:
    """Decimals that show three significant digits of the largest of `values`, 0 to 6.

    >>> decimals([0.879, 0.02]), decimals([2.46]), decimals([7600.0]), decimals([])
    (3, 2, 0, 0)
    """
    largest = max((abs(v) for v in values), default=0.0)
    return min(6, max(0, 2 - math.floor(math.log10(largest)))) if largest else 0


def figure(value: float, places: int) -> str:
    """`value` with thousands separated; ten millions and more as a power of ten.

    >>> figure(-1234.5, 1), figure(2.31e9, 0)
    ('−1,234.5', '2.31 × 10⁹')
    """
    if abs(value) >= _LARGE and not isinstance(value, int):
        mantissa, exponent = f"{value:.2e}".split("e")
        text = f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    else:
        text = f"{value:,.{places}f}"
        if float(text.replace(",", "")) == 0:
            text = text.lstrip("-")
    return text.replace("-", "−")


def interval(closed: Interval, places: int) -> str:
    """`[low, high]`.

    >>> interval(Interval(-0.02, 0.01), 3)
    '[−0.020, 0.010]'
    """
    return f"[{figure(closed.low, places)}, {figure(closed.high, places)}]"


def printed_p(value: float) -> str:
    """A p-value; never 0.

    >>> printed_p(0.00001), printed_p(0.0421)
    ('< 0.001', '0.042')
    """
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
