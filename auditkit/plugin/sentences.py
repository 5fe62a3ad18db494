"""Numbers as people read them, and the sentence that a claim is.

Printed numbers have one number of decimals per column, a true minus and no false zeros.
"""

import math
from collections.abc import Callable, Iterable
from typing import TypeVar

from auditkit.finding import Interval
from auditkit.stats.estimates import Estimate
from auditkit.stats.multiplicity import ALPHA
from auditkit.text import cut

Row = TypeVar("Row")

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LARGE = 1e7
LONGEST_NAME = 80
"""Characters of a name in a sentence; tables have more of it."""


def direction(estimate: Estimate, null: float = 0.0) -> int | None:
    """+1 where the estimate is shown to be above `null`, -1 below, 0 where neither is shown.

    By the adjusted p where the estimate was tested among others, else by its interval. None: it
    cannot be said, for want of a value, or of an interval.
    """
    if estimate.value is None:
        return None
    if estimate.p_adjusted is not None:
        shown = estimate.p_adjusted < ALPHA
    elif estimate.interval is not None:
        shown = not estimate.interval[0] <= null <= estimate.interval[1]
    else:
        return None
    return (1 if estimate.value > null else -1) if shown else 0


def by_direction(
    rows: Iterable[Row], estimate: Callable[[Row], Estimate], null: float = 0.0
) -> dict[int | None, list[Row]]:
    """The rows by what `direction` says of their estimate, 1, −1, 0 and None, in their order."""
    found: dict[int | None, list[Row]] = {1: [], -1: [], 0: [], None: []}
    for row in rows:
        found[direction(estimate(row), null)].append(row)
    return found


def in_line(name: str) -> str:
    """A name as part of a sentence: a claim is one line of words, whatever data call things."""
    return cut(" ".join(name.split()), LONGEST_NAME)


def compare(
    estimate: Estimate, *, more: str, less: str, none: str, unknown: str = "", null: float = 0.0
) -> str:
    """The sentence that fits: `more`, `less`, or `none` where no difference is shown.

    Args:
        estimate: What was estimated.
        more: Said where it is shown to be above `null`.
        less: Said where it is shown to be below.
        none: Said where neither is shown.
        unknown: Said where it cannot be compared; "": then `none`.
        null: What no difference is: 0 of a difference, 1 of a ratio.
    """
    found = direction(estimate, null)
    return {1: more, -1: less, 0: none, None: unknown or none}[found]


def bounds(estimate: Estimate, places: int) -> str:
    """The interval for a sentence, or why there is none.

    >>> bounds(Estimate(-0.8, 90, (-1.3, -0.3)), 1)
    '95 % interval −1.3 to −0.3'
    """
    if estimate.interval is None:
        return f"no interval: {estimate.why_not}"
    low, high = (figure(bound, places) for bound in estimate.interval)
    return f"{round(100 * estimate.level, 1):g} % interval {low} to {high}"


def places_of(estimate: Estimate, least: int) -> int:
    """Decimals with which nothing of an estimate that is shown to differ from 0 is printed as 0.

    Args:
        estimate: What was estimated.
        least: Decimals where these do, and where no difference is shown; 6 at most.
    """
    ends = [estimate.value or 0.0, *(estimate.interval or ())]
    places = least
    while direction(estimate) and places < 6 and min(map(abs, ends)) < 0.5 * 10**-places:
        places += 1
    return places


def percent(share: float, places: int = 1) -> str:
    """A share as people say it.

    >>> percent(0.4123)
    '41.2 %'
    """
    return f"{figure(100 * share, places)} %"


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


def signed(value: float, places: int) -> str:
    """`figure` with a plus before what is printed as more than 0.

    >>> signed(1.04, 1), signed(-2.5, 1), signed(0.001, 1)
    ('+1.0', '−2.5', '0.0')
    """
    text = figure(value, places)
    return f"+{text}" if value > 0 and text.strip("0.") else text


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
