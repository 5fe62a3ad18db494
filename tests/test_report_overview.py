import typing
from typing import Any

import pytest
import report_case
import report_hostile

from auditkit.finding import Measurement, Status, parse_address
from auditkit.report.overview import BADGES, KeyFigure, badge_counts, key_figures, place_in_words


def figure(**changes: Any) -> KeyFigure:
    fields: dict[str, Any] = {
        "name": "accuracy", "value": 0.5, "unit": "share", "n": 9, "n_clusters": 9,
        "no_interval": "too few", "headline": True,
    }  # fmt: skip
    return KeyFigure("a_probe", Measurement(**(fields | changes)))


@pytest.mark.parametrize(
    ("name", "at", "label"),
    [
        ("accuracy", {}, "Accuracy"),
        ("accuracy", {"arm": "pruned"}, "Accuracy, pruned"),
        ("macs_ratio", {"arm": "pruned"}, "MACs ratio, pruned"),
        ("f1", {"class": "World", "arm": "pruned"}, "F1, pruned, class World"),
        ("accuracy_change", {"arm": "pruned", "against": "baseline"},
         "Accuracy change, pruned, against baseline"),
        ("rate", {"my-package.size": "3"}, "Rate, my-package.size 3"),
    ],
)  # fmt: skip
def test_a_label_says_the_address_in_words(name: str, at: dict[str, str], label: str) -> None:
    told = figure(name=name, at=at)
    assert place_in_words(name, told.measurement.at) == label
    address = parse_address(told.address)
    assert (address.probe, address.measurement, dict(address.at)) == ("a_probe", name, at)


@pytest.mark.parametrize(
    ("unit", "value", "printed"),
    [
        ("share", 0.5, "50.0 %"),
        ("ratio", 1.92, "1.92×"),
        ("points", -0.8, "−0.800 points"),
        ("documents", 1200.0, "1,200 documents"),
        ("score", 0.1234, "0.123"),
    ],
)
def test_a_unit_follows_its_number(unit: str, value: float, printed: str) -> None:
    told = figure(unit=unit, value=value)
    assert told.value + told.unit == printed
    assert told.bounds == "no interval: too few"


def test_without_a_value_there_is_a_dash_a_reason_and_no_unit() -> None:
    told = figure(unit="ratio", value=None, no_interval=None, undefined="nothing counted")
    assert (told.value, told.unit, told.bounds) == ("—", "", "nothing counted")


def test_key_figures_are_the_headlines_in_the_order_of_the_findings() -> None:
    told = [figure.address for figure in key_figures(report_case.audit())]
    assert told[:-1] == [
        "performance.accuracy[arm=baseline]",
        "performance.accuracy[arm=unpruned]",
        "performance.accuracy[arm=pruned]",
        "performance.accuracy[arm=random]",
        "performance.macs_ratio[arm=pruned]",
    ]
    assert parse_address(told[-1]).probe == report_hostile.hostile().probe


def test_every_status_has_a_badge_and_so_has_a_probe_that_broke() -> None:
    assert set(BADGES) == {*typing.get_args(Status), "broke"}
    audit = report_case.audit()
    counts = dict(badge_counts(audit))
    for status in typing.get_args(Status):
        assert counts[status] == sum(f.status == status for f in audit.findings)
    assert counts["broke"] == len(audit.failures) == 1
    assert [*counts] == [badge for badge in BADGES if badge in counts]
