"""Readers of claims, by probe: what is said in words, held against the finding's own numbers."""

import re
from collections.abc import Iterator

from auditkit.finding import Finding, Measurement
from auditkit.plugin import tag_name
from auditkit.trace import About

Problems = Iterator[tuple[str, bool]]
"""What is checked, and whether it is wrong."""

EFFECT = re.compile(
    r"(?:Pruning|The change) costs (?P<cost>[\d.]+) points|model gains (?P<gain>[\d.]+) points|"
    r"(?P<none>No difference in accuracy shown)"
)
VALUES = re.compile(r"\((?P<before>[\d.]+) → (?P<after>[\d.]+) %(?:, (?P<change>−?[\d.]+) points)?")


def _performance(finding: Finding, about: About) -> Problems:
    claim, said = finding.claim, EFFECT.search(finding.claim)
    (model,), reference = about.in_role("audited"), about.in_role("reference")
    yield "an effect without a reference", bool(said) != bool(reference)
    if not said or not reference:
        return
    at = {"arm": model, "against": reference[0]}
    change = finding.measurement("accuracy_change", **at)
    table = finding.table("differences")
    exact = table.column("p_exact")[table.column("comparison").index(f"{model} − {reference[0]}")]
    assert change.value is not None
    assert change.interval is not None
    assert isinstance(exact, float)
    low, high = change.interval.low, change.interval.high
    shown = not low <= 0 <= high and exact < 0.05
    yield "no difference, and one is shown", bool(said["none"]) == shown
    yield "a cost that is none", bool(said["cost"]) and not high < 0
    yield "a gain that is none", bool(said["gain"]) and not low > 0
    size = said["cost"] or said["gain"]
    yield "an effect of 0 as printed", bool(size) and float(size) == 0
    values = VALUES.search(claim)
    assert values is not None
    before, after = float(values["before"]), float(values["after"])
    printed = size or values["change"].replace("−", "-")
    places = len(printed.partition(".")[2])
    side = -1 if said["cost"] else 1
    off = abs(round(after - before, places) - side * float(printed))
    yield "printed accuracies and difference disagree", off > 1.5 * 10**-places * (places >= 3)
    bounds = BOUNDS.search(claim[values.start() :])
    if size and bounds:
        ends = [float(bound.replace("−", "-")) for bound in bounds.groups()]
        yield "a bound of an effect printed as 0", min(map(abs, ends)) == 0
        yield "an effect whose printed interval holds 0", ends[0] * ends[1] <= 0
    for words, status in (
        ("is ruled out", "pass"), ("the loss exceeds", "fail"),
        ("is not ruled out", "inconclusive"), ("better than the baseline", "pass"),
        ("nothing is decided", "inconclusive"),
    ):  # fmt: skip
        yield f"{words!r} and {finding.status}", words in claim and finding.status != status
    yield "better, and no gain is shown", "better than" in claim and not (shown and low > 0)
    known = finding.measurement("accuracy", arm=reference[0]).interval
    guess = next(m for m in finding.measurements if m.name == "largest_class").value
    assert guess is not None
    learned = known is not None and known.low > guess
    yield "decided beside a guess, or not beside skill", ("nothing is decided" in claim) == learned
    needed = re.search(r"some ([\d,]+) documents would decide", claim)
    if needed:
        few = int(needed[1].replace(",", "")) <= change.n
        yield "fewer documents would decide than were audited", few
    yield from _saving(claim)
    yield from _first_screen(finding, change, before=before)


def _first_screen(finding: Finding, change: Measurement, *, before: float) -> Problems:
    """The decision, its detail and the card, held against the difference and against each other."""
    told, (card,) = finding.verdict, finding.cards
    assert told is not None
    assert told.margin is not None
    assert change.value is not None
    assert change.interval is not None
    first = told.sentence.split(":")[0]
    yield f"{first!r} and {finding.status}", OPENINGS[first] != finding.status
    values = re.fullmatch(r"([\d.]+) → ([\d.]+) %", card.value)
    note = re.fullmatch(r"([+−]?[\d.]+) points?, paired 95 %: ([+−]?[\d.]+) to ([+−]?[\d.]+)",
                        card.note)  # fmt: skip
    assert values is not None
    assert note is not None
    yield "another accuracy than the claim's", float(values[1]) != before
    value, low, high = (_signed(part) for part in note.groups())
    here = re.match(r"On th[a-z]+ [\w,]+ documents? [\w ]+? is (?:([\d.]+) points? (\w+)|right)",
                    told.detail)  # fmt: skip
    assert here is not None, told.detail
    yield "another difference than the card's", _apart(here[1], here[2]) != value
    yield "as often, and it differs", (here[1] is None) != (change.value == 0)
    yield "0 points", here[1] is not None and float(here[1]) == 0
    span = re.search(r"anything from (.+?) to (.+?) fits", told.detail)
    assert span is not None
    one, other = (part.split() for part in span.groups())
    both = other[-1] if len(one) == 1 else ""
    ends = [_apart(one[0], both or one[-1]), _apart(other[0], other[-1])]
    yield "another interval than the card's", ends != [low, high]
    yield "an interval without the difference", not low <= value <= high
    for printed, exact in zip((value, low, high),
                              (change.value, change.interval.low, change.interval.high),
                              strict=True):  # fmt: skip
        yield "another sign", printed * exact < 0 or abs(printed - exact) > 0.051
    yield "a loss ruled out that fits", finding.status == "pass" and low < -told.margin
    yield "a loss beyond doubt that is not", finding.status == "fail" and high >= -told.margin
    open_ = first.startswith("Not enough evidence")
    yield "a loss that fits no more is not ruled out", open_ and low >= -told.margin
    doubt = "exact test does not confirm" in told.detail
    yield "the exact test", doubt != (open_ and high < -told.margin)
    needed = re.search(r"About ([\d,]+) of them", told.detail)
    if needed:
        yield "it decides, and needs more", not open_
        yield "fewer would decide", int(needed[1].replace(",", "")) <= change.n


