"""How sure a share is, and the difference of two shares of the same rows: each with an interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats


def wilson(hits: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95 % interval of a share: (low, high). It stays within 0 and 1, and holds for few
    rows too.

    Example:
        >>> low, high = wilson(0, 10)
        >>> round(float(low), 3), round(float(high), 3)
        (0.0, 0.278)
    """
    hits = np.asarray(hits, dtype=float)
    n = np.asarray(n, dtype=float)
    z = stats.norm.ppf(0.975)
    middle = (hits + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(hits * (n - hits) / n + z**2 / 4)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def effective(group: ArrayLike) -> float:
    """How many independent rows are worth as much as these, of which rows of one group say the
    same: (sum m)^2 / sum m^2 for groups of m rows. Of groups of one size it is their number.

    Reference: Kish (1965), Survey Sampling.

    Example:
        >>> effective([0, 1, 2]), effective([0, 0, 1, 1]), effective([0, 0, 0, 1])
        (3.0, 2.0, 1.6)
    """
    size = np.unique(np.asarray(group), return_counts=True)[1]
    return float(size.sum() ** 2 / max((size**2).sum(), 1))


def paired_shares(g: float, h: float, n: float, level: float = 0.95) -> tuple[float, float, float]:
    """The difference of two shares of the same ``n`` rows: (difference, low, high).

    Of the rows, ``g`` are hits of the first alone, ``h`` of the second alone; all three are numbers
    of independent rows (see `effective`), which need not be whole. The interval is
    Tango's score interval: it has a width even where ``g = h = 0``, and stays within -1 and 1.
    Where few rows differ it promises too much; there it is widened to the exact one of g among the
    g + h rows that differ (Clopper and Pearson). So 0 lies outside exactly if McNemar's exact test
    finds p < 1 - level.

    References: Tango (1998), Statistics in Medicine 17; McNemar (1947), Psychometrika 12.

    Example:
        >>> difference, low, high = paired_shares(4, 0, 52)  # McNemar: p = 0.125
        >>> low < 0 < difference < high
        True
        >>> [round(value, 3) for value in paired_shares(0, 0, 52)]
        [0.0, -0.069, 0.069]
    """
    middle = (g - h) / n
    z = stats.norm.ppf((1 + level) / 2)
    ends = _tango(g, h, n, -z), _tango(g, h, n, z)
    if g + h:
        tail = (1 - level) / 2
        low = stats.beta.ppf(tail, g, h + 1) if g else 0.0
        high = stats.beta.ppf(1 - tail, g + 1, h) if h else 1.0
        ends = (
            min(ends[0], float(2 * low - 1) * (g + h) / n),
            max(ends[1], float(2 * high - 1) * (g + h) / n),
        )
    return middle, *ends


def _tango(g: float, h: float, n: float, side: float) -> float:
    """The end of Tango's interval below (side < 0) or above the difference that was seen."""
    middle = (g - h) / n
    far = float(np.sign(side))

    def beyond(d: float) -> float:
        """0 where the score statistic of the true difference ``d`` is ``-side``."""
        b = (2 * n - g + h) * d - g - h
        root = np.sqrt(max(b**2 + 8 * n * h * d * (1 - d), 0.0))
        second = max((root - b) / (4 * n), 0.0)  # share of the second alone, most likely given d
        return n * (middle - d) + side * np.sqrt(max(n * (2 * second + d * (1 - d)), 0.0))

    near = middle + 1e-9 * far  # at the middle itself, with g = h = 0, it is 0 too
    if middle == far or beyond(far) * beyond(near) >= 0:
        return far
    return float(optimize.brentq(beyond, near, far))
