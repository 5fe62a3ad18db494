"""Points of many dimensions as a picture of two."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def flat(vectors: NDArray[np.float32], seed: int) -> Floats:
    """(n, 2) of t-SNE (van der Maaten & Hinton 2008) after PCA to 50; the same for a seed.

    One thread, because threads add up in another order; coordinates are in units of their spread.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    n, size = vectors.shape
    with threadpool_limits(1):
        narrow = PCA(min(50, n, size), random_state=seed).fit_transform(vectors.astype(np.float64))
        points: Floats = TSNE(
            2, perplexity=min(30.0, (n - 1) / 3), init="pca", random_state=seed, n_jobs=1
        ).fit_transform(narrow)
    centred = points.astype(np.float64) - points.mean(0)
    rounded: Floats = np.round(centred / (np.abs(centred).max() or 1.0), 3)
    return rounded
