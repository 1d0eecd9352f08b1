"""A line on a difference: its interval is scipy's, and wider where draws share rows."""

import re

import numpy as np
import pytest
from scipy import stats

from ragteach.labs.comparing import difference

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
