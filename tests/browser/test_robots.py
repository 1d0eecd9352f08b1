"""Driving the robots on the page: by slider, by key, by click, as a film, and without motion."""

import pytest

import ragteach as rt

from .conftest import ROOT, at_rest, go, rested

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def explorer():
    return rt.widgets.robot_player()


def arrows(page):
    return page.evaluate(f"{ROOT}.querySelector('.policy').getAttribute('d')")


def robot(page):
    return page.evaluate(
        f"['cx', 'cy'].map(k => Number({ROOT}.querySelector('.robot').getAttribute(k)))"
    )


def test_lambda_steers_the_policy_and_a_click_or_a_key_moves_the_start(on_disk, explorer):
    page = on_disk(explorer)
    shared = go(page, world=4, lam=10)
    before = arrows(page)
    first = page.locator("input[type=range]").first
    rested(page, lambda: first.press("Home"))
    assert arrows(page) != before
    assert go(page)["share_mirrored"] > shared["share_mirrored"] + 0.5
    go(page, start=9)
    rested(page, lambda: page.get_by_role("slider", name="Start:").press("Home"))
    assert robot(page) == pytest.approx([1.5 * size(page)] * 2, abs=1)
    goal = explorer.spec["cells"][4][explorer.spec["goals_at"][4]]
    middle = {"x": (goal[1] + 0.5) * size(page), "y": (goal[0] + 0.5) * size(page)}
    rested(page, lambda: page.locator("svg.still").first.click(position=middle))
    assert go(page)["expert"] == 0
    assert page.said == []


def size(page):
    """Pixels a cell: the map is eleven cells high."""
    return page.locator("svg.still").first.bounding_box()["height"] / 11


def test_a_drive_is_a_film_that_ends_at_the_goal(on_disk, explorer):
    page = on_disk(explorer)
    found = go(page, world=0, lam=10, at=0)
    begun = robot(page)
    press = "button => { button.click(); return button.textContent; }"
    assert "Pause" in page.get_by_role("button", name="Drive").evaluate(press)
    at_rest(page)  # the hand rests when the film does
    assert found["arrives"] and go(page)["moves"] >= found["expert"] > 0
    assert robot(page) != begun
    r, c = explorer.spec["cells"][0][explorer.spec["goals_at"][0]]
    assert robot(page) == pytest.approx([(c + 0.5) * size(page), (r + 0.5) * size(page)], abs=1)
    assert "arrives after" in page.locator(".say").inner_text()


def test_who_wants_no_motion_sees_the_end_at_once(on_disk, explorer):
    page = on_disk(explorer, reduced_motion="reduce")
    end = go(page, world=1, lam=3, at=500)["moves"]
    go(page, at=0)
    rested(page, page.get_by_role("button", name="Drive").click)
    assert go(page)["moves"] == end
    assert "Pause" not in page.locator(".root").inner_text()


def test_circles_are_called_circles(on_disk, explorer):
    page = on_disk(explorer, color_scheme="dark", viewport={"width": 400, "height": 900})
    cell = next(s for s in range(60) if not explorer.measures(world=3, lam=0, start=s)["arrives"])
    assert go(page, world=3, lam=0, start=cell)["arrives"] == 0
    assert "goes in circles for ever" in page.locator(".say").inner_text()
