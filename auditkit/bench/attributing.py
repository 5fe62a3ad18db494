"""Which tokens arms say that their predictions rest on."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from auditkit.bench.attribution import Attribution, Explained, attribute, batches
from auditkit.bench.leaving_out import without_each_word
from auditkit.bench.ltp_subject import ltp_subject
from auditkit.bench.stock import StockSubject
from auditkit.bench.subjects import Bench, Encoded
from auditkit.trace.caching import Part

COLUMNS = ("example_id", "arm", "method", "position", "attribution", "convergence")


def attributions(
    bench: Bench,
    arms: Sequence[str],
    methods: Sequence[str],
    documents: Mapping[str, Encoded],
    words: Mapping[str, np.ndarray],
    targets: Mapping[str, int],
    on_batch: Callable[[int], None],
    part: Part,
) -> pd.DataFrame:
    """`BenchView.attribute` of documents that are read already.

    Args:
        bench: Whose arms are asked.
        arms: Those that drop no tokens.
        methods: As `attribute` knows them.
        documents: By example id, in the order of ids.
        words: (n,) of each document, the word of each token; -1 of none.
        targets: Of each document, the class whose logit is attributed.
        on_batch: Told the number of documents after every batch, of which all is then known.
        part: Keeps the answers of a batch.

    Raises:
        CheckpointError: The bench has no such model.
        ProbeError: An unknown method.
        TraceError: There is no such arm.
    """
    ids = list(documents)
    weights = tuple(bench.subject(arm).about.sha256 for arm in arms)
    parts = [pd.DataFrame(columns=list(COLUMNS))]
    for batch in batches([len(document.token_ids) for document in documents.values()]):
        own = {ids[i]: documents[ids[i]] for i in batch}
        which = tuple((example_id, targets[example_id]) for example_id in own)
        decides = (attribute, tuple(arms), weights, tuple(methods), which)
        make = partial(_attributed, bench, arms, methods, own, words, targets)
        parts.append(part(decides, make))
        on_batch(len(batch))
    whole = pd.concat(parts[1:] or parts)
    return whole.sort_values("example_id", kind="stable", ignore_index=True)


def _attributed(
    bench: Bench,
    arms: Sequence[str],
    methods: Sequence[str],
    documents: Mapping[str, Encoded],
    words: Mapping[str, np.ndarray],
    targets: Mapping[str, int],
) -> pd.DataFrame:
    """What every arm says of one batch, by every method."""
    frames = []
    for arm in arms:
        for method in methods:
            answers = _answers(bench, arm, method, documents, words, targets)
            frames += [
                pd.DataFrame(
                    {
                        "example_id": example_id,
                        "arm": arm,
                        "method": method,
                        "position": np.arange(len(answer.values)),
                        "attribution": answer.values,
                        "convergence": answer.convergence,
                    }
                )
                for example_id, answer in zip(documents, answers, strict=True)
            ]
    return pd.concat(frames, ignore_index=True)


def _answers(
    bench: Bench,
    arm: str,
    method: str,
    documents: Mapping[str, Encoded],
    words: Mapping[str, np.ndarray],
    targets: Mapping[str, int],
) -> list[Attribution]:
    """Of each document of a batch, what an arm's prediction rests on."""
    stock = bench.subject(arm)
    if isinstance(stock, StockSubject):
        return [
            without_each_word(stock, one, words[name], stock.classes[targets[name]], method)
            for name, one in documents.items()
        ]
    subject = ltp_subject(bench, arm)
    explained = [
        Explained(one.token_ids, one.special, words[name], subject.classes[targets[name]])
        for name, one in documents.items()
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Captum's advice to its own callers
        return attribute(subject.model, explained, method)
