"""Grid worlds for a robot: maps as text, four buttons, and where each button leads.

Enters: a map, or the kind of one and a seed.  Leaves: a `Grid` with the table ``next``
(n_cells, 4), in which a robot can be driven. All of it is simulated.

    #  wall, nobody enters        .  floor        G  the goal (one)
    ~  ice: who steps on it slides on, until the ground or a wall stops him
    ^ v < >  a gust: after a move that began here, the robot drifts one cell that way

A move is: the button's push, then the slide, then the gust. Who touches the goal has arrived. The
buttons are north, east, south, west; the controls say where each of them pushes:

    plain      where its name says
    mirrored   east pushes west, and west pushes east
    turned     each pushes a quarter clockwise of its name

Source: the windy grid world is Sutton and Barto's (2018), section 6.5; the frozen lake is folklore.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ragteach.errors import one_of, refuse, shown, whole

BUTTONS = ("north", "east", "south", "west")
PUSH = ((-1, 0), (0, 1), (1, 0), (0, -1))  # (down, right) of each direction
GUSTS = dict(zip("^>v<", PUSH, strict=True))
SIGNS = "#.~G^v<>"
CONTROLS = {  # the direction into which each button pushes
    "plain": (0, 1, 2, 3),
    "mirrored": (0, 3, 2, 1),
    "turned": (1, 2, 3, 0),
}
SIDE = 9  # rows and columns of a made map, without the wall around it
LARGEST = 40  # rows and columns of a map of your own
Cell = tuple[int, int]


@dataclass(frozen=True)
class Grid:
    """A map with its controls; print it.

    Attributes:
        rows: the map, one string a row, with a wall all around.
        controls: ``"plain"``, ``"mirrored"`` or ``"turned"``.
        cells: the (row, column) of every cell that is no wall, in reading order.
        next: (n_cells, 4) the number of the cell to which each button leads.
        goal: the number of the goal's cell.
    """

    rows: tuple[str, ...]
    controls: str = "plain"

    def __repr__(self) -> str:
        return "\n".join([f"controls: {self.controls}", *self.rows])

    @cached_property
    def cells(self) -> list[Cell]:
        return [
            (r, c) for r, row in enumerate(self.rows) for c, sign in enumerate(row) if sign != "#"
        ]

    @cached_property
    def number(self) -> dict[Cell, int]:
        """(row, column) -> the cell's number."""
        return {cell: i for i, cell in enumerate(self.cells)}

    @cached_property
    def goal(self) -> int:
        return next(i for i, cell in enumerate(self.cells) if self.sign(cell) == "G")

    @cached_property
    def next(self) -> np.ndarray:
        pushed = [[self.number[self.pushed(cell, way)] for way in range(4)] for cell in self.cells]
        leads = np.array(pushed)[:, CONTROLS[self.controls]]
        leads.setflags(write=False)  # of one map, whoever holds it
        return leads

    def sign(self, cell: Cell) -> str:
        """What the map has there."""
        return self.rows[cell[0]][cell[1]]

    def pushed(self, cell: Cell, way: int) -> Cell:
        """Where a push in one of the four directions ends: push, slide, gust."""
        if self.sign(cell) == "G":
            return cell
        gust = GUSTS.get(self.sign(cell))
        at = self._one(cell, PUSH[way])
        while self.sign(at) == "~" and at != cell:
            cell = at
            at = self._one(at, PUSH[way])
        if gust and self.sign(at) != "G":
            at = self._one(at, gust)
        return at

    def _one(self, cell: Cell, step: Cell) -> Cell:
        """One cell further, if there is no wall."""
        there = cell[0] + step[0], cell[1] + step[1]
        return cell if self.sign(there) == "#" else there


def read_grid(text: str, controls: str = "plain") -> Grid:
    """A map of your own: one line a row; a wall is built around it.

    Args:
        text: rows of one length, of the signs ``# . ~ G ^ v < >``, with one G.
        controls: ``"plain"``, ``"mirrored"`` or ``"turned"``.

    Raises:
        RagteachError: another sign, rows of two lengths, no goal or two, more than 40 rows or
            columns.

    Example:
        >>> grid = read_grid("..G")
        >>> grid.next[0].tolist()  # from the left cell: only east leads on
        [0, 1, 0, 0]
    """
    one_of("controls", controls, CONTROLS)
    if not isinstance(text, str):
        raise refuse(
            expected="a map: a text with one line a row",
            got=f"{type(text).__name__} {shown(text, 60)}",
            fix='write it as a text, for example "..~.G\\n..#.."',
        )
    rows = [line.strip() for line in text.strip().splitlines() if line.strip()]
    _check(rows)
    wall = "#" * (len(rows[0]) + 2)
    return Grid((wall, *(f"#{row}#" for row in rows), wall), controls)


