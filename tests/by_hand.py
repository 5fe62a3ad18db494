"""What several tests recompute with other code than auditkit's."""

import numpy as np
from scipy.stats import kurtosis


def degrees(residuals: np.ndarray) -> float:
    """Satterthwaite's degrees of freedom of the variance of residuals, at most n − 1."""
    n = residuals.size
    return float(min(n - 1, max(1, 2 * n / (kurtosis(residuals, fisher=False) - 1))))
