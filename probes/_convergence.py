"""Whether integrated gradients add up to what they explain."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from auditkit.plugin import Label, Number, Row, Told, columns, tabulate
from auditkit.probes._attribution import METHOD
from auditkit.stats.estimates import document_share

CONVERGED = 0.05
CONVERGED_SHARE = 0.95


def converged_by_arm(measured: pd.DataFrame) -> dict[str, np.ndarray]:
    """By arm, in which documents the attributions add up to `CONVERGED` (documents,)."""
    mine = measured[measured["method"] == METHOD]
    found = {}
    for arm, group in mine.groupby("arm", sort=False):
        gap = group.groupby("example_id", sort=False)["convergence"].max()
        found[str(arm)] = (gap <= CONVERGED).to_numpy(dtype=bool)  # NaN is a miss
    return found


def missed_caveats(converged: Mapping[str, np.ndarray]) -> list[str]:
    """What to bear in mind of arms on which too few documents converged."""
    missed = [arm for arm, hits in converged.items() if hits.mean() < CONVERGED_SHARE]
    if not missed:
        return []
    return [
        f"Integrated gradients did not converge to {CONVERGED:.0%} in enough documents on "
        f"{' and '.join(missed)}; their agreement may be that of a numerical error."
    ]


def convergence_table(converged: Mapping[str, np.ndarray]) -> Told:
    """One row an arm."""
    return tabulate(
        "convergence",
        "Convergence of integrated gradients",
        [
            Label("arm", "Arm"),
            *columns(("documents", "Documents", "count"), ("missed", "Missed", "count")),
            Number("converged", "Converged", "share", f"Attributions add up to f(x) − f(x′) within "
                   f"{CONVERGED:.0%}; {CONVERGED_SHARE:.0%} of the documents should.",
                   better="higher"),
        ],
        [
            Row(
                {"arm": arm},
                {"converged": document_share(hits)},
                {"documents": len(hits), "missed": int((~hits).sum())},
            )
            for arm, hits in converged.items()
        ],
    )  # fmt: skip
