"""A right answer is right in any style: numpy only, torch only, plain Python."""

import inspect

import numpy as np
import pytest
import torch
from styles import (
    IMPOSSIBLE,
    NUMPY,
    PLAIN,
    STYLES,
    TORCH,
    holds_numbers,
    style,
    written_in,
)
from test_checks import EXERCISES, RIGHT

from ragteach.teach.checks import check, reference

FUNCTIONS = sorted(n for n in EXERCISES if inspect.isfunction(reference(n)))
CLASSES = sorted(n for n in EXERCISES if inspect.isclass(reference(n)))
VALUES = sorted(n for n in EXERCISES if holds_numbers(reference(n)))


@pytest.mark.parametrize("number", FUNCTIONS + CLASSES)
def test_every_function_has_a_right_answer_in_every_style(number):
    tried = {"reference": reference(number), **RIGHT[number]}
    have = {style(name, answer) for name, answer in tried.items()}
    have |= {s for n, s in {*STYLES, *IMPOSSIBLE} if n == number}
    assert have >= {NUMPY, PLAIN, TORCH}


@pytest.mark.parametrize("number", VALUES)
@pytest.mark.parametrize("kind", [NUMPY, PLAIN, TORCH])
def test_numbers_are_right_however_they_are_written(number, kind):
    result = check(number, written_in(kind, reference(number)))
    assert result, result


@pytest.mark.parametrize(("number", "kind"), sorted(STYLES))
def test_an_answer_in_another_style_passes(number, kind):
    assert number in FUNCTIONS + CLASSES
    result = check(number, STYLES[number, kind])
    assert result, result


def test_a_style_is_what_a_function_uses():
    found = {key: style("an answer", answer) for key, answer in STYLES.items()}
    assert found[("06-4", PLAIN)] == PLAIN
    assert found[("10-2", TORCH)] == TORCH
    assert found[("01-4", NUMPY)] == NUMPY
    assert all(found[key] in (key[1], PLAIN) for key in STYLES), found


def test_a_name_alone_makes_no_style():
    assert style("torch", lambda x: torch.as_tensor(np.asarray(x))) is None
    assert style("plain Python", lambda x: np.mean(x)) == NUMPY
    assert style("torch", lambda x: x.sum()) == TORCH  # it uses nothing but what it is given
