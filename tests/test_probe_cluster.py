from dataclasses import replace
from functools import partial
from typing import Any

import contract
import numpy as np
import probing
import pytest

from auditkit.finding import Undefined
from auditkit.plugin import unmet
from auditkit.probes._points import DOCUMENT, DROPPED, KEPT, RANDOM, SETS
from auditkit.probes.cluster import Cluster
from auditkit.report.charts import svg
from auditkit.testing import (
    SyntheticBench,
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

TRACES = contract_traces()


measured = partial(probing.measured, Cluster())
analysed = partial(probing.analysed, Cluster())


@pytest.fixture(scope="module")
def trace() -> Trace:
    return synthetic_trace(np.random.default_rng(3), documents=90, words=(12, 24))


def apart(trace: Trace, kept: float, others: float) -> Any:
    """A bench's `states`: classes apart by so much, in tokens that are kept and in others."""
    from auditkit.stats.cells import reference_layer

    layer = reference_layer(trace.documents.pieces, trace.documents.kept)
    tokens = whole(trace, "tokens")
    alive = dict(
        zip(
            zip(tokens["example_id"], tokens["position"], strict=True),
            tokens["depth"] >= layer,
            strict=True,
        )
    )

    def states(arm: str, at: int | None, example_id: str, position: int) -> list[float]:
        label = int(trace.documents.label[trace.documents.row_of(example_id)])
        key = [trace.documents.row_of(example_id), position, len(arm)]
        found = np.random.default_rng(key).normal(size=10)
        if at != 0:
            found[label] += kept if at is None or alive[example_id, position] else others
        return list(found)

    return states


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    for trace in (TRACES[name], measured(TRACES[name])):
        finding = check_probe(Cluster(), trace)
        assert (finding is None) == bool(unmet(Cluster(), trace.about))


def test_kept_tokens_that_tell_classes_apart_are_found(trace: Trace) -> None:
    finding = analysed(measured(trace, states=apart(trace, kept=3.0, others=0.0)))
    assert finding.claim.startswith("Kept tokens tell classes apart better than as many random")
    assert "documents lie among those of their class more often than by chance" in finding.claim
    for name in ("purity_above_random", "purity_above_dropped"):
        found = finding.measurement(name, arm="unpruned", category=KEPT, type="states")
        assert found.interval is not None
        assert found.interval.low > 0
    control = finding.measurement(
        "purity_corrected", arm="unpruned", category=KEPT, type="input embeddings"
    )
    assert control.interval is not None
    assert control.interval.low <= 0


def test_dropped_tokens_that_do_turn_the_claim_round(trace: Trace) -> None:
    finding = analysed(measured(trace, states=apart(trace, kept=0.0, others=3.0)))
    assert "Kept tokens tell classes apart less well" in finding.claim


def test_noise_shows_nothing(trace: Trace) -> None:
    finding = analysed(measured(trace))
    assert "Kept tokens are not shown to tell classes apart better" in finding.claim
    assert "documents are not shown to lie among those of their class" in finding.claim


def test_as_many_tokens_of_each_kind_and_none_that_is_special(trace: Trace) -> None:
    frame = Cluster(tokens=3).measure(SyntheticBench(trace))
    assert frame is not None
    counts = frame[frame["set"] != DOCUMENT].pivot_table(
        "word", ["example_id", "space"], "set", "count"
    )
    assert (counts[KEPT] == counts[DROPPED]).all()
    assert (counts[KEPT] == counts[RANDOM]).all()
    assert counts.to_numpy().max() == 3
    tokens = whole(trace, "tokens").set_index(["example_id", "position"])
    for row in frame[frame["set"].isin(SETS)].itertuples():
        assert not tokens.loc[(row.example_id, row.position), "special"]


def test_how_wide_kept_tokens_and_documents_lie_is_told_by_class(trace: Trace) -> None:
    finding = analysed(measured(trace))
    for arm, points in (("unpruned", KEPT), ("pruned", DOCUMENT)):
        for label in trace.about.labels:
            at = {"arm": arm, "category": points, "class": label}
            assert finding.measurement("spread", **at).value is not None
            assert finding.measurement("spread_change", **at).interval is not None


def test_few_kept_tokens_are_not_spoken_of() -> None:
    small = synthetic_trace(np.random.default_rng(0), documents=35, words=(2, 3))
    finding = analysed(measured(small))
    assert "Kept tokens" not in finding.claim
    assert any("Fewer than 50 kept tokens" in caveat for caveat in finding.caveats)


def test_one_class_gives_the_reason() -> None:
    one = synthetic_trace(np.random.default_rng(0), documents=60, classes=1)
    finding = analysed(measured(one))
    cells = finding.table("clusters").column("purity_corrected")
    assert all(isinstance(cell, Undefined) for cell in cells)


def test_points_carry_their_words_however_hostile(trace: Trace) -> None:
    words = whole(trace, "words")
    words["text"] = "<script>\u202e" + words["text"]
    finding = analysed(measured(replace_tables(trace, words=words)))
    chart = next(chart for chart in finding.charts if chart.name == "tokens_by_class")
    points = finding.table("tokens_map")
    for rows, named in ((points.rows, False), (points.rows[:10], True)):  # few points have names
        picture = svg(chart, replace(points, rows=rows), prefix="p")
        assert "<script>" not in picture
        assert "\u202e" not in picture
        assert ("&lt;script&gt;" in picture) is named
