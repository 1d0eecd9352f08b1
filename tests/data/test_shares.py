"""Two shares of the same rows: the interval of their difference keeps its promise with few rows."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from ragteach.data.shares import _tango, paired_shares

Z = 1.959963984540054


@pytest.mark.parametrize("n", [16, 60])
def test_nought_lies_outside_exactly_if_mcnemar_says_so(n):
    for g in range(9):
        for h in range(8):
            middle, low, high = paired_shares(g, h, n)
            p = binomtest(g, g + h).pvalue if g + h else 1.0
            assert (low > 0 or high < 0) == (p < 0.05)
            assert -1 <= low < high <= 1 and low <= middle <= high
            assert paired_shares(h, g, n) == pytest.approx((-middle, -high, -low), abs=1e-8)


@pytest.mark.parametrize(("g", "h", "n"), [(12, 2, 50), (4, 0, 52), (5, 9, 30)])
@pytest.mark.parametrize("side", [-Z, Z])
def test_the_ends_are_where_the_score_test_just_does_not_reject(g, h, n, side):
    """The oracle maximises the likelihood of the three kinds of rows by search."""
    d = _tango(g, h, n, side)

    def loss(second):
        first = second + d
        same = 1 - first - second
        parts = [(g, first), (h, second), (n - g - h, same)]
        return -sum(count * np.log(max(share, 1e-300)) for count, share in parts if count)

    least = max(0.0, -d)
    found = minimize_scalar(
        loss, bounds=(least, (1 - d) / 2), method="bounded", options={"xatol": 1e-12}
    )
    score = (g - h - n * d) / np.sqrt(n * (2 * found.x + d - d**2))
    assert score == pytest.approx(-side, abs=1e-3)


def test_equal_answers_leave_room_for_a_difference():
    assert paired_shares(0, 0, 64) == pytest.approx((0, -(Z**2) / (64 + Z**2), Z**2 / (64 + Z**2)))
