"""The document bootstrap: whole documents are drawn with replacement.

Words of one document are kept or dropped together, so the document is the unit. A resample is a
vector of document counts: any function of sums over documents is resampled by one matrix product,
without a loop over documents.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.errors import ProbeError

Floats = NDArray[np.float64]

_CHUNK_CELLS = 2**21  # 16 MB of float64 a chunk
_CHUNK_ROWS = 256


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How documents are resampled. Each use draws on from where `rng` stands."""

    rng: np.random.Generator
    """Source of the draws."""
    resamples: int = 2000

    def weights(self, n: int) -> Iterator[Floats]:
        """How often each of `n` documents stands in each resample.

        Args:
            n: Number of documents, at least 1.

        Yields:
            Chunks (m, n) of counts as float64; each row sums to `n`, the rows of all chunks are
            `resamples`. A chunk takes some 16 MB.

        Raises:
            ProbeError: `n` or `resamples` is below 1.
        """
        if n < 1 or self.resamples < 1:
            raise ProbeError(
                f"bootstrap of {n} documents, {self.resamples} times: expected at least 1 each"
            )
        rows = min(_CHUNK_ROWS, max(1, _CHUNK_CELLS // n))
        for start in range(0, self.resamples, rows):
            yield self._draw(min(rows, self.resamples - start), n)

    def _draw(self, m: int, n: int) -> Floats:
        drawn = self.rng.integers(0, n, size=(m, n))  # (m, n)
        drawn += np.arange(m)[:, None] * n
        return np.bincount(drawn.ravel(), minlength=m * n).reshape(m, n).astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """Column sums of per-document values (n, k) in every resample, (resamples, k).

        The same row is the same resample in every column, so ratios and differences of columns
        stay paired.

        Raises:
            ProbeError: There are no documents.
        """
        return np.concatenate([drawn @ values for drawn in self.weights(len(values))])


def percentile_interval(samples: Floats, level: float = 0.95) -> tuple[float, float]:
    """The central `level` of bootstrap samples (Efron & Tibshirani 1993, chapter 13).

    Args:
        samples: Resampled values (resamples,), all finite.
        level: Coverage aimed at.

    Raises:
        ProbeError: No samples, or one that is not finite.
    """
    drawn = np.asarray(samples, dtype=np.float64)
    if drawn.size == 0 or not np.isfinite(drawn).all():
        raise ProbeError(
            f"percentile interval of {drawn.size} samples, {int((~np.isfinite(drawn)).sum())} of "
            "them not finite: expected at least one, all finite"
        )
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def percentile_p(samples: Floats) -> float:
    """Two-sided p of 0 by `percentile_interval`: 1 less the widest level that leaves out 0.

    Of m samples it is no less than 2/(m + 1): more resamples could have shown one on the other
    side.

    Args:
        samples: Resampled values (resamples,), all finite.
    """
    drawn = np.sort(np.asarray(samples, dtype=np.float64))
    rank = np.linspace(0.0, 1.0, drawn.size)
    shares = []
    for ordered in (drawn, -drawn[::-1]):  # how far 0 reaches into the samples, from either end
        reached = int(np.searchsorted(ordered, 0.0, side="right"))
        if reached == 0:
            shares.append(0.0)
        elif reached == drawn.size:
            shares.append(1.0)
        else:
            near = slice(reached - 1, reached + 1)
            shares.append(float(np.interp(0.0, ordered[near], rank[near])))
    return min(1.0, max(2 * min(shares), 2 / (drawn.size + 1)))
