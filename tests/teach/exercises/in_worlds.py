"""Answers to the exercises in a world: right ones in other styles, and every known mistake.

They are found when somebody looks at them: each needs its world, and the optimum in it.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial

import numpy as np
import torch

from ragteach.teach.checks import reference
from ragteach.teach.classroom.worlds import DEFAULT, world_of
from ragteach.teach.exercises.lessons_in_worlds import SLIPS

NUMBERS = [f"{lesson:02d}-w" for lesson in range(1, 11)]
STYLES = {
    "a list": lambda right: np.asarray(right).tolist(),
    "a tensor": lambda right: torch.as_tensor(np.asarray(right)),
    "four digits": lambda right: np.round(np.asarray(right, dtype=float), 4),
}


class Late(Mapping):
    """What it is: the answer. ``names``, where they are known before."""

    def __init__(self, find: Callable[[], dict], names: list[str] | None = None) -> None:
        self.find, self.names = find, names

    @cached_property
    def found(self) -> dict:
        return self.find()

    def __getitem__(self, name: str) -> object:
        return self.found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names or self.found)

    def __len__(self) -> int:
        return len(self.names or self.found)


def _right(number: str) -> dict:
    right = reference(number)
    return {name: style(right) for name, style in STYLES.items()}


def _wrong(number: str) -> dict:
    return {message: value for value, message in SLIPS[number](world_of(DEFAULT))}


RIGHT = {number: Late(partial(_right, number), list(STYLES)) for number in NUMBERS}
WRONG = {number: Late(partial(_wrong, number)) for number in NUMBERS}
