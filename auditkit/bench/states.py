"""Hidden states of an arm's tokens and documents."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from auditkit.bench.ltp_subject import ltp_subject
from auditkit.bench.subjects import Bench, Encoded
from auditkit.ltp.states import document_states, token_states
from auditkit.trace import arms


def states(
    bench: Bench,
    arm: str,
    documents: Sequence[Encoded],
    layer: int | None,
    on_document: Callable[[int], None],
) -> Iterator[tuple[int, np.ndarray]]:
    """Which document, and its states.

    Args:
        bench: Whose arm is asked.
        arm: Its name; for states of tokens one that drops none.
        documents: As `Bench.encode` gives them.
        layer: (n, D) of all tokens after so many layers; None: (D,) of the first token after the
            last.
        on_document: Told 1 after every document.

    Raises:
        CheckpointError: The bench has no such model.
        TraceError: There is no such arm.
    """
    model, token_ids = ltp_subject(bench, arm).model, [one.token_ids for one in documents]
    tokens = bench.settings.batch_tokens
    if layer is None:
        pruning = "off" if arms.arm(arm).pruning == "off" else "hard"
        found = document_states(model, token_ids, pruning, batch_tokens=tokens)
    else:
        found = token_states(model, token_ids, layer, batch_tokens=tokens)
    for index, own in found:
        on_document(1)
        yield index, own


def states_at(
    bench: Bench,
    arm: str,
    documents: Mapping[str, Encoded],
    places: pd.DataFrame,
    layer: int,
    on_document: Callable[[int], None],
) -> np.ndarray:
    """`BenchView.token_states` on documents that are read already, by example id."""
    ids, rows_of = list(documents), places.groupby("example_id").indices
    position = places["position"].to_numpy(dtype=np.int64)
    found = np.zeros((len(places), bench.model.about.hidden_size), dtype=np.float32)
    for index, own in states(bench, arm, list(documents.values()), layer, on_document):
        rows = np.asarray(rows_of[ids[index]])
        found[rows] = own[position[rows]]
    return found
