"""Reading claims back: numbers, directions and counts against what the finding itself prints."""

import re
from collections.abc import Iterator

import numpy as np

from auditkit.finding import Finding, Interval, Undefined
from auditkit.plugin.sentences import figure
from auditkit.testing import synthetic_trace
from auditkit.trace import About, Trace

NUMBER = re.compile(r"(?<![\w.])−?\d+(?:,\d{3})*(?:\.\d+)?(?!\w)")
SETTLED = re.compile(
    r"[\d.]+ % interval|Benjamini–Hochberg at 5 %|layers? \d+(, \d+)*( of \d+)?|\d+ layers|"
    r"and \d+ more|\(\d+ tested|for \d+ tests|accepted \d+ point|[\d.]+× (fewer|as many) MACs"
)
"""What is said in numbers and estimated by none."""

UPOS = ("NOUN", "PROPN", "VERB", "ADJ", "DET", "PUNCT", "NUM")


def random_trace(seed: int, most: int = 70) -> Trace:
    """A run of up to `most` documents; its size, arms, accuracies and preferences are drawn."""
    rng = np.random.default_rng(seed)
    baseline = bool(rng.random() < 0.85)
    shortest = int(rng.integers(1, 12))
    return synthetic_trace(
        rng,
        documents=int(np.exp(rng.uniform(0, np.log(most)))),
        layers=int(rng.integers(1, 7)),
        classes=int(rng.integers(2, 5)),
        draws=int(rng.integers(0, 3)),
        words=(shortest, shortest + int(rng.integers(0, 16))),
        keep=float(rng.choice([0.3, 0.6, 0.8, 0.95, 1.0])),
        weights={kind: float(np.exp(rng.normal(0, rng.choice([0.0, 0.7])))) for kind in UPOS},
        accuracy={
            name: float(rng.choice([0.5, 0.8, 0.9, 0.97, 1.0]))
            for name in ("baseline", "continued", "reseeded", "unpruned", "pruned", "random")
        },
        coupling=float(rng.choice([0.5, 0.9, 0.98, 1.0])),
        baseline=baseline,
        continued=baseline and bool(rng.random() < 0.2),
        reseeded=baseline and bool(rng.random() < 0.2),
    )


def numbers_in(text: str) -> list[str]:
    """The numbers of a sentence as they are written, without those that are settled."""
    return NUMBER.findall(SETTLED.sub("", text))


def unfounded(finding: Finding) -> list[str]:
    """Numbers of the claim that the finding prints nowhere: neither as such nor in percent."""
    known = [*_values(finding)]
    reasons = {number for text in _texts(finding) for number in numbers_in(text)}
    return [
        number
        for number in numbers_in(finding.claim)
        if number not in reasons and not _among(number, known)
    ]


def _among(text: str, known: list[float]) -> bool:
    places = len(text.partition(".")[2])
    size = text.removeprefix("−")
    return any(size == figure(abs(v) * scale, places) for v in known for scale in (1, 100))


def _values(finding: Finding) -> Iterator[float]:
    yield len(finding.examples)
    for m in finding.measurements:
        yield from (m.n, m.n_clusters, m.level)
        yield from (v for v in (m.value, m.p, m.p_adjusted) if v is not None)
        if m.interval:
            yield from (m.interval.low, m.interval.high)
    for table in finding.tables:
        for row in table.rows:
            for cell in row:
                if isinstance(cell, Interval):
                    yield from (cell.low, cell.high)
                elif isinstance(cell, int | float):
                    yield cell


def _texts(finding: Finding) -> Iterator[str]:
    """What tables and measurements say in words: reasons, ranges."""
    for m in finding.measurements:
        yield from filter(None, (m.undefined, m.no_interval))
    for table in finding.tables:
        for row in table.rows:
            yield from (cell for cell in row if isinstance(cell, str))
            yield from (cell.undefined for cell in row if isinstance(cell, Undefined))


