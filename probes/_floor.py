"""The noise floor of arithmetic: the same weights once more, in another implementation."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from auditkit.plugin import (
    ARMS,
    DECISION,
    Measurement,
    Shard,
    Trace,
    changed_decisions,
    measurement,
)
from auditkit.probes._arms import Answered, on_same
from auditkit.stats.estimates import document_share
from auditkit.stats.rates import ratio_of_sums


def repeated() -> str:
    """The arm that makes the decisions of the model under audit once more."""
    return next(arm.name for arm in ARMS if arm.role == "floor" and arm.pruning == "hard")


def arithmetic(
    trace: Trace, arms: Mapping[str, Answered]
) -> tuple[list[Measurement], tuple[str, ...]]:
    """Shares of predictions and keep decisions that differ, and what to bear in mind of them.

    Nothing where no arm repeats those of the model under audit.
    """
    repeat, audited = repeated(), trace.about.depths_of
    if audited is None or repeat not in arms:
        return [], ()
    again, first = on_same(arms[repeat], arms[audited])
    predictions = document_share(again.predicted[:, 0] != first.predicted[:, 0])
    counts = trace.fold(_decisions, by=["document"])
    changed, whole = counts["changed"].to_numpy(), counts["decisions"].to_numpy()
    decisions = ratio_of_sums(changed, whole, bounds=(0, 1))
    caveats: tuple[str, ...] = (DECISION,)
    if predictions.value == 0 and changed.sum() == 0:
        caveats += (
            f"The arm {repeat} differs from {audited} in 0 of {predictions.n:,} predictions and in "
            f"0 of {whole.sum():,} keep decisions: that is 0 because the engine's result does not "
            "depend on the implementation, not because there is no noise.",
        )
    found = {
        "changed_predictions": (predictions, None),
        "changed_decisions": (decisions, int(whole.sum())),
    }
    return [
        measurement(name, estimate, "share", n=n, at={"arm": repeat, "against": audited},
                    control=audited, better="lower")
        for name, (estimate, n) in found.items()
    ], caveats  # fmt: skip


def _decisions(shard: Shard) -> pd.DataFrame:
    """Keep decisions that differ between the two arms, by document."""
    key = ["document", "position"]
    again = shard.table("depths", [*key, "arm", "depth"])
    again = again.loc[again["arm"] == repeated(), [*key, "depth"]]
    both = again.merge(
        shard.table("tokens", [*key, "special", "depth"]), on=key, suffixes=("_again", "")
    )
    document, code = np.unique(both["document"].to_numpy(), return_inverse=True)
    changed, whole = changed_decisions(
        code,
        both["special"].to_numpy(dtype=bool),
        both["depth"].to_numpy(),
        both["depth_again"].to_numpy(),
        shard.about.layers,
    )
    return pd.DataFrame(
        {"document": document, "changed": changed.sum(1), "decisions": whole.sum(1)}
    )
