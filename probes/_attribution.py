"""Survival depths and attributions of the sampled documents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import About, Trace, arm

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

METHOD, SECOND, OTHER = METHODS = ("integrated_gradients", "input_x_gradient", "leave_one_out")
"""The one that claims rest on, a second of its family, and one of another."""

FAMILIES = {METHOD: "gradient", SECOND: "gradient", OTHER: "leave-one-out"}


@dataclass(frozen=True, slots=True)
class Attributed:
    """The pieces of one document that are not special."""

    example_id: str
    position: Floats  # (n,)
    depth: Ints  # (n,) of the arm that drops tokens
    drawn: Ints | None  # (n,) of the first draw of the control, where it was run
    sizes: dict[tuple[str, str], Floats]  # |attribution| (n,) by arm and method


def attributed_arms(about: About) -> tuple[str, ...]:
    """Whose attributions are asked for: the weights under audit unpruned, then their reference."""
    return about.unpruned + about.in_role("reference")


def drawn_arm(about: About) -> str | None:
    """The control that keeps as many tokens at random, where it was run."""
    return next((name for name in about.in_role("control") if arm(name).drawn), None)


def attributed(trace: Trace, measured: pd.DataFrame) -> tuple[list[Attributed], int]:
    """The measured documents in the order of their ids, and how many had to be left out."""
    ids, key = sorted(set(measured["example_id"])), ["example_id", "position"]
    tokens = _of(trace, "tokens", [*key, "special", "depth"], ids)
    others = _of(trace, "depths", [*key, "arm", "draw", "depth"], ids)
    first = others[(others["arm"] == drawn_arm(trace.about)) & (others["draw"] == 0)]
    sizes = measured.pivot(index=key, columns=["arm", "method"], values="attribution").abs()
    joined = tokens[~tokens["special"]].join(first.set_index(key)["depth"].rename("drawn"), on=key)
    sources = [(name, method) for name in attributed_arms(trace.about) for method in METHODS]
    documents, broken = [], 0
    for example_id, group in joined.groupby("example_id", sort=True):
        own = sizes.reindex(pd.MultiIndex.from_frame(group[key]))
        if not np.isfinite(own.to_numpy(dtype=np.float64)).all():
            broken += 1
            continue
        documents.append(
            Attributed(
                str(example_id),
                group["position"].to_numpy(dtype=np.float64),
                group["depth"].to_numpy(dtype=np.int64),
                None if group["drawn"].isna().any() else group["drawn"].to_numpy(dtype=np.int64),
                {source: own[source].to_numpy(dtype=np.float64) for source in sources},
            )
        )
    return documents, broken


def _of(trace: Trace, table: str, columns: Sequence[str], ids: Sequence[str]) -> pd.DataFrame:
    """The sampled documents' rows of a table of tokens."""
    return pd.concat(list(trace.scan(table, columns, ids=ids)), ignore_index=True)
