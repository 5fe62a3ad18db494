"""What retention comes to in words: one sentence on one category, or on many."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from auditkit.plugin.sentences import bounds, compare, direction, percent
from auditkit.stats.estimates import Estimate
from auditkit.stats.survival import Retained

NAMED = 3
"""Categories that a claim names on either side."""


def claim_of(retained: Retained, noun: str) -> str:
    """One sentence on one category; `noun` in the plural, as in "Stop words"."""
    lift, rate, expected = _tested(retained), retained.rate, retained.expected
    if direction(lift, 1.0) is None or rate.value is None or expected.value is None:
        reason = lift.why_not or rate.why_not
        return f"{noun}: no comparison with random keeping is possible: {reason}."
    numbers = (
        f"{percent(rate.value)} against {percent(expected.value)} {_after(retained)}, "
        f"{_lift_text(lift)}"
    )
    lower = noun[:1].lower() + noun[1:]
    return compare(
        lift,
        null=1.0,
        more=f"{noun} are kept more often than at random: {numbers}.",
        less=f"{noun} are kept less often than at random: {numbers}.",
        none=f"No difference shown between {lower} and random keeping: {numbers}.",
    )


def claim_over(rows: Sequence[Retained], kind: str) -> str:
    """One sentence on many categories, highest lift first; `kind` in the plural."""
    found = {r.category: direction(_tested(r), 1.0) for r in rows}
    tested = [r for r in rows if found[r.category] is not None]
    if not tested:
        largest = max(rows, key=lambda r: (r.documents, r.category))
        return (
            f"None of the {kind} can be compared with random keeping; the most frequent, "
            f"{_plain(largest.category)}: {largest.lift.why_not}."
        )
    more = [r for r in tested if found[r.category] == 1]
    less = [r for r in reversed(tested) if found[r.category] == -1]
    where = f"{_after(tested[0])} ({len(tested)} tested, Benjamini–Hochberg at 5 %)"
    if not more and not less:
        far = max(tested, key=lambda r: abs(np.log(max(r.lift.value or 0.0, 1e-9))))
        return (
            f"No difference shown between {kind} and random keeping of as many pieces {where}; "
            f"farthest from it is {_plain(far.category)}, {_lift_text(far.lift)}."
        )
    told = []
    if more:
        told.append(f"more often {_names(more)} ({_end('most', more)})")
    if less:
        told.append(f"less often {_names(less)} ({_end('least', less)})")
    return (
        f"Of the {kind}, pruning keeps {' and '.join(told)}, compared with random keeping of as "
        f"many pieces {where}."
    )


def _tested(retained: Retained) -> Estimate:
    """The lift with the p that its claim rests on; without one it cannot be claimed on."""
    lift = replace(retained.lift, p_adjusted=retained.p_adjusted)
    return lift if retained.p_adjusted is not None else replace(lift, interval=None)


def _plain(category: str) -> str:
    """A category as part of a sentence: a claim is one line whatever a pipeline calls its types."""
    return " ".join(category.split())[:60]


def _after(retained: Retained) -> str:
    return f"after layer {retained.reference} of {len(retained.curve)}"


def _names(rows: Sequence[Retained]) -> str:
    named = ", ".join(_plain(r.category) for r in rows[:NAMED])
    return named + (f" and {len(rows) - NAMED} more" if len(rows) > NAMED else "")


def _end(most: str, rows: Sequence[Retained]) -> str:
    """The first of `rows` that has an interval, of rows in order; the very first if none has."""
    if len(rows) == 1:
        return _lift_text(rows[0].lift)
    end = next((r for r in rows if r.lift.interval is not None), rows[0])
    among = "" if end is rows[0] else " with an interval"
    return f"{most}{among} {_plain(end.category)}, {_lift_text(end.lift)}"


def _lift_text(lift: Estimate) -> str:
    """`lift 1.21, 95 % interval 1.18 to 1.24`."""
    if lift.value is None:
        return f"no lift, {lift.why_not}"
    return f"lift {lift.value:.2f}, {bounds(lift, 2)}"
