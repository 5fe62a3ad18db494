"""What is said of answers that changed, in sentences."""

from collections.abc import Sequence

from auditkit.plugin import (
    COST,
    Conclusion,
    bounds,
    compare,
    direction,
    figure,
    percent,
    place,
)
from auditkit.probes._flips import Shifts
from auditkit.probes._pairs import LOST, NO_GOLD, OTHERWISE, WON, Pair
from auditkit.stats.estimates import document_share

TOLD_TAIL = 0.05
"""Of the tails, the one that a sentence speaks of."""


def claim_of_flips(audited: Pair, shifts: Sequence[Shifts], floor: Pair | None) -> str:
    """How many answers changed, of which kind, beside the floor, and which way confidence went."""
    return f"{_answers(audited, floor)}; {_moved(audited, shifts, floor)}."


def conclusions_of_flips(
    audited: Pair, shifts: Sequence[Shifts], floor: Pair | None
) -> list[Conclusion]:
    """The claim; where there is damage, that as a sentence of its own."""
    rests = (place("share", category=audited.worse, **audited.at),)
    if not (audited.labelled and floor and direction(shifts[-1].tails[TOLD_TAIL]) == -1):
        return [Conclusion(COST, claim_of_flips(audited, shifts, floor), rests)]
    damage = _moved(audited, shifts, floor)
    fell = place(f"asymmetry_{round(100 * TOLD_TAIL):02}", **shifts[-1].at)
    return [
        Conclusion(COST, f"{_answers(audited, floor)}.", rests),
        Conclusion(COST, f"{damage[0].upper()}{damage[1:]}.", (fell,), "serious"),
    ]


def _answers(audited: Pair, floor: Pair | None) -> str:
    changed = document_share(audited.flipped)
    assert changed.value is not None
    parts = [
        f"{percent(changed.value)} of the answers are others than the {audited.against}'s "
        f"({bounds(changed.scaled(100), 1)}): {_kinds(audited)}"
    ]
    if floor is not None:
        theirs = document_share(floor.flipped)
        assert theirs.value is not None
        parts.append(
            f"another seed of the {floor.against} changes {percent(theirs.value)} "
            f"({bounds(theirs.scaled(100), 1)})"
        )
    return "; ".join(parts)


def _moved(audited: Pair, shifts: Sequence[Shifts], floor: Pair | None) -> str:
    return _confidence(shifts, floor) if audited.labelled else _divergence(shifts[0])


def _kinds(audited: Pair) -> str:
    n, kinds = len(audited.flipped), audited.kinds
    documents = f"{n:,} document{'s' * (n != 1)}"
    if not audited.labelled:
        return f"{int(audited.flipped.sum()):,} of {documents}, and {NO_GOLD} to say which is right"
    lost, won, other = (int(kinds[kind].sum()) for kind in (LOST, WON, OTHERWISE))
    return f"of {documents} {lost:,} lost, {won:,} won, {other:,} answered wrongly in another way"


def _divergence(own: Shifts) -> str:
    kl = own.divergence
    told = f"cannot be said: {kl.why_not}"
    if kl.value is not None:
        told = f"is {figure(kl.value, 4)} nats a document ({bounds(kl, 4)})"
    return f"the KL divergence from the baseline's probabilities {told}"


def _confidence(shifts: Sequence[Shifts], floor: Pair | None) -> str:
    own = shifts[0]
    if floor is None:
        fell = own.fell.scaled(100)
        return (
            compare(
                own.fell,
                more="more documents lost than gained confidence in the gold class",
                less="more documents gained than lost confidence in the gold class",
                none="no difference is shown between documents that lost and gained confidence in "
                "the gold class",
            )
            + f" ({figure(fell.value or 0.0, 1)} points, {bounds(fell, 1)})"
        )
    against = shifts[-1].tails[TOLD_TAIL]
    if direction(against) is None:
        return f"whether confidence falls beyond noise cannot be said: {against.why_not}"
    return (
        compare(
            against,
            less="confidence in the gold class falls farther than noise explains: damage",
            more="confidence in the gold class rises farther than noise explains",
            none="no fall of confidence in the gold class is shown beyond that of noise",
        )
        + f" ({figure(against.value or 0.0, 3)}, {bounds(against, 3)})"
    )
