"""Survival depths and attributions of the sampled documents, and what is set against what."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import Trace
from auditkit.stats.agreement import (
    Score,
    as_depth,
    corrected_precision,
    kendall_tau,
    layer_auroc,
    partial_spearman,
)
from auditkit.stats.estimates import Estimate, document_mean
from auditkit.stats.resampling import Bootstrap

METHOD, SECOND = "integrated_gradients", "input_x_gradient"
ARMS = ("unpruned", "baseline")
"""Whose attributions: computed without pruning, on the weights under audit and their reference."""

METHODS_MEET, MODELS_MEET = "method against method", "model against model"


@dataclass(frozen=True, slots=True)
class Attributed:
    """The pieces of one document that are not special."""

    position: NDArray[np.float64]  # (n,)
    depth: NDArray[np.int64]  # (n,) of the arm `pruned`
    random: NDArray[np.int64] | None  # (n,) of the first random draw, where there is one
    sizes: dict[tuple[str, str], NDArray[np.float64]]  # |attribution| (n,) by arm and method


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison over all documents."""

    kind: str
    """`agreement`, `ceiling` or `control`."""
    arm: str
    against: str
    values: dict[str, Estimate]
    """By statistic."""
    left_out: dict[str, Counter[str]]
    """Per statistic, documents without a value by reason."""

    @property
    def label(self) -> str:
        """As the table names it."""
        return f"{self.kind}: {self.arm}, {self.against}"


def attributed(trace: Trace, measured: pd.DataFrame) -> tuple[list[Attributed], int]:
    """The measured documents in the order of their ids, and how many had to be left out."""
    ids, key = sorted(set(measured["example_id"])), ["example_id", "position"]
    tokens = _of(trace, "tokens", [*key, "special", "depth"], ids)
    others = _of(trace, "depths", [*key, "arm", "draw", "depth"], ids)
    first = others[(others["arm"] == "random") & (others["draw"] == 0)].set_index(key)["depth"]
    sizes = measured.pivot(index=key, columns=["arm", "method"], values="attribution").abs()
    joined = tokens[~tokens["special"]].join(first.rename("random"), on=key)
    documents, broken = [], 0
    for _, group in joined.groupby("example_id", sort=True):
        own = sizes.reindex(pd.MultiIndex.from_frame(group[key]))
        if not np.isfinite(own.to_numpy(dtype=np.float64)).all():
            broken += 1
            continue
        documents.append(
            Attributed(
                group["position"].to_numpy(dtype=np.float64),
                group["depth"].to_numpy(dtype=np.int64),
                None if group["random"].isna().any() else group["random"].to_numpy(dtype=np.int64),
                {
                    (arm, method): own[arm, method].to_numpy(dtype=np.float64)
                    for arm in ARMS
                    for method in (METHOD, SECOND)
                    if (arm, method) in own.columns
                },
            )
        )
    return documents, broken


def compared(
    documents: Sequence[Attributed], layers: int, bootstrap: Bootstrap
) -> list[Comparison]:
    """All comparisons: agreement, then ceilings, then the control."""
    sources = list(documents[0].sizes) if documents else []
    arms = [arm for arm in ARMS if (arm, METHOD) in sources]
    plan = [("agreement", arm, method) for arm in arms for method in (METHOD, SECOND)]
    plan += [("ceiling", arm, METHODS_MEET) for arm in arms]
    if "baseline" in arms:
        plan.append(("ceiling", "baseline", MODELS_MEET))
    if any(d.random is not None for d in documents):
        plan.append(("control", "random", METHOD))
    found = []
    for kind, arm, against in plan:
        sides = (_sides(document, kind, arm, against) for document in documents)
        scores = [_scores(*pair, layers) for pair in sides if pair is not None]
        values, left_out = {}, {}
        for name in ("kendall_tau", "auroc", "corrected_precision", "partial_spearman"):
            column = [score[name] for score in scores]
            known = np.array([s.value for s in column if s.value is not None], dtype=np.float64)
            left_out[name] = Counter(s.why_not for s in column if s.value is None)
            values[name] = document_mean(known, bootstrap)
        found.append(Comparison(kind, arm, against, values, left_out))
    return found


def _of(trace: Trace, table: str, columns: Sequence[str], ids: Sequence[str]) -> pd.DataFrame:
    """The sampled documents' rows of a table of tokens."""
    return pd.concat(list(trace.scan(table, columns, ids=ids)), ignore_index=True)


def _sides(
    document: Attributed, kind: str, arm: str, against: str
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]] | None:
    """Depths, sizes and positions that a comparison sets against each other."""
    sizes, depth, position = document.sizes, document.depth, document.position
    if kind == "agreement":
        return depth, sizes[arm, against], position
    if kind == "control":
        if document.random is None:
            return None
        return document.random, sizes["unpruned", METHOD], position
    if against == METHODS_MEET:
        return as_depth(sizes[arm, METHOD], depth), sizes[arm, SECOND], position
    return as_depth(sizes["unpruned", METHOD], depth), sizes["baseline", METHOD], position


def _scores(
    depth: NDArray[np.int64],
    size: NDArray[np.float64],
    position: NDArray[np.float64],
    layers: int,
) -> dict[str, Score]:
    """One document's statistics by name."""
    return {
        "kendall_tau": kendall_tau(depth, size),
        "auroc": layer_auroc(depth, size, layers),
        "corrected_precision": corrected_precision(depth, size, layers),
        "partial_spearman": partial_spearman(depth, size, position),
    }
