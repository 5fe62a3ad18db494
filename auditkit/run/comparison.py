"""Runs side by side: the same measurements with their differences, one decision over all."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditkit.errors import SettingsError
from auditkit.files import Folder
from auditkit.finding import Address, Audit, Cell, Interval, Measurement, Table, Undefined
from auditkit.plugin import columns, discover
from auditkit.plugin.sentences import figure
from auditkit.report.comparison import Comparison
from auditkit.report.rendering import load
from auditkit.run.decision import decided
from auditkit.run.differences import change_of, same_documents
from auditkit.run.directory import TRACE
from auditkit.run.equal_shares import SHARES, at_shares
from auditkit.stats.estimates import Estimate, difference_of
from auditkit.stats.multiplicity import benjamini_hochberg
from auditkit.trace import TAGS, Trace

ALPHA = 0.05


@dataclass(frozen=True)
class Side:
    """One of the runs."""

    name: str
    audit: Audit
    place: Folder

    @property
    def about(self) -> Any:
        """What was audited."""
        return self.audit.about

    def numbers(self) -> dict[str, tuple[str, Measurement]]:
        """Probe and measurement by address."""
        return {
            str(Address(f.probe, m.name, m.at)): (f.probe, m)
            for f in self.audit.findings
            for m in f.measurements
        }

    def trace(self) -> Trace | None:
        """Where it was kept."""
        return Trace.open(self.place / TRACE) if (self.place / TRACE).has("about.json") else None

    @property
    def tagged_by(self) -> str:
        """The pipeline of its words."""
        return f"{self.about['annotator']['name']} {self.about['annotator']['version']}"


@dataclass(frozen=True)
class Beside:
    """A measurement of a run beside the first run's."""

    address: str
    first: Measurement
    other: Measurement
    run: str
    change: Estimate
    p: float | None
    how: str


def compare(directories: Sequence[str | Path], margin: float = 0.01) -> Comparison:
    """Hold finished runs side by side, each against the first.

    Args:
        directories: Of two runs and more.
        margin: Loss of accuracy that the decision accepts.

    Raises:
        SettingsError: Fewer than two.
        TraceError: One holds no finished run of this version.
    """
    if len(directories) < 2:
        raise SettingsError(f"{len(directories)} run to compare; give two directories and more")
    sides = _sides(directories)
    beside, left_out = _beside(sides)
    decision, undecided = decided([(side.name, side.trace()) for side in sides], margin)
    shares, without = _shares(sides)
    headlines = {b.address for b in beside if b.first.headline}
    return Comparison(
        names=tuple(side.name for side in sides),
        sentence=_sentence(decision, beside),
        overview=_overview(sides),
        decision=None if decision is None else decision.table,
        undecided=undecided,
        figures=_table("figures", "Key figures", [b for b in beside if b.address in headlines]),
        shares=shares,
        without_shares=without,
        gates=_gates(sides),
        probes=tuple(_by_probe([b for b in beside if b.address not in headlines])),
        left_out=_left_out(left_out),
    )


def _sides(directories: Sequence[str | Path]) -> list[Side]:
    """The runs, each called by its directory's name, with a number where two are called alike."""
    seen: Counter[str] = Counter()
    sides = []
    for directory in directories:
        name = Path(directory).resolve().name
        seen[name] += 1
        told = name if seen[name] == 1 else f"{name} ({seen[name]})"
        sides.append(Side(told, load(directory), Folder(directory)))
    return sides


def _beside(sides: Sequence[Side]) -> tuple[list[Beside], Counter[tuple[str, str, str]]]:
    """What can be compared; and by run, probe and reason, how many measurements cannot."""
    first, found = sides[0], list[Beside]()
    left: Counter[tuple[str, str, str]] = Counter()
    ours = first.numbers()
    versions = [{f.probe: f.version for f in side.audit.findings} for side in sides]
    for side, theirs_versions in zip(sides[1:], versions[1:], strict=True):
        theirs = side.numbers()
        traces = same_documents((side.audit, side.place), (first.audit, first.place))
        same_labels = first.about["dataset"]["labels"] == side.about["dataset"]["labels"]
        of_tags = _tagged(first, side)
        mine = []
        for address in dict.fromkeys([*ours, *theirs]):
            probe, one = ours.get(address) or theirs[address]
            reason = ""
            if probe not in versions[0] or probe not in theirs_versions:
                reason = "the probe answered in one run only"
            elif versions[0][probe] != theirs_versions[probe]:
                reason = "another version of the probe"
            elif "class" in one.at and not same_labels:
                reason = "the runs have other classes"
            elif probe in of_tags:
                reason = f"words of other pipelines: {first.tagged_by}, {side.tagged_by}"
            elif address not in ours or address not in theirs:
                reason = "measured in one run only"
            if reason:
                left[side.name, probe, reason] += 1
                continue
            other = theirs[address][1]
            if why := _apart(one, other):
                left[side.name, probe, why] += 1
                continue
            change, how = change_of(other, one, traces)
            mine.append(Beside(address, one, other, side.name, change, _p(change), how))
        found += _adjusted(mine)
    return found, left


