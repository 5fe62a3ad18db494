"""Which tokens a prediction rests on, by gradients: sole home of Captum.

Attributions are computed with pruning off, since the path integral jumps where a hard mask does,
one document at a time, so that they do not depend on what else is audited.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import LayerGradientXActivation, LayerIntegratedGradients
from torch import Tensor

from auditkit.errors import ProbeError
from auditkit.ltp import LTPForSequenceClassification
from auditkit.text import one_of

CONVERGED = 0.05
"""|δ| may be this share of |f(x) − f(x′)|."""
STEPS = (20, 60, 180)
"""Points on the path; the next number is taken where the one before did not converge."""

PAIRS = 20 * 128**2
"""Pairs of tokens that attend to each other in one pass: the points of a path go through in as many
passes as that takes, so that memory grows neither with their number nor a text's length squared."""

METHODS = ("integrated_gradients", "input_x_gradient")


@dataclass(frozen=True, slots=True)
class Attribution:
    """One document's answer."""

    values: np.ndarray
    """(n,) float64 by token: signed, summed over the embedding."""
    convergence: float
    """|δ| / |f(x) − f(x′)|, NaN where the method has none."""


def attribute(
    model: LTPForSequenceClassification,
    token_ids: Sequence[int],
    special: Sequence[bool],
    target: Sequence[int],
    method: str,
) -> Attribution:
    """Attribute the logit of a class to the word embeddings of one document.

    A class that is made of several has the logarithm of their summed exponentials as its logit, as
    its probability is the sum of theirs.

    The reference x′ has padding in place of every token that is not special. Integrated gradients:
    Sundararajan, Taly, Yan, ICML 2017.

    Args:
        model: In evaluation mode; its parameters need no gradients.
        token_ids: The document.
        special: Which tokens are special.
        target: Indices of the model's classes that it is made of.
        method: One of `METHODS`.

    Raises:
        ProbeError: An unknown method.
    """
    if method not in METHODS:
        raise ProbeError(f"no attribution method {method!r}; {one_of(METHODS, method)}")
    embeddings = model.embeddings.word_embeddings
    ids = torch.tensor([list(token_ids)], device=model.device)
    forward = _logit(model, target)
    if method == "input_x_gradient":
        raw = LayerGradientXActivation(forward, embeddings).attribute(ids)
        return Attribution(_by_token(raw), float("nan"))
    padding = torch.full_like(ids, model.config.pad_token_id or 0)
    reference = torch.where(torch.tensor([list(special)], device=ids.device), ids, padding)
    with torch.no_grad():
        ends = forward(torch.cat([ids, reference])).double()
    distance = float(abs(ends[0] - ends[1]))
    explainer = LayerIntegratedGradients(forward, embeddings)
    for steps in STEPS:
        raw, delta = explainer.attribute(
            ids,
            baselines=reference,
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=max(1, PAIRS // ids.numel() ** 2),
            return_convergence_delta=True,
        )
        gap = abs(float(delta)) / distance if distance else float("inf")
        if gap <= CONVERGED:
            break
    return Attribution(_by_token(raw), gap)


def _logit(
    model: LTPForSequenceClassification, target: Sequence[int]
) -> Callable[[Tensor], Tensor]:
    def forward(ids: Tensor) -> Tensor:
        logits = model(ids, torch.ones_like(ids), pruning="off").logits
        assert logits is not None
        return logits[:, list(target)].logsumexp(1)

    return forward


def _by_token(raw: Tensor) -> np.ndarray:
    values: np.ndarray = raw.detach().double().sum(-1)[0].cpu().numpy()
    return values
