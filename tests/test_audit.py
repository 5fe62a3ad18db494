"""An audit in Python: where it lies, and every form that it is read in."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import page_cases
import pytest
import tiny
from conftest import ROOT
from pages import blocks

import auditkit
from auditkit.errors import ProbeError, SettingsError, TraceError
from auditkit.files import Folder
from auditkit.plugin import answer
from auditkit.run.directory import MOST_NAMED, default_directory


def name(model: str, dataset: str) -> str:
    folder = default_directory(model, dataset)
    assert Path(str(folder)).parent == Path("reports")
    return Path(str(folder)).name


def test_a_run_directory_is_named_after_model_and_data_set() -> None:
    assert name("minilm-ltp", "agnews") == "minilm-ltp-agnews"
    assert name("m", "новости.csv") == "m-новости.csv"
    assert name("m", "ニュース.csv") == "m-ニュース.csv"


def test_data_sets_of_other_names_never_share_a_directory() -> None:
    sets = ["a b.csv", "a-b.csv", "a/b.csv", "a:b.csv", "-a-b.csv", "???", "!!!", "..", "x" * 300,
            "x" * 301, "名" * 300, "é" * 300]  # fmt: skip
    names = [name("m", dataset) for dataset in sets]
    assert len({*names}) == len(sets)
    for each in names:
        assert re.fullmatch(r"[\w.-]+", each)
        assert len(each.encode()) <= 255
        assert len(each) <= MOST_NAMED + 7


def test_it_shows_itself_in_a_line_and_in_a_notebook() -> None:
    results, _ = page_cases.hostile()
    audit = auditkit.Audit(results=results, directory=Folder("reports/<b>"))
    assert repr(audit).startswith("<Audit reports/<b>: ")
    assert "\n" not in repr(audit)
    assert len(repr(audit)) < 300
    html = audit._repr_html_()
    assert html.count("<tr>") == 3 + len(audit.findings) + len(audit.failures)  # and the cards
    assert set(re.findall(r"</?([a-z0-9]+)", html)) == {
        "table", "caption", "thead", "tbody", "tr", "th", "td", "h3", "p", "ul", "b", "br",
    }  # fmt: skip
    assert "reports/&lt;b&gt;" in html


@pytest.fixture(scope="module")
def run(tiny_runs: Callable[..., Path]) -> Path:
    return tiny_runs("bert", quick=True)


def test_what_was_run_is_opened_as_it_lies(run: Path) -> None:
    audit = auditkit.load(run)
    assert audit.to_json() == (run / "results.json").read_text(encoding="utf-8")
    assert audit.to_html() == (run / "report.html").read_text(encoding="utf-8")
    assert audit.to_markdown() == (run / "summary.md").read_text(encoding="utf-8")
    assert audit.exit_code == 0
    assert audit.finding("performance") in audit.findings
    assert audit.seconds == {}
    assert "vega" in audit.to_html(interactive=True)


def test_a_redacted_page_is_asked_for_or_was_told(run: Path) -> None:
    audit = auditkit.load(run)
    assert audit.to_html(redacted=True) != audit.to_html()
    assert replace(audit, redacted=True).to_html() == audit.to_html(redacted=True)
    assert replace(audit, redacted=True).to_html(redacted=False) == audit.to_html()


def test_what_does_not_say_which_words_are_whose_is_not_redacted(run: Path, tmp_path: Path) -> None:
    older = (run / "results.json").read_text(encoding="utf-8").replace('"held_by"', '"held"')
    (tmp_path / "results.json").write_text(older, encoding="utf-8")
    audit = replace(auditkit.load(run), directory=Folder(tmp_path))
    with pytest.raises(TraceError, match="does not say which of its words"):
        audit.to_html(redacted=True)


def test_measurements_as_a_frame(run: Path) -> None:
    audit = auditkit.load(run)
    told = [(f.probe, m) for f in audit.findings for m in f.measurements]
    frame = audit.to_frame()
    assert len(frame) == len(told) > 50
    for row, (probe, one) in zip(frame.to_dict("records"), told, strict=True):
        assert (row["probe"], row["name"], row["unit"], row["n"]) == (
            probe, one.name, one.unit, one.n,
        )  # fmt: skip
        at = ",".join(f"{key}={value}" for key, value in one.at.items())
        assert one.where == (f"{one.name}[{at}]" if at else one.name)
        assert row["at"] == at
        if one.value is None:
            assert np.isnan(row["value"])
            assert row["undefined"] == one.undefined
        else:
            assert row["value"] == one.value
        if one.interval is None:
            assert np.isnan(row["low"])
        else:
            assert (row["low"], row["high"]) == (one.interval.low, one.interval.high)
    alone = audit.to_frame("performance")
    assert set(alone["probe"]) == {"performance"}
    assert list(alone.columns) == list(frame.columns)
    silent = replace(audit.finding("performance"), measurements=(), conclusions=(), cards=(),
                     marks=(), verdict=None)  # fmt: skip
    bare = replace(audit, results=replace(audit.results, findings=(silent,)))
    assert bare.to_frame().empty
    assert list(bare.to_frame().columns) == list(frame.columns)


def test_a_table_as_a_frame(run: Path) -> None:
    audit = auditkit.load(run)
    finding = audit.finding("performance")
    for table in finding.tables:
        frame = audit.to_frame("performance", table.name)
        assert len(frame) == len(table.rows)
        for column in table.columns:
            cells = table.column(column.name)
            assert len(cells) == len(table.rows)
            if column.kind != "interval":
                kept = [one for one, cell in zip(frame[column.name], cells, strict=True)
                        if not isinstance(cell, auditkit.Undefined)]  # fmt: skip
                assert kept == [cell for cell in cells if not isinstance(cell, auditkit.Undefined)]
                continue
            lows = [cell.low if isinstance(cell, auditkit.Interval) else np.nan for cell in cells]
            np.testing.assert_array_equal(frame[f"{column.name}_low"], lows)
    with pytest.raises(ProbeError, match="no table 'nope'; available: "):
        audit.to_frame("performance", "nope")
    with pytest.raises(ProbeError, match="no finding of 'nope'; available: "):
        audit.to_frame("nope")
    with pytest.raises(ProbeError, match="give the probe that it is of"):
        audit.to_frame(table="arms")


@dataclass(frozen=True)
class Counted:
    """How many documents there are."""

    name: ClassVar[str] = "counted"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "How many documents are there?"
    needs: ClassVar[frozenset[str]] = frozenset()
    extra: int = 0

    def analyse(self, trace: auditkit.Trace, rng: np.random.Generator) -> auditkit.Finding:
        """Count."""
        return answer(self, f"There are {len(trace.documents.ids) + self.extra}.")


def test_an_audit_with_probes_and_objects_of_ones_own(
    model: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tiny.audit_csv(tmp_path / "audit.csv", count=12)
    audit = auditkit.audit(
        model=model, dataset=data, out=tmp_path / "run", probes=[Counted(extra=3), "performance"],
        speed_documents=0, random_draws=1, repeat_documents=0,
    )  # fmt: skip
    assert {f.probe for f in audit.findings} == {"counted", "performance"}
    assert audit.finding("counted").claim == "There are 15."
    assert audit.seconds
    assert auditkit.load(tmp_path / "run").results == audit.results
    assert json.loads(audit.to_json())["findings"][-1]["probe"] in ("counted", "performance")
    alone = auditkit.audit(
        model=model, dataset=data, out=tmp_path / "run", probes=[Counted()], speed_documents=0,
        random_draws=1, repeat_documents=0,
    )  # fmt: skip
    assert [f.probe for f in alone.findings] == ["counted"]


def test_the_page_of_the_docs_runs_from_top_to_bottom(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ckpt").symlink_to(model)
    tiny.audit_csv(tmp_path / "news.csv", count=40)
    scope: dict[str, object] = {"__name__": "page"}
    for code in blocks(ROOT / "docs" / "python.md", "python"):
        exec(code, scope)
    told = capsys.readouterr().out
    assert "<Audit reports/news: " in told
    assert "documents have more than 12 tokens." in told
    assert "data file 'gone.csv' not found" in told
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_what_is_no_dropper_is_one_line(model: Path, tmp_path: Path) -> None:
    data = tiny.audit_csv(tmp_path / "audit.csv", count=12)
    with pytest.raises(SettingsError, match="expected a dataclass that derives from") as error:
        auditkit.audit(model=model, dataset=data, dropper=Counted())  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
