"""Columns stand straight in a terminal, whatever the script."""

import pandas as pd
import pytest

from ragteach import MultiTaskDataset
from ragteach.ground.aligned import aligned, padded, width

NAMES = [
    "film",
    "\u6620\u753b\u3068\u8eca",
    "\u0e14\u0e35\u0e21\u0e32\u0e01",
    "\u0905\u091a\u094d\u091b\u0940",
    "cafe\u0301",
    "\uff2a",
]


@pytest.mark.parametrize("name, columns", [*zip(NAMES, [4, 8, 4, 4, 4, 2], strict=True)])
def test_a_letter_takes_two_columns_one_or_none(name, columns):
    # The last of Hindi's signs here has a column of its own (Mc), the one before has none (Mn).
    assert width(name) == columns
    assert width(padded(name, 12)) == width(padded(name, 12, right=True)) == 12


def test_every_line_of_a_table_ends_at_the_same_column():
    table = pd.DataFrame({"task": NAMES, "rows": range(6), "mean": [0.5, float("nan"), 1, 2, 3, 4]})
    lines = aligned(table, decimals=2).splitlines()
    assert {width(line) for line in lines} == {width(lines[0])}
    assert lines[1].split() == ["film", "0", "0.50"] and lines[2].endswith("NaN")


def test_a_dataset_of_such_names_shows_itself_straight():
    data = MultiTaskDataset(list("abcdef"), [0, 1] * 3, 2, NAMES)
    lines = repr(data).splitlines()[1:8]
    assert len({width(line) for line in lines}) == 1
