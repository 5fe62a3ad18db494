"""The document bootstrap: whole documents are drawn with replacement.

Words of one document are kept or dropped together, so the document is the unit. A resample is a
vector of document counts: any function of sums over documents is resampled by one matrix product,
without a loop over documents.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from auditkit.errors import ProbeError

Floats = NDArray[np.float64]
Table = NDArray[Any] | sparse.csr_array
"""Sums of each document (n, k), dense or, where most are 0, sparse."""

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

    def sums(self, values: Table) -> Floats:
        """Column sums of per-document values (n, k) in every resample, (resamples, k).

        The same row is the same resample in every column, so ratios and differences of columns
        stay paired.

        Raises:
            ProbeError: There are no documents.
        """
        return self.paired_sums(values)[0]

    def paired_sums(self, *tables: Table) -> tuple[Floats, ...]:
        """As `sums`, of several tables with a row a document: each under the same resamples."""
        chunks = [
            [resampled_sums(w, table) for table in tables] for w in self.weights(tables[0].shape[0])
        ]
        return tuple(np.concatenate(of_table) for of_table in zip(*chunks, strict=True))


def resampled_sums(weights: Floats, table: Table) -> Floats:
    """`weights` (m, n) times `table` (n, k), as (m, k) float64.

    A sparse table is multiplied in its own type, so that its values are not copied.
    """
    if isinstance(table, np.ndarray):
        return np.asarray(weights @ table, dtype=np.float64)
    turned = np.ascontiguousarray(weights.T, dtype=table.dtype)  # (n, m)
    return np.asarray((table.T @ turned).T, dtype=np.float64)


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