def _tagged(first: Side, side: Side) -> frozenset[str]:
    """Probes whose words are told apart by pipelines that differ."""
    if first.tagged_by == side.tagged_by:
        return frozenset()
    needs = {*TAGS, "words"}
    loaded = {name: plugin.load({}) for name, plugin in discover().items()}
    return frozenset(name for name, probe in loaded.items() if needs & probe.needs)


def _apart(one: Measurement, other: Measurement) -> str:
    """Why two measurements of one address cannot be compared; "" where they can."""
    if one.unit != other.unit:
        return f"another unit: {one.unit}, {other.unit}"
    if one.basis != other.basis:
        return f"another basis: {one.basis}, {other.basis}"
    for m in (one, other):
        if m.value is None:
            return f"undefined in one run: {m.undefined}"
    return ""


def _p(change: Estimate) -> float | None:
    """P of no difference, from how wide the interval is (Altman & Bland 2011)."""
    from scipy.stats import norm

    if change.p is not None:
        return change.p
    if change.value is None or change.interval is None:
        return None
    low, high = change.interval
    half = change.value - low if change.value > 0 else high - change.value
    if half <= 0:
        return None
    error = half / float(norm.ppf((1 + change.level) / 2))
    return float(2 * norm.sf(abs(change.value) / error))


def _adjusted(found: Sequence[Beside]) -> Iterator[Beside]:
    """P over all measurements of a probe and run together."""
    from dataclasses import replace

    for probe in dict.fromkeys(b.address.split(".")[0] for b in found):
        mine = [b for b in found if b.address.split(".")[0] == probe]
        for b, p in zip(mine, benjamini_hochberg([b.p for b in mine]), strict=True):
            yield replace(b, p=p)


def _value(m: Measurement) -> tuple[Cell, Cell]:
    if m.value is None:
        missing = Undefined(m.undefined or "")
        return missing, missing
    return float(m.value), m.interval or Undefined(m.no_interval or "")


def _estimated(e: Estimate) -> tuple[Cell, Cell]:
    missing = Undefined(e.why_not or "no interval")
    return (
        missing if e.value is None else float(e.value),
        missing if e.interval is None else Interval(*e.interval),
    )


def _table(name: str, title: str, found: Sequence[Beside]) -> Table | None:
    if not found:
        return None
    rows = tuple(
        (
            b.address, b.run, *_value(b.first), *_value(b.other), *_estimated(b.change),
            Undefined("not tested") if b.p is None else b.p, b.how,
        )
        for b in found
    )  # fmt: skip
    return Table(
        name=name,
        title=title,
        columns=columns(
            ("address", "Measurement", "label"), ("run", "Run", "text"),
            ("first", "First run", "number"), ("first_interval", "95 % interval", "interval"),
            ("other", "This run", "number"), ("other_interval", "95 % interval", "interval"),
            ("change", "Difference", "number", "This run less the first."),
            ("change_interval", "95 % interval", "interval"),
            ("p", "p adjusted", "p", "Of no difference, from the interval's width; "
             "Benjamini–Hochberg over all measurements of the probe."),
            ("how", "Compared", "text"),
        ),
        rows=rows,
    )  # fmt: skip


def _by_probe(found: Sequence[Beside]) -> Iterator[Table]:
    for number, probe in enumerate(dict.fromkeys(b.address.split(".")[0] for b in found)):
        table = _table(
            f"probe_{number}", probe, [b for b in found if b.address.split(".")[0] == probe]
        )
        if table is not None:
            yield table


def _overview(sides: Sequence[Side]) -> Table:
    """What the runs are, one line a fact; those that differ come first."""
    facts: dict[str, list[str]] = {}
    for side in sides:
        about = side.about
        model, data = about["subjects"]["model"], about["dataset"]
        told = {
            "model": f"{model['name']} ({model['sha256'][:12]})",
            "data": f"{data['name']}, {data['split']} ({data['sha256'][:12]})",
            "documents": figure(data["audited"], 0),
            "classes": ", ".join(data["labels"]),
            "tags of words": side.tagged_by,
            "seed": str(about["seed"]),
            "precision": about["dtype"],
            "auditkit": about["auditkit"],
        }
        for name, value in told.items():
            facts.setdefault(name, []).append(value)
    order = sorted(facts, key=lambda name: len(set(facts[name])) == 1)
    return Table(
        name="overview",
        title="What is compared; what differs comes first",
        columns=columns(
            ("fact", "", "label"),
            *((f"run_{i}", side.name, "text") for i, side in enumerate(sides)),
        ),
        rows=tuple((name, *facts[name]) for name in order),
    )


