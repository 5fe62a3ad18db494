from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.finding import Column, Interval, Table, Undefined
from auditkit.plugin.sentences import figure
from auditkit.report.tables import in_percent, table_view


def table_of(kind: Any, *cells: Any) -> list[str]:
    columns = (Column(name="v", title="V", kind=kind),)
    table = Table(name="t", title="T", columns=columns, rows=tuple((c,) for c in cells))
    return [row[0].text for row in table_view(in_percent(table), "t").rows]


def test_undefined_cells_are_dashes_with_a_footnote() -> None:
    columns = (Column(name="v", title="V", kind="share"),)
    rows = ((0.5,), (Undefined("too few"),), (Undefined("none"),), (Undefined("too few"),))
    table = Table(name="t", title="T", columns=columns, rows=rows)
    view = table_view(in_percent(table), "t")
    assert [row[0].text for row in view.rows] == ["50.0", "—", "—", "—"]
    assert [row[0].note for row in view.rows] == [0, 1, 2, 1]
    assert view.notes == ("too few", "none")


@pytest.mark.parametrize(
    ("kind", "cells", "printed"),
    [
        ("count", (7600, 19), ["7,600", "19"]),
        ("count", (19.0, 2.0), ["19", "2"]),
        ("share", (1.0, 0.25), ["100.0", "25.0"]),
        ("share", (0.0123, 0.0004), ["1.23", "0.04"]),
        ("number", (1.297, -0.5), ["1.30", "−0.50"]),
        ("number", (1234.5, 2.0), ["1,234", "2"]),
        ("number", (2.31e9,), ["2.31 × 10⁹"]),
        ("p", (0.00001, 0.0421, 1.0), ["< 0.001", "0.042", "1.000"]),
        ("interval", (Interval(-0.02, 0.51),), ["[−0.020, 0.510]"]),
        ("text", ("x" * 500,), ["x" * 399 + "…"]),
    ],
)
def test_cells_are_printed_by_the_kind_of_their_column(
    kind: Any, cells: tuple[Any, ...], printed: list[str]
) -> None:
    assert table_of(kind, *cells) == printed


def test_an_interval_is_as_precise_as_the_estimate_to_its_left() -> None:
    columns = (
        Column(name="v", title="V", kind="share"),
        Column(name="i", title="I", kind="interval"),
    )
    table = Table(name="t", title="T", columns=columns, rows=((0.5, Interval(0.25, 1.0)),))
    assert [c.title for c in in_percent(table).columns] == ["V (%)", "I"]
    assert [c.text for c in table_view(in_percent(table), "t").rows[0]] == ["50.0", "[25.0, 100.0]"]


@given(st.floats(-1e6, 1e6), st.integers(0, 6))
def test_a_figure_reads_back_as_the_rounded_value(value: float, places: int) -> None:
    text = figure(value, places)
    assert float(text.replace("−", "-").replace(",", "")) == pytest.approx(
        value, abs=0.51 * 10**-places
    )
    assert text.strip("−0.,") or not text.startswith("−")  # there is no minus zero
