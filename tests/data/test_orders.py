"""Which classes run from low to high."""

import pandas as pd
import pytest

from ragteach.data.frames import as_frame
from ragteach.data.orders import PLACES, in_order

ORDERED = [
    (["1", "2", "10"], "stars"),
    (["1 star", "2 stars", "3 stars"], "label"),
    (["★", "★★", "★★★★"], "label"),
    (["very negative", "negative", "neutral", "positive", "very positive"], "sentiment"),
    (["Strongly disagree", "disagree", "neutral", "agree", "strongly agree"], "answer"),
    (["XS", "S", "M", "L", "XL"], "size"),
    (["F", "C", "B", "A"], "grade"),
    (["C", "B-", "B", "A+"], "label"),
    (["low", "medium", "high", "critical"], "priority"),
    (["never", "sometimes", "often", "always"], "label"),
    (["schlecht", "mittel", "gut", "sehr gut"], "label"),
    (["negativo", "neutro", "positivo"], "label"),
    (["负面", "中性", "正面"], "label"),
]
UNORDERED = [
    (["angry", "calm", "happy"], "mood"),
    (["team 1", "team 2", "team 3"], "team"),
    (["A", "B", "C"], "team"),
    (["billing", "other", "outage"], "label"),
    (["negative", "neutral", "positive", "spam"], "sentiment"),
    (["neutral", "mixed", "positive"], "sentiment"),  # two names of one place
    (["0", "1", "2"], "label"),  # codes
    (["anger", "joy", "neutral"], "emotion"),
]


@pytest.mark.parametrize(("names", "column"), ORDERED)
def test_an_order_is_found_however_the_names_are_sorted(names, column):
    for mixed in (names[::-1], sorted(names), names[1:] + names[:1]):
        assert in_order(mixed, column) == names


@pytest.mark.parametrize(("names", "column"), UNORDERED)
def test_no_order_is_claimed_of_names_that_have_none(names, column):
    assert in_order(names, column) is None


def test_a_scale_has_each_name_once_and_two_classes_stay():
    assert all(
        len(scale) > 2 and set(scale.values()) == {*range(1 + max(scale.values()))}
        for scale in PLACES
    )
    assert in_order(["b", "a"]) == ["b", "a"]


def test_an_ordered_category_says_so_as_often_as_it_is_read():
    values = pd.Categorical(["red", "amber", "green"] * 4, ["green", "amber", "red"], ordered=True)
    table = pd.DataFrame({"text": [f"text {i}" for i in range(12)], "label": values, "task": "a"})
    frame = as_frame(as_frame(table))
    assert frame.attrs["ordered"] and frame.attrs["label_names"] == ["green", "amber", "red"]
    plain = as_frame(table.assign(label=table["label"].astype(str)))
    assert "ordered" not in plain.attrs
    names = frame.attrs["label_names"]
    assert in_order(names) is None and in_order(names, known=True) == names
