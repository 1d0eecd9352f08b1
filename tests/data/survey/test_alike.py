"""Names that may be one: what is seen, what is not, and one warning for all."""

import warnings

import pandas as pd
import pytest

import ragteach as rt
from ragteach.data.frames import NamesWarning
from ragteach.data.survey.alike import look_alikes


def seen(rows):
    return {(alike.odd, alike.like) for alike in look_alikes("label", rows)}


@pytest.mark.parametrize(
    ("odd", "like", "others"),
    [
        ("Good", "good", ["bad"]),
        ("Corner  cafe", "Corner Café", []),
        ("GardenCo", "Garden Co", []),
        ("５", "5", ["4"]),
        ("5 stars", "5", ["4", "1"]),
        ("5.0", "5", ["4"]),
        ("05", "5", ["4"]),
        ("5/5", "5", ["4"]),
        ("4 out of 5", "4", ["5"]),
        ("five", "5", ["4"]),
        ("★★★★☆", "4", ["5"]),
        ("-1 (bad)", "-1", ["1", "0"]),
        ("Bokshop", "Bookshop", []),
        ("Bookhsop", "Bookshop", []),
        ("gardeen", "garden", ["kitchen"]),
        ("новост", "новости", []),
    ],
)
def test_a_slip_is_seen(odd, like, others):
    rows = dict.fromkeys([like, *others], 40) | {odd: 1}
    assert seen(rows) == {(odd, like)}
    assert f"{odd!r}" in str(look_alikes("label", rows)[0])


@pytest.mark.parametrize(
    "names",
    [
        ["positive", "negative", "neutral"],
        ["shop 1", "shop 2", "shop 12"],
        ["v1.0", "v1.1"],
        ["class A", "class B", "class C"],
        ["<=50K", ">50K"],
        ["C", "C++", "C#"],
        ["+", "-"],
        ["A", "A+", "A-"],
        ["de", "da", "en"],
        ["1", "2", "3", "10"],
        ["-1", "1"],
        ["related", "unrelated"],
        ["いい", "わるい"],
        ["か", "が"],
        ["2019 sales", "2020 sales"],
        ["🙂", "🙁"],
        [":)", ":("],
    ],
)
def test_what_is_another_name_is_not(names):
    assert seen(dict.fromkeys(names, 40) | {names[0]: 1}) == set()


def test_a_name_that_many_rows_have_is_no_typo():
    assert seen({"gardens": 30, "garden": 40}) == set()
    assert seen({"Good": 30, "good": 40}) == {("Good", "good")}  # but case is never meant


def test_thousands_of_names_are_compared_in_one_pass():
    rows = {f"customer {i:05d} of the shop": 3 for i in range(3000)} | {"custmer": 1, "customer": 9}
    assert seen(rows) == {("custmer", "customer")}


def test_one_warning_says_all_of_it_once():
    texts = [f"text number {i}" for i in range(40)]
    table = {"text": texts, "label": ["good", "bad"] * 20, "task": ["films", "cars"] * 20}
    table["label"][0], table["task"][0], table["label"][1] = "Good", "film", "Bad"
    with pytest.warns(NamesWarning, match=r"(?s)'Bad' \(1 row\).*rt\.mend.*And 2 more") as said:
        frame = rt.as_frame(pd.DataFrame(table))
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the frame has been named: nothing is said again
        data = rt.MultiTaskDataset.from_frame(frame)
        rt.as_frame(frame)
        rt.MultiTaskDataset.from_frame(frame.iloc[:20], like=data)
    assert set(data.task_names) == {"films", "film", "cars"}  # and nothing is merged by itself


def test_one_word_among_numbers_makes_codes_of_them():
    stars = pd.DataFrame({"text": "a b c d".split() * 4, "task": "x", "label": [1, 2, 4, 5] * 4})
    stars["label"] = stars["label"].astype(object)
    stars.loc[3, "label"] = "5 stars"
    with pytest.warns(NamesWarning, match="'1' as 0 to '5 stars' as 4, not the numbers") as said:
        assert rt.as_frame(stars)["label"].max() == 4
    assert "--rename-label '5 stars=5'" in str(said[0].message)
    words = stars.assign(label=["good", "Good", "bad", "so-so"] * 4)
    with pytest.warns(NamesWarning) as said:
        rt.as_frame(words)
    assert "codes" not in str(said[0].message)
