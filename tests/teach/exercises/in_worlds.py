"""Answers to the exercises in a world: right ones in other styles, and every known mistake."""

import numpy as np
import torch

from ragteach.teach.classroom.worlds import DEFAULT, world_of
from ragteach.teach.exercises.lessons_in_worlds import SLIPS

NUMBERS = [f"{lesson:02d}-w" for lesson in range(1, 11)]


def _right(number):
    from ragteach.teach.checks import reference

    right = reference(number)
    return {
        "a list": np.asarray(right).tolist(),
        "a tensor": torch.as_tensor(np.asarray(right)),
        "four digits": np.round(np.asarray(right, dtype=float), 4),
    }


RIGHT = {number: _right(number) for number in NUMBERS}
WRONG = {
    number: {message: value for value, message in SLIPS[number](world_of(DEFAULT))}
    for number in NUMBERS
}
