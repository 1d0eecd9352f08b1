"""Reference answers of the robot lab, and what its checks compare with."""

import numpy as np
from scipy import stats


def moves_left(leads, goal):
    """leads (n_cells, 4), the cell to which each button leads -> (n_cells,) fewest moves to the goal."""
    d = np.full(len(leads), np.inf)
    d[goal] = 0
    for _ in range(len(leads)):  # no shortest way visits a cell twice
        d = np.minimum(d, 1 + d[np.asarray(leads)].min(1))
    return d


def mirrored_policy(W, b):
    """W (4, n_seen), b (4,) for plain controls -> the W and b that drive the same way when mirrored."""
    swap = [0, 3, 2, 1]  # north, west, south, east
    return W[swap], b[swap]


def share_by_maps(arrived):
    """arrived (n_maps, n_starts), 1 or 0 -> (share, low, high): 95 %, by Student's t; maps are the trials."""
    of_maps = np.asarray(arrived, dtype=float).mean(1)  # (n_maps,)
    t = stats.t.ppf(0.975, len(of_maps) - 1)
    half = t * of_maps.std(ddof=1) / len(of_maps) ** 0.5
    return of_maps.mean(), of_maps.mean() - half, of_maps.mean() + half


def arrival_chance(right, moves):
    """right: share of moves that are right; moves (n_starts,) -> share that arrives if one error ends it."""
    return np.mean(right ** np.asarray(moves, dtype=float))


def adapter_step(shared, adapter, x, y, lr, lam):
    """One gradient step on the newcomer's adapter alone: shared, adapter (4, d), x (n, d), y (n,)."""
    z = x @ (shared + adapter).T  # (n, 4)
    p = np.exp(z - z.max(1, keepdims=True))
    p = p / p.sum(1, keepdims=True)
    error = p - np.eye(len(shared))[y]
    return adapter - lr * (error.T @ x / len(x) + lam * adapter)
