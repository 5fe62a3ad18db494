"""Runs side by side: the same measurements with their differences, one decision over all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditkit.finding import Cell, GateResult, Table
from auditkit.plugin import columns
from auditkit.plugin.sentences import decimals, figure, interval
from auditkit.report.comparison import Comparison
from auditkit.report.overview import KeyFigure
from auditkit.run.beside import Beside, LeftOut, beside, beside_table
from auditkit.run.decision import decided
from auditkit.run.differences import same_documents
from auditkit.run.equal_shares import at_equal_shares
from auditkit.run.sides import Side, sides_of
from auditkit.stats.cells import reference_layer
from auditkit.trace import Trace

SAFE = (
    "Accuracy is paired where the documents are the same; all else is compared by the two "
    "intervals, as if they were independent, which is on the safe side where they are not."
)


def compare(
    directories: Sequence[str | Path],
    margin: float | None = None,
    names: Sequence[str] = (),
) -> Comparison:
    """Hold finished runs side by side, each against the first.

    Args:
        directories: Of two runs and more.
        margin: Loss of accuracy that the decision over all accepts; None: as the runs do.
        names: What they are called; by default as their directories are.

    Raises:
        SettingsError: Fewer than two, or not one name for each.
        TraceError: One holds no finished run of this version.
    """
    sides = sides_of(directories, names)
    first, *others = sides
    found: list[Beside] = []
    left: dict[tuple[str, str, str], int] = {}
    for side in others:
        mine, not_mine = beside(first, side)
        found, left = found + mine, left | dict(not_mine)
    decision, undecided = decided(sides, margin)
    shares, without_shares = at_equal_shares(sides)
    figures = [b for b in found if b.first.headline]
    rest = [b for b in found if not b.first.headline]
    return Comparison(
        names=tuple(side.name for side in sides),
        sentence=" ".join([*([decision.sentence] if decision else []), *_told(sides, figures)]),
        overview=_overview(sides),
        decision=decision.table if decision else None,
        undecided=undecided,
        figures=beside_table("figures", "Key figures", figures, SAFE) if figures else None,
        shares=shares,
        without_shares=without_shares,
        gates=_gates(sides),
        probes=tuple(
            beside_table(f"probe_{number}", probe, [b for b in rest if b.probe == probe])
            for number, probe in enumerate(dict.fromkeys(b.probe for b in rest))
        ),
        left_out=_left_out(left),
    )


def _told(sides: Sequence[Side], figures: Sequence[Beside]) -> list[str]:
    """What became of the key figures, in sentences."""
    alike = [side.name for side in sides[1:] if _same_answers(side, sides[0])]
    told = [f"{name}: the same documents, the same answers." for name in alike]
    moved = sorted((b for b in figures if b.differs), key=lambda b: b.change.p_adjusted or 0.0)
    if moved:
        most = moved[0]
        before, after = (KeyFigure(most.probe, m) for m in (most.first, most.other))
        told.append(
            f"Beyond chance {len(moved)} of {len(figures)} key figures "
            f"{'differs' if len(moved) == 1 else 'differ'} from the first run's, most surely "
            f"{most.address} in {most.run}: {before.value}{before.unit} → "
            f"{after.value}{after.unit}."
        )
    elif figures:
        told.append("No key figure is shown to differ from the first run's.")
    else:
        told.append("The runs have no key figure in common that can be compared.")
    return told


def _same_answers(side: Side, first: Side) -> bool:
    """Whether both models under audit predict the same classes for the same documents."""
    if (traces := same_documents((side.audit, side.trace), (first.audit, first.trace))) is None:
        return False
    ours, theirs = (_predicted(trace) for trace in traces)
    return np.array_equal(ours, theirs)


def _predicted(trace: Trace) -> NDArray[np.integer[Any]]:
    """Classes that the model under audit predicts (n, 1)."""
    (audited,) = trace.about.in_role("audited")
    answers = trace.documents.answers(audited)
    assert answers is not None  # it runs on all documents
    return answers.predicted


def _overview(sides: Sequence[Side]) -> Table:
    """What the runs are, one line a fact; those that differ come first, and are marked."""
    facts: dict[str, list[str]] = {}
    for side in sides:
        for name, value in _facts(side).items():
            facts.setdefault(name, []).append(value)
    differs = {name: len(set(values)) > 1 for name, values in facts.items()}
    return Table(
        name="overview",
        title="What is compared; what differs comes first",
        columns=columns(
            ("fact", "Of the run", "label"),
            *((f"run_{i}", side.name, "text") for i, side in enumerate(sides)),
            ("differs", "Differs", "text"),
        ),
        rows=tuple(
            (name, *facts[name], "≠" if differs[name] else "")
            for name in sorted(facts, key=lambda name: not differs[name])
        ),
    )


def _facts(side: Side) -> dict[str, str]:
    about = side.about
    model, baseline, data = about.model, about.baseline, about.dataset
    told = {
        "model": f"{model.name} ({model.sha256[:12]}), {model.layers} layers",
        "baseline": f"{baseline.name} ({baseline.sha256[:12]})" if baseline else "none",
        "data": f"{data.name}, {data.split} ({data.sha256[:12]})",
        "documents": figure(data.audited, 0),
        "classes": ", ".join(about.labels),
        "word tags": side.tagged_by,
        "reference layer": "not known without its trace",
        "seed": str(about.seed),
        "arithmetic": f"{about.dtype} on {about.device}",
        "auditkit": about.auditkit,
        "written": side.written or "not recorded",
    }
    if side.trace is not None:
        documents = side.trace.documents
        told["reference layer"] = (
            f"{reference_layer(documents.pieces, documents.kept)} of {about.layers}"
            if about.depths_of
            else "none: nothing is dropped"
        )
    return told


def _gates(sides: Sequence[Side]) -> Table | None:
    by_run = [{g.address: g for g in side.audit.gates} for side in sides]
    addresses = list(dict.fromkeys(a for of_run in by_run for a in of_run))
    if not addresses:
        return None
    return Table(
        name="gates",
        title="Gates side by side",
        columns=columns(
            ("address", "Gate", "text"),
            *((f"run_{i}", side.name, "text") for i, side in enumerate(sides)),
        ),
        rows=tuple(
            (address, *(_gate(of_run.get(address)) for of_run in by_run)) for address in addresses
        ),
    )


def _gate(gate: GateResult | None) -> Cell:
    """Status, limit, and what was seen."""
    if gate is None:
        return "no such gate"
    told = f"{gate.word}: {gate.asked}"
    if gate.value is None:
        return told
    bounds = [] if gate.interval is None else [gate.interval.low, gate.interval.high]
    places = decimals([gate.value, *bounds])
    seen = figure(gate.value, places)
    return f"{told}, seen {seen}" + (f" {interval(gate.interval, places)}" if gate.interval else "")


def _left_out(left: LeftOut) -> Table:
    return Table(
        name="left_out",
        title="Measurements that cannot be compared with the first run's",
        columns=columns(
            ("probe", "Probe", "label"), ("run", "Run", "text"), ("why", "Why", "text"),
            ("count", "Measurements", "count"),
        ),
        rows=tuple((*place, count) for place, count in sorted(left.items())),
    )  # fmt: skip
