"""What performance says on the first screen: the decision, a card, rows of the key picture."""

from collections.abc import Mapping

from auditkit.plugin import (
    ACCURACY,
    DIFFERENCE,
    Card,
    Mark,
    Verdict,
    figure,
    in_line,
    place,
    signed,
)
from auditkit.probes._verdict import Judged
from auditkit.stats.paired import Difference

MOST_MARKED = 12
"""Classes in the picture, those that lost most."""
ONE_PAIR = "This speaks of this one pair of models."


def opening(told: Judged) -> Verdict:
    """The decision, and in words the interval, what it speaks about and what would decide."""
    more = f"a loss of more than {told.accepted}"
    sentence = {
        "pass": f"Acceptable on accuracy: {more} is ruled out.",
        "fail": f"Not acceptable: the loss of accuracy exceeds {told.accepted}.",
        "inconclusive": f"Not enough evidence to accept: {more} of accuracy is not ruled out.",
    }[told.verdict.outcome]
    if told.guess:
        sentence = f"Nothing can be decided: {told.guess}."
    rests = [place("accuracy_change", **told.at)]
    detail = [f"{_here(told)}; for other documents like these {_elsewhere(told)} fits."]
    if told.guess:
        rests.append(place("largest_class", **told.largest.at))
    elif told.verdict.outcome == "inconclusive":
        if 100 * told.change.interval[1] < -told.margin:
            detail.append("The exact test does not confirm that loss.")
        if told.verdict.documents_needed:
            detail.append(f"About {told.verdict.documents_needed:,} of them would decide.")
            rests.append(place("documents_needed", **told.at))
    return Verdict(
        sentence=sentence,
        detail=" ".join([*detail, ONE_PAIR]),
        measurements=tuple(rests),
        margin=told.margin,
    )


def accuracy_card(told: Judged) -> Card:
    """Accuracy before and after, and the paired difference."""
    places = told.places
    change = signed(100 * told.change.delta, places)
    low, high = (signed(100 * bound, places) for bound in told.change.interval)
    return Card(
        title=ACCURACY,
        value=f"{figure(told.before, places)} → {figure(told.now, places)} %",
        note=f"{change} {_points(change)}, paired 95 %: {low} to {high}",
        measurements=(
            place("accuracy", arm=told.at["against"]),
            place("accuracy", arm=told.at["arm"]),
            place("accuracy_change", **told.at),
        ),
    )


def difference_marks(
    changes: Mapping[str, Difference | None], at: Mapping[str, str]
) -> tuple[Mark, ...]:
    """All documents, then each class that has some; of many classes those that lost most."""
    told = {label: change for label, change in changes.items() if change}
    most = sorted(told, key=lambda label: told[label].delta)[:MOST_MARKED]
    everyone = place("accuracy_change", **at)
    return (
        Mark(picture=DIFFERENCE, label="all documents", measurement=everyone, whole=True),
        *(
            Mark(picture=DIFFERENCE, label=in_line(label),
                 measurement=place("recall_change", **at, **{"class": label}))
            for label in told
            if label in most
        ),
    )  # fmt: skip


def _here(told: Judged) -> str:
    n, size = told.change.n, figure(abs(100 * told.change.delta), told.places)
    these = f"{n:,} documents" if n != 1 else "one document"
    on = f"On {'these' if n != 1 else 'this'} {these} {told.model} is"
    if told.change.delta == 0:
        return f"{on} right as often as the {told.at['against']}"
    return f"{on} {size} {_points(size)} {'worse' if told.change.delta < 0 else 'better'}"


def _elsewhere(told: Judged) -> str:
    """The interval in words; an end that is printed as 0 is no difference."""
    ends = [figure(100 * bound, told.places) for bound in told.change.interval]
    sides = [_side(end) for end in ends]
    low, high = (end.lstrip("−") for end in ends)
    if sides == ["worse", "worse"] or sides == ["better", "better"]:
        return f"anything from {low} to {high} points {sides[0]}"
    first, last = (
        f"{size} {side}" if side else "no difference"
        for size, side in zip((low, high), sides, strict=True)
    )
    return f"anything from {first} to {last}"


def _side(printed: str) -> str:
    if not printed.strip("−0."):
        return ""
    return "worse" if printed.startswith("−") else "better"


def _points(printed: str) -> str:
    """`point` where the number before it is printed as 1."""
    return "point" if float(printed.strip("+−")) == 1 else "points"
