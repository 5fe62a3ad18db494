"""What the page that holds runs side by side is made of."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from auditkit.finding import Cell, Interval, Measurement, Table, Undefined
from auditkit.plugin import columns
from auditkit.plugin.sentences import figure
from auditkit.run.comparison_sides import Beside, Side
from auditkit.run.equal_shares import SHARES, at_shares
from auditkit.stats.estimates import Estimate, difference_of


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


def beside_table(name: str, title: str, found: Sequence[Beside]) -> Table | None:
    """The same measurements of two runs, one line each; None of none."""
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


def probe_tables(found: Sequence[Beside]) -> Iterator[Table]:
    """One table a probe."""
    for number, probe in enumerate(dict.fromkeys(b.address.split(".")[0] for b in found)):
        table = beside_table(
            f"probe_{number}", probe, [b for b in found if b.address.split(".")[0] == probe]
        )
        if table is not None:
            yield table


def overview_table(sides: Sequence[Side]) -> Table:
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


def shares_table(sides: Sequence[Side]) -> tuple[Table | None, str]:
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


def gates_table(sides: Sequence[Side]) -> Table | None:
    """What became of every gate in every run; None where no run has one."""
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


def left_out_table(left: Counter[tuple[str, str, str]]) -> Table:
    """How many measurements cannot be compared, and why."""
    return Table(
        name="left_out",
        title="Measurements that cannot be compared with the first run's",
        columns=columns(
            ("probe", "Probe", "label"), ("run", "Run", "text"), ("why", "Why", "text"),
            ("count", "Measurements", "count"),
        ),
        rows=tuple((probe, run, why, count) for (run, probe, why), count in sorted(left.items())),
    )  # fmt: skip