def _check(rows: list[str]) -> None:
    for i, row in enumerate(rows, start=1):
        strange = [sign for sign in row if sign not in SIGNS]
        if strange:
            raise refuse(
                expected=f"a map of the signs {' '.join(SIGNS)}",
                got=f"{strange[0]!r} in row {i}",
                fix="# is a wall, . floor, ~ ice, G the goal, ^ v < > a gust; no spaces between "
                "them",
            )
        if len(row) != len(rows[0]):
            raise refuse(
                expected=f"rows of one length; the first has {len(rows[0])} signs",
                got=f"{len(row)} signs in row {i}",
                fix="fill the short rows with . or #",
            )
    goals = sum(row.count("G") for row in rows)
    if goals != 1:
        raise refuse(
            expected="one goal, G, on the map",
            got=f"{goals or 'none'}",
            fix="write G in one cell",
        )
    if max(len(rows), len(rows[0])) > LARGEST:
        raise refuse(
            expected=f"at most {LARGEST} rows and {LARGEST} columns",
            got=f"{len(rows)} rows, {len(rows[0])} columns",
            fix="draw a smaller map",
        )


@dataclass(frozen=True)
class Kind:
    """How maps of one kind are made: bars of wall, patches of ice, a band of gusts, the
    controls.
    """

    bars: int = 3
    ice: int = 0
    gust: str = ""
    controls: str = "plain"


WORLDS: Mapping[str, Kind] = {
    "open": Kind(bars=2),
    "walls": Kind(bars=6),
    "ice": Kind(ice=3),
    "wind": Kind(gust="v"),
    "mirrored": Kind(controls="mirrored"),
}
NEWCOMERS: Mapping[str, Kind] = {  # nothing is trained on them before they come
    "gale": Kind(bars=2, ice=2, gust="v"),
    "turned": Kind(controls="turned"),
}


def make_grid(world: str, seed: int = 0) -> Grid:
    """A random map of a kind, 9 by 9 cells, on which most cells lead to the goal.

    Args:
        world: one of ``WORLDS`` or ``NEWCOMERS``.
        seed: of the map.

    Example:
        >>> make_grid("mirrored", seed=1).controls
        'mirrored'
    """
    kinds = {**WORLDS, **NEWCOMERS}
    one_of("world", world, kinds)
    whole("seed", seed, 0, math.inf)
    return _made(list(kinds).index(world), kinds[world], int(seed))


@lru_cache(maxsize=4096)  # a lab asks for the same maps many times
def _made(number: int, kind: Kind, seed: int) -> Grid:
    rng = np.random.default_rng([number, seed])
    while True:
        grid = Grid(_drawn(kind, rng), kind.controls)
        if _leading(grid).mean() >= 0.7:
            return grid


def _drawn(kind: Kind, rng: np.random.Generator) -> tuple[str, ...]:
    signs = np.full((SIDE, SIDE), ".")
    for _ in range(kind.ice):
        r, c = rng.integers(0, SIDE - 2, 2)
        high, wide = rng.integers(2, 5, 2)
        signs[r : r + high, c : c + wide] = "~"
    if kind.gust:
        left = rng.integers(1, SIDE - 3)
        signs[:, left : left + 3] = kind.gust
    for _ in range(kind.bars):
        r, c = rng.integers(0, SIDE, 2)
        length = rng.integers(2, 5)
        if rng.random() < 0.5:
            signs[r : r + length, c] = "#"
        else:
            signs[r, c : c + length] = "#"
    signs[tuple(rng.integers(0, SIDE, 2))] = "G"
    wall = "#" * (SIDE + 2)
    return (wall, *(f"#{''.join(row)}#" for row in signs), wall)


def _leading(grid: Grid) -> np.ndarray:
    """(n_cells,) from which cells some buttons lead to the goal: from the goal backwards."""
    found = np.zeros(len(grid.cells), dtype=bool)
    found[grid.goal] = True
    n_before = 0
    while n_before < found.sum():
        n_before = int(found.sum())
        found |= found[grid.next].any(1)
    return found
