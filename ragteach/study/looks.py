"""Looks: one colour, marker and line style for each thing that the course draws again and again.

Colours are Okabe & Ito's, which people with any colour vision can tell apart; a marker, line style
or label always says the same as the colour.

Reference: Okabe & Ito (2008), Color Universal Design.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
PINK = "#CC79A7"
SKY = "#56B4E9"
YELLOW = "#F0E442"
VERMILION = "#D55E00"
BLACK = "#000000"
OTHER = "#777777"
CYCLE: tuple[list[str], list[str], list[Any]] = (
    [BLUE, VERMILION, GREEN, PINK, ORANGE, SKY, BLACK],
    ["o", "s", "^", "D", "v", "P", "X"],
    # 6, not 7: no look comes back soon
    ["-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 3))],
)


@dataclass(frozen=True)
class Look:
    """How a strategy is drawn.

    Attributes:
        colour: of its line, in "#rrggbb".
        marker, dash: as in matplotlib.
        letter: what the who-wins map writes into its cells.
    """

    colour: str = OTHER
    marker: str = "x"
    dash: Any = "-"
    letter: str = ""


def nth_look(i: int) -> Look:
    """The ``i``-th look of the cycle, for things that have none of their own."""
    colours, markers, dashes = CYCLE
    return Look(colours[i % len(colours)], markers[i % len(markers)], dashes[i % len(dashes)])


SHARED = "W_s"  # the part of a model that all tasks have


def look_of_part(name: str, adapter: int) -> tuple[Look, float]:
    """How a part of a model is drawn, here and in every explorer, and how wide its line is.

    W_s is black, and wider than the others; the ``adapter``-th adapter looks as the task of that
    place does.

    Example:
        >>> look_of_part("W_s", -1), look_of_part("films", 0)[0] == nth_look(0)
        ((Look(colour='#000000', marker='o', dash='-', letter=''), 2.8), True)
    """
    return (Look(BLACK, "o", "-"), 2.8) if name == SHARED else (nth_look(adapter), 1.8)


SCHEDULES = {  # of training
    "joint": Look(BLUE, "o", "-"),
    "two_phase": Look(VERMILION, "s", "--"),
    "alternating": Look(GREEN, "^", ":"),
}
