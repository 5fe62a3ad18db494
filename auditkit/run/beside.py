"""The measurements of a run beside those of the first: what can be compared, and what cannot."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from auditkit.errors import ProbeError
from auditkit.finding import Cell, Column, Interval, Measurement, Table, Undefined
from auditkit.plugin import columns, discover
from auditkit.plugin.rows import LEVEL
from auditkit.run.differences import change_of, same_documents
from auditkit.run.sides import Side
from auditkit.stats.estimates import Estimate
from auditkit.stats.multiplicity import ALPHA, benjamini_hochberg
from auditkit.trace import TAGS

ONE_RUN = "the probe answered in one run only"
NOT_TESTED = "without an interval there is nothing to test"


@dataclass(frozen=True, slots=True)
class Beside:
    """A measurement of a run beside the first run's."""

    address: str
    probe: str
    run: str
    first: Measurement
    other: Measurement
    change: Estimate
    """This run's less the first run's; p adjusted over the measurements of the probe."""
    how: str

    @property
    def differs(self) -> bool:
        """Whether it is called different, after correction."""
        return self.change.p_adjusted is not None and self.change.p_adjusted < ALPHA


LeftOut = Mapping[tuple[str, str, str], int]
"""By probe, run and reason: how many measurements are not compared."""


def beside(first: Side, side: Side) -> tuple[list[Beside], LeftOut]:
    """The measurements of `side` against those of `first`, in the order of the first run."""
    ours, theirs = first.numbers(), side.numbers()
    traces = same_documents((side.audit, side.trace), (first.audit, first.trace))
    why_not = _Reasons(first, side)
    found: list[Beside] = []
    left: Counter[tuple[str, str, str]] = Counter()
    for address in dict.fromkeys([*ours, *theirs]):
        (probe, one), (_, other) = (
            ours.get(address) or theirs[address],
            theirs.get(address) or ours[address],
        )
        reason = why_not.of_probe(probe) or why_not.of_place(one)
        if not reason and not (address in ours and address in theirs):
            reason = "measured in one run only"
        if reason := reason or _apart(one, other):
            left[probe, side.name, reason] += 1
            continue
        change, how = change_of(other, one, traces)
        found.append(Beside(address, probe, side.name, one, other, change, how))
    for probe in {*first.findings} ^ {*side.findings}:
        left[probe, side.name, ONE_RUN] += 0  # one that measured nothing is listed too
    return _adjusted(found), left


class _Reasons:
    """Why numbers of two runs cannot be compared, before they are looked at; "" where they can."""

    def __init__(self, first: Side, side: Side) -> None:
        self._sides = first, side
        self._of_probe: dict[str, str] = {}

    def of_probe(self, probe: str) -> str:
        """Of all numbers of a probe."""
        if probe not in self._of_probe:
            self._of_probe[probe] = self._asked(probe)
        return self._of_probe[probe]

    def of_place(self, m: Measurement) -> str:
        """Of numbers that are told by class or by layer."""
        labels, layers = ([getattr(s.about, part) for s in self._sides]
                          for part in ("labels", "layers"))  # fmt: skip
        if "class" in m.at and labels[0] != labels[1]:
            return "the runs have other classes"
        if ("layer" in m.at or m.unit == "layers") and layers[0] != layers[1]:
            return f"the models have other numbers of layers: {layers[0]}, {layers[1]}"
        return ""

    def _asked(self, probe: str) -> str:
        findings = [side.findings.get(probe) for side in self._sides]
        answers = [finding for finding in findings if finding is not None]
        if len(answers) < 2:
            return ONE_RUN
        versions = [finding.version for finding in answers]
        if versions[0] != versions[1]:
            return f"other versions of the probe: {versions[0]}, {versions[1]}"
        tagged = [side.tagged_by for side in self._sides]
        if tagged[0] != tagged[1] and reads_words(probe):
            return f"words told apart by other pipelines: {tagged[0]}, {tagged[1]}"
        return ""


def reads_words(probe: str) -> bool:
    """Whether what it says depends on the pipeline; of one that cannot be asked it may."""
    plugin = discover().get(probe)
    try:
        return plugin is None or not plugin.load().needs.isdisjoint({*TAGS, "words"})
    except ProbeError:
        return True


def _apart(one: Measurement, other: Measurement) -> str:
    """Why two measurements of one address cannot be compared; "" where they can."""
    if one.unit != other.unit:
        return f"other units: {one.unit}, {other.unit}"
    if one.basis != other.basis:
        return f"other bases: {one.basis or 'not told'}, {other.basis or 'not told'}"
    for m in (one, other):
        if m.undefined is not None:
            return f"undefined in one run: {m.undefined}"
    return ""


def _adjusted(found: Sequence[Beside]) -> list[Beside]:
    """With p adjusted over the measurements of each probe."""
    told: dict[str, Beside] = {b.address: b for b in found}
    for probe in dict.fromkeys(b.probe for b in found):
        mine = [b for b in found if b.probe == probe]
        for b, p in zip(mine, benjamini_hochberg([b.change.p for b in mine]), strict=True):
            told[b.address] = replace(b, change=replace(b.change, p_adjusted=p))
    return list(told.values())


def beside_table(name: str, title: str, found: Sequence[Beside], note: str = "") -> Table:
    """Measurements side by side, those that differ first, the surest first of all."""
    ordered = sorted(found, key=lambda b: b.change.p_adjusted or 0.0 if b.differs else 1.0)
    return Table(
        name=name,
        title=title,
        columns=(
            *columns(("address", "Measurement", "text"), ("run", "Run", "text"),
                     ("unit", "Unit", "text")),
            *side_columns("first", "First run"),
            *side_columns("other", "This run"),
            *change_columns("Difference"),
            *columns(("how", "Compared", "text")),
        ),
        rows=tuple(
            (
                b.address, b.run, b.first.unit, *_measured(b.first), *_measured(b.other),
                *change_cells(b.change), b.how,
            )
            for b in ordered
        ),
        note=note,
    )  # fmt: skip


def side_columns(name: str, title: str) -> tuple[Column, ...]:
    """Columns of a run's value and its interval."""
    return columns((name, title, "number"), (f"{name}_interval", LEVEL, "interval"))


def change_columns(title: str) -> tuple[Column, ...]:
    """Columns of a difference, its interval and its p."""
    return columns(
        ("change", title, "number", "This run less the first."),
        ("change_interval", LEVEL, "interval"),
        ("p_adjusted", "p adjusted", "p", "Of no difference; Benjamini–Hochberg over this block "
         "and run. Of two intervals it follows from how wide they are."),
    )  # fmt: skip


def change_cells(change: Estimate) -> tuple[Cell, Cell, Cell]:
    """A difference as `change_columns` has it."""
    p = change.p_adjusted
    return (*estimate_cells(change), Undefined(change.why_not or NOT_TESTED) if p is None else p)


def estimate_cells(e: Estimate) -> tuple[Cell, Cell]:
    """An estimate and its interval, or why there is none."""
    missing = Undefined(e.why_not or "no interval")
    return (
        missing if e.value is None else float(e.value),
        missing if e.interval is None else Interval(*e.interval),
    )


def _measured(m: Measurement) -> tuple[Cell, Cell]:
    value: Cell = Undefined(m.undefined or "") if m.value is None else float(m.value)
    return value, m.interval or Undefined(m.no_interval or m.undefined or "")
