"""Names exchanged and left out before anything is trained, in Python and from a terminal."""

import argparse

import numpy as np
import pandas as pd
import pytest
from problems import refused

import ragteach as rt
from ragteach.data.wild.asked import asked_frame


def frame():
    return pd.DataFrame(
        {
            "review": ["a", "b", "c", "d", "e"],
            "stars": [5, "5 stars", 1, 4.0, None],
            "shop": ["x", "x", "X ", "y", "y"],
        }
    )


def test_names_are_exchanged_then_left_out_then_counted():
    done = rt.mend(
        frame(), rename_labels={"5 stars": "5"}, rename_tasks={"X": "x"}, drop_tasks=["y"]
    )
    assert list(done.columns) == ["review", "stars", "shop"]
    assert done["stars"].tolist() == ["5", "5", "1"] and set(done["shop"]) == {"x"}
    assert done.attrs["mended"] == [
        "the label '5 stars' is read as '5' (1 row)",
        "the task 'X' is read as 'x' (1 row)",
        "the task 'y' and its 2 rows are left out",
    ]


def test_what_was_not_asked_for_stays_as_it_is():
    done = rt.mend(frame(), drop_tasks=["X"])
    pd.testing.assert_frame_equal(done, frame().drop(2).reset_index(drop=True))


def test_small_tasks_are_left_out_by_their_number_of_rows():
    done = rt.mend(frame(), least_rows=2, missing="keep")
    assert done["shop"].tolist() == ["x", "x", "y", "y"]
    said = "1 task of fewer than 2 rows, with 1 row in all, is left out: 'X'"
    assert done.attrs["mended"] == [said]


def test_rows_without_a_label_do_not_make_a_task_large():
    """Four rows of y, of which one has a label; none of z has."""
    shop = list("xxxyyyyzzz")
    stars = ["1", "5", "1", "5", None, "", np.nan, None, None, None]
    table = pd.DataFrame({"text": list("abcdefghij"), "label": stars, "task": shop})
    done = rt.mend(table, least_rows=2)
    assert done["task"].tolist() == ["x", "x", "x"]
    said = "2 tasks of fewer than 2 rows, with 7 rows in all, are left out: 'z', 'y'"
    assert done.attrs["mended"] == [said]


def test_a_frame_that_has_its_names_keeps_them():
    toy = rt.make_toy(n_per_task=10)
    done = rt.mend(toy, drop_tasks=["cars"], rename_labels={"neutral": "negative"})
    named = rt.as_frame(done)
    assert named.attrs["label_names"] == ["negative", "positive"]
    assert named.attrs["task_names"] == ["films", "food", "phones"]
    assert len(named.attrs["mended"]) == 2
    rows = toy[toy["task"] != "cars"]
    assert (named["label"].to_numpy() == (rows["label"] == 2).to_numpy()).all()


def test_label_columns_are_tasks():
    table = pd.DataFrame({"text": ["a", "b"], "mood": ["+", "plus"], "topc": ["x", None]})
    done = rt.mend(
        table,
        label=["mood", "topc"],
        rename_labels={"plus": "+"},
        rename_tasks={"topc": "topic"},
    )
    assert done["mood"].tolist() == ["+", "+"] and done["topic"].iloc[0] == "x"
    with refused("a task among 'mood', 'topc'", "no task 'topic'"):
        rt.mend(table, label=["mood", "topc"], drop_tasks=["topic"])


@pytest.mark.parametrize(
    ("options", "expected", "got"),
    [
        ({"drop_tasks": ["z"]}, "a task among 'X', 'x', 'y'", "no task 'z'"),
        ({"rename_labels": {"6": "5"}}, "a label among '1', '4', '5', '5 stars'", "no label '6'"),
        ({"drop_tasks": ["x", "X", "y"]}, "at least one row", "none"),
        ({"rename_tasks": {"x": " "}}, "new names", "x"),
        ({"drop_tasks": "x"}, "drop_tasks", "x"),
        ({"least_rows": 0}, "least_rows", "0"),
        ({"least_rows": 1000}, "at least one row", "none"),
    ],
)
def test_what_cannot_be_mended_is_refused(options, expected, got):
    with refused(
        expected,
        got,
        "lower least_rows=1000" if got == "none" and "least_rows" in options else None,
    ):
        rt.mend(frame(), **options)


def test_a_name_that_is_nearly_there_is_named():
    with refused("a task among", "no task 'fimls'", "did you mean 'films'?"):
        rt.mend({"text": ["a"], "label": [1], "task": ["films"]}, drop_tasks=["fimls"])


def test_the_options_of_a_terminal_do_the_same(tmp_path):
    path = tmp_path / "mine.csv"
    frame().to_csv(path, index=False)
    given = {"rename_label": ["5 stars=5"], "rename_task": ["X=x"], "drop_label": ["4.0"]}
    plain = dict.fromkeys(("text", "label", "task", "encoding", "separator"))
    options = argparse.Namespace(**plain, missing="drop", **given)
    found = asked_frame(str(path), options)
    assert found.attrs["label_names"] == ["1", "5"] and len(found) == 3
    assert found.attrs["left_out"] == {"rows": 1, "text": 0, "label": 1, "task": 0}
    options.rename_label = ["5 stars"]
    with refused("--rename-label OLD=NEW", "--rename-label 5 stars"):
        asked_frame(str(path), options)


def test_a_table_forgets_the_task_that_was_left_out(tmp_path):
    rows = pd.DataFrame(
        {"text": list("abcdef"), "label": ["x", "y"] * 3, "task": ["p", "p", "q", "q", "r", "r"]}
    )
    rows.to_csv(tmp_path / "mine.csv", index=False)
    known = rt.load_csv(tmp_path / "mine.csv")
    assert known.attrs["task_names"] == ["p", "q", "r"]
    mended = rt.mend(known, drop_tasks=["r"])
    assert "r" not in mended.attrs.get("task_names", [])
    assert rt.MultiTaskDataset.from_frame(mended).task_names == ["p", "q"]
