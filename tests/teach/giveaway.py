"""No message for a wrong answer holds the right one: a number that stands nowhere in the exercise.

Enters: an exercise, a wrong answer and what `check` said.  Leaves: the right numbers that were said.

Right numbers are those of a reference that is a value, and those that the check compared with: they
are noted where a check hands them to `Wrong`. A message may repeat the learner's own numbers, and
those that the exercise prints: in its card, and in the text and code since the exercise before.
"""

import contextlib
import functools
import numbers
import re
from pathlib import Path

import numpy as np
import torch

from ragteach.teach import checks

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "_source"
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?")
SMALL = 10  # counting words: "the 3 classes", "one of 5"


@contextlib.contextmanager
def right_values(monkeypatch):
    """The values that checks compare with, while this is open."""
    seen, plain = [], checks.Wrong.__init__

    def noted(self, message, yours=None, expected=None, *more, **named):
        seen.append(expected)
        plain(self, message, yours, expected, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(checks.Wrong, "__init__", noted)
        yield seen


def given_away(number, answer, result, compared):
    """The numbers of a message that are right, and neither the learner's nor the exercise's."""
    right = numbers_of(checks.reference(number)) + [
        v for thing in compared for v in numbers_of(thing)
    ]
    known = (
        numbers_of(answer)
        + numbers_of(result.yours)
        + [float(n) for n in NUMBER.findall(printed(number))]
    )
    said = [n for n in NUMBER.findall(result.message) if not any(_says(n, v) for v in known)]
    return [n for n in said if any(_says(n, v) for v in right)]


def _says(token, value):
    """Does a printed number say this value, to the decimals it has?"""
    decimals = len(token.partition(".")[2].partition("e")[0])
    if value == round(value) or not decimals:
        return float(token) == value and (abs(value) > SMALL or decimals > 0)
    return decimals > 1 and abs(float(token) - value) <= 0.5 * 10.0**-decimals


def numbers_of(thing):
    """The finite numbers in a value, however deep; none in a function."""
    if isinstance(thing, str):
        return [float(n) for n in NUMBER.findall(thing)]
    if isinstance(thing, bool | np.bool_) or thing is None or callable(thing):
        return []
    if isinstance(thing, torch.Tensor):
        thing = thing.detach().numpy()
    if isinstance(thing, np.ndarray):
        thing = thing.tolist() if thing.dtype.kind in "iuf" else []
    if isinstance(thing, numbers.Real):
        return [float(thing)] if np.isfinite(float(thing)) else []
    if isinstance(thing, dict):
        return [v for part in thing.values() for v in numbers_of(part)]
    if isinstance(thing, list | tuple):
        return [v for part in thing for v in numbers_of(part)]
    return []


@functools.cache
def printed(number):
    """What a learner reads of an exercise: its card, and what stands since the check before."""
    lesson = number.rpartition("-")[0]
    path = next(SOURCE.glob(f"{lesson}*.py"))
    text = path.read_text(encoding="utf-8").partition(f'check("{number}"')[0]
    text = text.rpartition("\ncheck(")[2]
    text = re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION|.*### SOLUTION", "", text, flags=re.S)
    e = checks.get(number)
    return f"{text} {e.title} {e.trains} {e.checker.__doc__ or ''}"
