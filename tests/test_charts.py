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
from auditkit.finding import Chart, ChartKind, Column, Finding, Interval, Table, Undefined
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
    return [" ".join(e.itertext()) for e in ET.fromstring(picture).iter("text")]


def strokes(picture: str, width: str) -> list[tuple[float, float, float, float]]:
    """From where to where each stroke of that width goes: x, y, x, y."""
    said: dict[ET.Element, tuple[str, float, float]] = {}
    found = []

    def walk(element: ET.Element, own: str, x: float, y: float) -> None:
        own = element.get("stroke-width", own)
        moved = re.fullmatch(r"translate\(([-\d.]+),([-\d.]+)\)", element.get("transform", ""))
        x, y = (x + float(moved[1]), y + float(moved[2])) if moved else (x, y)
        said[element] = (own, x, y)
        for child in element:
            walk(child, own, x, y)

    walk(ET.fromstring(picture), "1", 0.0, 0.0)
    for element, (own, x, y) in said.items():
        steps = re.findall(r"M([-\d.]+),([-\d.]+)([hv])([-\d.]+)", element.get("d", ""))
        for left, top, way, length in (
            steps if own == width and "Z" not in element.get("d", "") else ()
        ):
            at, step = (x + float(left), y + float(top)), float(length)
            across, down = (step, 0.0) if way == "h" else (0.0, step)
            found.append((*at, at[0] + across, at[1] + down))
    return found


def marks(picture: str) -> list[tuple[float, float]]:
    """Where the round marks of a picture stand."""
    found: list[tuple[float, float]] = []

    def walk(element: ET.Element, x: float, y: float) -> None:
        moved = re.fullmatch(r"translate\(([-\d.]+),([-\d.]+)\)", element.get("transform", ""))
        x, y = (x + float(moved[1]), y + float(moved[2])) if moved else (x, y)
        if moved and element.tag == "path" and "A" in element.get("d", ""):
            found.append((x, y))
        for child in element:
            walk(child, x, y)

    walk(ET.fromstring(picture), 0.0, 0.0)
    return found


@pytest.mark.parametrize(("finding", "chart"), CASES, ids=name)
def test_every_chart_is_one_named_image(finding: Finding, chart: Chart) -> None:
    root = ET.fromstring(charts.svg(chart, finding.table(chart.table), prefix="p"))
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert [root[0].tag, root[1].tag] == ["title", "desc"]
    assert root.get("aria-labelledby", "").split() == [root[0].get("id"), root[1].get("id")]
    assert root[0].text == printable(chart.title)
    assert (root[1].text or "").startswith(printable(chart.alt))
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
    picture = charts.svg(chart, with_bar, prefix="p")
    assert (len(strokes(picture, "1.75")), len(marks(picture))) == (1, 2)


def test_bars_of_intervals_lie_where_their_numbers_say() -> None:
    chart = replace(DOTS, interval="interval", reference=0.0)
    picture = charts.svg(chart, table(("a", 1.0, Interval(0.5, 2.0))), prefix="p")
    ((left, _, right, _),) = strokes(picture, "1.75")
    ((dot, _),) = marks(picture)
    ends = sorted((left, right))
    scale = (ends[1] - ends[0]) / 1.5  # pixels of 1
    assert dot - ends[0] == pytest.approx(0.5 * scale, abs=0.2)
    assert any(  # the line at 0 is upright, and as far left of the bar as 0.5 is
        x == x2 and ends[0] - x == pytest.approx(0.5 * scale, abs=0.2)
        for x, _, x2, _ in strokes(picture, "1")
    )


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
    picture = charts.svg(chart, points, prefix="p")
    ((x, top, x2, bottom),) = strokes(picture, "1.75")
    first, second = marks(picture)
    assert x == x2 == pytest.approx(first[0], abs=0.2)
    step = (first[1] - second[1]) / 0.1  # pixels of 1; up is smaller
    ends = sorted((top, bottom))
    assert ends[0] == pytest.approx(first[1] - 0.1 * step, abs=0.2)
    assert ends[1] == pytest.approx(first[1] + 0.1 * step, abs=0.2)
    assert any(
        y == y2 == pytest.approx(first[1] - 0.05 * step, abs=0.2)
        for _, y, _, y2 in strokes(picture, "1")
    )


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
    assert charts.drawn(chart, points) == charts.MOST["scatter"] == 400


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
        ({"kind": "heat", "x": "name", "color": ""}, "a heat needs `color`"),
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


def share_by_layer(*groups: str) -> Table:
    return Table(
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
            for group in groups
        ),
    )


