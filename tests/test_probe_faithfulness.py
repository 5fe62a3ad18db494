from collections.abc import Callable
from functools import partial
from typing import Any

import contract
import numpy as np
import probing
import pytest

from auditkit.plugin import unmet
from auditkit.probes._faith import set_layers
from auditkit.probes.faithfulness import Faithfulness
from auditkit.stats.cells import reference_layer
from auditkit.testing import (
    SyntheticBench,
    check_probe,
    contract_traces,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

TRACES = contract_traces()


measured = partial(probing.measured, Faithfulness())
analysed = partial(probing.analysed, Faithfulness())


@pytest.fixture(scope="module")
def trace() -> Trace:
    return synthetic_trace(np.random.default_rng(3), documents=80)


def leaning(trace: Trace, weight: Callable[[int, int], float]) -> Any:
    """A bench's `says`: each token that is read adds to the predicted class's probability.

    `weight` is told a token's survival depth and the reference layer.
    """
    layer = reference_layer(trace.documents.pieces, trace.documents.kept)
    tokens = whole(trace, "tokens")
    inside = tokens[~tokens["special"]]
    depth = {
        str(one): dict(zip(own["position"], own["depth"], strict=True))
        for one, own in inside.groupby("example_id")
    }
    said = trace.documents.answers("pruned")
    assert said is not None

    def says(arm: str, example_id: str, do: str, where: frozenset[int]) -> list[float]:
        own = depth[example_id]
        weights = {at: weight(int(d), layer) for at, d in own.items()}
        read = sum(w for at, w in weights.items() if at not in where)
        share = 0.1 + 0.8 * read / sum(weights.values())
        target = int(said.predicted[trace.documents.row_of(example_id), 0])
        rest = (1 - share) / (len(trace.about.labels) - 1)
        return [share if c == target else rest for c in range(len(trace.about.labels))]

    return says


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    for trace in (TRACES[name], measured(TRACES[name])):
        finding = check_probe(Faithfulness(), trace)
        assert (finding is None) == bool(unmet(Faithfulness(), trace.about))


def test_kept_sets_that_carry_the_prediction_are_found(trace: Trace) -> None:
    says = leaning(trace, lambda depth, layer: 1.0 if depth >= layer else 0.05)
    finding = analysed(measured(trace, says=says))
    assert "keep more of the prediction than random sets" in finding.claim
    assert "; more of it is lost without them" in finding.claim
    layer = str(reference_layer(trace.documents.pieces, trace.documents.kept))
    for arm in ("unpruned", "baseline"):
        enough = finding.measurement("sufficiency_difference", arm=arm, layer=layer)
        needed = finding.measurement("comprehensiveness_difference", arm=arm, layer=layer)
        assert enough.interval is not None
        assert needed.interval is not None
        assert enough.interval.high < 0 < needed.interval.low


def test_dropped_tokens_that_carry_it_turn_the_claim_round(trace: Trace) -> None:
    says = leaning(trace, lambda depth, layer: 0.05 if depth >= layer else 1.0)
    finding = analysed(measured(trace, says=says))
    assert "keep less of the prediction than random sets" in finding.claim
    assert "; less of it is lost without them" in finding.claim


def test_tokens_that_count_alike_show_nothing(trace: Trace) -> None:
    finding = analysed(measured(trace, says=leaning(trace, lambda depth, layer: 1.0)))
    assert "are not shown to keep more" in finding.claim or "cannot be compared" in finding.claim


def test_values_by_hand(trace: Trace) -> None:
    says = leaning(trace, lambda depth, layer: 1.0 + depth)
    told = measured(trace, says=says)
    layer = reference_layer(trace.documents.pieces, trace.documents.kept)
    tokens = whole(trace, "tokens")
    lost = []
    answers = trace.documents.answers("baseline")
    pruned = trace.documents.answers("pruned")
    assert answers is not None
    assert pruned is not None
    for one, own in tokens[~tokens["special"]].groupby("example_id"):
        kept = (own["depth"] >= layer).to_numpy()
        if kept.any() and not kept.all():
            row = trace.documents.row_of(str(one))
            target = int(pruned.predicted[row, 0])
            alone = says("baseline", str(one), "mask", frozenset(own["position"][~kept]))
            lost.append(float(answers.probs[row, 0, target]) - alone[target])
    found = analysed(told).measurement("sufficiency", arm="baseline", layer=str(layer))
    assert found.value == pytest.approx(np.mean(lost), abs=1e-6)
    assert found.n == len(lost)


def test_random_sets_are_as_large_as_the_kept_one_and_hold_no_special_token(trace: Trace) -> None:
    asked: list[tuple[str, frozenset[int]]] = []

    def says(arm: str, example_id: str, do: str, where: frozenset[int]) -> list[float]:
        asked.append((example_id, where))
        assert do == "mask"
        return [0.5] * len(trace.about.labels)

    frame = Faithfulness(documents=20).measure(SyntheticBench(trace, says=says))
    assert frame is not None
    tokens = whole(trace, "tokens")
    special = {(str(r.example_id), r.position) for r in tokens.itertuples() if r.special}
    assert not any((one, at) in special for one, where in asked for at in where)
    sizes = frame.groupby(["example_id", "arm", "layer", "measure"])["tokens"].nunique()
    assert (sizes == 1).all()


def test_layers_that_leave_nearly_nothing_or_all_are_not_asked_about(trace: Trace) -> None:
    documents = trace.documents
    layers = set_layers(documents)
    assert layers
    assert layers[0] == reference_layer(documents.pieces, documents.kept)
    for layer in range(1, documents.kept.shape[1] + 1):
        kept = documents.kept[:, layer - 1]
        share = kept.sum() / documents.pieces.sum()
        fits = 0.05 <= share <= 0.95 and np.mean(kept < 2) <= 0.5
        assert (layer in layers) == fits


def test_nothing_pruned_is_not_applicable() -> None:
    assert analysed(measured(TRACES["nothing_pruned"])).status == "not_applicable"
