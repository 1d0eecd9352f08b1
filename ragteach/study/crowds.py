"""Many lines in one picture: a few stand out in colours of their own, the others are grey.

Enters: a line for each task or part, by name.  Leaves: the names that get a colour, so few that no
colour comes twice; and the others, drawn as thin grey lines or, if there are hundreds, as the band
that nine in ten of them lie in. A legend says how many they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ragteach.study.looks import CYCLE, OTHER

MOST = len(CYCLE[0])  # lines that colours tell apart
MOST_GREY = 200  # lines drawn one by one


def stand_out(lines: Mapping[str, Any], always: Sequence[str] = (), most: int = MOST) -> list[str]:
    """The names of the lines to draw in colours: all if they are few, else those that move most.

    A line moves by the sum of its steps' lengths.

    Args:
        lines: for each name, (n_steps,) values or (n_steps, 2) points.
        always: names that are among them in any case, if there are such lines.
        most: how many there may be.

    Example:
        >>> lines = {str(k): [0.0, k] for k in range(20)}
        >>> stand_out(lines, ["3"])
        ['3', '14', '15', '16', '17', '18', '19']
    """
    if len(lines) <= most:
        return list(lines)
    moved = {name: _length(np.asarray(values, dtype=float)) for name, values in lines.items()}
    first = [name for name in always if name in lines]
    order = sorted((n for n in lines if n not in first), key=lambda n: -moved[n])
    chosen = {*first, *order[: most - len(first)]}
    return [name for name in lines if name in chosen]


def draw_others(ax: Any, lines: Mapping[str, tuple], band: bool = True) -> None:
    """Draw the lines (x, y) that do not stand out, with one entry in the legend.

    Args:
        band: whether hundreds of them, over the same x, become a band.
    """
    if not lines:
        return
    said = f"{len(lines):,} others, which move less"
    if band and len(lines) > MOST_GREY:
        x = np.asarray(next(iter(lines.values()))[0])
        low, high = np.nanquantile([y for _, y in lines.values()], (0.05, 0.95), axis=0)
        label = f"{said} (nine in ten of them)"
        ax.fill_between(x, low, high, color=OTHER, alpha=0.25, lw=0, label=label)
        return
    for i, (x, y) in enumerate(lines.values()):
        named = {"label": said} if i == 0 else {}
        ax.plot(x, y, color=OTHER, lw=0.6, alpha=0.5, zorder=0.5, **named)


def _length(values: np.ndarray) -> float:
    steps = np.diff(values.reshape(len(values), -1), axis=0)
    return float(np.nansum(np.hypot.reduce(steps, axis=1)) if steps.size else 0.0)
