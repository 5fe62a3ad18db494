"""A group whose words a real pruned model drops after the first layer is found and named."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import probing
import pytest
import tiny
from recorded import annotator, bench, recorded

from auditkit.bench.view import ProbeBench
from auditkit.data.settings import DataSettings
from auditkit.files import Folder
from auditkit.probes.fairness import Fairness
from auditkit.record.settings import RecordingSettings
from auditkit.testing import replace_tables, whole
from auditkit.trace import Trace

pytestmark = pytest.mark.slow

DOCUMENTS = 400
DRAWS = 20
analysed = partial(probing.analysed, Fairness(resamples=200))


class Dropped(NamedTuple):
    """A run, and what the model says where all words are dropped (`force_drop`)."""

    trace: Trace
    predicted: np.ndarray
    probs: list[list[float]]


@pytest.fixture(scope="module")
def dropped(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Dropped:
    folder = tmp_path_factory.mktemp("dropped")
    csv = tiny.audit_csv(folder / "audit.csv", count=DOCUMENTS)
    settings = RecordingSettings(random_draws=0, repeat_documents=0)
    trace = recorded(bench(model), csv, Folder(folder / "trace"), settings)
    tokens = whole(trace, "tokens")
    words = tokens[~tokens["special"]].groupby("example_id")["position"].agg(list)
    changes = pd.DataFrame({"example_id": words.index, "do": "drop", "positions": words.to_numpy()})
    view = ProbeBench(bench(model), trace, annotator(), DataSettings(dataset=csv))
    said = view.intervene("pruned", changes).set_index("example_id").loc[list(trace.documents.ids)]
    return Dropped(trace, said["predicted"].to_numpy(), said["probs"].to_list())


def audit(run: Dropped, seed: int, *, planted: bool) -> str:
    """The claim of `fairness`, a quarter of the documents in a group at random."""
    documents = run.trace.table("documents")
    few = np.random.default_rng(seed).random(len(documents)) < 0.25
    values = {"group:source": np.where(few, "few", "many")}
    if planted:
        predicted = np.where(few, run.predicted, documents["predicted_pruned"])
        both = zip(few, run.probs, documents["probs_pruned"], strict=True)
        probs = [np.asarray(other if hit else own, dtype=np.float32) for hit, other, own in both]
        documents = documents.assign(
            predicted_pruned=predicted.astype(np.int32),
            probs_pruned=pd.Series(probs, index=documents.index, dtype=object),
        )
    trace = replace_tables(run.trace, documents=documents.assign(**values))
    return analysed(trace).claim


def test_a_group_whose_words_are_dropped_is_found_and_named(dropped: Dropped) -> None:
    claims = [audit(dropped, seed, planted=True) for seed in range(DRAWS)]
    named = ["lose" in claim and "source: few (" in claim.split(";")[0] for claim in claims]
    assert sum(named) >= 0.9 * DRAWS, claims[named.index(False)]


def test_no_group_is_named_where_none_is_dropped(dropped: Dropped) -> None:
    claims = [audit(dropped, seed, planted=False) for seed in range(DRAWS)]
    named = ["source: few (" in claim and "none is shown" not in claim for claim in claims]
    assert sum(named) <= 1, claims[named.index(True)]
