"""Names instead of numbers: whatever a column holds, its names come out, in order, and no others."""

import datetime
import enum

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import refused

from ragteach.data.frames import as_frame
from ragteach.data.naming import MISSING, name_column, natural, ordered_values
from ragteach.data.wild.columns import find_columns


class Mood(enum.Enum):
    CALM = 1
    ANGRY = 2


COLUMNS = {
    "gaps": ([400001, 400000, 400001], ["400000", "400001"]),
    "negative": ([-1, -2, 10, 2], ["-2", "-1", "2", "10"]),
    "floats": ([1.0, 0.0, 1.0], ["0", "1"]),
    "halves": ([0.5, 1.5, 1.0], ["0.5", "1", "1.5"]),
    "float32": (np.array([0.1, 0.2], dtype=np.float32), ["0.1", "0.2"]),
    "booleans": ([True, False], ["False", "True"]),
    "words": (["b", "a", "b"], ["a", "b"]),
    "numbered words": (["step 10", "step 2"], ["step 2", "step 10"]),
    "numbers as text": (["10", "9"], ["9", "10"]),
    "numpy text": (np.array(["b", "a"]), ["a", "b"]),
    "mixed": ([1, "1", 1.0, True], ["1", "True"]),
    "nullable": (pd.Series([3, 1], dtype="Int64"), ["1", "3"]),
    "nullable booleans": (pd.Series([True, False], dtype="boolean"), ["False", "True"]),
    "category": (pd.Categorical(["b", "a"], ["b", "a", "never"]), ["a", "b"]),
    "ordered category": (
        pd.Categorical(["high", "low"], ["low", "middle", "high"], ordered=True),
        ["low", "high"],
    ),
    "number category": (pd.Categorical([10, 2]), ["2", "10"]),
    "intervals": (pd.cut([1, 9], [0, 5, 10]), ["(0, 5]", "(5, 10]"]),
    "dates": (pd.to_datetime(["2024-02-01", "2023-01-01"]), ["2023-01-01", "2024-02-01"]),
    "date objects": ([datetime.date(2024, 2, 1)], ["2024-02-01"]),
    "tensor": (torch.tensor([5, 3]), ["3", "5"]),
    "tuple": ((7, 1), ["1", "7"]),
    "bytes": ([b"b", b"a"], ["a", "b"]),
    "enum": ([Mood.CALM, Mood.ANGRY], ["Mood.ANGRY", "Mood.CALM"]),
    "spaces": ([" a", "a ", "b"], ["a", "b"]),
    "duplicated index": (pd.Series(["b", "a"], index=[0, 0]), ["a", "b"]),
    "beyond int64": ([2**70, 1], ["1", str(2**70)]),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_any_column_is_named(kind):
    values, names = COLUMNS[kind]
    named = name_column(values)
    assert named.names == names
    assert set(named.numbers.tolist()) == set(range(len(names)))
    assert len(named.numbers) == len(values)


@given(st.lists(st.integers(-(2**62), 2**62).filter(lambda n: n != MISSING), min_size=1))
@settings(max_examples=50, deadline=None)
def test_whole_numbers_keep_name_and_order(values):
    rows = values + values  # labels of one row each tell rows apart: many such are refused
    named = name_column(rows)
    assert [int(name) for name in named.names] == sorted(set(values))
    assert [named.names[i] for i in named.numbers] == [str(value) for value in rows]


NAMES = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S", "M"]), min_size=2
).filter(lambda name: name == name.strip() and len(name.casefold()) > 3)


@given(st.lists(NAMES, min_size=1, unique_by=str.casefold))
@settings(max_examples=50, deadline=None)
def test_words_of_any_script_keep_their_names(values):
    rows = values + values  # labels of one row each tell rows apart: many such are refused
    named = name_column(rows, missing="keep")
    assert sorted(named.names) == sorted(values)
    assert [named.names[i] for i in named.numbers] == rows


@pytest.mark.parametrize(
    "hole",
    [None, float("nan"), pd.NA, pd.NaT, "", "  ", "nan", "N/A", "unknown", "?", "None", -100],
)
@pytest.mark.parametrize("what", ["label", "task"])
def test_what_has_no_name_is_asked_about(hole, what):
    values = ["good", hole, "bad"]
    with refused(f"a {what} in every row", "1 of 3 rows", 'missing="drop"'):
        name_column(values, what)
    dropped = name_column(values, what, missing="drop")
    assert dropped.names == ["bad", "good"] and dropped.numbers.tolist() == [1, MISSING, 0]
    kept = name_column(values, what, missing="keep")
    assert len(kept.names) == 3 and MISSING not in kept.numbers


def test_missing_numbers_are_asked_about_too():
    for values in ([1.0, np.nan], pd.Series([1, None], dtype="Int64"), np.array([1, MISSING])):
        with refused("a label in every row", "1 of 2 rows", 'missing="keep"'):
            name_column(values)


