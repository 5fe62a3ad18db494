"""The two pictures of the first screen, made of the rows that findings give for them."""

from collections.abc import Iterator

from auditkit.finding import (
    DIFFERENCE,
    OUTLIVES,
    Chart,
    Column,
    ColumnKind,
    Interval,
    Mark,
    Measurement,
    Results,
    Table,
    Undefined,
)
from auditkit.plugin.sentences import figure
from auditkit.report.sections import ChartView, chart_view

MOST_ROWS = 8
CHANCE = 0.5
"""Share of the other words of its document that a word outlives where kinds do not matter."""

Row = tuple[Mark, Measurement]


def key_pictures(audit: Results, margin: float | None, *, interactive: bool) -> list[ChartView]:
    """Those for which findings have rows: what is lost by whom, and which words live longer.

    Args:
        audit: What was found.
        margin: The loss of accuracy that is accepted, in points; None: none was named.
        interactive: Whether the pictures are drawn anew where scripts run.
    """
    made = (_difference(_rows(audit, DIFFERENCE), margin), _outlives(_rows(audit, OUTLIVES)))
    return [
        chart_view(chart, table, f"key-{chart.name}", interactive=interactive)
        for chart, table in filter(None, made)
    ]


def _rows(audit: Results, picture: str) -> list[Row]:
    """Marks of a picture with their measurements; all documents first."""
    found = [
        (mark, next(m for m in finding.measurements if m.where == mark.measurement))
        for finding in audit.findings
        for mark in finding.marks
        if mark.picture == picture
    ]
    return sorted(found, key=lambda row: not row[0].whole)


def _difference(rows: list[Row], margin: float | None) -> tuple[Chart, Table] | None:
    if not rows:
        return None
    worst = sorted(rows, key=lambda row: (not row[0].whole, row[1].value or 0.0))[:MOST_ROWS]
    shown = [row for row in rows if row in worst]
    at = rows[0][1].at
    compared = f"{at.get('arm', 'pruned')} minus {at.get('against', 'baseline')}"
    table = _table(DIFFERENCE, f"Accuracy, {compared}, in points", shown, "number")
    losers = [
        mark.label for mark, m in rows if not mark.whole and m.interval and m.interval.high < 0
    ]
    below = _listed(losers) if losers else "no class or group"
    title = f"Below 0 by its own interval: {below}"
    accepted = "" if margin is None else f" The accepted loss is {margin:g} points."
    chart = Chart(
        name=DIFFERENCE, kind="dots", table=DIFFERENCE, title=title,
        alt=f"Paired difference in accuracy, {compared}, in points.{accepted}",
        x="value", y="label", interval="interval", count="n", reference=0.0,
        reference_name="no difference", zone=None if margin is None else -margin,
        zone_name="" if margin is None else "more lost than accepted",
    )  # fmt: skip
    return chart, table


def _outlives(rows: list[Row]) -> tuple[Chart, Table] | None:
    if not rows:
        return None
    ranked = sorted(rows, key=lambda row: -(row[1].value or 0.0))
    if len(ranked) > MOST_ROWS:  # both ends: the middle is near chance
        ranked = ranked[: MOST_ROWS // 2] + ranked[-(MOST_ROWS // 2) :]
    table = _table(OUTLIVES, "Share of the other words that a word outlives", ranked, "share")
    first, last = ranked[0][0].label, ranked[-1][0].label
    title = f"Live longest: {first}" + (f"; shortest: {last}" if len(ranked) > 1 else "")
    chart = Chart(
        name=OUTLIVES, kind="dots", table=OUTLIVES, title=title,
        alt="How large a share of the other words of as many pieces in its document a word of the "
        "kind outlives, in per cent; 50 is chance.",
        x="value", y="label", interval="interval", reference=CHANCE, reference_name="chance",
    )  # fmt: skip
    return chart, table


def _table(name: str, title: str, rows: list[Row], kind: ColumnKind) -> Table:
    return Table(
        name=name,
        title=title,
        columns=(
            Column(name="label", title="Of", kind="label"),
            Column(name="value", title=title, kind=kind),
            Column(name="interval", title="Interval", kind="interval"),
            Column(name="n", title="Documents", kind="count"),
        ),
        rows=tuple(_cells(rows)),
    )


def _cells(rows: list[Row]) -> Iterator[tuple[str, float, Interval | Undefined, int]]:
    for mark, m in rows:
        missing = Undefined(m.no_interval or "there is none")
        yield mark.label, m.value or 0.0, m.interval or missing, m.n_clusters


def _listed(names: list[str]) -> str:
    """The first two by name, and how many more."""
    rest = len(names) - 2
    return ", ".join(names[:2]) + (f" and {figure(rest, 0)} more" if rest > 0 else "")