LINES = Chart(
    name="c", kind="lines", table="t", title="C", alt="A", x="layer", y="kept", color="group",
    interval="between",
)  # fmt: skip


def test_bands_leave_the_legend_its_colours() -> None:
    names = ("a series with a long name", "another series with one")
    root = ET.fromstring(charts.svg(LINES, share_by_layer(*names), prefix="p"))
    for group in (element for element in root.iter("g") if len(element) > 1):
        told = [e for e in group.iter("text") if e.text in names]
        if len(told) == 1:  # a legend's entry: its mark and its name
            assert not [e for e in group.iter() if e.get("fill-opacity", "1") != "1"]


def test_lines_are_named_at_their_ends_where_names_are_short() -> None:
    picture = charts.svg(LINES, share_by_layer("alpha", "beta"), prefix="p")
    named = [e for e in ET.fromstring(picture).iter("text") if e.text in ("alpha", "beta")]
    places = {e.text: float(e.get("y", "nan")) for e in named}
    assert len(named) == 2
    assert abs(places["alpha"] - places["beta"]) >= 13  # both end at 0.5
    assert "Group" not in texts(picture)


def test_more_than_seven_lines_are_a_heat_map_with_its_numbers() -> None:
    names = [f"group {i}" for i in range(8)]
    told = texts(charts.svg(LINES, share_by_layer(*names), prefix="p"))
    assert told.count("1.00") == told.count("0.50") == 8
    assert {*names, "Group", "Layer"} <= set(told)
    few = texts(charts.svg(LINES, share_by_layer(*names[:7]), prefix="p"))
    assert "0.500" not in few


def test_dots_have_their_values_beside_them_with_a_sign_where_0_is_nothing() -> None:
    rows = (("a", 1.5, Undefined("")), ("b", -2.0, Undefined("")), ("c", 0.001, Undefined("")))
    told = texts(charts.svg(DOTS, table(*rows), prefix="p"))
    assert {"1.50", "−2.00", "0.00"} <= set(told)
    chart = replace(DOTS, reference=0.0, reference_name="no difference")
    signed = texts(charts.svg(chart, table(*rows), prefix="p"))
    assert {"+1.50", "−2.00", "0.00", "Dashed line: no difference."} <= set(signed)
    assert "+0.00" not in signed
    many = table(*((f"r{i}", float(i), Undefined("")) for i in range(17)))
    assert "16.0" not in texts(charts.svg(DOTS, many, prefix="p"))


@pytest.mark.parametrize("zone", [-1.0, 1.0])
def test_what_is_not_accepted_is_shaded_up_to_the_edge(zone: float) -> None:
    chart = replace(DOTS, zone=zone, zone_name="more than accepted", reference=0.0)
    rows = table(("a", 0.5, Undefined("")), ("b", -0.5, Undefined("")))
    picture = charts.svg(chart, rows, prefix="p")
    (shade,) = [e for e in ET.fromstring(picture).iter() if e.get("opacity") == "0.1"]
    found = re.match(r"M([-\d.]+),0h([-\d.]+)v", shade.get("d", ""))
    assert found
    low, high = sorted((float(found[1]), float(found[1]) + float(found[2])))
    (boundary,) = strokes(picture, "1.5")
    dots = sorted(x for x, _ in marks(picture))
    plot = boundary[0] - (low if zone > 0 else high)  # where the plot begins in the picture
    across = (dots[1] - dots[0]) / 1.0  # pixels of 1
    edge = plot + (low if zone > 0 else high)
    assert edge - dots[0] == pytest.approx((zone + 0.5) * across, abs=0.3)
    assert high - low > 10
    assert "Shaded: more than accepted." in texts(picture)


def test_chance_is_a_tick_and_the_side_is_told_by_the_interval() -> None:
    columns = (
        Column(name="name", title="Name", kind="label"),
        Column(name="kept", title="Kept", kind="share"),
        Column(name="between", title="Between", kind="interval"),
        Column(name="random", title="At random", kind="share"),
    )
    rows = (
        ("more", 0.8, Interval(0.7, 0.9), 0.5), ("less", 0.2, Interval(0.1, 0.3), 0.5),
        ("open", 0.6, Interval(0.4, 0.8), 0.5), ("untested", 0.9, Undefined("few"), 0.5),
    )  # fmt: skip
    chart = Chart(name="c", kind="chance", table="t", title="C", alt="A", x="kept", y="name",
                  beside="random", interval="between")  # fmt: skip
    picture = charts.svg(chart, Table(name="t", title="T", columns=columns, rows=rows), prefix="p")
    dots = [e for e in ET.fromstring(picture).iter("path") if "A" in e.get("d", "")]
    assert [e.get("fill") for e in dots] == [
        "var(--c3)", "var(--c2)", "var(--soft)", "var(--soft)"
    ]  # fmt: skip
    said = ET.fromstring(picture)[1].text or ""
    assert "less: 0.200 [0.100, 0.300], at random 0.500" in said


