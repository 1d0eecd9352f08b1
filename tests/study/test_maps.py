"""A map with a robot's way on it, and a policy as arrows that point where a button pushes."""

import matplotlib.pyplot as plt
import pytest

from ragteach.data.sources.grids import read_grid
from ragteach.study.looks import BLUE
from ragteach.study.maps import draw_grid


@pytest.fixture
def ax():
    return plt.subplots()[1]


def test_the_way_lies_over_the_map_with_a_ring_where_it_began(ax):
    grid = read_grid("..G\n~>.")
    assert draw_grid(grid, ax, way=[3, 0, 1, 2]) is ax
    line, ring = ax.lines[-2:]
    assert line.get_color() == BLUE
    assert line.get_xydata().tolist() == [[1, 2], [1, 1], [2, 1], [3, 1]]  # a wall is at 0
    assert ring.get_xydata().tolist() == [[1, 2]] and ring.get_zorder() > line.get_zorder()
    assert ax.get_ylim() == (3.5, -0.5)  # the first row is on top


@pytest.mark.parametrize(
    ("controls", "way"), [("plain", (1, 0)), ("mirrored", (-1, 0)), ("turned", (0, 1))]
)
def test_an_arrow_points_where_the_button_pushes(controls, way, ax):
    grid = read_grid("..G", controls)
    draw_grid(grid, ax, buttons=[1, -1, -1])  # "east" in the first cell
    [arrow] = ax.texts
    begin, end = arrow.xyann, arrow.xy
    assert tuple(round(b - a, 9) for a, b in zip(begin, end, strict=True)) == tuple(
        0.65 * w for w in way
    )
    assert [(a + b) / 2 for a, b in zip(begin, end, strict=True)] == pytest.approx([1, 1], abs=0.03)


def test_a_star_marks_the_goal_and_nothing_else(ax):
    draw_grid(read_grid("..G\n~>.\n..."), ax)
    stars = [line.get_xydata().tolist() for line in ax.lines if line.get_marker() == "*"]
    assert stars == [[[3, 1]]]  # (column, row); a wall is at 0
