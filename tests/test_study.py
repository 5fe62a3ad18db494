"""docs/study.md: every number of it is in docs/study.json, and the page follows from that alone."""

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from auditkit.finding import parse_address
from auditkit.plugin import discover

sys.path.insert(0, str(ROOT / "benchmarks"))

inferences: Any = importlib.import_module("inferences")
study: Any = importlib.import_module("study")
Runs = list[dict[str, Any]]

PAGE, NUMBERS = ROOT / "docs" / "study.md", ROOT / "docs" / "study.json"


@pytest.fixture(scope="module")
def runs() -> Runs:
    found: Runs = inferences.told(json.loads(NUMBERS.read_text(encoding="utf-8")))
    return found


def test_the_page_is_made_of_the_numbers_beside_it(runs: Runs) -> None:
    text = PAGE.read_text(encoding="utf-8")
    start, end = (text.index(title) for title in ("## The study's sentence", "## Its inferences"))
    assert study.page(runs, text[start:end].strip()) == text


def test_every_address_is_read_from_the_results(runs: Runs) -> None:
    text = PAGE.read_text(encoding="utf-8")
    told = re.findall(r"(agnews|imdb) `([^`]+)` [<>]", text)
    assert len(told) > 60
    for data, address in told:
        place = parse_address(address)
        assert place.probe in discover()
        assert str(place) in runs[0][data].numbers, f"{data}: {address}"


def test_every_inference_has_a_row_and_a_verdict(runs: Runs) -> None:
    told = list(study.rows(runs))
    assert len(told) == len(list(inferences.inferences())) >= 24
    for inference, _, verdicts in told:
        assert set(verdicts) <= set(inferences.VERDICTS)
        assert f"| {inference.says}" in PAGE.read_text(encoding="utf-8")


def run_of(**numbers: tuple[float, tuple[float, float] | None]) -> Any:
    from auditkit.finding import Interval, Measurement

    made = {
        f"p.{name}": Measurement(
            name=name, value=value, unit="share", n=9, n_clusters=9,
            interval=Interval(*bounds) if bounds else None,
            no_interval=None if bounds else "too few",
        )
        for name, (value, bounds) in numbers.items()
    }  # fmt: skip
    return inferences.Run("t", "0", made, frozenset({"p"}), {})


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (["over"], "supported"), (["over", "open"], "weakened"), (["over", "under"], "weakened"),
        (["under"], "refuted"), (["under", "open"], "refuted"), (["open"], "not decidable"),
        (["bare"], "not decidable"), (["missing"], "not decidable"),
    ],
)  # fmt: skip
def test_the_rule(names: list[str], verdict: str) -> None:
    run = run_of(over=(0.7, (0.6, 0.8)), under=(0.3, (0.2, 0.4)), open=(0.5, (0.4, 0.6)),
                 bare=(0.9, None))  # fmt: skip
    checks = tuple(inferences.Check("d", f"p.{name}", "above", 0.5) for name in names)
    found = inferences.Inference("s", "it is so", checks)
    assert found.verdict([check.meets({"d": run})[0] for check in checks]) == verdict


def test_a_number_is_held_against_another_one_by_both_intervals() -> None:
    run = run_of(a=(0.7, (0.65, 0.75)), b=(0.6, (0.55, 0.65)), c=(0.68, (0.63, 0.73)))
    against = [inferences.Check("d", "p.a", "above", ("d", f"p.{other}")) for other in "bc"]
    assert [check.meets({"d": run})[0] for check in against] == ["holds", "open"]


def test_runs_that_are_not_there_are_undefined() -> None:
    check = inferences.Check("d", "p.a", "above", 0.5)
    assert check.meets({}) == ("undefined", "not run")
    assert check.meets({"d": run_of()}) == ("undefined", "not among its measurements")
    assert Path(inferences.INFERENCES).is_file()
