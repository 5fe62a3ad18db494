"""Reading claims back: numbers, directions and counts against what the finding itself prints."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from claim_readers import READERS
from measured_claims import MEASURED

from auditkit.finding import Finding, Interval, Undefined
from auditkit.plugin.sentences import figure
from auditkit.testing import synthetic_trace
from auditkit.trace import About, Trace

NUMBER = re.compile(r"(?<![\w.])−?\d+(?:,\d{3})*(?:\.\d+)?(?!\w)")
SETTLED = re.compile(
    r"[\d.]+ % interval|Benjamini–Hochberg at 5 %|layers? \d+(, \d+)*( of \d+)?|\d+ layers|"
    r"and \d+ more|\(\d+ tested|for \d+ tests?|\d+ of \d+ ways|the other \d+ rounding|"
    r"within [\d.]+ % of their threshold|for 10 points of keep rate|"
    r"accepted \d+ point|[\d.]+× (fewer|as many) MACs"
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
        rationales=0.8,
        marks_kept=3.0 * (seed % 3 - 1),
    )


def numbers_in(text: str) -> list[str]:
    """The numbers of a sentence as they are written, without those that are settled."""
    return NUMBER.findall(SETTLED.sub("", text))


def unfounded(finding: Finding) -> list[str]:
    """Numbers of the claim that the finding prints nowhere: neither as such nor in percent.

    A probe that is not applicable has no numbers: what it says is a reason.
    """
    if finding.status == "not_applicable":
        return []
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
    reader = (READERS | MEASURED).get(finding.probe)
    if reader is None or finding.status == "not_applicable":
        return []
    return [problem for problem, wrong in reader(finding, about) if wrong]


def falsified(
    told: Iterable[tuple[Finding, About]], said: str, instead: str
) -> list[tuple[str, bool]]:
    """The claims that hold `said`, with something else instead, and whether that is noticed."""
    found = []
    for finding, about in told:
        if said in finding.claim:
            false = replace(finding, claim=finding.claim.replace(said, instead, 1))
            noticed = [*unfounded(false), *contradictions(false, about)]
            found.append((false.claim, bool(noticed)))
    return found
