import re
from pathlib import Path

import page_cases

from auditkit.files import Folder
from auditkit.run.directory import MOST_NAMED, Outcome, default_directory


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


def test_an_outcome_shows_itself_in_a_line_and_in_a_notebook() -> None:
    audit, _ = page_cases.hostile()
    outcome = Outcome(audit, Folder("reports/<b>"), {}, None)
    assert repr(outcome).startswith("<Outcome reports/<b>: ")
    assert "\n" not in repr(outcome)
    assert len(repr(outcome)) < 300
    html = outcome._repr_html_()
    assert html.count("<tr>") == 3 + len(audit.findings) + len(audit.failures)  # and the cards
    assert set(re.findall(r"</?([a-z0-9]+)", html)) == {
        "table", "caption", "thead", "tbody", "tr", "th", "td", "h3", "p", "ul", "b", "br",
    }  # fmt: skip
    assert "reports/&lt;b&gt;" in html
