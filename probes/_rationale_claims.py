"""What agreement with rationales comes to in words."""

from collections.abc import Iterable, Sequence

from auditkit.plugin import (
    Estimate,
    bounds,
    by_direction,
    compare,
    direction,
    figure,
    places_of,
)
from auditkit.probes._attribution import METHOD
from auditkit.probes._ranked import Beside
from auditkit.probes._rationale import LayerRow

_SAID = {
    1: "they agree more than random ones", -1: "they agree less than random ones",
    0: "no difference is shown",
}  # fmt: skip
_METHOD = METHOD.replace("_", " ")


def claim_of_rationales(layers: Sequence[LayerRow], beside: Sequence[Beside]) -> str:
    """After the reference layer, then after the others, then beside attributions."""
    first = [of_reference(row, layers) for row in layers if row.reference]
    if not first:
        first = [
            "Nothing is claimed of the kept set: after the reference layer it is nearly all of the "
            "text, or nearly nothing, in most documents"
        ]
    others = by_direction(
        [row for row in layers if not row.reference], lambda row: row.numbers["f1_difference"]
    )
    for side, words in _SAID.items():
        if others[side]:
            first.append(f"after {_numbered(others[side])} {words}")
    tests = _tested(row.change for row in beside)
    first += [_beside(row, tests) for row in beside if row.method == METHOD]
    return f"{'; '.join(first)}."


def of_reference(row: LayerRow, layers: Sequence[LayerRow]) -> str:
    """What is said of the kept set after the reference layer, of the layers tested with it."""
    found, f1, chance = (row.numbers[f"f1{part}"] for part in ("_difference", "", "_chance"))
    said = compare(
        found,
        more="agree with what people marked more than as many random tokens of their document",
        less="agree with what people marked less than as many random tokens of their document",
        none="are not shown to agree with what people marked more or less than as many random "
        "tokens of their document",
        unknown="cannot be compared with what people marked",
    )
    tests = _tested(one.numbers["f1_difference"] for one in layers)
    told = f"The tokens kept after layer {row.layer} {said}"
    if f1.value is None or chance.value is None or found.value is None:
        return f"{told}: {found.why_not}"
    return (
        f"{told} (token F1 {figure(f1.value, 3)}, {figure(chance.value, 3)} by chance, difference "
        f"{_difference(found, tests)}; {row.documents:,} documents)"
    )


def _beside(row: Beside, tests: int) -> str:
    said = compare(
        row.change,
        more=f"survival agrees with them more than |attribution| ({_METHOD}) at the same counts",
        less=f"survival agrees with them less than |attribution| ({_METHOD}) at the same counts",
        none=f"no difference shown between survival and |attribution| ({_METHOD}) at the same "
        "counts",
        unknown=f"survival cannot be compared with |attribution| ({_METHOD})",
    )
    one, other = row.survival.value, row.attribution.value
    if one is None or other is None:
        return f"{said}: {row.change.why_not}"
    return (
        f"{said} (average precision {figure(one, 3)} and {figure(other, 3)}, difference "
        f"{_difference(row.change, tests)}; {row.documents:,} documents)"
    )


def _tested(found: Iterable[Estimate]) -> int:
    return sum(estimate.p is not None for estimate in found)


def _difference(found: Estimate, tests: int) -> str:
    places = places_of(found, 3)
    told = f"{figure(found.value or 0.0, places)}, {bounds(found, places)}"
    if direction(found) == 0 and found.interval and not found.interval[0] <= 0 <= found.interval[1]:
        told += f", not after correction for {tests} test{'s' * (tests != 1)}"
    return told


def _numbered(rows: Sequence[LayerRow]) -> str:
    numbers = ", ".join(str(row.layer) for row in rows)
    return f"layer{'s' if len(rows) > 1 else ''} {numbers}"
