"""A check hands over what the lesson's later cells do: the same kinds, the same precision.

`handed.json` holds what the cells hand over. It was made by `handed.by_the_lesson`, and a long test
makes it again.
"""

import inspect
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from handed import by_the_check, by_the_lesson, kind
from lesson_source import build

from ragteach.teach.checks import reference

LESSON = json.loads(Path(__file__).with_name("handed.json").read_text(encoding="utf-8"))
LESSONS = [row["name"] for row in build.lessons() if build.teaches(row["name"])]


@pytest.mark.parametrize("number", LESSON)
def test_a_check_hands_over_what_the_cells_after_it_do(number):
    check = by_the_check(number)
    missing = {
        name: (kinds, sorted(check.get(name, ())))
        for name, kinds in LESSON[number].items()
        if not set(kinds) <= check.get(name, set())
    }
    assert not missing, f"argument: (by the lesson, by the check) {missing}"


@pytest.mark.notebooks
@pytest.mark.long
@pytest.mark.parametrize("lesson", LESSONS)
def test_the_table_is_what_the_lessons_hand_over(lesson, tmp_path):
    for number, arguments in by_the_lesson(lesson, tmp_path).items():
        if inspect.isfunction(reference(number)):
            assert LESSON[number] == arguments


def test_a_kind_tells_precision_and_axes():
    tensor = torch.zeros(2, 3, requires_grad=True)
    found = [tensor, tensor.double(), np.zeros(4, dtype=bool), np.int64(3), np.float64(0.5)]
    said = ["tensor float32 2d", "tensor float64 2d", "array b 1d", "int64", "float"]
    assert [kind(thing) for thing in found] == said
    assert kind([(1, 0.5), (2, 1.0)]) == "list(tuple(float | int))"
    assert kind({"a": pd.Series([0.1])}) == "dict(str: Series float64)"
    assert kind(torch.optim.SGD([tensor], lr=1.0)) == "Optimizer"
