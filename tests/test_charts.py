import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
import report_case
import report_findings
import report_hostile

from auditkit.errors import ProbeError
from auditkit.finding import Chart, Column, Finding, Interval, Table, Undefined
from auditkit.report import charts
from auditkit.text import printable

FINDINGS = [finding for finding in report_case.audit().findings if finding.charts]
CASES = [(f, c) for f in FINDINGS for c in f.charts]


def name(value: Any) -> str:
    return f"{value.kind}-{value.name}" if isinstance(value, Chart) else "in"


def table(*rows: tuple[Any, ...]) -> Table:
    columns = (
        Column(name="name", title="Name", kind="label"),
        Column(name="value", title="Value", kind="number"),
        Column(name="interval", title="Interval", kind="interval"),
    )
    return Table(name="t", title="T", columns=columns, rows=rows)


DOTS = Chart(
    name="c", kind="dots", table="t", title="Dots", alt="Some dots.", x="value", y="name"
)  # fmt: skip


def texts(picture: str) -> list[str]:
    return [e.text or "" for e in ET.fromstring(picture).iter("text")]


@pytest.mark.parametrize(("finding", "chart"), CASES, ids=name)
def test_every_chart_is_one_named_image(finding: Finding, chart: Chart) -> None:
    root = ET.fromstring(charts.svg(chart, finding.table(chart.table), prefix="p"))
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert [root[0].tag, root[1].tag] == ["title", "desc"]
    assert root.get("aria-labelledby", "").split() == [root[0].get("id"), root[1].get("id")]
    assert root[0].text == printable(chart.title)
    assert root[1].text == printable(chart.alt)
    inside = [e for e in root.iter() if e is not root]
    assert not [a for e in inside for a in e.attrib if a == "role" or a.startswith("aria-")]


@pytest.mark.parametrize(("finding", "chart"), CASES, ids=name)
def test_colours_are_the_pages_own_and_nothing_is_fetched(finding: Finding, chart: Chart) -> None:
    root = ET.fromstring(charts.svg(chart, finding.table(chart.table), prefix="p"))
    for element in root.iter():
        assert element.tag not in ("image", "script", "foreignObject", "a", "style", "use")
        for attribute in ("fill", "stroke"):
            value = element.get(attribute, "none")
            assert value in ("none", "transparent") or value.startswith("var(--"), value
        for attribute, value in element.attrib.items():
            assert "href" not in attribute
            assert attribute != "style"
            assert not attribute.startswith("on")
            assert "url(" not in value or value.startswith("url(#p-")


def test_ids_differ_between_two_pictures_of_one_chart() -> None:
    finding = report_findings.performance()
    chart = finding.charts[1]
    both = [charts.svg(chart, finding.table(chart.table), prefix=p) for p in ("a", "b")]
    ids = [set(re.findall(r' id="([^"]*)"', picture)) for picture in both]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_the_same_chart_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import report_findings; from auditkit.report import charts;"
        "f = report_findings.retention();"
        "print(charts.svg(f.charts[0], f.table(f.charts[0].table), prefix='p'))"
    )
    path = report_findings.__file__.removesuffix("report_findings.py")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=path
    )
    finding = report_findings.retention()
    chart = finding.charts[0]
    assert done.stdout.strip() == charts.svg(chart, finding.table(chart.table), prefix="p")


def test_rows_without_a_value_keep_their_line_and_have_no_mark() -> None:
    rows = (("a", 1.0, Interval(0.5, 1.5)), ("b", Undefined("why"), Undefined("why")))
    assert charts.drawn(DOTS, table(*rows)) == 1
    assert {"a", "b"} <= set(texts(charts.svg(DOTS, table(*rows), prefix="p")))


def test_a_missing_interval_leaves_the_dot() -> None:
    chart = replace(DOTS, interval="interval")
    with_bar = table(("a", 1.0, Interval(0.5, 1.5)), ("b", 2.0, Undefined("why")))
    root = ET.fromstring(charts.svg(chart, with_bar, prefix="p"))
    bars = [e for e in root.iter("line") if e.get("stroke-width") == "1.75"]
    dots = [e for e in root.iter("path") if e.get("fill") == "var(--c1)"]
    assert (len(bars), len(dots)) == (1, 2)


def test_bars_of_intervals_lie_where_their_numbers_say() -> None:
    chart = replace(DOTS, interval="interval", reference=0.0)
    root = ET.fromstring(charts.svg(chart, table(("a", 1.0, Interval(0.5, 2.0))), prefix="p"))

    def across(element: ET.Element) -> float:
        found = re.match(r"translate\(([-\d.e]+),", element.get("transform", ""))
        assert found
        return float(found[1])

    (bar,) = [e for e in root.iter("line") if e.get("stroke-width") == "1.75"]
    (dot,) = [e for e in root.iter("path") if e.get("fill") == "var(--c1)"]
    (zero,) = [e for e in root.iter("line") if e.get("stroke-dasharray")]
    left, length = across(bar), float(bar.get("x2", "nan"))
    ends = sorted((left, left + length))
    scale = (across(dot) - across(zero)) / 1.0
    assert ends[0] - across(zero) == pytest.approx(0.5 * scale, abs=0.01)
    assert ends[1] - across(zero) == pytest.approx(2.0 * scale, abs=0.01)


