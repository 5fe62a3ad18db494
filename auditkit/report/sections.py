"""A probe's part of the page: pictures with their tables, further tables.

Sampling happens here and in the views below it, so that a page stays small: whatever is left out is
counted beside what is shown, and results.json holds all of it.
"""

import re
from dataclasses import dataclass, replace

from auditkit.finding import Chart, Finding, Table
from auditkit.plugin.sentences import decimals, figure
from auditkit.report.charts.drawing import drawn
from auditkit.report.charts.picture import specification, svg
from auditkit.report.interactive import embedded
from auditkit.report.tables import TableView, in_percent, table_view
from auditkit.text import cut

LONGEST_OPENING = 250
"""Characters of a claim beside a picture; the whole is in the folded part."""
_PART_END = re.compile(r"(?<=[.;:])\s")


@dataclass(frozen=True, slots=True)
class ChartView:
    """A picture of a table."""

    title: str
    picture: str
    """As SVG; "" where no row of the table has a value."""
    drawn: int
    marks: str
    """Where its line lies, as a sentence; "" where the picture says so."""
    total: int
    """Rows of the table, drawn or not."""
    data: str = ""
    """Its specification for a script that draws it anew; "" where there is none."""


@dataclass(frozen=True, slots=True)
class SectionView:
    """A probe's part of the page."""

    id: str
    finding: Finding
    claim: str
    """As much of the claim as stands beside the first picture; whole sentences."""
    charts: tuple[ChartView, ...]
    """The first stands open, the others are folded."""
    tables: tuple[TableView, ...]
    """All of the finding's; those of `charts` too."""

    @property
    def helps(self) -> dict[str, str]:
        """What the columns of its tables mean; those of one title are told apart by their table."""
        told: dict[str, str] = {}
        for view in self.tables:
            for title, text in view.helps.items():
                known = told.setdefault(title, text)
                if known != text:
                    told[f"{title} ({view.title})"] = text
        return told


def section_view(finding: Finding, anchor: str, *, interactive: bool = False) -> SectionView:
    """The finding as printed; ids begin with `anchor`.

    Args:
        finding: What to print.
        anchor: The section's id, unique on the page.
        interactive: Whether its pictures are drawn anew where scripts run.

    Raises:
        ProbeError: A chart whose columns cannot be drawn.
    """
    return SectionView(
        anchor,
        finding,
        opening(finding.claim),
        tuple(
            chart_view(
                chart,
                finding.table(chart.table),
                f"{anchor}-c{index}",
                interactive=interactive,
            )
            for index, chart in enumerate(finding.charts)
        ),
        tuple(
            table_view(in_percent(table), f"{anchor}-t{index}")
            for index, table in enumerate(finding.tables)
        ),
    )


def opening(claim: str) -> str:
    """The claim, or as many of its first parts as fit beside a picture, ending in an ellipsis."""
    if len(claim) <= LONGEST_OPENING:
        return claim
    ends = [end.start() for end in _PART_END.finditer(claim, 0, LONGEST_OPENING)]
    return f"{claim[: ends[-1]]} …" if ends else cut(claim, LONGEST_OPENING)


def chart_view(chart: Chart, table: Table, prefix: str, *, interactive: bool = False) -> ChartView:
    """The picture of a table, its shares in per cent.

    Args:
        chart: What to draw.
        table: The table of that name.
        prefix: Unique on the page; it begins every id inside of the picture.
        interactive: Whether it is drawn anew where scripts run.

    Raises:
        ProbeError: A column that cannot be drawn.
    """
    chart, table = _chart_in_percent(chart, table), in_percent(table)
    count = drawn(chart, table)
    anew = specification(chart, table) if interactive and count else None
    picture = svg(chart, table, prefix=prefix, specified=anew) if count else ""
    data = "" if anew is None else embedded(anew)
    return ChartView(chart.title, picture, count, _marks(chart), len(table.rows), data)


def _chart_in_percent(chart: Chart, table: Table) -> Chart:
    """The chart of `in_percent(table)`: its line and zone are in the unit of what they lie on."""
    on = chart.y if chart.kind in ("lines", "scatter") else chart.x
    if next(column.kind for column in table.columns if column.name == on) != "share":
        return chart
    reference, zone = (None if v is None else 100 * v for v in (chart.reference, chart.zone))
    return replace(chart, reference=reference, zone=zone)


def _marks(chart: Chart) -> str:
    """As in "Dashed line: 0."; a line with a name, and a zone, are told inside of the picture."""
    if chart.reference is None or chart.reference_name:
        return ""
    return f"Dashed line: {figure(chart.reference, decimals([chart.reference]))}."
