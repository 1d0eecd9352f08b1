"""A learner's own data in the explorers: their classes' names and order, many tasks, long names."""

import functools
import re

import pytest

import ragteach as rt

from .conftest import ROOT, at_rest, rested
from .kinds import many_frame, many_runs, many_step

pytestmark = pytest.mark.browser
SCREEN = {"width": 1280, "height": 800}
LAMS = [1e-5, 1e-3, 1e-1]
MOODS = ["angry", "calm", "happy"]
LEVELS = ["high", "low", "medium"]


def sharing(frame):
    return rt.widgets.sharing_slider(frame, lam=LAMS)


def starts(frame):
    return rt.widgets.init_lab(frame, seeds=2, steps=20)


def playground(frame):
    w = rt.widgets.playground()
    w.own = {"own": frame.to_csv(index=False), "graph": [], "at": 400}
    return w


def moved(page, w):
    """A page after the learner's first move: the playground gets its table so."""
    at_rest(page)
    if to := getattr(w, "own", None):
        rested(page, lambda: page.evaluate("to => RAGTEACH_MODELS[0].hear({ move: to })", to))
    return page


AXES = f"""() => [...{ROOT}.querySelectorAll('svg text')].map((text) => text.textContent)
  .filter((text) => text.includes('←') && !text.includes('λ'))"""


@pytest.mark.parametrize("make", [sharing, starts, playground], ids=lambda f: f.__name__)
def test_an_axis_runs_from_low_to_high_or_is_for_one_class(on_disk, make):
    """Under the classes' own names: no order is pretended that angry, calm and happy do not have."""
    for classes in (MOODS, LEVELS):
        w = make(many_frame(2, classes))
        page = moved(on_disk(w, reduced_motion="reduce"), w)
        axes = page.evaluate(AXES)
        choice = page.get_by_label(re.compile("^Weights? for the class$"))
        if classes is LEVELS:
            assert axes and all(re.match("low +← .* → +high$", axis) for axis in axes)
            assert not any(one.is_visible() for one in choice.all())
            continue
        for place in (2, 0):
            rested(page, functools.partial(choice.select_option, str(place)))
            axes = page.evaluate(AXES)
            expected = f"other classes +← .* → +{classes[place]}$"
            assert axes and all(re.match(expected, axis) for axis in axes)
        assert page.said == []


@pytest.mark.parametrize(
    ("classes", "said"), [(MOODS, "minus the other classes"), (LEVELS, "high minus low")]
)
def test_of_a_word_the_player_says_which_class_against_which(classes, said):
    runs, data = many_runs(many_frame(2, classes), epochs=2)
    axes = rt.widgets.trajectory_player(runs, data=data).spec["axes"][1]
    assert all(said in axis for axis in axes)


LONG = {
    "sharing, 8 tasks": lambda: sharing(many_frame(8, 8, long=True)),
    "sharing, 12 tasks": lambda: sharing(many_frame(12, 5, long=True)),
    "graphs, 8 tasks": lambda: rt.widgets.graph_editor(many_frame(8, 8, long=True)),
    "starts, 12 tasks": lambda: starts(many_frame(12, 5, long=True)),
    "player, 12 tasks": lambda: rt.widgets.trajectory_player(
        *many_runs(many_frame(12, 5, long=True), epochs=4)[:1]
    ),
    "steps, 8 classes": lambda: many_step(many_frame(8, 8, long=True)),
    "playground, 3 tasks": lambda: playground(many_frame(3, MOODS)),
    "playground, 8 tasks": lambda: playground(many_frame(8, 8, long=True)),
}
# Names that are cut, by where they stand: no two may look alike.
CUT = f"""() => ['text > title', 'th[title]', '.legend bdi[title]'].flatMap((name) => {{
  const found = new Map();
  for (const node of {ROOT}.querySelectorAll(name)) {{
    const whole = node.title || node.textContent, place = node.closest('table, svg, .legend');
    const shown = (node.title ? node.textContent : node.parentNode.firstChild.textContent).trim();
    const key = shown + '|' + [...{ROOT}.querySelectorAll('table, svg, .legend')].indexOf(place);
    if (found.has(key) && found.get(key) !== whole) return [[name, shown, whole]];
    found.set(key, whole);
  }}
  return [];
}})"""


@pytest.mark.filterwarnings("ignore:the texts of")  # a salad of words: some are near twins
@pytest.mark.parametrize("name", LONG)
def test_slider_sentence_and_pictures_fit_one_screen(on_disk, name):
    """With many tasks, many classes and long names too; and names that are cut stay apart."""
    w = LONG[name]()
    page = moved(on_disk(w, viewport=SCREEN, reduced_motion="reduce"), w)
    page.wait_for_function(f"!/^(Training|Solving)/.test({ROOT}.querySelector('.say').textContent)")
    bottom = page.evaluate(f"{ROOT}.querySelector('.panels').getBoundingClientRect().bottom")
    assert bottom <= SCREEN["height"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(CUT) == []
    assert page.said == []
