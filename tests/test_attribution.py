"""Attributions on a tiny model that prunes: what they sum to, and a path integral by hand."""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from captum.attr import LayerIntegratedGradients
from ltp_models import PAD, documents, pruning_model
from torch import Tensor

from auditkit.bench import attribution
from auditkit.bench.attribution import CONVERGED, METHODS, STEPS, attribute
from auditkit.errors import ProbeError
from auditkit.ltp import LTPForSequenceClassification

layouts = pytest.mark.parametrize("layout", ["bert", "roberta"])


@pytest.fixture(autouse=True)
def _captum_warns() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as `Bench.attribute` does
        yield


def frozen(layout: str) -> LTPForSequenceClassification:
    """As the bench opens it."""
    return pruning_model(layout).requires_grad_(False)


def special(ids: list[int]) -> list[bool]:
    return [place in (0, len(ids) - 1) for place in range(len(ids))]


def reference(ids: list[int], layout: str) -> list[int]:
    return [token if mark else PAD[layout] for token, mark in zip(ids, special(ids), strict=True)]


def logit(model: LTPForSequenceClassification, vectors: Tensor, target: int) -> Tensor:
    """The logit of one document from its word embeddings, put in with a hook: (n, D) to ()."""
    hook = model.embeddings.word_embeddings.register_forward_hook(
        lambda module, given, output: vectors[None]
    )
    try:
        logits = model(torch.zeros(1, len(vectors), dtype=torch.long), pruning="off").logits
    finally:
        hook.remove()
    assert logits is not None
    value: Tensor = logits[0, target]
    return value


def vectors(model: LTPForSequenceClassification, ids: list[int]) -> Tensor:
    return model.embeddings.word_embeddings.weight[ids].detach()


def gradient(model: LTPForSequenceClassification, at: Tensor, target: int) -> Tensor:
    point = at.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(logit(model, point, target), point)
    return slope


@layouts
def test_integrated_gradients_sum_to_the_difference(layout: str) -> None:
    model = frozen(layout)
    for ids in documents(12, seed=3)[5:]:
        found = attribute(model, ids, special(ids), [1], "integrated_gradients")
        with torch.no_grad():
            change = float(
                logit(model, vectors(model, ids), 1)
                - logit(model, vectors(model, reference(ids, layout)), 1)
            )
        gap = abs(found.values.sum() - change)
        assert gap == pytest.approx(found.convergence * abs(change), rel=0.02, abs=1e-4)
        assert found.convergence <= CONVERGED


def test_a_long_text_takes_more_passes_and_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    # 512 tokens took 4 GiB at 20 points, and 180 may follow
    model, ids = frozen("bert"), documents(12, seed=3)[-1]
    whole = attribute(model, ids, special(ids), [1], "integrated_gradients")
    seen: list[int] = []
    embeddings = model.embeddings.word_embeddings
    embeddings.register_forward_hook(lambda module, args, output: seen.append(output.shape[0]))
    monkeypatch.setattr(attribution, "PAIRS", 3 * len(ids) ** 2)
    parts = attribute(model, ids, special(ids), [1], "integrated_gradients")
    assert max(seen) == 3
    assert parts.values == pytest.approx(whole.values, rel=1e-4, abs=1e-7)
    assert parts.convergence == pytest.approx(whole.convergence, abs=1e-4)


@layouts
def test_integrated_gradients_equal_a_riemann_sum(
    layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribution, "STEPS", (180,))
    model = frozen(layout)
    ids = documents(8, seed=4)[7]
    found = attribute(model, ids, special(ids), [2], "integrated_gradients")
    start, end = vectors(model, reference(ids, layout)), vectors(model, ids)
    steps = 400
    total = torch.zeros_like(end)
    for step in range(steps):
        total += gradient(model, start + (step + 0.5) / steps * (end - start), 2) / steps
    expected = (total * (end - start)).sum(-1).numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.values, expected, atol=0.01 * scale)
    assert found.values[0] == found.values[-1] == 0.0  # special tokens are in the reference too
    assert np.abs(found.values[1:-1]).min() > 0


@layouts
def test_input_x_gradient_by_hand(layout: str) -> None:
    model = frozen(layout)
    ids = documents(8, seed=5)[6]
    found = attribute(model, ids, special(ids), [0], "input_x_gradient")
    at = vectors(model, ids)
    expected = (gradient(model, at, 0) * at).sum(-1).numpy()
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-5)
    assert np.isnan(found.convergence)


@pytest.mark.parametrize("method", METHODS)
def test_they_depend_on_nothing_but_the_document(method: str) -> None:
    model = frozen("bert")
    first, second = documents(9, seed=6)[6:8]
    alone = attribute(model, first, special(first), [1], method)
    attribute(model, second, special(second), [0], method)
    again = attribute(model, first, special(first), [1], method)
    np.testing.assert_array_equal(alone.values, again.values)
    with torch.no_grad():
        model.thresholds.add_(1.0)  # and not on what is pruned
    np.testing.assert_array_equal(
        attribute(model, first, special(first), [1], method).values, alone.values
    )
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_path_that_goes_nowhere_has_not_converged() -> None:
    """Special tokens alone: the document is its own reference."""
    found = attribute(frozen("bert"), [7, 8], [True, True], [0], "integrated_gradients")
    assert found.values.tolist() == [0.0, 0.0]
    assert found.convergence == float("inf")


def test_more_points_are_taken_only_where_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = frozen("bert")
    taken: list[int] = []
    original = LayerIntegratedGradients.attribute

    def counted(self: object, *given: object, **named: int) -> object:
        taken.append(named["n_steps"])
        return original(self, *given, **named)

    monkeypatch.setattr(LayerIntegratedGradients, "attribute", counted)
    ids = documents(8, seed=4)[6]
    attribute(model, ids, special(ids), [0], "integrated_gradients")
    assert tuple(taken) == STEPS[: len(taken)]
    taken.clear()
    monkeypatch.setattr(attribution, "CONVERGED", -1.0)
    attribute(model, ids, special(ids), [0], "integrated_gradients")
    assert tuple(taken) == STEPS


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(ProbeError, match="no attribution method 'lime'; available: input_x_grad"):
        attribute(frozen("bert"), [1, 2], [True, True], [0], "lime")
