from typing import Any

import contract
import numpy as np
import pandas as pd
import pytest

from auditkit.finding import Finding
from auditkit.plugin import unmet
from auditkit.probes.calibration import Calibration
from auditkit.testing import check_probe, contract_traces, replace_tables, synthetic_trace
from auditkit.trace import Trace

TRACES = contract_traces()


def analysed(trace: Trace, **options: Any) -> Finding:
    finding: Finding = Calibration(resamples=100, **options).analyse(
        trace, np.random.default_rng(0)
    )
    return finding


@pytest.fixture(scope="module")
def trace() -> Trace:
    """1,200 documents whose baseline means what it says."""
    trace = synthetic_trace(np.random.default_rng(1), documents=1200, classes=3)
    return sharpened(trace, "baseline", 1.0)


def sharpened(trace: Trace, arm: str, power: float) -> Trace:
    """The arm says so often, and is as sure as that to some power."""
    documents, rng = trace.table("documents"), np.random.default_rng(len(arm))
    probs, predicted = [], []
    for gold in documents["label"]:
        p = rng.dirichlet(np.full(3, 0.4))
        said = rng.choice(3, p=p)  # what the gold class would be for this model
        p[[said, gold]] = p[[gold, said]]
        told = p**power / (p**power).sum()
        probs.append(told.astype(np.float32))
        predicted.append(int(np.argmax(probs[-1])))
    own: dict[str, Any] = {f"probs_{arm}": pd.Series(probs, dtype=object),
                           f"predicted_{arm}": np.array(predicted, dtype=np.int32)}  # fmt: skip
    return replace_tables(trace, documents=documents.assign(**own))


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    finding = check_probe(Calibration(resamples=100), TRACES[name])
    assert (finding is None) == bool(unmet(Calibration(), TRACES[name].about))


def test_a_model_that_is_too_sure_is_farther_from_the_gold_classes(trace: Trace) -> None:
    sure = analysed(sharpened(trace, "pruned", 6.0))
    assert "Probabilities are farther from the gold classes than the baseline's" in sure.claim
    ece = sure.measurement("ece_change", arm="pruned", against="baseline")
    assert ece.value is not None
    assert ece.value > 0.02
    assert ece.interval is None
    same = analysed(sharpened(trace, "pruned", 1.0))
    assert "No difference is shown" in same.claim


def test_bins_are_right_as_often_as_documents_in_them(trace: Trace) -> None:
    finding = analysed(trace)
    documents = trace.table("documents")
    sure = np.stack(documents["probs_baseline"].to_list()).max(axis=1)
    right = (documents["predicted_baseline"] == documents["label"]).to_numpy()
    rows = [r for r in finding.table("reliability").rows if r[0] == "baseline"]
    assert sum(int(str(row[3])) for row in rows) == 1200
    lowest = int(str(rows[0][3]))
    who = np.argsort(sure, kind="stable")[:lowest]
    assert rows[0][2] == pytest.approx(sure[who].mean(), abs=1e-6)
    assert rows[0][4] == pytest.approx(right[who].mean())


def test_groups_have_sets_and_small_ones_have_none(trace: Trace) -> None:
    values = np.where(np.arange(1200) % 12 == 0, "few", "many")  # 100 documents
    documents = trace.table("documents").assign(**{"group:source": values})
    finding = analysed(replace_tables(trace, documents=documents))
    rows = {row[1]: row for row in finding.table("sets_by_group").rows if row[0] == "source"}
    assert set(rows) == {"few", "many"}
    fewer = analysed(replace_tables(trace, documents=documents), least=101)
    told = {row[1] for row in fewer.table("sets_by_group").rows if row[0] == "source"}
    assert told == {"many"}
