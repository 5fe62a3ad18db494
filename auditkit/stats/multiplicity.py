"""p-values of tests made together; what is undefined is not counted as a test."""

from collections.abc import Sequence
from typing import Literal


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted for the share of false discoveries (Benjamini & Hochberg 1995)."""
    return _adjusted(p, "fdr_bh")


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted for any false discovery at all (Holm 1979)."""
    return _adjusted(p, "holm")


def _adjusted(p: Sequence[float | None], method: Literal["fdr_bh", "holm"]) -> list[float | None]:
    from statsmodels.stats.multitest import multipletests

    tested = [value for value in p if value is not None]
    adjusted = iter(multipletests(tested, method=method)[1]) if tested else iter(())
    return [None if value is None else float(next(adjusted)) for value in p]