def test_bars_of_a_scatter_stand_upright_through_their_marks() -> None:
    points = Table(
        name="t", title="T",
        columns=(
            Column(name="share", title="Share", kind="share"),
            Column(name="value", title="Value", kind="share"),
            Column(name="interval", title="Interval", kind="interval"),
        ),
        rows=((0.5, 0.8, Interval(0.7, 0.9)), (0.7, 0.9, Undefined("too few"))),
    )  # fmt: skip
    chart = Chart(
        name="c", kind="scatter", table="t", title="C", alt="A", x="share", y="value",
        interval="interval", reference=0.85,
    )  # fmt: skip
    root = ET.fromstring(charts.svg(chart, points, prefix="p"))

    def place(element: ET.Element) -> tuple[float, float]:
        found = re.match(r"translate\(([-\d.e]+),([-\d.e]+)\)", element.get("transform", ""))
        assert found
        return float(found[1]), float(found[2])

    (bar,) = [e for e in root.iter("line") if e.get("stroke-width") == "1.75"]
    first, second = [e for e in root.iter("path") if e.get("fill") == "var(--c1)"]
    (rule,) = [e for e in root.iter("line") if e.get("stroke-dasharray")]
    assert place(bar)[0] == pytest.approx(place(first)[0], abs=0.01)
    height = float(bar.get("y2", "nan"))
    ends = sorted((place(bar)[1], place(bar)[1] + height))
    step = (place(first)[1] - place(second)[1]) / 0.1  # pixels of 1; up is smaller
    assert ends[0] == pytest.approx(place(first)[1] - 0.1 * step, abs=0.01)
    assert ends[1] == pytest.approx(place(first)[1] + 0.1 * step, abs=0.01)
    assert place(rule)[1] == pytest.approx(place(first)[1] - 0.05 * step, abs=0.01)


@pytest.mark.parametrize("kind", ["dots", "bars"])
def test_long_tables_are_drawn_in_part(kind: Any) -> None:
    many = table(*((f"row {i}", float(i), Undefined("")) for i in range(500)))
    chart = replace(DOTS, kind=kind)
    assert charts.drawn(chart, many) == charts.MOST[kind]
    shown = set(texts(charts.svg(chart, many, prefix="p")))
    assert "row 0" in shown
    assert f"row {charts.MOST[kind]}" not in shown


def test_a_scatter_is_thinned_evenly() -> None:
    finding = report_findings.attribution()
    chart, points = finding.charts[0], finding.tables[0]
    assert len(points.rows) == 1000
    assert charts.drawn(chart, points) == charts.MOST["scatter"] == 800


def test_labels_that_agree_in_their_beginning_stay_apart() -> None:
    start = "the same beginning of a label that is too long to be printed"
    two = table((start + " one", 1.0, Undefined("")), (start + " two", 2.0, Undefined("")))
    names = [t for t in texts(charts.svg(DOTS, two, prefix="p")) if t.startswith("the same")]
    assert len(set(names)) == 2


def test_hostile_labels_are_text_and_cannot_reorder_the_picture() -> None:
    finding = report_hostile.hostile()
    picture = charts.svg(finding.charts[0], finding.tables[0], prefix="p")
    assert "<img" not in picture
    assert "</script" not in picture
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\ud800-\udfff]", picture)
    assert any("&lt;img" in line for line in picture.split(">"))


def test_nothing_to_draw_is_said_not_drawn() -> None:
    empty = table(("a", Undefined("why"), Undefined("why")))
    assert charts.drawn(DOTS, empty) == 0
    with pytest.raises(ProbeError, match="no row of table t has both x and y"):
        charts.svg(DOTS, empty, prefix="p")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": "name"}, "'a' is not a number"),
        ({"kind": "heat", "x": "name", "color": ""}, "a heat map needs `color`"),
    ],
)
def test_a_column_that_cannot_be_drawn_is_an_error(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        charts.svg(replace(DOTS, **changes), table(("a", 1.0, Undefined(""))), prefix="p")


def test_all_charts_of_a_page_take_seconds() -> None:
    start = time.monotonic()
    for finding, chart in CASES:
        charts.svg(chart, finding.table(chart.table), prefix="p")
    assert time.monotonic() - start < 10


def test_bands_leave_the_legend_its_colours() -> None:
    table = Table(
        name="t",
        title="T",
        columns=(
            Column(name="layer", title="Layer", kind="count"),
            Column(name="kept", title="Kept", kind="share"),
            Column(name="between", title="Between", kind="interval"),
            Column(name="group", title="Group", kind="label"),
        ),
        rows=tuple(
            (layer, 1 / layer, Interval(0.5 / layer, 1.0), group)
            for layer in (1, 2)
            for group in ("alpha series", "beta series")
        ),
    )
    chart = Chart(
        name="c", kind="lines", table="t", title="C", alt="A", x="layer", y="kept",
        color="group", interval="between",
    )  # fmt: skip
    picture = charts.svg(chart, table, prefix="p")
    for group in ("alpha series", "beta series"):
        symbol = re.search(rf'fill-opacity="([^"]+)"[^>]*/></g><g><text[^>]*>{group}', picture)
        assert symbol is not None
        assert float(symbol[1]) == 1
