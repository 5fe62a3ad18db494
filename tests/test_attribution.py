"""Attributions on a tiny model that prunes: what they sum to, and a path integral by hand."""

import warnings
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from captum.attr import LayerIntegratedGradients
from ltp_models import PAD, documents, pruning_model
from torch import Tensor

from auditkit.bench import attribution
from auditkit.bench.attribution import (
    CONVERGED,
    METHODS,
    STEPS,
    TOGETHER,
    Attribution,
    Explained,
    attribute,
    batches,
)
from auditkit.errors import ProbeError
from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.layouts import LAYOUTS

layouts = pytest.mark.parametrize("layout", ["bert", "roberta"])
"""A head with ReLU has kinks, over which integrals of a random tiny model converge slowly."""


@pytest.fixture(autouse=True)
def _captum_warns() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as the bench does
        yield


def frozen(layout: str) -> LTPForSequenceClassification:
    """As the bench opens it."""
    return pruning_model(layout).requires_grad_(False)


def special(ids: list[int]) -> list[bool]:
    return [place in (0, len(ids) - 1) for place in range(len(ids))]


def explained(
    ids: list[int], target: Sequence[int], words: Sequence[int] | None = None
) -> Explained:
    """A document whose first and last tokens are special; by default each other is a word."""
    marks = np.array(special(ids))
    own = np.where(marks, -1, np.arange(len(ids))) if words is None else np.array(words)
    return Explained(ids, marks, own, target)


def alone(
    model: LTPForSequenceClassification, ids: list[int], target: Sequence[int], method: str
) -> Attribution:
    (found,) = attribute(model, [explained(ids, target)], method)
    return found


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
        found = alone(model, ids, [1], "integrated_gradients")
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
    whole = alone(model, ids, [1], "integrated_gradients")
    seen: list[int] = []
    embeddings = model.embeddings.word_embeddings
    embeddings.register_forward_hook(lambda module, args, output: seen.append(output.shape[0]))
    monkeypatch.setattr(attribution, "PAIRS", 3 * len(ids) * 128)
    parts = alone(model, ids, [1], "integrated_gradients")
    assert max(seen) == 3
    assert parts.values == pytest.approx(whole.values, rel=1e-4, abs=1e-7)
    assert parts.convergence == pytest.approx(whole.convergence, abs=1e-4)


@layouts
def test_integrated_gradients_equal_a_riemann_sum(
    layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribution, "STEPS", (160,))
    model = frozen(layout)
    ids = documents(8, seed=4)[7]
    found = alone(model, ids, [2], "integrated_gradients")
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


@pytest.mark.parametrize("layout", LAYOUTS)
def test_input_x_gradient_by_hand(layout: str) -> None:
    model = frozen(layout)
    ids = documents(8, seed=5)[6]
    found = alone(model, ids, [0], "input_x_gradient")
    at = vectors(model, ids)
    expected = (gradient(model, at, 0) * at).sum(-1).numpy()
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-5)
    assert np.isnan(found.convergence)


@pytest.mark.parametrize("method", METHODS)
def test_they_depend_on_nothing_but_the_document(method: str) -> None:
    model = frozen("bert")
    first, second = documents(9, seed=6)[6:8]
    once = alone(model, first, [1], method)
    alone(model, second, [0], method)
    again = alone(model, first, [1], method)
    np.testing.assert_array_equal(once.values, again.values)
    with torch.no_grad():
        model.thresholds.add_(1.0)  # and not on what is pruned
    np.testing.assert_array_equal(alone(model, first, [1], method).values, once.values)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_path_that_goes_nowhere_has_not_converged() -> None:
    """Special tokens alone: the document is its own reference."""
    found = alone(frozen("bert"), [7, 8], [0], "integrated_gradients")
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
    alone(model, ids, [0], "integrated_gradients")
    assert tuple(taken) == STEPS[: len(taken)]
    taken.clear()
    monkeypatch.setattr(attribution, "CONVERGED", -1.0)
    alone(model, ids, [0], "integrated_gradients")
    assert tuple(taken) == STEPS


