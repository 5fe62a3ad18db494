"""A number in a table of a probe is the measurement at the address of its row, and no other."""

from dataclasses import replace

import numpy as np
import pytest

from auditkit.finding import KEYS, Cell, Finding, Measurement, Undefined
from auditkit.plugin import (
    GlossaryTerm,
    Ground,
    MeasuringProbe,
    Probe,
    Swaps,
    discover,
    tag_name,
    unmet,
)
from auditkit.probes.stopword import Stopword
from auditkit.testing import SyntheticBench, contract_traces, replace_tables, synthetic_trace
from auditkit.trace import Trace

BUILT_IN = [name for name, plugin in discover().items() if plugin.distribution == "auditkit"]


def everything(documents: int) -> Trace:
    """A run of all arms, in half precision, whose class names are hard to tell apart."""
    trace = synthetic_trace(
        np.random.default_rng(0), documents=documents, draws=2, continued=True, reseeded=True,
        repeat=True, labels=("x],slice=y", "x, y"), rationales=0.8,
    )  # fmt: skip
    return replace_tables(trace, trace.about.model_copy(update={"dtype": "bfloat16"}))


TRACES = {"full": contract_traces()["full"], "everything": everything(60)}
LONG = {"superficial_cue": everything(400)}
"""For what asks nothing of fewer documents."""


def found(probe: Probe, trace: Trace) -> Finding:
    """What the probe finds once it has measured what it asks the models for."""
    terms = (GlossaryTerm("won"), GlossaryTerm("berlin ng", 1))
    swaps = Swaps(grounds=(Ground("place", ("one", "two"), (("berlin", "ng"),), (), ()),))
    bench = SyntheticBench(trace, glossary=terms, swaps=swaps)
    measured = probe.measure(bench) if isinstance(probe, MeasuringProbe) else None
    if measured is not None:
        trace = replace_tables(trace, trace.about, **{f"measured_{probe.name}": measured})
    return probe.analyse(trace, np.random.default_rng(1))


def check(finding: Finding) -> int:
    """Compare each cell under a column that is called like a measurement; how many there are.

    Measurements come in the order of the tables, their rows and their columns; those that stand in
    no table come last.
    """
    names = {m.name for m in finding.measurements}
    place = 0
    for table in finding.tables:
        for cells in table.rows:
            row = dict(zip((c.name for c in table.columns), cells, strict=True))
            for name in row:
                if name in names:
                    told = f"table {table.name}, column {name}, row {place}"
                    assert place < len(finding.measurements), f"{told}: no measurement"
                    m = finding.measurements[place]
                    assert m.name == name, f"{told}: {m.where} comes first"
                    compare(finding, row, m, told)
                    place += 1
    return place


def compare(finding: Finding, row: dict[str, Cell], m: Measurement, told: str) -> None:
    """Value, interval and p of a measurement with the row that shows it, and where it stands."""
    assert row[m.name] == (m.value if m.undefined is None else Undefined(m.undefined)), told
    interval = m.interval or Undefined(m.undefined or m.no_interval or "")
    assert row.get(f"{m.name}_interval", interval) == interval, told
    for part, p in (("p", m.p), ("p_adjusted", m.p_adjusted)):
        cell = row.get(f"{m.name}_{part}", p)
        assert cell == p or (p is None and isinstance(cell, Undefined)), told
    for key in row.keys() & set(KEYS):
        if key in m.at:
            assert str(row[key]) in (m.at[key], tag_name(m.at[key])), told
        else:  # a row that is about all of them is not called like one of them
            assert str(row[key]) not in {other.at.get(key) for other in finding.measurements}, told


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_number_in_a_table_is_the_measurement_at_its_row(name: str) -> None:
    probe = discover()[name].load()
    traces = {**TRACES, "long": LONG[name]} if name in LONG else TRACES
    for trace in (t for t in traces.values() if not unmet(probe, t.about)):
        finding = found(probe, trace)
        assert (check(finding) > 0) == bool(finding.tables)
        for one in finding.conclusions:
            assert one.concern is None or len(one.sentence) <= 220, one
    assert finding.status != "not_applicable"  # of the last, which offers everything


def test_another_number_another_row_and_another_order_are_noticed() -> None:
    finding = found(Stopword(), TRACES["full"])
    assert check(finding) > 40
    first, second, *rest = finding.measurements
    for broken in (
        (second, first, *rest),
        (replace(first, value=(first.value or 0) + 1), second, *rest),
        (replace(first, at={**first.at, "category": "?"}), second, *rest),
        (replace(first, interval=None, no_interval="why"), second, *rest),
    ):
        with pytest.raises(AssertionError, match="table retention, column concordance, row 0"):
            check(replace(finding, measurements=broken, conclusions=(), marks=()))
