"""Which tokens a prediction rests on, by gradients and by leaving words out: sole home of Captum.

Attributions are computed with pruning off, since the path integral jumps where a hard mask does.
Documents of like length go through the model together; which ones follows from the sample alone
(`batches`), not from how a run is set up or whether it was cut off.

Shapes: B documents, T padded tokens, n tokens of a document, C classes of the model.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import LayerGradientXActivation, LayerIntegratedGradients
from numpy.typing import NDArray
from torch import Tensor

from auditkit.errors import ProbeError
from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.inference import pad, plan, run
from auditkit.text import one_of

CONVERGED = 0.05
"""|δ| may be this share of |f(x) − f(x′)|."""
STEPS = (20, 40, 80, 160)
"""Points on the path; documents that do not converge with one number of them take the next."""

TOGETHER = 512
"""Padded tokens of the documents that are attributed together."""
PAIRS = 20 * 128**2
"""Pairs of tokens that attend to each other in one pass with gradients, each document counted as
128 tokens at least: the points of a path go through in as many passes as that takes, so that memory
grows neither with their number nor a text's length squared."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A document, and the class whose logit is attributed to its tokens."""

    token_ids: Sequence[int]
    special: NDArray[np.bool_]
    """(n,) which tokens are special."""
    words: NDArray[np.int64]
    """(n,) the word of each token, -1 of none."""
    target: Sequence[int]
    """Indices of the model's classes that the class is made of."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """One document's answer."""

    values: NDArray[np.float64]
    """(n,) by token: signed; NaN of a token that cannot be left out."""
    convergence: float
    """|δ| / |f(x) − f(x′)|, NaN where the method has none."""


def batches(lengths: Sequence[int]) -> list[NDArray[np.int64]]:
    """Which documents are attributed together, by their numbers of tokens: the longest first."""
    return plan(lengths, TOGETHER)


def attribute(
    model: LTPForSequenceClassification, documents: Sequence[Explained], method: str
) -> list[Attribution]:
    """Attribute the logit of a class to the tokens of each document.

    A class that is made of several has the logarithm of their summed exponentials as its logit, as
    its probability is the sum of theirs. What a document is given depends on those beside it by
    rounding alone.

    Args:
        model: In evaluation mode; its parameters need no gradients.
        documents: No more than one of `batches`.
        method: One of `METHODS`.

    Raises:
        ProbeError: An unknown method.
    """
    if method not in METHODS:
        raise ProbeError(f"no attribution method {method!r}; {one_of(METHODS, method)}")
    return METHODS[method](model, documents)


def _input_x_gradient(
    model: LTPForSequenceClassification, documents: Sequence[Explained]
) -> list[Attribution]:
    """Word embedding times gradient, summed over the embedding."""
    ids, _, *given = _padded(model, documents)
    explainer = LayerGradientXActivation(_logit(model), model.embeddings.word_embeddings)
    raw = explainer.attribute(ids, additional_forward_args=tuple(given))
    return [
        Attribution(values[: len(document.token_ids)], float("nan"))
        for document, values in zip(documents, _by_token(raw), strict=True)
    ]


