"""What hands and other tools made of `results.json`."""

import json
import re
from typing import Any

import page_cases
import pytest

from auditkit.errors import TraceError
from auditkit.finding import Chart, Column, Table, dumps, loads
from auditkit.report.charts.drawing import MOST_SERIES, drawing
from auditkit.report.page import render_html
from auditkit.report.summary import render_markdown


def test_a_results_file_that_another_json_tool_wrote_is_read_alike() -> None:
    def rewritten(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rewritten(part) for key, part in value.items()}
        if isinstance(value, list):
            return [rewritten(part) for part in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    text = dumps(page_cases.full()[0])
    other = json.dumps(rewritten(json.loads(text)))
    assert re.search(r"\d\.0\b", text)
    assert not re.search(r"[ \[]\d+\.0[,\]}]", other)
    assert render_html(loads(other)) == render_html(loads(text))
    assert render_markdown(loads(other)) == render_markdown(loads(text))


def test_integers_that_no_tool_reads_are_refused() -> None:
    text = dumps(page_cases.full()[0])
    for place in ('"n": ', '"seed": '):
        found = re.search(rf"{place}(\d+)", text)
        assert found is not None
        huge = text[: found.start(1)] + "9" * 400 + text[found.end(1) :]
        with pytest.raises(TraceError, match="an integer of 400 digits"):
            loads(huge)


def test_a_legend_is_bounded_whatever_the_table_holds() -> None:
    rows = tuple((f"name {i}", i, i / 10) for i in range(5000))
    kinds = {"c": "label", "x": "number", "y": "number"}
    columns = tuple(Column(name=n, title=n, kind=kind) for n, kind in kinds.items())  # type: ignore[arg-type]
    table = Table(name="t", title="t", rows=rows, columns=columns)
    chart = Chart(name="c", kind="bars", table="t", title="t", alt="a", x="x", y="y", color="c")
    made = drawing(chart, table)
    assert [row["c"] for row in made.rows] == [f"name {i}" for i in range(MOST_SERIES)]
    assert made.orders["c"] == [f"name {i}" for i in range(MOST_SERIES)]
