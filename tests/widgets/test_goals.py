"""Goals: a condition on an explorer's own numbers, judged in Python as in the page."""

import numpy as np
import pytest

import ragteach as rt
from ragteach.errors import RagteachError
from ragteach.widgets.goals import judge, parse


def test_a_condition_compares_measures_and_numbers():
    goals = parse({"Both": "a >= 0.5 and b < a", "One": "b == 1"}, ["a", "b"])
    assert judge(goals, {"a": 0.5, "b": 0.4}) == [True, False]
    assert judge(goals, {"a": 0.5, "b": 0.5}) == [False, False]
    assert judge(goals, {"a": 2, "b": 1}) == [True, True]
    assert judge(goals, {"a": np.float32(0.5), "b": 0.0}) == [True, False]
    third = parse({"A third": "a >= 0.3333"}, ["a"])
    # six digits: the page has float32
    assert judge(third, {"a": float(np.float32(0.3333))}) == [True]


def test_a_class_is_written_by_its_name_unless_that_is_a_number():
    goals = parse({"Praise": "reads == very_good"}, ["reads"], ["bad", "very good"])
    assert judge(goals, {"reads": 1}) == [True]
    assert judge(goals, {"reads": 0}) == [False]
    assert judge(parse({"Two": "n == 2"}, ["n"], ["2", "3"]), {"n": 2}) == [True]
    with pytest.raises(RagteachError, match="a number, or one of the explorer's"):
        parse({"Praise": "reads == good"}, ["reads"], ["bad", "very good"])


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ("find it", "Expected: goal to be a dict"),
        ({"find it": 3}, "Expected: goal to be a dict"),
        ({"find it": "accuracy"}, "Expected: a condition such as accuracy >= 0.6"),
        ({"find it": "accuracy >= 0.6 or lam < 1"}, "Expected: a condition such as"),
        ({"find it": "acuracy >= 0.6"}, "one of the explorer's: accuracy, lam"),
    ],
)
def test_what_is_no_goal_is_refused(goal, message):
    with pytest.raises(RagteachError, match=message):
        parse(goal, ["lam", "accuracy"])


def test_the_sharing_slider_measures_what_it_shows():
    goal = {"Share everything": "tied > 0.9", "Agree": "readings == 1"}
    w = rt.widgets.sharing_slider(n_per_task=20, lam=np.logspace(-5, -1, 5), goal=goal)
    assert w.measures()["lam"] == pytest.approx(1e-5)
    assert w.reached() == [False, False]  # there is something to do
    assert w.reached(lam=0.1)[0]
    assert w.measures(lam=0.1)["accuracy"] == w.measures()["right"]


def test_the_graph_editor_counts_the_weights_that_differ():
    w = rt.widgets.graph_editor(n_per_task=10, goal={"Two kinds": "kinds == 2 and edges == 4"})
    assert w.measures()["kinds"] == 4
    assert w.reached() == [False]
    assert w.reached(graph=[[1, 0], [1, 0], [0, 1], [0, 1]]) == [True]
    assert w.measures(graph=np.ones((4, 2)).tolist())["kinds"] == 1  # the article's sum collapses
    assert w.measures(lam_at=25)["kinds"] == 1  # by the weights: the adapters are all but gone


def test_the_other_explorers_measure_too():
    w = rt.widgets.gradient_step(goal={"Be sure": "p > 0.95"})
    assert [w.reached(steps=n) for n in (0, 20)] == [[False], [True]]
    assert w.measures(steps=1)["loss"] < w.measures(steps=0)["loss"]
    runs, data = rt.widgets.toy_runs(epochs=8)
    w = rt.widgets.trajectory_player(runs, data=data, goal={"Watch": "moved < 0.01 and step > 5"})
    assert w.measures(run=3, at=4)["moved"] < 1e-4
    table = rt.who_wins_map((0.0, 1.0), (5,), seeds=2, progress=False)
    w = rt.widgets.who_wins(table, goal={"Find": "RAG >= independent and relatedness == 1"})
    assert set(w.measures()) > {"lead", "clear", "full_sharing"}
    w = rt.widgets.init_lab(seeds=2, steps=10, goal={"Meet": "sum < shared"})
    assert w.measures(at=0)["step"] == 0


def test_the_playground_takes_a_goal_that_the_page_judges():
    w = rt.widgets.playground(goal={"Pass 60 %": "accuracy > 0.6"})
    assert w.spec["goals"][0]["when"] == [["accuracy", ">", 0.6]]
    with pytest.raises(RagteachError, match="playgrounds, which the page computes alone"):
        w.measures()
