"""What ways of calling say otherwise than the trace: the table, and the sentence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditkit.plugin import (
    COST,
    About,
    Conclusion,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    bounds,
    columns,
    figure,
    percent,
    place,
    tabulate,
)
from auditkit.probes._calls import BATCH, EXACTLY, ROUNDING, Way, trained_width

FORMS = {
    "audit": "the audit's engine", "model": "the checkpoint's forward",
    "masks": "masks in padded attention",
}  # fmt: skip


def calls_table(found: Sequence[Way], about: About) -> Told:
    """One row a way of calling."""
    near = f"{100 * ROUNDING[about.dtype]:g} %"
    return tabulate(
        "calls",
        "Documents that come out otherwise than in the trace, by the way of calling",
        [
            Label("type", "Computed by"),
            Label("perturbation", "Called"),
            *columns(("documents", "Documents", "count")),
            Number("changed_predictions", "Another prediction", "share", interval=EXACTLY,
                   better="lower", control="the trace"),
            Number("changed_depths", "Other survival depths", "share", "Of any token.", EXACTLY,
                   better="lower", control="the trace"),
            Number("beyond_rounding", "More than rounding", "share", "The first layer that decides "
                   f"otherwise does so on a score farther than {near} from its threshold; or no "
                   f"depth differs, and a probability by more than {ROUNDING[about.dtype]:g}.",
                   EXACTLY, better="lower", control="the trace"),
            Number("largest_change", "Largest |Δp|", "probability", interval=None, better="lower",
                   control="the trace"),
            Number("returned", "A dropped token comes back", "share", "It is attended to in a "
                   "layer although an earlier one dropped it, or had nothing attend to it.",
                   EXACTLY, better="lower"),
            *columns(("tokens", "Tokens", "count", "Whose attention was looked at."),
                     ("back", "Come back", "count")),
        ],
        _rows(found),
        note=f"Padded batches are of {BATCH} documents of all lengths, in the order of their ids.",
        arm=about.depths_of,
    )  # fmt: skip


def _rows(found: Sequence[Way]) -> Iterator[Row]:
    for way in found:
        yield Row(
            _at(way),
            {
                "changed_predictions": way.predictions, "changed_depths": way.depths,
                "beyond_rounding": way.beyond, "largest_change": way.largest,
                "returned": way.returned,
            },
            {"documents": way.depths.n, "tokens": way.tokens, "back": way.back},
        )  # fmt: skip


def share_with(share: Estimate, places: int = 1) -> str:
    """`4.0 % (95 % interval 1.7 to 7.7 %)`."""
    end = " %" if share.interval else ""
    return f"{percent(share.value or 0.0, places)} ({bounds(share.scaled(100), places)}{end})"


def claim_of_calls(found: Sequence[Way], about: About) -> str:
    """Whether the model that was audited is the one that a deployment calls."""
    wrong = [way for way in found if way.wrong]
    rounded = [way for way in found if way.differs and not way.wrong]
    same, n = len(found) - len(wrong) - len(rounded), found[0].depths.n
    if wrong:
        worst = max(wrong, key=lambda w: (w.predictions.value or 0, w.depths.value or 0))
        why = ", whose scores are divided by the padded length," * bool(trained_width(about))
        told = (
            f"Called otherwise than the audit calls it, this model{why} is not the one that was "
            f"audited: {_named(worst)}, {share_with(worst.predictions)} of {n} documents have "
            f"another prediction and {share_with(worst.depths)} other survival depths"
        )
        others = [_named(way) for way in wrong if way is not worst]
        if others:
            told += f"; more than rounding also differs {' and '.join(others)}"
        return told + (f"; nothing differs in {same} of {len(found)} ways of calling" * bool(same))
    own = [way for way in found if way.call.form == "model"]
    among = ", its own padded calls among them" * (not any(way.differs for way in own))
    upper = next((way.depths for way in found if not way.differs), None)
    none = "" if upper is None else f" (0 of {n}, {bounds(upper.scaled(100), 1)} %)"
    told = f"Rounding decides otherwise in each of {len(found)} ways of calling the model"
    if same:
        told = (
            f"The model answers as audited in {same} of {len(found)} ways of calling it{among}: no "
            f"document has another prediction or survival depth{none}"
        )
    if rounded and same:
        most = max(rounded, key=lambda w: w.depths.value or 0.0)
        answers = max((way.predictions for way in rounded), key=lambda e: e.value or 0.0)
        told += (
            f"; in the other {figure(len(rounded), 0)} rounding decides otherwise: of up to "
            f"{share_with(most.depths)} of the documents a survival depth, of "
            f"{share_with(answers)} the prediction"
        )
    return told


def claim_of_returns(found: Sequence[Way]) -> str:
    """Whether a dropped token comes back."""
    looked = [way for way in found if way.returned.value is not None]
    if not looked:
        return "whether dropped tokens come back was not asked"
    worst = max(looked, key=lambda way: way.back)
    of = f"{figure(worst.back, 0)} of {figure(worst.tokens, 0)} tokens under masks"
    if worst.back:
        return f"dropped tokens come back ({of})"
    return f"no dropped token comes back ({of})"


def conclusions_of_calls(found: Sequence[Way], at: Mapping[str, Any]) -> list[Conclusion]:
    """That a deployed call answers otherwise, and that a dropped token comes back."""
    told = []
    wrong = [way for way in found if way.wrong]
    if wrong:
        worst = max(wrong, key=lambda w: (w.predictions.value or 0, w.depths.value or 0))
        where = (place("changed_predictions", **_at(worst), **at),
                 place("changed_depths", **_at(worst), **at))  # fmt: skip
        sentence = (
            f"Called {_named(worst)}, the model is another than the audited one: "
            f"{percent(worst.predictions.value or 0.0)} of {worst.depths.n} documents have another "
            f"prediction, {percent(worst.depths.value or 0.0)} other survival depths."
        )
        told.append(Conclusion(COST, sentence, where, "serious"))
    back = [way for way in found if way.back]
    if back:
        most = max(back, key=lambda way: way.back)
        sentence = f"Dropped tokens come back: {most.back:,} of {most.tokens:,}, {_named(most)}."
        told.append(Conclusion(COST, sentence, (place("returned", **_at(most), **at),), "serious"))
    return told


def _at(way: Way) -> dict[str, str]:
    return {"type": FORMS[way.call.form], "perturbation": way.call.name}


def _named(way: Way) -> str:
    """`by masks in padded attention, 64 tokens more`."""
    return f"by {FORMS[way.call.form]}, {way.call.name}"
