"""p-values of tests made together; what is undefined is not counted as a test."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from auditkit.stats.estimates import Estimate

ALPHA = 0.05
"""Adjusted p below which a difference is said to be one; all levels follow from it."""

At = Callable[..., Estimate]
"""An estimate at a `level`."""


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted for the share of false discoveries (Benjamini & Hochberg 1995)."""
    return _adjusted(p, "fdr_bh")


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted for any false discovery at all (Holm 1979)."""
    return _adjusted(p, "holm")


def at_any_level(estimate: Estimate) -> At:
    """How an estimate without interval is made: it is the same at every level."""
    return lambda level: estimate


def adjusted_together(found: Sequence[Estimate], at_level: Sequence[At]) -> list[Estimate]:
    """The same estimates, their p adjusted together (Benjamini & Hochberg 1995).

    Those of R that are called different, of m that are tested, have an interval of level 1 − α·R/m
    (Benjamini & Yekutieli 2005), so that it excludes what they are said to differ from.

    Args:
        found: One that has no p is not counted as a test, and stays as it is.
        at_level: How each is made anew at another level.
    """
    p = benjamini_hochberg([estimate.p for estimate in found])
    called = [value is not None and value < ALPHA for value in p]
    level = 1 - ALPHA * sum(called) / max(1, sum(value is not None for value in p))
    told = []
    for estimate, make, value, different in zip(found, at_level, p, called, strict=True):
        wanted = level if different else 1 - ALPHA
        own = estimate if value is None or estimate.level == wanted else make(level=wanted)
        told.append(replace(own, p_adjusted=value))
    return told


def _adjusted(p: Sequence[float | None], method: Literal["fdr_bh", "holm"]) -> list[float | None]:
    from statsmodels.stats.multitest import multipletests

    tested = [value for value in p if value is not None]
    adjusted = iter(multipletests(tested, method=method)[1]) if tested else iter(())
    return [None if value is None else float(next(adjusted)) for value in p]