def _shares(sides: Sequence[Side]) -> tuple[Table | None, str]:
    """Retention where equal shares of all pieces are alive, each run against the first."""
    first = sides[0]
    rows: list[tuple[Cell, ...]] = []
    reasons = []
    mine = _shares_of(first)
    for side in sides[1:]:
        if side.tagged_by != first.tagged_by:
            reasons.append(f"{side.name}: words of other pipelines than of {first.name}")
            continue
        theirs = _shares_of(side)
        if mine is None or theirs is None:
            reasons.append(f"{side.name}: the trace of a run is not there, or drops no tokens")
            continue
        for share in SHARES:
            for key in (key for key in mine if key[1] == share and key in theirs):
                change = difference_of(theirs[key].lift, mine[key].lift)
                rows.append(
                    (
                        key[0], f"{share:.0%}", side.name, *_estimated(mine[key].rate),
                        *_estimated(theirs[key].rate), _estimated(mine[key].lift)[0],
                        _estimated(theirs[key].lift)[0], *_estimated(change),
                    )
                )  # fmt: skip
    if not rows:
        return None, "; ".join(reasons) + "."
    return Table(
        name="shares",
        title="Words kept where as large a share of all tokens is alive",
        columns=columns(
            ("category", "Words", "label"), ("share", "Tokens alive", "text"),
            ("run", "Run", "text"),
            ("first", "First run: kept", "share"), ("first_interval", "95 % interval", "interval"),
            ("other", "This run: kept", "share"), ("other_interval", "95 % interval", "interval"),
            ("first_lift", "First run: lift", "number", "Over random keeping of as many pieces."),
            ("other_lift", "This run: lift", "number"),
            ("change", "Difference in lift", "number", "This run less the first."),
            ("change_interval", "95 % interval", "interval"),
        ),
        rows=tuple(rows),
        note="Between two layers what is kept is taken in proportion."
        + "".join(f" {reason}." for reason in reasons),
    ), ""  # fmt: skip


def _shares_of(side: Side) -> Any:
    trace = side.trace()
    if trace is None or not trace.about.depths_of or not trace.about.counts.get("words"):
        return None
    return at_shares(trace)


def _gates(sides: Sequence[Side]) -> Table | None:
    by_run = [{g.address: g for g in side.audit.gates} for side in sides]
    addresses = list(dict.fromkeys(a for of_run in by_run for a in of_run))
    if not addresses:
        return None
    return Table(
        name="gates",
        title="Gates side by side",
        columns=columns(
            ("address", "Gate", "label"),
            *((f"run_{i}", side.name, "text") for i, side in enumerate(sides)),
        ),
        rows=tuple(
            (
                address,
                *(
                    f"{g.status.replace('_', ' ')}: {g.asked}" if g else "not asked"
                    for g in (of_run.get(address) for of_run in by_run)
                ),
            )
            for address in addresses
        ),
    )


def _left_out(left: Counter[tuple[str, str, str]]) -> Table:
    return Table(
        name="left_out",
        title="Measurements that cannot be compared with the first run's",
        columns=columns(
            ("probe", "Probe", "label"), ("run", "Run", "text"), ("why", "Why", "text"),
            ("count", "Measurements", "count"),
        ),
        rows=tuple((probe, run, why, count) for (run, probe, why), count in sorted(left.items())),
    )  # fmt: skip


def _sentence(decision: Any, beside: Sequence[Beside]) -> str:
    """The decision first; then the key figure that moved most surely."""
    parts = [decision.sentence] if decision is not None else []
    moved = [b for b in beside if b.first.headline and b.p is not None and b.p < ALPHA]
    if moved:
        most = min(moved, key=lambda b: (b.p, b.address))
        assert most.first.value is not None
        assert most.other.value is not None
        parts.append(
            f"Of the key figures {len(moved)} differ from the first run's beyond chance, most "
            f"surely {most.address} in {most.run}: {most.first.value:.3g} → "
            f"{most.other.value:.3g}."
        )
    elif any(b.first.headline for b in beside):
        parts.append("No key figure is shown to differ from the first run's.")
    else:
        parts.append("The runs have no key figure in common that can be compared.")
    return " ".join(parts)
