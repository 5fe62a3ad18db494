"""Reaching a target share of MACs: users think in budgets, not in λ.

Three means, the first two of which are deviations from the paper and recorded as such:
the thresholds start where the scores of the fine-tuned model put the target (`warm_start`), one
offset common to all thresholds is fitted by Brent's method (bisection and secant steps) before and
after the hard stage (`fit_offset`), and during the soft stage a controller moves λ
(`LambdaController`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy.optimize import brentq

from auditkit.ltp.cost import macs_share
from auditkit.ltp.inference import BATCH_TOKENS, pad, plan, run
from auditkit.ltp.modeling import LTPForSequenceClassification

CLOSE = 5e-4
"""A share of MACs this near to the target meets it."""
FINEST = 1e-7
"""The smallest difference between two offsets that are tried."""
TOLERANCE = 0.03
"""A target is met where the share of MACs on held-out documents is so near to it."""


@dataclass(slots=True)
class LambdaController:
    """λ, and proportional-integral control of log λ on the share of MACs that batches cost.

    λ moves the thresholds' rate of change, not the share itself. The integral alone, an integrator
    behind an integrator, swings around the target (on AG News to a share of .38 for one of .5, λ
    falling to nothing); the proportional part damps it.
    """

    target: float | None
    """None: λ stays what it is."""
    value: float = 1e-2
    """λ, now."""
    share: float | None = None
    """Running mean of the share seen."""
    integral: float | None = None
    """log λ without the proportional part; None: log λ."""
    gain: float = 0.25
    """Of the integral, per batch."""
    damping: float = 8.0
    """Of the proportional part."""
    smoothing: float = 0.9
    bounds: tuple[float, float] = (1e-5, 10.0)

    def update(self, seen: float) -> float:
        """Take in one batch's share; returns the running mean."""
        before = seen if self.share is None else self.share
        self.share = self.smoothing * before + (1 - self.smoothing) * seen
        if self.target is not None:
            low, high = np.log(self.bounds)
            error = self.share - self.target
            if self.integral is None:
                self.integral = float(np.log(max(self.value, self.bounds[0])))
            self.integral = float(np.clip(self.integral + self.gain * error, low, high))
            self.value = float(np.clip(np.exp(self.integral + self.damping * error), *self.bounds))
        return self.share

    def state(self) -> dict[str, float | None]:
        """What a resumed stage needs."""
        return {"value": self.value, "share": self.share, "integral": self.integral}


def rising_schedule(layers: int, target: float) -> np.ndarray:
    """(L,) shares of tokens alive after each layer that cost `target` of the unpruned MACs.

    The shares are (1 − 0.95·l/L)^p with p solved for; an encoder layer spends a third of its MACs
    on the tokens that enter and two thirds on those that stay (attention's quadratic term apart).
    """
    base = 1.0 - 0.95 * np.arange(1, layers + 1) / layers

    def share(power: float) -> float:
        after = base**power
        before = np.concatenate([[1.0], after[:-1]])
        return float((before / 3 + after * 2 / 3).mean())

    low, high = 0.0, 64.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) > target else (low, middle)
    return np.asarray(base**low)


@torch.no_grad()
def warm_start(
    model: LTPForSequenceClassification, token_ids: Sequence[Sequence[int]], target: float
) -> None:
    """Set each layer's threshold to the quantile of its scores that `rising_schedule` asks for.

    Layer by layer, because what a layer drops changes the scores of the next.
    """
    layers = model.config.num_hidden_layers
    schedule = np.concatenate([[1.0], rising_schedule(layers, target)])
    model.eval()
    model.thresholds.fill_(torch.finfo(torch.float32).tiny)  # above 0, where a layer has no scores
    for layer in range(layers):
        pooled = np.concatenate(list(_scores(model, token_ids, layer)))
        if len(pooled):
            rate = min(1.0, float(schedule[layer + 1] / schedule[layer]))
            model.thresholds[layer] = float(np.quantile(pooled, 1.0 - rate))


def _scores(
    model: LTPForSequenceClassification, token_ids: Sequence[Sequence[int]], layer: int
) -> Iterator[np.ndarray]:
    """Scores in `layer` of the tokens alive there, without protected ones."""
    for indices in plan([len(ids) for ids in token_ids], BATCH_TOKENS):
        rows = [token_ids[i] for i in indices]
        mask = pad([np.ones(len(row), dtype=np.int64) for row in rows], 0, model.device)
        ids = pad(rows, model.config.pad_token_id or 0, model.device)
        output = model(ids, mask, pruning="hard", output_scores=True)
        assert output.depth is not None
        assert output.scores is not None
        alive = mask.bool() & (output.depth >= layer)
        alive[:, 0] &= not model.config.protect_first
        yield output.scores[layer][alive].cpu().numpy()


def fit_offset(
    model: LTPForSequenceClassification, token_ids: Sequence[Sequence[int]], target: float
) -> float:
    """Move all thresholds by one offset so that these documents cost `target` of their MACs.

    Returns:
        The offset, already applied. Thresholds never fall below 0, where nothing is pruned.
    """
    model.eval()
    start = model.thresholds.detach().clone()
    most = float(start.max()) + 1e-3

    def move(offset: float) -> None:
        with torch.no_grad():
            model.thresholds.copy_((start + offset).clamp(min=0.0))

    @cache
    def miss(offset: float) -> float:
        if offset == -most:
            return 1.0 - target  # all thresholds are 0: nothing is pruned
        move(offset)
        results = run(model, token_ids, pruning="hard")
        lengths = np.concatenate([result.lengths for result in results], axis=1)
        gap = macs_share(model.config, lengths) - target
        return 0.0 if abs(gap) < CLOSE else gap

    high = most  # the share falls as the offset rises, and no score is above 1
    while high < 1.0 and miss(high) > 0.0:
        high *= 2
    offset = high if miss(high) > 0.0 else float(brentq(miss, -most, high, xtol=FINEST))
    move(offset)
    return offset
