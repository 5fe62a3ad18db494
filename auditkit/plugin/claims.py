"""What retention comes to in words: on one category, or on many.

A claim rests on concordance, which compares a word with the others of as many pieces in its
document. It names what agrees with it, and what says something else.
"""

from collections.abc import Iterable, Sequence

from auditkit.finding import KEPT, LOST, OUTLIVES, Concern, Conclusion, Mark
from auditkit.plugin.rows import place
from auditkit.plugin.sentences import bounds, compare, direction, figure, in_line, percent
from auditkit.plugin.tag_names import outlive, tag_name
from auditkit.stats.estimates import Estimate
from auditkit.stats.survival import Retained

NAMED = 3
"""Categories that a claim names on either side."""

_SIDES = {1: "more often kept", -1: "less often kept", 0: "no difference", None: "nothing"}


def claim_of(retained: Retained, noun: str) -> str:
    """What is preferred of one category; `noun` in the plural, as in "Stop words"."""
    found = retained.concordance
    lower = noun[:1].lower() + noun[1:]
    if direction(found, 0.5) is None:
        reason = found.why_not or retained.rate.why_not
        return f"{noun}: no comparison with other words is possible: {reason}."
    outlived = f"{_outlived(retained)} of the other words of as many pieces in their document"
    first = compare(
        found,
        null=0.5,
        more=f"{noun} are kept longer than other words: they outlive {outlived}",
        less=f"{noun} are dropped sooner than other words: they outlive {outlived}",
        none=f"No difference shown between {lower} and other words: they outlive {outlived}",
    )
    parts = (f"{first}.", _beside(retained), _plainly(retained), _turning(retained))
    return " ".join(part for part in parts if part)


def claim_over(rows: Sequence[Retained], kind: str) -> str:
    """What is preferred of many categories, longest kept first; `kind` in the plural."""
    found = {r.category: direction(r.concordance, 0.5) for r in rows}
    tested = [r for r in rows if found[r.category] is not None]
    if not tested:
        largest = max(rows, key=lambda r: (r.documents, r.category))
        return (
            f"None of the {kind} can be compared with other words; the most frequent, "
            f"{_inline(largest.category)}: {largest.concordance.why_not}."
        )
    longer = [r for r in tested if found[r.category] == 1]
    sooner = [r for r in reversed(tested) if found[r.category] == -1]
    told = f"({len(tested)} tested, Benjamini–Hochberg at 5 %)"
    if not longer and not sooner:
        far = max(tested, key=lambda r: abs((r.concordance.value or 0.0) - 0.5))
        return (
            f"No difference shown between {kind} in how long words are kept {told}; farthest from "
            f"chance: {_end(far)} of the other words of as many pieces in the same "
            f"document{_uncorrected(tested)}."
        )
    ends = []
    if longer:
        ends.append(f"keeps {_names(longer)} longer than other words")
    if sooner:
        ends.append(f"drops {_names(sooner)} sooner")
    outermost = " and ".join(_end(side[0]) for side in (longer, sooner) if side)
    return (
        f"Of the {kind}, pruning {' and '.join(ends)}: {outermost} of the other words of as many "
        f"pieces in the same document {told}{_uncorrected(tested)}{_explained([*longer, *sooner])}."
    )


def marks_of(rows: Iterable[Retained], arm: str | None, key: str = "category") -> tuple[Mark, ...]:
    """The rows of the picture of what outlives what: categories that can be compared.

    Args:
        rows: Categories, in the order of the picture.
        arm: Whose depths they are.
        key: What an address tells a category by.
    """
    return tuple(
        Mark(picture=OUTLIVES, label=_inline(r.category),
             measurement=place("concordance", arm=arm, **{key: r.category}))
        for r in rows
        if direction(r.concordance, 0.5) is not None
    )  # fmt: skip


def conclusions_of(
    rows: Sequence[Retained],
    arm: str | None,
    *,
    key: str = "category",
    plural: bool = False,
    concern: Concern | None = None,
) -> tuple[Conclusion, ...]:
    """What is kept longest and dropped soonest, each where it is shown.

    Args:
        rows: Categories that there is a question about.
        arm: Whose depths they are.
        key: What an address tells a category by.
        plural: Whether their names stand in the plural, as "stop words".
        concern: Of what is dropped soonest, as `Conclusion.concern`.
    """
    shown = [r for r in rows if direction(r.concordance, 0.5) in (1, -1)]
    ranked = sorted(shown, key=lambda r: -(r.concordance.value or 0.0))
    ends = [(KEPT, r) for r in ranked[:1]] + [(LOST, r) for r in ranked[-1:]]
    return tuple(
        Conclusion(
            topic,
            _opened(
                f"{outlive(r.category, plural=plural)} {_outlived(r)} of the other words of "
                "as many pieces in the same document, where chance gives 50 %."
            ),
            (place("concordance", arm=arm, **{key: r.category}),),
            concern if topic == LOST else None,
        )
        for topic, r in ends
        if direction(r.concordance, 0.5) == (1 if topic == KEPT else -1)
    )


