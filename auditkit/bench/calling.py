"""What an arm says in padded batches, as deployments call it, and at thresholds moved a little."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from auditkit.bench.ltp_subject import LTPSubject, ltp_subject
from auditkit.bench.subjects import Bench, Encoded
from auditkit.errors import TraceError
from auditkit.ltp.deciding import bounds, with_thresholds
from auditkit.ltp.inference import run
from auditkit.ltp.padded import masked
from auditkit.text import one_of

FORMS = ("model", "masks")
"""The checkpoint's own `model(input_ids, attention_mask)`, and masks in plain padded attention."""
SIDES = ("right", "left")


@dataclass(frozen=True, slots=True)
class Call:
    """How documents are put into padded batches."""

    batch_size: int
    """Documents a batch, in the order asked for, whatever their lengths."""
    extra: int
    """Tokens of padding beyond the longest of a batch."""
    width: int = 0
    """Tokens that a batch is at least padded to."""
    side: str = "right"
    form: str = "model"


def padded(
    bench: Bench,
    arm: str,
    documents: Mapping[str, Encoded],
    call: Call,
    on_batch: Callable[[int], None],
) -> pd.DataFrame:
    """`BenchView.padded` on documents that are read already.

    Args:
        bench: Whose arm is asked.
        arm: One that drops tokens.
        documents: By example id, in the order of batches.
        call: How they are called.
        on_batch: Told the number of documents after every batch.

    Raises:
        TraceError: The call is none that there is.
    """
    for value, known in ((call.form, FORMS), (call.side, SIDES)):
        if value not in known:
            raise TraceError(f"no such way of calling: {value!r}; {one_of(known, value)}")
    if call.batch_size < 1 or min(call.extra, call.width) < 0:
        raise TraceError(
            f"batches of {call.batch_size} documents with {call.extra} tokens more, at least "
            f"{call.width}; expected 1 or more, and no number below 0"
        )
    subject, token_ids = ltp_subject(bench, arm), [one.token_ids for one in documents.values()]
    said: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []
    for start in range(0, len(token_ids), call.batch_size):
        rows = token_ids[start : start + call.batch_size]
        said += _batch(subject, rows, call)
        on_batch(len(rows))
    probs = subject.grouped(np.stack([own for own, _, _ in said]))
    return pd.DataFrame(
        {
            "example_id": list(documents),
            "predicted": probs.argmax(1),
            "probs": probs.tolist(),
            "depths": [depths.tolist() for _, depths, _ in said],
            "returns": [None if back is None else back.tolist() for _, _, back in said],
        }
    )


def scored(
    bench: Bench,
    arm: str,
    documents: Mapping[str, Encoded],
    factor: float,
    on_batch: Callable[[int], None],
) -> pd.DataFrame:
    """`BenchView.scored` on documents that are read already; arguments as `padded`."""
    subject, ids = ltp_subject(bench, arm), list(documents)
    model = with_thresholds(subject.model, factor)
    thresholds = model.thresholds.tolist()
    rows: list[dict[str, object] | None] = [None] * len(ids)
    results = run(
        model,
        [one.token_ids for one in documents.values()],
        batch_tokens=bench.settings.batch_tokens,
        pruning="hard",
        output_scores=True,
    )
    for result in results:
        assert result.scores is not None  # they were asked for
        grouped = subject.grouped(result.probs)
        for place, index in enumerate(result.indices.tolist()):
            probs, scores = grouped[place], result.scores[place]
            rows[index] = {
                "example_id": ids[index],
                "predicted": int(probs.argmax()),
                "probs": probs.tolist(),
                "depths": result.depths[place].tolist(),
                "scores": scores.ravel().tolist(),
                "bounds": bounds(model.config, thresholds, scores).tolist(),
            }
        on_batch(len(result.indices))
    return pd.DataFrame(rows)


@torch.inference_mode()
def _batch(
    subject: LTPSubject, rows: Sequence[Sequence[int]], call: Call
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """Probabilities (C',), depths (n,) and returns (n,) of each document of a batch."""
    model = subject.model
    width = max(max(map(len, rows)) + call.extra, call.width)
    ids = np.full((len(rows), width), model.config.pad_token_id or 0, dtype=np.int64)
    mask = np.zeros_like(ids)
    spans = [slice(0, len(row)) if call.side == "right" else slice(width - len(row), width)
             for row in rows]  # fmt: skip
    for place, (row, span) in enumerate(zip(rows, spans, strict=True)):
        ids[place, span], mask[place, span] = row, 1
    inputs = [torch.from_numpy(array).to(model.device) for array in (ids, mask)]
    back: Tensor | None = None
    if call.form == "model":
        output = model(*inputs, pruning="hard")
        assert output.logits is not None
        assert output.depth is not None
        logits, depth = output.logits, output.depth
    else:
        # the original divides by the width of the batch; `padded:N` stands for one such width
        by_width = model.config.padded_length is not None
        logits, depth, attended = masked(model, *inputs, by_width=by_width)
        layers = torch.arange(len(attended), device=depth.device)[:, None, None]
        gone = ((~attended).cumsum(0) > 0) | (layers > depth)  # by attention, or by decision
        back = (attended & gone).sum(0)
    probs = torch.softmax(logits.float(), -1).cpu().numpy()
    depths = depth.cpu().numpy()
    returns = None if back is None else back.to(torch.int8).cpu().numpy()
    for place, span in enumerate(spans):
        yield probs[place], depths[place, span], None if returns is None else returns[place, span]
