"""The sharing slider on a page of its own: what is explained adds up, whatever the data are called."""

import json
import re

import numpy as np
import pytest

import ragteach as rt
from ragteach.widgets.sharing import read

from .conftest import ROOT, go, rested
from .kinds import CLASSES, own_frame

pytestmark = pytest.mark.browser
LAMS = np.logspace(-5, -1, 5)


def number(text):
    return float(text.replace("−", "-").replace("%", ""))


def strip(page):
    """The rows of the strip: class, bias, words, sum, probability."""
    rows = page.locator(".strip tbody tr").all()
    return [
        [
            row.locator("th").inner_text(),
            *[number(b) for b in row.locator("td b").all_inner_texts()],
        ]
        for row in rows
    ]


@pytest.mark.parametrize(
    "state", [{"lam": 1e-5}, {"lam": 0.1, "sentence": 3}, {"typed": "bad good--"}]
)
def test_the_strip_sums_to_the_probability_and_agrees_with_the_verdict(on_disk, state):
    w = rt.widgets.sharing_slider(own_frame(), lam=LAMS)
    page = on_disk(w)
    go(page, **state)
    for t in range(4):
        button = page.locator(".readers button").nth(t)
        rested(page, button.click)
        rows = strip(page)
        z = np.array([row[-2] for row in rows])
        assert [sum(row[1:-2]) for row in rows] == pytest.approx(z, abs=0.006 * len(rows[0]))
        p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
        assert [row[-1] / 100 for row in rows] == pytest.approx(p, abs=0.012)
        said = button.inner_text().replace("\n", " ")
        best = rows[int(z.argmax())]
        assert best[0] in said and f"{best[-1]:.0f} %" in said
    assert {row[0] for row in rows} == set(CLASSES)
    assert page.said == []


def test_the_page_reads_as_python_reads(on_disk):
    """Whole vocabulary, the tokeniser's odd cases: every score to five digits of a double."""
    w = rt.widgets.sharing_slider(n_per_task=40, lam=LAMS)
    for text in ("great' dogs' good-- The QUIET ending", "don't - stop ... it's predictable", "x"):
        page = on_disk(w)
        go(page, typed=text, lam=1e-3, reader=1)
        z = [row[-2] for row in strip(page)]
        theirs = read(*w._measure.args, 2, {**w.spec["start"], "typed": text})
        assert z == pytest.approx(theirs[1], abs=0.0051)


def test_a_sentence_of_two_hundred_words_and_thirty_tasks_fit(on_disk):
    text = " ".join(rt.make_toy(n_per_task=30).text[:30])
    assert len(text.split()) > 200
    for w in (
        rt.widgets.sharing_slider(n_per_task=30, lam=LAMS, sentence=text),
        rt.widgets.sharing_slider(own_frame(30), lam=LAMS),
        rt.widgets.sharing_slider(own_frame(1, 60), lam=LAMS),
    ):
        page = on_disk(w)
        assert page.locator(".root").bounding_box()["height"] < 1000
        assert len(strip(page)[0]) <= 17
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.said == []


def test_other_toy_sentences_are_made_and_solved_in_the_page_as_python_does_it(on_disk):
    """Without a kernel: relatedness, sentences per task and seed; the copied code says where."""
    knobs = {"relatedness": 0.25, "n_per_task": 10, "seed": 3}
    w = rt.widgets.sharing_slider(n_per_task=20, lam=LAMS)
    page = on_disk(w)
    first = page.locator(".say").inner_text()
    found = go(page, **knobs, lam=1e-3)
    theirs = w.measures(**knobs, lam=1e-3)
    assert set(found) == set(theirs)
    assert found == pytest.approx(theirs, rel=2e-3, abs=0.003)
    assert theirs["accuracy"] != w.measures(lam=1e-3)["accuracy"]
    rested(page, lambda: page.get_by_role("slider", name="Seed").press("ArrowRight"))
    assert page.evaluate("RAGTEACH_MODELS[0].get('state').seed") == 4
    page.get_by_role("button", name="Copy as code").click()
    assert "relatedness=0.25, n_per_task=10, seed=4" in page.locator(".tools ~ pre").inner_text()
    rested(page, page.get_by_role("button", name="Reset").click)
    assert page.locator(".say").inner_text().startswith(first)
    assert page.said == []


