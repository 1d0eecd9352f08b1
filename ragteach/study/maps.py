"""Drawing grid worlds: the map, a robot's way on it, and a policy as arrows.

Enters: a `Grid`, and where to draw.  Leaves: the Axes. Walls are dark, ice is hatched, gusts are
small arrowheads, the goal is a star: no kind of cell is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ragteach.data.sources.grids import CONTROLS, GUSTS, PUSH, Grid
from ragteach.study.looks import BLUE, OTHER, VERMILION

WALL = "#3d444d"
ICE = "#dcecf7"


def draw_grid(
    grid: Grid,
    ax: Axes,
    way: Sequence[int] | None = None,
    buttons: Any = None,
) -> Axes:
    """Draw a map.

    Args:
        way: cell numbers in the order in which the robot was there: a line, a ring where it began.
        buttons: (n_cells,) the button that a policy presses in each cell, -1 for none; drawn as an
            arrow in the direction into which it pushes.
    """
    n_rows = len(grid.rows)
    n_columns = len(grid.rows[0])
    for r, row in enumerate(grid.rows):
        for c, sign in enumerate(row):
            if sign == "#":
                ax.add_patch(Rectangle((c - 0.5, r - 0.5), 1, 1, color=WALL))
            elif sign == "~":
                look: dict[str, Any] = {
                    "facecolor": ICE,
                    "edgecolor": "#8fb8d8",
                    "hatch": "///",
                    "lw": 0,
                }
                ax.add_patch(Rectangle((c - 0.5, r - 0.5), 1, 1, **look))
            elif sign == "G":
                ax.plot(c, r, "*", color=VERMILION, ms=13, zorder=4)
            elif sign in GUSTS:
                down, right = GUSTS[sign]
                ax.plot(c + 0.3 * right, r + 0.3 * down, sign, color=OTHER, ms=4, alpha=0.7)
    if buttons is not None:
        pushes = CONTROLS[grid.controls]
        for (r, c), button in zip(grid.cells, np.asarray(buttons), strict=True):
            if button >= 0:
                down, right = PUSH[pushes[button]]
                arrow = {"arrowstyle": "->", "color": "black", "lw": 1}
                start = (c - 0.3 * right, r - 0.3 * down)
                ax.annotate("", (c + 0.35 * right, r + 0.35 * down), start, arrowprops=arrow)
    if way is not None:
        rows, columns = np.array([grid.cells[i] for i in way]).T
        ax.plot(columns, rows, "-", color=BLUE, lw=2.2, zorder=3)
        ax.plot(columns[0], rows[0], "o", mfc="white", mec=BLUE, mew=2, ms=8, zorder=4)
    ax.set(xlim=(-0.5, n_columns - 0.5), ylim=(n_rows - 0.5, -0.5), xticks=[], yticks=[])
    ax.set_aspect("equal")
    return ax
