"""Runs side by side: the same measurements with their differences, one decision over all."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from auditkit.errors import SettingsError
from auditkit.files import Folder
from auditkit.finding import Measurement
from auditkit.plugin import discover
from auditkit.report.comparison import Comparison
from auditkit.report.rendering import load
from auditkit.run.comparison_sides import Beside, Side
from auditkit.run.comparison_tables import (
    beside_table,
    gates_table,
    left_out_table,
    overview_table,
    probe_tables,
    shares_table,
)
from auditkit.run.decision import decided
from auditkit.run.differences import change_of, same_documents
from auditkit.stats.estimates import Estimate
from auditkit.stats.multiplicity import benjamini_hochberg
from auditkit.trace import TAGS

ALPHA = 0.05


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
    shares, without = shares_table(sides)
    headlines = {b.address for b in beside if b.first.headline}
    return Comparison(
        names=tuple(side.name for side in sides),
        sentence=_sentence(decision, beside),
        overview=overview_table(sides),
        decision=None if decision is None else decision.table,
        undecided=undecided,
        figures=beside_table(
            "figures", "Key figures", [b for b in beside if b.address in headlines]
        ),
        shares=shares,
        without_shares=without,
        gates=gates_table(sides),
        probes=tuple(probe_tables([b for b in beside if b.address not in headlines])),
        left_out=left_out_table(left_out),
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
