"""What is said of gaps between groups, in sentences."""

from collections.abc import Iterator, Mapping, Sequence

from auditkit.plugin import COST, Conclusion, bounds, direction, figure, in_line, place
from auditkit.probes._gaps import FALSE_NEGATIVE, FALSE_POSITIVE, GroupGap
from auditkit.probes._groups import IDENTITY, NO_PEOPLE, Group

NAMED = 3
CONCERNS = {
    "accuracy_gap": "of accuracy lost beyond what all documents lose",
    FALSE_POSITIVE: "more false positives than all documents gain",
    FALSE_NEGATIVE: "more false negatives than all documents gain",
}
"""What a group is harmed by, by measure."""


def claim_of_gaps(accuracy: Sequence[GroupGap], errors: Sequence[GroupGap], what: str) -> str:
    """Who loses more than all documents do, in accuracy and in errors of a class.

    Args:
        accuracy: Of `accuracy_gaps`.
        errors: Of `error_gaps`.
        what: What the change is called.
    """
    if not accuracy:
        return "There is no group of enough documents to compare"
    told = [_of_accuracy(accuracy, what), *_of_errors(errors)]
    return "; ".join(told)


def unmeasurable(told: Sequence[Group], left: Sequence[tuple[Group, str]], least: int) -> str:
    """That nothing is known of groups of people, and why; "" where something is."""
    if any(group.column not in NO_PEOPLE for group in told):
        return ""
    mentioned = [group for group, _ in left if group.column == IDENTITY]
    most = max(mentioned, key=lambda group: group.size, default=None)
    named = (
        f"{len(mentioned)} groups are spoken of, in fewer than {least} documents each (most often "
        f"{in_line(most.name)}, in {most.size:,})"
        if most
        else "0 documents have a word of the lexicon (--lexicon)"
    )
    given = sorted({group.column for group, _ in left} - {IDENTITY, *NO_PEOPLE})
    columns = (
        f"no value of {in_line(', '.join(given))} has {least} documents, and others beside it"
        if given
        else "no column of groups was given (--groups)"
    )
    return f"Group fairness is not measurable on this data set: {columns}, and {named}."


def conclusions_of_gaps(
    accuracy: Sequence[GroupGap], errors: Sequence[GroupGap], claim: str, at: Mapping[str, str]
) -> list[Conclusion]:
    """What groups are shown to lose more, the most harmed of each measure; else the claim.

    Args:
        accuracy: Of `accuracy_gaps`.
        errors: Of `error_gaps`.
        claim: Of `claim_of_gaps`.
        at: Keys of all addresses.
    """
    told = []
    for measure, said in CONCERNS.items():
        harmed = _harmed([row for row in (*accuracy, *errors) if row.measure == measure])
        if harmed:
            first, more = harmed[0], len(harmed) - 1
            excess = first.gap.excess.scaled(100)
            size = figure(excess.value or 0.0, 1)
            name = f"{_of_class(first)}{in_line(first.group.label)}"
            also = f"; {more} more group{'s' * (more > 1)}" if more else ""
            keys = {**at, **first.group.at, **({"class": first.label} if first.label else {})}
            sentence = f"{size} points {said}: {name} ({bounds(excess, 1)}){also}."
            told.append(Conclusion(COST, sentence, (place(measure, **keys),), "serious"))
    if told:
        return told
    rests = tuple(
        place("accuracy_gap", **row.group.at, **at)
        for row in accuracy
        if row.gap.excess.value is not None
    )
    return [Conclusion(COST, claim, rests)] if rests else []


def _of_accuracy(rows: Sequence[GroupGap], what: str) -> str:
    harmed = _harmed(rows)
    groups = f"{len(rows)} group" + ("s" if len(rows) > 1 else "")
    if harmed:
        return (
            f"Of {groups} {len(harmed)} lose{'s' * (len(harmed) == 1)} more accuracy to {what} "
            f"than all documents do: {_named(harmed)}"
        )
    bound = max((r for r in rows if r.gap.excess.interval), key=_upper, default=None)
    if bound is None:
        return f"Of {groups} none can be compared with all documents"
    return (
        f"Of {groups} none is shown to lose more accuracy to {what} than all documents do; the "
        f"largest loss beyond theirs that is not ruled out is {figure(100 * _upper(bound), 1)} "
        f"points ({in_line(bound.group.label)}, {bound.gap.documents:,} documents)"
    )


def _of_errors(rows: Sequence[GroupGap]) -> Iterator[str]:
    for measure, said in (
        (FALSE_POSITIVE, "false positives"), (FALSE_NEGATIVE, "false negatives"),
    ):  # fmt: skip
        mine = [row for row in rows if row.measure == measure]
        harmed = _harmed(mine)
        if harmed:
            yield f"{said} rise more than over all documents for {_named(harmed)}"
        elif mine:
            yield f"no group is shown to gain more {said} than all documents do"


def _harmed(rows: Sequence[GroupGap]) -> list[GroupGap]:
    """Those whose gap is shown to be above 0, the largest first."""
    found = [row for row in rows if direction(row.gap.excess) == 1]
    return sorted(found, key=lambda row: -(row.gap.excess.value or 0.0))


def _named(rows: Sequence[GroupGap]) -> str:
    told = []
    for row in rows[:NAMED]:
        excess = row.gap.excess.scaled(100)
        size = f"{figure(excess.value or 0.0, 1)} points, {bounds(excess, 1)}"
        name = in_line(row.group.label)
        told.append(f"{name} ({_of_class(row)}{size}, {row.gap.documents:,} documents)")
    more = [f"and {len(rows) - NAMED} more"] if len(rows) > NAMED else []
    return ", ".join([*told, *more])


def _of_class(row: GroupGap) -> str:
    return "" if row.label is None else f"class {in_line(row.label)}: "


def _upper(row: GroupGap) -> float:
    return row.gap.excess.interval[1] if row.gap.excess.interval else -1.0