def test_what_cannot_be_a_name_is_refused():
    with refused("finite labels", "label inf", "numpy.isinf"):
        name_column([1.0, float("inf")])
    with refused("one label in each row", "a list, such as [1]", "explode"):
        name_column([[1], [2]])
    with refused("names of classes", "50 different numbers in 50 rows", "RAGRegressor"):
        name_column(np.linspace(0.1, 1, 50))
    with refused("one column of labels", "shape (2, 2)", "label=['a', 'b']"):
        name_column(np.ones((2, 2)))
    with refused("one label for each row", "'good'", "a list"):
        name_column("good")


def test_names_of_the_training_data_stay_in_their_order():
    named = name_column(["b", "b"], names=["b", "a"])
    assert named.names == ["b", "a"] and named.numbers.tolist() == [0, 0]
    with refused("labels among ['a', 'b']", "label 'c', never seen", "spelling"):
        name_column(["c"], names=["a", "b"])


@pytest.mark.parametrize(
    ("names", "column", "values"),
    [
        (["1", "2", "5"], "label", [1, 2, 5]),
        (["-1", "0", "1"], "label", [-1, 0, 1]),
        (["0", "1", "2"], "label", None),  # codes
        (["0", "1", "2"], "Star rating", [0, 1, 2]),
        (["1", "2"], "stars", None),  # two classes have but one distance
        (["1", "2", "5 stars"], "stars", None),
        (["1", "2", "inf"], "stars", None),
        (["1", "2", "1e+999"], "stars", None),
        (["101", "202", "303"], "label", None),  # codes, so are the next ones
        (["7", "400000", "400001"], "label", None),
        (["0", "2", "3"], "label", None),
        ([str(n) for n in range(1, 78)], "intent", None),
        (["101", "202", "303"], "score", [101, 202, 303]),
        (["0", "50", "100"], "label", [0, 50, 100]),
        (["0", "0.5", "1.0"], "label", [0, 0.5, 1]),
    ],
)
def test_numbers_as_names_are_amounts_where_they_can_be(names, column, values):
    found = ordered_values(names, column)
    assert (None if found is None else found.tolist()) == values


@pytest.mark.parametrize("odd", ["198434e3", "1e9", "inf", "nan", "1_000", "0x10"])
def test_only_what_reads_like_a_number_is_one(odd):
    """A row's name in hexadecimal, or a word, stands behind the numbers, whatever float makes of it."""
    assert sorted([odd, "30", "1e-05", "2,5", "-4", "1E+01"], key=natural) == [
        "-4", "1e-05", "2,5", "1E+01", "30", odd
    ]  # fmt: skip


def test_natural_order_is_total():
    names = ["10", "2", "-1", "-2", "b", "B", "a10", "a2", "1e3", "½", "²", "inf", "1_000"]
    assert sorted(names, key=natural) == sorted(reversed(names), key=natural)


# ---------------------------------------------------------------- columns


@pytest.mark.parametrize(
    "names, found",
    [
        (["text", "label", "task"], ("text", "label", "task")),
        (["id", "Review Text", "Sentiment", "Domain"], ("Review Text", "Sentiment", "Domain")),
        (["review", "category"], ("review", "category", None)),
        (["review", "rating", "category"], ("review", "rating", "category")),
        (["text", "label", "language", "id"], ("text", "label", "language")),
        (["title", "text", "label"], ("text", "label", None)),
        (
            ["title", "customerReview", "review_score", "data.source"],
            ("customerReview", "review_score", "data.source"),
        ),
        (["sentence", "label_text", "label"], ("sentence", "label", None)),
        (["Subject", "Description", "Priority", "Queue"], ("Description", "Priority", "Queue")),
    ],
)
def test_columns_are_found_by_likeness(names, found):
    columns = find_columns(names)
    assert (columns.text, columns.label, columns.task) == found


def test_columns_found_by_likeness_are_shown(capsys):
    frame = pd.DataFrame({"review": ["a", "b"], "stars": [1, 5]})
    made = as_frame(frame)
    assert (
        capsys.readouterr().out == "columns: text = review, label = stars, task = none: one task\n"
    )
    assert made.attrs["columns"] == {"text": "review", "label": "stars", "task": None}


def test_two_columns_that_fit_are_an_error_that_lists_them():
    with refused("one column that can be the label", "sentiment, stars", "label='sentiment'"):
        find_columns(["review", "sentiment", "stars"])
    assert find_columns(["review", "sentiment", "stars"], label="stars").label == "stars"
    with refused("a column among review, stars", "no column 'star'", "spelling"):
        find_columns(["review", "stars"], label="star")
    with refused("a task column, or one label column per task", "beside", "leave task out"):
        find_columns(["text", "a", "b", "t"], label=["a", "b"], task="t")
