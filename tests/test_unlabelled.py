"""Audits of data without labels: what needs none is answered, and what is missing is told."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny
from command import audit
from tabular import write_csv

from auditkit.data.examples import load_dataset
from auditkit.data.settings import DataSettings
from auditkit.errors import DataError
from auditkit.finding import Results
from auditkit.plugin import NO_LABEL
from auditkit.probes.flips import Flips
from auditkit.probes.rationale import Rationale
from auditkit.report.rendering import load_results
from auditkit.testing import check_probe, synthetic_trace
from auditkit.testing.traces import without_labels
from auditkit.trace import Trace

FLAGS = ("--random-draws", "1", "--repeat-documents", "0", "--speed-documents", "0",
         "--attribution-sample", "4")  # fmt: skip
NEED_GOLD = {"performance", "fairness", "calibration", "cluster", "domain_term"}


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The texts of an audit without their labels."""
    folder = tmp_path_factory.mktemp("csv")
    texts = pd.read_csv(tiny.audit_csv(folder / "labelled.csv"))["text"].dropna()
    return write_csv(folder / "texts.csv", [("text",), *((one,) for one in texts)])


@pytest.fixture(scope="module")
def out(model: Path, csv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("unlabelled") / "run"
    done = audit(directory, *FLAGS, "--unlabelled", model=model, dataset=csv)
    assert done.code == 0, done.err
    assert "classes of the model: the data have no labels" in done.out
    return directory


@pytest.fixture(scope="module")
def found(out: Path) -> Results:
    return load_results(out)


@pytest.mark.slow
def test_what_needs_labels_says_so_and_the_rest_answers(found: Results) -> None:
    silent = {f.probe for f in found.findings if "labels (the data have none" in f.claim}
    assert silent == NEED_GOLD
    said = {f.probe: f.status for f in found.findings}
    for probe in ("efficiency", "flips", "pos_retention", "stopword", "entity", "layer_view",
                  "word_frequency", "attribution_agreement"):  # fmt: skip
        assert said[probe] == "reported", probe
    assert found.about["dataset"]["label_column"] == ""


def test_answers_that_changed_are_counted_without_right_and_wrong(
    found: Results, out: Path
) -> None:
    documents = Trace.open(out / "trace").documents
    assert set(documents.label) == {NO_LABEL}
    sides = [documents.answers(arm) for arm in ("pruned", "baseline")]
    now, before = (side.predicted[:, 0] for side in sides if side is not None)
    flips = found.finding("flips")
    at = {"arm": "pruned", "against": "baseline"}
    changed = flips.measurement("share", category="another answer", **at)
    assert changed.value == pytest.approx((now != before).mean())
    assert "have no labels" in flips.claim
    assert "KL divergence" in flips.claim
    assert {row[1] for row in flips.table("flips").rows} == {"another answer", "the same answer"}
    fell = flips.measurement("fell", **at)
    assert fell.undefined == "the data have no labels"
    assert flips.measurement("kl", **at).value is not None


def test_nothing_on_the_page_speaks_of_a_class_that_is_none(out: Path) -> None:
    for name in ("report.html", "summary.md", "results.json"):
        text = (out / name).read_text(encoding="utf-8")
        assert "class -1" not in text
        assert "class −1" not in text
        assert "gold label" not in text
    assert "the data have no labels" in (out / "report.html").read_text(encoding="utf-8")


def test_a_gate_on_what_was_not_measured_does_not_pass(
    model: Path, csv: str, tmp_path: Path
) -> None:
    config = tmp_path / "audit.yaml"
    config.write_text(
        "gates:\n"
        '  - {address: "performance.accuracy[arm=pruned]", at_least: 0.1}\n'
        '  - {address: "performance.accuracy_change[arm=pruned,against=baseline]", at_least: -90,'
        " on: anytime}\n"
    )
    flags = (*FLAGS, "--unlabelled", "--probe", "performance", "--config", config)
    done = audit(tmp_path / "run", *flags, model=model, dataset=csv)
    assert done.code == 5 or done.code != 0
    gates = load_results(tmp_path / "run").gates
    assert {gate.status for gate in gates}.isdisjoint({"pass"})


def test_the_share_of_changed_answers_is_that_of_the_labelled_run() -> None:
    trace = synthetic_trace(np.random.default_rng(5), documents=300, reseeded=True)
    both = [Flips(resamples=100).analyse(one, np.random.default_rng(0))
            for one in (trace, without_labels(trace))]  # fmt: skip
    at = {"arm": "pruned", "against": "baseline"}
    for name, more in (("share", {"category": "another answer"}), ("kl", {})):
        values = [one.measurement(name, **at, **more) for one in both]
        assert values[0].value == values[1].value
        assert values[0].interval == values[1].interval
    odds = [{m.where: m.value for m in one.measurements if m.name == "odds_ratio"} for one in both]
    assert odds[1]
    assert odds[1].items() <= odds[0].items()


def test_rationales_of_documents_without_labels_are_told_of_together() -> None:
    trace = without_labels(synthetic_trace(np.random.default_rng(6), documents=150, rationales=0.8))
    finding = check_probe(Rationale(), trace)
    assert finding is not None
    assert finding.status == "reported"
    assert "kept_by_class" not in {table.name for table in finding.tables}
    assert not [m for m in finding.measurements if "class" in m.at]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"unlabelled": False}, "no column looks like the label; name it with --label-column, or "
                                "give --unlabelled if there are none"),
        ({"unlabelled": True, "labels": "a=b"}, "--labels says which classes are which"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_clear_line(
    csv: str, given: dict[str, object], line: str
) -> None:
    with pytest.raises(DataError) as raised:
        load_dataset(DataSettings(dataset=csv, **given), label_names=("x", "y"))
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


def test_nothing_is_trained_without_labels(csv: str) -> None:
    with pytest.raises(DataError, match="nothing can be trained without labels"):
        load_dataset(DataSettings(dataset=csv, unlabelled=True))


def test_rows_without_a_text_are_refused_as_ever(tmp_path: Path) -> None:
    csv = write_csv(tmp_path / "a.csv", [("text", "label"), ("one", "x"), ("", "y"), ("two", "")])
    settings = DataSettings(dataset=csv, unlabelled=True, limit=1)
    data = load_dataset(settings, label_names=("x", "y"))
    assert [one.reason for one in data.refused] == ["the text is empty"]
    assert (len(data.examples), data.labels) == (1, ("x", "y"))
    assert data.examples[0].label == NO_LABEL
