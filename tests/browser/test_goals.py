"""On a page without a kernel: the numbers of Python, goals that are reached, little that is read aloud."""

import pytest

import ragteach as rt

from .conftest import go

pytestmark = pytest.mark.browser
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
        assert found == pytest.approx(w.measures(**at), rel=2e-3, abs=2e-4)
        if w.reached(**at)[0] and not ever:
            assert page.locator(".heard").inner_text().endswith("Reached: Bring it about")
        ever = ever or w.reached(**at)[0]  # what was reached stays reached
        assert (page.locator(".goals .done").count() == 1) == ever
    assert ever
    assert page.locator(".goals").inner_text() == "✓ Reached: Bring it about"
    page.get_by_role("button", name="Reset").click()
    page.wait_for_timeout(100)
    assert page.locator(".goals").inner_text() == "Your task: Bring it about"
    assert page.said == []
