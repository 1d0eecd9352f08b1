"""Driving in a grid world: the expert, what the robot sees, demonstrations, and whether it arrives.

Enters: a `Grid`.  Leaves: observations (n_cells, N_SEEN) and the expert's button for each cell;
from them demonstrations, which are examples to learn from; and for a policy, which starts arrive.

The expert takes a shortest path. With d the number of moves from a cell to the goal (scipy finds
it):

    d(goal) = 0    d(s) = 1 + min_b d(next(s, b))    button(s): where d(next(s, b)) is d(s) - 1

Of several such buttons it takes the one that pushes furthest towards the goal.

What the robot sees is local, and made by hand: in which of eight directions the goal lies, which of
the eight cells around are walls, ice around and below, the gust it stands in; and products of the
goal's direction with the walls, since a linear policy cannot multiply. It has no memory: one cell,
one button.

Source: Pomerleau (1989), ALVINN, for behaviour cloning; Ross and Bagnell (2010) for what it suffers
    from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from ragteach.data.sources.grids import CONTROLS, GUSTS, PUSH, Grid
from ragteach.errors import refuse, whole

ROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
SEEN = (
    *(f"goal {way}" for way in COMPASS),
    "goal further up or down",
    "goal further across",
    *(f"wall {way}" for way in COMPASS),
    *(f"ice {way}" for way in ("N", "E", "S", "W", "here")),
    *(f"gust {way}" for way in ("N", "E", "S", "W")),
    *(f"goal {way}, wall {side}" for way in COMPASS for side in ("N", "E", "S", "W")),
)
N_SEEN = len(SEEN)
NEAR = 3  # moves: a start is at least so far from the goal


def distances(grid: Grid) -> np.ndarray:
    """(n_cells,) the fewest moves from each cell to the goal; infinite where no way leads there.

    Example:
        >>> from ragteach.data.sources.grids import read_grid
        >>> distances(read_grid("...G")).tolist()
        [3.0, 2.0, 1.0, 0.0]
    """
    n = len(grid.cells)
    origin = np.repeat(np.arange(n), 4)
    backwards = csr_array((np.ones(4 * n), (grid.next.ravel(), origin)), shape=(n, n))
    return dijkstra(backwards, indices=grid.goal, unweighted=True)


def expert(grid: Grid) -> np.ndarray:
    """(n_cells,) the button of a shortest path; -1 at the goal, and where no way leads to it.

    Example:
        >>> from ragteach.data.sources.grids import read_grid
        >>> expert(read_grid("..G", "mirrored")).tolist()  # west pushes east
        [3, 3, -1]
    """
    d = distances(grid)
    cells = np.array(grid.cells)
    pushes = np.array(PUSH)[list(CONTROLS[grid.controls])]  # (4, 2), of each button
    towards = (cells[grid.goal] - cells) @ pushes.T  # (n_cells, 4)
    shortest = np.isfinite(d)[:, None] & (d[grid.next] == d[:, None] - 1)
    best = np.where(shortest, towards, -np.inf).argmax(1)
    return np.where(shortest.any(1), best, -1)


def observations(grid: Grid) -> np.ndarray:
    """(n_cells, N_SEEN) what the robot sees from each cell; ``SEEN`` names the columns.

    Example:
        >>> from ragteach.data.sources.grids import read_grid
        >>> first = observations(read_grid("..G"))[0]
        >>> [name for name, seen in zip(SEEN, first) if seen][:3]
        ['goal E', 'goal further across', 'wall N']
    """
    cells = np.array(grid.cells)
    signs = np.array([list(row) for row in grid.rows])
    off = cells[grid.goal] - cells  # (n_cells, 2)
    way = np.sign(off)
    goal = (way[:, None] == np.array(ROUND)).all(2)  # (n_cells, 8)
    further = np.abs(off[:, 0]) - np.abs(off[:, 1])
    around = cells[:, None] + np.array(ROUND)  # (n_cells, 8, 2); the map has a wall all around
    near = signs[around[..., 0], around[..., 1]]
    here = signs[cells[:, 0], cells[:, 1]]
    wall = near == "#"
    ice = np.column_stack([near[:, ::2] == "~", here == "~"])
    gust = here[:, None] == np.array(list(GUSTS))
    both = goal[:, :, None] & wall[:, None, ::2]  # (n_cells, 8, 4)
    seen = [goal, (further > 0)[:, None], (further < 0)[:, None], wall, ice, gust]
    return np.concatenate([*seen, both.reshape(len(cells), -1)], axis=1).astype("float32")


def starts(grid: Grid, n: int, seed: int = 0) -> np.ndarray:
    """(n,) cells at least three moves from the goal, drawn at random, none twice while they
    last.
    """
    whole("n", n, 1)
    d = distances(grid)
    far = np.flatnonzero(np.isfinite(d) & (d >= NEAR))
    if len(far) == 0:
        raise refuse(
            expected=f"a map with cells that lead to the goal, {NEAR} moves away or more",
            got="none",
            fix="draw a larger map, or open a way to G",
        )
    order = np.random.default_rng(seed).permutation(far)
    return np.resize(order, n)


def demonstrate(grid: Grid, start: int) -> tuple[np.ndarray, np.ndarray]:
    """What the expert saw and pressed on its way from a start: (n_moves, N_SEEN), (n_moves,)."""
    press = expert(grid)
    at = start
    way = []
    while press[at] >= 0:
        way.append(at)
        at = grid.next[at, press[at]]
    return observations(grid)[way], press[way]


def arrivals(
    grids: Sequence[Grid], begun: Sequence[np.ndarray], policy: Callable, n_moves: int = 100
) -> np.ndarray:
    """Drive from all starts of all maps at once: (n_starts,) whether each arrives in ``n_moves``.

    Args:
        grids: maps. begun: for each map, the cells to start from.
        policy: what it sees (n, N_SEEN) -> the buttons, (n,).

    A policy without memory that has not arrived after as many moves as there are cells never will:
    it has been in some cell twice, and goes in circles.
    """
    offset = np.cumsum([0, *(len(g.cells) for g in grids)])
    seen = np.concatenate([observations(g) for g in grids])
    leads = np.concatenate([g.next + o for g, o in zip(grids, offset[:-1], strict=True)])
    goals = np.array([g.goal + o for g, o in zip(grids, offset[:-1], strict=True)])
    at = np.concatenate([np.asarray(b) + o for b, o in zip(begun, offset[:-1], strict=True)])
    is_goal = np.zeros(offset[-1], dtype=bool)
    is_goal[goals] = True
    for _ in range(n_moves):
        out = np.flatnonzero(~is_goal[at])
        if len(out) == 0:
            break
        at[out] = leads[at[out], np.asarray(policy(seen[at[out]]))]
    return is_goal[at]
