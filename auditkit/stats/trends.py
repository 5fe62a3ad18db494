"""How a value of documents changes along another one."""

import numpy as np
from numpy.typing import NDArray

from auditkit.stats import student
from auditkit.stats.estimates import Estimate, too_few

Floats = NDArray[np.float64]


def change_slope(change: Floats, along: Floats, *, level: float = 0.95) -> Estimate:
    """Slope of the least-squares line of a change over `along`, linearised over documents.

    Each document adds (x − x̄)·e/Σ(x − x̄)², e its distance from the line, so that spread which
    differs along the line is allowed for (White 1980); Student's t with the degrees of freedom that
    these leave, and its p of 0.

    Args:
        change: What changes in each document (n,), 0 where nothing does.
        along: What it is held against (n,).
        level: Coverage aimed at.

    Returns:
        Per unit of `along`; undefined where all documents have the same.
    """
    n = len(change)
    if n == 0:
        return Estimate(None, 0, why_not="no documents")
    off = along - along.mean()
    squares = float(off @ off)
    if squares <= 1e-12 * n:
        return Estimate(None, n, why_not="all documents have the same one, or there is only one")
    value = float(off @ change) / squares
    if few := too_few("trend", n):
        return Estimate(value, n, why_not=few)
    if few := too_few("discordant", int((change != 0).sum())):
        return Estimate(value, n, why_not=f"{few} that change")
    influence = off * (change - change.mean() - value * off) / squares
    error, df = student.error_and_degrees(influence)
    half = student.quantile(level, df) * error
    p = student.two_sided(value / error, df)
    return Estimate(value, n, (value - half, value + half), p=p, level=level)
