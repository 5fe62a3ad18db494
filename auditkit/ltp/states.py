"""Hidden states: of tokens after a layer, and of documents at the end."""

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from auditkit.ltp.batch_pass import Pass
from auditkit.ltp.inference import BATCH_TOKENS, pad, plan
from auditkit.ltp.layers import LTPLayer
from auditkit.ltp.modeling import LTPForSequenceClassification


@torch.inference_mode()
def token_states(
    model: LTPForSequenceClassification,
    token_ids: Sequence[Sequence[int]],
    layer: int,
    *,
    batch_tokens: int = BATCH_TOKENS,
) -> Iterator[tuple[int, np.ndarray]]:
    """States of every token with pruning off, document by document, the longest first.

    Args:
        model: In evaluation mode, on its device.
        token_ids: Each document's tokens.
        layer: After which, 1..L; 0: the word embeddings alone, which know nothing of a context.
        batch_tokens: Padded tokens per batch; results do not depend on it.

    Yields:
        Which document, and its tokens' states (n, D) float32.
    """
    for indices, run, x in _batches(model, token_ids, layer, "off", batch_tokens):
        if layer == 0:
            rows = [
                model.embeddings.word_embeddings(torch.tensor(token_ids[i], device=x.device))
                for i in indices
            ]
        else:
            rows = list(torch.split(x[: run.packing.alive], run.packing.lengths.tolist()))
        for index, states in zip(indices, rows, strict=True):
            yield int(index), states.float().cpu().numpy()


@torch.inference_mode()
def document_states(
    model: LTPForSequenceClassification,
    token_ids: Sequence[Sequence[int]],
    pruning: str,
    *,
    batch_tokens: int = BATCH_TOKENS,
) -> Iterator[tuple[int, np.ndarray]]:
    """The first token's state after the last layer, which the prediction is made of.

    Args:
        model: In evaluation mode, on its device.
        token_ids: Each document's tokens.
        pruning: `off` or `hard`.
        batch_tokens: Padded tokens per batch; results do not depend on it.

    Yields:
        Which document, and the state (D,) float32.
    """
    layers = model.config.num_hidden_layers
    for indices, run, x in _batches(model, token_ids, layers, pruning, batch_tokens):
        first = run.first_rows(x)[: len(indices)].float().cpu().numpy()
        yield from zip(map(int, indices), first, strict=True)


def _batches(
    model: LTPForSequenceClassification,
    token_ids: Sequence[Sequence[int]],
    layers: int,
    pruning: str,
    batch_tokens: int,
) -> Iterator[tuple[np.ndarray, Pass, Tensor]]:
    """Batch by batch: which documents, the pass, and its rows after so many layers."""
    device, fill = model.device, model.config.pad_token_id or 0
    for indices in plan([len(ids) for ids in token_ids], batch_tokens):
        rows = [token_ids[i] for i in indices]
        mask = pad([np.ones(len(row), dtype=np.int64) for row in rows], 0, device)
        run = Pass(model.config, model.thresholds, mask, pruning, None, None, None, False)
        x = model.embed(pad(rows, fill, device), None, run)
        for number in range(layers):
            x = run.through(number, cast(LTPLayer, model.layers[number]), x)
        yield indices, run, x
