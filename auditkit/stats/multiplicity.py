"""p-values of tests made together; what is undefined is not counted as a test."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from auditkit.stats.estimates import Estimate

ALPHA = 0.05
"""Adjusted p below which a difference is said to be one; all levels follow from it."""

At = Callable[..., Estimate]
"""An estimate at a `level`."""


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted for the share of false discoveries (Benjamini & Hochberg 1995)."""
    from statsmodels.stats.multitest import fdrcorrection

    return _adjusted(p, lambda tested: fdrcorrection(tested)[1])


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted for any false discovery at all (Holm 1979)."""

    def stepped_down(tested: Sequence[float]) -> Iterable[float]:
        order = np.argsort(tested, kind="stable")
        steps = np.arange(len(tested), 0, -1) * np.asarray(tested)[order]
        adjusted = np.empty(len(tested))
        adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
        return adjusted

    # statsmodels' own collects garbage at every call: 0.2 s and more beside loaded models
    return _adjusted(p, stepped_down)


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


def _adjusted(
    p: Sequence[float | None], adjust: Callable[[Sequence[float]], Iterable[float]]
) -> list[float | None]:
    tested = [value for value in p if value is not None]
    adjusted = iter(adjust(tested) if tested else ())
    return [None if value is None else float(next(adjusted)) for value in p]