OPENINGS = {
    "Acceptable on accuracy": "pass", "Not acceptable": "fail",
    "Not enough evidence to accept": "inconclusive", "Nothing can be decided": "inconclusive",
}  # fmt: skip


def _signed(printed: str) -> float:
    return float(printed.replace("−", "-"))


def _apart(size: str | None, side: str | None) -> float:
    """A difference in words, `3.0 worse`; `no difference` and `right as often` are 0."""
    if size in (None, "no"):
        return 0.0
    return float(size or 0) * {"worse": -1, "better": 1}[str(side)]


def _saving(claim: str) -> Problems:
    fewer = re.search(r"at ([\d.]+)× fewer MACs", claim)
    more = re.search(r"at ([\d.]+)× as many MACs", claim)
    yield "fewer MACs that are not", bool(fewer) and float(fewer[1] if fewer else 2) <= 1
    yield "more MACs that are not", bool(more) and float(more[1] if more else 2) < 1


BOUNDS = re.compile(r"% interval (−?[\d.]+) to (−?[\d.]+)")


def sign(finding: Finding, name: str, null: float, **at: str) -> int | None:
    """+1, −1 or 0 by adjusted p, else by interval; None where neither is there."""
    m = finding.measurement(name, **at)
    if m.value is None or (m.p_adjusted is None and m.interval is None):
        return None
    shown = m.p_adjusted < 0.05 if m.p_adjusted is not None else (
        m.interval is not None and not m.interval.low <= null <= m.interval.high
    )  # fmt: skip
    if shown and m.interval is not None:
        assert not m.interval.low <= null <= m.interval.high, f"{m.where}: p and interval"
    return (1 if m.value > null else -1) if shown else 0


SIDES = {1: "more often kept", -1: "less often kept", 0: "no difference", None: "nothing"}


def one_category(finding: Finding, about: About) -> Problems:
    category = str({"stopword": "stop words", "entity": "names"}.get(finding.probe, "domain terms"))
    at = {"arm": str(about.depths_of), "category": category}
    claim, ours = finding.claim, sign(finding, "concordance", 0.5, **at)
    matched, odds = sign(finding, "matched_lift", 1, **at), sign(finding, "odds_ratio", 1, **at)
    yield "longer", ("are kept longer" in claim) != (ours == 1)
    yield "sooner", ("are dropped sooner" in claim) != (ours == -1)
    yield "no difference", claim.startswith("No difference shown") != (ours == 0)
    yield "no comparison", ("no comparison with other words" in claim) != (ours is None)
    agree = ") agree." in claim or "show none either" in claim
    yield "agreement of three", agree != (ours is not None and matched == odds == ours)
    apart = re.search(r"\) (agrees|says [a-z ]+); the odds ratio", claim)
    side = "agrees" if matched == ours else f"says {SIDES[matched]}"
    yield "the matched lift", bool(apart) and (apart or [""])[1] != side
    unsure = "position explains it or cannot be ruled out" in claim
    yield "position", unsure != (bool(ours) and odds in (0, None))
    lift = sign(finding, "lift", 1, **at)
    opposite = "the opposite, because" in claim
    yield "the opposite", opposite != (bool(ours) and lift == -(ours or 0))


def _many_categories(finding: Finding, about: About) -> Problems:
    claim = finding.claim
    signs = {
        tag_name(m.at["category"]): sign(finding, "concordance", 0.5, **m.at)
        for m in finding.measurements
        if m.name == "concordance" and m.at.keys() == {"arm", "category"}
    }
    tested = [name for name, said in signs.items() if said is not None]
    for pattern, wanted in ((r"keeps (.+?) longer", 1), (r"drops (.+?) sooner", -1)):
        found = re.search(pattern, claim)
        there = [name for name, said in signs.items() if said == wanted]
        yield f"{wanted} claimed", bool(found) != bool(there)
        if found:
            more = re.search(r" and (\d+) more$", found[1])
            named = re.sub(r" and \d+ more$", "", found[1]).split(", ")
            count = len(named) + (int(more[1]) if more else 0)
            yield f"{wanted}: {named} of {there}", not set(named) <= set(there)
            yield f"{wanted}: how many", count != len(there)
    none = "No difference shown" in claim or "None of the" in claim
    yield "nothing shown", none != all(not said for said in signs.values())
    number = re.search(r"\((\d+) tested", claim)
    yield "how many were tested", bool(number) and int(number[1] if number else 0) != len(tested)


READERS = {
    "performance": _performance, "stopword": one_category, "entity": one_category,
    "pos_retention": _many_categories,
}  # fmt: skip