def contradictions(finding: Finding, about: About) -> list[str]:
    """What the claim says in words and its own numbers do not."""
    readers = {
        "performance": _performance, "stopword": _one_category, "entity": _one_category,
        "pos_retention": _many_categories, "domain_term": _domain_terms,
    }  # fmt: skip
    reader = readers.get(finding.probe)
    if reader is None or finding.status == "not_applicable":
        return []
    return [problem for problem, wrong in reader(finding, about) if wrong]


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
    sign = -1 if said["cost"] else 1
    off = abs(round(after - before, places) - sign * float(printed))
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


def _saving(claim: str) -> Problems:
    fewer = re.search(r"at ([\d.]+)× fewer MACs", claim)
    more = re.search(r"at ([\d.]+)× as many MACs", claim)
    yield "fewer MACs that are not", bool(fewer) and float(fewer[1] if fewer else 2) <= 1
    yield "more MACs that are not", bool(more) and float(more[1] if more else 2) < 1


BOUNDS = re.compile(r"% interval (−?[\d.]+) to (−?[\d.]+)")


def _sign(finding: Finding, name: str, null: float, **at: str) -> int | None:
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


def _one_category(finding: Finding, about: About) -> Problems:
    category = str({"stopword": "stop words", "entity": "names"}.get(finding.probe, "domain terms"))
    at = {"arm": str(about.depths_of), "category": category}
    claim, ours = finding.claim, _sign(finding, "concordance", 0.5, **at)
    matched, odds = _sign(finding, "matched_lift", 1, **at), _sign(finding, "odds_ratio", 1, **at)
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
    lift = _sign(finding, "lift", 1, **at)
    opposite = "the opposite, because" in claim
    yield "the opposite", opposite != (bool(ours) and lift == -(ours or 0))


def _domain_terms(finding: Finding, about: About) -> Problems:
    yield from _one_category(finding, about)
    claim, done = finding.claim, "interventions" in [table.name for table in finding.tables]
    yield "dropping, and nothing was done", ("ropping them" in claim) != done
    if not done:
        return
    at = {"arm": str(about.depths_of), "against": "random words", "category": "domain terms"}
    m = finding.measurement("accuracy_change", **at, perturbation="drop")
    sign = _sign(finding, "accuracy_change", 0, **at, perturbation="drop")
    for words, wanted in (
        ("Dropping them by layer 1 costs", -1), ("Dropping them by layer 1 leaves", 1),
        ("No difference in accuracy shown between", 0), ("cannot be told", None),
    ):  # fmt: skip
        yield words, (words in claim) != (sign == wanted)
    said = re.search(r"\((−?[\d.]+) points, [^)]*?([\d,]+) documents\)", claim)
    yield "no figures of dropping", (said is None) != (sign is None)
    if said:
        yield "other documents", int(said[2].replace(",", "")) != m.n
        size = re.search(r"(?:costs|leaves) ([\d.]+) points", claim)
        if size:
            yield "two sizes", size[1] != said[1].strip("−")
            yield "an effect of 0 as printed", float(size[1]) == 0


def _many_categories(finding: Finding, about: About) -> Problems:
    claim = finding.claim
    table = finding.table("retention")
    signs = {
        str(name): _sign(finding, "concordance", 0.5, arm=str(about.depths_of), category=str(name))
        for name in table.column("category")
    }
    tested = [name for name, sign in signs.items() if sign is not None]
    for pattern, wanted in ((r"keeps (.+?) longer", 1), (r"drops (.+?) sooner", -1)):
        found = re.search(pattern, claim)
        there = [name for name, sign in signs.items() if sign == wanted]
        yield f"{wanted} claimed", bool(found) != bool(there)
        if found:
            more = re.search(r" and (\d+) more$", found[1])
            named = re.sub(r" and \d+ more$", "", found[1]).split(", ")
            count = len(named) + (int(more[1]) if more else 0)
            yield f"{wanted}: {named} of {there}", not set(named) <= set(there)
            yield f"{wanted}: how many", count != len(there)
    none = "No difference shown" in claim or "None of the" in claim
    yield "nothing shown", none != all(not sign for sign in signs.values())
    number = re.search(r"\((\d+) tested", claim)
    yield "how many were tested", bool(number) and int(number[1] if number else 0) != len(tested)