def test_a_stair_tells_the_steps_between_its_values_as_printed() -> None:
    rows = (("baseline", 0.8354, Undefined("")), ("unpruned", 0.84, Undefined("")),
            ("pruned", 0.805, Undefined("")))  # fmt: skip
    told = texts(charts.svg(replace(DOTS, kind="stair"), table(*rows), prefix="p"))
    assert {"0.835", "0.840", "0.805", "+0.005", "−0.035"} <= set(told)


def test_only_the_first_rows_are_drawn_where_a_chart_says_so() -> None:
    rows = tuple(
        (name, value, Undefined("")) for name, value in (("a", 0.1), ("b", 0.2), ("c", 0.9))
    )
    chart = replace(DOTS, first=2)
    told = texts(charts.svg(chart, table(*rows), prefix="p"))
    assert charts.drawn(chart, table(*rows)) == 2
    assert {"a", "b"} <= set(told)
    assert not {"c", "0.900"} & set(told)


@pytest.mark.parametrize("kind", ["lines", "scatter"])
def test_a_diagonal_is_drawn_where_both_axes_have_values(kind: ChartKind) -> None:
    columns = (
        Column(name="says", title="Says", kind="share"),
        Column(name="right", title="Right", kind="share"),
    )
    rows = ((0.5, 0.6), (0.8, 0.7), (0.9, 0.95))
    chart = Chart(name="c", kind=kind, table="t", title="C", alt="A", x="says", y="right",
                  diagonal="as it says")  # fmt: skip
    picture = charts.svg(chart, Table(name="t", title="T", columns=columns, rows=rows), prefix="p")
    assert "Dashed line: as it says." in texts(picture)
    (line,) = (e for e in ET.fromstring(picture).iter("path") if e.get("stroke-dasharray"))
    assert line.get("stroke") == "var(--ink)"
    bare = charts.svg(replace(chart, diagonal=""), Table(name="t", title="T", columns=columns,
                      rows=rows), prefix="p")  # fmt: skip
    assert "stroke-dasharray" not in bare
    apart = Table(name="t", title="T", columns=columns, rows=((0.5, 0.9), (0.6, 0.95)))
    assert "stroke-dasharray" not in charts.svg(chart, apart, prefix="p")


def test_a_matrix_is_quiet_where_nothing_changed() -> None:
    columns = (
        Column(name="before", title="Before", kind="label"),
        Column(name="after", title="After", kind="label"),
        Column(name="documents", title="Documents", kind="count"),
    )
    rows = tuple(
        (a, b, n) for a, b, n in (("x", "x", 90), ("x", "y", 3), ("y", "x", 7), ("y", "y", 80))
    )
    chart = Chart(name="c", kind="matrix", table="t", title="C", alt="A", x="after", y="before",
                  color="documents")  # fmt: skip
    picture = charts.svg(chart, Table(name="t", title="T", columns=columns, rows=rows), prefix="p")
    assert {"90", "3", "7", "80", "Before", "After"} <= set(texts(picture))
    cells = [e for e in ET.fromstring(picture).iter("path") if e.get("fill-opacity")]
    assert len(cells) == 2


def test_every_number_that_is_drawn_is_said() -> None:
    rows = tuple((f"r{i}", i + 0.5, Interval(i, i + 1.0)) for i in range(50))
    chart = replace(DOTS, interval="interval")
    said = ET.fromstring(charts.svg(chart, table(*rows), prefix="p"))[1].text or ""
    assert said.startswith("Some dots. r0: 0.5 [0.0, 1.0]; r1: 1.5 [1.0, 2.0]; ")
    assert said.endswith("r8: 8.5 [8.0, 9.0].")


def test_a_point_of_many_costs_a_few_bytes() -> None:
    finding = report_findings.attribution()
    chart, points = finding.charts[0], finding.tables[0]
    picture = charts.svg(chart, points, prefix="p")
    assert len(picture) < 10_000
    corners = re.findall(r'd="M([^"]*)h0"', picture)
    assert sum(len(line.split()) for line in corners) == 400