def looks(page):
    """Colour, dash and marker of every entry of the legend."""
    script = """e => [...e.querySelectorAll('.sample')].map((svg) => [svg.querySelector('line').getAttribute('stroke'),
      svg.querySelector('line').getAttribute('stroke-dasharray'), svg.querySelector('path, circle')?.getAttribute('d')].join())"""
    return page.locator(".legend").evaluate(script)


def test_of_thirty_tasks_no_two_look_alike(on_disk):
    found = looks(on_disk(rt.widgets.sharing_slider(own_frame(30), lam=LAMS)))
    assert len(found) == 31 == len(set(found))


def test_what_is_under_the_hand_stands_out_everywhere(on_disk):
    page = on_disk(rt.widgets.sharing_slider(n_per_task=20, lam=LAMS))
    page.locator(".readers button").nth(2).hover()
    lit = page.evaluate(
        "[...document.querySelector('.ragteach-explorer').shadowRoot.querySelectorAll('.on')]"
        ".map((node) => node.tagName + node.dataset.task)"
    )
    assert {"BUTTON2", "g2", "path2"} <= set(lit) and all(name.endswith("2") for name in lit)
    page.mouse.move(2, 2)
    assert page.locator(".on").count() == 0


def test_a_move_says_what_it_changed_and_states_can_be_swapped(on_disk):
    page = on_disk(rt.widgets.sharing_slider(n_per_task=20, lam=LAMS))
    first = go(page, lam=1e-5)["accuracy"]
    page.get_by_role("button", name="Pin this state").click()
    found = go(page, lam=0.1)["accuracy"]
    said = page.locator(".say").inner_text()
    gain = float(re.search(r"([+−]?[\d.]+) points against the pinned", said)[1].replace("−", "-"))
    assert gain == pytest.approx(100 * (found - first), abs=0.051)
    rested(page, page.get_by_role("button", name="Swap with the pinned").click)
    back = json.loads(page.locator(".root").get_attribute("data-measures"))
    assert back["accuracy"] == first
    assert page.locator("line.ghost").get_attribute("visibility") == "visible"


def test_a_finger_drags_the_chart_to_its_end(on_disk):
    page = on_disk(rt.widgets.sharing_slider(n_per_task=20, lam=LAMS), has_touch=True)
    box = page.locator(".picture").first.bounding_box()
    touch = page.context.new_cdp_session(page)
    y = box["y"] + 100
    for kind, part in [("touchStart", 0.2), *[("touchMove", 0.2 + 0.1 * i) for i in range(7)]]:
        point = {"x": box["x"] + part * box["width"], "y": y}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function(
        f"end => {ROOT}.querySelector('input[type=range]').value === end", arg=str(len(LAMS) - 1)
    )


def test_every_part_of_a_sentence_is_in_sight_at_any_width(on_disk):
    """Beside each other, or below each other on a phone; what does not fit is one sum, and all of it adds up."""
    page = on_disk(rt.widgets.sharing_slider(own_frame(), lam=LAMS))
    for width in (1280, 800, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(f"{ROOT}.clientWidth <= {width}")
        cut = "e => e.scrollWidth - e.parentElement.clientWidth"
        assert page.locator(".strip").evaluate(cut) <= 0, width
        rows = strip(page)
        if page.locator(".strip.turned").count():
            rows = list(zip(*(row[1:] for row in rows), strict=True))
        else:
            rows = [row[1:] for row in rows]
        assert len(rows) == len(CLASSES)
        for *parts, z, _ in rows:
            assert sum(parts) == pytest.approx(z, abs=0.006 * len(parts))
    assert page.locator(".strip.turned").count() == 1
