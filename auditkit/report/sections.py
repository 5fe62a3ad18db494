"""A probe's part of the page: pictures with their tables, further tables, examples.

Sampling happens here and in the views below it, so that a page stays small: whatever is left out is
counted beside what is shown, and results.json holds all of it.
"""

from dataclasses import dataclass, replace

from auditkit.finding import Chart, Finding, Table
from auditkit.plugin.sentences import decimals, figure
from auditkit.report.charts.drawing import drawn
from auditkit.report.charts.picture import svg
from auditkit.report.examples import ExampleView, example_view
from auditkit.report.tables import TableView, measurements_view, table_view

EXAMPLE_TEXT = 3000
EXAMPLE_BUDGET = 300_000
"""Characters of layer-by-layer views on one page (2 MB is the budget of the whole)."""


@dataclass(frozen=True, slots=True)
class ChartView:
    """A picture, and the table that holds its numbers (None: a picture above has it already)."""

    title: str
    picture: str
    drawn: int
    marks: str
    """What its line and its shaded zone stand for, as sentences."""
    table_id: str
    table: TableView | None
    total: int


@dataclass(frozen=True, slots=True)
class SectionView:
    """A probe's part of the page."""

    id: str
    finding: Finding
    charts: tuple[ChartView, ...]
    tables: tuple[TableView, ...]
    examples: tuple[ExampleView, ...]
    measurements: TableView | None

    @property
    def spent(self) -> int:
        """Characters of the page's budget for examples that this section takes."""
        return sum(view.cost for view in self.examples)

    @property
    def headlines(self) -> bool:
        """Whether there are key figures among its measurements."""
        return any(m.headline for m in self.finding.measurements)


def section_view(finding: Finding, anchor: str, budget: int) -> SectionView:
    """The finding as printed; ids begin with `anchor`.

    Args:
        finding: What to print.
        anchor: The section's id, unique on the page.
        budget: Characters that are left on the page for layer-by-layer views.

    Raises:
        ProbeError: A chart whose columns cannot be drawn.
    """
    views = {t.name: table_view(t, f"{anchor}-table-{i}") for i, t in enumerate(finding.tables)}
    pictured: set[str] = set()
    pictures = []
    for index, chart in enumerate(finding.charts):
        table = finding.table(chart.table)
        view = _chart_view(chart, table, views[chart.table], f"{anchor}-chart-{index}")
        pictures.append(replace(view, table=None) if chart.table in pictured else view)
        pictured.add(chart.table)
    examples = []
    for example in finding.examples:
        shown = example_view(example, EXAMPLE_TEXT)
        budget -= shown.cost
        if budget < 0:
            break
        examples.append(shown)
    return SectionView(
        anchor,
        finding,
        tuple(pictures),
        tuple(view for name, view in views.items() if name not in pictured),
        tuple(examples),
        measurements_view(finding, f"{anchor}-measurements"),
    )


def _chart_view(chart: Chart, table: Table, view: TableView, prefix: str) -> ChartView:
    count = drawn(chart, table)
    picture = svg(chart, table, prefix=prefix) if count else ""
    return ChartView(chart.title, picture, count, _marks(chart), view.id, view, len(table.rows))


def _marks(chart: Chart) -> str:
    """As in "Dashed line: 0, no difference. Shaded: below −1, more lost than accepted."."""
    told = []
    if chart.reference is not None:
        at = figure(chart.reference, decimals([chart.reference]))
        told.append(f"Dashed line: {', '.join(filter(None, (at, chart.reference_name)))}.")
    if chart.zone is not None:
        side = "above" if chart.zone > 0 else "below"
        at = f"{side} {figure(chart.zone, decimals([chart.zone]))}"
        told.append(f"Shaded: {', '.join(filter(None, (at, chart.zone_name)))}.")
    return " ".join(told)
