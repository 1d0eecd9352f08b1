"""How sure a share is: hits of n, with an interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def wilson(hits: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95 % interval of a share: (low, high). It stays within 0 and 1, and holds for few
    rows too.

    Example:
        >>> low, high = wilson(0, 10)
        >>> round(float(low), 3), round(float(high), 3)
        (0.0, 0.278)
    """
    hits, n = np.asarray(hits, dtype=float), np.asarray(n, dtype=float)
    z = stats.norm.ppf(0.975)
    middle = (hits + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(hits * (n - hits) / n + z**2 / 4)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