def _outlived(retained: Retained) -> str:
    """`52.7 % (95 % interval 50.2 to 55.2)`."""
    share = retained.concordance
    few = "" if (retained.comparable.value or 0.0) >= 0.5 else ", where they could be compared,"
    return f"{percent(share.value or 0.0)} ({bounds(share.scaled(100), 1)}){few}"


def _beside(retained: Retained) -> str:
    """What the layer that is told says, and what position may explain."""
    ours = direction(retained.concordance, 0.5)
    matched, odds = direction(retained.matched_lift, 1.0), direction(retained.odds_ratio, 1.0)
    lift = f"matched lift after layer {retained.reference} ({_ratio(retained.matched_lift)})"
    place = f"odds ratio at a like position ({_ratio(retained.odds_ratio)})"
    if matched == odds == ours:
        return f"The {lift} and the {place} {'agree' if ours else 'show none either'}."
    first = "agrees" if matched == ours else f"says {_SIDES[matched]}"
    second = "agrees" if odds == ours else f"says {_SIDES[odds]}"
    if ours and odds in (0, None):
        second = "does not: position explains it or cannot be ruled out"
    return f"The {lift} {first}; the {place} {second}."


def _plainly(retained: Retained) -> str:
    """The plain rate, and why it may say the opposite."""
    rate, expected, lift = retained.rate, retained.expected, retained.lift
    if rate.value is None or expected.value is None:
        return f"Plain rates: {rate.why_not}."
    kept = (
        f"Plainly, {percent(rate.value)} of them are kept after layer {retained.reference} of "
        f"{len(retained.curve)} against {percent(expected.value)} at random (lift {_ratio(lift)})"
    )
    ours, plain = direction(retained.concordance, 0.5), direction(lift, 1.0)
    if ours and plain == -ours:
        return f"{kept}: the opposite, because that mixes in how many pieces words have."
    return f"{kept}."


def _turning(retained: Retained) -> str:
    """Layers on either side of chance, where both are shown."""
    sides = {
        side: [layer for layer, sign in enumerate(retained.signs, start=1) if sign == side]
        for side in (1, -1)
    }
    if not all(sides.values()):
        return ""
    after = {side: ", ".join(map(str, layers)) for side, layers in sides.items()}
    return (
        f"The sign changes over the layers: more often kept than words of as many pieces after "
        f"layer {after[1]}, less often after layer {after[-1]}."
    )


def _explained(called: Sequence[Retained]) -> str:
    """Which of those called different position may explain."""
    open_to = [r for r in called if direction(r.odds_ratio, 1.0) != direction(r.concordance, 0.5)]
    if not open_to:
        return "; position explains none of these"
    return f"; position may explain {_names(open_to)}"


def _uncorrected(tested: Sequence[Retained]) -> str:
    """Categories whose own interval leaves chance out, and whose adjusted p does not."""
    only = [
        r for r in tested
        if direction(r.concordance, 0.5) == 0 and r.concordance.interval is not None
        and not r.concordance.interval[0] <= 0.5 <= r.concordance.interval[1]
    ]  # fmt: skip
    return f"; {_names(only)} not after correction for {len(tested)} tests" if only else ""


def _inline(category: str) -> str:
    """The name of a category, as part of a sentence."""
    return in_line(tag_name(category))


def _names(rows: Sequence[Retained]) -> str:
    named = ", ".join(_inline(r.category) for r in rows[:NAMED])
    return named + (f" and {len(rows) - NAMED} more" if len(rows) > NAMED else "")


def _end(row: Retained) -> str:
    return f"{outlive(row.category)} {_outlived(row)}"


def _opened(sentence: str) -> str:
    return f"{sentence[:1].upper()}{sentence[1:]}"


def _ratio(estimate: Estimate) -> str:
    """`1.21, 95 % interval 1.18 to 1.24`."""
    if estimate.value is None:
        return f"undefined, {estimate.why_not}"
    return f"{figure(estimate.value, 2)}, {bounds(estimate, 2)}"
