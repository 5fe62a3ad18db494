"""How early survival and attributions come to the marked tokens of the sampled documents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import Estimate, Trace
from auditkit.probes._attribution import METHODS
from auditkit.probes._marks import SPANS, overlapping
from auditkit.stats.agreement import as_depth
from auditkit.stats.estimates import document_mean, mean_change
from auditkit.stats.multiplicity import At, adjusted_together
from auditkit.stats.rationales import Ranking, by_score, ranking

Scores = NDArray[np.float64] | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Beside:
    """Survival beside the attribution of one method, on the same documents."""

    method: str
    documents: int
    survival: Estimate
    """Average precision."""
    attribution: Estimate
    """The same, of the depths dealt by |attribution|: with the same ties, so of the same chance."""
    change: Estimate
    """The former less the latter, paired."""


def ranked(
    trace: Trace, measured: pd.DataFrame | None
) -> tuple[Mapping[str, Ranking], list[Beside], int]:
    """What attributions come to by method, survival beside them, and how many documents are broken.

    Nothing of any method where nothing was measured.
    """
    if measured is None or measured.empty:
        return {}, [], 0
    documents, broken = _documents(trace, measured)
    if not documents:
        return {}, [], broken
    scores, rows, makers = {}, [], list[At]()
    for method in METHODS:
        sizes = [own[method].abs().to_numpy(dtype=np.float64) for own in documents]
        scores[method] = _ranking(sizes, documents)
        depths = [own["depth"].to_numpy(dtype=np.int64) for own in documents]
        survival = _ranking(depths, documents).precision
        dealt = [as_depth(size, depth) for size, depth in zip(sizes, depths, strict=True)]
        attribution = _ranking(dealt, documents).precision
        makers.append(partial(mean_change, survival - attribution))
        rows.append(
            Beside(method, len(documents), document_mean(survival), document_mean(attribution),
                   makers[-1]())
        )  # fmt: skip
    together = adjusted_together([row.change for row in rows], makers)
    return scores, [replace(row, change=e) for row, e in zip(rows, together, strict=True)], broken


def _documents(trace: Trace, measured: pd.DataFrame) -> tuple[list[pd.DataFrame], int]:
    """Tokens that are not special, document by document in the order of ids.

    Columns marked, depth and the methods; and how many documents had to be left out.
    """
    ids, key = sorted(set(measured["example_id"])), ["example_id", "position"]
    spans = pd.concat(list(trace.scan("rationales", SPANS, ids=ids)))
    wanted = [*key, *SPANS, "special", "depth"]
    tokens = pd.concat(list(trace.scan("tokens", wanted, ids=ids)), ignore_index=True)
    tokens = tokens.assign(marked=overlapping(tokens, spans))[~tokens["special"]]
    sizes = measured.pivot(index=key, columns="method", values="attribution")
    joined = tokens.join(sizes[list(METHODS)], on=key)
    whole: list[pd.DataFrame] = []
    broken = 0
    for _, own in joined.groupby("example_id", sort=True):
        if np.isfinite(own[list(METHODS)].to_numpy(dtype=np.float64)).all():
            if 0 < own["marked"].sum() < len(own):
                whole.append(own)
        else:
            broken += 1
    return whole, broken


def _ranking(scores: Iterable[Scores], documents: Sequence[pd.DataFrame]) -> Ranking:
    """Of every document's own scores."""
    found = [
        ranking(*by_score(score, own["marked"].to_numpy(dtype=bool)))
        for score, own in zip(scores, documents, strict=True)
    ]
    return Ranking(*(np.concatenate(part) for part in zip(*found, strict=True)))