def _integrated_gradients(
    model: LTPForSequenceClassification, documents: Sequence[Explained]
) -> list[Attribution]:
    """Sundararajan, Taly, Yan, ICML 2017, over word embeddings.

    The reference x′ has padding in place of every token that is not special. Documents that do not
    converge go on to more points together.
    """
    ids, special, *given = _padded(model, documents)
    reference = torch.where(special, ids, model.config.pad_token_id or 0)
    forward = _logit(model)
    with torch.no_grad():
        changes = (forward(ids, *given).double() - forward(reference, *given).double()).cpu()
    explainer = LayerIntegratedGradients(forward, model.embeddings.word_embeddings)
    length = ids.shape[1]
    answers: dict[int, Attribution] = {}
    left = list(range(len(documents)))
    for steps in STEPS:
        raw = explainer.attribute(
            ids[left],
            baselines=reference[left],
            additional_forward_args=tuple(part[left] for part in given),
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=max(len(left), PAIRS // (length * max(length, 128))),
        )
        for at, values in zip(left, _by_token(raw), strict=True):
            change = float(changes[at])
            gap = abs(values.sum() - change) / abs(change) if change else float("inf")
            answers[at] = Attribution(values[: len(documents[at].token_ids)], float(gap))
        left = [at for at in left if not answers[at].convergence <= CONVERGED]
        if not left:
            break
    return [answers[at] for at in range(len(documents))]


def _leave_one_out(
    model: LTPForSequenceClassification, documents: Sequence[Explained]
) -> list[Attribution]:
    """What the logit loses without a word, in equal parts to its pieces.

    The word's pieces are not read; all others keep their positions. Li, Monroe, Jurafsky,
    arXiv 1612.08220. In equal parts, so that a word counts for what it does and not for how many
    pieces it has. A piece of no word is left out alone.
    """
    return [_without_each_word(model, document) for document in documents]


def _without_each_word(model: LTPForSequenceClassification, document: Explained) -> Attribution:
    group = _left_out(document)
    number = int(group.max(initial=-1)) + 1
    read = [np.ones(len(group), dtype=bool), *(group != left for left in range(number))]
    said = np.empty(len(read))
    for result in run(model, [document.token_ids] * len(read), pruning="off", read=read):
        logits = result.logits[:, list(document.target)].astype(np.float64)
        said[result.indices] = np.logaddexp.reduce(logits, axis=1)
    out = group >= 0
    values = np.where(document.special, 0.0, np.nan)
    values[out] = ((said[0] - said[1:]) / np.bincount(group[out]))[group[out]]
    return Attribution(values, float("nan"))


METHODS: Mapping[
    str, Callable[[LTPForSequenceClassification, Sequence[Explained]], list[Attribution]]
] = {
    "integrated_gradients": _integrated_gradients,
    "input_x_gradient": _input_x_gradient,
    "leave_one_out": _leave_one_out,
}


def _left_out(document: Explained) -> NDArray[np.int64]:
    """(n,) what each token is left out with, counted from 0; -1 of those that stay.

    These are the special ones, and the first, which the prediction is made from.
    """
    alone = document.words.max(initial=-1) + 1 + np.arange(len(document.words))
    own = np.where(document.words >= 0, document.words, alone)
    leaves = ~document.special
    leaves[:1] = False
    group = np.full(len(own), -1)
    group[leaves] = np.unique(own[leaves], return_inverse=True)[1]
    return group


def _padded(
    model: LTPForSequenceClassification, documents: Sequence[Explained]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(B, T) token ids, (B, T) bool which are special, (B, T) attention mask, (B, C) bool class."""
    classes = np.arange(model.config.num_labels or 0)
    lengths = [len(document.token_ids) for document in documents]
    return (
        pad([d.token_ids for d in documents], model.config.pad_token_id or 0, model.device),
        pad([d.special for d in documents], 1, model.device).bool(),
        pad([np.ones(length) for length in lengths], 0, model.device),
        pad([np.isin(classes, d.target) for d in documents], 0, model.device).bool(),
    )


def _logit(
    model: LTPForSequenceClassification,
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Token ids, attention mask and class to the logit of the class (B,)."""

    def forward(ids: Tensor, mask: Tensor, target: Tensor) -> Tensor:
        logits = model(ids, mask, pruning="off").logits
        assert logits is not None
        return logits.masked_fill(~target, -torch.inf).logsumexp(1)

    return forward


def _by_token(raw: Tensor) -> NDArray[np.float64]:
    """(B, T) sums over the embedding (B, T, D)."""
    values: NDArray[np.float64] = raw.detach().double().sum(-1).cpu().numpy()
    return values
