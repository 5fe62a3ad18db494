"""Reaching a share of MACs: the cost, the schedule, the controller, the offset."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ltp_models import PAD, batch, documents, tiny_stock

from auditkit.ltp import LTPConfig, LTPForSequenceClassification
from auditkit.ltp.checkpoints import from_stock
from auditkit.ltp.cost import count, macs_share
from auditkit.ltp.inference import evaluate
from auditkit.ltp.layouts import LAYOUTS
from auditkit.ltp.training.budget import LambdaController, fit_offset, rising_schedule, warm_start

DOCUMENTS = documents(60, seed=31)


def unpruned(layout: str = "bert", layers: int = 4) -> LTPForSequenceClassification:
    return from_stock(tiny_stock(layout, seed=30, num_hidden_layers=layers)).eval()


def share_of(model: LTPForSequenceClassification) -> float:
    return evaluate(model, DOCUMENTS, [0] * len(DOCUMENTS), pruning="hard").macs_share


# --- counting --------------------------------------------------------------------------------


@given(
    hidden=st.integers(1, 64),
    inner=st.integers(1, 128),
    lengths=st.lists(st.lists(st.integers(0, 500), min_size=2, max_size=2), min_size=2, max_size=6),
)
def test_macs_are_the_products_of_the_layers_matrices(
    hidden: int, inner: int, lengths: list[list[int]]
) -> None:
    config = LTPConfig(hidden_size=hidden, num_attention_heads=1, intermediate_size=inner)
    cost = count(config, np.array(lengths))
    for layer in range(len(lengths) - 1):
        for document in range(2):
            n, m = lengths[layer][document], lengths[layer + 1][document]
            qkv_and_out = 4 * n * hidden * hidden
            scores_and_context = 2 * n * n * hidden
            assert cost.attention[layer, document] == qkv_and_out + scores_and_context
            assert cost.ffn[layer, document] == 2 * m * hidden * inner
    assert cost.total.tolist() == (cost.attention.sum(0) + cost.ffn.sum(0)).tolist()


def test_macs_do_not_overflow() -> None:
    config = LTPConfig(hidden_size=1024, num_attention_heads=16, intermediate_size=4096)
    lengths = np.full((25, 1), 100_000, dtype=np.int32)
    layer = 2 * 1024 * 10**10 + 4 * 1024**2 * 10**5 + 2 * 1024 * 4096 * 10**5
    assert count(config, lengths).total.tolist() == [24 * layer]


def test_the_share_is_one_where_nothing_is_pruned_and_falls_with_every_token() -> None:
    config = LTPConfig(hidden_size=32, num_attention_heads=4, intermediate_size=64)
    full = np.full((4, 3), 20)
    assert macs_share(config, full) == 1.0
    seen = []
    for layer in range(1, 4):
        pruned = full.copy()
        pruned[layer:] = 10
        seen.append(macs_share(config, pruned))
    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[-1] < 1.0


# --- the schedule ----------------------------------------------------------------------------


@given(layers=st.integers(2, 24), target=st.floats(0.2, 1.0))
@settings(deadline=None)
def test_the_schedule_falls_and_costs_its_target(layers: int, target: float) -> None:
    after = rising_schedule(layers, target)
    assert after.shape == (layers,)
    assert (np.diff(after) <= 0).all()
    assert (after > 0).all()
    assert after[0] <= 1.0
    cost = 0.0
    before = 1.0
    for share in after:
        cost += before / 3 + share * 2 / 3
        before = share
    cheapest = 1 / (3 * layers)
    assert cost / layers == pytest.approx(max(target, cheapest), abs=1e-6)


# --- the controller --------------------------------------------------------------------------


def test_lambda_rises_while_batches_cost_too_much_and_falls_while_too_little() -> None:
    dear, cheap = LambdaController(0.5), LambdaController(0.5)
    before = dear.value
    for _ in range(10):
        dear.update(0.9)
        assert dear.value > before
        before = dear.value
    before = cheap.value
    for _ in range(10):
        cheap.update(0.2)
        assert cheap.value < before
        before = cheap.value


def test_lambda_follows_the_running_mean() -> None:
    controller = LambdaController(0.5, 0.01, gain=0.5, damping=2.0, smoothing=0.8)
    mean, log = 1.0, np.log(0.01)
    for number, seen in enumerate([1.0, 0.6, 0.2, 0.9]):
        mean = seen if number == 0 else 0.8 * mean + 0.2 * seen
        log += 0.5 * (mean - 0.5)
        assert controller.update(seen) == pytest.approx(mean)
        assert controller.value == pytest.approx(np.exp(log + 2.0 * (mean - 0.5)))


def test_lambda_brings_thresholds_to_the_target_and_does_not_swing_about_it() -> None:
    """Thresholds that rise where λ outweighs what the loss gives, and whose share follows them."""

    def shares(**changes: float) -> np.ndarray:
        controller = LambdaController(0.5, 0.01, **changes)  # type: ignore[arg-type]
        share, seen = 0.6, []
        for _ in range(250):
            controller.update(share)
            share = float(np.clip(share - 0.004 * np.tanh(np.log(controller.value / 0.05)), 0, 1))
            seen.append(share)
        return np.array(seen)

    assert np.abs(shares()[120:] - 0.5).max() < 0.05
    assert np.abs(shares(damping=0.0)[120:] - 0.5).max() > 0.1  # what the damping is there for


@given(st.lists(st.floats(0, 1), max_size=300), st.floats(0, 20), st.floats(0.05, 1))
def test_lambda_stays_in_its_bounds(seen: list[float], start: float, target: float) -> None:
    controller = LambdaController(target, start, gain=5.0)
    for share in seen:
        controller.update(share)
        assert 1e-5 <= controller.value <= 10.0


def test_without_a_target_lambda_stays() -> None:
    controller = LambdaController(None, 0.03)
    for share in (1.0, 0.5, 0.1):
        controller.update(share)
    assert controller.value == 0.03
    assert controller.share is not None


def test_a_controller_goes_on_from_its_state() -> None:
    first = LambdaController(0.4, 0.02)
    first.update(0.9)
    first.update(0.2)
    second = LambdaController(0.4, **first.state())  # type: ignore[arg-type]
    for share in (0.7, 0.3):
        assert second.update(share) == first.update(share)
        assert second.value == first.value


# --- meeting the target ----------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("target", [0.4, 0.5, 0.7])
def test_thresholds_are_started_and_moved_to_the_target(layout: str, target: float) -> None:
    model = unpruned(layout)
    warm_start(model, DOCUMENTS, target)
    started = model.thresholds.detach().clone()
    assert (started > 0).all()
    assert share_of(model) == pytest.approx(target, abs=0.15)
    offset = fit_offset(model, DOCUMENTS, target)
    assert share_of(model) == pytest.approx(target, abs=0.03)
    torch.testing.assert_close(model.thresholds.detach(), (started + offset).clamp(min=0.0))


def test_a_warm_start_takes_the_quantiles_that_the_schedule_asks_for() -> None:
    model = unpruned()
    warm_start(model, DOCUMENTS, 0.5)
    with torch.no_grad():
        output = model(**batch(DOCUMENTS, PAD["bert"]), pruning="hard")
    assert output.depth is not None
    mask = batch(DOCUMENTS, PAD["bert"])["attention_mask"].bool()
    mask[:, 0] = False  # protected
    depth = output.depth[mask]
    after = [(depth > layer).float().mean().item() for layer in range(4)]
    np.testing.assert_allclose(after, rising_schedule(4, 0.5), atol=0.02)


def test_unprotected_first_tokens_are_among_the_quantiles() -> None:
    model = unpruned()
    model.config.protect_first = False
    short = documents(60, seed=32, longest=5)
    warm_start(model, short, 0.5)
    inputs = batch(short, PAD["bert"])
    with torch.no_grad():
        output = model(**inputs, pruning="hard")
    assert output.depth is not None
    depth = output.depth[inputs["attention_mask"].bool()]
    after = [(depth > layer).float().mean().item() for layer in range(4)]
    np.testing.assert_allclose(after, rising_schedule(4, 0.5), atol=0.02)


@pytest.mark.parametrize("start", [0.0, 1e-6, 0.9])
def test_an_offset_is_found_from_anywhere(start: float) -> None:
    """Also from thresholds that a weak λ left far below, or a strong one far above, the target."""
    model = unpruned()
    with torch.no_grad():
        model.thresholds.fill_(start)
    offset = fit_offset(model, DOCUMENTS, 0.6)
    assert share_of(model) == pytest.approx(0.6, abs=0.03)
    assert (offset > 0) == (start < 0.5)


def test_a_target_of_one_prunes_nothing() -> None:
    model = unpruned()
    warm_start(model, DOCUMENTS, 1.0)
    fit_offset(model, DOCUMENTS, 1.0)
    assert share_of(model) == pytest.approx(1.0, abs=0.01)


def test_an_evaluation_is_counted_by_hand() -> None:
    model = unpruned()
    warm_start(model, DOCUMENTS, 0.5)
    labels = [n % 3 for n in range(len(DOCUMENTS))]
    model.train(True)
    seen = evaluate(model, DOCUMENTS, labels, pruning="hard", batch_tokens=100)
    assert model.training
    model.eval()
    right, alive = 0, np.zeros(5)
    for row, label in zip(DOCUMENTS, labels, strict=True):
        with torch.no_grad():
            output = model(torch.tensor([row]), pruning="hard")
        assert output.logits is not None
        assert output.lengths is not None
        right += int(output.logits.argmax() == label)
        alive += output.lengths[:, 0].numpy()
    assert seen.accuracy == right / len(labels)
    assert seen.keep_rates == tuple(alive[1:] / alive[0])
    assert seen.documents == len(labels)
