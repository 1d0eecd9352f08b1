"""A line on a difference: its interval is scipy's, and wider where draws share rows."""

import itertools
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from ragteach.labs.comparing import difference, draw_gains

GAINS = np.array([0.012, -0.004, 0.021, 0.009])


def ends(line):
    """(low, high) as they stand between the brackets."""
    return [float(number) for number in re.search(r"\[(.*), (.*)\]", line).groups()]


def test_fresh_draws_have_students_interval():
    line = difference("a minus b", GAINS)
    low, high = stats.ttest_1samp(100 * GAINS, 0).confidence_interval(0.95)
    assert ends(line) == pytest.approx([low, high], abs=0.05)
    assert line.startswith("a minus b: +0.9 points") and line.endswith(", 4 draws")


@pytest.mark.parametrize("r", [0.25, 1])
def test_re_splits_have_the_corrected_resampled_t(r):
    """By the formula of Nadeau and Bengio: v (1 / n + n_test / n_train) for v / n."""
    line = difference("a minus b", GAINS, test_per_train=r)
    half = stats.t.ppf(0.975, 3) * 100 * GAINS.std(ddof=1) * np.sqrt(1 / 4 + r)
    middle = 100 * GAINS.mean()
    assert ends(line) == pytest.approx([middle - half, middle + half], abs=0.05)
    assert line.startswith("a minus b: +0.9 points")
    assert line.endswith(", 4 re-splits of the same rows")


def drawn(**options):
    """(low, high, what stands in the cells) of gains in points, (3 draws, 2, 2)."""
    gains = np.zeros((3, 2, 2))
    gains[:, 0, 1] = 0.01, 0.03, 0.02  # b helps a: an interval of its own from -0.5 to 4.5
    gains[:, 1, 0] = -0.06, -0.05, -0.07
    ax = Figure().subplots()
    low, high = draw_gains(gains, ["a", "b"], ax, **options)
    return low, high, [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("r", [0, 0.25, 1])
def test_a_matrix_of_gains_has_the_intervals_of_its_lines(r):
    low, high, cells = drawn(test_per_train=r)
    half = stats.t.ppf(0.975, 2) * np.sqrt(1 / 3 + r)  # the standard deviation is one point
    assert [low[0, 1], high[0, 1]] == pytest.approx([2 - half, 2 + half])
    assert [low[1, 0], high[1, 0]] == pytest.approx([-6 - half, -6 + half])
    assert cells == [
        f"+2\n[{2 - half:+.0f}, {2 + half:+.0f}]".replace("-0", "0"),
        f"-6\n[{-6 - half:+.0f}, {-6 + half:+.0f}]",
    ]


@pytest.mark.parametrize(
    ("names", "turned"),
    [
        (["English", "German", "Spanish", "Russian", "Chinese"], True),
        (["ice", "walls", "ace", "open", "gap"], False),
    ],
)
def test_the_names_below_a_matrix_stand_on_one_line_and_apart(names, turned):
    figure = Figure(figsize=(5.4, 4), dpi=90)
    ax = figure.subplots()
    draw_gains(np.random.default_rng(0).normal(size=(3, 5, 5)), names, ax)
    figure.draw_without_rendering()
    labels = ax.get_xticklabels()
    assert {label.get_rotation() for label in labels} == {30.0 if turned else 0.0}
    assert {label.get_va() for label in labels} == {"top" if turned else "baseline"}
    boxes = [label.get_window_extent() for label in labels]
    assert all(box.y1 <= ax.get_window_extent().y0 for box in boxes)
    if not turned:
        gaps = [b.x0 - a.x1 for a, b in itertools.pairwise(boxes)]
        assert min(gaps) > 5


def test_what_rounds_to_nothing_has_no_sign():
    gains = np.zeros((3, 2, 2))
    gains[:, 0, 1] = -0.001, 0.0, -0.002
    ax = Figure().subplots()
    draw_gains(gains, ["a", "b"], ax)
    assert [text.get_text() for text in ax.texts] == ["0\n[0, 0]", "0\n[0, 0]"]


def test_a_star_of_draws_as_if_independent_is_gone_where_they_re_split_the_same_rows():
    assert drawn(intervals=False)[2] == ["+2", "-6*"]
    assert drawn(intervals=False, test_per_train=2)[2] == ["+2", "-6"]
