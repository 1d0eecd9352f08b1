"""The sharing slider, in JupyterLab, under real keys and a real mouse."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from .conftest import at_rest
from .lab import Notebook

pytestmark = pytest.mark.browser

MAKE = """import ragteach as rt
w = rt.widgets.sharing_slider(n_per_task=30, sentence='<img src=x onerror=alert(1)> was quiet'); w"""


@pytest.fixture(scope="module")
def page(lab, browser):
    nb = Notebook(lab, browser, lab.notebook("sharing", MAKE))
    yield nb
    nb.close()


@pytest.fixture
def nb(page):
    """One page for all tests of this file: its cell is run again if its explorer is gone."""
    if not page.explorer().count():
        page.run_again()
        page.wait_for()
    page.as_new()
    return page


SAY = "e => e.shadowRoot.querySelector('.say').textContent"


def say(explorer):
    """What is said of the state; what the last move changed is another thing."""
    return re.sub(r" [+−]?[\d.]+ points[^.]* since your last move\.", "", explorer.evaluate(SAY))


def press(nb, key, n=1, i=0):
    nb.explorer(i).locator("input[type=range]").first.focus()
    for _ in range(n):
        nb.page.keyboard.press(key)
    nb.frames()


def picture(nb, i=0):
    png = nb.explorer(i).locator(".panels").screenshot()
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def changed(a, b):
    """Pixels that differ to the eye; an edge's smoothing may differ by a shade from drawing to
    drawing.
    """
    return int((abs(a - b).sum(-1) > 60).sum())


def test_jupyterlab_keeps_its_hands_off_our_keys_and_text_stays_text(nb):
    """Letters typed into the field write a sentence; as JupyterLab's shortcuts they would cut
    cells.
    """
    field = nb.explorer().locator("input[type=text]")
    field.focus()
    nb.page.keyboard.type("add xx bad jk")
    nb.frames()
    assert field.input_value() == "add xx bad jk"
    assert nb.page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 1
    text_stays_text(nb)
    assert nb.faults() == []


def text_stays_text(nb):
    """Of the data, and of the learner."""
    assert "<img" in nb.explorer().locator("select option").first.text_content()
    assert nb.explorer().locator("img").count() == 0
    nb.explorer().locator("input[type=text]").fill("<script>alert(1)</script> <b>good</b>")
    nb.frames()
    assert nb.explorer().locator("script, b:has-text('good')").count() == 0
    said = nb.explorer().locator(".panel.full .note").text_content()
    assert "+ script" in nb.explorer().locator(".strip thead").text_content() or "script" in said
    assert "b, good" in said or "good" in nb.explorer().locator(".strip thead").text_content()


def test_python_hears_where_the_learner_is_and_can_move_the_page(nb):
    press(nb, "End")
    nb.told("s => s.lam > 0.09")
    assert run_code(nb, "round(w.state['lam'], 6)") == "0.1"
    run_code(nb, "w.move(lam=0.001)")
    nb.settle()
    assert "λ = 0.001 " in say(nb.explorer())
    press(nb, "ArrowRight")
    assert "λ = 0.0012 " in say(nb.explorer())
    other_sentences_are_solved_beside_the_page(nb)
    assert nb.faults() == []


def other_sentences_are_solved_beside_the_page(nb):
    """JupyterLab lets the worker run; Python, asked for the same state, gets the same."""
    measures = "document.querySelector('.ragteach-explorer').shadowRoot.querySelector('.root').dataset.measures"
    at_rest(nb.page)
    before = nb.page.evaluate(measures)
    run_code(nb, "w.move(relatedness=0.0, n_per_task=10)")
    nb.page.wait_for_function(f"before => {measures} !== before", arg=before)
    found = json.loads(nb.page.evaluate(measures))
    assert found["accuracy"] != json.loads(before)["accuracy"]
    theirs = float(run_code(nb, "float(w.measures()['accuracy'])"))
    assert theirs == pytest.approx(found["accuracy"], abs=0.003)


def run_code(nb, code):
    """Run code in the notebook's kernel, beside the cells."""
    return nb.page.evaluate(
        """async (code) => {
      const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
      const future = kernel.requestExecute({ code: '', user_expressions: { it: code }, silent: true,
      store_history: false }); const reply = await future.done;
      const it = reply.content.user_expressions.it;
      if (it.status === 'error') throw new Error(it.evalue);
      return it.data['text/plain'];
    }""",
        code,
    )


def test_the_twin_steps_aside_for_the_live_view_and_comes_back(nb):
    image = nb.page.locator(".jp-OutputArea-output img")
    assert image.count() == 1 and len(image.get_attribute("alt") or "x" * 99) > 50
    nb.page.wait_for_function(
        "!document.querySelector('.jp-OutputArea-output img').checkVisibility()"
    )
    assert not nb.page.locator("details").is_visible()
    run_code(nb, "w.close()")
    nb.page.wait_for_function(
        "document.querySelector('.jp-OutputArea-output img').checkVisibility()"
    )


def test_saved_and_opened_again_it_is_back_and_without_its_kernel_too(nb):
    nb.save()
    saved = json.loads((nb.lab.notebooks / f"{nb.name}.ipynb").read_text(encoding="utf-8"))
    assert len(json.dumps(saved)) < 700_000 and "state" not in str(
        saved["metadata"].get("widgets", "")
    )
    nb.open()
    nb.wait_for()  # the kernel lives: the explorer is back, where it was
    press(nb, "ArrowRight", 3)
    assert nb.faults() == []
    nb.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    nb.open()
    nb.wait_for()  # drawn from what is saved
    before = say(nb.explorer())
    press(nb, "ArrowRight", 3)
    assert say(nb.explorer()) != before
    nb.page.locator(".jp-OutputArea img:visible").wait_for(state="detached")
    assert nb.explorer().count() == 1
