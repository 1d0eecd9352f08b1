"""On a page without a kernel: the numbers of Python, goals that are reached, little that is read aloud."""

import itertools

import numpy as np
import pandas as pd
import pytest

import ragteach as rt

from .conftest import ROOT, go

pytestmark = pytest.mark.browser
SHARES = ("accuracy", "worst", "validation")
SENTENCE = 0.003  # one of 400: two answers that tie in float32 may fall either way


def small_map():
    """A table as `who_wins_map` gives it: 2 x 2 cells, three seeds."""
    rng = np.random.default_rng(0)
    cells = itertools.product((0.0, 1.0), (5, 20), range(3), ("RAG", "full sharing"))
    rows = [(*cell, rng.uniform(0.3, 0.9)) for cell in cells]
    columns = ["relatedness", "n_per_task", "seed", "strategy", "value"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(task="mean", metric="accuracy", draws="fresh", test_per_train=0.0)


def network():
    """A trained network, sentences, and what it reads."""
    model, read = rt.widgets.toy_network()
    return model, ["The plot was dull", "A funny ending"], read


# How an explorer is made, the states to look at, and the conditions of a goal: reached at the end, not at first.
CASES = {
    "sharing": (
        lambda goal: rt.widgets.sharing_slider(n_per_task=20, goal=goal),
        [{"lam": 0.1}, {"lam": 0.001, "sentence": 2}, {"lam": 0.1, "typed": "the quiet ending"}],
        "tied > 0.9",
    ),
    "graphs": (
        lambda goal: rt.widgets.graph_editor(n_per_task=20, goal=goal),
        [{"lam_at": 25}, {"lam_at": 12, "graph": [[1, 0], [1, 0], [0, 1], [0, 1]]}],
        "kinds == 2 and edges == 4",
    ),
    "winners": (
        lambda goal: rt.widgets.who_wins(small_map(), goal=goal),
        [{"r": 0, "n": 0}, {"r": 1, "n": 1}],
        "behind_RAG == furthest_RAG and lost < 2",
    ),
    "player": (
        lambda goal: rt.widgets.trajectory_player(
            **dict(zip(("runs", "data"), rt.widgets.toy_runs(epochs=20), strict=True)), goal=goal
        ),
        [{"at": 0, "run": 1}, {"at": 7, "run": 3}],
        "moved < 0.001 and step > 5",
    ),
    "starts": (
        lambda goal: rt.widgets.init_lab(seeds=3, steps=40, goal=goal),
        [{"scale": 2, "at": 5}, {"lam": 2, "scale": 5, "at": 30, "lr": 2}, {"init": 1, "at": 40}],
        "free > 0 and scale == 3",
    ),
    "steps": (
        lambda goal: rt.widgets.gradient_step(goal=goal),
        [{"steps": 3, "label": 0}, {"steps": 20, "rate": 8}],
        "p > 0.99 and steps == 20",
    ),
    "movements": (
        lambda goal: rt.widgets.adapter_explorer(*network(), goal=goal),
        [
            {"strength": 0},
            {"strength": 15, "layer": 2, "sentence": 1},
            {"strength": 15, "layer": 3},
        ],
        "layer == widest and strength == 1.5",
    ),
    "robots": (
        lambda goal: rt.widgets.robot_player(goal=goal),
        [
            {"lam": 3, "world": 4},
            {"lam": 0, "world": 3, "start": 20, "at": 3},
            {"lam": 2, "at": 500},
        ],
        "share_mirrored > 0.8 and share_wind > 0.7 and world == 4",
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_the_page_measures_what_python_measures_and_says_when_a_goal_is_reached(on_disk, kind):
    make, states, condition = CASES[kind]
    w = make({"Bring it about": condition})
    page = on_disk(w)
    assert page.locator(".goals").inner_text() == "Your task: Bring it about"
    assert w.reached() == [False]
    at, ever = {}, False
    for state in states:
        at |= state
        found = go(page, **state)
        expected = w.measures(**at)
        for name, value in found.items():
            abs_ = SENTENCE if name in SHARES else 2e-4
            assert value == pytest.approx(expected[name], rel=2e-3, abs=abs_), name
        assert set(found) == set(expected)
        if w.reached(**at)[0] and not ever:
            assert page.locator(".heard").inner_text().endswith("Reached: Bring it about")
        ever = ever or w.reached(**at)[0]  # what was reached stays reached
        assert (page.locator(".goals .done").count() == 1) == ever
    assert ever
    assert page.locator(".goals").inner_text() == "✓ Reached: Bring it about"
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function(f"{ROOT}.querySelector('.goals').textContent.startsWith('Your task')")
    assert page.said == []
