"""A wrong answer that nobody foresaw is told what of it is right, or which argument it does not see.

Each of these functions is one that a learner plausibly writes, and none is among the known mistakes
of its exercise: what names it is made for all exercises. (Lessons' own mistakes: test_checks.py.)
"""

import contextlib

import numpy as np
import pytest
import torch
from giveaway import given_away, right_values
from scipy import stats
from test_checks import WRONG

from ragteach.teach import checks
from ragteach.teach.checks import FAIL, Wrong, check, expect_close
from ragteach.teach.exercises import own_judge_07
from ragteach.teach.probing import probed


def interval(middle, half):
    return middle, middle - half, middle + half


def two_standard_errors(a, b):
    d = a - b
    return interval(d.mean(), 2 * d.std(ddof=1) / np.sqrt(len(d)))


def per_cent(a, b):
    d = 100 * (a - b)
    return interval(d.mean(), stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d)))


def ratio_is_squared(d, r):
    half = stats.t.ppf(0.975, len(d) - 1) * np.sqrt(d.var(ddof=1) * (1 / len(d) + r**2))
    return interval(d.mean(), half)


def cosines(x, task, e, cov):
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    return (unit @ unit.T * cov[np.ix_(task, task)]) @ e


TOLD = {
    "two standard errors": ("06-1", two_standard_errors, "has the right mean; the interval"),
    "rounded in the end": (
        "06-3",
        lambda d, c, t: ((t + 1) * d, np.ceil((t + 1) * d / t)),
        "right in part: full sharing is, independent not yet",
    ),
    "r squared": ("06-7", ratio_is_squared, "has the right mean; the interval"),
    "the loss of all": ("06-4", lambda loss, acc: loss.mean(), "whatever acc is"),
    "lam forgotten": ("07-1", lambda g, lam, s: 1 / s + g @ g.T, "whatever lam is"),
    "lam for 1 / lam": ("07-1", lambda g, lam, s: 1 / s + lam * g @ g.T, "the wrong way"),
    "one over rho": ("07-2", lambda rho, s: s / rho, "When rho changes, yours moves the wrong way"),
    "rho alone": ("07-2", lambda rho, s: rho, "whatever s is"),
    "squares": (
        "07-3",
        lambda a, lam, s: lam / s * (a**2).sum(0),
        "a is doubled, yours is 4 times",
    ),
    "no s anywhere": ("07-4", lambda x, t, n, s: np.hstack([x] * (1 + n)), "right but for"),
    "cosines": ("07-5", cosines, "If x is doubled"),
    "all labels count": ("07-5", lambda x, t, e, c: (x @ x.T) @ np.ones_like(e), "whatever"),
    "the root of the counts": (
        "09-3",
        lambda loss, label: (loss / np.sqrt(np.bincount(label)[label])).sum() / len(loss),
        "If every row came twice|If 1 is added to every number of loss",
    ),
    "per cent": ("06-1", per_cent, "100 times"),
    "one factor too many": (
        "11-11",
        lambda n_out, n_in, r: n_out * n_in * r / (n_out + n_in),
        "off by a factor of r",
    ),
    "the first of the W_t": (
        "12-3",
        lambda W, lam, s: W[0] * lam / (lam + s),
        "whatever stands in W[1]",
    ),
    "the last adapter": ("07-3", lambda a, lam, s: lam / s * a[-1], "whatever stands in a[0]"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_nobody_foresaw_is_told_apart(name, monkeypatch):
    number, answer, told = TOLD[name]
    with right_values(monkeypatch) as compared:
        result = check(number, answer)
    assert result.status == FAIL and result.diagnosed, result
    assert any(part in result.message for part in told.split("|")), result
    assert not given_away(number, answer, result, compared), result


RIGHT = np.array([[1.0, -2.0, 4.0], [0.5, 8.0, 3.0], [2.0, 2.5, -1.5]])


@pytest.mark.parametrize(
    ("mine", "right", "told"),
    [
        (RIGHT + np.diag([1, 2, 3]), RIGHT, "but for its diagonal"),
        (np.diag(np.diag(RIGHT)) + 7 * (1 - np.eye(3)) * RIGHT, RIGHT, "on its diagonal only"),
        (RIGHT * [[1], [2], [1]], RIGHT, "right but for 1 along axis 0"),
        (RIGHT * [[2], [3], [5]], RIGHT, "one factor in each row"),
        (RIGHT * [2, 3, 5], RIGHT, "one factor in each column"),
        (RIGHT + [[2], [3], [5]], RIGHT, "one number in each row"),
        (np.maximum(RIGHT, 0), RIGHT, "zeros where numbers belong"),
        (RIGHT + 1.0 * (RIGHT * np.tri(3) == 0), RIGHT * np.tri(3), "places that should be empty"),
        ([0.2, 0.1, 0.4], [0.2, 0.1, 0.3], "not equally far"),
        ([0.2, 0.0, 0.4], [0.2, 0.1, 0.3], "too wide"),
        ([0.2, 0.15, 0.25], [0.2, 0.1, 0.3], "too narrow"),
        ([3.5, 1.2, 7.0], [3.5, 1.1, 7.0], "number 1 and number 3 are, number 2 not yet"),
        ([1.0, 2.0], [1.0, 2.0, 5.0], "has 2 numbers, and 3 are asked for"),
        (4.0, RIGHT, "What was summed away"),
    ],
)
def test_the_part_that_is_right_is_named(mine, right, told):
    with pytest.raises(Wrong, match=told) as caught:
        expect_close(np.array(mine), np.array(right))
    assert caught.value.diagnosed


def test_the_names_of_a_few_numbers_are_the_exercises_own():
    with pytest.raises(Wrong, match=r"right in part: only a and p are, only b not yet: yours is"):
        expect_close([4.0, 5.0, 0.5], [4.0, 7.0, 0.5], what="(only a, only b, p)")


def test_zeros_and_ones_are_not_told_one_by_one():
    """To say which of four yes-or-no answers are right would be to give them all."""
    with pytest.raises(Wrong) as caught:
        expect_close([0, 1, 1, 1], [0, 1, 0, 0])
    assert "right in part" not in str(caught.value)


GIVEN = {"x": np.array([1.0, 2.0, 4.0]), "lam": 0.3}


def mean_over(x, lam):
    return x.mean() / lam


@pytest.mark.parametrize(
    ("mine", "told"),
    [
        (lambda x, lam: x.mean(), "whatever lam is"),
        (lambda x, lam: 2.0 / lam, "whatever x is"),
        (lambda x, lam: x.mean() * lam, "When lam changes, yours moves the wrong way"),
        (lambda x, lam: (x**2).mean() / lam, "If x is doubled, yours is 4 times"),
        (lambda x, lam: x.mean() / lam**2, "If lam is doubled, yours is 0.25 times"),
        (lambda x, lam: np.log(x).sum() / lam, "a sum, where the rule has a mean"),
        (mean_over, ""),
        (lambda x, lam: np.random.default_rng().normal(), ""),  # it draws: nothing can be said
        (lambda x, lam: x.no_such_thing, ""),
    ],
)
def test_a_function_is_asked_again_with_one_argument_changed(mine, told):
    assert told in probed(mine, mean_over, GIVEN)
    assert bool(told) == bool(probed(mine, mean_over, GIVEN))


def test_the_weights_of_a_mean_sum_to_one():
    said = probed(lambda x, lam: 0.4 * x[0] + 0.4 * x[-1], lambda x, lam: (x[0] + x[-1]) / 2, GIVEN)
    assert said.startswith("If 1 is added to every number of x, the answer of a mean grows by 1.")


def test_an_argument_that_should_not_matter_is_named():
    said = probed(lambda x, lam: x.sum() * lam, lambda x, lam: x.sum(), GIVEN)
    assert said == "Yours changes when lam does, and should not."


def test_of_a_part_that_should_not_matter_the_part_is_named():
    given = {"x": np.array([[1.0, 2.0], [3.0, 5.0]])}
    said = probed(lambda x: x.sum(), lambda x: x[0].sum(), given)
    assert said == "Yours changes when x[1] (part 1 of x, counted from 0) does, and should not."


def test_tensors_and_columns_are_changed_in_their_own_kind():
    given = {"x": torch.tensor([1.0, 2.0]), "y": 2.0}
    assert "whatever x is" in probed(lambda x, y: y, lambda x, y: x.sum() * y, given)


def test_rules_are_told_behind_a_part_that_is_right():
    rule = checks.get("06-1").rule
    assert check("06-1", two_standard_errors).message.endswith(rule)


@pytest.mark.parametrize("name", sorted(WRONG["07-9"]))
def test_a_wrong_judge_is_refused_where_nobody_can_watch_its_models(name, monkeypatch):
    """In a class's sandbox the models live elsewhere: what `choose` says has to be enough."""

    @contextlib.contextmanager
    def unseen(yours, x, fold):
        yield []

    monkeypatch.setattr(own_judge_07, "_watched", unseen)
    assert check("07-9", WRONG["07-9"][name]).status == FAIL


def paid(i, o, r):
    """Tokens after which an adapter of rank r has paid: decimals."""
    return i * o / (r * (i + o))


ROUNDED = {"i": 512, "o": 128, "r": 8}
SIGNS = {"graph": np.array([[1.0, 0.5], [0.0, 2.0]]), "lam": 0.3}


@pytest.mark.parametrize(
    ("mine", "right", "given", "told"),
    [
        (lambda i, o, r: np.ceil(paid(i, o, r)), paid, ROUNDED, "i changes a little"),
        (
            lambda graph, lam: (graph @ graph.T > 0) / lam,
            lambda graph, lam: graph @ graph.T / lam,
            SIGNS,
            "graph changes a little",
        ),
        (lambda i, o, r: paid(1, o, r), paid, ROUNDED, "whatever i is"),
    ],
)
def test_whatever_it_is_is_said_only_of_an_argument_that_never_counts(mine, right, given, told):
    assert told in probed(mine, right, given)


def test_a_threshold_that_a_row_does_not_cross_is_not_called_deaf_to_the_row():
    rng = np.random.default_rng(3)
    gains = {"g": rng.normal(size=(6, 4, 4)) + np.linspace(-3, 3, 16).reshape(4, 4)}

    def clear(factor):
        return lambda g: np.abs(g.mean(0)) > factor * g.std(0, ddof=1) / len(g) ** 0.5

    assert probed(clear(5.0), clear(4.0), gains) == ""
    without = probed(lambda g: clear(4.0)(g[1:]), clear(4.0), gains)
    assert "g[0]" in without or not without
