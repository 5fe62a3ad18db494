"""What an arm says where tokens are kept, dropped or left unread against its own decisions."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from auditkit.bench.subjects import Bench, Encoded
from auditkit.errors import TraceError
from auditkit.text import one_of
from auditkit.trace import arms

DOINGS = ("keep", "drop", "mask")
"""What can be done to a token; the first two to tokens of an arm that drops some."""


def intervene(
    bench: Bench,
    arm: str,
    documents: Mapping[str, Encoded],
    changes: pd.DataFrame,
    on_batch: Callable[[int], None],
) -> pd.DataFrame:
    """`BenchView.intervene` on documents that are read already.

    Args:
        bench: Whose arm is asked.
        arm: One that runs on all documents.
        documents: By example id.
        changes: One row a question.
        on_batch: Told the number of questions after every batch.

    Raises:
        TraceError: A change is none of `DOINGS`, is none that the arm can be put to, or names a
            position that holds no token but a special one.
    """
    able = DOINGS if arms.arm(arm).pruning != "off" else ("mask",)
    asked = [documents[example_id] for example_id in changes["example_id"]]
    masks: dict[str, list[np.ndarray]] = {do: [] for do in DOINGS}
    for document, do, positions in zip(asked, changes["do"], changes["positions"], strict=True):
        if do not in able:
            raise TraceError(f"arm {arm}: {do!r} cannot be done to a token; {one_of(able, do)}")
        chosen = _chosen(document, positions)
        for name, rows in masks.items():
            rows.append(chosen if name == do else np.zeros_like(chosen))
    forced = {"force_keep": masks["keep"], "force_drop": masks["drop"]} if "keep" in able else {}
    read = [~row for row in masks["mask"]]
    answers = bench.answer(arm, asked, on_batch=on_batch, read=read, **forced)
    return changes.assign(
        predicted=[answer.predicted for answer in answers],
        probs=[answer.probs.tolist() for answer in answers],
    )


def _chosen(document: Encoded, positions: Sequence[int]) -> np.ndarray:
    """(n,) bool: which tokens are meant."""
    chosen = np.zeros(len(document.token_ids), dtype=bool)
    for position in positions:
        if not 0 <= position < len(chosen) or document.special[position]:
            raise TraceError(
                f"position {position} of a document of {len(chosen)} tokens holds no token that "
                "can be changed: expected one that is not special"
            )
        chosen[position] = True
    return chosen
