"""The map of clauses: every row is told, with the numbers of the run or as not covered."""

import re
from dataclasses import replace

import finished_runs
import pytest
import report_case
from conftest import ROOT
from page_cases import CASES
from test_golden_pages import GOLDEN

from auditkit.finding import Results
from auditkit.report.clauses import MOST, clause_rows, frameworks
from auditkit.report.page import render_html
from auditkit.report.rendering import load_results

EVERY = [clause for one in frameworks() for clause in one.clauses]
NONE = Results(about=report_case.about(), findings=(), failures=())


def chapter(audit: Results) -> str:
    html = render_html(audit)
    return html.partition('id="clauses"><summary>')[2].partition("</details>")[0]


def test_every_address_of_the_map_is_one_that_runs_have() -> None:
    sample = load_results(ROOT / "reports" / "sample")
    known = {(f.probe, m.name) for f in sample.findings for m in f.measurements}
    keys = {(f.probe, m.name, key) for f in sample.findings for m in f.measurements for key in m.at}
    for clause in EVERY:
        for address in clause.addresses("pruned"):
            assert (address.probe, address.measurement) in known, address
            for key in address.at:
                assert (address.probe, address.measurement, key) in keys, address


def test_the_sample_has_a_number_wherever_the_map_names_one() -> None:
    sample = load_results(ROOT / "reports" / "sample")
    for _, rows in clause_rows(sample):
        for row in rows:
            assert bool(row.numbers) == bool(row.clause.measurements), row.clause
            assert not row.lacking
            assert len(row.numbers) <= MOST * len(row.clause.measurements)


def test_numbers_are_those_of_the_run() -> None:
    rows = {row.clause.clause: row for _, rows in clause_rows(report_case.audit()) for row in rows}
    told = rows["AI 800-3"].numbers
    assert [(one.probe, one.what) for one in told] == [
        ("performance", "Accuracy, pruned: 91.3 % [90.7, 91.9]")
    ]
    assert "robustness.drop[arm=pruned]" in rows["MEASURE 2.7"].lacking
    assert not rows["MEASURE 2.7"].covered


def test_what_nothing_speaks_to_is_not_covered() -> None:
    for _, rows in clause_rows(NONE):
        for row in rows:
            parts = [part for part in row.clause.parts if part != "gates"]
            assert row.covered == bool(parts)
            assert row.covered or row.clause.beyond or row.lacking
    text = chapter(NONE)
    bare = sum(not row.covered for _, rows in clause_rows(NONE) for row in rows)
    assert text.count("<strong>not covered here</strong>") == bare > 10
    assert "This run lacks gates." in text


def test_gates_are_told_where_there_are_any() -> None:
    audit = replace(report_case.audit(), gates=finished_runs.gates())
    rows = {row.clause.clause: row for _, rows in clause_rows(audit) for row in rows}
    assert rows["Article 9 (8)"].parts == (("gates", "gates"),)
    assert not rows["Article 9 (8)"].lacking


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_chapter_is_folded_and_its_links_lead_somewhere(case: str) -> None:
    """On the kept pages, which other tests hold to be what the program makes."""
    html = (GOLDEN / case / "report.html").read_text(encoding="utf-8")
    opening = '<details class="data" id="clauses"><summary>'
    text = html.partition(opening)[2].partition("</details>")[0]
    assert text.count("<caption ") == len(frameworks())
    assert text.count('<tr><th scope="row"') == len(EVERY)
    links = re.findall(r'href="#([^"]+)"', text)
    assert links
    for anchor in links:
        assert f'id="{anchor}"' in html
