"""The page that holds runs side by side."""

from dataclasses import dataclass

from auditkit.finding import Table
from auditkit.report.page import page
from auditkit.report.tables import TableView, in_percent, table_view

MOST_ROWS = 150
"""Of one table; `comparison.json` holds all of them."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side."""

    names: tuple[str, ...]
    sentence: str
    """The decision, and the largest change that is no chance."""
    overview: Table
    """What the runs are."""
    decision: Table | None
    """Accuracy of every run against its baseline, and all of them together."""
    undecided: str
    """Why there is no decision; "" where there is one."""
    figures: Table | None
    """Key figures that the runs share."""
    shares: Table | None
    """Retention at equal shares of pieces alive."""
    without_shares: str
    """Why there is none; "" where there is."""
    gates: Table | None
    probes: tuple[Table, ...]
    """Everything else that can be compared, probe by probe."""
    left_out: Table
    """What cannot, and why."""


def render_comparison(found: Comparison) -> str:
    """The comparison as one HTML file that loads nothing and runs no script."""

    def view(table: Table | None, anchor: str, *, by_row: bool = False) -> TableView | None:
        return (
            None
            if table is None
            else table_view(in_percent(table), anchor, by_row=by_row, most=MOST_ROWS)
        )

    return page(
        "comparison.html.j2",
        found=found,
        overview=view(found.overview, "overview"),
        decision=view(found.decision, "decision-table"),
        figures=view(found.figures, "figures-table", by_row=True),
        shares=view(found.shares, "shares-table"),
        gates=view(found.gates, "gates-table"),
        probes=[
            view(table, f"probe-{number}", by_row=True) for number, table in enumerate(found.probes)
        ],
        left_out=view(found.left_out, "left-out-table"),
    )