@layouts
@pytest.mark.parametrize("method", METHODS)
def test_documents_beside_change_nothing_but_rounding(layout: str, method: str) -> None:
    model = frozen(layout)
    batch = [explained(ids, [n % 3, 2][: 1 + n % 2]) for n, ids in enumerate(documents(9, seed=7))]
    together = attribute(model, batch, method)
    assert [len(found.values) for found in together] == [len(one.token_ids) for one in batch]
    for one, found in zip(batch, together, strict=True):
        (single,) = attribute(model, [one], method)
        scale = np.abs(single.values).max()
        np.testing.assert_allclose(found.values, single.values, rtol=1e-5, atol=1e-5 * scale)
        np.testing.assert_allclose(found.convergence, single.convergence, atol=1e-4)


def test_only_documents_that_have_not_converged_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model = frozen("bert")
    batch = [explained(ids, [0]) for ids in documents(12, seed=3)[5:]]
    monkeypatch.setattr(attribution, "STEPS", (2, 40))
    monkeypatch.setattr(attribution, "CONVERGED", -1.0)
    every = attribute(model, batch, "integrated_gradients")
    monkeypatch.setattr(attribution, "STEPS", (2,))
    few = attribute(model, batch, "integrated_gradients")
    monkeypatch.undo()
    monkeypatch.setattr(attribution, "STEPS", (2, 40))
    found = attribute(model, batch, "integrated_gradients")
    went_on = [one.convergence > CONVERGED for one in few]
    assert 0 < sum(went_on) < len(batch)
    for one, more, less, on in zip(found, every, few, went_on, strict=True):
        np.testing.assert_allclose(one.values, (more if on else less).values, rtol=1e-4, atol=1e-6)


def test_documents_of_like_length_go_together_and_bound_what_is_done_at_once() -> None:
    lengths = np.random.default_rng(8).integers(1, 513, 60).tolist()
    parts = batches(lengths)
    assert sorted(np.concatenate(parts).tolist()) == list(range(60))
    for part in parts:
        longest = max(lengths[i] for i in part)
        assert len(part) == 1 or len(part) * longest <= TOGETHER
    ends = [(lengths[part[0]], lengths[part[-1]]) for part in parts]
    assert all(after[0] <= before[1] for before, after in pairwise(ends))
    assert batches([]) == []


def said(model: LTPForSequenceClassification, ids: list[int], mask: list[int]) -> Tensor:
    """(C,) logits of one document of which some tokens are not read."""
    with torch.no_grad():
        logits = model(torch.tensor([ids]), torch.tensor([mask]), pruning="off").logits
    assert logits is not None
    return logits[0].double()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_leaving_words_out_by_hand(layout: str) -> None:
    """Pieces of a word go together and share what the logit loses; others keep their positions."""
    model, ids = frozen(layout), [5, 20, 21, 22, 30, 40, 41, 6]
    words = [-1, 4, 4, 4, 9, -1, -1, -1]  # two pieces are of no word: each is left out alone
    (found,) = attribute(model, [explained(ids, [0, 2], words)], "leave_one_out")
    whole = said(model, ids, [1] * 8)[[0, 2]].logsumexp(0)
    expected = np.zeros(8)
    for pieces in ([1, 2, 3], [4], [5], [6]):
        mask = [int(place not in pieces) for place in range(8)]
        without = said(model, ids, mask)[[0, 2]].logsumexp(0)
        expected[pieces] = float(whole - without) / len(pieces)
    np.testing.assert_allclose(found.values, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(expected[1:-1]).min() > 1e-3
    assert np.isnan(found.convergence)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ids", [[7], [7, 8], [7, 9, 8]])
def test_documents_of_hardly_a_token(ids: list[int], method: str) -> None:
    found = alone(frozen("bert"), ids, [1], method)
    assert found.values.shape == (len(ids),)
    assert np.isfinite(found.values).all()


def test_a_first_token_that_is_not_special_cannot_be_left_out() -> None:
    """The prediction is made from it, so that it has no value; the others have theirs."""
    model, none = frozen("bert"), np.zeros(4, dtype=bool)
    (found,) = attribute(
        model, [Explained([9, 20, 21, 22], none, np.arange(4), [1])], "leave_one_out"
    )
    assert np.isnan(found.values[0])
    whole, without = (said(model, [9, 20, 21, 22], [1, 1, n, 1])[1] for n in (1, 0))
    assert found.values[2] == pytest.approx(float(whole - without), rel=1e-4, abs=1e-6)


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(ProbeError, match="no attribution method 'lime'; available: input_x_grad"):
        alone(frozen("bert"), [1, 2], [0], "lime")
